//! The body of a response: there already, on its way, or a stream that goes on.

use std::{
    fmt,
    future::{self, Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::{Stream, future::BoxFuture};

use super::TransportError;

/// The body of a [`Response`](super::Response): there already, or on its way.
pub struct Body(pub(crate) BodyInner);

pub(crate) enum BodyInner {
    Whole(Bytes),
    Coming(BoxFuture<'static, Result<Bytes, TransportError>>),
    Streaming(ByteStream),
}

impl BodyInner {
    /// What is there, or what to wait for. A stream is read up to the limit; the others may still be over it.
    pub(crate) fn whole(
        self,
        limit: usize,
    ) -> Result<Bytes, BoxFuture<'static, Result<Bytes, TransportError>>> {
        match self {
            Self::Whole(whole) => Ok(whole),
            Self::Coming(coming) => Err(coming),
            Self::Streaming(stream) => Err(stream.collected(limit)),
        }
    }
}

/// A body as it comes.
pub(crate) type ByteStream = Pin<Box<dyn Chunks>>;

/// A stream of bytes that can also be taken as a whole. A method, since code that is only reached
/// by it is not linked where no body streams.
pub(crate) trait Chunks: Stream<Item = Result<Bytes, TransportError>> + Send {
    fn collected(
        self: Pin<Box<Self>>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>>;
}

impl<S> Chunks for S
where
    S: Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
{
    fn collected(
        self: Pin<Box<Self>>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>> {
        Box::pin(collect(self, limit))
    }
}

/// A body in one piece is not copied.
pub(super) async fn collect(
    mut body: Pin<Box<impl Stream<Item = Result<Bytes, TransportError>> + ?Sized>>,
    limit: usize,
) -> Result<Bytes, TransportError> {
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let chunk = chunk?;
        if chunk.len() > limit.saturating_sub(first.len().max(whole.len())) {
            return Err(TransportError::too_large());
        }
        if first.is_empty() {
            first = chunk;
            continue;
        }
        if whole.is_empty() {
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.into()
    })
}

impl Body {
    /// A body that is still read: the client waits for it within the timeout of the call.
    pub fn from_future(
        body: impl Future<Output = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self(BodyInner::Coming(Box::pin(body)))
    }

    /// A body that is read piece by piece, as an answer to [`subscribe`](crate::Redis::subscribe)
    /// has to be. Dropping the stream gives the request up. An answer to anything else is
    /// collected first.
    ///
    /// ```
    /// use restis::{Bytes, transport::{Body, TransportError}};
    ///
    /// let pieces = [Ok::<_, TransportError>(Bytes::from("data: subscribe,news,1\n\n"))];
    /// let body = Body::from_stream(futures_util::stream::iter(pieces));
    /// ```
    pub fn from_stream(
        body: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self(BodyInner::Streaming(Box::pin(body)))
    }

    /// The body piece by piece, whichever way it comes.
    pub(crate) fn into_stream(self) -> ByteStream {
        match self.0 {
            BodyInner::Streaming(stream) => stream,
            BodyInner::Whole(whole) => Box::pin(OnePiece(Some(Box::pin(future::ready(Ok(whole)))))),
            BodyInner::Coming(coming) => Box::pin(OnePiece(Some(coming))),
        }
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(body: B) -> Self {
        Self(BodyInner::Whole(body.into()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

/// A body that is no stream, as a stream.
struct OnePiece(Option<BoxFuture<'static, Result<Bytes, TransportError>>>);

impl Stream for OnePiece {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(coming) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let whole = ready!(coming.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(whole))
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Waker, vec};

    use super::*;

    /// A stream that is always ready.
    struct Pieces(vec::IntoIter<Result<Bytes, TransportError>>);

    impl Stream for Pieces {
        type Item = Result<Bytes, TransportError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.next())
        }
    }

    fn collected(
        pieces: Vec<Result<Bytes, TransportError>>,
        limit: usize,
    ) -> Result<Bytes, TransportError> {
        let mut future = pin!(collect(Box::pin(Pieces(pieces.into_iter())), limit));
        let mut cx = Context::from_waker(Waker::noop());
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(whole) => whole,
            Poll::Pending => panic!("it waits for nothing"),
        }
    }

    #[test]
    fn pieces_become_one_up_to_the_limit() {
        let piece = |text: &'static str| Ok(Bytes::from(text));
        assert_eq!(
            collected(vec![piece("ab"), piece(""), piece("cd")], 4).unwrap(),
            "abcd"
        );
        assert_eq!(collected(vec![], 0).unwrap(), "");
        assert!(collected(vec![piece("ab"), piece("cd")], 3).is_err());
        let cut = Err(TransportError::interrupted("cut"));
        assert!(collected(vec![piece("ab"), cut], 9).is_err());
    }
}
