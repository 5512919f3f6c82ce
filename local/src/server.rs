//! Finds a real server and runs it for as long as we live, and no longer.
//!
//! The server is the child of a small shell that waits for the end of its input. That input is a pipe
//! only we hold: it ends when we close it, when we crash, and when we are killed by a signal that cannot
//! be caught, and each time the shell kills the server and removes its folder. A parent-death signal
//! would need `unsafe`, and would fire when the thread that started the server ends. If the shell is killed, a thread of
//! ours kills the server in its place; only if both of us are killed at once does the server stay.
//!
//! A folder with data is locked by a file that the server itself has open, so that it is free when no server writes to it.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// The variable that names the server to start.
pub(crate) const VARIABLE: &str = "RESTIS_SERVER";
const NAMES: [&str; 2] = ["valkey-server", "redis-server"];

/// The server to start: the one asked for, else the one of the environment, else the first on the PATH, else the one that `got`
/// returns.
pub(crate) fn find(
    asked: Option<PathBuf>,
    variable: Option<OsString>,
    path: Option<OsString>,
    got: impl FnOnce() -> Result<Option<PathBuf>, Error>,
) -> Result<PathBuf, Error> {
    if let Some(binary) = asked {
        return runnable(&binary).then_some(binary).ok_or_else(|| {
            Error::new(
                "the server binary that was asked for is not an executable file; give the path of a valkey-server or redis-server",
            )
        });
    }
    if let Some(binary) = variable.filter(|value| !value.is_empty()) {
        let binary = PathBuf::from(binary);
        return runnable(&binary).then_some(binary).ok_or_else(|| {
            Error::new(format!(
                "{VARIABLE} does not name an executable file; set it to the path of a valkey-server or redis-server, or unset it"
            ))
        });
    }
    let folders: Vec<PathBuf> = path.iter().flat_map(env::split_paths).collect();
    let installed = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|binary| runnable(binary));
    if let Some(binary) = installed {
        return Ok(binary);
    }
    got()?.filter(|binary| runnable(binary)).ok_or_else(|| {
        Error::new(format!(
            "no valkey-server or redis-server was found. `restis-local --get-server` gets one; or install valkey or redis from your \
             system's packages, set {VARIABLE} to a server, or use one that runs with --redis redis://host:port"
        ))
    })
}

fn runnable(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else {
        return false;
    };
    #[cfg(unix)]
    let executable = {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o111 != 0
    };
    #[cfg(not(unix))]
    let executable = true;
    metadata.is_file() && executable
}

#[cfg(unix)]
pub(crate) use unix::Child;

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, File},
        io,
        os::{
            fd::OwnedFd,
            unix::{fs::PermissionsExt as _, process::CommandExt as _},
        },
        path::Path,
        process::{self, Command, Stdio},
        sync::mpsc,
        thread,
        time::Duration,
    };

    use rustix::{
        fs::{FlockOperation, flock},
        io::Errno,
    };
    use tempfile::TempDir;
    use tokio::{
        io::AsyncReadExt as _,
        net::unix::pipe,
        time::{sleep, timeout},
    };

    use crate::{backend::Backend, error::Error, target::Target};

    /// The server holds the pipe of the shell's output open, so that its end tells that the server ended; and as 5 what the
    /// shell's errors go to, the lock of its data.
    const SHELL: &str = r#"
        exec 5>&2 2>/dev/null
        folder=$1
        shift
        "$@" 4>&1 </dev/null >"$folder/log" 2>&1 &
        server=$!
        echo "$server"
        exec >/dev/null 2>&1
        read -r _
        kill -9 "$server"
        wait "$server"
        rm -rf "$folder"
    "#;
    const PATIENCE: Duration = Duration::from_secs(15);
    /// The path of a socket holds about a hundred bytes.
    const LONGEST_SOCKET: usize = 100;

    /// A running server, its shell and its folder.
    #[derive(Debug)]
    pub(crate) struct Child {
        input: Option<process::ChildStdin>,
        /// Waits for the end of the shell.
        watch: Option<thread::JoinHandle<()>>,
        folder: TempDir,
    }

    impl Child {
        /// Starts `binary` on a socket in a folder of its own, and connects to it. It keeps its data in the folder `data`, or
        /// nothing.
        pub(crate) async fn start(
            binary: &Path,
            data: Option<&Path>,
            patience: Duration,
        ) -> Result<(Self, Backend), Error> {
            let lock = data.map(lock).transpose()?;
            let folder = folder().map_err(|error| {
                Error::io(
                    "no temporary folder could be made; TMPDIR may name one that has room",
                    error,
                )
            })?;
            let socket = folder.path().join("socket");
            let mut shell = Command::new("/bin/sh")
                .args(["-c", SHELL, "restis-local"])
                .arg(folder.path())
                .arg(binary)
                .args(["--port", "0", "--save", "", "--appendonly"])
                .arg(if data.is_some() { "yes" } else { "no" })
                .args(["--daemonize", "no", "--unixsocketperm", "700"])
                .arg("--unixsocket")
                .arg(&socket)
                .arg("--dir")
                .arg(data.unwrap_or(folder.path()))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(lock.map_or_else(Stdio::null, Stdio::from))
                // A Ctrl-C in the terminal is for us; the server ends after we have answered.
                .process_group(0)
                .spawn()
                .map_err(|error| Error::io("/bin/sh could not be started", error))?;
            let output = shell.stdout.take().map(OwnedFd::from);
            let input = shell.stdin.take();
            let (tell, server) = mpsc::channel();
            let watch = thread::Builder::new()
                .name("restis-local-server".to_owned())
                .spawn(move || watch(shell, &server))
                .map_err(|error| Error::io("a thread could not be started", error))?;
            let child = Self {
                input,
                watch: Some(watch),
                folder,
            };
            let output = output.map(pipe::Receiver::from_owned_fd).transpose();
            let mut output = output
                .ok()
                .flatten()
                .ok_or_else(|| Error::new("the output of the server could not be watched"))?;
            let ended = async {
                // First the number of the server's process, then nothing until it ends.
                let mut digits = String::new();
                let mut byte = [0];
                while output.read(&mut byte).await.is_ok_and(|read| read > 0) {
                    match byte {
                        [b'\n'] => {
                            let _ = tell.send(std::mem::take(&mut digits));
                        }
                        [digit] => digits.push(char::from(digit)),
                    }
                }
            };
            let answers = async {
                loop {
                    if let Ok(backend) =
                        Backend::connect(Target::socket(socket.clone()), patience).await
                    {
                        return backend;
                    }
                    sleep(Duration::from_millis(5)).await;
                }
            };
            let started = timeout(PATIENCE, async {
                tokio::select! {
                    backend = answers => Ok(backend),
                    () = ended => Err("ended before it answered"),
                }
            });
            match started.await.unwrap_or(Err("did not answer in time")) {
                Ok(backend) => Ok((child, backend)),
                Err(what) => Err(Error::new(format!(
                    "{} {what}{}",
                    binary.display(),
                    child.last_words()
                ))),
            }
        }

        fn last_words(&self) -> String {
            let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            match log.lines().rfind(|line| !line.trim().is_empty()) {
                Some(line) => format!("; its last words were: {}", line.trim()),
                None => String::new(),
            }
        }
    }

    /// Creates the folder for data, and locks it. The lock is held by whatever has the file open.
    fn lock(folder: &Path) -> Result<File, Error> {
        let failed = |error: io::Error| {
            let message = format!(
                "the folder {} cannot be used for data ({error}); choose another with --data",
                folder.display()
            );
            Error::io(message, error)
        };
        if !folder.exists() {
            fs::create_dir_all(folder).map_err(failed)?;
            let owner = fs::Permissions::from_mode(0o700);
            fs::set_permissions(folder, owner).map_err(failed)?;
        }
        let file = File::create(folder.join("restis-local.lock")).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(Errno::WOULDBLOCK) => Err(Error::new(format!(
                "the data in {} is in use by another restis-local; stop that one, or choose another folder with --data",
                folder.display()
            ))),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// A folder nobody else may enter: who reaches the socket needs no token.
    fn folder() -> io::Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        builder
            .prefix("restis-local-")
            .permissions(fs::Permissions::from_mode(0o700));
        let folder = builder.tempdir()?;
        if folder.path().join("socket").as_os_str().len() > LONGEST_SOCKET {
            return builder.tempdir_in("/tmp");
        }
        Ok(folder)
    }

    /// Waits for the end of the shell, and kills the server if the shell was killed before it could.
    fn watch(mut shell: process::Child, server: &mpsc::Receiver<String>) {
        let ended = shell.wait();
        if ended.is_ok_and(|status| status.success()) {
            return;
        }
        let server = server.try_iter().last().unwrap_or_default();
        if !server.is_empty() && server.bytes().all(|byte| byte.is_ascii_digit()) {
            let kill = ["-c", r#"kill -9 "$1""#, "restis-local", &server];
            // It fails if the server has ended by itself, and then all is well.
            let _ = Command::new("/bin/sh")
                .args(kill)
                .stderr(Stdio::null())
                .status();
        }
    }

    impl Drop for Child {
        fn drop(&mut self) {
            // The end of its input is what the shell waits for. The folder goes after it, if it is still
            // there.
            drop(self.input.take());
            if let Some(watch) = self.watch.take() {
                let _ = watch.join();
            }
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::path::Path;

    use crate::{backend::Backend, error::Error};

    /// Where there is no Unix shell, no server is started.
    #[derive(Debug)]
    pub(crate) struct Child;

    impl Child {
        pub(crate) async fn start(
            _: &Path,
            _: Option<&Path>,
            _: std::time::Duration,
        ) -> Result<(Self, Backend), Error> {
            Err(Error::new(
                "on this system restis-local does not start a server; start one yourself and point to it with --redis redis://host:port",
            ))
        }
    }
}

#[cfg(not(unix))]
pub(crate) use elsewhere::Child;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_server_is_found_in_the_order_that_is_written_down() {
        use std::os::unix::fs::PermissionsExt as _;
        let none_got = || Ok(None);
        let folder = tempfile::tempdir().unwrap();
        let make = |folder: &Path, name: &str, mode: u32| {
            fs::create_dir_all(folder).unwrap();
            let path = folder.join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let redis = make(&a, "redis-server", 0o755);
        make(&a, "valkey-server", 0o644);
        let valkey = make(&b, "valkey-server", 0o755);
        let path = Some(env::join_paths([&a, &b]).unwrap());
        let only_a = Some(a.into_os_string());
        assert_eq!(find(None, None, path.clone(), none_got).unwrap(), valkey);
        assert_eq!(find(None, None, only_a, none_got).unwrap(), redis);
        let variable = Some(redis.clone().into_os_string());
        assert_eq!(
            find(None, variable.clone(), path.clone(), none_got).unwrap(),
            redis
        );
        let asked = Some(valkey.clone());
        assert_eq!(
            find(asked, variable, path.clone(), none_got).unwrap(),
            valkey
        );

        let got = || Ok(Some(redis.clone()));
        assert_eq!(find(None, None, None, got).unwrap(), redis);
        let none = find(None, None, None, none_got).unwrap_err().to_string();
        for word in ["valkey", "redis", "restis-local --get-server", "--redis"] {
            assert!(none.contains(word), "{none}");
        }
        let wrong = Some(OsString::from("/nowhere"));
        let wrong = find(None, wrong, path, none_got).unwrap_err().to_string();
        assert!(wrong.contains(VARIABLE), "{wrong}");
    }
}
