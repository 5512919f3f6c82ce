//! Work that runs once for each key, and whose answer is given again to who asks again: a webhook that is delivered twice,
//! a payment whose client has lost the answer.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use restis::{Idempotency, idempotency::Ran};
//!
//! # async fn charge() -> Result<String, std::io::Error> { Ok("receipt 7".into()) }
//! let payments = Idempotency::new(&redis).namespace("payment");
//! let body = br#"{"amount":100}"#;
//! match payments.run("evt_1", body, charge).await? {
//!     Ran::Now(receipt) | Ran::Before(receipt) => println!("200 {receipt}"),
//!     Ran::InProgress { retry_after, .. } => println!("409, Retry-After: {}", retry_after.as_secs()),
//!     Ran::OtherPayload => println!("422: this key was used for something else"),
//!     other => println!("{other:?}"),
//! }
//! # Ok(()) });
//! ```
//!
//! # What it keeps
//!
//! - **Once.** Whoever sets the key runs; all others have his answer, or hear that he is at it.
//! - **An answer that was lost on its way here** makes nobody run twice: whose the key is, is asked.
//! - **A runner that dies** keeps others waiting no longer than its [lease](Idempotency::lease), which is renewed while it
//!   works. Then another may run; the late one cannot store its answer, and hears so.
//! - **Work that fails** is free to be tried again; what shall not be tried again gives its failure as an answer.
//! - Work that was done, and whose runner died before it could say so, runs again: what it does beyond Redis has to bear that,
//!   as by handing its own key on.
//!
//! Of the payload a hash is kept. The same key with another payload is refused, as the IETF's draft has it.
//!
//! # Cost
//!
//! | call | round trips | billed |
//! |---|---|---|
//! | [`begin`](Idempotency::begin) where it runs | 1 | 1 |
//! | the same where it ran before, or runs | 2 | 3 |
//! | [`finish`](Run::finish), [`abandon`](Run::abandon) | 1 | 1; 3 without `SET … IFEQ` and DELEX |
//!
//! Source: [The Idempotency-Key HTTP Header Field](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).

mod record;

use std::{
    fmt::{self, Display},
    future::Future,
    marker::PhantomData,
    sync::LazyLock,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use self::record::Record;
use crate::{
    Error, Redis, Safety, Script,
    clock::{self, Instant},
    lock::{
        Lost, WithoutIfeq,
        lease::{self, Lease, Leased},
        take::{Taken, take},
        token,
    },
};

static SWAP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("idempotency/swap.lua")));

/// Work that runs once for each key. Cheap to clone; making one does no I/O.
#[derive(Clone)]
pub struct Idempotency {
    redis: Redis,
    namespace: String,
    lease: Duration,
    ttl: Duration,
    without_ifeq: WithoutIfeq,
}

/// What [`Idempotency::begin`] has found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Begin<T> {
    /// Nobody has run it: it is begun.
    Started(Run<T>),
    /// It ran, and this is its answer.
    Done(T),
    /// Somebody runs it: 409.
    #[non_exhaustive]
    InProgress {
        /// When he has finished or is given up, at the latest.
        retry_after: Duration,
    },
    /// The key was used with another payload: 422.
    OtherPayload,
}

/// What [`Idempotency::run`] has come to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ran<T> {
    /// It ran now.
    Now(T),
    /// It ran before, and this is the answer of then.
    Before(T),
    /// Somebody else runs it: 409.
    #[non_exhaustive]
    InProgress {
        /// When he has finished or is given up, at the latest.
        retry_after: Duration,
    },
    /// The key was used with another payload: 422.
    OtherPayload,
}

/// Work that has begun under a key. To drop it leaves the key to its lease; [`abandon`](Self::abandon) frees it at once.
#[must_use = "others hear that it is in progress until it is finished, abandoned, or its lease ends"]
pub struct Run<T> {
    by: Idempotency,
    key: String,
    record: Record,
    lease: Lease,
    marker: PhantomData<fn() -> T>,
}

/// Why [`Idempotency::run`] has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError<E> {
    /// The work has failed, and may be tried again.
    Work(E),
    /// Redis has failed. If [`is_ambiguous`](Error::is_ambiguous) the work may have been done.
    Redis(Error),
    /// The work took so long without reaching Redis that somebody else may run it by now; it was dropped.
    Lost(Lost),
}

impl Idempotency {
    /// Under `once:`, with answers kept for 24 hours.
    pub fn new(redis: &Redis) -> Self {
        Self {
            redis: redis.clone(),
            namespace: "once".to_owned(),
            lease: Duration::from_secs(30),
            ttl: Duration::from_secs(24 * 60 * 60),
            without_ifeq: WithoutIfeq::default(),
        }
    }

    /// What stands before each key, with a colon: `once` by default.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// For how long a runner that says nothing is waited for: 30 s by default.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// For how long an answer is kept: 24 hours by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Runs `work` if nobody has under this key, renews the lease while it goes on, and keeps its answer.
    ///
    /// If it fails the key is free again. That its answer was kept is sure when this returns
    /// [`Ran::Now`]; if keeping it fails, the work was done all the same: [`RunError::Redis`].
    pub async fn run<T, E, F>(
        &self,
        key: impl Display,
        payload: impl AsRef<[u8]>,
        work: impl FnOnce() -> F,
    ) -> Result<Ran<T>, RunError<E>>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, E>>,
    {
        let begun = self.begin(key, payload).await.map_err(RunError::Redis)?;
        let mut run = match begun {
            Begin::Started(run) => run,
            Begin::Done(answer) => return Ok(Ran::Before(answer)),
            Begin::InProgress { retry_after } => return Ok(Ran::InProgress { retry_after }),
            Begin::OtherPayload => return Ok(Ran::OtherPayload),
        };
        match run.renewed(work()).await {
            Ok(Ok(answer)) => {
                let kept = run.finish(&answer).await.map_err(RunError::Redis)?;
                match kept {
                    true => Ok(Ran::Now(answer)),
                    false => Err(RunError::Lost(Lost::late())),
                }
            }
            Ok(Err(error)) => {
                // If that fails the lease ends it.
                let _ = run.abandon().await;
                Err(RunError::Work(error))
            }
            Err(lost) => Err(RunError::Lost(lost)),
        }
    }

    /// Begins work under a key, or says what became of it before.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::{Idempotency, idempotency::Begin};
    ///
    /// let once = Idempotency::new(&redis);
    /// let Begin::Started(run) = once.begin::<String>("evt_1", "body").await? else {
    ///     return Err("it ran before".into());
    /// };
    /// run.finish(&"receipt 7".to_owned()).await?;
    /// let again = once.begin::<String>("evt_1", "body").await?;
    /// assert!(matches!(again, Begin::Done(receipt) if receipt == "receipt 7"));
    /// let other = once.begin::<String>("evt_1", "another body").await?;
    /// assert!(matches!(other, Begin::OtherPayload));
    /// # Ok(()) });
    /// ```
    pub async fn begin<T: DeserializeOwned>(
        &self,
        key: impl Display,
        payload: impl AsRef<[u8]>,
    ) -> Result<Begin<T>, Error> {
        let key = format!("{}:{key}", self.namespace);
        let record = Record::begun(token(), payload.as_ref());
        loop {
            let taken = take(&self.redis, &key, record.text(), millis(self.lease), false);
            if let Taken::Since(begun) = taken.await? {
                let time = self.lease;
                return Ok(Begin::Started(Run {
                    by: self.clone(),
                    key,
                    record,
                    lease: Lease { begun, time },
                    marker: PhantomData,
                }));
            }
            let read = (self.redis.get::<String>(&key), self.redis.pttl(&key));
            let (found, left) = self.redis.pipeline(read).await?;
            // What has just ended is begun anew.
            let Some(found) = found? else { continue };
            let found = Record::read(found)?;
            if !found.is_of(&record) {
                return Ok(Begin::OtherPayload);
            }
            return match found.answer() {
                Some(answer) => Ok(Begin::Done(record::decode(answer)?)),
                None => Ok(Begin::InProgress {
                    retry_after: Duration::from_millis(left?.left().unwrap_or_default()),
                }),
            };
        }
    }
}

impl<T> Run<T> {
    /// Keeps the answer, and gives whether it did: `false` if the lease had ended and somebody else has begun, or if an
    /// earlier try of this request has done it, whose answer was lost, and the answer has expired since.
    pub async fn finish(self, answer: &T) -> Result<bool, Error>
    where
        T: Serialize,
    {
        let done = self.record.finished(&record::encode(answer)?);
        let kept = self.swap(done.text(), millis(self.by.ttl)).await?;
        if kept {
            return Ok(true);
        }
        // A first try may have kept it.
        let found: Option<String> = self.by.redis.get(&self.key).await?;
        Ok(found.is_some_and(|found| found == done.text()))
    }

    /// Frees the key, so that the work may be tried again; `false` if the lease had ended.
    pub async fn abandon(self) -> Result<bool, Error> {
        if !self.by.without_ifeq.is_known() {
            let gone = self.by.redis.delex(&self.key).ifeq(self.record.text());
            match gone.safety(Safety::IdempotentWrite).await {
                Err(error) if self.by.without_ifeq.says(&error) => {}
                done => return done,
            }
        }
        self.by_script("", 1).await
    }

    /// Asks for as long as the whole lease again; `false` if it had ended. For work that says where it is by itself.
    pub async fn renew(&mut self) -> Result<bool, Error> {
        let begun = Instant::now();
        let is_ours = self.swap(self.record.text(), millis(self.by.lease)).await?;
        let time = match is_ours {
            true => self.by.lease,
            false => Duration::ZERO,
        };
        self.lease = Lease { begun, time };
        Ok(is_ours)
    }

    async fn renewed<O>(&mut self, work: impl Future<Output = O>) -> Result<O, Lost> {
        lease::run(self, work).await
    }

    /// Puts another text in the place of the run.
    async fn swap(&self, text: &str, millis: u64) -> Result<bool, Error> {
        if !self.by.without_ifeq.is_known() {
            let set = self.by.redis.set(&self.key, text).px(millis);
            let set = set.ifeq(self.record.text());
            // A second time finds what the first has put, or what somebody else has begun.
            match set.safety(Safety::IdempotentWrite).await {
                Err(error) if self.by.without_ifeq.says(&error) => {}
                done => return done,
            }
        }
        self.by_script(text, millis).await
    }

    async fn by_script(&self, text: &str, millis: u64) -> Result<bool, Error> {
        let run = SWAP.run::<bool>(&self.by.redis, &self.key);
        let run = run.arg(self.record.text()).arg(text).arg(millis);
        run.safety(Safety::IdempotentWrite).await
    }
}

impl<T> Leased for Run<T> {
    fn lease(&self) -> Lease {
        self.lease
    }

    async fn extend(&mut self) -> Result<bool, Error> {
        self.renew().await
    }
}

/// In whole milliseconds, at least one.
fn millis(time: Duration) -> u64 {
    clock::whole_millis(time).max(1)
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("lease", &self.lease)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("lease", &self.lease.time)
            .finish_non_exhaustive()
    }
}

impl<E> Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "the work has failed, and may be tried again under the same key",
            Self::Redis(_) => "Redis has failed: ask again under the same key",
            Self::Lost(_) => "the work took longer than its lease: ask again under the same key what became of it",
        })
    }
}

impl<E: std::error::Error + 'static> std::error::Error for RunError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Work(error) => error,
            Self::Redis(error) => error,
            Self::Lost(error) => error,
        })
    }
}
