//! Runs the commands of one request at the real server and writes what it said.

use std::{
    borrow::Cow,
    mem,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use crate::{
    State,
    answer::Answer,
    backend::{Replies, Unavailable},
    extensions,
    http::{JSON, LIMIT},
    names::{counted_name, is_json},
    reply::{self, Encoding},
    request::{Batch, Command},
    resp::{self, Token, Tokens},
    rules::{Access, Step, no_permission},
    serve::Meter,
    stream::{Events, Source},
    target::Refusal,
};

/// The header that states whether anything of a request was run, on answers that hold no results.
pub(crate) const RAN: HeaderName = HeaderName::from_static("restis-ran");

/// What is answered, and what kind of content it is.
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    pub(crate) kind: HeaderValue,
    pub(crate) body: Answer,
    /// The value of [`RAN`]: `no` or `maybe`.
    pub(crate) ran: Option<&'static str>,
}

impl Outcome {
    fn new(status: StatusCode, body: Vec<u8>, encoding: Encoding) -> Self {
        let kind = match encoding {
            Encoding::Text | Encoding::Base64 => JSON,
            Encoding::Resp2 => HeaderValue::from_static("application/octet-stream"),
        };
        Self {
            status,
            kind,
            body: Answer::Full(Some(body.into())),
            ran: None,
        }
    }
}

/// One error for the whole request, of which nothing was run, in JSON whatever format its replies would have had.
pub(crate) fn refusal(status: StatusCode, text: &str) -> Outcome {
    let mut out = Vec::with_capacity(text.len() + 16);
    reply::error(&mut out, text);
    Outcome {
        ran: Some("no"),
        ..Outcome::new(status, out, Encoding::Text)
    }
}

/// The same where some of the request may have run.
fn uncertain(status: StatusCode, text: &str) -> Outcome {
    Outcome {
        ran: Some("maybe"),
        ..refusal(status, text)
    }
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
            "ERR the server behind restis-local cannot be reached; nothing was run. Is it still there, or busy with a script that SCRIPT KILL ends?",
        ),
        Unavailable::Silent => uncertain(
            StatusCode::GATEWAY_TIMEOUT,
            "ERR the server behind restis-local did not answer in time; the command may have run. SCRIPT KILL ends a script that does not end",
        ),
        Unavailable::TooLarge => uncertain(
            StatusCode::BAD_REQUEST,
            "ERR the replies to this request are larger than 64 MB together, and were not kept; it was run. Ask for less at a time",
        ),
        Unavailable::Lost => uncertain(
            StatusCode::BAD_GATEWAY,
            "ERR the server behind restis-local went away before it answered; the command may have run",
        ),
    }
}

/// The commands of one request, ready to be sent.
struct Plan {
    steps: Vec<Step>,
    legs: Vec<Leg>,
}

/// Over which connection a command goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Road {
    /// The one that all share.
    #[default]
    Main,
    /// The one of the user who may only read.
    Reads,
    /// The one to the server of the JSON commands.
    Json,
    /// One of its own: the command ends what holds up the others.
    Alone,
}

impl Road {
    fn of(state: &State, command: Command<'_>, access: Access, together: bool) -> Self {
        if state.json.is_some() && is_json(command) {
            Self::Json
        } else if !together && access == Access::Full && kills(command) {
            Self::Alone
        } else if access == Access::ReadOnly && state.reads.is_some() {
            Self::Reads
        } else {
            Self::Main
        }
    }
}

/// SCRIPT KILL and FUNCTION KILL.
fn kills(command: Command<'_>) -> bool {
    let is = |index: usize, word: &[u8]| {
        let arg = command.arg(index);
        arg.is_some_and(|arg| arg.eq_ignore_ascii_case(word))
    };
    command.len() == 2 && (is(0, b"SCRIPT") || is(0, b"FUNCTION")) && is(1, b"KILL")
}

/// Commands that follow each other over the same connection.
#[derive(Default)]
struct Leg {
    road: Road,
    payload: Vec<u8>,
    replies: usize,
}

/// Decides about each command. What is sent begins with `head`.
fn plan(state: &State, batch: &Batch, access: Access, head: Vec<u8>) -> Plan {
    let count = u64::try_from(batch.len()).unwrap_or_default();
    state.counters.commands.fetch_add(count, Relaxed);
    let together = !head.is_empty();
    let mut legs = Vec::new();
    let mut leg = Leg {
        payload: head,
        ..Leg::default()
    };
    let steps = batch.commands().map(|command| {
        let start = leg.payload.len();
        let step = state.rules.plan(command, access, &mut leg.payload);
        if step.is_sent() {
            let road = Road::of(state, command, access, together);
            if (road != leg.road || road == Road::Alone) && leg.replies > 0 {
                let payload = leg.payload.split_off(start);
                let next = Leg {
                    payload,
                    ..Leg::default()
                };
                legs.push(mem::replace(&mut leg, next));
            }
            leg.road = road;
            leg.replies += 1;
        }
        step
    });
    let steps = steps.collect();
    legs.push(leg);
    Plan { steps, legs }
}

async fn send(state: &State, leg: Leg) -> Result<Replies, Unavailable> {
    if let (Road::Reads, Some(reads)) = (leg.road, &state.reads) {
        return reads.call(&state.backend, leg.payload, leg.replies).await;
    }
    let backend = match leg.road {
        Road::Alone if leg.replies == 1 => return state.backend.alone(&leg.payload).await,
        Road::Json => state.json.as_ref(),
        Road::Main | Road::Reads | Road::Alone => None,
    };
    let backend = backend.unwrap_or(&state.backend);
    backend.call(leg.payload, leg.replies).await
}

/// Each step with the reply to it; what was not sent has none.
fn paired<'a>(
    steps: &'a [Step],
    mut replies: impl Iterator<Item = &'a [u8]> + Clone,
) -> impl Iterator<Item = (&'a Step, &'a [u8])> + Clone {
    steps.iter().map(move |step| {
        let reply = step.is_sent().then(|| replies.next()).flatten();
        (step, reply.unwrap_or_default())
    })
}

/// A reply that becomes an answer, and no error.
fn is_usable(reply: &[u8]) -> bool {
    reply.len() <= LIMIT && !reply.starts_with(b"-")
}

/// Does what is left once the server has answered: asks for the types that belong to the answers, and
/// counts what the server does not.
async fn finish<'a>(
    state: &State,
    batch: &Batch,
    steps: &[Step],
    pairs: impl Iterator<Item = (&'a Step, &'a [u8])> + Clone,
) -> Result<Replies, Unavailable> {
    let (blind, json) = (state.counters.is_blind(), state.json.is_some());
    if blind || json {
        for (command, (step, reply)) in batch.commands().zip(pairs.clone()) {
            let rejected = [b"-ERR unknown command".as_slice(), b"-ERR wrong number of"];
            let ran = step.is_sent() && !rejected.iter().any(|text| reply.starts_with(text));
            if ran && (blind || is_json(command)) {
                state.counters.ran(counted_name(command));
            }
        }
    }
    let mut payload = Vec::new();
    let mut asked = 0;
    if steps.contains(&Step::SentForTypes) {
        asked = pairs
            .filter(|(step, reply)| **step == Step::SentForTypes && is_usable(reply))
            .map(|(_, reply)| extensions::ask_types(reply, &mut payload))
            .sum();
        state.counters.asked_types(asked);
    }
    let types = state.backend.call(payload, asked).await;
    types.map_err(|_| Unavailable::Lost)
}

/// Appends the entry of one command. Tells whether it holds a result.
fn entry<'t>(
    out: &mut Vec<u8>,
    state: &State,
    step: &Step,
    reply: &[u8],
    types: &mut impl Iterator<Item = &'t [u8]>,
    encoding: Encoding,
) -> bool {
    let answer = match step {
        Step::Refuse(text) => {
            reply::refused(out, text, encoding);
            return false;
        }
        Step::Answer(answer, name) => {
            state.counters.ran(*name);
            Cow::Borrowed(*answer)
        }
        _ if reply.len() > LIMIT => {
            reply::refused(out, &too_large(reply.len()), encoding);
            return false;
        }
        _ if !is_usable(reply) => Cow::Borrowed(reply),
        Step::Sent => Cow::Borrowed(reply),
        Step::SentButAnswer(answer) => Cow::Borrowed(answer.as_slice()),
        Step::SentForTypes => Cow::Owned(extensions::with_types(reply, types)),
        Step::SentForPart(part) => Cow::Owned(part.of(reply)),
    };
    reply::entry(out, &answer, encoding)
}

/// The command of a request that has only one.
pub(crate) async fn single(
    state: &State,
    batch: &Batch,
    access: Access,
    encoding: Encoding,
) -> Outcome {
    let Plan { steps, legs } = plan(state, batch, access, Vec::new());
    let Some(leg) = legs.into_iter().next() else {
        return refusal(StatusCode::BAD_REQUEST, crate::request::EMPTY_COMMAND);
    };
    let replies = match send(state, leg).await {
        Ok(replies) => replies,
        Err(why) => return unavailable(why),
    };
    let mut pairs = paired(&steps, replies.iter());
    let types = match finish(state, batch, &steps, pairs.clone()).await {
        Ok(types) => types,
        Err(why) => return unavailable(why),
    };
    let Some((step, reply)) = pairs.next() else {
        return refusal(StatusCode::BAD_REQUEST, crate::request::EMPTY_COMMAND);
    };
    let mut out = Vec::with_capacity(reply.len() + 32);
    let status = match entry(&mut out, state, step, reply, &mut types.iter(), encoding) {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    Outcome::new(status, out, encoding)
}

/// Appends the entries of all commands: in JSON in brackets, in RESP2 one after the other.
async fn entries<'r>(
    state: &State,
    batch: &Batch,
    steps: &[Step],
    pairs: impl Iterator<Item = (&'r Step, &'r [u8])> + Clone,
    length: usize,
    encoding: Encoding,
) -> Outcome {
    let types = match finish(state, batch, steps, pairs.clone()).await {
        Ok(types) => types,
        Err(why) => return unavailable(why),
    };
    let mut types = types.iter();
    let mut out = Vec::with_capacity(length + 16 * batch.len());
    let json = encoding != Encoding::Resp2;
    for (step, reply) in pairs {
        if json {
            out.push(if out.is_empty() { b'[' } else { b',' });
        }
        entry(&mut out, state, step, reply, &mut types, encoding);
    }
    if json {
        out.push(b']');
    }
    Outcome::new(StatusCode::OK, out, encoding)
}

/// Commands that follow each other, sent to the server at once.
pub(crate) async fn pipeline(
    state: &State,
    batch: &Batch,
    access: Access,
    encoding: Encoding,
) -> Outcome {
    let Plan { steps, legs } = plan(state, batch, access, Vec::new());
    let mut replies = Vec::with_capacity(legs.len());
    let mut ran = false;
    for leg in legs {
        let sends = leg.replies > 0;
        match send(state, leg).await {
            Ok(more) => replies.push(more),
            // What came before has run.
            Err(Unavailable::NotSent) if ran => return unavailable(Unavailable::Lost),
            Err(why) => return unavailable(why),
        }
        ran |= sends;
    }
    let length = replies.iter().map(Replies::len).sum();
    let pairs = paired(&steps, replies.iter().flat_map(Replies::iter));
    entries(state, batch, &steps, pairs, length, encoding).await
}

/// Commands that run together or not at all.
pub(crate) async fn transaction(
    state: &State,
    batch: &Batch,
    access: Access,
    encoding: Encoding,
) -> Outcome {
    let mut head = Vec::new();
    resp::encode(&mut head, [b"MULTI".as_slice()].into_iter());
    let Plan { steps, legs } = plan(state, batch, access, head);
    let refused = steps.iter().find_map(|step| match step {
        Step::Refuse(text) => Some(text),
        _ => None,
    });
    if let Some(text) = refused {
        return refusal(StatusCode::BAD_REQUEST, text);
    }
    let Ok([mut leg]) = <[Leg; 1]>::try_from(legs) else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "ERR a transaction cannot hold JSON commands beside others here: they go to a server of their own (--json)",
        );
    };
    resp::encode(&mut leg.payload, [b"EXEC".as_slice()].into_iter());
    leg.replies += 2;
    let replies = match send(state, leg).await {
        Ok(replies) => replies,
        Err(why) => return unavailable(why),
    };
    // The error of the command that could not be queued says more than EXEC's own.
    if let Some(text) = discarded(&replies) {
        return refusal(StatusCode::BAD_REQUEST, &text);
    }
    let mut results = Tokens::new(replies.iter().last().unwrap_or_default());
    results.next();
    let pairs = paired(&steps, results.values());
    entries(state, batch, &steps, pairs, replies.len(), encoding).await
}

/// A stream, once the server has accepted what it is of.
pub(crate) async fn stream(
    state: &State,
    meter: &Arc<Meter>,
    source: Source,
    words: &Batch,
    access: Access,
) -> Outcome {
    state.counters.commands.fetch_add(1, Relaxed);
    // A subscriber reads what it asked for; MONITOR shows what everybody writes.
    if access == Access::ReadOnly && source == Source::Monitor {
        return refusal(StatusCode::BAD_REQUEST, &no_permission(source.name()));
    }
    let backend = match (&state.reads, access) {
        (Some(reads), Access::ReadOnly) => &reads.backend,
        _ => &state.backend,
    };
    match Events::open(backend, words, Arc::clone(meter)).await {
        Ok(events) => {
            if state.counters.is_blind() {
                state.counters.ran(source.name());
            }
            Outcome {
                status: StatusCode::OK,
                kind: HeaderValue::from_static("text/event-stream"),
                body: Answer::Events(Box::new(events)),
                ran: None,
            }
        }
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
