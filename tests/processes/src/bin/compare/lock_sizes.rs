//! What locks, permits and idempotent work cost beside many others: in the server's time and memory, and billed.

use std::time::Duration;

use restis::{Idempotency, Lock, Redis, Semaphore, idempotency::Begin};
use restis_processes::{Error, Result, Server};
use tokio::task::JoinSet;

use crate::table::Table;

const SIZES: [u64; 3] = [1, 1_000, 100_000];
/// How often each call is measured.
const CALLS: u64 = 500;
/// How many are made at once.
const AT_ONCE: u64 = 1_000;
const HOUR: Duration = Duration::from_secs(3600);

fn failed(error: restis::Error) -> Error {
    Error::new(error.to_string())
}

#[derive(Clone, Copy)]
enum Kind {
    Lock,
    Fenced,
    Permit,
    Idempotency,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Lock => "held locks",
            Self::Fenced => "held fenced locks",
            Self::Permit => "permits of one semaphore",
            Self::Idempotency => "ids of idempotent work",
        }
    }

    /// The commands that its calls are made of, as the server counts them; what a script calls is in its own time.
    fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Lock => &["set", "delex"],
            Self::Fenced => &["evalsha", "delex"],
            Self::Permit => &["evalsha", "zrem"],
            Self::Idempotency => &["set", "get", "pttl"],
        }
    }

    /// Takes one and holds it, or does the work of one id.
    async fn take(self, redis: Redis, number: u64) -> std::result::Result<(), restis::Error> {
        let name = format!("lock:{number}");
        match self {
            Self::Lock => drop(Lock::new(&redis, name).lease(HOUR).try_acquire().await?),
            Self::Fenced => {
                let lock = Lock::new(&redis, name).lease(HOUR).fenced();
                drop(lock.try_acquire().await?);
            }
            Self::Permit => drop(semaphore(&redis).try_acquire().await?),
            Self::Idempotency => {
                if let Begin::Started(run) = Idempotency::new(&redis).begin(name, "body").await? {
                    run.finish(&"receipt 1234567".to_owned()).await?;
                }
            }
        }
        Ok(())
    }

    /// The calls in the life of one more, which are measured: three of a holder; one that runs and one that is replayed.
    async fn live(self, redis: &Redis, number: u64) -> std::result::Result<(), restis::Error> {
        let name = format!("one more:{number}");
        let lock = Lock::new(redis, &*name).lease(HOUR);
        let lock = match self {
            Self::Permit => {
                if let Some(permit) = semaphore(redis).try_acquire().await? {
                    permit.extend(HOUR).await?;
                    permit.release().await?;
                }
                return Ok(());
            }
            Self::Idempotency => {
                Self::take(self, redis.clone(), u64::MAX - number).await?;
                return Self::take(self, redis.clone(), u64::MAX - number).await;
            }
            Self::Lock => lock,
            Self::Fenced => lock.fenced(),
        };
        if let Some(held) = lock.try_acquire().await?.held() {
            held.extend(HOUR).await?;
            held.release().await?;
        }
        Ok(())
    }
}

fn semaphore(redis: &Redis) -> Semaphore {
    Semaphore::new(redis, "permits", 1_000_000).lease(HOUR)
}

async fn info(redis: &Redis, section: &str) -> Result<String> {
    let info = redis.command("INFO").arg(section).query::<String>();
    info.await.map_err(failed)
}

pub(crate) async fn used_memory(redis: &Redis) -> Result<u64> {
    let info = info(redis, "memory").await?;
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used = used.and_then(|used| used.trim().parse().ok());
    used.ok_or_else(|| Error::new("the server does not report its memory"))
}

/// The time of these commands so far, in microseconds.
pub(crate) async fn spent(redis: &Redis, commands: &[&str]) -> Result<f64> {
    let info = info(redis, "commandstats").await?;
    let of = |command: &&str| {
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix(&*format!("cmdstat_{command}:")))?;
        let spent = line
            .split(',')
            .find_map(|part| part.strip_prefix("usec="))?;
        spent.parse::<f64>().ok()
    };
    Ok(commands.iter().filter_map(of).sum())
}

async fn measured(kind: Kind, table: &mut Table) -> Result<()> {
    let server = Server::start().await?;
    let redis = server.client()?;
    let builder = Redis::builder().url(server.url()).token(server.token());
    let filling = builder.auto_pipelining(true).build().map_err(failed)?;
    // Their scripts are known.
    kind.live(&redis, 0).await.map_err(failed)?;
    redis.flushall().await.map_err(failed)?;
    let empty = used_memory(&redis).await?;
    let mut there = 0;
    for size in SIZES {
        while there < size {
            let more = AT_ONCE.min(size - there);
            let mut all = JoinSet::new();
            for number in there..there + more {
                all.spawn(kind.take(filling.clone(), number));
            }
            while let Some(done) = all.join_next().await {
                let done = done.map_err(|error| Error::new(error.to_string()))?;
                done.map_err(failed)?;
            }
            there += more;
        }
        let used = used_memory(&redis).await?.saturating_sub(empty);
        let before = spent(&redis, kind.commands()).await?;
        server.reset().await?;
        for number in 0..CALLS {
            kind.live(&redis, size + number).await.map_err(failed)?;
        }
        let stats = server.stats().await?;
        let spent = spent(&redis, kind.commands()).await? - before;
        let each = |sum: f64| format!("{:.1}", sum / CALLS as f64);
        let bytes = match size {
            1 => "—".to_owned(),
            size => format!("{} B", used / size),
        };
        table.row(&[
            kind.title(),
            &size.to_string(),
            &bytes,
            &format!("{} µs", each(spent)),
            &each(stats.billed as f64),
        ]);
    }
    Ok(())
}

pub(crate) async fn table() -> Result<String> {
    let mut table = Table::new(&[
        "",
        "there already",
        "memory each",
        "server time of one more",
        "billed",
    ]);
    for kind in [Kind::Lock, Kind::Fenced, Kind::Permit, Kind::Idempotency] {
        measured(kind, &mut table).await?;
    }
    Ok(format!(
        "One more is acquired, extended and released; of idempotent work one run and one replay. Means of {CALLS}; the \
         server's time is that of its commandstats.\n\n{}",
        table.text()
    ))
}
