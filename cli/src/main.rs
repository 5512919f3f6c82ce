//! `restis`: any Redis command over HTTP from the command line, a prompt, and a look at the server.

mod bench;
mod error;
mod keys;
mod latency;
mod prompt;
mod run;
mod server;
mod show;
mod target;
mod times;
mod watch;
mod words;

use std::{ffi::OsString, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

use error::{Error, Result};
use show::Form;

/// Any Redis command over HTTP, a prompt, and a look at the server.
///
/// The database is that of UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, else of KV_REST_API_URL and
/// KV_REST_API_TOKEN. Without a command there is a prompt, or where standard input is no terminal each of its lines is run.
///
/// What is not in the list below is a Redis command: restis get key. The words of the list in upper case are
/// Redis's too: restis SCAN 0 COUNT 10.
#[derive(Debug, Parser)]
#[command(name = "restis", version, max_term_width = 100)]
struct Options {
    /// The URL of the database, instead of the environment's
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Its token; other users of this machine can see it here, and not in UPSTASH_REDIS_REST_TOKEN
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Allow http:// to another machine
    #[arg(long)]
    allow_plain_http: bool,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Write JSON for programs, a document a line; errors too
    #[arg(long, global = true)]
    json: bool,
    /// Take the last argument of the command from standard input
    #[arg(short = 'x')]
    stdin: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// List keys, page by page, without blocking the server
    Scan(keys::Options),
    /// Show every command the server runs, until Ctrl-C
    Monitor,
    /// Show messages of channels, until Ctrl-C
    Subscribe(watch::Subscribe),
    /// Show what the server says of its memory, keys and load
    Info(server::Info),
    /// Show the slowest commands
    Slowlog(server::Slowlog),
    /// Measure round trips one after the other, with a histogram
    Latency(latency::Options),
    /// Measure how many commands a second come back
    Bench(bench::Options),
    #[command(external_subcommand)]
    Command(Vec<OsString>),
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let duration = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "it is a number of seconds, such as 5 or 0.5".to_owned())
}

fn main() -> ExitCode {
    let options = Options::parse();
    let form = Form::chosen(options.json);
    match run(options, form) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.nobody_reads() => ExitCode::SUCCESS,
        Err(error) => {
            form.error(&error);
            ExitCode::from(if matches!(error, Error::Usage(_)) {
                2
            } else {
                1
            })
        }
    }
}

fn run(options: Options, form: Form) -> Result<()> {
    if options.stdin && !matches!(options.task, Some(Task::Command(_))) {
        return Err(Error::usage(
            "-x belongs to a Redis command: restis -x set key < file",
        ));
    }
    // Its own thread: idle connections are looked after while the prompt waits.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let target = target::Target::of(options.url, options.token)?;
    let redis = target.client(|mut builder| {
        if options.allow_plain_http {
            builder = builder.allow_plain_http();
        }
        match options.timeout {
            Some(timeout) => builder.timeout(timeout),
            None => builder,
        }
    })?;
    match options.task {
        None => prompt::start(&runtime, &redis, &target, form),
        Some(Task::Command(words)) => {
            let words = run::arguments(words, options.stdin)?;
            runtime.block_on(run::command(&redis, &words, form))
        }
        Some(Task::Scan(options)) => runtime.block_on(keys::scan(&redis, &options, form)),
        Some(Task::Monitor) => runtime.block_on(watch::monitor(&redis, form)),
        Some(Task::Subscribe(options)) => {
            runtime.block_on(watch::subscribe(&redis, &options, form))
        }
        Some(Task::Info(options)) => runtime.block_on(server::info(&redis, &options, form)),
        Some(Task::Slowlog(options)) => runtime.block_on(server::slowlog(&redis, &options, form)),
        Some(Task::Latency(options)) => runtime.block_on(latency::run(&redis, &options, form)),
        Some(Task::Bench(options)) => runtime.block_on(bench::run(&redis, &options, form)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_options_make_sense() {
        super::Options::command().debug_assert();
    }
}
