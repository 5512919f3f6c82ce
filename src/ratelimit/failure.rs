//! What becomes of a check that Redis does not answer.

use std::time::Duration;

use super::{
    Inner,
    algorithm::each,
    decision::{Decision, Reason},
};
use crate::{Error, clock};

/// How long those wait who are refused since it is not known whether they may come, at least.
const RETRY_AFTER: u64 = 1000;

/// What is decided then.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    Open,
    Closed,
    Local,
}

/// Waits as long as was said, and gives what of the check came in that time: `None` if there is no answer, whoever is to blame.
/// A mistake of the caller is his to see.
pub(super) async fn answered<T>(
    limit: Option<Duration>,
    check: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Error> {
    let Some(limit) = limit else {
        return check.await.map(Some);
    };
    match clock::within(limit, check).await {
        // No page or proxy answers a script as Redis does: an answer that cannot be read is none.
        Some(Err(error)) if !error.is_unavailable() && !error.is_decode() => Err(error),
        Some(Ok(found)) => Ok(Some(found)),
        Some(Err(_)) | None => Ok(None),
    }
}

impl Inner {
    /// The decision without Redis.
    pub(super) fn decide_without(&self, id: &str, cost: u64, failure: Failure) -> Decision {
        let decision = self.without_count(Reason::Unavailable);
        match failure {
            Failure::Open => decision,
            Failure::Closed => {
                let retry_at = decision.now.saturating_add(RETRY_AFTER);
                decision.refused(Reason::Unavailable, Some(retry_at))
            }
            Failure::Local => self.decide_here(id, cost, decision),
        }
    }

    /// The generic cell rate algorithm, in this process.
    fn decide_here(&self, id: &str, cost: u64, decision: Decision) -> Decision {
        let Decision {
            limit, window, now, ..
        } = decision;
        let each = each(limit, window);
        let micros = now.saturating_mul(1000);
        let ahead = each.saturating_mul(limit);
        let paid = self.here.with(id, now, |paid| *paid);
        let paid = paid.unwrap_or(0).max(micros);
        let due = paid.saturating_add(each.saturating_mul(cost));
        let allowed = due <= micros.saturating_add(ahead);
        let paid = if allowed { due } else { paid };
        let until = paid.div_ceil(1000);
        if allowed {
            self.here.put(id, until, due, now);
        }
        let decision = Decision {
            allowed,
            reason: Reason::CountedHere,
            remaining: micros.saturating_add(ahead).saturating_sub(paid) / each,
            reset: until,
            ..decision
        };
        match (allowed, cost > limit) {
            (true, _) => decision,
            (false, true) => Decision {
                retry_at: None,
                ..decision
            },
            (false, false) => Decision {
                retry_at: Some(due.saturating_sub(ahead).div_ceil(1000)),
                ..decision
            },
        }
    }
}
