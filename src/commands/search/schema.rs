//! What a search index is made of: the keys it is on, and the fields of its documents.

use std::{borrow::Cow, marker::PhantomData};

/// What an index is on. Prefixes are one or several, and none may begin with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum On<P> {
    /// JSON documents whose keys begin with one of these.
    Json(P),
    /// Hashes whose keys begin with one of these.
    Hash(P),
    /// Strings with a JSON object in them, whose keys begin with one of these.
    String(P),
    /// The entries of the stream that has this key.
    Stream(P),
}

/// The fields of an index: see [`Redis::search_create`](crate::Redis::search_create).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    pub(super) words: Vec<Cow<'static, str>>,
}

impl Schema {
    /// Without fields, of which at least one is needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more field. A name with dots leads into the document: `"author.name"`.
    #[must_use]
    pub fn field<K>(mut self, name: impl Into<String>, field: Field<K>) -> Self {
        self.words.push(name.into().into());
        self.words.extend(field.words);
        if let Some(source) = field.source {
            self.words.extend(["FROM".into(), source.into()]);
        }
        self
    }
}

/// Text that is taken apart into words: see [`Field::text`].
#[derive(Debug)]
pub struct Words(());

/// Numbers, truth values and dates: see [`Field::u64`].
#[derive(Debug)]
pub struct Exact(());

/// Text that stays whole: see [`Field::keyword`].
#[derive(Debug)]
pub struct Whole(());

/// How one field is indexed; `K` says which options it has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a field does nothing until it is put in a Schema"]
pub struct Field<K> {
    words: Vec<Cow<'static, str>>,
    source: Option<String>,
    marker: PhantomData<fn() -> K>,
}

impl<K> Field<K> {
    fn new(kind: &'static str) -> Self {
        Self {
            words: vec![kind.into()],
            source: None,
            marker: PhantomData,
        }
    }

    fn with(mut self, word: &'static str) -> Self {
        self.words.push(word.into());
        self
    }

    /// FROM: its values are those of another field of the document.
    pub fn from(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl Field<Words> {
    /// TEXT: found by its words, whichever form they have.
    pub fn text() -> Self {
        Self::new("TEXT")
    }

    /// NOTOKENIZE: the whole text is one word.
    pub fn notokenize(self) -> Self {
        self.with("NOTOKENIZE")
    }

    /// NOSTEM: words are found in the form they have only.
    pub fn nostem(self) -> Self {
        self.with("NOSTEM")
    }
}

impl Field<Exact> {
    /// U64: whole numbers that are not negative.
    pub fn u64() -> Self {
        Self::new("U64")
    }

    /// I64: whole numbers.
    pub fn i64() -> Self {
        Self::new("I64")
    }

    /// F64: numbers.
    pub fn f64() -> Self {
        Self::new("F64")
    }

    /// BOOL: `true` and `false`.
    pub fn bool() -> Self {
        Self::new("BOOL")
    }

    /// DATE: points in time, as RFC 3339 writes them.
    pub fn date() -> Self {
        Self::new("DATE")
    }

    /// FAST: can be sorted by and aggregated.
    pub fn fast(self) -> Self {
        self.with("FAST")
    }
}

impl Field<Whole> {
    /// KEYWORD: found by the whole text.
    pub fn keyword() -> Self {
        Self::new("KEYWORD")
    }

    /// FACET: found and grouped by the whole text, which is a path of categories.
    pub fn facet() -> Self {
        Self::new("FACET")
    }
}
