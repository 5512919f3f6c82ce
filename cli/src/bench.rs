//! `restis bench`: how many commands a second come back, some of them at a time.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use restis::Redis;
use serde_json::json;

use crate::{
    error::Result,
    show::{self, Form},
    times::{self, Times},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many commands of each kind
    #[arg(long, default_value_t = 10_000)]
    requests: u32,
    /// How many requests are under way at a time
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// How many commands are in a request
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pipeline: u32,
    /// How many bytes a value has
    #[arg(long, value_name = "BYTES", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=9_000_000))]
    size: u32,
    /// Which kinds
    #[arg(long, value_delimiter = ',', default_value = "set,get,incr")]
    commands: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    Ping,
    Set,
    Get,
    Incr,
    Lpush,
    Hset,
    Zadd,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ping => "PING",
            Self::Set => "SET",
            Self::Get => "GET",
            Self::Incr => "INCR",
            Self::Lpush => "LPUSH",
            Self::Hset => "HSET",
            Self::Zadd => "ZADD",
        }
    }
}

/// The keys of one run, which no other run has and which end with it.
struct Keys(String);

impl Keys {
    fn of(&self, name: &str) -> String {
        format!("restis:bench:{}:{name}", self.0)
    }
}

pub(crate) async fn run(redis: &Redis, options: &Options, form: Form) -> Result<()> {
    let keys = Keys(redis.time().await?.since_epoch().as_micros().to_string());
    let value = "x".repeat(options.size as usize);
    redis.set(keys.of("value"), &*value).await?;
    if !form.is_json() {
        show::note(&format!(
            "{} commands, which a service bills; {} requests at a time, {} in each",
            u64::from(options.requests) * options.commands.len() as u64,
            options.concurrency,
            options.pipeline
        ));
    }
    let outcome = all(redis, options, &keys, &value, form).await;
    let names = ["value", "counter", "list", "hash", "sorted"];
    let cleaned = redis.unlink(names.map(|name| keys.of(name))).await;
    outcome?;
    cleaned?;
    Ok(())
}

async fn all(redis: &Redis, options: &Options, keys: &Keys, value: &str, form: Form) -> Result<()> {
    // One for the whole run: Ctrl-C would be lost while nothing listens for it.
    let mut stop = pin!(tokio::signal::ctrl_c());
    for kind in &options.commands {
        let measured = tokio::select! {
            measured = one(redis, options, *kind, keys, value) => measured?,
            _ = &mut stop => return Ok(()),
        };
        measured.show(*kind, form)?;
    }
    Ok(())
}

struct Measured {
    commands: u32,
    elapsed: Duration,
    requests: Times,
}

impl Measured {
    fn show(&self, kind: Kind, form: Form) -> Result<()> {
        let rate = f64::from(self.commands) / self.elapsed.as_secs_f64();
        if form.is_json() {
            return show::line(&json!({
                "command": kind.name(),
                "commands": self.commands,
                "seconds": self.elapsed.as_secs_f64(),
                "per_second": rate.round(),
                "requests": self.requests.json(),
            }));
        }
        show::text(&format!(
            "{:5} {rate:>9.0} a second; a request: {}",
            kind.name(),
            self.requests.line()
        ))
    }
}

async fn one(
    redis: &Redis,
    options: &Options,
    kind: Kind,
    keys: &Keys,
    value: &str,
) -> Result<Measured> {
    let bar = times::bar(u64::from(options.requests), kind.name());
    let mut requests = Times::new()?;
    let begun = Instant::now();
    let sizes = (0..options.requests)
        .step_by(options.pipeline as usize)
        .map(|sent| options.pipeline.min(options.requests - sent));
    let mut answers = stream::iter(sizes)
        .map(|size| async move {
            let begun = Instant::now();
            let commands: Vec<_> = (0..size)
                .map(|_| command(redis, kind, keys, value))
                .collect();
            for reply in redis.pipeline(commands).await? {
                reply?;
            }
            Ok::<_, restis::Error>((size, begun.elapsed()))
        })
        .buffer_unordered(options.concurrency as usize);
    while let Some(answer) = answers.next().await {
        let (size, duration) = answer?;
        requests.add(duration);
        bar.inc(u64::from(size));
    }
    let elapsed = begun.elapsed();
    bar.finish_and_clear();
    Ok(Measured {
        commands: options.requests,
        elapsed,
        requests,
    })
}

fn command<'a>(
    redis: &'a Redis,
    kind: Kind,
    keys: &Keys,
    value: &str,
) -> restis::Command<'a, restis::Value> {
    let command = redis.command(kind.name());
    match kind {
        Kind::Ping => command,
        Kind::Set => command.arg(keys.of("value")).arg(value),
        Kind::Get => command.arg(keys.of("value")),
        Kind::Incr => command.arg(keys.of("counter")),
        Kind::Lpush => command.arg(keys.of("list")).arg(value),
        Kind::Hset => command.arg(keys.of("hash")).arg("field").arg(value),
        Kind::Zadd => command.arg(keys.of("sorted")).arg(1).arg(value),
    }
    .query()
}
