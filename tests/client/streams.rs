//! A transport whose answers are streams, by a script.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use restis::{
    Bytes, Error, Event, GapReason, Message, Redis, Retry, Subscription,
    transport::{Body, Request, Response, TransportError},
};
use tokio::time::Instant;

use crate::play::Seen;

pub type Piece = Result<Bytes, TransportError>;

/// What the server does with a request.
pub enum Reply {
    /// Sends these pieces, then does what the second says.
    Events(Vec<Vec<u8>>, End),
    Stream(Body),
    Answer(u16, &'static str),
    Fail(TransportError),
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Eof,
    Broken,
    Silence,
}

pub use End::{Broken, Eof, Silence};

/// All of it in one piece.
pub fn events(text: &str, end: End) -> Reply {
    Reply::Events(vec![text.into()], end)
}

#[derive(Clone, Default)]
pub struct Server {
    pub seen: Arc<Mutex<Vec<(Seen, Instant)>>>,
    /// Pieces that were asked for.
    pub pulled: Arc<AtomicUsize>,
    /// Streams that are open.
    open: Arc<AtomicUsize>,
}

impl Server {
    /// The script says what becomes of request `n` for a path.
    pub fn redis(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> (Redis, Self) {
        let server = Self::default();
        let this = server.clone();
        let redis = Redis::builder()
            .url("https://mock.example/base/")
            .token("token")
            .retry(Retry::times(3).backoff(Duration::ZERO, Duration::ZERO))
            .transport(move |request: Request| {
                let path = request.url().replacen("https://mock.example/base", "", 1);
                let n = this.note(&request);
                this.clone().play(script(n, &path))
            })
            .build()
            .unwrap();
        (redis, server)
    }

    fn note(&self, request: &Request) -> usize {
        assert!(request.wants_events());
        let headers = request.headers();
        let seen = Seen {
            url: request.url().to_owned(),
            headers: headers
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
            body: Bytes::copy_from_slice(request.body()),
        };
        let mut all = self.seen.lock().unwrap();
        all.push((seen, Instant::now()));
        all.len() - 1
    }

    async fn play(self, reply: Reply) -> Result<Response, TransportError> {
        match reply {
            Reply::Events(pieces, end) => {
                let pieces = stream::iter(pieces.into_iter().map(|piece| Ok(piece.into())));
                let end = match end {
                    Eof => stream::empty().boxed(),
                    Broken => stream::iter([Err(TransportError::interrupted("reset"))]).boxed(),
                    Silence => stream::pending().boxed(),
                };
                let body = Body::from_stream(self.counted(pieces.chain(end)));
                Ok(Response::new(200, body).header("content-type", "text/event-stream"))
            }
            Reply::Stream(body) => Ok(Response::new(200, body)),
            Reply::Answer(status, body) => Ok(Response::new(status, body)),
            Reply::Fail(error) => Err(error),
            Reply::Never => std::future::pending().await,
        }
    }

    fn counted(&self, inner: impl Stream<Item = Piece> + Send + 'static) -> Counted {
        self.open.fetch_add(1, Ordering::SeqCst);
        Counted {
            inner: inner.boxed(),
            server: self.clone(),
        }
    }

    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn paths(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let path = |seen: &Seen| seen.url.replacen("https://mock.example/base", "", 1);
        seen.iter().map(|(seen, _)| path(seen)).collect()
    }

    /// The times between the requests.
    pub fn waits(&self) -> Vec<Duration> {
        let seen = self.seen.lock().unwrap();
        seen.windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

struct Counted {
    inner: stream::BoxStream<'static, Piece>,
    server: Server,
}

impl Stream for Counted {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let piece = self.inner.poll_next_unpin(cx);
        if matches!(piece, Poll::Ready(Some(_))) {
            self.server.pulled.fetch_add(1, Ordering::SeqCst);
        }
        piece
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.server.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a test looks at: a payload, the reason of a gap, or an error.
#[derive(Debug, PartialEq)]
pub enum Saw {
    Message(String),
    Gap(GapReason),
    Error,
    End,
}

pub fn saw(item: Option<Result<Event<Message<String>>, Error>>) -> Saw {
    match item {
        None => Saw::End,
        Some(Ok(Event::Message(message))) => Saw::Message(message.payload),
        Some(Ok(Event::Gap(gap))) => Saw::Gap(gap.reason),
        Some(Ok(other)) => panic!("{other:?}"),
        Some(Err(_)) => Saw::Error,
    }
}

pub async fn next(stream: &mut Subscription<Message<String>>) -> Saw {
    // The clock is paused: this ends when nothing else can happen.
    match tokio::time::timeout(Duration::from_secs(100_000), stream.next()).await {
        Ok(item) => saw(item),
        Err(_) => panic!("nothing comes any more"),
    }
}

pub fn message(text: &str) -> Saw {
    Saw::Message(text.to_owned())
}

pub const CHAT: &str = "data: subscribe,chat,1\n\n";
