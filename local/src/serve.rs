//! Accepts connections and serves HTTP/1.1 on them, and counts what goes over.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::{State, http};

/// How many connections are served at a time.
const MOST_CONNECTIONS: usize = 4_096;

/// Accepts until the runtime ends.
pub(crate) async fn accept(listener: TcpListener, state: Arc<State>, head_timeout: Duration) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // What comes behind the last waits in the queue of the system.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(&state), head_timeout);
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            // Out of file descriptors, most likely: others will close.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>, head_timeout: Duration) {
    // Without it small answers may wait; a socket that refuses it still works.
    let _ = stream.set_nodelay(true);
    let meter = Arc::new(Meter::new(Arc::clone(&state)));
    let io = TokioIo::new(Counted {
        stream,
        meter: Arc::clone(&meter),
    });
    let service =
        service_fn(|request| http::handle(Arc::clone(&state), Arc::clone(&meter), request));
    // An error here is a client that left, or a fault that closes the connection.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(io, service)
        .await;
}

/// The traffic of one connection.
///
/// Requests to `/_local` are not counted. Which a request is shows in its head, so what was read waits
/// until its handler has settled it; what is written belongs to the request that came last.
#[derive(Debug)]
pub(crate) struct Meter {
    state: Arc<State>,
    unsettled: AtomicU64,
    rest: AtomicBool,
    served_rest: AtomicBool,
    counted_in: AtomicU64,
    unsent: AtomicBool,
    flushed: Mutex<Option<Waker>>,
}

const NOT_COUNTED: u64 = u64::MAX;

impl Meter {
    fn new(state: Arc<State>) -> Self {
        let epoch = state.counters.accepted();
        Self {
            state,
            unsettled: AtomicU64::new(0),
            rest: AtomicBool::new(false),
            served_rest: AtomicBool::new(false),
            counted_in: AtomicU64::new(epoch),
            unsent: AtomicBool::new(false),
            flushed: Mutex::new(None),
        }
    }

    /// A request begins. A connection that carries only requests to `/_local` does not count as one.
    pub(crate) fn begin(&self, rest: bool) {
        self.rest.store(rest, Relaxed);
        let counters = &self.state.counters;
        if rest {
            self.served_rest.store(true, Relaxed);
            if self.counted_in.load(Relaxed) == NOT_COUNTED {
                self.counted_in.store(counters.accepted(), Relaxed);
            }
        } else if !self.served_rest.load(Relaxed) {
            counters.not_accepted(self.counted_in.swap(NOT_COUNTED, Relaxed));
        }
        self.settle();
    }

    /// What was read until now belongs to the request that began.
    pub(crate) fn settle(&self) {
        let read = self.unsettled.swap(0, Relaxed);
        if self.rest.load(Relaxed) {
            self.state.counters.bytes_in.fetch_add(read, Relaxed);
        }
    }

    /// Bytes are about to be written that [`flushed`](Self::flushed) shall wait for.
    pub(crate) fn expect_flush(&self) {
        self.unsent.store(true, Relaxed);
    }

    /// Waits until what was written has reached the socket.
    pub(crate) fn flushed(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.unsent.load(Relaxed) {
            return Poll::Ready(());
        }
        *self.waker() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.flushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Counted {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Counted {
    fn wrote(&self, result: &io::Result<usize>) {
        if let (Ok(bytes), true) = (result, self.meter.rest.load(Relaxed)) {
            let counter = &self.meter.state.counters.bytes_out;
            counter.fetch_add(*bytes as u64, Relaxed);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        self.meter.unsettled.fetch_add(read as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.wrote(&result);
        Poll::Ready(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.wrote(&result);
        Poll::Ready(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // hyper flushes when its own buffer is empty.
        if self.meter.unsent.swap(false, Relaxed)
            && let Some(waker) = self.meter.waker().take()
        {
            waker.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
