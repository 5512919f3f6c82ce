//! One check: by the lists, by what this process knows, and by Redis.

use std::sync::Arc;

use super::{
    Inner,
    algorithm::{Algorithm, Answer, MOST, Mode, own_key},
    decision::{Decision, Reason},
    failure::answered,
    lease::Turn,
};
use crate::Error;

/// Why such a cost is refused.
pub(super) const TOO_MUCH: &str = "a cost above 9007199254740991 cannot be counted exactly";

impl Inner {
    pub(super) fn keys(&self, id: &str, now: u64) -> Vec<String> {
        let settings = &self.settings;
        settings.algorithm.keys(&settings.prefix, id, now)
    }

    pub(super) fn block_key(&self, id: &str) -> String {
        own_key(&self.settings.prefix, "block", id)
    }

    pub(super) fn dynamic_key(&self) -> String {
        format!("{}:dynamic:global", self.settings.prefix)
    }

    /// Fails if a setting of the limit has no meaning.
    pub(super) fn usable(&self) -> Result<(), Error> {
        self.settings
            .mistake
            .map_or(Ok(()), |mistake| Err(Error::argument(mistake)))
    }

    pub(super) fn now(&self) -> u64 {
        (self.settings.clock)()
    }

    pub(super) async fn check(&self, id: &str, cost: u64) -> Result<Decision, Error> {
        if let Some(decision) = self.here(id, cost)? {
            return Ok(decision);
        }
        let (failure, limit) = self.settings.failure.unzip();
        let found = match self.settings.lease {
            1 => answered(limit, self.ask(Mode::Take, id, cost)).await?,
            _ => answered(limit, self.leased(id, cost)).await?,
        };
        Ok(match (found, failure) {
            (None, Some(failure)) => self.decide_without(id, cost, failure),
            (Some(decision), _) => decision,
            (None, None) => return Err(Error::decode("a check without an answer")),
        })
    }

    /// What is decided without Redis.
    pub(super) fn here(&self, id: &str, cost: u64) -> Result<Option<Decision>, Error> {
        if let Some(decision) = self.listed(id)? {
            return Ok(Some(decision));
        }
        match cost {
            0 => Err(Error::argument(
                "a call that costs 0 is never refused: use `peek` to look, or a cost of 1 or more",
            )),
            cost if cost > MOST => Err(Error::argument(TOO_MUCH)),
            cost => Ok(self.refused_before(id, cost)),
        }
    }

    /// Whether a list says it.
    pub(super) fn listed(&self, id: &str) -> Result<Option<Decision>, Error> {
        self.usable()?;
        let decision = self.without_count(Reason::Allowed);
        if self.settings.allow.has(id)? {
            let remaining = decision.limit;
            return Ok(Some(Decision {
                remaining,
                ..decision
            }));
        }
        let denied = self.settings.deny.has(id)?;
        Ok(denied.then(|| decision.refused(Reason::Denied, None)))
    }

    /// A call that is let through without being counted.
    pub(super) fn without_count(&self, reason: Reason) -> Decision {
        let now = self.now();
        let algorithm = self.settings.algorithm;
        let limit = algorithm.limit();
        Decision {
            policy: Arc::clone(&self.settings.policy),
            allowed: true,
            reason,
            limit,
            remaining: 0,
            reset: now,
            retry_at: Some(now),
            now,
            window: algorithm.window(limit),
        }
    }

    /// A refusal that still holds, of a call that was not more than this one.
    fn refused_before(&self, id: &str, cost: u64) -> Option<Decision> {
        if !self.settings.local_deny {
            return None;
        }
        let now = self.now();
        let known = self.known.with(id, now, |(refused, decision)| {
            (*refused <= cost).then(|| decision.clone())
        });
        let decision = known.flatten()?;
        // Waiting does not help a call that costs more than the limit.
        let retry_at = decision.retry_at.filter(|_| cost <= decision.limit);
        Some(Decision {
            now,
            retry_at,
            ..decision
        })
    }

    fn keep_refusal(&self, id: &str, cost: u64, decision: &Decision) {
        let until = decision.retry_at.filter(|at| *at > decision.now);
        let (true, Some(until)) = (self.settings.local_deny, until) else {
            return;
        };
        let kept = match decision.reason {
            Reason::Counted => Reason::Known,
            reason => reason,
        };
        let decision = Decision {
            reason: kept,
            ..decision.clone()
        };
        let now = decision.now;
        self.known.put(id, until, (cost, decision), now);
    }

    /// Asks Redis.
    pub(super) async fn ask(&self, mode: Mode, id: &str, cost: u64) -> Result<Decision, Error> {
        let now = self.now();
        let (keys, words) = self.request(mode, id, cost, now);
        let script = self.settings.algorithm.script();
        let run = script.run::<Answer>(&self.redis, &keys).args(&words);
        let answer = run.await?;
        Ok(self.decision(mode, id, answer, cost, now))
    }

    /// The keys and arguments of a run.
    pub(super) fn request(
        &self,
        mode: Mode,
        id: &str,
        cost: u64,
        now: u64,
    ) -> (Vec<String>, Vec<String>) {
        let settings = &self.settings;
        let mut keys = self.keys(id, now);
        let mut looks = String::new();
        if settings.deny_list {
            keys.push(format!("{}:denyList:all", settings.prefix));
            looks.push('d');
        }
        if settings.blockable {
            keys.push(self.block_key(id));
            looks.push('b');
        }
        if settings.dynamic {
            keys.push(self.dynamic_key());
            looks.push('l');
        }
        let visitor = if settings.deny_list { id } else { "" };
        let words = settings.algorithm.words(mode, cost, now, looks, visitor);
        (keys, words)
    }

    /// What an answer means; a refusal is kept.
    pub(super) fn decision(
        &self,
        mode: Mode,
        id: &str,
        answer: Answer,
        cost: u64,
        now: u64,
    ) -> Decision {
        let decision = self.settings.algorithm.decision(answer, cost, now);
        let decision = Decision {
            policy: Arc::clone(&self.settings.policy),
            ..decision
        };
        if mode == Mode::Take && !decision.allowed {
            self.keep_refusal(id, cost, &decision);
        }
        decision
    }

    /// Takes from what was counted before, or counts more than this call.
    async fn leased(&self, id: &str, cost: u64) -> Result<Decision, Error> {
        let algorithm = self.settings.algorithm;
        if matches!(algorithm, Algorithm::Gcra { .. }) {
            return Err(Error::argument(
                "a lease of GCRA: take another algorithm, or no lease",
            ));
        }
        loop {
            let now = self.now();
            let asking = match self.leases.turn(id, cost, now) {
                Turn::Take(decision) => return Ok(decision),
                Turn::Wait(answered) => {
                    answered.await;
                    // Whoever asked may have been refused.
                    if let Some(decision) = self.refused_before(id, cost) {
                        return Ok(decision);
                    }
                    continue;
                }
                Turn::Ask(asking) => asking,
                Turn::Without => return self.ask(Mode::Take, id, cost).await,
            };
            let mut wanted = self.settings.lease.max(cost);
            loop {
                let decision = self.ask(Mode::Take, id, wanted).await?;
                if decision.allowed {
                    let until = algorithm.counts_until(decision.now, decision.reset);
                    return Ok(asking.got(decision, wanted - cost, until));
                }
                if wanted == cost || decision.reason != Reason::Counted {
                    return Ok(decision);
                }
                // Near its end: what is left, if nobody takes that, or this call alone.
                wanted = match decision.remaining {
                    left if (cost..wanted).contains(&left) => left,
                    _ => cost,
                };
            }
        }
    }
}
