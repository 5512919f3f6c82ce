//! Setting a key where there is none, so that a lost answer is not a lost key.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    Error, Redis, Safety, Script,
    clock::{self, Instant},
    find::find,
};

static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("extend.lua")));

/// How often requests may fail while it is open what became of an attempt.
const MAX_FAILED: u32 = 3;
/// The pause after a request that failed.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of an attempt.
pub(crate) enum Taken {
    /// The key is set, by a request that began then.
    Since(Instant),
    /// Another holder has set it, and has this long left, where that was requested.
    Before(Option<Duration>),
}

/// A request to set a key.
pub(crate) struct Take<'a> {
    pub(crate) redis: &'a Redis,
    pub(crate) key: &'a str,
    /// What nobody else sets.
    pub(crate) value: &'a str,
    pub(crate) millis: u64,
    /// Whether to read how long another holder has left, which is billed too.
    pub(crate) is_hinted: bool,
    pub(crate) without_ifeq: &'a WithoutIfeq,
    /// Whether a request of this value may have run unnoticed, now or in an attempt before.
    pub(crate) in_doubt: &'a AtomicBool,
}

impl Take<'_> {
    pub(crate) async fn run(self) -> Result<Taken, Error> {
        // The lease of a request that ran unnoticed counts from when it began. Of one of an earlier attempt that is not known.
        let is_new = !self.in_doubt.load(Relaxed);
        let mut first = None;
        let mut doubt: Option<Error> = None;
        let mut failed = 0;
        loop {
            if let Some(first) = first.filter(|_| is_new)
                && self.reads_as_ours().await
            {
                return Ok(Taken::Since(first));
            }
            let begun = Instant::now();
            let tried = match self.set().await {
                Ok((true, _)) => return Ok(Taken::Since(begun)),
                Ok((false, left)) if !self.in_doubt.load(Relaxed) => {
                    return Ok(Taken::Before(left));
                }
                // The key that is in the way may be ours, by a request whose answer was lost.
                Ok((false, left)) => self.compared(first.filter(|_| is_new), left).await,
                Err(error) if error.is_ambiguous() => {
                    self.in_doubt.store(true, Relaxed);
                    first = first.or(Some(begun));
                    Err(error)
                }
                Err(error) if doubt.is_none() => return Err(error),
                Err(error) => Err(error),
            };
            match tried {
                Ok(taken) => return Ok(taken),
                Err(error) => {
                    failed += 1;
                    if failed >= MAX_FAILED {
                        return Err(doubt.unwrap_or(error));
                    }
                    doubt = doubt.or(Some(error));
                    clock::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn compared(
        &self,
        first: Option<Instant>,
        left: Option<Duration>,
    ) -> Result<Taken, Error> {
        if let Some(first) = first
            && self.reads_as_ours().await
        {
            return Ok(Taken::Since(first));
        }
        // A replica that is behind returns what was there before. A command that compares and writes runs on the primary.
        let begun = Instant::now();
        let key = [self.key];
        let ours = set_again(self.redis, &key, self.value, self.millis, self.without_ifeq);
        Ok(match ours.await? {
            true => Taken::Since(begun),
            false => Taken::Before(left),
        })
    }

    /// Whether a read finds our value. One that does not, or fails, proves nothing.
    async fn reads_as_ours(&self) -> bool {
        let found = self.redis.get::<String>(self.key).await;
        matches!(found, Ok(Some(holder)) if holder == self.value)
    }

    async fn set(&self) -> Result<(bool, Option<Duration>), Error> {
        let set = self.redis.set(self.key, self.value).px(self.millis).nx();
        let set = set.safety(Safety::Write);
        if !self.is_hinted {
            return Ok((set.await?, None));
        }
        let (done, left) = self
            .redis
            .pipeline((set, self.redis.pttl(self.key)))
            .await?;
        Ok((done?, left?.left().map(Duration::from_millis)))
    }
}

/// Gives keys that hold `value` so many milliseconds from now on; `false` if one of them holds something else, or nothing.
///
/// By `SET … IFEQ` for one key, where the server has that; else, and where it has no memory left for a SET, by a script.
pub(crate) async fn set_again<K: AsRef<str>>(
    redis: &Redis,
    keys: &[K],
    value: &str,
    millis: u64,
    without_ifeq: &WithoutIfeq,
) -> Result<bool, Error> {
    if let [key] = keys
        && !without_ifeq.is_known()
    {
        let set = redis.set(key.as_ref(), value).px(millis).ifeq(value);
        // A second time finds the same value.
        match set.safety(Safety::IdempotentWrite).await {
            Err(error) if without_ifeq.says(&error) || error.code() == Some("OOM") => {}
            done => return done,
        }
    }
    let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    let run = EXTEND.run::<bool>(redis, keys).arg(value).arg(millis);
    run.safety(Safety::IdempotentWrite).await
}

/// Whether the server has refused IFEQ or DELEX; then they are not sent again.
#[derive(Clone, Debug, Default)]
pub(crate) struct WithoutIfeq(Arc<AtomicBool>);

impl WithoutIfeq {
    pub(crate) fn is_known(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Whether this error is such a refusal.
    pub(crate) fn says(&self, error: &Error) -> bool {
        let words = error.to_string().to_ascii_lowercase();
        let has = |word| find(words.as_bytes(), word).is_some();
        let unknown = has("unknown command") || has("not available") || has("syntax error");
        let says = error.is_server() && unknown;
        self.0.fetch_or(says, Relaxed);
        says
    }
}
