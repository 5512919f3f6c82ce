//! `restis latency`: round trips one after the other.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use restis::Redis;
use serde_json::json;

use crate::{
    error::Result,
    show::{self, Form},
    times::{self, Times},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many PINGs, each a billed command
    #[arg(long, default_value_t = 100)]
    count: u64,
    /// Milliseconds from one answer to the next question
    #[arg(long, value_name = "MS", default_value_t = 0)]
    interval: u64,
}

pub(crate) async fn run(redis: &Redis, options: &Options, form: Form) -> Result<()> {
    // The first one brings the connection, and TLS.
    let begun = Instant::now();
    redis.ping().await?;
    let first = begun.elapsed();
    let bar = times::bar(options.count, "round trips");
    let mut times = Times::new()?;
    // One for the whole run: Ctrl-C would be lost while nothing listens for it.
    let mut stop = pin!(tokio::signal::ctrl_c());
    for _ in 0..options.count {
        let begun = Instant::now();
        tokio::select! {
            pong = redis.ping() => { pong?; }
            _ = &mut stop => break,
        }
        times.add(begun.elapsed());
        bar.inc(1);
        if options.interval > 0 {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(options.interval)) => {}
                _ = &mut stop => break,
            }
        }
    }
    bar.finish_and_clear();
    let milliseconds = first.as_secs_f64() * 1_000.0;
    if form.is_json() {
        let first = u64::try_from(first.as_micros()).unwrap_or(u64::MAX);
        return show::line(&json!({ "first_us": first, "round_trips": times.json() }));
    }
    show::text(&format!(
        "first, with its connection: {milliseconds:.2} ms\n{} more: {}\n\n{}",
        times.count(),
        times.line(),
        times.bars().trim_end()
    ))
}
