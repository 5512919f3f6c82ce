//! The benches: each row a ratio of two programs in one run on one machine, checked against its budget.

mod concurrent;
mod instructions;
mod package;

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    debian,
    error::{Context as _, Error, Result},
    npm,
    process::Cmd,
    repo::Repo,
    server::{self, Listening, Local},
    ui,
};

/// The programs, built, and the servers before which they run.
struct Bench<'a> {
    repo: &'a Repo,
    /// What Cargo said while it built them.
    messages: String,
    local: Local,
    /// The server behind, for peers that speak TCP.
    behind: Listening,
}

pub(crate) fn run(repo: &Repo) -> Result<()> {
    debian::valgrind()?;
    npm::ensure(repo)?;
    let server = server::pinned(repo)?;
    let messages = Cmd::cargo("build")
        .words("--release --bins -p restis-local -p restis-benches")
        .arg("--message-format=json-render-diagnostics")
        .dir(repo.root())
        .captured_step("cargo build --release (about 5 minutes the first time)")?;
    let behind = Listening::start(&server)?;
    let local = Local::before(&server::executable(&messages, "restis-local")?, &behind)?;
    ui::note(&format!("restis-local before {server}"));
    let bench = Bench {
        repo,
        messages,
        local,
        behind,
    };
    let rows = [
        instructions::of_get(&bench)?,
        concurrent::gets(&bench)?,
        concurrent::memory(&bench)?,
        package::beside_upstash(&bench)?,
    ];
    let over: Vec<_> = rows.iter().filter_map(|row| row.over.as_deref()).collect();
    for row in &rows {
        print!("\n{}", row.text);
    }
    println!();
    if over.is_empty() {
        ui::note("within the budgets");
        return Ok(());
    }
    Err(Error::new(over.join("\n")))
}

/// What was measured, and what is said if it is over its budget.
struct Row {
    text: String,
    over: Option<String>,
}

impl Bench<'_> {
    fn program(&self, name: &str) -> Result<PathBuf> {
        server::executable(&self.messages, name)
    }

    /// `command` with what the programs read.
    fn with_servers(&self, command: Cmd) -> Cmd {
        self.local
            .exported_to(command)
            .env("RESTIS_BENCH_REDIS", &self.behind.url)
    }

    /// Runs a program that prints one line of JSON.
    fn measured(&self, command: Cmd) -> Result<Value> {
        let text = self.with_servers(command).output()?;
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).context("read what a bench printed")
    }
}

/// A number of what a program printed.
fn number(measured: &Value, name: &str) -> Result<f64> {
    measured
        .get(name)
        .and_then(Value::as_f64)
        .context(format!("find {name} in what a bench printed"))
}
