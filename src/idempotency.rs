//! Work that runs once for each key, and whose stored answer is replayed to repeated calls: a webhook that is delivered twice,
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
//!     Ran::DoneWithoutAnswer => println!("200, but the receipt was not kept"),
//!     Ran::InProgress { retry_after, .. } => println!("409, Retry-After: {}", retry_after.as_secs()),
//!     Ran::OtherPayload => println!("422: this key was used for something else"),
//!     other => println!("{other:?}"),
//! }
//! # Ok(()) });
//! ```
//!
//! # What it keeps
//!
//! - **Once.** The caller that sets the key runs the work. All others get its answer, or that it is in progress.
//! - **An answer of Redis that is lost** makes nobody run twice: the key is compared with what this caller has set, on the
//!   primary where a replica is behind.
//! - **A runner that dies** keeps others waiting no longer than its [lease](Idempotency::lease), which is renewed while it
//!   works. Then another may run. The late runner cannot store its answer over that of the other, and gets
//!   [`RunError::Lost`]. Where nobody else has begun, it can.
//! - **Work that fails** frees the key, and may be tried again. Return a failure that must not be tried again as an answer: a
//!   charge that was made before the handler failed, say.
//! - **Work that was done stays done**, also when its answer cannot be stored; see below.
//! - Work whose runner died before it could store the answer runs again: pass its key on to what it calls.
//!
//! Only a hash of the payload is stored. The same key with another payload is refused, as the IETF's draft has it.
//!
//! # When the answer cannot be stored
//!
//! | cause | this call | later calls, for the whole [ttl](Idempotency::ttl) |
//! |---|---|---|
//! | it has no JSON form, or is larger than a request (10 MB) | [`Ran::Now`] | [`Ran::DoneWithoutAnswer`] |
//! | Redis refuses the value | [`Ran::Now`] | [`Ran::DoneWithoutAnswer`] |
//! | Redis is out of memory (`OOM`) | [`Ran::Now`] | [`Ran::DoneWithoutAnswer`]: the key is kept as it is, for longer |
//! | Redis cannot be reached, or takes no writes (`READONLY`, `LOADING`, `BUSY`) | [`RunError::Redis`], which [`is_ambiguous`](Error::is_ambiguous) | in progress until the lease ends, then the work runs again |
//!
//! Before the work each of these is [`RunError::Redis`] too, not ambiguous where Redis refused, and the work does not run.
//!
//! Use a database with the policy `noeviction`. A key that is evicted or deleted while its work runs, or later, lets the work
//! run again. Nobody is locked out for longer than a lease, or with [`Ran::OtherPayload`] than the ttl.
//!
//! # Cost
//!
//! | call | round trips | billed |
//! |---|---|---|
//! | [`begin`](Idempotency::begin) where it runs | 1 | 1 |
//! | the same where it ran before, or runs | 2 | 3 |
//! | [`finish`](Run::finish), [`abandon`](Run::abandon) | 1 | 1; 3 without `SET … IFEQ` and DELEX |
//! | [`finish`](Run::finish) where the answer is not stored | 1 | 1 more |
//!
//! # Sizes
//!
//! One run and one replay beside many other ids, by `cargo xtask compare lock` with Valkey 9.1.2: 29 µs of the server's time and 5 billed
//! commands beside 1, 37 µs beside 1,000 and 26 µs beside 100,000. An id with an answer of 17 bytes takes 134 bytes of memory.
//!
//! Source: [The Idempotency-Key HTTP Header Field](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).

mod record;

use std::{
    fmt::{self, Display},
    future::Future,
    marker::PhantomData,
    sync::{LazyLock, atomic::AtomicBool},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use self::record::{Record, State};
use crate::{
    Error, Redis, Safety, Script,
    clock::{self, Instant},
    lock::{
        Lost, WithoutIfeq,
        lease::{self, Lease, Leased, millis},
        take::{Take, Taken, set_again},
        token,
    },
};

static SWAP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("idempotency/swap.lua")));

/// How often a key is looked at that a write finds and a read does not: a replica may be behind.
const MAX_LOOKS: u32 = 5;
/// The pause between two of these.
const PAUSE: Duration = Duration::from_millis(50);

/// Work that runs once for each key. Cheap to clone; creating one does no I/O.
#[derive(Clone)]
pub struct Idempotency {
    redis: Redis,
    namespace: String,
    lease: Duration,
    ttl: Duration,
    without_ifeq: WithoutIfeq,
}

/// The result of [`Idempotency::begin`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Begin<T> {
    /// Nobody has run it: it is begun.
    Started(Run<T>),
    /// It ran before, and this is its answer.
    Done(T),
    /// It ran before, and its answer could not be stored.
    DoneWithoutAnswer,
    /// Another caller runs it: 409.
    #[non_exhaustive]
    InProgress {
        /// When that caller has finished or is given up, at the latest.
        retry_after: Duration,
    },
    /// The key was used with another payload: 422.
    OtherPayload,
}

/// The result of [`Idempotency::run`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Ran<T> {
    /// It ran now. If the answer could not be stored, later calls get [`DoneWithoutAnswer`](Self::DoneWithoutAnswer).
    Now(T),
    /// It ran before, and this is the answer of then.
    Before(T),
    /// It ran before, and its answer could not be stored: it was larger than a request, had no JSON form, or Redis had no
    /// room. The work does not run again before the [ttl](Idempotency::ttl) is over.
    DoneWithoutAnswer,
    /// Another caller runs it: 409.
    #[non_exhaustive]
    InProgress {
        /// When that caller has finished or is given up, at the latest.
        retry_after: Duration,
    },
    /// The key was used with another payload: 422.
    OtherPayload,
}

/// Work that has begun under a key. Dropping it leaves the key to its lease; [`abandon`](Self::abandon) frees it at once.
#[must_use = "others get that it is in progress until it is finished, abandoned, or its lease ends"]
pub struct Run<T> {
    by: Idempotency,
    key: String,
    record: Record,
    lease: Lease,
    marker: PhantomData<fn() -> T>,
}

/// What became of an answer.
enum Kept {
    Whole,
    /// It is stored that the work was done.
    Without(Error),
    /// Another runner has begun.
    Late,
}

/// Why [`Idempotency::run`] has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError<E> {
    /// The work has failed, and may be tried again.
    Work(E),
    /// Redis has failed. If [`is_ambiguous`](Error::is_ambiguous), the work may have been done.
    Redis(Error),
    /// The work took so long without reaching Redis that another caller may run it by now. It was dropped, or its answer was.
    Lost(Lost),
}

impl Idempotency {
    /// Creates one under `once:`, with answers that are kept for 24 hours.
    pub fn new(redis: &Redis) -> Self {
        Self {
            redis: redis.clone(),
            namespace: "once".to_owned(),
            lease: Duration::from_secs(30),
            ttl: Duration::from_secs(24 * 60 * 60),
            without_ifeq: WithoutIfeq::default(),
        }
    }

    /// Sets the beginning of each key, before a colon. Default: `once`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets how long others wait for a runner that has died. Default: 30 s.
    ///
    /// Zero has no meaning: each call fails with [`is_argument`](Error::is_argument), before the work runs.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long an answer is kept. Default: 24 hours.
    ///
    /// Zero has no meaning: each call fails with [`is_argument`](Error::is_argument), before the work runs.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Runs `work` if nobody has under this key, renews the lease while it goes on, and stores its answer.
    ///
    /// If it fails, the key is free again. If its answer cannot be stored, it is still done; see the [module](self).
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
        let run = match begun {
            Begin::Started(run) => run,
            Begin::Done(answer) => return Ok(Ran::Before(answer)),
            Begin::DoneWithoutAnswer => return Ok(Ran::DoneWithoutAnswer),
            Begin::InProgress { retry_after } => return Ok(Ran::InProgress { retry_after }),
            Begin::OtherPayload => return Ok(Ran::OtherPayload),
        };
        // Work that finishes late is done all the same: whether its answer can be stored is decided in Redis.
        match lease::run_to_the_end(&run, work()).await {
            Ok(Ok(answer)) => match run.keep(&answer).await.map_err(RunError::Redis)? {
                Kept::Whole | Kept::Without(_) => Ok(Ran::Now(answer)),
                Kept::Late => Err(RunError::Lost(Lost::late())),
            },
            Ok(Err(error)) => {
                // If that fails, the lease ends it.
                let _ = run.abandon().await;
                Err(RunError::Work(error))
            }
            Err(lost) => Err(RunError::Lost(lost)),
        }
    }

    /// Begins work under a key, or returns what became of it before.
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
        let lease = millis("the lease of idempotent work", self.lease)?;
        millis("the ttl of an answer", self.ttl)?;
        let key = format!("{}:{key}", self.namespace);
        let record = Record::begun(&token(), lease, payload.as_ref());
        let in_doubt = AtomicBool::default();
        let asked = Instant::now();
        let mut looks = 0;
        loop {
            let take = Take {
                redis: &self.redis,
                key: &key,
                value: record.text(),
                millis: lease,
                is_hinted: false,
                without_ifeq: &self.without_ifeq,
                in_doubt: &in_doubt,
            };
            if let Taken::Since(begun) = take.run().await? {
                return Ok(Begin::Started(self.started(key, record, begun)));
            }
            let read = (self.redis.get::<String>(&key), self.redis.pttl(&key));
            let (found, left) = self.redis.pipeline(read).await?;
            let Some(found) = found? else {
                // It has just ended, and is begun again; or the read is of a replica that is behind.
                looks += 1;
                if looks >= MAX_LOOKS {
                    let retry_after = self.lease;
                    return Ok(Begin::InProgress { retry_after });
                }
                if looks > 1 {
                    clock::sleep(PAUSE).await;
                }
                continue;
            };
            if found == record.text() {
                return Ok(Begin::Started(self.started(key, record, asked)));
            }
            let found = Record::read(found)?;
            if !found.is_of(&record) {
                return Ok(Begin::OtherPayload);
            }
            let left = left?.left().unwrap_or_default();
            return match found.state() {
                State::Done(answer) => Ok(Begin::Done(record::decode(answer)?)),
                State::DoneWithoutAnswer => Ok(Begin::DoneWithoutAnswer),
                // Where Redis was out of memory the run was given the time of its answer.
                State::Running { lease } if left > lease => Ok(Begin::DoneWithoutAnswer),
                State::Running { .. } => Ok(Begin::InProgress {
                    retry_after: Duration::from_millis(left),
                }),
            };
        }
    }

    fn started<T>(&self, key: String, record: Record, begun: Instant) -> Run<T> {
        Run {
            by: self.clone(),
            key,
            record,
            lease: Lease::new(begun, self.lease),
            marker: PhantomData,
        }
    }
}

impl<T> Run<T> {
    /// Stores the answer, and returns whether it did: `false` if the lease had ended and another caller has begun.
    ///
    /// An answer that has no JSON form, is larger than a request or is refused by Redis fails with that error. Then it is
    /// stored that the work was done, as by [`finish_without_answer`](Self::finish_without_answer), unless the error
    /// [`is_ambiguous`](Error::is_ambiguous).
    pub async fn finish(self, answer: &T) -> Result<bool, Error>
    where
        T: Serialize,
    {
        match self.keep(answer).await? {
            Kept::Whole => Ok(true),
            Kept::Without(error) => Err(error),
            Kept::Late => Ok(false),
        }
    }

    /// Stores that the work was done, without an answer: later calls get [`Begin::DoneWithoutAnswer`]. Returns `false` if the
    /// lease had ended and another caller has begun.
    pub async fn finish_without_answer(self) -> Result<bool, Error> {
        let done = self.record.without_answer();
        self.put(done.text(), None).await
    }

    async fn keep(&self, answer: &T) -> Result<Kept, Error>
    where
        T: Serialize,
    {
        let done = record::encode(answer).map(|answer| self.record.finished(&answer));
        let failure = match &done {
            Ok(done) => match self.put(done.text(), None).await {
                Ok(true) => return Ok(Kept::Whole),
                Ok(false) => return Ok(Kept::Late),
                Err(error) => error,
            },
            Err(error) => error.clone(),
        };
        // The answer may be stored all the same, by a request whose own answer was lost.
        let whole = done.as_ref().ok().map(Record::text);
        let put = match self.put(self.record.without_answer().text(), whole).await {
            // Without memory for a SET there may be room for more time.
            Err(error) if error.is_server() => {
                let time = millis("the ttl of an answer", self.by.ttl)?;
                self.set_again(time).await
            }
            put => put,
        };
        match put {
            Ok(true) => Ok(Kept::Without(failure)),
            Ok(false) => Ok(Kept::Late),
            // The work was done, whatever this request was.
            Err(_) => {
                let attempts = failure.attempts();
                Err(failure.with_outcome(attempts, true, false, Safety::Write))
            }
        }
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

    /// Renews the lease for its whole time; `false` if it had ended. For work that is not run by [`Idempotency::run`].
    pub async fn renew(&self) -> Result<bool, Error> {
        lease::extend(self, self.by.lease).await
    }

    /// Puts `text` in the place of the run, or where nothing is any more. Returns whether the key holds it then, or `whole`.
    async fn put(&self, text: &str, whole: Option<&str>) -> Result<bool, Error> {
        let ttl = millis("the ttl of an answer", self.by.ttl)?;
        if self.swap(text, ttl).await? {
            return Ok(true);
        }
        for _ in 0..MAX_LOOKS {
            match self.by.redis.get::<String>(&self.key).await? {
                // By a request whose answer was lost.
                Some(found) if found == text || Some(&*found) == whole => return Ok(true),
                // The run is not there any more, but on a replica that is behind.
                Some(found) if found == self.record.text() => {}
                Some(_) => return Ok(false),
                // It has expired or was evicted, and nobody has begun since.
                None => {
                    let set = self.by.redis.set(&self.key, text).px(ttl).nx();
                    if set.await? {
                        return Ok(true);
                    }
                }
            }
            clock::sleep(PAUSE).await;
        }
        Ok(false)
    }

    async fn set_again(&self, millis: u64) -> Result<bool, Error> {
        let Idempotency {
            redis,
            without_ifeq,
            ..
        } = &self.by;
        let key = [&*self.key];
        set_again(redis, &key, self.record.text(), millis, without_ifeq).await
    }

    /// Puts another text in the place of the run.
    async fn swap(&self, text: &str, millis: u64) -> Result<bool, Error> {
        if !self.by.without_ifeq.is_known() {
            let set = self.by.redis.set(&self.key, text).px(millis);
            let set = set.ifeq(self.record.text());
            // A second time finds what the first has put, or what another caller has begun.
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
    fn lease(&self) -> &Lease {
        &self.lease
    }

    async fn request(&self, millis: u64) -> Result<bool, Error> {
        self.set_again(millis).await
    }
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
            .field("lease", &self.lease.time())
            .finish_non_exhaustive()
    }
}

impl<E> Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "the work has failed, and may be tried again under the same key",
            Self::Redis(_) => "Redis has failed: call again under the same key",
            Self::Lost(_) => "the work took longer than its lease: call again under the same key to get what became of it",
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
