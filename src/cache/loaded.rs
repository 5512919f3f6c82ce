//! What a loader that knows more than the value gives and gets: [`Loaded`] and [`Previous`].

use std::time::Duration;

use super::{Codec, record::Record};

/// What a loader found, and how it is to be kept: for [`get_or_set_with`](super::Cache::get_or_set_with).
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::{Cache, Error, cache::Loaded};
/// use std::time::Duration;
///
/// let cache = Cache::new(&redis).namespace("page");
/// let page: String = cache
///     .get_or_set_with("home", |_| async {
///         let page = String::from("<h1>Home</h1>");
///         Ok::<_, Error>(Loaded::new(page).ttl(Duration::from_secs(60)).tags(["menu", "news"]))
///     })
///     .await?;
/// cache.invalidate_tag("news").await?;
/// assert_eq!(cache.get::<String>("home").await?, None);
/// # assert_eq!(page, "<h1>Home</h1>");
/// # Ok(()) });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(super) content: Content<V>,
    pub(super) ttl: Option<Duration>,
    pub(super) negative_ttl: Option<Duration>,
    pub(super) tags: Vec<String>,
    pub(super) etag: Option<String>,
    pub(super) store: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content<V> {
    Value(V),
    NotModified,
}

impl<V> Loaded<V> {
    fn of(content: Content<V>) -> Self {
        Self {
            content,
            ttl: None,
            negative_ttl: None,
            tags: Vec::new(),
            etag: None,
            store: true,
        }
    }

    /// This value, kept as the cache is set.
    pub fn new(value: V) -> Self {
        Self::of(Content::Value(value))
    }

    /// The value from before is still the one: it is kept for another TTL, with its etag. Only where the loader was
    /// given a [`Previous`]; else the call fails with [`is_argument`](crate::Error::is_argument).
    pub fn not_modified() -> Self {
        Self::of(Content::NotModified)
    }

    /// How long it is fresh. Zero: it is not kept.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long it is fresh if it means that there is nothing.
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = Some(ttl);
        self
    }

    /// One more tag by which it is invalidated.
    ///
    /// A tag that only the loader knows costs the first read of the entry in each process a second round trip.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// More tags; see [`tag`](Self::tag).
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// By what the source will tell whether it has changed; the next loader gets it.
    pub fn etag(mut self, etag: impl Into<String>) -> Self {
        self.etag = Some(etag.into());
        self
    }

    /// It is answered and not kept, nor is what was there before. The next caller loads anew.
    pub fn no_store(mut self) -> Self {
        self.store = false;
        self
    }
}

/// What was there before a load: a value past its time or one that was invalidated, as long as Redis has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Previous<V> {
    /// The value. It may be out of date: only [`Loaded::not_modified`] says that it is not.
    pub value: V,
    /// What [`Loaded::etag`] said of it.
    pub etag: Option<String>,
}

impl<V> Previous<V> {
    pub(super) fn read<C: Codec<V>>(record: &Record, codec: &C) -> Option<Self> {
        let value = codec.decode(&record.payload()?).ok()?;
        Some(Self {
            value,
            etag: record.head.etag.clone(),
        })
    }
}
