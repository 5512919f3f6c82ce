//! Claims: holding one while a loader runs, and waiting for those of others.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use super::{
    decide,
    flight::Leader,
    put::{Over, Write, gone},
    record::{Claim, Work},
    settings::Settings,
    store::{Op, Shared, millis},
};
use crate::{
    clock::{self, Instant},
    random,
};

/// A claim that stands in Redis, or may. Dropped as such it is left to the next caller of this process, who would wait
/// for its end otherwise.
#[derive(Debug)]
pub(super) struct Hold {
    shared: Arc<Shared>,
    key: String,
    claim: Option<Claim>,
    /// Whether another caller may go on under it.
    is_left: bool,
}

impl Hold {
    /// From now on nobody else may go on under it: what it is held for may go on without its holder.
    pub(super) fn keep_to_itself(&mut self) {
        self.is_left = false;
    }

    /// The key it stands in.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn text(&self) -> &str {
        self.claim.as_ref().map_or("", |claim| &claim.text)
    }

    pub(super) fn lease(&self) -> u64 {
        self.claim.as_ref().map_or(1, |claim| claim.lease)
    }

    /// What puts it where it belongs.
    pub(super) fn claim(&self, over: Over) -> Write {
        Write::new(
            self.key.clone(),
            over,
            self.text(),
            Duration::from_millis(self.lease()),
        )
    }

    /// What lets it last for another lease, if it is still there.
    pub(super) fn renewal(&self) -> Write {
        self.claim(Over::Claim(self.text().to_owned()))
    }

    /// What takes it away, if it is still there.
    pub(super) fn gone(&self) -> Write {
        gone(self.key.clone(), Over::Claim(self.text().to_owned()))
    }

    /// It does not stand there any more.
    pub(super) fn end(mut self) {
        self.claim = None;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take().filter(|_| self.is_left) {
            self.shared.notes.leave(&self.key, claim.text);
        }
    }
}

impl Op {
    pub(super) fn hold(&self, key: &str, claim: Claim) -> Hold {
        Hold {
            shared: Arc::clone(&self.shared),
            key: key.to_owned(),
            claim: Some(claim),
            is_left: true,
        }
    }

    /// Whether this claim was left by a caller of this process, and is this one's from now on.
    pub(super) fn adopts(&self, key: &str, claim: &Claim) -> bool {
        self.shared.notes.take(key, &claim.text)
    }

    /// Goes on under a claim that was left by a caller of this process, for another lease.
    pub(super) async fn adopt(&mut self, key: &str, claim: &Claim) -> Option<Hold> {
        if !self.adopts(key, claim) {
            return None;
        }
        let hold = self.hold(key, claim.clone());
        match self.write(&hold.renewal()).await {
            Ok(false) => {
                hold.end();
                None
            }
            Ok(true) | Err(_) => Some(hold),
        }
    }

    pub(super) fn new_claim(&self) -> Claim {
        Claim::new(millis(self.settings.lease()), Work::Load)
    }

    /// Takes a claim away, if it is still there.
    pub(super) async fn release(&mut self, hold: Hold) {
        // If this fails the hold is dropped as it is, and left to another.
        if self.write(&hold.gone()).await.is_ok() {
            hold.end();
        }
    }
}

/// Does some work, and renews the claims and the word to those who wait while it goes on.
pub(super) async fn while_held<T>(
    op: &mut Op,
    holds: &[&Hold],
    leader: Option<&Leader>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    let leases = holds.iter().map(|hold| Duration::from_millis(hold.lease()));
    let half = leases.min().unwrap_or_else(|| op.settings.lease()) / 2;
    let mut renewals: Vec<Write> = holds.iter().map(|hold| hold.renewal()).collect();
    loop {
        if let Some(done) = clock::within(half, work.as_mut()).await {
            return done;
        }
        if let Some(leader) = leader {
            leader.is_alive();
        }
        let renewed = {
            let mut renewal = pin!(op.put_many(&renewals));
            let step = poll_fn(|cx| {
                if let Poll::Ready(done) = work.as_mut().poll(cx) {
                    return Poll::Ready(Ok(done));
                }
                renewal.as_mut().poll(cx).map(Err)
            });
            match step.await {
                Ok(done) => return done,
                Err(renewed) => renewed,
            }
        };
        // One that is gone was deleted with its entry, or taken over.
        let mut renewed = renewed.into_iter();
        renewals.retain(|_| !matches!(renewed.next(), Some(Ok(false))));
    }
}

/// Waiting for the load of another.
#[derive(Debug)]
pub(super) struct Patience {
    lease: Duration,
    /// How long one load may take.
    limit: Option<Duration>,
    begun: Instant,
    polls: u32,
    /// The claim that is waited for, and since when.
    claim: Option<(String, Instant)>,
}

impl Patience {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            lease: settings.lease(),
            limit: settings.loader_timeout,
            begun: Instant::now(),
            polls: 0,
            claim: None,
        }
    }

    /// Waits a little, and not beyond the end of the claim; false if it has been too long: who waits longer loads on
    /// his own.
    pub(super) async fn wait(&mut self, claim: Option<&Claim>) -> bool {
        let waited = self.begun.elapsed();
        let mut limit = self.lease.saturating_mul(2);
        let mut wait = decide::poll(self.polls, random::unit());
        self.polls += 1;
        if let Some(claim) = claim {
            let known = self.claim.take().filter(|(text, _)| *text == claim.text);
            let (text, since) = known.unwrap_or_else(|| (claim.text.clone(), Instant::now()));
            let lease = Duration::from_millis(claim.lease);
            // One that outlives its lease is renewed by somebody who is at work.
            match lease.checked_sub(since.elapsed()) {
                Some(left) => wait = wait.min(left + Duration::from_millis(2)),
                None => {
                    let longest = self.limit.unwrap_or(Duration::MAX);
                    limit = limit.max(longest.saturating_add(self.lease));
                }
            }
            self.claim = Some((text, since));
        }
        if waited >= limit {
            return false;
        }
        clock::sleep(wait).await;
        true
    }
}
