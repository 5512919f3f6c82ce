//! What the search commands answer.

use crate::{Error, FromReply, Reply, ReplyKind, commands::fields::Fields};

/// A document that was found: see [`Redis::search_query`](crate::Redis::search_query).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hit<T> {
    /// Its key, or the id of its entry in a stream.
    pub key: String,
    /// How well it matches; larger is better.
    pub score: f64,
    /// What is in it.
    pub data: T,
}

impl<T: FromReply> FromReply for Hit<T> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items = reply.items()?;
        let (key, score) = (items.read()?, items.read()?);
        let fields = items
            .next()
            .ok_or_else(|| Error::decode("the server sent a hit without its content"))?;
        let data = document(fields)?.unwrap_or(fields).read()?;
        Ok(Self { key, score, data })
    }
}

/// The value of the field `$`, if that is all there is: then it is the whole document.
fn document(fields: Reply<'_>) -> Result<Option<Reply<'_>>, Error> {
    let mut fields = fields.items()?;
    let (Some(first), None) = (fields.next(), fields.next()) else {
        return Ok(None);
    };
    if first.kind() != ReplyKind::Array {
        return Ok(None);
    }
    let mut pair = first.items()?;
    let is_document = pair.next().is_some_and(|name| {
        name.kind() == ReplyKind::String && name.bytes().is_ok_and(|name| &*name == b"$")
    });
    Ok(pair.next().filter(|_| is_document))
}

/// How many documents there are: see [`Redis::search_count`](crate::Redis::search_count).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// There is no such index.
    NoIndex,
    /// This many match.
    Documents(u64),
}

impl Count {
    /// How many match; `None` if there is no such index.
    pub fn documents(self) -> Option<u64> {
        match self {
            Self::NoIndex => None,
            Self::Documents(count) => Some(count),
        }
    }
}

impl FromReply for Count {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        if &*reply.text()? == "-1" {
            return Ok(Self::NoIndex);
        }
        reply.read().map(Self::Documents)
    }
}

/// What an alias was before: see [`Redis::search_aliasadd`](crate::Redis::search_aliasadd).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasSet {
    /// There was none of this name.
    Added,
    /// It was there, and named an index, perhaps this one.
    Updated,
}

impl FromReply for AliasSet {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match &*reply.text()? {
            "1" => Ok(Self::Added),
            "2" => Ok(Self::Updated),
            _ => Err(Error::decode("the reply is neither 1 nor 2")),
        }
    }
}

/// What is indexed: keys of a type, or the entries of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Indexed {
    /// JSON documents.
    Json,
    /// Hashes.
    Hash,
    /// Strings with JSON in them.
    String,
    /// The entries of a stream.
    Stream,
    /// What a later server may add, by its name.
    Other(String),
}

impl FromReply for Indexed {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        Ok(match &*reply.text()? {
            "JSON" => Self::Json,
            "HASH" => Self::Hash,
            "STRING" => Self::String,
            "STREAM" => Self::Stream,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// An index in the list of all: see [`Redis::search_listindexes`](crate::Redis::search_listindexes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexEntry {
    /// Its name.
    pub name: String,
    /// What it is on.
    pub on: Indexed,
}

impl FromReply for IndexEntry {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("name")?,
            on: fields.must("type")?,
        })
    }
}

/// An index: see [`Redis::search_describe`](crate::Redis::search_describe).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// Its name, also where it was asked for by an alias.
    pub name: String,
    /// What it is on.
    pub on: Indexed,
    /// What its keys begin with; for a stream its key.
    pub prefixes: Vec<String>,
    /// Whose words are stemmed.
    pub language: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// How many changes wait to be indexed.
    pub pending_updates: Option<u64>,
    /// Its fields.
    pub schema: Vec<IndexField>,
}

impl FromReply for Index {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("name")?,
            on: fields.must("type")?,
            prefixes: fields.may("prefixes")?.unwrap_or_default(),
            language: fields.may("language")?,
            size: fields.may("indexSize")?,
            pending_updates: fields.may("pendingUpdates")?,
            schema: fields.must("schema")?,
        })
    }
}

/// A field of an [`Index`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexField {
    /// Its name.
    pub name: String,
    /// Its type in the server's words: `TEXT`, `U64`.
    pub kind: String,
    /// Whether it can be sorted by and aggregated.
    pub fast: bool,
    /// Whether the whole text is one word.
    pub notokenize: bool,
    /// Whether words are found in the form they have only.
    pub nostem: bool,
    /// The field of the document that has its values, if it is another.
    pub from: Option<String>,
}

impl FromReply for IndexField {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items = reply.items()?;
        let mut field = Self {
            name: items.read()?,
            kind: items.read()?,
            fast: false,
            notokenize: false,
            nostem: false,
            from: None,
        };
        while let Some(option) = items.next() {
            match &*option.text()? {
                "FAST" => field.fast = true,
                "NOTOKENIZE" => field.notokenize = true,
                "NOSTEM" => field.nostem = true,
                "FROM" => field.from = Some(items.read()?),
                _ => {}
            }
        }
        Ok(field)
    }
}
