//! What the tests use from PyPI, installed once into target/tools with the pip of this machine's Python.

use std::{fs, path::Path, time::Duration};

use crate::{
    error::{Context as _, Error, Result},
    process::{Cmd, Daemon},
    repo::Repo,
    tools::on_path,
    ui,
};

/// The server with the JSON commands, which Valkey lacks without a module, and what it is made of.
const FAKEREDIS: [&str; 5] = [
    "fakeredis[json,lua]==2.40.0",
    "jsonpath-ng==1.16.0",
    "lupa==2.8",
    "redis==8.1.0",
    "sortedcontainers==2.4.0",
];
const FAKEREDIS_MARK: &str = "fakeredis-2.40.0.dist-info";

/// The limits of others, which have to count with ours, and what they are made of.
const UPSTASH: [&str; 9] = [
    "upstash-ratelimit==1.2.0",
    "upstash-redis==1.8.0",
    "httpx==0.28.1",
    "httpcore==1.0.9",
    "anyio==4.16.0",
    "h11==0.16.0",
    "idna==3.20",
    "certifi==2026.10.19.post1",
    "typing-extensions==4.16.0",
];
const UPSTASH_MARK: &str = "upstash_ratelimit-1.2.0.dist-info";

/// Tests find it by this variable.
pub(crate) const UPSTASH_VARIABLE: &str = "RESTIS_UPSTASH_PYTHON";

/// Tests find it by this variable; set beforehand, it names another server that has JSON.
const VARIABLE: &str = "RESTIS_JSON_SERVER";

/// Listens on a free port and says which.
const SERVE: &str = "\
from fakeredis import TcpFakeServer
server = TcpFakeServer(('127.0.0.1', 0), server_type='redis')
print('redis://127.0.0.1:%d' % server.server_address[1], flush=True)
server.serve_forever()
";

/// A server with JSON, running until it is dropped if it is ours.
#[derive(Debug)]
pub(crate) struct JsonServer {
    url: String,
    _daemon: Option<Daemon>,
}

impl JsonServer {
    pub(crate) fn start(repo: &Repo) -> Result<Self> {
        if let Some(url) = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
            ui::note(&format!("JSON at {url}, which {VARIABLE} names"));
            return Ok(Self { url, _daemon: None });
        }
        let home = ensure_fakeredis(repo)?;
        let mut daemon = Cmd::new(python()?)
            .arg("-c")
            .arg(SERVE)
            .env("PYTHONPATH", home)
            .daemon()?;
        let url = daemon.wait_for(Duration::from_secs(30), |line| {
            line.starts_with("redis://").then(|| line.trim().to_owned())
        })?;
        ui::note(&format!("JSON at {url}, from PyPI's fakeredis"));
        Ok(Self {
            url,
            _daemon: Some(daemon),
        })
    }

    /// `command` with the variable the tests read.
    pub(crate) fn tested_by(&self, command: Cmd) -> Cmd {
        command.env(VARIABLE, &self.url)
    }
}

/// The folder with fakeredis in it.
pub(crate) fn ensure_fakeredis(repo: &Repo) -> Result<std::path::PathBuf> {
    let home = repo.tools().join("fakeredis");
    if !home.join(FAKEREDIS_MARK).is_dir() {
        let title = "installing a server with JSON, PyPI's fakeredis, into target/tools (once)";
        install(repo, &home, &FAKEREDIS, title).map_err(|error| {
            error.hint(format!(
                "Or set {VARIABLE} to the redis:// URL of a Redis 8 or another server that has JSON."
            ))
        })?;
    }
    Ok(home)
}

/// The folder with upstash-ratelimit in it.
pub(crate) fn ensure_upstash(repo: &Repo) -> Result<std::path::PathBuf> {
    let home = repo.tools().join("upstash-python");
    if !home.join(UPSTASH_MARK).is_dir() {
        let title = "installing PyPI's upstash-ratelimit into target/tools (once)";
        install(repo, &home, &UPSTASH, title)?;
    }
    Ok(home)
}

pub(crate) fn python() -> Result<&'static str> {
    ["python3", "python"]
        .into_iter()
        .find(|name| on_path(name).is_some())
        .ok_or_else(|| {
            Error::new("there is no Python here, whose pip could get what the tests use.")
        })
}

/// Has pip put `packages` into `home`, which is replaced.
pub(crate) fn install(repo: &Repo, home: &Path, packages: &[&str], title: &str) -> Result<()> {
    let python = python()?;
    let name = home.file_name().context("name the folder for pip")?;
    // Into a folder beside, then moved: what is there is there in full.
    let fresh = repo.tools().join(name).with_extension("new");
    for folder in [home, &fresh] {
        if folder.exists() {
            fs::remove_dir_all(folder).context(format!("remove {}", folder.display()))?;
        }
    }
    Cmd::new(python)
        .words("-m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --target")
        .arg(&fresh)
        .args(packages)
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .step(title)?;
    fs::rename(&fresh, home).context(format!("move {} into place", fresh.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_that_of_the_pinned_release() {
        let [pinned, ..] = FAKEREDIS;
        let version = pinned.split("==").nth(1).unwrap_or_default();
        assert_eq!(FAKEREDIS_MARK, format!("fakeredis-{version}.dist-info"));
        let [pinned, ..] = UPSTASH;
        let version = pinned.split("==").nth(1).unwrap_or_default();
        assert_eq!(
            UPSTASH_MARK,
            format!("upstash_ratelimit-{version}.dist-info")
        );
    }
}
