//! Runs the same scenarios with this crate and with others, and prints what came of it as a table in Markdown.
//!
//! `cargo xtask compare cache` (or `sessions`, `ratelimit`, `lock`, `queue`) builds and runs it. What is shown is counted at the server behind and at the source of
//! the values; nothing is taken from what a contestant says of itself, but the times.

#![allow(
    clippy::indexing_slicing,
    reason = "words and sums of a table, not an API"
)]

mod cache;
mod large;
mod limit_sizes;
mod lock;
mod lock_sizes;
mod queue;
mod ratelimit;
mod sessions;
mod sizes;
mod table;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use restis_processes::{Error, Result, Server};

#[tokio::main]
async fn main() -> ExitCode {
    let what = env::args().nth(1);
    let compared = match what.as_deref() {
        Some("cache") => both(cache::compare(), sizes::cache()).await,
        Some("sessions") => both(sessions::compare(), sizes::sessions()).await,
        // By hand, one table of the two.
        Some("cache sizes") => sizes::cache().await,
        Some("sessions sizes") => sizes::sessions().await,
        Some("ratelimit") => both(ratelimit::compare(), limit_sizes::table()).await,
        Some("ratelimit sizes") => limit_sizes::table().await,
        Some("lock") => lock::compare().await,
        Some("queue") => both(queue::compare(), both(large::compare(), large::sizes())).await,
        // By hand, without the minute that a worker waits.
        Some("queue sizes") => both(large::compare(), large::sizes()).await,
        _ => Err(Error::new(
            "say what to compare: cache, sessions, ratelimit, lock, queue",
        )),
    };
    match compared {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One table, and below it another.
async fn both(
    one: impl Future<Output = Result<String>>,
    other: impl Future<Output = Result<String>>,
) -> Result<String> {
    Ok(format!("{}\n{}", one.await?, other.await?))
}

/// The player that was built with this program.
fn player() -> Result<PathBuf> {
    let this = env::current_exe().map_err(|error| Error::new(error.to_string()))?;
    let player = this.with_file_name("player");
    match player.is_file() {
        true => Ok(player),
        false => Err(Error::new("the program `player` is not built")),
    }
}

/// The Node that xtask names.
fn node() -> Result<PathBuf> {
    let named = env::var_os("RESTIS_NODE22").filter(|name| !name.is_empty());
    let named = named.ok_or_else(|| Error::new("RESTIS_NODE22 names no Node"))?;
    Ok(named.into())
}

fn js() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../js")
}

/// The version of an installed package of npm.
fn installed(package: &str) -> Result<String> {
    let manifest = js().join("node_modules").join(package).join("package.json");
    let missing = |error: String| Error::new(format!("{package} is not in tests/js: {error}"));
    let text = fs::read_to_string(manifest).map_err(|error| missing(error.to_string()))?;
    let manifest: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| missing(error.to_string()))?;
    let version = manifest.get("version").and_then(|version| version.as_str());
    Ok(version
        .ok_or_else(|| missing("no version".to_owned()))?
        .to_owned())
}

/// What a program prints, without the end of the line.
fn said(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Result<String> {
    let output = Command::new(program.as_ref()).args(words).output();
    let output =
        output.map_err(|error| Error::new(format!("{}: {error}", program.as_ref().display())))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What stands above a table: when it was made, and with what.
async fn heading() -> Result<String> {
    let server = Server::start().await?;
    let date = said("date", &["-u", "+%F"])?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(
        "{date}, restis {}, {}, Node {}, {cores} cores for all processes",
        env!("CARGO_PKG_VERSION"),
        server.name(),
        said(node()?, &["--version"])?.trim_start_matches('v'),
    ))
}
