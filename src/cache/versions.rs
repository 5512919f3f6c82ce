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

use std::{collections::HashMap, sync::Arc};

use super::{record::Record, store::Found};

/// Something whose version an entry depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Namespace,
    Tag(Arc<str>),
    AnyTag,
}

/// Versions as they were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    list: Vec<Version>,
    /// Where each tag is in the list: an entry may have thousands, and a call thousands of entries.
    tags: HashMap<Arc<str>, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) marker: Marker,
    pub(super) found: Option<String>,
    /// It has to be there when a value is stored. Others are only compared.
    needed: bool,
}

impl Versions {
    pub(super) fn of(tags: &[String], any: bool) -> Self {
        let mut versions = Self {
            list: Vec::with_capacity(tags.len() + 2),
            tags: HashMap::with_capacity(tags.len()),
        };
        versions.push(Marker::Namespace, true);
        for tag in tags {
            versions.add_tag(tag, true);
        }
        if any {
            versions.push(Marker::AnyTag, true);
        }
        versions
    }

    pub(super) fn of_record(record: &Record) -> Self {
        let mut versions = Self::of(&[], false);
        for (tag, _) in &record.head.tags {
            versions.add_tag(tag, true);
        }
        versions
    }

    pub(super) fn add_tag(&mut self, tag: &str, needed: bool) {
        if !self.asks_for(tag) {
            self.push(Marker::Tag(tag.into()), needed);
        }
    }

    fn push(&mut self, marker: Marker, needed: bool) {
        self.put(Version {
            marker,
            found: None,
            needed,
        });
    }

    fn put(&mut self, version: Version) {
        if let Marker::Tag(tag) = &version.marker {
            self.tags.insert(Arc::clone(tag), self.list.len());
        }
        self.list.push(version);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        self.list.iter()
    }

    pub(super) fn keys(&self, namespace: &str) -> Vec<String> {
        let keys = self.list.iter().map(|version| match &version.marker {
            Marker::Namespace => version_key(namespace),
            Marker::Tag(tag) => tag_key(namespace, tag),
            Marker::AnyTag => any_tag_key(namespace),
        });
        keys.collect()
    }

    pub(super) fn fill(&mut self, found: impl Iterator<Item = Found>) {
        for (version, found) in self.list.iter_mut().zip(found) {
            version.found = found.text();
        }
    }

    /// Adds what was found for others. Where both have found a version the one that was found first stays.
    pub(super) fn merge(&mut self, others: Self) {
        for other in others.list {
            let place = match &other.marker {
                Marker::Tag(tag) => self.tags.get(tag).copied(),
                marker => self.list.iter().position(|known| known.marker == *marker),
            };
            match place.and_then(|place| self.list.get_mut(place)) {
                Some(known) if known.found.is_none() => *known = other,
                Some(_) => {}
                None => self.put(other),
            }
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.list.iter().all(|version| !version.is_missing())
    }

    fn get(&self, marker: &Marker) -> Option<&str> {
        let known = self.list.iter().find(|version| version.marker == *marker);
        known.and_then(|version| version.found.as_deref())
    }

    pub(super) fn of_tag(&self, tag: &str) -> Option<&str> {
        let known = self.list.get(*self.tags.get(tag)?)?;
        known.found.as_deref()
    }

    /// The version of a tag. `next` is where it may be, since tags are mostly asked for in the order of the list: that spares the
    /// index.
    pub(super) fn find(&self, tag: &str, next: &mut usize) -> Option<&Version> {
        let is_it =
            |version: &&Version| matches!(&version.marker, Marker::Tag(known) if **known == *tag);
        let place = match self.list.get(*next).filter(is_it) {
            Some(_) => *next,
            None => *self.tags.get(tag)?,
        };
        *next = place + 1;
        self.list.get(place)
    }

    pub(super) fn of_any_tag(&self) -> Option<&str> {
        self.get(&Marker::AnyTag)
    }

    fn asks_for(&self, tag: &str) -> bool {
        self.tags.contains_key(tag)
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.get(&Marker::Namespace)
    }

    /// The tags with their versions; `None` if one has none.
    pub(super) fn pairs(&self, tags: &[String]) -> Option<Vec<(String, String)>> {
        let mut next = 1;
        let mut pair = |tag: &String| {
            let found = self.find(tag, &mut next)?.found.as_deref()?;
            Some((tag.clone(), found.to_owned()))
        };
        tags.iter().map(&mut pair).collect()
    }

    /// Whether nothing that the record depends on was invalidated.
    pub(super) fn agree_with(&self, record: &Record) -> bool {
        let mut next = 1;
        let mut agrees = |(tag, version): &(String, String)| {
            let known = self.find(tag, &mut next);
            known.and_then(|known| known.found.as_deref()) == Some(version)
        };
        self.namespace() == Some(&*record.head.namespace)
            && record.head.tags.iter().all(&mut agrees)
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

// The time of a thread is what Linux counts.
#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;
    use crate::cache::record::{Head, Stored};

    fn found(versions: &Versions, of: impl Fn(usize) -> Option<&'static str>) -> Vec<Found> {
        let found = (0..versions.list.len()).map(|place| match of(place) {
            Some(text) => Found::Text(text.to_owned()),
            None => Found::Nothing,
        });
        found.collect()
    }

    #[test]
    fn version_that_was_found_first_stays() {
        let tags = ["a".to_owned(), "b".to_owned()];
        let mut before = Versions::of(&tags, true);
        let first = found(&before, |place| (place != 1).then_some("before"));
        before.fill(first.into_iter());
        let mut now = Versions::of(&["b".into(), "a".into(), "c".into()], true);
        let second = found(&now, |_| Some("now"));
        now.fill(second.into_iter());
        before.merge(now);
        assert_eq!(before.of_tag("a"), Some("now"));
        assert_eq!(before.of_tag("b"), Some("before"));
        assert_eq!(before.of_tag("c"), Some("now"));
        assert_eq!(before.namespace(), Some("before"));
        assert_eq!(before.of_any_tag(), Some("before"));
        assert_eq!(before.list.len(), 5);
        // From wherever one looks.
        for start in 0..7 {
            for (tag, version) in [("a", "now"), ("b", "before"), ("c", "now")] {
                let mut next = start;
                let found = before.find(tag, &mut next);
                assert_eq!(found.and_then(|one| one.found.as_deref()), Some(version));
                assert_eq!(before.list.get(next - 1), found);
            }
            assert!(before.find("d", &mut { start }).is_none());
        }
    }

    /// The nanoseconds that this thread has run, whatever other processes do. 0 where the system does not count them.
    fn cpu() -> u64 {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let run = stat.split(' ').next().and_then(|run| run.parse().ok());
        run.unwrap_or(0)
    }

    /// The time of what a hit, a load and a store do with so many tags, repeated to 100,000 tags: the shortest of three.
    fn work(count: usize) -> u64 {
        let tags: Vec<String> = (0..count).map(|tag| format!("product:{tag}")).collect();
        let once = || {
            let mut versions = Versions::of(&tags, true);
            for tag in &tags {
                versions.add_tag(tag, false);
            }
            let keys = versions.keys("shop");
            assert_eq!(keys.len(), count + 2);
            let all = found(&versions, |_| Some("0123456789abcdef"));
            versions.fill(all.into_iter());
            let mut late = Versions::default();
            let mut next = 0;
            for tag in &tags {
                if versions.find(tag, &mut next).is_none() {
                    late.add_tag(tag, false);
                }
            }
            versions.merge(late);
            let mut head = Head::new("0123456789abcdef".into());
            head.tags = versions.pairs(&tags).unwrap_or_default();
            let written = Record::new(head, b"1".to_vec(), usize::MAX);
            let read = match Stored::read(written.text().to_owned()) {
                Stored::Record(read) => Some(read),
                _ => None,
            };
            assert!(read.as_ref().is_some_and(|read| versions.agree_with(read)));
            let loaded = crate::cache::Loaded::new(1).tags(tags.clone());
            let all = crate::cache::load::tags(&tags, &loaded, read.as_ref());
            assert_eq!(all.len(), count);
        };
        let rounds = || {
            let begun = cpu();
            (0..100_000 / count).for_each(|_| once());
            cpu() - begun
        };
        (0..3).map(|_| rounds()).min().unwrap_or(0)
    }

    /// 100,000 tags take as long in large entries as in small ones. Searching a list for each tag took ten times as long.
    #[test]
    fn work_grows_with_tags_and_not_with_their_square() {
        let (few, many) = (work(1_000), work(10_000));
        assert!(few == 0 || many < few * 4, "{few} ns, then {many} ns");
    }
}
