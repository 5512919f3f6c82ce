//! The level `supply`: what comes in with the dependencies, and what goes out in the packages.

use std::fs;

use serde_json::Value;

use crate::{
    debian,
    error::{Context as _, Error, Result},
    npm,
    process::Cmd,
    repo::Repo,
    tools::{self, Tool, WASM_TARGET},
    ui,
};

pub(crate) fn run(repo: &Repo, long: bool) -> Result<()> {
    deny(repo)?;
    minimal_versions(repo)?;
    npm_package(repo)?;
    since_the_last_tag(repo)?;
    if long {
        powerset(repo)?;
    }
    Ok(())
}

/// Licenses, sources and versions of all dependencies. Advisories too, where their database can be reached.
fn deny(repo: &Repo) -> Result<()> {
    tools::ensure(repo, &[Tool::Deny])?;
    let cargo_deny = |what: &str| {
        Cmd::new(tools::bin(repo, "cargo-deny"))
            .words("--locked check")
            .words(what)
            .dir(repo.root())
    };
    cargo_deny("bans licenses sources").step("cargo deny: licenses, sources, versions")?;
    let fetch = Cmd::new(tools::bin(repo, "cargo-deny"))
        .words("fetch db")
        .dir(repo.root());
    if fetch.succeeds() {
        return cargo_deny("advisories").step("cargo deny: advisories");
    }
    ui::note("the database of advisories cannot be reached from here: they were not checked");
    Ok(())
}

/// The crate as it is published, with the oldest version of each dependency that Cargo.toml allows.
fn minimal_versions(repo: &Repo) -> Result<()> {
    debian::openssl_headers()?;
    Cmd::cargo("package")
        .words("-p restis --no-verify --allow-dirty")
        .dir(repo.root())
        .step("cargo package")?;
    let place = repo.join("target/minimal-versions");
    if place.exists() {
        fs::remove_dir_all(&place).context(format!("remove {}", place.display()))?;
    }
    fs::create_dir_all(&place).context(format!("make {}", place.display()))?;
    let version = env!("CARGO_PKG_VERSION");
    Cmd::new("tar")
        .arg("xf")
        .arg(repo.join(format!("target/package/restis-{version}.crate")))
        .words("--strip-components=1 -C")
        .arg(&place)
        .step("unpacking it")?;
    // Or Cargo takes it for a part of this workspace.
    let manifest = place.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).context("read its Cargo.toml")?;
    fs::write(&manifest, format!("{text}\n[workspace]\n")).context("write its Cargo.toml")?;
    let lock = place.join("Cargo.lock");
    if lock.exists() {
        fs::remove_file(&lock).context("remove its Cargo.lock")?;
    }
    let cargo = |words: &str| {
        Cmd::new("cargo")
            .words(words)
            .env("CARGO_TARGET_DIR", repo.join("target/minimal"))
            .dir(&place)
    };
    cargo("-Z direct-minimal-versions generate-lockfile")
        // This one option of Cargo is not stable; nothing is compiled by it.
        .env("RUSTC_BOOTSTRAP", "1")
        .step("the oldest versions that Cargo.toml allows")?;
    cargo("check --all-features").step("check with them")?;
    cargo("check --target")
        .arg(WASM_TARGET)
        .step("check with them on wasm32")
}

/// The npm package depends on nothing, and is published with a statement of where it was built.
fn npm_package(repo: &Repo) -> Result<()> {
    npm::ensure(repo)?;
    let text = fs::read_to_string(repo.join("pkg/package.json")).context("read package.json")?;
    let manifest: Value = serde_json::from_str(&text).context("read package.json")?;
    ui::step(
        "the npm package has no dependencies, and is published with provenance",
        || {
            no_dependencies(&manifest)?;
            let provenance = manifest.pointer("/publishConfig/provenance");
            if provenance != Some(&Value::Bool(true)) {
                return Err(Error::new(
                    "publishConfig.provenance in pkg/package.json is not true",
                ));
            }
            Ok(())
        },
    )?;
    // Nothing of the registry is asked: there is nothing to ask about, or this fails.
    let place = repo.join("target/npm-audit");
    fs::create_dir_all(&place).context(format!("make {}", place.display()))?;
    fs::copy(repo.join("pkg/package.json"), place.join("package.json"))
        .context("copy package.json")?;
    let npm = |words: &str| npm::on_path(repo, Cmd::new("npm").words(words).dir(&place));
    npm("install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error")?
        .step("npm install of what it depends on")?;
    npm("audit --omit=dev --audit-level=low")?.step("npm audit")
}

fn no_dependencies(manifest: &Value) -> Result<()> {
    for kind in [
        "dependencies",
        "optionalDependencies",
        "bundledDependencies",
    ] {
        if manifest.get(kind).is_some() {
            return Err(Error::new(format!("pkg/package.json has {kind}")));
        }
    }
    Ok(())
}

/// Whether the public API has changed as the version says.
fn since_the_last_tag(repo: &Repo) -> Result<()> {
    let tag = Cmd::new("git")
        .words("describe --tags --abbrev=0 --match v*")
        .dir(repo.root())
        .output();
    let Ok(tag) = tag else {
        ui::note("no version is tagged yet: the API is not compared with one");
        return Ok(());
    };
    tools::ensure(repo, &[Tool::SemverChecks])?;
    Cmd::new(tools::bin(repo, "cargo-semver-checks"))
        .words("semver-checks -p restis --all-features --baseline-rev")
        .arg(tag.trim())
        .dir(repo.root())
        .step(&format!("cargo semver-checks against {}", tag.trim()))
}

/// Each pair of features, without those that only choose how reqwest does TLS and HTTP.
fn powerset(repo: &Repo) -> Result<()> {
    tools::ensure(repo, &[Tool::Hack])?;
    Cmd::new(tools::bin(repo, "cargo-hack"))
        .words("hack check -p restis --lib --feature-powerset --depth 2 --exclude-features")
        .arg("default,http2,native-tls,rustls,rustls-no-provider")
        .dir(repo.root())
        .step("check of each pair of features (about 6 minutes)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_comes_in_is_named() {
        let manifest = serde_json::json!({ "dependencies": { "left-pad": "1" } });
        assert!(no_dependencies(&manifest).is_err());
        assert!(no_dependencies(&serde_json::json!({ "devDependencies": {} })).is_ok());
    }
}
