//! The body of an answer: all of it, a part of it, or a stream.

use std::{
    error, fmt,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::{State, serve::Meter, stream::Events};

/// The connection is to be closed with nothing more said.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed")
    }
}

impl error::Error for Closed {}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All of it.
    Full(Option<Bytes>),
    /// A part of it, as a fault wants it.
    Part {
        part: Option<Bytes>,
        length: u64,
        meter: Arc<Meter>,
        /// `Some` stays open until the client leaves, and then counts it as gone.
        stalls: Option<Pending>,
    },
    /// A stream, whose length nobody knows.
    Events(Box<Events>),
}

impl Answer {
    /// Its first bytes, after which the connection ends, or stays open and silent. A body that has a
    /// length announces all of it, and keeps its last byte back.
    pub(crate) fn cut(self, bytes: u64, meter: Arc<Meter>, stalls: Option<Pending>) -> Self {
        match self {
            Self::Full(Some(body)) => {
                let kept = usize::try_from(bytes)
                    .unwrap_or(usize::MAX)
                    .min(body.len().saturating_sub(1));
                meter.expect_flush();
                Self::Part {
                    part: Some(body.slice(..kept)).filter(|part| !part.is_empty()),
                    length: body.len() as u64,
                    meter,
                    stalls,
                }
            }
            Self::Events(mut events) => {
                events.cut(bytes, stalls);
                Self::Events(events)
            }
            other => other,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Part {
                part,
                meter,
                stalls,
                ..
            } => {
                if let Some(part) = part.take() {
                    meter.expect_flush();
                    return Poll::Ready(Some(Ok(Frame::data(part))));
                }
                // hyper forgets what it has not yet written when a body fails.
                ready!(meter.flushed(cx));
                match stalls {
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(Some(Err(Closed))),
                }
            }
            Self::Events(events) => events.poll(cx).map(|bytes| Some(bytes.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Part { length, .. } => SizeHint::with_exact(*length),
            Self::Events(_) => SizeHint::new(),
        }
    }
}

/// A request that has no answer yet. If it is dropped, its client went away.
#[derive(Debug)]
pub(crate) struct Pending(Option<Arc<State>>);

impl Pending {
    pub(crate) fn of(state: &Arc<State>) -> Self {
        Self(Some(Arc::clone(state)))
    }

    pub(crate) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.counters.aborted.fetch_add(1, Relaxed);
        }
    }
}
