//! Several limits in one request.

use std::{fmt::Display, time::Duration};

use super::{
    RateLimiter,
    algorithm::{ALL, Answer, Mode},
    decision::{Decision, Decisions},
    failure::answered,
};
use crate::Error;

/// A call as one of several limits sees it: of [`RateLimiter::call`], for [`RateLimiter::check_all`].
#[derive(Debug)]
#[must_use = "a call is checked by `RateLimiter::check_all`"]
pub struct Call<'a> {
    limiter: &'a RateLimiter,
    id: String,
    cost: u64,
}

impl Call<'_> {
    /// Sets how many calls it counts as. Default: 1. [`check_all`](RateLimiter::check_all) fails with
    /// [`is_argument`](Error::is_argument) for 0.
    pub fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }
}

impl RateLimiter {
    /// A call of this visitor, for [`check_all`](Self::check_all).
    pub fn call(&self, id: impl Display) -> Call<'_> {
        Call {
            limiter: self,
            id: id.to_string(),
            cost: 1,
        }
    }

    /// Whether a call is let through by several limits, which counts it in all of them, or in none.
    ///
    /// All limits are at the database of the first. Each needs a prefix of its own. Where Redis does not answer, each decides as
    /// was chosen for it, after the shortest of their times; with one that has chosen nothing it is an error.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let minute = Duration::from_secs(60);
    /// let by_ip = RateLimiter::sliding_window(100, minute).prefix("ip").policy("ip").build(&redis);
    /// let in_all = RateLimiter::gcra(10_000, minute).prefix("all").policy("all").build(&redis);
    /// let decisions = RateLimiter::check_all([by_ip.call("192.0.2.1"), in_all.call("all")]).await?;
    /// assert!(decisions.allowed());
    /// let refused = RateLimiter::check_all([by_ip.call("192.0.2.1").cost(101), in_all.call("all")]);
    /// assert_eq!(refused.await?.refused().next().map(|one| one.policy()), Some("ip"));
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip; 1 billed command, and for each limit those of a check less 1. A refusal is billed less, or more
    /// where others had counted the call before and take it back. None of that where a list or a refusal that still holds
    /// decides.
    pub async fn check_all<'a>(
        calls: impl IntoIterator<Item = Call<'a>>,
    ) -> Result<Decisions, Error> {
        let calls: Vec<Call<'a>> = calls.into_iter().collect();
        let mut decided: Vec<Option<Decision>> = Vec::new();
        for call in &calls {
            let decision = call.limiter.inner.here(&call.id, call.cost)?;
            if let Some(refusal) = decision.as_ref().filter(|one| !one.allowed) {
                return Ok(Decisions(vec![refusal.clone()]));
            }
            decided.push(decision);
        }
        let asked: Vec<&Call<'a>> = (calls.iter().zip(&decided))
            .filter_map(|(call, decision)| decision.is_none().then_some(call))
            .collect();
        let found = ask(&asked).await?;
        let mut found = found.into_iter();
        let all = decided
            .into_iter()
            .filter_map(|one| one.or_else(|| found.next()));
        Ok(Decisions(all.collect()))
    }
}

async fn ask(calls: &[&Call<'_>]) -> Result<Vec<Decision>, Error> {
    let Some(first) = calls.first() else {
        return Ok(Vec::new());
    };
    let (mut keys, mut words, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        let inner = &call.limiter.inner;
        let now = inner.now();
        times.push(now);
        let (its_keys, its_words) = inner.request(Mode::Take, &call.id, call.cost, now);
        words.push(inner.settings.algorithm.word().to_owned());
        words.push(its_keys.len().to_string());
        words.push(its_words.len().to_string());
        keys.extend(its_keys);
        words.extend(its_words);
    }
    let chosen = || calls.iter().map(|call| call.limiter.inner.settings.failure);
    let limit: Option<Vec<Duration>> = chosen().map(|one| one.map(|(_, time)| time)).collect();
    let limit = limit.and_then(|times| times.into_iter().min());
    let redis = &first.limiter.inner.redis;
    let run = async {
        let run = ALL.run::<Vec<Answer>>(redis, &keys).args(&words);
        run.await
    };
    let Some(answers) = answered(limit, run).await? else {
        let without = calls.iter().filter_map(|call| {
            let inner = &call.limiter.inner;
            let (failure, _) = inner.settings.failure?;
            Some(inner.decide_without(&call.id, call.cost, failure))
        });
        return Ok(without.collect());
    };
    if answers.len() != calls.len() {
        return Err(Error::decode(
            "the script of the limits gave something else",
        ));
    }
    let all = calls.iter().zip(answers).zip(times);
    let all = all.map(|((call, answer), now)| {
        let inner = &call.limiter.inner;
        inner.decision(Mode::Take, &call.id, answer, call.cost, now)
    });
    Ok(all.collect())
}
