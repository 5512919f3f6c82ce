//! Versions: what an entry depends on, and the keys beside the entries.
//!
//! Beside the entries there are three kinds of keys. Each holds a random version, and to invalidate is to delete it:
//! a version that is gone, by whatever cause, makes entries a miss and never brings one back.
//!
//! ```text
//! restis:version:{namespace}       of the whole namespace
//! restis:tag:{namespace}:{tag}     of one tag
//! restis:tags:{namespace}          deleted with any tag of the namespace
//! restis:refresh:{key}:{id}        somebody refreshes the value {id} of {key}, or did so in vain
//! ```

use super::{record::Record, store::Found};

/// Something whose version an entry depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Namespace,
    Tag(String),
    AnyTag,
}

/// Versions as they were read. The first is the namespace's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Versions(pub(super) Vec<Version>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) marker: Marker,
    pub(super) found: Option<String>,
    /// It has to be there when a value is stored. Others are only compared.
    needed: bool,
}

impl Versions {
    pub(super) fn of(tags: &[String], any: bool) -> Self {
        let mut versions = Self(Vec::new());
        versions.add(Marker::Namespace, true);
        for tag in tags {
            versions.add(Marker::Tag(tag.clone()), true);
        }
        if any {
            versions.add(Marker::AnyTag, true);
        }
        versions
    }

    pub(super) fn of_record(record: &Record) -> Self {
        let tags = record.head.tags.iter().map(|(tag, _)| tag.clone());
        Self::of(&tags.collect::<Vec<_>>(), false)
    }

    pub(super) fn add(&mut self, marker: Marker, needed: bool) {
        if !self.0.iter().any(|version| version.marker == marker) {
            self.0.push(Version {
                marker,
                found: None,
                needed,
            });
        }
    }

    pub(super) fn keys(&self, namespace: &str) -> Vec<String> {
        let keys = self.0.iter().map(|version| match &version.marker {
            Marker::Namespace => version_key(namespace),
            Marker::Tag(tag) => tag_key(namespace, tag),
            Marker::AnyTag => any_tag_key(namespace),
        });
        keys.collect()
    }

    pub(super) fn fill(&mut self, found: impl Iterator<Item = Found>) {
        for (version, found) in self.0.iter_mut().zip(found) {
            version.found = found.text();
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.0.iter().all(|version| !version.is_missing())
    }

    pub(super) fn get(&self, marker: &Marker) -> Option<&str> {
        let known = self.0.iter().find(|version| version.marker == *marker);
        known.and_then(|version| version.found.as_deref())
    }

    pub(super) fn of_tag(&self, tag: &str) -> Option<&str> {
        self.get(&Marker::Tag(tag.to_owned()))
    }

    pub(super) fn asks_for(&self, tag: &str) -> bool {
        let is_it = |marker: &Marker| matches!(marker, Marker::Tag(known) if known == tag);
        self.0.iter().any(|version| is_it(&version.marker))
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.get(&Marker::Namespace)
    }

    /// The tags with their versions; `None` if one has none.
    pub(super) fn pairs(&self, tags: &[String]) -> Option<Vec<(String, String)>> {
        let pair = |tag: &String| Some((tag.clone(), self.of_tag(tag)?.to_owned()));
        tags.iter().map(pair).collect()
    }

    /// Whether nothing that the record depends on was invalidated.
    pub(super) fn agree_with(&self, record: &Record) -> bool {
        self.namespace() == Some(&*record.head.namespace)
            && record
                .head
                .tags
                .iter()
                .all(|(tag, version)| self.of_tag(tag) == Some(version))
    }
}

impl Version {
    pub(super) fn is_missing(&self) -> bool {
        self.needed && self.found.is_none()
    }
}

pub(super) fn version_key(namespace: &str) -> String {
    format!("restis:version:{namespace}")
}

pub(super) fn tag_key(namespace: &str, tag: &str) -> String {
    format!("restis:tag:{namespace}:{tag}")
}

pub(super) fn any_tag_key(namespace: &str) -> String {
    format!("restis:tags:{namespace}")
}

pub(super) fn refresh_key(key: &str, record: &Record) -> String {
    format!("restis:refresh:{key}:{}", record.head.id)
}
