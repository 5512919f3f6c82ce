//! Tokens made here: random ones, and the one a user keeps from run to run.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::Error;

const RANDOM_BYTES: usize = 24;
/// A token in the file that is shorter was not written by us.
const SHORTEST: usize = 16;

/// 192 random bits of the system as text.
pub(crate) fn random() -> Result<String, Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(format!(
            "the system has no random bytes for a token ({error}); give one with --token"
        ))
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The token of the user's file, which is made at first; without a home folder a new one each time.
pub(crate) fn kept() -> Result<String, Error> {
    match file(|name| env::var_os(name).map(PathBuf::from)) {
        Some(path) => kept_in(&path),
        None => random(),
    }
}

/// `$XDG_STATE_HOME/restis/local-token`, else `~/.local/state/restis/local-token`; `%LOCALAPPDATA%\restis` on Windows.
fn file(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let var = |name: &str| var(name).filter(|path| path.is_absolute());
    let state = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else {
        var("XDG_STATE_HOME").or_else(|| Some(var("HOME")?.join(".local/state")))
    };
    Some(state?.join("restis/local-token"))
}

fn kept_in(path: &Path) -> Result<String, Error> {
    let failed = |error: io::Error| {
        Error::io(
            format!(
                "the token file {} cannot be used ({error}); repair or delete it, or give a token with --token",
                path.display()
            ),
            error,
        )
    };
    match fs::read_to_string(path) {
        Ok(text) => {
            owner_only(path).map_err(failed)?;
            let token = text.trim();
            if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::new(format!(
                    "the token file {} does not hold a token; delete it, or give a token with --token",
                    path.display()
                )));
            }
            Ok(token.to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = random()?;
            match create(path, &token) {
                Ok(()) => Ok(token),
                // Another one was quicker: there is one token, and it is theirs.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => kept_in(path),
                Err(error) => Err(failed(error)),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes the file whole or not at all, readable by its owner, and never over another.
fn create(path: &Path, token: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // It is created with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{token}")?;
    file.persist_noclobber(path)?;
    Ok(())
}

#[cfg(unix)]
fn owner_only(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn owner_only(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn kept_token_is_the_same_for_all_who_start_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/restis/local-token");
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| kept_in(&path).unwrap()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(kept_in(&path).unwrap(), tokens[0]);
        assert_eq!(tokens[0].len(), 32);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(), 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            kept_in(&path).unwrap();
            assert_eq!(mode(), 0o600);
        }
    }

    #[test]
    fn garbled_token_file_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local-token");
        for garbled in ["", "short", "a token with spaces in it"] {
            fs::write(&path, garbled).unwrap();
            let error = kept_in(&path).unwrap_err().to_string();
            assert!(error.contains("delete it"), "{error}");
            assert!(garbled.is_empty() || !error.contains(garbled), "{error}");
        }
        fs::write(&path, b"\xff\xfe").unwrap();
        assert!(kept_in(&path).unwrap_err().to_string().contains("--token"));
        assert_ne!(random().unwrap(), random().unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn token_file_is_in_the_users_state_folder() {
        let home = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/ada"));
        let wanted = Path::new("/home/ada/.local/state/restis/local-token");
        assert_eq!(file(home).as_deref(), Some(wanted));
        let state = |name: &str| (name == "XDG_STATE_HOME").then(|| PathBuf::from("/state"));
        assert_eq!(
            file(state).as_deref(),
            Some(Path::new("/state/restis/local-token"))
        );
        assert_eq!(file(|_| Some(PathBuf::from("relative"))), None);
        assert_eq!(file(|_| None), None);
    }
}
