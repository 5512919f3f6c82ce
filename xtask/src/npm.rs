//! Tools from npm, installed by tests/js/package-lock.json: esbuild, binaryen, wrangler, and the two Nodes of the tests.

use std::{
    env::{
        self,
        consts::{ARCH, OS},
    },
    fs,
    path::PathBuf,
};

use crate::{
    error::{Context as _, Error, Result},
    process::Cmd,
    repo::Repo,
    tools,
};

/// A Node release the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    V20,
    V22,
    V24,
}

impl Node {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V20 => "Node 20",
            Self::V22 => "Node 22",
            Self::V24 => "Node 24",
        }
    }

    /// Set beforehand, it names the `node` to use; tests find theirs by it.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::V20 => "RESTIS_NODE20",
            Self::V22 => "RESTIS_NODE22",
            Self::V24 => "RESTIS_NODE24",
        }
    }
}

/// Installs what tests/js/package-lock.json pins, unless it is there.
pub(crate) fn ensure(repo: &Repo) -> Result<()> {
    let js = repo.js();
    let lock = fs::read(js.join("package-lock.json")).context("read tests/js/package-lock.json")?;
    let stamp = js.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    if tools::on_path("npm").is_none() {
        return Err(Error::new("this task needs npm, which is not on PATH.")
            .hint("Install Node with npm (any release from 18 on), then run the task again."));
    }
    Cmd::new("npm")
        .words("ci --no-progress --loglevel=error")
        .dir(&js)
        .step("installing the npm tools of tests/js (about 1 GB, once)")?;
    fs::write(&stamp, lock).context("note which npm tools are installed")
}

/// The `node` of a release, from npm's packages of Node itself.
pub(crate) fn node(repo: &Repo, node: Node) -> Result<PathBuf> {
    let variable = node.variable();
    let release = match node {
        Node::V20 => "20",
        Node::V22 => "22",
        Node::V24 => "24",
    };
    if let Some(named) = env::var_os(variable).filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let platform = platform(OS, ARCH).ok_or_else(|| {
        Error::new(format!(
            "npm has no package of {} for {OS} on {ARCH}.",
            node.name()
        ))
        .hint(format!(
            "Install that release and set {variable} to the path of its `node`."
        ))
    })?;
    Ok(module(repo, &format!("node{release}-{platform}/bin/node")))
}

/// A file or folder under tests/js/node_modules.
pub(crate) fn module(repo: &Repo, path: &str) -> PathBuf {
    repo.js().join("node_modules").join(path)
}

/// `command` with Node 22 and wasm-opt before what the machine has: what scripts that say `env node` find.
pub(crate) fn on_path(repo: &Repo, command: Cmd) -> Result<Cmd> {
    let node = node(repo, Node::V22)?;
    let folder = node.parent().context("find the folder of Node 22")?;
    Ok(command.path_first([
        folder.into(),
        module(repo, "binaryen/bin"),
        repo.tools().join("bin"),
    ]))
}

/// npm's name of a platform that tests/js/package.json has Node for.
fn platform(os: &str, arch: &str) -> Option<&'static str> {
    match (os, arch) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn every_platform_has_both_nodes_in_the_manifest() {
        let manifest = fs::read_to_string(Repo::find().unwrap().js().join("package.json")).unwrap();
        for (os, arch) in [("linux", "x86_64"), ("linux", "aarch64")] {
            let platform = platform(os, arch).unwrap();
            for release in ["20", "22"] {
                let package = format!("\"node{release}-{platform}\": \"npm:node-");
                assert!(manifest.contains(&package), "{package}");
            }
        }
        assert_eq!(platform("macos", "aarch64"), None);
    }

    #[test]
    fn the_lock_file_names_no_host() {
        let lock =
            fs::read_to_string(Repo::find().unwrap().js().join("package-lock.json")).unwrap();
        assert!(!lock.contains("\"resolved\""));
    }
}
