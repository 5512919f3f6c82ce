//! Where things are in the checkout.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::error::{Context as _, Result};

/// The checkout the tasks work on.
#[derive(Debug)]
pub(crate) struct Repo {
    root: PathBuf,
}

impl Repo {
    pub(crate) fn find() -> Result<Self> {
        // Cargo sets the variable when it runs xtask; the value of the build serves a binary that is started by hand.
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = own.parent().context("find the folder above xtask")?;
        Ok(Self { root: root.into() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Where tools are installed: always in the checkout, so that another target folder does not install them again.
    pub(crate) fn tools(&self) -> PathBuf {
        self.join("target/tools")
    }

    /// The JavaScript tests and their tools.
    pub(crate) fn js(&self) -> PathBuf {
        self.join("tests/js")
    }
}
