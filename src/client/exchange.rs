//! One call, and its answer: what goes out, and what came back, whole and with its envelope read.

use std::{
    borrow::Cow,
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    command::Options,
    error::{Error, runs_script},
    find,
    reply::Reply,
    retry::Safety,
    safety,
    sync::AtomicBool,
    wire::{
        answer::{self, Entry, Form, Place},
        json::Value,
    },
};

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Command,
    /// The path and query that hold all of the command but its bytes.
    Path(String),
    Pipeline,
    MultiExec,
}

/// One call: what goes out, and what the caller wants of it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) body: Bytes,
    /// Bytes are asked for: in base64, if not in RESP2.
    pub(crate) base64: bool,
    pub(crate) resp2: bool,
    pub(crate) options: Options,
    /// The commands of a batch whose class the caller has set.
    pub(crate) marks: Vec<(usize, Safety)>,
    /// The name for errors, where the body does not tell it.
    pub(crate) name: Option<Cow<'static, str>>,
    /// Set when one of several callers no longer waits for its write.
    pub(crate) given_up: Option<Arc<AtomicBool>>,
}

impl Call {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let (body, options, marks, name) = (Bytes::new(), Options::default(), Vec::new(), None);
        Self {
            given_up: None,
            endpoint,
            body,
            base64: false,
            resp2: false,
            options,
            marks,
            name,
        }
    }

    pub(crate) fn is_batch(&self) -> bool {
        matches!(self.endpoint, Endpoint::Pipeline | Endpoint::MultiExec)
    }

    /// The class of what goes out, if it may take as long as `limit`.
    pub(crate) fn safety(&self, limit: Duration) -> Safety {
        match self.options.safety {
            Some(safety) => safety,
            None if self.is_batch() => safety::of_batch(&self.body, &self.marks, limit),
            None => safety::of_command(&self.body, limit),
        }
    }

    /// Whether a command in it that writes was given up since it was sent: its caller may have written something newer.
    pub(super) fn is_given_up(&self) -> bool {
        let given_up = self.given_up.as_ref();
        given_up.is_some_and(|given_up| given_up.load(Ordering::Acquire))
    }

    /// Whether the words of an error may be those of a script, which has run up to them.
    pub(super) fn is_script(&self) -> bool {
        runs_script(self.name().as_deref())
    }

    /// The command of a batch that the server's words name in quotes, as those of a transaction that was refused as a whole do; and
    /// where it is in the batch, if it is the only one of its name.
    pub(crate) fn named_in(&self, words: &str) -> Option<(Cow<'static, str>, Option<usize>)> {
        if !self.is_batch() {
            return None;
        }
        let (_, rest) = find::split(words, "'")?;
        let (name, _) = find::split(rest, "'")?;
        // `config|get`, as Redis writes a member of a family.
        let is_it = |other: &str| {
            let same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || (a, b) == (b'|', b' ');
            name.len() == other.len() && name.bytes().zip(other.bytes()).all(same)
        };
        let commands = Value::parse(&self.body)?.elements()?;
        let mut named = commands
            .enumerate()
            .filter_map(|(index, command)| Some((safety::name(command)?, Some(index))))
            .filter(|(name, _)| is_it(name));
        let found = named.next()?;
        Some(match named.next() {
            None => found,
            Some((name, _)) => (name, None),
        })
    }

    pub(crate) fn name(&self) -> Option<Cow<'static, str>> {
        match self.endpoint {
            Endpoint::Pipeline => Some("pipeline".into()),
            Endpoint::MultiExec => Some("transaction".into()),
            Endpoint::Command | Endpoint::Path(_) => self
                .name
                .clone()
                .or_else(|| safety::name_of_command(&self.body)),
        }
    }
}

/// A whole answer whose envelope has been read.
pub(crate) struct Answer {
    pub(super) body: Bytes,
    pub(super) place: Place,
    pub(super) form: Form,
    pub(super) sent: Bytes,
    /// The commands of a batch whose class the caller has set.
    pub(super) marks: Vec<(usize, Safety)>,
    pub(super) name: Option<Cow<'static, str>>,
}

impl Answer {
    /// Where in the body the entries of a batch are; `None` for a single command.
    pub(crate) fn entries(&self) -> Option<&[Range<usize>]> {
        match &self.place {
            Place::Alone(_) => None,
            Place::Each(places) => Some(places),
        }
    }

    /// The answer of one command of a batch: its entry, and the command as it was sent.
    pub(crate) fn entry(&self, entry: Range<usize>, sent: Bytes) -> Result<Self, Error> {
        let body = self.body.slice(entry);
        let name = || safety::name_of_command(&sent);
        let value = match answer::part(&body, self.form) {
            Some(Entry::Result(value)) => value,
            Some(Entry::Error(words)) => return Err(Error::server(&words, None, name())),
            None => return Err(Error::not_an_entry().with_command(name())),
        };
        Ok(Self {
            body,
            place: Place::Alone(value),
            form: self.form,
            sent,
            marks: Vec::new(),
            name: None,
        })
    }

    /// The reply to a single command.
    pub(crate) fn reply(&self) -> Reply<'_> {
        let place = match &self.place {
            Place::Alone(place) => place.clone(),
            Place::Each(_) => 0..0,
        };
        Reply::found(self.text(place), self.form)
    }

    pub(crate) fn text(&self, place: Range<usize>) -> &[u8] {
        self.body.get(place).unwrap_or_default()
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The request's body, by which a command of it is named when its reply cannot be read.
    pub(crate) fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// The commands of a batch whose class the caller has set.
    pub(crate) fn marks(&self) -> &[(usize, Safety)] {
        &self.marks
    }

    /// The name of the command or of the kind of batch, for errors.
    pub(crate) fn name(&self) -> Option<Cow<'static, str>> {
        self.name
            .clone()
            .or_else(|| safety::name_of_command(&self.sent))
    }

    /// The whole body, as it came.
    pub(crate) fn into_body(self) -> Bytes {
        self.body
    }
}
