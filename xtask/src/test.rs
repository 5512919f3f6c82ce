//! The tests: gets what they need and runs the levels in order, up to the first failure.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    args::Level,
    debian,
    error::{Context as _, Error, Result},
    fuzz, lint,
    npm::{self, Node},
    package,
    process::Cmd,
    pypi::{self, JsonServer},
    repo::Repo,
    server::{self, Listening, Local, Pages},
    size, supply,
    tools::{self, Tool, WASM_TARGET},
    ui, worker,
};

/// Tests of the package that drive workerd, a browser, a framework or other runtimes: miniflare needs Node 22, and once is enough.
const DRIVERS: [&str; 10] = [
    "browser.test.mjs",
    "bundles.test.mjs",
    "chaos.test.mjs",
    "hostile.test.mjs",
    "hostile-web.test.mjs",
    "local.test.mjs",
    "next-app.test.mjs",
    "nitro.test.mjs",
    "runtimes.test.mjs",
    "workerd.test.mjs",
];

/// The test of the Worker example, which has a level of its own.
const WORKER: &str = "worker.test.mjs";

/// What of tests/js is not part of the project the package is tested in.
const NOT_COPIED: [&str; 4] = ["node_modules", "package.json", "package-lock.json", WORKER];

/// A test that takes this long hangs, in milliseconds.
const HANGS: u32 = 300_000;

/// How often `--long` tries each property.
const LONG_CASES: &str = "50000";

/// How many calls `--long` makes while the server is killed, paused and out of disk.
const LONG_CHAOS: &str = "1000000";

/// How many histories of a queue `--long` tries.
const LONG_HISTORIES: &str = "2000";

pub(crate) fn run(repo: &Repo, levels: &[Level], long: bool) -> Result<()> {
    if long {
        ui::note(&format!(
            "--long: {LONG_CASES} cases for each property of the native level, {LONG_HISTORIES} histories of a queue, {LONG_CHAOS} calls under chaos, 10 minutes for each fuzz target, pairs of features"
        ));
    }
    let mut times = Vec::new();
    for (number, &level) in (1..).zip(levels) {
        ui::heading(&format!("{} ({number} of {})", level.name(), levels.len()));
        let started = Instant::now();
        one(repo, level, long).map_err(|error| {
            error.hint(format!(
                "run this level again: cargo xtask test {}",
                level.name()
            ))
        })?;
        times.push((level, started.elapsed()));
        ui::note(&format!(
            "{} passed in {}",
            level.name(),
            ui::duration(started.elapsed())
        ));
    }
    print!("\n{}", summary(&times));
    Ok(())
}

fn one(repo: &Repo, level: Level, long: bool) -> Result<()> {
    match level {
        Level::Lint => lint::run(repo),
        Level::Supply => supply::run(repo, long),
        Level::Fuzz => fuzz::run(repo, long),
        Level::Native => native(repo, long),
        Level::Wasm => wasm(repo),
        Level::Npm => npm(repo),
        Level::Worker => the_worker(repo),
        Level::Lambda => lambda(repo),
        Level::Size => size::run(repo),
    }
}

fn summary(times: &[(Level, Duration)]) -> String {
    let mut text = String::from("Everything passed:\n");
    for (level, time) in times {
        text += &format!("  {:<8}{:>14}\n", level.name(), ui::duration(*time));
    }
    let total = times.iter().map(|(_, time)| *time).sum();
    text += &format!("  {:<8}{:>14}\n", "in all", ui::duration(total));
    text + &format!("\nlevels: {} passed, 0 failed\n", times.len())
}

/// Builds quietly, then runs with the results shown.
fn cargo_test(command: &Cmd, what: &str) -> Result<()> {
    command
        .clone()
        .arg("--no-run")
        .step(&format!("building {what}"))?;
    command.shown()
}

/// Everything that runs natively, with the docs' examples, against the pinned server, and beside @upstash/redis in Node.
fn native(repo: &Repo, long: bool) -> Result<()> {
    npm::ensure(repo)?;
    let server = server::pinned(repo)?;
    let json = JsonServer::start(repo)?;
    ui::note(&format!("against {server}"));
    let elsewhere = lint::WASM_ONLY.into_iter().chain(["restis-example-lambda"]);
    let tests = Cmd::cargo("test")
        .arg("--workspace")
        .args(elsewhere.flat_map(|package| ["--exclude", package]))
        .env("RESTIS_SERVER", &server.path)
        .env(Node::V22.variable(), npm::node(repo, Node::V22)?)
        .env(pypi::UPSTASH_VARIABLE, pypi::ensure_upstash(repo)?)
        .dir(repo.root());
    let tests = json.tested_by(tests);
    let tests = if long {
        tests
            .env("PROPTEST_CASES", LONG_CASES)
            .env("RESTIS_HISTORIES", LONG_HISTORIES)
            .env("RESTIS_CHAOS_CALLS", LONG_CHAOS)
    } else {
        tests
    };
    cargo_test(&tests, "the native tests")?;
    let interleavings = Cmd::cargo("test")
        .words("-p restis --lib interleavings")
        // By `cfg(shuttle)` the locks are shuttle's; the folder is another, or all would be compiled anew each time.
        .env("RUSTFLAGS", "--cfg shuttle")
        .env("CARGO_TARGET_DIR", repo.join("target/shuttle"))
        .dir(repo.root());
    cargo_test(&interleavings, "the tests of interleavings")?;
    // Apart from the others, which run what users get who do not ask for these features.
    let more = Cmd::cargo("test")
        .words("-p restis --features compress,tracing")
        .env("RESTIS_SERVER", &server.path)
        .dir(repo.root());
    cargo_test(&more.clone().words("--test client"), "the tests of spans")?;
    let compressed = "the tests of compressed values";
    cargo_test(&more.clone().words("--lib cache::record"), compressed)?;
    cargo_test(&more.words("--test cache compress"), compressed)
}

fn lambda(repo: &Repo) -> Result<()> {
    let server = server::pinned(repo)?;
    let tests = Cmd::cargo("test")
        .words("-p restis-example-lambda")
        .env("RESTIS_SERVER", &server.path)
        .dir(repo.root());
    cargo_test(&tests, "the Lambda example and its test")
}

/// The crate on wasm32, in Node and in a browser.
fn wasm(repo: &Repo) -> Result<()> {
    tools::ensure_wasm_target()?;
    tools::ensure(repo, &[Tool::WasmBindgen])?;
    npm::ensure(repo)?;
    let chromium = debian::chromium()?;
    let local = Local::build_and_start(repo, &server::pinned(repo)?, Pages::Any)?;
    // The tests read the address when they are compiled: a wasm module has no environment.
    let tests = Cmd::cargo("test")
        // Each file of tests that has something to run there is called so.
        .words("-p restis --test wasm* --target")
        .arg(WASM_TARGET)
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            tools::bin(repo, "wasm-bindgen-test-runner"),
        )
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300")
        .dir(repo.root());
    let tests = npm::on_path(repo, local.tested_by(tests))?;
    cargo_test(&tests, "the tests for wasm32")?;
    ui::note("the same in Chromium");
    let capabilities = repo.tools().join("webdriver.json");
    fs::write(&capabilities, capabilities_of(&chromium.browser))
        .context(format!("write {}", capabilities.display()))?;
    tests
        .env("WASM_BINDGEN_USE_BROWSER", "1")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities)
        .env("CHROMEDRIVER", &chromium.driver)
        .shown()
}

/// What chromedriver is told: which browser, and that it talks to nobody but the page.
fn capabilities_of(browser: &Path) -> String {
    serde_json::json!({
        "goog:chromeOptions": {
            "binary": browser,
            "args": ["disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
                     "disable-component-update", "disable-sync"],
        }
    })
    .to_string()
}

/// The package as it is published: packed, installed, and run under both Nodes, workerd and a browser.
fn npm(repo: &Repo) -> Result<()> {
    let chromium = debian::chromium()?;
    package::build(repo)?;
    let place = repo.join("target/npm-test");
    install_package(repo, &place)?;
    let server = server::pinned(repo)?;
    ui::note(&format!("against {server}"));
    // One server behind both, for the packages that speak TCP.
    let redis = Listening::start(&server)?;
    let binary = Local::build(repo)?;
    let local = Local::before(&binary, &redis)?;
    let (drivers, portable): (Vec<_>, Vec<_>) = test_files(&place)?
        .into_iter()
        .partition(|file| DRIVERS.contains(&file.as_str()));
    expect_tests(&portable)?;
    expect_tests(&drivers)?;
    for node in [Node::V20, Node::V22, Node::V24] {
        ui::note(&format!("the package in {}", node.name()));
        node_test(repo, node, &place, &portable, &local)?
            .env("RESTIS_TEST_REDIS", &redis.url)
            .shown()?;
    }
    let liar = server::liar(repo)?;
    ui::note("the package in workerd, Chromium, Deno, Bun and Next.js");
    node_test(repo, Node::V22, &place, &drivers, &local)?
        .env("CHROME", &chromium.browser)
        .env("RESTIS_LOCAL", &binary)
        .env("RESTIS_LIAR", liar)
        .env("RESTIS_SERVER", &server.path)
        .env("RESTIS_TEST_REDIS", &redis.url)
        .shown()
}

fn the_worker(repo: &Repo) -> Result<()> {
    worker::build(repo)?;
    let local = Local::build_and_start(repo, &server::pinned(repo)?, Pages::Any)?;
    let file = repo.js().join(WORKER);
    if !file.is_file() {
        return Err(Error::new(format!(
            "tests/js/{WORKER} is missing, so the Worker is not tested."
        )));
    }
    node_test(repo, Node::V22, &repo.js(), &[WORKER.to_owned()], &local)?.shown()
}

fn node_test(repo: &Repo, node: Node, dir: &Path, files: &[String], local: &Local) -> Result<Cmd> {
    let command = Cmd::new(npm::node(repo, node)?)
        .words("--test --test-reporter=spec")
        .arg(format!("--test-timeout={HANGS}"))
        .args(files)
        // Or miniflare asks the network where this machine is.
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .dir(dir);
    npm::on_path(repo, local.tested_by(command))
}

/// Makes a project in `place` with the packed package installed and the tests of tests/js beside it.
fn install_package(repo: &Repo, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).context(format!("remove {}", place.display()))?;
    }
    fs::create_dir_all(place).context(format!("make {}", place.display()))?;
    fs::write(
        place.join("package.json"),
        "{ \"private\": true, \"type\": \"module\" }\n",
    )
    .context("write the test project's package.json")?;
    Cmd::new("npm")
        .words("pack --ignore-scripts --loglevel=error --pack-destination")
        .arg(place)
        .dir(repo.join("pkg"))
        .step("npm pack")?;
    let tarball = only_tarball(place)?;
    Cmd::new("npm")
        .words("install --offline --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error")
        .arg(&tarball)
        .dir(place)
        .step("npm install of the tarball")?;
    // The tools beside it are those of tests/js. Links, since they are large; copies of the tests, since Node looks
    // for packages from where a file really is.
    let modules = place.join("node_modules");
    for entry in entries(&repo.js().join("node_modules"))? {
        if !entry.1.starts_with('.') {
            let link = modules.join(&entry.1);
            symlink(&entry.0, &link).context(format!("link {}", link.display()))?;
        }
    }
    for (path, name) in entries(&repo.js())? {
        if !NOT_COPIED.contains(&name.as_str()) && !name.starts_with('.') {
            copy(&path, &place.join(&name))?;
        }
    }
    Ok(())
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let what = format!("copy {}", from.display());
    if from.is_file() {
        return fs::copy(from, to).map(drop).context(what);
    }
    fs::create_dir_all(to).context(what)?;
    for (path, name) in entries(from)? {
        copy(&path, &to.join(name))?;
    }
    Ok(())
}

fn only_tarball(place: &Path) -> Result<PathBuf> {
    entries(place)?
        .into_iter()
        .find(|(_, name)| name.ends_with(".tgz"))
        .map(|(path, _)| path)
        .context("find what npm pack made")
}

fn test_files(place: &Path) -> Result<Vec<String>> {
    let names = entries(place)?.into_iter().map(|(_, name)| name);
    let is_test = |name: &String| name.ends_with(".test.mjs") || name.ends_with(".test.cjs");
    Ok(names.filter(is_test).collect())
}

/// Node takes an empty list for "look for tests yourself".
fn expect_tests(files: &[String]) -> Result<()> {
    if files.is_empty() {
        return Err(Error::new("tests/js lacks tests of the package: it needs *.test.mjs or *.test.cjs for Node, and for workerd and browsers.")
            .hint(format!("Those that drive workerd or a browser are {}.", DRIVERS.join(" and "))));
    }
    Ok(())
}

/// Paths and names in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let list = fs::read_dir(folder).context(format!("read {}", folder.display()))?;
    let mut entries: Vec<_> = list
        .flatten()
        .map(|entry| {
            (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            )
        })
        .collect();
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_adds_up() {
        let times = [
            (Level::Lint, Duration::from_secs(61)),
            (Level::Size, Duration::from_millis(1_500)),
        ];
        let expected = "Everything passed:\n  lint         1 min 1 s\n  size             1.5 s\n  in all       1 min 2 s\n\nlevels: 2 passed, 0 failed\n";
        assert_eq!(summary(&times), expected);
    }

    #[test]
    fn a_level_without_tests_fails() {
        assert!(expect_tests(&[]).is_err());
        assert!(expect_tests(&["node.test.mjs".to_owned()]).is_ok());
    }
}
