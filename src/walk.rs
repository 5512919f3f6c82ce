//! Pages one after the other, as the elements in them: what SCAN and XRANGE by pages share.

use std::{
    collections::VecDeque,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    Command, CommandFuture, Error, FromReply, Redis, command::Options, wire::request::Args,
};

/// Where a walk is, and how it goes on. `P` is a page as the server answers it, `T` an element of it.
pub(crate) trait Walk<P, T> {
    /// The request of the next page; `None` after the last.
    fn request(&mut self) -> Option<Args>;

    /// Moves on behind this page, and gives its elements.
    fn turn(&mut self, page: P) -> VecDeque<T>;
}

/// A walk with the one page that is in memory, and the request for the next one while it is under way.
///
/// A page is asked for when the one before is used up. An error ends the walk. Dropping it gives up
/// the request it waits for.
pub(crate) struct Walker<'a, W, P, T> {
    redis: &'a Redis,
    /// For each page.
    options: Options,
    /// `None` after an error.
    walk: Option<W>,
    page: VecDeque<T>,
    next: Option<CommandFuture<'a, P>>,
}

impl<'a, W, P, T> Walker<'a, W, P, T> {
    pub(crate) fn new(redis: &'a Redis, options: Options, walk: W) -> Self {
        Self {
            redis,
            options,
            walk: Some(walk),
            page: VecDeque::new(),
            next: None,
        }
    }
}

impl<W: Walk<P, T>, P: FromReply, T> Walker<'_, W, P, T> {
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(element) = self.page.pop_front() {
                return Poll::Ready(Some(Ok(element)));
            }
            let Some(walk) = &mut self.walk else {
                return Poll::Ready(None);
            };
            let request = match &mut self.next {
                Some(request) => request,
                None => {
                    let Some(args) = walk.request() else {
                        return Poll::Ready(None);
                    };
                    self.next.insert(
                        Command::<P>::of_args(self.redis, args)
                            .with_options(self.options)
                            .into_future(),
                    )
                }
            };
            let page = ready!(Pin::new(request).poll(cx));
            self.next = None;
            match page {
                Ok(page) => self.page = walk.turn(page),
                Err(error) => {
                    self.walk = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}
