//! Runs the commands of one request at the real server and writes what it said.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use hyper::{StatusCode, header::HeaderValue};

use crate::{
    State,
    answer::Answer,
    backend::{Refusal, Replies, Unavailable},
    http::{JSON, LIMIT},
    reply::{self, Encoding},
    request::{Batch, Command},
    resp::{self, Token, Tokens},
    rules::{Access, Step, no_permission},
    serve::Meter,
    stream::{Events, Source},
};

/// What is answered, and what kind of content it is.
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    pub(crate) kind: HeaderValue,
    pub(crate) body: Answer,
}

impl Outcome {
    fn new(status: StatusCode, kind: HeaderValue, body: Vec<u8>) -> Self {
        Self {
            status,
            kind,
            body: Answer::Full(Some(body.into())),
        }
    }
}

/// One error for the whole request.
pub(crate) fn refusal(status: StatusCode, text: &str) -> Outcome {
    let mut out = Vec::with_capacity(text.len() + 16);
    reply::error(&mut out, text);
    Outcome::new(status, JSON, out)
}

pub(crate) fn too_large(actual: usize) -> String {
    format!(
        "ERR max request size exceeded. Limit: {LIMIT} bytes, Actual: {actual} bytes. See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
    )
}

fn unavailable(why: Unavailable) -> Outcome {
    match why {
        Unavailable::NotSent => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "ERR the server behind restis-local cannot be reached; nothing was run. Is it still there?",
        ),
        Unavailable::Lost => refusal(
            StatusCode::BAD_GATEWAY,
            "ERR the server behind restis-local went away before it answered; the command may have run",
        ),
    }
}

/// Appends the entry of one command. Tells whether it holds a result.
fn entry(out: &mut Vec<u8>, state: &State, step: &Step, reply: &[u8], encoding: Encoding) -> bool {
    match step {
        Step::Refuse(text) => {
            reply::error(out, text);
            false
        }
        Step::Answer(answer, name) => {
            state.counters.answered_here(name);
            reply::entry(out, answer, encoding)
        }
        Step::Sent | Step::SentButAnswer(_) if reply.len() > LIMIT => {
            reply::error(out, &too_large(reply.len()));
            false
        }
        Step::SentButAnswer(answer) if !reply.starts_with(b"-") => {
            reply::entry(out, answer, encoding)
        }
        Step::Sent | Step::SentButAnswer(_) => reply::entry(out, reply, encoding),
    }
}

fn was_sent(step: &Step) -> bool {
    matches!(step, Step::Sent | Step::SentButAnswer(_))
}

fn plan(state: &State, batch: &Batch, access: Access, out: &mut Vec<u8>) -> Vec<Step> {
    let count = u64::try_from(batch.len()).unwrap_or_default();
    state.counters.commands.fetch_add(count, Relaxed);
    let plan = |command| state.rules.plan(command, access, out);
    batch.commands().map(plan).collect()
}

/// The command of a request that has only one.
pub(crate) async fn single(
    state: &State,
    batch: &Batch,
    access: Access,
    encoding: Encoding,
) -> Outcome {
    let mut sent = Vec::new();
    let steps = plan(state, batch, access, &mut sent);
    let Some(step) = steps.first() else {
        return refusal(StatusCode::BAD_REQUEST, crate::request::EMPTY_COMMAND);
    };
    let replies = match state.backend.call(sent, usize::from(was_sent(step))).await {
        Ok(replies) => replies,
        Err(why) => return unavailable(why),
    };
    let reply = replies.first();
    let mut out = Vec::with_capacity(reply.len() + 32);
    let status = match entry(&mut out, state, step, reply, encoding) {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    Outcome::new(status, JSON, out)
}

/// Appends the entries of all commands, in brackets.
fn entries<'r>(
    state: &State,
    steps: &[Step],
    mut replies: impl Iterator<Item = &'r [u8]>,
    length: usize,
    encoding: Encoding,
) -> Outcome {
    let mut out = Vec::with_capacity(length + 16 * steps.len());
    for step in steps {
        out.push(if out.is_empty() { b'[' } else { b',' });
        let reply = match was_sent(step) {
            true => replies.next().unwrap_or_default(),
            false => b"",
        };
        entry(&mut out, state, step, reply, encoding);
    }
    out.push(b']');
    Outcome::new(StatusCode::OK, JSON, out)
}

/// Commands that follow each other, sent to the server at once.
pub(crate) async fn pipeline(
    state: &State,
    batch: &Batch,
    access: Access,
    encoding: Encoding,
) -> Outcome {
    let mut sent = Vec::new();
    let steps = plan(state, batch, access, &mut sent);
    let count = steps.iter().filter(|step| was_sent(step)).count();
    match state.backend.call(sent, count).await {
        Ok(replies) => entries(state, &steps, replies.iter(), replies.len(), encoding),
        Err(why) => unavailable(why),
    }
}

/// Commands that run together or not at all.
pub(crate) async fn transaction(
    state: &State,
    batch: &Batch,
    access: Access,
    encoding: Encoding,
) -> Outcome {
    let mut sent = Vec::new();
    resp::encode(&mut sent, [b"MULTI".as_slice()].into_iter());
    let steps = plan(state, batch, access, &mut sent);
    resp::encode(&mut sent, [b"EXEC".as_slice()].into_iter());
    let refused = steps.iter().find_map(|step| match step {
        Step::Refuse(text) => Some(text),
        _ => None,
    });
    if let Some(text) = refused {
        return refusal(StatusCode::BAD_REQUEST, text);
    }
    let count = steps.iter().filter(|step| was_sent(step)).count();
    let replies = match state.backend.call(sent, count + 2).await {
        Ok(replies) => replies,
        Err(why) => return unavailable(why),
    };
    // The error of the command that could not be queued says more than EXEC's own.
    if let Some(text) = discarded(&replies) {
        return refusal(StatusCode::BAD_REQUEST, &text);
    }
    let mut results = Tokens::new(replies.iter().last().unwrap_or_default());
    results.next();
    let results = std::iter::from_fn(|| results.value());
    entries(state, &steps, results, replies.len(), encoding)
}

/// A stream, once the server has accepted what it is of.
pub(crate) async fn stream(
    state: &State,
    meter: &Arc<Meter>,
    source: Source,
    command: Command<'_>,
    access: Access,
) -> Outcome {
    state.counters.commands.fetch_add(1, Relaxed);
    // A subscriber reads what it asked for; MONITOR shows what everybody writes.
    if access == Access::ReadOnly && source == Source::Monitor {
        return refusal(StatusCode::BAD_REQUEST, &no_permission(source.name()));
    }
    match Events::open(&state.backend, command, Arc::clone(meter)).await {
        Ok(events) => Outcome {
            status: StatusCode::OK,
            kind: HeaderValue::from_static("text/event-stream"),
            body: Answer::Events(Box::new(events)),
        },
        Err(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(Refusal(text)) => refusal(StatusCode::BAD_REQUEST, text),
            None => unavailable(Unavailable::NotSent),
        },
    }
}

fn discarded(replies: &Replies) -> Option<String> {
    replies
        .iter()
        .find_map(|reply| match Tokens::new(reply).next() {
            Some(Token::Error(text)) => Some(crate::request::lossy(text).into_owned()),
            _ => None,
        })
}
