//! The command line: which task, which levels.

use crate::error::{Error, Result};

pub(crate) const HELP: &str = "\
Usage: cargo xtask <task> [--verbose]

  demo              runs the quickstart against a real server on this machine, no account needed
  test [level...]   gets what the tests need and runs them, all levels or the ones named, in this order:
                    lint, supply, fuzz, native, wasm, npm, worker, lambda, size; --long tries each property 50,000
                    times, fuzzes each target 10 minutes and checks pairs of features
  pkg               builds the npm package's wasm into pkg/wasm
  size              measures the npm package, client alone, against its budget
  bench             compares speed with others, each row a ratio in one run; writes docs/bench.json and two pictures
  soak              10 minutes of calls of all kinds under faults: memory stays flat, nothing is lost or done twice
  compare WHAT      runs what can happen with ours and with others, and prints a table: cache, sessions, ratelimit, lock or queue
  worker            serves the Worker example in workerd, before a real server
  worker-build      builds the Worker example; wrangler.toml calls it
  tools             installs every tool the tasks use, into target/tools and tests/js
  help              prints this

  --verbose, -v     shows what the programs underneath print

RESTIS_SERVER names the valkey-server or redis-server to use. Without it the demo and the Worker take the one on PATH,
and the tests a pinned Valkey from PyPI.
";

/// One run of xtask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) task: Task,
    pub(crate) verbose: bool,
}

/// What can be compared with others.
const COMPARED: [&str; 5] = ["cache", "sessions", "ratelimit", "lock", "queue"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Demo,
    Test {
        levels: Vec<Level>,
        long: bool,
    },
    Pkg,
    Size,
    Bench,
    Soak,
    /// With what: one of [`COMPARED`].
    Compare(String),
    Worker,
    WorkerBuild,
    Tools,
}

/// A level of `cargo xtask test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Lint,
    Supply,
    Fuzz,
    Native,
    Wasm,
    Npm,
    Worker,
    Lambda,
    Size,
}

impl Level {
    pub(crate) const ALL: [Self; 9] = [
        Self::Lint,
        Self::Supply,
        Self::Fuzz,
        Self::Native,
        Self::Wasm,
        Self::Npm,
        Self::Worker,
        Self::Lambda,
        Self::Size,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Supply => "supply",
            Self::Fuzz => "fuzz",
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Npm => "npm",
            Self::Worker => "worker",
            Self::Lambda => "lambda",
            Self::Size => "size",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// Reads the arguments after `cargo xtask`.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Invocation> {
    let mut words = Vec::new();
    let (mut verbose, mut long) = (false, false);
    for argument in arguments {
        match argument.as_str() {
            "--verbose" | "-v" => verbose = true,
            "--long" => long = true,
            "--help" | "-h" => words.insert(0, "help".to_owned()),
            flag if flag.starts_with('-') => return Err(usage(format!("unknown option {flag}"))),
            _ => words.push(argument),
        }
    }
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = words.collect();
    let task = match name.as_str() {
        "help" => {
            return Ok(Invocation {
                task: Task::Help,
                verbose,
            });
        }
        "test" => Task::Test {
            levels: levels(&rest)?,
            long,
        },
        "demo" => Task::Demo,
        "pkg" => Task::Pkg,
        "size" => Task::Size,
        "bench" => Task::Bench,
        "soak" => Task::Soak,
        "compare" => match &*rest {
            [what] if COMPARED.contains(&&**what) => Task::Compare(what.clone()),
            _ => {
                let all = COMPARED.join(", ");
                return Err(usage(format!("compare takes what to compare: {all}")));
            }
        },
        "worker" => Task::Worker,
        "worker-build" => Task::WorkerBuild,
        "tools" => Task::Tools,
        _ => return Err(usage(format!("unknown task {name}"))),
    };
    if long && !matches!(task, Task::Test { .. }) {
        return Err(usage(format!("{name} takes no --long")));
    }
    match rest.first() {
        Some(word) if !matches!(task, Task::Test { .. } | Task::Compare(_)) => {
            Err(usage(format!("{name} takes no argument, got {word}")))
        }
        _ => Ok(Invocation { task, verbose }),
    }
}

/// The levels named, each once and in their fixed order; all of them when none is named.
fn levels(names: &[String]) -> Result<Vec<Level>> {
    let mut levels = Vec::new();
    for name in names {
        levels.push(Level::named(name).ok_or_else(|| usage(format!("unknown level {name}")))?);
    }
    if levels.is_empty() {
        levels = Level::ALL.to_vec();
    }
    levels.sort();
    levels.dedup();
    Ok(levels)
}

fn usage(problem: String) -> Error {
    Error::new(problem).hint("`cargo xtask help` lists the tasks, levels and options.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn task(line: &str) -> Task {
        parse(line.split_whitespace().map(str::to_owned))
            .unwrap()
            .task
    }

    fn problem(line: &str) -> String {
        parse(line.split_whitespace().map(str::to_owned))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_bare_call_and_every_way_to_ask_print_the_help() {
        for line in ["", "help", "--help", "-h", "test --help", "demo -h"] {
            assert_eq!(task(line), Task::Help, "{line:?}");
        }
    }

    #[test]
    fn test_without_names_runs_every_level() {
        let Task::Test { levels, long } = task("test") else {
            unreachable!("the task is test")
        };
        assert_eq!(levels, Level::ALL);
        assert!(!long);
    }

    #[test]
    fn levels_run_once_and_in_their_order_whatever_the_order_named() {
        let expected = Task::Test {
            levels: vec![Level::Lint, Level::Wasm],
            long: true,
        };
        assert_eq!(task("test wasm lint --long wasm"), expected);
    }

    #[test]
    fn compare_says_what() {
        assert_eq!(task("compare lock"), Task::Compare("lock".to_owned()));
    }

    #[test]
    fn options_stand_anywhere() {
        let invocation = parse(["-v".to_owned(), "demo".to_owned()]).unwrap();
        assert!(invocation.verbose);
        assert_eq!(invocation.task, Task::Demo);
    }

    #[test]
    fn what_is_unknown_or_out_of_place_is_named() {
        for (line, words) in [
            ("bogus", "unknown task bogus"),
            ("test lnit", "unknown level lnit"),
            ("demo --fast", "unknown option --fast"),
            ("demo now", "demo takes no argument, got now"),
            ("demo --long", "demo takes no --long"),
            ("compare", "compare takes what to compare"),
            ("compare cache twice", "compare takes what to compare"),
        ] {
            assert!(
                problem(line).starts_with(words),
                "{line}: {}",
                problem(line)
            );
        }
    }

    #[test]
    fn the_help_names_every_level() {
        for level in Level::ALL {
            assert!(HELP.contains(level.name()), "{}", level.name());
        }
    }
}
