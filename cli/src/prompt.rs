//! The prompt, with history and completion; and lines of standard input where there is no terminal.

use std::{
    fs,
    io::{BufRead as _, IsTerminal as _, stdin},
    path::{Path, PathBuf},
};

use restis::Redis;
use rustyline::{
    CompletionType, Config, Editor, Helper,
    completion::Completer,
    error::ReadlineError,
    highlight::Highlighter,
    hint::{Hinter, HistoryHinter},
    history::FileHistory,
    validate::Validator,
};
use tokio::runtime::Runtime;

use crate::{
    error::{Error, Result},
    run,
    show::{self, Form},
    target::Target,
    watch, words,
};

/// The page that a test keeps in line with the client.
const COMMANDS: &str = include_str!("../../COMMANDS.md");
/// What the prompt itself understands.
const OWN: [&str; 3] = ["HELP", "QUIT", "EXIT"];

const HELP: &str = "\
A line is a Redis command: SET greeting \"hello\\n\"
  Tab completes commands, the arrows and Ctrl-R find old lines, Ctrl-C gives up what runs
  SUBSCRIBE, PSUBSCRIBE and MONITOR go on until Ctrl-C
  A line that begins with a space is not kept in the history, nor are lines with a password: AUTH, ACL, HELLO,
  MIGRATE with AUTH, and CONFIG SET of a password
  QUIT or Ctrl-D ends";

pub(crate) fn start(runtime: &Runtime, redis: &Redis, target: &Target, form: Form) -> Result<()> {
    if stdin().is_terminal() {
        typed(runtime, redis, target, form)
    } else {
        piped(runtime, redis, form)
    }
}

/// Each line in turn; the first that fails ends it.
fn piped(runtime: &Runtime, redis: &Redis, form: Form) -> Result<()> {
    for (line, number) in stdin().lock().lines().zip(1..) {
        let outcome = line.map_err(Error::from).and_then(|line| {
            let words = split(&line)?;
            if words.is_empty() || line.trim_start().starts_with('#') {
                return Ok(());
            }
            runtime.block_on(run::command(redis, &words, form))
        });
        if let Err(error) = outcome {
            if !error.nobody_reads() {
                show::note(&format!(
                    "restis: line {number} failed, those after it were not run"
                ));
            }
            return Err(error);
        }
    }
    Ok(())
}

fn typed(runtime: &Runtime, redis: &Redis, target: &Target, form: Form) -> Result<()> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .max_history_size(10_000)
        .map_err(failed)?
        .build();
    let mut editor = Editor::<Names, FileHistory>::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Names::new()));
    let history = history();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    let prompt = format!("{}> ", target.host());
    loop {
        let line = match editor.readline(&prompt) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        };
        if !secret(&line) {
            editor.add_history_entry(&line).map_err(failed)?;
        }
        match entered(runtime, redis, &line, form) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => form.error(&error),
        }
    }
    if let Some(path) = &history
        && let Err(error) = keep(&mut editor, path)
    {
        show::note(&format!("restis: the history was not kept: {error}"));
    }
    Ok(())
}

/// Runs a line; false ends the prompt.
fn entered(runtime: &Runtime, redis: &Redis, line: &str, form: Form) -> Result<bool> {
    let words = split(line)?;
    let Some((name, arguments)) = words.split_first() else {
        return Ok(true);
    };
    match &*String::from_utf8_lossy(name).to_ascii_uppercase() {
        "QUIT" | "EXIT" => return Ok(false),
        "HELP" => show::text(HELP)?,
        "MONITOR" => runtime.block_on(watch::monitor(redis, form))?,
        which @ ("SUBSCRIBE" | "PSUBSCRIBE") => {
            let channels: Vec<_> = arguments
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
            let pattern = which == "PSUBSCRIBE";
            runtime.block_on(watch::channels(redis, &channels, pattern, form))?;
        }
        _ => runtime.block_on(async {
            tokio::select! {
                outcome = run::command(redis, &words, form) => outcome,
                _ = tokio::signal::ctrl_c() => {
                    show::note("given up: whether it ran is not known");
                    Ok(())
                }
            }
        })?,
    }
    Ok(true)
}

fn split(line: &str) -> Result<Vec<Vec<u8>>> {
    words::split(line).map_err(|_| {
        Error::usage("a quote is not closed, or something follows it: SET key \"two words\"")
    })
}

/// Whether a line may hold a password, so that the history leaves it out.
fn secret(line: &str) -> bool {
    let words: Vec<String> = match words::split(line) {
        Ok(words) => words
            .iter()
            .map(|word| String::from_utf8_lossy(word).to_ascii_uppercase())
            .collect(),
        // A quote is still open: the words as far as they can be told apart.
        Err(_) => line
            .split(|char: char| char.is_whitespace() || "\"'".contains(char))
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_uppercase)
            .collect(),
    };
    let any = |is: fn(&str) -> bool| words.iter().any(|word| is(word));
    match words.first().map(String::as_str) {
        Some("AUTH" | "ACL" | "HELLO") => true,
        Some("MIGRATE") => any(|word| matches!(word, "AUTH" | "AUTH2")),
        // requirepass, masterauth, primaryauth, tls-key-file-pass, and the auth-pass and sentinel-pass of SENTINEL.
        Some("CONFIG" | "SENTINEL" | "MODULE") => {
            any(|word| word.contains("PASS") || word.contains("AUTH") || word.contains("SECRET"))
        }
        _ => false,
    }
}

fn failed(error: ReadlineError) -> Error {
    match error {
        ReadlineError::Io(error) => error.into(),
        other => Error::usage(format!("the terminal cannot be used: {other}")),
    }
}

/// `$XDG_STATE_HOME/restis/history`, else `~/.local/state/restis/history`.
fn history() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("restis/history"))
}

/// Lines hold keys and values: only their owner reads them.
fn keep(editor: &mut Editor<Names, FileHistory>, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    editor.save_history(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Completes the names of commands, and hints at old lines.
struct Names {
    all: Vec<String>,
    old_lines: HistoryHinter,
}

impl Names {
    fn new() -> Self {
        let mut all: Vec<_> = names().map(str::to_owned).collect();
        all.extend(OWN.map(str::to_owned));
        all.sort_unstable();
        all.dedup();
        Self {
            all,
            old_lines: HistoryHinter::new(),
        }
    }

    /// The names that begin like this, in the case of what is typed.
    fn beginning(&self, typed: &str) -> Vec<String> {
        let lower = typed.chars().any(|char| char.is_ascii_lowercase());
        self.all
            .iter()
            .filter(|name| {
                let begin = name.get(..typed.len());
                begin.is_some_and(|begin| begin.eq_ignore_ascii_case(typed))
            })
            .map(|name| {
                if lower {
                    name.to_ascii_lowercase()
                } else {
                    name.clone()
                }
            })
            .collect()
    }
}

/// The first column of the tables that name commands.
fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| ")?.split_once(" |")?;
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| {
                byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" .".contains(&byte)
            });
        is_name.then_some(name)
    })
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..position).unwrap_or_default();
        let begin = typed.len() - typed.trim_start().len();
        let names = self.beginning(typed.trim_start());
        Ok((begin, names.into_iter().map(|name| name + " ").collect()))
    }
}

impl Hinter for Names {
    type Hint = String;

    fn hint(
        &self,
        line: &str,
        position: usize,
        context: &rustyline::Context<'_>,
    ) -> Option<String> {
        self.old_lines.hint(line, position, context)
    }
}

impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_commands() {
        let names = Names::new();
        assert!(names.all.len() > 200, "{}", names.all.len());
        assert_eq!(names.beginning("getd"), ["getdel"]);
        assert_eq!(names.beginning("OBJECT EN"), ["OBJECT ENCODING"]);
        assert_eq!(names.beginning("json.arrp"), ["json.arrpop"]);
        assert!(names.beginning("é").is_empty());
    }

    #[test]
    fn secrets_are_not_kept() {
        for line in [
            "auth user password",
            "  ACL SETUSER a >b",
            "\"AUTH\" password",
            "'acl' setuser a >b",
            r#""\x61uth" password"#,
            "auth \"an open quote",
            "\"hello\" 3 AUTH user 'open",
            "HELLO 3",
            "CONFIG SET requirepass p",
            "config \"set\" maxmemory 1 MasterAuth p",
            "CONFIG SET \"tls-key-file-pass\" p",
            "MIGRATE host 6379 key 0 5000 COPY auth p",
            "MIGRATE host 6379 \"\" 0 5000 AUTH2 user p KEYS k",
            "SENTINEL SET mymaster auth-pass p",
        ] {
            assert!(secret(line), "{line}");
        }
        for line in [
            "GET aclu",
            "SET auth 1",
            "CONFIG SET maxmemory 1",
            "CONFIG GET *",
            "MIGRATE host 6379 key 0 5000",
            "GET \"an open quote",
            "",
        ] {
            assert!(!secret(line), "{line}");
        }
    }
}
