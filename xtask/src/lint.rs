//! The level `lint`: format, clippy natively and for wasm32, docs, every feature, the dependency claims, the Rust version.

use serde_json::Value;

use crate::{
    claims, debian,
    error::{Context as _, Result},
    npm::{self, Node},
    process::Cmd,
    repo::Repo,
    tools::{self, WASM_TARGET},
    ui,
};

const NATIVE_TARGET: &str = "x86_64-unknown-linux-gnu";

/// The packages that only mean something on wasm32.
pub(crate) const WASM_ONLY: [&str; 5] = [
    "restis-wasm",
    "restis-wasm-client",
    "restis-wasm-helpers",
    "restis-wasm-queue",
    "restis-example-worker",
];

/// Each way to choose features that must compile by itself.
const FEATURES: [&str; 17] = [
    "",
    "cache",
    "compress",
    "idempotency",
    "lock",
    "observe",
    "queue",
    "ratelimit",
    "resp2",
    "sessions",
    "tower",
    "tower-sessions",
    "tracing",
    "rustls",
    "rustls-no-provider",
    "native-tls",
    "http2",
];

pub(crate) fn run(repo: &Repo) -> Result<()> {
    tools::ensure_wasm_target()?;
    cargo(repo, "fmt --all --check -- --color never").step("cargo fmt --check")?;
    clippy(repo)?;
    docs(repo)?;
    features(repo)?;
    claims(repo)?;
    rust_version(repo)
}

fn cargo(repo: &Repo, words: &str) -> Cmd {
    Cmd::new("cargo").words(words).dir(repo.root())
}

fn clippy(repo: &Repo) -> Result<()> {
    cargo(repo, "clippy --workspace --all-targets")
        .args(WASM_ONLY.iter().flat_map(|package| ["--exclude", package]))
        .words("-- -D warnings")
        .step("clippy, natively")?;
    cargo(repo, "clippy -p restis --lib --test * --target")
        .arg(WASM_TARGET)
        .words("-- -D warnings")
        .step("clippy, restis on wasm32")?;
    cargo(repo, "clippy --all-targets --target")
        .arg(WASM_TARGET)
        .args(WASM_ONLY.iter().flat_map(|package| ["-p", package]))
        .words("-- -D warnings")
        .step("clippy, the npm binding and the Worker on wasm32")
}

fn docs(repo: &Repo) -> Result<()> {
    // Both: a public page that links a private item is only wrong without the private pages.
    for (words, title) in [
        ("doc -p restis --no-deps", "docs, as published"),
        (
            "doc -p restis --no-deps --document-private-items",
            "docs, with private items",
        ),
        (
            "doc -p restis --no-deps --document-private-items --target wasm32-unknown-unknown",
            "docs, on wasm32",
        ),
        (
            "doc -p restis-local --no-deps --lib",
            "docs of restis-local",
        ),
    ] {
        cargo(repo, words)
            .env("RUSTDOCFLAGS", "-D warnings")
            .step(title)?;
    }
    // By tests/js/typedoc.json: every type and method is documented, and every link leads somewhere.
    npm::ensure(repo)?;
    Cmd::new(npm::node(repo, Node::V22)?)
        .arg(npm::module(repo, "typedoc/bin/typedoc"))
        .dir(repo.js())
        .step("docs of the package, into target/typedoc")
}

fn features(repo: &Repo) -> Result<()> {
    debian::openssl_headers()?;
    for feature in FEATURES {
        let title = match feature {
            "" => "clippy without features".to_owned(),
            _ => format!("clippy with only {feature}"),
        };
        cargo(repo, "clippy -p restis --no-default-features --features")
            .arg(feature)
            .words("-- -D warnings")
            .step(&title)?;
    }
    Ok(())
}

fn claims(repo: &Repo) -> Result<()> {
    let metadata = metadata(repo, "--no-deps")?;
    ui::step("of tokio, restis asks for the timer only", || {
        claims::only_the_timer_of_tokio(&metadata)
    })?;
    ui::step(
        "restis asks for tracing only where its feature is on",
        || claims::tracing_is_a_choice(&metadata),
    )?;
    let unwanted = claims::NOT_ON_WASM.join(", ");
    for package in [
        "restis",
        "restis-wasm-client",
        "restis-wasm-helpers",
        "restis-wasm-queue",
    ] {
        ui::step(
            &format!("{package} on wasm32 is without {unwanted}"),
            || {
                let tree = tree(repo, package, "normal", WASM_TARGET)?;
                claims::without(&tree, &claims::NOT_ON_WASM)
            },
        )?;
    }
    Ok(())
}

fn rust_version(repo: &Repo) -> Result<()> {
    let metadata = metadata(repo, "")?;
    let promised = claims::rust_version(&metadata)?;
    for target in [NATIVE_TARGET, WASM_TARGET] {
        ui::step(
            &format!("no dependency needs more than Rust {promised} on {target}"),
            || {
                let tree = tree(repo, "restis", "normal,build", target)?;
                claims::none_needs_newer_rust(&tree, &metadata, &promised)
            },
        )?;
    }
    match toolchain(&promised) {
        Some(toolchain) => Cmd::new("rustup")
            .args(["run", &toolchain])
            .words("cargo check -p restis")
            .dir(repo.root())
            .step(&format!("check with Rust {promised} itself")),
        None => {
            ui::note(&format!(
                "Rust {promised} is not installed here: it was checked by clippy and by what the dependencies declare"
            ));
            Ok(())
        }
    }
}

/// The installed toolchain of the release `version`, by the name rustup gives it.
fn toolchain(version: &str) -> Option<String> {
    let list = Cmd::new("rustup").words("toolchain list").output().ok()?;
    named_release(&list, version)
}

fn named_release(list: &str, version: &str) -> Option<String> {
    let (major, minor, _) = claims::version(version)?;
    list.lines()
        .filter_map(|line| line.split_whitespace().next())
        .find(|name| {
            let (release, _) = name.split_once('-').unwrap_or((name, ""));
            claims::version(release).is_some_and(|(a, b, _)| (a, b) == (major, minor))
        })
        .map(str::to_owned)
}

fn metadata(repo: &Repo, words: &str) -> Result<Value> {
    let text = cargo(repo, "metadata --format-version 1 --locked")
        .words(words)
        .output()?;
    serde_json::from_str(&text).context("read cargo metadata")
}

fn tree(repo: &Repo, package: &str, edges: &str, target: &str) -> Result<String> {
    cargo(
        repo,
        "tree --all-features --prefix none --format {p} --locked",
    )
    .args(["-p", package, "--edges", edges, "--target", target])
    .output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_toolchain_of_a_release() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\nnightly-x86_64-unknown-linux-gnu\n\
                    1.88.0-x86_64-unknown-linux-gnu\n1.95-x86_64-unknown-linux-gnu\n";
        let found = named_release(list, "1.88");
        assert_eq!(found.as_deref(), Some("1.88.0-x86_64-unknown-linux-gnu"));
        assert_eq!(
            named_release(list, "1.95.0").as_deref(),
            Some("1.95-x86_64-unknown-linux-gnu")
        );
        assert_eq!(named_release(list, "1.90"), None);
        assert_eq!(named_release("no installed toolchains", "1.88"), None);
    }
}
