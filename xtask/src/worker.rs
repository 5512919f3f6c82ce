//! The Worker example: built by worker-build, served by wrangler in the real workerd.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use crate::{
    error::{Context as _, Result},
    npm::{self, Node},
    process::Cmd,
    repo::Repo,
    server::{self, Local, Pages},
    tools::{self, Tool},
    ui,
};

/// The database ends with the command, and all sessions with it: any key will do.
const SESSION_KEY: &str = "of this machine alone, for sessions of nobody";

/// How long wrangler may take: it builds the Worker first.
const LIMIT: Duration = Duration::from_secs(900);

/// Builds examples/worker, with tools that are here instead of ones worker-build would download.
pub(crate) fn build(repo: &Repo) -> Result<()> {
    tools::ensure_wasm_target()?;
    tools::ensure(repo, &[Tool::WorkerBuild, Tool::WasmBindgen])?;
    npm::ensure(repo)?;
    let build = Cmd::new(tools::bin(repo, "worker-build"))
        .arg("--release")
        .dir(repo.join("examples/worker"))
        .env("WASM_BINDGEN_BIN", tools::bin(repo, "wasm-bindgen"))
        .env("WASM_OPT_BIN", npm::module(repo, "binaryen/bin/wasm-opt"))
        .env("ESBUILD_BIN", npm::module(repo, "esbuild/bin/esbuild"));
    npm::on_path(repo, build)?.step("building examples/worker with worker-build")
}

/// Serves the Worker until Ctrl-C.
pub(crate) fn serve(repo: &Repo) -> Result<()> {
    // wrangler builds too, but in silence; after this it has next to nothing to do.
    build(repo)?;
    let server = server::any(repo)?;
    let local = Local::build_and_start(repo, &server, Pages::None)?;
    let port = free_port()?;
    let wrangler = Cmd::new(npm::node(repo, Node::V22)?)
        .arg(npm::module(repo, "wrangler/bin/wrangler.js"))
        .words("dev --ip 127.0.0.1 --show-interactive-dev-session false --port")
        .arg(port.to_string())
        .arg("--var")
        .arg(format!("UPSTASH_REDIS_REST_URL:{}", local.url))
        .arg("--var")
        .arg(format!("UPSTASH_REDIS_REST_TOKEN:{}", local.token))
        .arg("--var")
        .arg(format!("SESSION_KEY:{SESSION_KEY}"))
        // It looks for nothing outside this machine and leaves nothing outside the checkout.
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("WRANGLER_LOG_PATH", repo.join("target/wrangler/logs"))
        .env("WRANGLER_CACHE_DIR", repo.join("target/wrangler/cache"))
        .dir(repo.root());
    let mut wrangler = npm::on_path(repo, wrangler)?.daemon()?;
    let ready = format!("Ready on http://127.0.0.1:{port}");
    ui::step("starting workerd through wrangler", || {
        wrangler.wait_for(LIMIT, |line| line.contains(&ready).then_some(()))
    })?;
    println!("\nThe Worker is at http://127.0.0.1:{port}. Ctrl-C stops it.");
    wrangler.wait()
}

/// A port that is free now, since wrangler cannot say which one it took when asked for any.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}
