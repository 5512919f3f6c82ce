//! What the tasks print: one line per step, how far a long step is, how long it took.

use std::{
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::error::Result;

static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Steps that end sooner than this do not print a time.
const WORTH_A_TIME: Duration = Duration::from_secs(2);

/// How often a step that takes long says how far it is where there is no terminal to rewrite a line on.
const NEWS: Duration = Duration::from_secs(20);

pub(crate) fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

pub(crate) fn verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

/// A heading above a group of steps.
pub(crate) fn heading(text: &str) {
    eprintln!("\n== {text}");
}

/// One line that belongs to no step.
pub(crate) fn note(text: &str) {
    eprintln!("  {text}");
}

/// Runs `work` under a line that names it.
pub(crate) fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let step = Step::begin(title);
    let outcome = work()?;
    step.end();
    Ok(outcome)
}

/// A step under way.
#[derive(Debug)]
pub(crate) struct Step {
    title: String,
    started: Instant,
    said: Instant,
    rewrites: bool,
}

impl Step {
    pub(crate) fn begin(title: &str) -> Self {
        eprintln!("- {title}");
        let now = Instant::now();
        Self {
            title: title.to_owned(),
            started: now,
            said: now,
            rewrites: io::stderr().is_terminal() && !verbose(),
        }
    }

    /// Says how far the step is: on a terminal at once, elsewhere now and then.
    pub(crate) fn progress(&mut self, done: u32, total: u32) {
        if self.rewrites {
            // Up one line, clear it, write it again.
            eprintln!("\x1b[1A\x1b[2K- {} ({done} of {total})", self.title);
        } else if self.said.elapsed() >= NEWS {
            self.said = Instant::now();
            let spent = duration(self.started.elapsed());
            eprintln!("  {done} of {total}, {spent} so far");
        }
    }

    pub(crate) fn end(self) {
        let spent = self.started.elapsed();
        if self.rewrites {
            eprintln!("\x1b[1A\x1b[2K- {} ({})", self.title, duration(spent));
        } else if spent >= WORTH_A_TIME {
            eprintln!("  done in {}", duration(spent));
        }
    }
}

/// A length of time as a person says it.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds) {
        (0, 0..10) => format!("{:.1} s", time.as_secs_f64()),
        (0, _) => format!("{seconds} s"),
        (minutes, _) => format!("{minutes} min {} s", seconds % 60),
    }
}

/// How far a build of Cargo's is, from its progress bar: `Building [=====>   ] 12/87: serde`.
pub(crate) fn cargo_progress(line: &str) -> Option<(u32, u32)> {
    let (_, bar) = line.split_once("Building [")?;
    let (_, rest) = bar.split_once("] ")?;
    let (numbers, _) = rest.split_once(':').unwrap_or((rest, ""));
    let (done, total) = numbers.trim().split_once('/')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_progress_bar() {
        for (line, expected) in [
            (
                "\x1b[1m\x1b[36m    Building\x1b[0m [===>   ] 12/87: serde",
                None,
            ),
            ("    Building [===>     ] 12/87: serde, syn", Some((12, 87))),
            ("    Building [=======> ] 86/87", Some((86, 87))),
            ("   Compiling serde v1.0.0", None),
            ("    Building [===>     ] many/87: serde", None),
            ("", None),
        ] {
            assert_eq!(cargo_progress(line), expected, "{line:?}");
        }
    }

    #[test]
    fn says_times_as_people_do() {
        for (milliseconds, text) in [
            (40, "0.0 s"),
            (9_940, "9.9 s"),
            (10_000, "10 s"),
            (59_999, "59 s"),
            (60_000, "1 min 0 s"),
            (3_725_000, "62 min 5 s"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
