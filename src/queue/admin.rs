//! Looking at a queue and its jobs, and changing them.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{
    Job, Queue,
    options::is_no_job,
    scripts::{CLEAN, DRAIN, LOG, OBLITERATE, PAUSE, PROGRESS, PROMOTE, REMOVE, RETRY, UPDATE},
};
use crate::{Error, Safety, Script, clock};

/// How many jobs a script looks at: so many that it holds the server for a few milliseconds, however many there are.
const WINDOW: usize = 500;
/// How many jobs a script moves by themselves, each with several writes.
const MOVES: usize = 250;

/// The largest number that a script keeps whole.
const LARGEST: u64 = (1 << 53) - 1;

/// Where a job is: BullMQ's states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It waits for a worker.
    Waiting,
    /// The same, in the list that a queue has before BullMQ 6 while it is paused.
    Paused,
    /// The same, with a priority.
    Prioritized,
    /// Its time has not come.
    Delayed,
    /// It waits for its children.
    WaitingChildren,
    /// A worker has it.
    Active,
    /// It is done.
    Completed,
    /// It has failed for good.
    Failed,
}

impl State {
    /// What its key is called.
    fn key(self) -> &'static str {
        match self {
            Self::Waiting => "wait",
            Self::Paused => "paused",
            Self::Prioritized => "prioritized",
            Self::Delayed => "delayed",
            Self::WaitingChildren => "waiting-children",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            other => other.key(),
        })
    }
}

/// How many jobs there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the states, which are described there")]
pub struct Counts {
    pub waiting: u64,
    pub paused: u64,
    pub prioritized: u64,
    pub delayed: u64,
    pub waiting_children: u64,
    pub active: u64,
    pub completed: u64,
    pub failed: u64,
}

impl Queue {
    /// How many jobs there are in each state.
    ///
    /// Cost: one round trip and 8 billed commands.
    pub async fn counts(&self) -> Result<Counts, Error> {
        self.check()?;
        let list = |state: State| self.redis.llen(self.key(state.key()));
        let set = |state: State| self.redis.zcard(self.key(state.key()));
        let (waiting, paused, active, prioritized, delayed, children, completed, failed) = self
            .redis
            .pipeline((
                list(State::Waiting),
                list(State::Paused),
                list(State::Active),
                set(State::Prioritized),
                set(State::Delayed),
                set(State::WaitingChildren),
                set(State::Completed),
                set(State::Failed),
            ))
            .await?;
        Ok(Counts {
            waiting: waiting?,
            paused: paused?,
            prioritized: prioritized?,
            delayed: delayed?,
            waiting_children: children?,
            active: active?,
            completed: completed?,
            failed: failed?,
        })
    }

    /// A job by its id; `None` if there is no such.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, Error> {
        if is_no_job(id) {
            return Ok(None);
        }
        let fields = self.redis.hgetall::<String>(self.key(id)).await?;
        Ok((!fields.is_empty()).then(|| Job::of(id.to_owned(), fields)))
    }

    /// Jobs of a state, from the one that is next, or was finished last, on.
    ///
    /// Cost: two round trips; one billed command, and one for each job.
    pub async fn jobs(&self, state: State, start: u64, count: u64) -> Result<Vec<Job>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let key = self.key(state.key());
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (first, last) = (signed(start), signed(start.saturating_add(count)));
        let ids: Vec<String> = match state {
            State::Waiting | State::Paused | State::Active => {
                // The next one is the last of the list.
                let ids = self.redis.lrange(key, -last, -first - 1).await?;
                ids.into_iter().rev().collect()
            }
            State::Completed | State::Failed => {
                self.redis.zrange(key, first, last - 1).rev().await?
            }
            _ => self.redis.zrange(key, first, last - 1).await?,
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let hashes = ids
            .iter()
            .map(|id| self.redis.hgetall::<String>(self.key(id)));
        let hashes = self.redis.pipeline(hashes.collect::<Vec<_>>()).await?;
        let mut jobs = Vec::new();
        for (id, fields) in ids.into_iter().zip(hashes) {
            let fields = fields?;
            if !fields.is_empty() {
                jobs.push(Job::of(id, fields));
            }
        }
        Ok(jobs)
    }

    /// Where a job is; `None` if there is no such, or it is in no state.
    ///
    /// Cost: one round trip and 8 billed commands.
    pub async fn state(&self, id: &str) -> Result<Option<State>, Error> {
        let list = |state: State| self.redis.lpos(self.key(state.key()), id);
        let set = |state: State| self.redis.zscore(self.key(state.key()), id);
        let (waiting, paused, active, prioritized, delayed, children, completed, failed) = self
            .redis
            .pipeline((
                list(State::Waiting),
                list(State::Paused),
                list(State::Active),
                set(State::Prioritized),
                set(State::Delayed),
                set(State::WaitingChildren),
                set(State::Completed),
                set(State::Failed),
            ))
            .await?;
        let found = [
            (waiting?.is_some(), State::Waiting),
            (paused?.is_some(), State::Paused),
            (active?.is_some(), State::Active),
            (prioritized?.is_some(), State::Prioritized),
            (delayed?.is_some(), State::Delayed),
            (children?.is_some(), State::WaitingChildren),
            (completed?.is_some(), State::Completed),
            (failed?.is_some(), State::Failed),
        ];
        let found = found.into_iter().find(|(is_there, _)| *is_there);
        Ok(found.map(|(_, state)| state))
    }

    /// Says how far a job is, to those who listen too; `false` if there is no such.
    ///
    /// Cost: one round trip and 5 billed commands.
    pub async fn set_progress(&self, id: &str, progress: &impl Serialize) -> Result<bool, Error> {
        let progress = serde_json::to_string(progress).map_err(|_| {
            Error::argument(
                "the progress cannot be written as JSON: the keys of its maps have to be texts",
            )
        })?;
        if is_no_job(id) {
            return Ok(false);
        }
        let keys = self.keys([id]);
        let run = self.run::<i64>(&PROGRESS, &keys).arg(id).arg(progress);
        Ok(run.safety(Safety::IdempotentWrite).await? == 0)
    }

    /// Changes the data of a job that is there.
    ///
    /// Cost: one round trip and 3 billed commands.
    pub async fn update_data(&self, id: &str, data: &impl Serialize) -> Result<bool, Error> {
        let data = serde_json::to_string(data).map_err(|_| {
            Error::argument(
                "the job's data cannot be written as JSON: the keys of its maps have to be texts",
            )
        })?;
        if is_no_job(id) {
            return Ok(false);
        }
        let keys = self.keys([id]);
        let run = self.run::<bool>(&UPDATE, &keys).arg(id).arg(data);
        run.safety(Safety::IdempotentWrite).await
    }

    /// Adds a line to the log of a job, of which the last so many are kept, or all; gives how many there are, `None` if there is no
    /// such job.
    ///
    /// Cost: one round trip and 3 billed commands, 4 where a line goes. A request whose answer is lost is not repeated.
    pub async fn log(
        &self,
        id: &str,
        line: impl fmt::Display,
        keep: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        if is_no_job(id) {
            return Ok(None);
        }
        let keys = self.keys([id.to_owned(), format!("{id}:logs")]);
        let run = self.run::<i64>(&LOG, &keys).arg(id).arg(line.to_string());
        let keep = keep.map(|keep| keep.to_string()).unwrap_or_default();
        Ok(u64::try_from(run.arg(keep).await?).ok())
    }

    /// The log of a job.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn logs(&self, id: &str) -> Result<Vec<String>, Error> {
        let key = self.key(&format!("{id}:logs"));
        self.redis.lrange(key, 0, -1).await
    }

    /// Lets no job begin, in whichever way the queue's BullMQ does that: see [the module](super).
    ///
    /// Cost: one round trip and about 6 billed commands.
    pub async fn pause(&self) -> Result<(), Error> {
        self.paused(true).await
    }

    /// Lets jobs begin again, in the order in which they came.
    ///
    /// Cost: one round trip and about 8 billed commands.
    pub async fn resume(&self) -> Result<(), Error> {
        self.paused(false).await
    }

    async fn paused(&self, on: bool) -> Result<(), Error> {
        self.check()?;
        let keys = self.keys([""; 0]);
        loop {
            let run = self
                .run::<bool>(&PAUSE, &keys)
                .arg(u32::from(on))
                .arg(WINDOW);
            let more = run.safety(Safety::IdempotentWrite).await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Whether it is paused.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn is_paused(&self) -> Result<bool, Error> {
        self.redis.hexists(self.key("meta"), "paused").await
    }

    /// Lets delayed jobs wait for a worker at once; returns how many were delayed.
    ///
    /// Cost: one round trip for each 250 ids; 4 billed commands for each, and 5 for each job.
    pub async fn promote(&self, ids: impl IntoIterator<Item = &str>) -> Result<u64, Error> {
        self.each_part(&PROMOTE, "", ids).await
    }

    /// Lets jobs that are [`Failed`](State::Failed) or [`Completed`](State::Completed) wait for a worker again; returns how many
    /// were. Their return value or failure is deleted; how often they were tried is kept.
    ///
    /// Cost: one round trip for each 250 ids; 4 billed commands for each, and 5 for each job.
    pub async fn retry(
        &self,
        state: State,
        ids: impl IntoIterator<Item = &str>,
    ) -> Result<u64, Error> {
        if !matches!(state, State::Failed | State::Completed) {
            return Err(Error::argument(
                "only jobs that are failed or completed can be tried again",
            ));
        }
        self.each_part(&RETRY, state.key(), ids).await
    }

    /// Runs a script over jobs, so many at a time, and adds up the numbers that it returns. `first` is an argument before the ids,
    /// if it is not empty.
    async fn each_part<'a>(
        &self,
        script: &'static Script,
        first: &str,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<u64, Error> {
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut count = 0;
        for part in ids.chunks(MOVES) {
            let keys = self.keys(part);
            let mut run = self.run::<u64>(script, &keys);
            if !first.is_empty() {
                run = run.arg(first);
            }
            count += run.args(part).safety(Safety::IdempotentWrite).await?;
        }
        Ok(count)
    }

    /// Removes jobs with their unfinished children, wherever they are; returns how many. Keeps jobs that a worker has.
    ///
    /// A waiting job is searched for in its list. Where that is long, a script removes few jobs, so that none holds the server.
    ///
    /// Cost: one round trip for up to 250 ids (for each id where 500,000 jobs wait); 3 billed commands for each, and 8 to 15 for each
    /// job.
    pub async fn remove(&self, ids: impl IntoIterator<Item = &str>) -> Result<u64, Error> {
        // The key of such an id is one of the queue itself, which would be deleted.
        let ids: Vec<&str> = ids.into_iter().filter(|id| !is_no_job(id)).collect();
        let (mut count, mut from) = (0, 0);
        while let Some(part) = ids.get(from..).filter(|rest| !rest.is_empty()) {
            let part = part.get(..MOVES).unwrap_or(part);
            let keys = self.keys(part);
            let run = self.run::<(u64, usize)>(&REMOVE, &keys).args(part);
            let (removed, looked) = run.safety(Safety::IdempotentWrite).await?;
            count += removed;
            from += looked.max(1);
        }
        Ok(count)
    }

    /// Removes up to so many jobs of a state that are at least that old, and returns their ids. The age of a finished job counts
    /// from its end, that of another from when it was begun last or added. Keeps jobs that a worker has, and the next job of a
    /// scheduler.
    ///
    /// Looks at the jobs in windows of 500: no script holds the server for more than a few milliseconds, however many jobs there are.
    ///
    /// Cost: one round trip for each 500 jobs that are looked at or removed; about 6 billed commands for each, one for each job that
    /// is looked at (none for finished ones), and one to two for each that is removed.
    pub async fn clean(
        &self,
        state: State,
        age: Duration,
        most: u64,
    ) -> Result<Vec<String>, Error> {
        let keys = self.keys([""; 0]);
        let (mut gone, mut skip, mut last) = (Vec::new(), 0_u64, String::new());
        loop {
            let left = most.saturating_sub(gone.len() as u64);
            let run = self.run::<(Vec<String>, bool, u64, String)>(&CLEAN, &keys);
            let run = run.arg(state.key()).arg(clock::whole_millis(age));
            let run = run.arg(left.min(LARGEST)).arg(WINDOW).arg(skip).arg(&last);
            let run = run.arg(gone.len()).safety(Safety::IdempotentWrite);
            let (ids, more, next, next_last) = run.await?;
            gone.extend(ids);
            if !more {
                return Ok(gone);
            }
            (skip, last) = (next, next_last);
        }
    }

    /// Removes all waiting jobs, and the delayed ones if `delayed` is set; returns how many. Keeps the next job of each scheduler.
    ///
    /// Cost: one round trip for each 500 jobs; about 6 billed commands for each, and one for each job.
    pub async fn drain(&self, delayed: bool) -> Result<u64, Error> {
        let keys = self.keys([""; 0]);
        let (mut gone, mut place, mut cursor) = (0, 1_u64, String::new());
        loop {
            let run = self.run::<(u64, u64, String)>(&DRAIN, &keys);
            let run = run.arg(u32::from(delayed)).arg(WINDOW);
            let run = run.arg(place).arg(&cursor);
            let (count, next, next_cursor) = run.safety(Safety::IdempotentWrite).await?;
            gone += count;
            if next == 0 {
                return Ok(gone);
            }
            (place, cursor) = (next, next_cursor);
        }
    }

    /// Removes the queue and all of its jobs for good. The queue has to be paused, and no job active unless `force` is set: fails
    /// with [`is_argument`](Error::is_argument) otherwise.
    ///
    /// Cost: one round trip for each 500 jobs, and about one billed command for each job.
    pub async fn obliterate(&self, force: bool) -> Result<(), Error> {
        let keys = self.keys([""; 0]);
        loop {
            let run = self.run::<i64>(&OBLITERATE, &keys);
            let run = run.arg(u32::from(force)).arg(WINDOW);
            match run.safety(Safety::IdempotentWrite).await? {
                0 => return Ok(()),
                -1 => {
                    return Err(Error::argument(
                        "a queue has to be paused before it is obliterated",
                    ));
                }
                -2 => {
                    return Err(Error::argument(
                        "jobs of the queue are active: wait for them, or force it",
                    ));
                }
                _ => {}
            }
        }
    }
}
