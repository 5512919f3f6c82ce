//! Others who have to share keys with us: `@upstash/ratelimit`, `@upstash/lock` and BullMQ in Node, `upstash-ratelimit` in Python.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    player::Player,
    server::Server,
};

const HINT: &str = "`cargo xtask test native` gets it, and runs this";

/// `@upstash/ratelimit` and `@upstash/lock` before this server; `tests/js/limits.mjs` has its words.
pub fn upstash(server: &Server) -> Result<Player> {
    before(
        server,
        script("limits.mjs", &["@upstash/ratelimit", "@upstash/lock"])?,
    )
}

/// BullMQ before this server, over TCP, as the package is called in `tests/js`: `bullmq` or `bullmq5`. `tests/js/bull.mjs` has its
/// words.
pub fn bull(server: &Server, package: &str) -> Result<Player> {
    let mut program = script("bull.mjs", &[package])?;
    program.env("BULLMQ", package).env("REDIS", server.redis());
    Player::start(program)
}

/// BullMQ as one side of a random history; `tests/js/bull-history.mjs` has its steps.
pub fn history(server: &Server, package: &str) -> Result<Player> {
    let mut program = script("bull-history.mjs", &[package])?;
    program.env("BULLMQ", package).env("REDIS", server.redis());
    Player::start(program)
}

/// express-session over connect-redis before this server, over TCP; `tests/js/sessions.mjs` has its words.
pub fn express(server: &Server) -> Result<Player> {
    let mut program = script("sessions.mjs", &["express-session", "connect-redis"])?;
    program.env("REDIS", server.redis());
    Player::start(program)
}

/// `upstash-ratelimit` before this server; `tests/python/limits.py` has its words.
pub fn python(server: &Server) -> Result<Player> {
    let packages = named("RESTIS_UPSTASH_PYTHON").map_or_else(
        || tests().join("../target/tools/upstash-python"),
        PathBuf::from,
    );
    if !packages.join("upstash_ratelimit").is_dir() {
        return Err(Error::new(format!(
            "upstash-ratelimit is not there: {HINT}"
        )));
    }
    let mut program = Command::new("python3");
    program.arg(tests().join("python/limits.py"));
    program.env("PYTHONPATH", packages);
    before(server, program)
}

/// Node with a script of `tests/js`, which needs these packages.
fn script(name: &str, packages: &[&str]) -> Result<Command> {
    let folder = tests().join("js");
    for package in packages {
        let manifest = folder
            .join("node_modules")
            .join(package)
            .join("package.json");
        if !manifest.is_file() {
            return Err(Error::new(format!("{package} is not in tests/js: {HINT}")));
        }
    }
    let node = named("RESTIS_NODE22").unwrap_or_else(|| "node".into());
    let mut program = Command::new(node);
    program.arg(name).current_dir(folder);
    Ok(program)
}

fn before(server: &Server, mut program: Command) -> Result<Player> {
    program.env("UPSTASH_REDIS_REST_URL", server.url());
    program.env("UPSTASH_REDIS_REST_TOKEN", server.token());
    Player::start(program)
}

fn named(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|name| !name.is_empty())
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
