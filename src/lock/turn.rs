//! One request at a time for what is held: a renewal and a release that overlap would leave open which of them ran last.

use std::{
    future::poll_fn,
    mem,
    task::{Poll, Waker},
};

use crate::sync::{Mutex, lock};

/// Lets one task through at a time. The others wait, in no particular order.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    is_taken: bool,
    waiting: Vec<Waker>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a>(&'a Turn);

impl Turn {
    pub(crate) async fn take(&self) -> Taken<'_> {
        poll_fn(|cx| {
            let mut line = lock(&self.0);
            if mem::replace(&mut line.is_taken, true) {
                if !line.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    line.waiting.push(cx.waker().clone());
                }
                return Poll::Pending;
            }
            Poll::Ready(Taken(self))
        })
        .await
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut line = lock(&self.0.0);
            line.is_taken = false;
            mem::take(&mut line.waiting)
        };
        // All of them, since the first may have stopped waiting.
        for waker in waiting {
            waker.wake();
        }
    }
}
