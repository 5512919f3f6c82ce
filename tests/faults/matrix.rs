//! The matrix: every fault of restis-local under every kind of operation, and what the server has in the end.
//!
//! Natively and on wasm32 the same code: who calls says how a fault is injected. Half of the requests of a cell meet its
//! fault. A clean client then counts at the server: what was acknowledged and is not there is *lost*, what is there
//! more often than it was asked for is *doubled*, and what is there although its error said that it did not run is a
//! *phantom*. All three have to be 0.

use std::{
    collections::BTreeMap,
    fmt,
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restis::{
    Bytes, Cache, Command, Error, Idempotency, Lock, Queue, RateLimiter, Redis, Retry, Script,
    Sessions,
    idempotency::{Ran, RunError},
};

/// Every kind of fault, as restis-local reads it; what runs all the same where it makes a difference.
pub const FAULTS: [&str; 16] = [
    r#""kind":"drop_before""#,
    r#""kind":"drop_after""#,
    r#""kind":"delay","ms":250"#,
    r#""kind":"delay_answer","ms":250"#,
    r#""kind":"status","status":429"#,
    r#""kind":"status","status":500"#,
    r#""kind":"status","status":500,"executed":true"#,
    r#""kind":"status","status":503"#,
    r#""kind":"status","status":503,"executed":true"#,
    r#""kind":"status","status":503,"headers":{"restis-ran":"no"}"#,
    r#""kind":"status","status":408,"executed":true"#,
    r#""kind":"html""#,
    r#""kind":"html","executed":true"#,
    r#""kind":"body","text":"{\"result\":","executed":true"#,
    r#""kind":"truncate","bytes":5"#,
    r#""kind":"stall","bytes":5"#,
];

/// An attempt ends before a delayed answer comes.
const ATTEMPT: Duration = Duration::from_millis(100);
/// After this what was delayed has run.
const DELAYED: Duration = Duration::from_millis(300);

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Read,
    IdempotentWrite,
    Write,
    Binary,
    Pipeline,
    Transaction,
    AutoPipeline,
    Script,
    Scan,
    Cache,
    Session,
    Limit,
    Lock,
    Add,
    Drain,
    Once,
}

impl Operation {
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::IdempotentWrite,
        Self::Write,
        Self::Binary,
        Self::Pipeline,
        Self::Transaction,
        Self::AutoPipeline,
        Self::Script,
        Self::Scan,
        Self::Cache,
        Self::Session,
        Self::Limit,
        Self::Lock,
        Self::Add,
        Self::Drain,
        Self::Once,
    ];
}

/// What became of the calls of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub ok: u64,
    pub ambiguous: u64,
    pub failed: u64,
    /// Attempts that did not end well.
    pub met: u64,
    pub lost: u64,
    pub doubled: u64,
    pub phantom: u64,
}

impl Tally {
    pub fn is_right(&self) -> bool {
        (self.lost, self.doubled, self.phantom) == (0, 0, 0) && self.met > 0
    }

    pub fn add(&mut self, other: Self) {
        self.ok += other.ok;
        self.ambiguous += other.ambiguous;
        self.failed += other.failed;
        self.met += other.met;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.phantom += other.phantom;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ok,
            ambiguous,
            failed,
            met,
            lost,
            doubled,
            phantom,
        } = self;
        write!(
            f,
            "{met:>4} faults: {ok:>4} ok, {ambiguous:>3} ambiguous, {failed:>3} failed; \
             {lost} lost, {doubled} doubled, {phantom} phantom"
        )
    }
}

/// What a call said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ok,
    Ambiguous,
    Failed,
}

fn fate<T>(result: &Result<T, Error>) -> Fate {
    match result {
        Ok(_) => Fate::Ok,
        Err(error) if error.is_ambiguous() => Fate::Ambiguous,
        Err(_) => Fate::Failed,
    }
}

fn three_ids(call: u32) -> [String; 3] {
    [0, 1, 2].map(|part| format!("{call}.{part}"))
}

/// What injects and removes faults, and waits.
pub trait Server {
    fn url(&self) -> &str;
    fn token(&self) -> &str;
    /// `Some` injects this fault, `None` removes all.
    async fn fault(&self, fault: Option<&str>);
    async fn wait(&self, time: Duration);
}

struct Cell<'a, S> {
    server: &'a S,
    /// Never meets a fault.
    clean: Redis,
    faulty: Redis,
    /// Meets them and gathers commands.
    gathering: Redis,
    /// What no other cell's keys begin with.
    tag: String,
    calls: u32,
    fault: &'a str,
    tally: Tally,
}

/// Runs an operation under a fault, and counts.
pub async fn cell<S: Server>(
    server: &S,
    operation: Operation,
    fault: &str,
    tag: &str,
    calls: u32,
) -> Tally {
    let met = Arc::new(AtomicU64::new(0));
    let client = |auto| {
        let met = Arc::clone(&met);
        Redis::builder()
            .url(server.url())
            .token(server.token())
            .attempt_timeout(ATTEMPT)
            .retry(Retry::times(3).backoff(Duration::from_millis(1), Duration::from_millis(1)))
            .auto_pipelining(auto)
            .on_request(move |report| {
                met.fetch_add(report.error().is_some().into(), Relaxed);
            })
            .build()
            .unwrap()
    };
    let mut cell = Cell {
        server,
        clean: Redis::new(server.url(), server.token()).unwrap(),
        faulty: client(false),
        gathering: client(true),
        tag: format!("matrix:{tag}"),
        calls,
        fault,
        tally: Tally::default(),
    };
    match operation {
        Operation::Read => cell.read().await,
        Operation::IdempotentWrite => cell.idempotent_write().await,
        Operation::Write => cell.write().await,
        Operation::Binary => cell.binary().await,
        Operation::Pipeline => cell.pipeline().await,
        Operation::Transaction => cell.transaction().await,
        Operation::AutoPipeline => cell.auto_pipeline().await,
        Operation::Script => cell.script().await,
        Operation::Scan => cell.scan().await,
        Operation::Cache => cell.cache().await,
        Operation::Session => cell.session().await,
        Operation::Limit => cell.limit().await,
        Operation::Lock => cell.lock().await,
        Operation::Add => cell.add().await,
        Operation::Drain => cell.drain().await,
        Operation::Once => cell.once().await,
    }
    cell.tally.met = met.load(Relaxed);
    cell.tally
}

impl<S: Server> Cell<'_, S> {
    /// From here on half of the requests meet the fault; which ones depends on the seed alone.
    async fn begin(&self) {
        self.begin_at("").await;
    }

    /// The same, with more members of the fault.
    async fn begin_at(&self, more: &str) {
        let fault = format!(r#"{{{},"rate":0.5,"seed":3{more}}}"#, self.fault);
        self.server.fault(Some(&fault)).await;
    }

    /// From here on none does, and what was delayed has run.
    async fn end(&self) {
        self.server.fault(None).await;
        if self.fault.contains("delay") {
            self.server.wait(DELAYED).await;
        }
    }

    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Ok => self.tally.ok += 1,
            Fate::Ambiguous => self.tally.ambiguous += 1,
            Fate::Failed => self.tally.failed += 1,
        }
    }

    /// Compares what calls said of what they wrote with how often it is there.
    fn settle<K: Ord>(&mut self, said: Vec<(K, Fate)>, there: impl IntoIterator<Item = K>) {
        let mut found = BTreeMap::<K, u64>::new();
        for key in there {
            *found.entry(key).or_default() += 1;
        }
        for (key, fate) in said {
            self.count(fate);
            let times = found.remove(&key).unwrap_or_default();
            self.tally.lost += u64::from(times == 0 && fate == Fate::Ok);
            self.tally.doubled += times.saturating_sub(1);
            self.tally.phantom += u64::from(times > 0 && fate == Fate::Failed);
        }
        assert!(found.is_empty(), "what nobody wrote is there");
    }

    /// Makes calls that push ids to a list, each with what it said of them. Gives what is there in the end.
    async fn pushed(
        &mut self,
        call: impl AsyncFn(&Self, u32) -> Vec<(String, Fate)>,
    ) -> Vec<String> {
        self.begin().await;
        let mut said = Vec::new();
        for number in 0..self.calls {
            said.extend(call(self, number).await);
        }
        self.end().await;
        let there: Vec<String> = self.clean.lrange(&self.tag, 0, -1).await.unwrap();
        self.settle(said, there.clone());
        there
    }

    async fn read(&mut self) {
        self.clean.set(&self.tag, "value").await.unwrap();
        self.begin().await;
        for _ in 0..self.calls {
            let got = self.faulty.get::<String>(&self.tag).await;
            self.count(fate(&got));
            let wrong = got.is_ok_and(|value| value.as_deref() != Some("value"));
            self.tally.lost += u64::from(wrong);
        }
        self.end().await;
    }

    async fn idempotent_write(&mut self) {
        self.begin().await;
        let mut said = Vec::new();
        for call in 0..self.calls {
            let key = format!("{}:{call}", self.tag);
            let set = self.faulty.set(&key, "value").await;
            said.push((key, fate(&set)));
        }
        self.end().await;
        let keys: Vec<String> = self.clean.keys(format!("{}:*", self.tag)).await.unwrap();
        self.settle(said, keys);
    }

    async fn write(&mut self) {
        self.pushed(async |cell, call| {
            let id = call.to_string();
            let pushed = cell.faulty.rpush(&cell.tag, &*id).await;
            vec![(id, fate(&pushed))]
        })
        .await;
    }

    async fn binary(&mut self) {
        self.begin().await;
        let mut said = Vec::new();
        for call in 0..self.calls {
            let id = [&[0xff, 0][..], &call.to_le_bytes()].concat();
            let pushed = self.faulty.rpush(&self.tag, id.as_slice()).await;
            said.push((id, fate(&pushed)));
        }
        self.end().await;
        let there: Vec<Bytes> = self.clean.lrange(&self.tag, 0, -1).await.unwrap();
        self.settle(said, there.into_iter().map(|id| id.to_vec()));
    }

    /// Three pushes of a client, to be sent together.
    fn three<'a>(&'a self, redis: &'a Redis, ids: &[String; 3]) -> Vec<Command<'a, u64>> {
        ids.iter().map(|id| redis.rpush(&self.tag, &**id)).collect()
    }

    async fn pipeline(&mut self) {
        self.pushed(async |cell, call| {
            let ids = three_ids(call);
            match cell.faulty.pipeline(cell.three(&cell.faulty, &ids)).await {
                Ok(results) => ids.into_iter().zip(results.iter().map(fate)).collect(),
                Err(error) => {
                    let fate = fate::<()>(&Err(error));
                    ids.map(|id| (id, fate)).into()
                }
            }
        })
        .await;
    }

    async fn transaction(&mut self) {
        let there = self
            .pushed(async |cell, call| {
                let ids = three_ids(call);
                let done = cell
                    .faulty
                    .transaction(cell.three(&cell.faulty, &ids))
                    .await;
                let fate = fate(&done);
                ids.map(|id| (id, fate)).into()
            })
            .await;
        // All of it, or nothing.
        for call in 0..self.calls {
            let of_it = |id: &&String| id.starts_with(&format!("{call}."));
            assert_eq!(
                there.iter().filter(of_it).count() % 3,
                0,
                "a torn transaction"
            );
        }
    }

    async fn auto_pipeline(&mut self) {
        self.pushed(async |cell, call| {
            let ids = three_ids(call);
            let pushes = cell.three(&cell.gathering, &ids).into_iter();
            let results = join_all(pushes.map(IntoFuture::into_future)).await;
            ids.into_iter().zip(results.iter().map(fate)).collect()
        })
        .await;
    }

    async fn script(&mut self) {
        let script = Script::new("return redis.call('RPUSH', KEYS[1], ARGV[1])");
        self.pushed(async |cell, call| {
            let id = call.to_string();
            let run = script.run::<u64>(&cell.faulty, [&cell.tag]);
            let pushed = run.arg(&*id).await;
            vec![(id, fate(&pushed))]
        })
        .await;
    }

    async fn scan(&mut self) {
        let key = |number: u32| format!("{}:{number}", self.tag);
        let pairs: Vec<_> = (0..30).map(|number| (key(number), "v")).collect();
        self.clean.mset(&pairs).await.unwrap();
        self.begin().await;
        for _ in 0..self.calls {
            let mut names = std::collections::BTreeSet::new();
            let pattern = format!("{}:*", self.tag);
            let mut keys = self
                .faulty
                .scan()
                .matching(pattern)
                .count(10)
                .stream::<String>();
            let mut whole = Ok(());
            while let Some(key) = keys.next().await {
                match key {
                    Ok(key) => {
                        names.insert(key);
                    }
                    Err(error) => {
                        whole = Err(error);
                        break;
                    }
                }
            }
            drop(keys);
            self.count(fate(&whole));
            self.tally.lost += u64::from(whole.is_ok() && names.len() != 30);
        }
        self.end().await;
    }

    async fn cache(&mut self) {
        let cache = |redis| {
            Cache::new(redis)
                .namespace(self.tag.clone())
                .ttl(Duration::from_secs(600))
        };
        let (clean, faulty) = (cache(&self.clean), cache(&self.faulty));
        self.begin().await;
        let mut kept = Vec::new();
        let mut deleted = Vec::new();
        let mut wrong = 0;
        for call in 0..self.calls {
            let loaded = faulty
                .get_or_set(call, async || Ok::<_, std::io::Error>(call))
                .await;
            wrong += u64::from(loaded.is_ok_and(|value| value != call));
            let set = faulty.set(call, &(call + 100)).await;
            kept.push((call, fate(&set)));
            let gone = call + 1_000;
            let _ = faulty.set(gone, &1).await;
            if faulty.delete(gone).await.is_ok() {
                deleted.push(gone);
            }
        }
        self.end().await;
        self.tally.lost += wrong;
        for (call, fate) in kept {
            self.count(fate);
            let got = clean.get::<u32>(call).await.unwrap();
            self.tally.lost += u64::from(fate == Fate::Ok && got != Some(call + 100));
            self.tally.phantom += u64::from(fate == Fate::Failed && got == Some(call + 100));
        }
        for key in deleted {
            // A delete that was acknowledged is a write that must not be undone.
            let got = clean.get::<u32>(key).await.unwrap();
            self.tally.lost += u64::from(got.is_some());
        }
    }

    async fn session(&mut self) {
        let sessions = |redis| Sessions::<u32>::new(redis, [7; 32]).namespace(self.tag.clone());
        let (clean, faulty) = (sessions(&self.clean), sessions(&self.faulty));
        self.begin().await;
        let mut kept = Vec::new();
        let mut ended = Vec::new();
        for call in 0..self.calls {
            let created = faulty.create("ada", &call).await;
            self.count(fate(&created));
            let Ok(issued) = created else { continue };
            if call % 2 == 0 {
                kept.push((issued, call));
            } else if faulty.revoke(issued.token().as_str()).await.is_ok() {
                ended.push(issued);
            }
        }
        self.end().await;
        for (issued, call) in kept {
            let found = clean.validate(issued.token().as_str()).await.unwrap();
            let right = found.is_some_and(|session| *session.data() == call);
            self.tally.lost += u64::from(!right);
        }
        for issued in ended {
            let found = clean.validate(issued.token().as_str()).await.unwrap();
            self.tally.lost += u64::from(found.is_some());
        }
    }

    async fn limit(&mut self) {
        let day = Duration::from_secs(24 * 60 * 60);
        let limiter = RateLimiter::fixed_window(1_000, day * 365)
            .prefix(self.tag.clone())
            .build(&self.faulty);
        self.begin().await;
        let mut ambiguous = 0;
        for _ in 0..self.calls {
            let checked = fate(&limiter.check("a").await);
            ambiguous += u64::from(checked == Fate::Ambiguous);
            self.count(checked);
        }
        self.end().await;
        let mut counted = 0;
        for key in self
            .clean
            .keys::<String>(format!("{}*", self.tag))
            .await
            .unwrap()
        {
            counted += self.clean.get::<u64>(key).await.unwrap().unwrap();
        }
        let ok = self.tally.ok;
        self.tally.lost += ok.saturating_sub(counted);
        self.tally.doubled += counted.saturating_sub(ok + ambiguous);
    }

    async fn lock(&mut self) {
        let lock = Lock::new(&self.faulty, self.tag.clone());
        let other = Lock::new(&self.clean, self.tag.clone());
        for _ in 0..self.calls {
            self.begin().await;
            let got = lock.try_acquire().await;
            self.end().await;
            self.count(fate(&got));
            match got {
                Ok(attempt) => match attempt.held() {
                    Some(held) => {
                        self.tally.lost += u64::from(!other.is_held().await.unwrap());
                        let second = other.try_acquire().await.unwrap();
                        self.tally.doubled += u64::from(second.is_held());
                        self.begin().await;
                        let released = held.release().await;
                        self.end().await;
                        let is_held = other.is_held().await.unwrap();
                        self.tally.lost += u64::from(matches!(released, Ok(true)) && is_held);
                    }
                    // Nobody else wants it: its own lost answer stands in its way.
                    None => self.tally.lost += 1,
                },
                Err(error) if !error.is_ambiguous() => {
                    self.tally.phantom += u64::from(other.is_held().await.unwrap());
                }
                Err(_) => {}
            }
            self.clean.del(&self.tag).await.unwrap();
        }
    }

    /// The data of all jobs of a list of ids.
    async fn jobs(&self, name: &str) -> Vec<String> {
        let ids: Vec<String> = self
            .clean
            .lrange(format!("bull:{name}:wait"), 0, -1)
            .await
            .unwrap();
        let mut all = Vec::new();
        for id in ids {
            let data: Option<String> = self
                .clean
                .hget(format!("bull:{name}:{id}"), "data")
                .await
                .unwrap();
            all.extend(data);
        }
        all
    }

    async fn add(&mut self) {
        let name = self.tag.replace(':', "-");
        let queue = Queue::new(&self.faulty, &*name);
        self.begin().await;
        let mut said = Vec::new();
        for call in 0..self.calls {
            let added = queue.add("job", &call).await;
            said.push((call.to_string(), fate(&added)));
        }
        self.end().await;
        let there = self.jobs(&name).await;
        self.settle(said, there);
    }

    async fn drain(&mut self) {
        let name = self.tag.replace(':', "-");
        let clean = Queue::new(&self.clean, &*name);
        let jobs = u64::from(self.calls);
        for call in 0..self.calls {
            clean.add("job", &call).await.unwrap();
        }
        let short = Duration::from_millis(200);
        let consumer = |queue: &Queue| {
            queue
                .consumer()
                .lock(short)
                .stalled_interval(short)
                .max_stalled(1_000)
        };
        let faulty = consumer(&Queue::new(&self.faulty, &*name));
        self.begin().await;
        for _ in 0..self.calls {
            self.one(&faulty).await;
        }
        self.end().await;
        // What a lost answer has left active comes back once its lock is over.
        let completed = format!("bull:{name}:completed");
        let consumer = consumer(&clean);
        for _ in 0..200 {
            if self.clean.zcard(&completed).await.unwrap() >= jobs {
                break;
            }
            self.one(&consumer).await;
            self.server.wait(Duration::from_millis(20)).await;
        }
        let done = self.clean.zcard(&completed).await.unwrap();
        self.tally.lost += jobs.saturating_sub(done);
        self.tally.doubled += done.saturating_sub(jobs);
        assert_eq!(self.jobs(&name).await.len(), 0, "jobs are left");
    }

    /// Takes a job and completes it, as far as the faults let it.
    async fn one(&mut self, consumer: &restis::queue::Consumer) {
        let pulled = consumer.pull(1).await;
        self.count(fate(&pulled));
        if let Ok(mut batch) = pulled {
            for job in batch.jobs().to_vec() {
                batch.complete(job.id(), &()).unwrap();
            }
            // A lost answer here is a job that may be done.
            let _ = batch.settle().await;
        }
    }

    async fn once(&mut self) {
        let once = Idempotency::new(&self.faulty).namespace(self.tag.clone());
        let effects = format!("{}-effects", self.tag);
        // The work's own effect meets none.
        self.begin_at(r#","path":"/""#).await;
        let mut said = Vec::new();
        for call in 0..self.calls {
            let id = call.to_string();
            let mut told = Fate::Ambiguous;
            // As a caller who gets an error: the same key again.
            for _ in 0..2 {
                let work = async || {
                    let effect = self.clean.transaction((self.clean.rpush(&effects, &*id),));
                    effect.await.map(|(length,)| length)
                };
                match once.run::<u64, _, _>(&id, "payload", work).await {
                    Ok(Ran::Now(_) | Ran::Before(_)) => {
                        told = Fate::Ok;
                        break;
                    }
                    Ok(_) | Err(RunError::Redis(_) | RunError::Lost(_)) => {}
                    Err(error) => panic!("the work failed: {error:?}"),
                }
            }
            said.push((id, told));
        }
        self.end().await;
        let there: Vec<String> = self.clean.lrange(&effects, 0, -1).await.unwrap();
        self.settle(said, there);
    }
}
