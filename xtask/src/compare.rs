//! Compares with others what can happen, not how fast: `tests/processes` runs it, and prints a table for COMPARE.md.

use crate::{
    error::Result,
    npm::{self, Node},
    process::Cmd,
    pypi,
    repo::Repo,
    server,
};

/// Caches: crowds, invalidation at the wrong moment, wrong clocks, sources that fail, processes that die. Limits and locks: what
/// others do that they should not, and what a call costs.
pub(crate) fn run(repo: &Repo, what: &str) -> Result<()> {
    npm::ensure(repo)?;
    let server = server::pinned(repo)?;
    let messages = Cmd::cargo("build")
        .words("--release --bins -p restis-processes --message-format=json-render-diagnostics")
        .dir(repo.root())
        .captured_step("cargo build --release (about 3 minutes the first time)")?;
    Cmd::new(server::executable(&messages, "compare")?)
        .arg(what)
        .env("RESTIS_SERVER", &server.path)
        .env(pypi::UPSTASH_VARIABLE, pypi::ensure_upstash(repo)?)
        .env(Node::V22.variable(), npm::node(repo, Node::V22)?)
        .dir(repo.root())
        .shown()
}
