//! The benches: each row a ratio of two programs in one run on one machine, checked against its budget.

mod concurrent;
mod instructions;
mod package;
mod plot;
mod values;

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
    let bench = Bench::ready(repo)?;
    let rows = [
        instructions::of_get(&bench)?,
        concurrent::gets(&bench)?,
        concurrent::memory(&bench)?,
        package::beside_upstash(&bench)?,
        values::of_all(&bench)?,
        values::costs(&bench)?,
        values::scale(&bench)?,
    ];
    write(repo, &rows)?;
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
    /// Its name and what was measured, for programs.
    facts: (&'static str, Value),
}

/// All that was measured as JSON, and the pictures that README shows.
fn write(repo: &Repo, rows: &[Row]) -> Result<()> {
    let all: serde_json::Map<_, _> = rows
        .iter()
        .map(|row| (row.facts.0.to_owned(), row.facts.1.clone()))
        .collect();
    let list = |name: &str| {
        all.get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let json = serde_json::to_string_pretty(&all).context("write what was measured as JSON")?;
    for (file, text) in [
        ("docs/bench.json", format!("{json}\n")),
        (
            "docs/bench.svg",
            plot::bars(&list("work"), &values::titles()),
        ),
        ("docs/scale.svg", plot::lines(&list("scale"))),
    ] {
        std::fs::write(repo.join(file), text).context(format!("write {file}"))?;
    }
    ui::note("docs/bench.json, docs/bench.svg and docs/scale.svg are of this run");
    Ok(())
}

/// Ten minutes of everything.
pub(crate) fn soak(repo: &Repo) -> Result<()> {
    const SECONDS: &str = "600";
    let bench = Bench::ready(repo)?;
    ui::note("10 minutes; each line is a tenth of it");
    let program = Cmd::new(bench.program("soak")?).arg(SECONDS);
    bench.with_servers(program).shown()?;
    ui::note("memory stayed flat, and every acknowledged write is there once");
    Ok(())
}

impl<'a> Bench<'a> {
    /// Builds the programs and starts the servers.
    fn ready(repo: &'a Repo) -> Result<Self> {
        let server = server::pinned(repo)?;
        let messages = Cmd::cargo("build")
            .words("--release --bins -p restis-local -p restis-benches")
            .arg("--message-format=json-render-diagnostics")
            .dir(repo.root())
            .captured_step("cargo build --release (about 5 minutes the first time)")?;
        let behind = Listening::start(&server)?;
        let local = Local::before(&server::executable(&messages, "restis-local")?, &behind)?;
        ui::note(&format!("restis-local before {server}"));
        Ok(Self {
            repo,
            messages,
            local,
            behind,
        })
    }

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
