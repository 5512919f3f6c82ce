//! Child processes: each in a process group of its own, quiet unless asked, and gone when xtask goes.

use std::{
    collections::{BTreeSet, VecDeque},
    env,
    ffi::{OsStr, OsString},
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::{
    error::{Context as _, Error, Result},
    ui::{self, Step},
};

/// The leaders of the process groups that run now.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// How long a child may take to put its things away.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of a quiet program's output is shown when it fails.
const TAIL_LINES: usize = 120;

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// On Ctrl-C, SIGTERM or SIGHUP, stops every child before xtask itself.
pub(crate) fn stop_children_on_signals() -> Result<()> {
    ctrlc::set_handler(|| {
        // The lock is kept to the end: nothing new starts while the rest is stopped.
        let groups = groups();
        for &group in groups.iter() {
            signal(group, Signal::SIGTERM);
        }
        let deadline = Instant::now() + PATIENCE;
        for &group in groups.iter() {
            while Instant::now() < deadline && leader_lives(group) {
                thread::sleep(Duration::from_millis(20));
            }
            signal(group, Signal::SIGKILL);
        }
        std::process::exit(130);
    })
    .context("watch for Ctrl-C")
}

/// A group that is gone already is what was wanted.
fn signal(group: i32, signal: Signal) {
    let _ = killpg(Pid::from_raw(group), signal);
}

fn leader_lives(group: i32) -> bool {
    matches!(
        waitpid(Pid::from_raw(group), Some(WaitPidFlag::WNOHANG)),
        Ok(WaitStatus::StillAlive)
    )
}

/// A command line to run.
#[derive(Clone, Debug)]
pub(crate) struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    /// Folders to look in before those of PATH.
    first: Vec<PathBuf>,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            first: Vec::new(),
        }
    }

    /// Cargo itself, of the toolchain that runs xtask.
    pub(crate) fn cargo(subcommand: &str) -> Self {
        Self::new("cargo").arg(subcommand)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().into());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().into()));
        self
    }

    /// Adds the words of `line`, which holds no quoting.
    pub(crate) fn words(self, line: &str) -> Self {
        self.args(line.split_whitespace())
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().into());
        self
    }

    /// Has programs looked for in `folders` before those of PATH.
    pub(crate) fn path_first(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.first.extend(folders);
        self
    }

    /// Runs quietly under a line that says `title`; what it printed is shown only when it fails.
    pub(crate) fn step(&self, title: &str) -> Result<()> {
        self.captured_step(title).map(drop)
    }

    /// The same, and returns what it printed to its standard output.
    pub(crate) fn captured_step(&self, title: &str) -> Result<String> {
        let mut step = Step::begin(title);
        let output = self.run(Some(&mut step))?;
        step.end();
        Ok(output)
    }

    /// Runs quietly without a line of its own and returns its standard output.
    pub(crate) fn output(&self) -> Result<String> {
        self.run(None)
    }

    /// Whether it starts and ends well; nothing is shown.
    pub(crate) fn succeeds(&self) -> bool {
        self.command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Runs with its output on the terminal.
    pub(crate) fn shown(&self) -> Result<()> {
        let mut child = self.spawn(&mut self.command())?;
        let status = child.wait(self)?;
        self.check(status, "")
    }

    /// Starts it and goes on; it is stopped when the value is dropped.
    pub(crate) fn daemon(&self) -> Result<Daemon> {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = self.spawn(&mut command)?;
        let (sender, lines) = mpsc::channel();
        for pipe in group.pipes() {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(std::io::Result::ok) {
                    if ui::verbose() {
                        eprintln!("{line}");
                    }
                    // Nobody listens any more once the daemon is up; its pipe is read on all the same.
                    let _ = sender.send(line);
                }
            });
        }
        Ok(Daemon {
            group,
            lines,
            command: self.to_string(),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        if !self.first.is_empty() {
            let rest = env::var_os("PATH").unwrap_or_default();
            let all = self.first.iter().cloned().chain(env::split_paths(&rest));
            // Only a folder with a colon in its name cannot be put on PATH: then what PATH has must do.
            command.env("PATH", env::join_paths(all).unwrap_or(rest));
        }
        command
    }

    fn spawn(&self, command: &mut Command) -> Result<Group> {
        let mut groups = groups();
        let child = command.spawn().context(format!("start `{self}`"))?;
        let id = child.id().cast_signed();
        groups.insert(id);
        Ok(Group { child, id })
    }

    fn run(&self, step: Option<&mut Step>) -> Result<String> {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(if ui::verbose() {
            Stdio::inherit()
        } else {
            Stdio::piped()
        });
        if !ui::verbose() {
            // For Cargo, whether it is the program or one the program runs.
            command
                .env("CARGO_TERM_PROGRESS_WHEN", "always")
                .env("CARGO_TERM_PROGRESS_WIDTH", "80")
                .env("CARGO_TERM_COLOR", "never");
        }
        let mut child = self.spawn(&mut command)?;
        let (mut out, mut err) = (child.child.stdout.take(), child.child.stderr.take());
        let (stdout, tail) = thread::scope(|scope| {
            let reader = scope.spawn(|| out.as_mut().map(read_text).unwrap_or_default());
            let tail = err
                .as_mut()
                .map(|pipe| read_tail(pipe, step))
                .unwrap_or_default();
            (reader.join().unwrap_or_default(), tail)
        });
        let status = child.wait(self)?;
        if !status.success() {
            let mut shown = last_lines(&stdout, TAIL_LINES);
            shown.push_str(&tail);
            self.check(status, &shown)?;
        }
        Ok(stdout)
    }

    fn check(&self, status: ExitStatus, output: &str) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let mut message = String::new();
        if !output.trim().is_empty() {
            let _ = write!(message, "{}\n\n", output.trim_end());
        }
        let _ = write!(message, "failed ({status}): {self}");
        Err(Error::new(message))
    }
}

/// The command as one types it into a shell, its variables first.
impl std::fmt::Display for Cmd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(dir) = &self.dir {
            write!(f, "cd {} && ", quoted(dir.as_os_str()))?;
        }
        if !self.first.is_empty() {
            let folders: Vec<String> = self
                .first
                .iter()
                .map(|folder| quoted(folder.as_os_str()))
                .collect();
            write!(f, "PATH={}:\"$PATH\" ", folders.join(":"))?;
        }
        for (name, value) in &self.env {
            write!(f, "{}={} ", name.to_string_lossy(), quoted(value))?;
        }
        f.write_str(&quoted(&self.program))?;
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else if word.chars().any(char::is_control) {
        let escape = |c: char| match c {
            '\\' | '\'' => format!("\\{c}"),
            c if c.is_control() => format!("\\x{:02x}", u32::from(c)),
            c => c.to_string(),
        };
        format!("$'{}'", word.chars().map(escape).collect::<String>())
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn read_text(pipe: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    // A pipe that breaks ends the text; the exit status says the rest.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads to the end, tells `step` how far Cargo is, and keeps the last lines that are no progress bar.
fn read_tail(pipe: &mut impl Read, mut step: Option<&mut Step>) -> String {
    let mut reader = BufReader::new(pipe);
    let mut tail = VecDeque::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            break;
        }
        // Cargo ends a progress bar with a carriage return and writes the next thing over it.
        for part in String::from_utf8_lossy(&line).split('\r') {
            match (ui::cargo_progress(part), &mut step) {
                (Some((done, total)), Some(step)) => step.progress(done, total),
                (Some(_), None) => {}
                (None, _) if part.trim().is_empty() || is_routine(part) => {}
                (None, _) => {
                    if tail.len() == TAIL_LINES {
                        tail.pop_front();
                    }
                    tail.push_back(part.trim_end().to_owned());
                }
            }
        }
    }
    Vec::from(tail).join("\n")
}

/// Whether the line is one Cargo writes for every crate: among hundreds of them an error is hard to find.
fn is_routine(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    matches!(
        first,
        "Adding"
            | "Checking"
            | "Compiling"
            | "Documenting"
            | "Downloaded"
            | "Downloading"
            | "Fresh"
    )
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(count);
    lines
        .into_iter()
        .skip(skipped)
        .fold(String::new(), |all, line| all + line + "\n")
}

/// A child that leads a process group.
#[derive(Debug)]
struct Group {
    child: Child,
    id: i32,
}

impl Group {
    fn wait(&mut self, command: &Cmd) -> Result<ExitStatus> {
        self.child.wait().context(format!("wait for `{command}`"))
    }

    fn pipes(&mut self) -> Vec<Box<dyn Read + Send>> {
        let out = self.child.stdout.take().map(|pipe| Box::new(pipe) as _);
        let err = self.child.stderr.take().map(|pipe| Box::new(pipe) as _);
        out.into_iter().chain(err).collect()
    }

    fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended() {
            signal(self.id, Signal::SIGTERM);
            let deadline = Instant::now() + PATIENCE;
            while Instant::now() < deadline && !self.ended() {
                thread::sleep(Duration::from_millis(20));
            }
            // What the leader left behind, or the leader if it would not go.
            signal(self.id, Signal::SIGKILL);
            let _ = self.child.wait();
        }
        groups().remove(&self.id);
    }
}

/// A program that runs beside xtask until it is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    group: Group,
    lines: mpsc::Receiver<String>,
    command: String,
}

impl Daemon {
    /// Reads its lines until `done` makes a value of them.
    pub(crate) fn wait_for<T>(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        let mut said = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(value) = done(&line) {
                        return Ok(value);
                    }
                    said.push_str(&line);
                    said.push('\n');
                }
                Err(problem) => {
                    let what = match problem {
                        mpsc::RecvTimeoutError::Disconnected => "ended before it was ready",
                        mpsc::RecvTimeoutError::Timeout => "was not ready in time",
                    };
                    let said = last_lines(&said, TAIL_LINES);
                    return Err(Error::new(format!("{said}{what}: {}", self.command)));
                }
            }
        }
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> Result<()> {
        // The lines end when the program does; what it still says is read so that it never blocks on a full pipe.
        while let Ok(line) = self.lines.recv() {
            if !ui::verbose() {
                eprintln!("{line}");
            }
        }
        let status = self.group.child.wait().context("wait for a program")?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::new(format!("failed ({status}): {}", self.command)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn a_command_prints_as_a_shell_takes_it() {
        let command = Cmd::new("cargo")
            .words("test -p restis")
            .arg("it's here")
            .env("RESTIS_SERVER", "/opt/my server")
            .dir("a");
        let expected =
            r"cd a && RESTIS_SERVER='/opt/my server' cargo test -p restis 'it'\''s here'";
        assert_eq!(command.to_string(), expected);
    }

    #[test]
    fn words_with_spaces_quotes_and_separators_can_be_pasted() {
        for (word, shown) in [
            ("plain-1.2/x", "plain-1.2/x"),
            ("", "''"),
            ("a b", "'a b'"),
            ("a'b", r"'a'\''b'"),
            ("a\u{1f}b'c\\d", r"$'a\x1fb\'c\\d'"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), shown, "{word:?}");
        }
    }

    #[test]
    fn a_failure_shows_what_the_program_said_and_how_to_run_it_again() {
        let error = Cmd::new("sh")
            .args(["-c", "echo out; echo err >&2; exit 3"])
            .output()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("out\nerr\n\nfailed (exit status: 3): sh -c "),
            "{error}"
        );
    }

    #[test]
    fn the_folders_put_first_are_searched_first() {
        let path = Cmd::new("sh")
            .args(["-c", "echo $PATH"])
            .path_first(["/opt/node".into()])
            .output()
            .unwrap();
        let rest = env::var("PATH").unwrap();
        assert_eq!(path.trim_end(), format!("/opt/node:{rest}"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Cmd::new("restis-has-no-such-program")
            .output()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot start `restis-has-no-such-program`"),
            "{error}"
        );
    }

    #[test]
    fn a_failure_is_shown_without_progress_bars_and_the_names_of_crates() {
        let mut bytes: &[u8] =
            b"   Compiling a v1\n    Building [=> ] 1/2: b\r   Compiling b v1\r\nerror: no\n  --> a\n";
        assert_eq!(read_tail(&mut bytes, None), "error: no\n  --> a");
    }

    #[test]
    fn a_dropped_daemon_takes_its_children_along() {
        let script = "sleep 600 & echo child $!; trap 'kill $!; exit' TERM; wait";
        let mut daemon = Cmd::new("sh").args(["-c", script]).daemon().unwrap();
        let child: i32 = daemon
            .wait_for(PATIENCE, |line| line.strip_prefix("child ")?.parse().ok())
            .unwrap();
        drop(daemon);
        let gone = (0..100).any(|_| {
            thread::sleep(Duration::from_millis(20));
            nix::sys::signal::kill(Pid::from_raw(child), None).is_err()
        });
        assert!(gone, "process {child} outlived its daemon");
    }

    #[test]
    fn a_daemon_that_ends_too_soon_is_an_error_with_its_words() {
        let mut daemon = Cmd::new("sh")
            .args(["-c", "echo no port left"])
            .daemon()
            .unwrap();
        let error = daemon
            .wait_for(PATIENCE, |_| None::<()>)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("no port left\nended before it was ready: sh -c"),
            "{error}"
        );
    }

    #[test]
    fn a_daemon_that_never_says_it_is_ready_is_given_up() {
        let mut daemon = Cmd::new("sleep").arg("600").daemon().unwrap();
        let limit = Duration::from_millis(50);
        let error = daemon
            .wait_for(limit, |_| None::<()>)
            .unwrap_err()
            .to_string();
        assert_eq!(error, "was not ready in time: sleep 600");
    }
}
