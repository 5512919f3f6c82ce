//! The hook that hears of every request, and the report it gets.

use std::{
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::of_call;
use crate::{
    client::{Call, Endpoint},
    clock::Instant,
    error::Error,
};

/// What [`Builder::on_request`](crate::Builder::on_request) was given.
pub(crate) struct Hook(Box<dyn Fn(&RequestReport<'_>) + Send + Sync>);

impl Hook {
    pub(crate) fn new(hook: impl Fn(&RequestReport<'_>) + Send + Sync + 'static) -> Self {
        Self(Box::new(hook))
    }
}

/// What became of one request: an attempt of a command, a pipeline or a transaction.
///
/// [`Builder::on_request`](crate::Builder::on_request) hands it out. It holds no key, value or token. What is not
/// asked of it is not computed; [`commands`](Self::commands), [`billed_at_most`](Self::billed_at_most) and
/// [`operation`](Self::operation) go once over the body of a batch.
pub struct RequestReport<'a> {
    call: &'a Call,
    attempt: u32,
    latency: Duration,
    received: usize,
    end: End<'a>,
}

#[derive(Clone, Copy)]
enum End<'a> {
    Answered,
    Failed { error: &'a Error, repeated: bool },
    GivenUp,
}

/// Which of the three forms a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKind {
    /// One command.
    Command,
    /// Commands in one request, gathered by [`Redis::pipeline`](crate::Redis::pipeline) or by
    /// [auto-pipelining](crate::Builder::auto_pipelining).
    Pipeline,
    /// [`Redis::transaction`](crate::Redis::transaction).
    Transaction,
}

impl RequestReport<'_> {
    /// Which of the three forms it has.
    pub fn kind(&self) -> RequestKind {
        match self.call.endpoint {
            Endpoint::Command | Endpoint::Path(_) => RequestKind::Command,
            Endpoint::Pipeline => RequestKind::Pipeline,
            Endpoint::MultiExec => RequestKind::Transaction,
        }
    }

    /// What was asked for, by OpenTelemetry's names: `GET`, `SCRIPT LOAD`; for several commands `PIPELINE` or `MULTI`,
    /// with the command behind it if all are the same (`PIPELINE GET`).
    ///
    /// A batch of one command has that command's name. A name that does not look like a command's is `_OTHER`.
    pub fn operation(&self) -> Cow<'static, str> {
        of_call::operation(self.call)
    }

    /// How many commands were in it. What a script calls is not among them.
    pub fn commands(&self) -> u64 {
        of_call::commands(self.call)
    }

    /// How many commands of it the service may bill, at most: all of [`commands`](Self::commands), or none if no
    /// connection came about.
    ///
    /// Those that Redis refuses unrun, and requests that were turned away (429, 503), are counted too, so the sum is
    /// never too low, but for the commands that scripts call, which are known to the server only.
    pub fn billed_at_most(&self) -> u64 {
        match self.end {
            End::Failed { error, .. } if error.is_connect() || error.is_config() => 0,
            _ => self.commands(),
        }
    }

    /// Bytes of the body that was sent, and of the path where that holds the command. HTTP's own are not counted.
    pub fn sent(&self) -> usize {
        let path = match &self.call.endpoint {
            Endpoint::Path(path) => path.len(),
            _ => 0,
        };
        self.call.body.len() + path
    }

    /// Bytes of the answer's body; 0 if it did not come whole. HTTP's own are not counted.
    pub fn received(&self) -> usize {
        self.received
    }

    /// From its beginning to the last byte of its answer, or to its failure. Waits before a repetition are not in it.
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// How many requests this call had made before: 0 for the first one.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Why it failed. `None` if there is an answer, or if nobody waited for it any more.
    ///
    /// An error of one command in a pipeline is part of the answer: it is that command's, and not here. That of a
    /// transaction is here only if the server discarded all of it.
    pub fn error(&self) -> Option<&Error> {
        match self.end {
            End::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// It failed, and the call makes another attempt, unless it is dropped or its time runs out while it waits.
    pub fn is_repeated(&self) -> bool {
        matches!(self.end, End::Failed { repeated: true, .. })
    }

    /// The call was dropped while this request was on its way. It may have run.
    pub fn is_given_up(&self) -> bool {
        matches!(self.end, End::GivenUp)
    }
}

impl fmt::Debug for RequestReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestReport")
            .field("kind", &self.kind())
            .field("operation", &self.operation())
            .field("commands", &self.commands())
            .field("billed_at_most", &self.billed_at_most())
            .field("sent", &self.sent())
            .field("received", &self.received)
            .field("latency", &self.latency)
            .field("attempt", &self.attempt)
            .field("error", &self.error())
            .field("is_repeated", &self.is_repeated())
            .field("is_given_up", &self.is_given_up())
            .finish()
    }
}

/// One request that somebody may want to hear of. Dropped before its end, it was given up.
pub(crate) struct Watch<'a>(Option<Watched<'a>>);

struct Watched<'a> {
    hook: &'a Hook,
    call: &'a Call,
    attempt: u32,
    begun: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn begin(hook: Option<&'a Hook>, call: &'a Call, attempt: u32) -> Self {
        Self(hook.map(|hook| Watched {
            hook,
            call,
            attempt,
            begun: Instant::now(),
        }))
    }

    pub(crate) fn answered(mut self, received: usize) {
        self.report(received, End::Answered);
    }

    /// The error is made only if somebody listens.
    pub(crate) fn failed(mut self, received: usize, repeated: bool, error: impl FnOnce() -> Error) {
        if self.0.is_some() {
            let error = &error();
            self.report(received, End::Failed { error, repeated });
        }
    }

    fn report(&mut self, received: usize, end: End<'_>) {
        let Some(watched) = self.0.take() else {
            return;
        };
        let report = RequestReport {
            call: watched.call,
            attempt: watched.attempt,
            latency: watched.begun.elapsed(),
            received,
            end,
        };
        // A request may be shared by many, and may be ending because something else panicked: whoever only watches
        // must not bring it down. The panic has had its message by then.
        let _ = catch_unwind(AssertUnwindSafe(|| (watched.hook.0)(&report)));
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.report(0, End::GivenUp);
    }
}
