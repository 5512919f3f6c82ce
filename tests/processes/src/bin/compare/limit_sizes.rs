//! What a check of a rate limit costs beside many ids: in the server's time and memory, and billed.

use std::time::Duration;

use restis::{RateLimiter, Redis};
use restis_processes::{Error, Result, Server};
use tokio::task::JoinSet;

use crate::{
    lock_sizes::{spent, used_memory},
    table::Table,
};

const SIZES: [u64; 3] = [1, 1_000, 100_000];
/// How often a check is measured.
const CALLS: u64 = 500;
/// How many ids are checked at once.
const AT_ONCE: u64 = 1_000;
/// So long that no id expires while the others are checked.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const LIMIT: u64 = 1_000_000;

/// A limiter over a client.
type Make = fn(&Redis) -> RateLimiter;

fn kinds() -> [(&'static str, Make); 4] {
    [
        ("fixed window", |redis| {
            RateLimiter::fixed_window(LIMIT, YEAR).build(redis)
        }),
        ("sliding window", |redis| {
            RateLimiter::sliding_window(LIMIT, YEAR).build(redis)
        }),
        ("token bucket", |redis| {
            RateLimiter::token_bucket(LIMIT, YEAR, LIMIT).build(redis)
        }),
        ("GCRA", |redis| RateLimiter::gcra(LIMIT, YEAR).build(redis)),
    ]
}

fn failed(error: restis::Error) -> Error {
    Error::new(error.to_string())
}

async fn measured(title: &str, make: Make, table: &mut Table) -> Result<()> {
    /// What a check is made of, as the server counts it; what a script calls is in its own time.
    const COMMANDS: [&str; 5] = ["evalsha", "incr", "incrby", "pexpire", "expire"];
    let server = Server::start().await?;
    let redis = server.client()?;
    let builder = Redis::builder().url(server.url()).token(server.token());
    let filling = builder.auto_pipelining(true).build().map_err(failed)?;
    let filling = make(&filling);
    let limiter = make(&redis);
    // Its script is known.
    limiter.check("warm").await.map_err(failed)?;
    redis.flushall().await.map_err(failed)?;
    let empty = used_memory(&redis).await?;
    let mut there = 0;
    for size in SIZES {
        while there < size {
            let more = AT_ONCE.min(size - there);
            let mut all = JoinSet::new();
            for number in there..there + more {
                let filling = filling.clone();
                all.spawn(async move { filling.check(format!("id:{number}")).await.map(drop) });
            }
            while let Some(done) = all.join_next().await {
                let done = done.map_err(|error| Error::new(error.to_string()))?;
                done.map_err(failed)?;
            }
            there += more;
        }
        let used = used_memory(&redis).await?.saturating_sub(empty);
        let before = spent(&redis, &COMMANDS).await?;
        server.reset().await?;
        for number in 0..CALLS {
            let id = format!("id:{}", number % size);
            limiter.check(id).await.map_err(failed)?;
        }
        let stats = server.stats().await?;
        let spent = spent(&redis, &COMMANDS).await? - before;
        let each = |sum: f64| format!("{:.1}", sum / CALLS as f64);
        let bytes = match size {
            1 => "—".to_owned(),
            size => format!("{} B", used / size),
        };
        table.row(&[
            title,
            &size.to_string(),
            &bytes,
            &format!("{} µs", each(spent)),
            &each(stats.billed as f64),
        ]);
    }
    Ok(())
}

pub(crate) async fn table() -> Result<String> {
    let mut table = Table::new(&["", "ids", "memory each", "server time of a check", "billed"]);
    for (title, make) in kinds() {
        measured(title, make, &mut table).await?;
    }
    Ok(format!(
        "Checks of ids that are there. Means of {CALLS}; the server's time is that of its commandstats.\n\n{}",
        table.text()
    ))
}
