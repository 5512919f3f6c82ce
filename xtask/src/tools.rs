//! Tools from crates.io and rustup: versions in one table, installed once, into target/tools.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    debian,
    error::{Context as _, Result},
    npm,
    process::Cmd,
    pypi,
    repo::Repo,
    server, ui,
};

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// A program that `cargo install` builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    WasmPack,
    WasmBindgen,
    WorkerBuild,
    Fuzz,
    Deny,
    Hack,
    SemverChecks,
}

impl Tool {
    /// What the levels of every run use.
    const ALL: [Self; 5] = [
        Self::WasmPack,
        Self::WasmBindgen,
        Self::WorkerBuild,
        Self::Fuzz,
        Self::Deny,
    ];

    /// The package, the program of it that is asked for its version, and about how long two cores build it.
    fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::WasmPack => ("wasm-pack", "wasm-pack", "2 minutes"),
            Self::WasmBindgen => ("wasm-bindgen-cli", "wasm-bindgen-test-runner", "3 minutes"),
            Self::WorkerBuild => ("worker-build", "worker-build", "3 minutes"),
            Self::Fuzz => ("cargo-fuzz", "cargo-fuzz", "1 minute"),
            Self::Deny => ("cargo-deny", "cargo-deny", "3 minutes"),
            Self::Hack => ("cargo-hack", "cargo-hack", "1 minute"),
            Self::SemverChecks => ("cargo-semver-checks", "cargo-semver-checks", "5 minutes"),
        }
    }

    fn version(self, repo: &Repo) -> Result<String> {
        match self {
            Self::WasmPack => Ok("0.15.1".to_owned()),
            Self::WorkerBuild => Ok("0.8.7".to_owned()),
            Self::Fuzz => Ok("0.13.2".to_owned()),
            Self::Deny => Ok("0.20.2".to_owned()),
            Self::Hack => Ok("0.6.46".to_owned()),
            Self::SemverChecks => Ok("0.51.0".to_owned()),
            // The command-line tool and the library it reads for must be of one version.
            Self::WasmBindgen => {
                let lock =
                    fs::read_to_string(repo.join("Cargo.lock")).context("read Cargo.lock")?;
                locked_version(&lock, "wasm-bindgen")
                    .context("find the version of wasm-bindgen in Cargo.lock")
            }
        }
    }
}

/// Installs the tools named that are not there yet.
pub(crate) fn ensure(repo: &Repo, tools: &[Tool]) -> Result<()> {
    let mut missing = Vec::new();
    for &tool in tools {
        let version = tool.version(repo)?;
        let (_, program, _) = tool.facts();
        if !is_version(&bin(repo, program), &version) {
            missing.push((tool, version));
        }
    }
    if missing.iter().any(|(tool, _)| *tool == Tool::WorkerBuild) {
        debian::openssl_headers()?;
    }
    // One build folder for all of them, so that what they share is compiled once.
    let build = repo.tools().join("build");
    let count = missing.len();
    for (number, (tool, version)) in (1..).zip(&missing) {
        let (package, _, time) = tool.facts();
        let of = if count > 1 {
            format!(", {number} of {count}")
        } else {
            String::new()
        };
        let mut install = Cmd::cargo("install")
            .words("--force --root")
            .arg(repo.tools())
            .arg(format!("{package}@{version}"))
            .env("CARGO_TARGET_DIR", &build)
            // They run for seconds: a quick build is worth more than a fast program.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_LTO", "off");
        // wasm-bindgen-cli's own lock file pins a pre-release that is not served everywhere.
        if *tool != Tool::WasmBindgen {
            install = install.arg("--locked");
        }
        install.dir(env::temp_dir()).step(&format!(
            "installing {package} {version} into target/tools (about {time}, once{of})"
        ))?;
    }
    if build.exists() {
        fs::remove_dir_all(&build).context(format!("remove {}", build.display()))?;
    }
    Ok(())
}

/// Gets the wasm target, which is the one thing installed outside the checkout.
pub(crate) fn ensure_wasm_target() -> Result<()> {
    ensure_in_toolchain(
        WASM_TARGET,
        &["target", "add", WASM_TARGET],
        "the target wasm32-unknown-unknown",
    )
}

/// The sources of std, of which the npm package's wasm builds its own.
pub(crate) fn ensure_rust_src() -> Result<()> {
    ensure_in_toolchain(
        "src/rust/library/std",
        &["component", "add", "rust-src"],
        "the component rust-src",
    )
}

/// Adds a part to the toolchain by rustup, where its folder in lib/rustlib is missing.
fn ensure_in_toolchain(folder: &str, rustup: &[&str], name: &str) -> Result<()> {
    let sysroot = Cmd::new("rustc").words("--print sysroot").output()?;
    if Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(folder)
        .is_dir()
    {
        return Ok(());
    }
    Cmd::new("rustup")
        .args(rustup)
        .step(&format!("adding {name} with rustup"))
        .map_err(|error| {
            error.hint(format!(
                "Install {name} for this Rust, then run the task again."
            ))
        })
}

/// Everything at once, for a cache in CI.
pub(crate) fn install_all(repo: &Repo) -> Result<()> {
    ensure_wasm_target()?;
    ensure_rust_src()?;
    ensure(repo, &Tool::ALL)?;
    npm::ensure(repo)?;
    debian::openssl_headers()?;
    debian::chromium()?;
    pypi::ensure_fakeredis(repo)?;
    pypi::ensure_upstash(repo)?;
    let server = server::pinned(repo)?;
    ui::note(&format!("every tool is in place; tests use {server}"));
    Ok(())
}

/// The path of an installed program.
pub(crate) fn bin(repo: &Repo, program: &str) -> PathBuf {
    repo.tools().join("bin").join(program)
}

/// The first program of that name on PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn is_version(program: &Path, version: &str) -> bool {
    program.is_file()
        && Cmd::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|text| text.split_whitespace().any(|word| word == version))
}

/// The version of `package` that a Cargo.lock pins.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{package}\""))?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn reads_the_locked_version_of_exactly_that_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"r\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert_eq!(locked_version(lock, "wasm"), None);
        assert_eq!(locked_version("", "wasm-bindgen"), None);
    }

    #[test]
    fn this_checkouts_lock_file_names_a_version() {
        let repo = Repo::find().unwrap();
        let version = Tool::WasmBindgen.version(&repo).unwrap();
        assert!(version.starts_with("0.2."), "{version}");
    }

    #[test]
    fn a_program_of_another_version_is_installed_again() {
        let rustc = on_path("rustc").unwrap();
        let text = Cmd::new(&rustc).arg("--version").output().unwrap();
        let version = text.split_whitespace().nth(1).unwrap();
        assert!(is_version(&rustc, version));
        assert!(!is_version(&rustc, "1.0.0"));
        assert!(!is_version(Path::new("no-such-program"), version));
    }
}
