//! A row of the tables: our call for a vector, and what has to come of it.

use std::{fmt, pin::Pin, rc::Rc};

use restis::{Bytes, Command, Error, FromReply, Redis, Scan};
use serde_json::Value;

use crate::{differences::Difference, shown::Shown, vector::Vector};

/// How a command goes out and is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Alone,
    Pipeline,
    Transaction,
    /// In a pipeline beside a command whose reply is bytes, which has the answer come as base64.
    Base64,
    Resp2,
}

impl Form {
    pub(crate) const ALL: [Self; 5] = [
        Self::Alone,
        Self::Pipeline,
        Self::Transaction,
        Self::Base64,
        Self::Resp2,
    ];
}

/// What a call gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) shown: Value,
    pub(crate) as_expected: bool,
    pub(crate) debug: String,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Error>> + 'a>>;
type Call = Box<dyn for<'a> Fn(&'a Redis, Form) -> Running<'a>>;

pub(crate) struct Row {
    pub(crate) id: usize,
    expression: &'static str,
    call: Call,
    /// What we send, where it is not what the vector says, and why.
    pub(crate) wire: Option<(&'static str, Difference)>,
    /// A whole reply, where that of the vector is cut.
    raw: Option<&'static str>,
    /// How the result differs from that of the vector.
    pub(crate) differs: Option<Difference>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.expression)
    }
}

impl Row {
    pub(crate) fn new(id: usize, expression: &'static str, call: Call) -> Self {
        Self {
            id,
            expression,
            call,
            wire: None,
            raw: None,
            differs: None,
        }
    }

    pub(crate) fn wire(self, ours: &'static str, difference: Difference) -> Self {
        Self {
            wire: Some((ours, difference)),
            ..self
        }
    }

    pub(crate) fn whole(self, raw: &'static str) -> Self {
        Self {
            raw: Some(raw),
            ..self
        }
    }

    pub(crate) fn differs(self, difference: Difference) -> Self {
        Self {
            differs: Some(difference),
            ..self
        }
    }

    /// The reply to give to this row.
    pub(crate) fn raw(&self, vector: &Vector) -> Value {
        self.raw.map_or_else(
            || vector.raw.clone(),
            |raw| serde_json::from_str(raw).unwrap(),
        )
    }

    pub(crate) fn run<'a>(&self, redis: &'a Redis, form: Form) -> Running<'a> {
        (self.call)(redis, form)
    }
}

/// The expectation that a reply is this one.
pub(crate) fn is<T: PartialEq>(expected: T) -> impl Fn(&T) -> bool {
    move |reply| *reply == expected
}

fn outcome<T: Shown>(reply: &T, expected: &impl Fn(&T) -> bool) -> Outcome {
    Outcome {
        shown: reply.shown(),
        as_expected: expected(reply),
        debug: format!("{reply:?}"),
    }
}

/// A call that is a command.
pub(crate) fn command<T: FromReply + Shown + 'static, O: 'static>(
    call: impl for<'a> Fn(&'a Redis) -> Command<'a, T, O> + 'static,
    expected: impl Fn(&T) -> bool + 'static,
) -> Call {
    let expected = Rc::new(expected);
    Box::new(move |redis, form| {
        let (command, expected) = (call(redis), Rc::clone(&expected));
        Box::pin(async move {
            let reply = match form {
                Form::Alone => command.await?,
                Form::Resp2 => command.resp2().await?,
                Form::Pipeline => redis.pipeline(command).await??,
                Form::Transaction => redis.transaction(command).await?,
                Form::Base64 => {
                    redis
                        .pipeline((command, redis.get::<Bytes>("beside")))
                        .await?
                        .0?
                }
            };
            Ok(outcome(&reply, &*expected))
        })
    })
}

/// A call that is a scan: it goes out alone, page by page.
pub(crate) fn scan<T: FromReply + Shown + Unpin + 'static>(
    call: impl for<'a> Fn(&'a Redis) -> Scan<'a> + 'static,
    expected: impl Fn(&Vec<T>) -> bool + 'static,
) -> Call {
    let expected = Rc::new(expected);
    Box::new(move |redis, _| {
        let (mut stream, expected) = (call(redis).stream::<T>(), Rc::clone(&expected));
        Box::pin(async move {
            let mut elements = Vec::new();
            while let Some(element) = stream.next().await {
                elements.push(element?);
            }
            Ok(outcome(&elements, &*expected))
        })
    })
}

/// Rows: the number of a vector, our call, the reply it gives; then, where something is otherwise, `wire(ours, difference)`,
/// `whole(raw)` and `differs(difference)`.
macro_rules! rows {
    ($redis:ident: $($id:literal $call:expr => $expected:expr $(, $note:ident($($of:expr),+))*;)*) => {
        vec![$(
            crate::row::Row::new($id, stringify!($call), crate::row::command(move |$redis| $call, $expected))
                $(.$note($($of),+))*
        ),*]
    };
}

/// The same for scans, each with the type of its elements.
macro_rules! scans {
    ($redis:ident: $($id:literal $call:expr => $ty:ty: $expected:expr $(, $note:ident($($of:expr),+))*;)*) => {
        vec![$(
            crate::row::Row::new($id, stringify!($call), crate::row::scan::<$ty>(move |$redis| $call, $expected))
                $(.$note($($of),+))*
        ),*]
    };
}

pub(crate) use {rows, scans};
