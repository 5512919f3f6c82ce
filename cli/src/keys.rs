//! `restis scan`: the names of keys, or the elements of one key, as a stream.

use indicatif::ProgressBar;
use restis::Bytes;

use crate::{error::Result, show::Form, times};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only names of this glob pattern
    #[arg(default_value = "*")]
    pattern: String,
    /// Only keys of this type: string, list, set, zset, hash, stream
    #[arg(long = "type", value_name = "TYPE")]
    of_type: Option<String>,
    /// How many keys the server looks at for each page, which is one billed command
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// End after so many keys
    #[arg(long)]
    limit: Option<u64>,
}

pub(crate) async fn scan(redis: &restis::Redis, options: &Options, form: Form) -> Result<()> {
    let progress = progress(redis).await?;
    let mut scan = redis
        .scan()
        .matching(&*options.pattern)
        .count(options.count);
    if let Some(of_type) = &options.of_type {
        scan = scan.of_type(&**of_type);
    }
    let mut keys = scan.stream::<Bytes>();
    let mut seen = 0;
    while options.limit.is_none_or(|limit| seen < limit)
        && let Some(key) = keys.next().await
    {
        let key = key?;
        seen += 1;
        progress.inc(1);
        progress.suspend(|| form.bytes(&key))?;
    }
    progress.finish_and_clear();
    Ok(())
}

/// How many of all keys were found, on a terminal and only if the keys themselves go elsewhere.
async fn progress(redis: &restis::Redis) -> Result<ProgressBar> {
    use std::io::{IsTerminal as _, stderr, stdout};
    if stdout().is_terminal() || !stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let all = redis.dbsize().await?;
    Ok(times::bar(all, "keys"))
}
