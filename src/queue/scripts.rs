//! The scripts, and how all of them are called.

use std::sync::LazyLock;

use crate::{FromReply, Script, script::Invocation};

use super::Queue;

/// What a queue's own keys are called behind its prefix.
pub(super) const KEYS: [&str; 17] = [
    "meta",
    "id",
    "wait",
    "paused",
    "active",
    "prioritized",
    "pc",
    "delayed",
    "completed",
    "failed",
    "waiting-children",
    "marker",
    "events",
    "stalled",
    "stalled-check",
    "limiter",
    "repeat",
];

/// Builds the text of a script from its parts. Put together when it is first used: each part is in the program once.
pub(super) fn text(parts: &[&str]) -> String {
    let shared = include_str!("lua/shared.lua");
    [shared, &parts.concat()].concat()
}

macro_rules! scripts {
    ($($name:ident $($part:literal)+;)*) => {
        /// The parts of each script behind the beginning that all share.
        pub(super) mod parts {
            $(pub(in crate::queue) const $name: &[&str] = &[$(include_str!(concat!("lua/", $part))),+];)*
        }

        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(text(parts::$name)));)*
    };
}

scripts! {
    ENQUEUE "add.lua" "enqueue.lua";
    FLOW "add.lua" "flow.lua";
    PULL "take.lua" "pull.lua";
    SETTLE "add.lua" "take.lua" "settle.lua";
    EXTEND "extend.lua";
    SWEEP "take.lua" "sweep.lua";
    UPSERT "add.lua" "schedule.lua" "upsert.lua";
    NEXT "add.lua" "schedule.lua" "next.lua";
    UNSCHEDULE "add.lua" "schedule.lua" "unschedule.lua";
    PAUSE "pause.lua";
    PROMOTE "promote.lua";
    RETRY "retry.lua";
    REMOVE "remove.lua" "remove_jobs.lua";
    CLEAN "scheduled.lua" "clean.lua";
    DRAIN "scheduled.lua" "drain.lua";
    OBLITERATE "obliterate.lua";
    PROGRESS "progress.lua";
    LOG "log.lua";
    UPDATE "update.lua";
}

/// The keys of the queue with this prefix, and of these jobs.
pub(super) fn keys_of(
    prefix: &str,
    jobs: impl IntoIterator<Item = impl AsRef<str>>,
) -> Vec<String> {
    let own = KEYS.iter().map(|key| format!("{prefix}{key}"));
    let jobs = jobs
        .into_iter()
        .map(|job| format!("{prefix}{}", job.as_ref()));
    own.chain(jobs).collect()
}

impl Queue {
    /// The keys of the queue, and of these jobs.
    pub(super) fn keys(&self, jobs: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
        keys_of(&self.prefix, jobs)
    }

    /// A run with what all of them are told.
    pub(super) fn run<'a, T: FromReply>(
        &'a self,
        script: &'static Script,
        keys: &[String],
    ) -> Invocation<'a, T> {
        let run = script.run(&self.redis, keys);
        run.arg(&self.prefix).arg(self.now())
    }
}
