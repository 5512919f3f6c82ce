//! Adding jobs: one, many, a tree of them, or as a command of one's own transaction.

use std::{collections::HashSet, fmt, future::IntoFuture, time::Duration};

use futures_core::future::BoxFuture;
use serde::Serialize;
use serde_json::json;

use super::{
    Queue,
    options::{Backoff, ChildFailure, Deduplication, Keep, Options},
    scripts::{ENQUEUE, FLOW, keys_of},
};
use crate::{Command, Error, Safety, clock::whole_millis, commands::scripting::Eval, random};

/// A job that is to be added: say what is to be said of it, and await it, which gives its id.
///
/// Several are added in one request by [`Queue::add_bulk`]; one with [`children`](Self::children) is added with all of them. The
/// names are BullMQ's.
#[must_use = "a job is added when this is awaited"]
pub struct Add<'a> {
    queue: &'a Queue,
    name: String,
    data: Result<String, Error>,
    options: Options,
    children: Vec<Self>,
}

/// A job as it goes out.
pub(super) struct Ready {
    pub(super) prefix: String,
    pub(super) id: String,
    pub(super) words: [String; 13],
    pub(super) has_children: bool,
}

impl Ready {
    /// The job of the queue with this prefix.
    pub(super) fn new(
        prefix: &str,
        name: String,
        data: String,
        mut options: Options,
        now: u64,
    ) -> Result<Self, Error> {
        options.check(&data)?;
        let id = options.id.take();
        let id = id.unwrap_or_else(|| format!("r{}", random::name()));
        let timestamp = options.timestamp.unwrap_or(now);
        let opts = serde_json::Value::Object(options.json(&id)).to_string();
        let (parent_key, parent) = match &options.parent {
            None => Default::default(),
            Some((prefix, parent)) => {
                let queue_key = prefix.strip_suffix(':').unwrap_or(prefix);
                let mut said = json!({ "id": parent, "queueKey": queue_key });
                if let (Some(word), Some(said)) =
                    (options.child_failure.word(), said.as_object_mut())
                {
                    said.insert(word.to_owned(), true.into());
                }
                (format!("{prefix}{parent}"), said.to_string())
            }
        };
        let deduplication = options.deduplication.as_ref();
        let ttl = deduplication.and_then(|one| one.ttl);
        let words = [
            id.clone(),
            name,
            data,
            opts,
            timestamp.to_string(),
            whole_millis(options.delay).to_string(),
            options.priority.to_string(),
            u32::from(options.lifo).to_string(),
            parent_key,
            parent,
            deduplication.map(|one| one.id.clone()).unwrap_or_default(),
            ttl.map(|ttl| whole_millis(ttl).max(1).to_string())
                .unwrap_or_default(),
            deduplication.map(Deduplication::modes).unwrap_or_default(),
        ];
        Ok(Self {
            prefix: prefix.to_owned(),
            id,
            words,
            has_children: false,
        })
    }
}

/// The keys and, behind the prefix and the time, the arguments of enqueue.lua.
pub(super) fn enqueue_words(prefix: &str, jobs: &[Ready]) -> (Vec<String>, Vec<String>) {
    let keys = keys_of(prefix, jobs.iter().map(|job| &*job.id));
    let mut words = vec![jobs.len().to_string()];
    words.extend(jobs.iter().flat_map(|job| job.words.iter().cloned()));
    (keys, words)
}

/// The same of flow.lua.
pub(super) fn flow_words(jobs: &[Ready]) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut queues) = (Vec::new(), HashSet::new());
    let mut words = vec![jobs.len().to_string()];
    for job in jobs {
        match queues.insert(&job.prefix) {
            true => keys.extend(keys_of(&job.prefix, [&job.id])),
            false => keys.push(format!("{}{}", job.prefix, job.id)),
        }
        words.push(job.prefix.clone());
        words.push(u32::from(job.has_children).to_string());
        words.extend(job.words.iter().cloned());
    }
    (keys, words)
}

impl Queue {
    /// Adds a job with these data, which become JSON.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::time::Duration;
    /// use restis::{Queue, queue::Backoff};
    ///
    /// let emails = Queue::new(&redis, "emails");
    /// let to = [("to", "ada@example.com")];
    /// let id = emails
    ///     .add("welcome", &to)
    ///     .delay(Duration::from_secs(60))
    ///     .attempts(3)
    ///     .backoff(Backoff::exponential(Duration::from_secs(1)))
    ///     .await?;
    /// assert_eq!(emails.counts().await?.delayed, 1);
    /// # assert!(id.starts_with('r'));
    /// # Ok(()) });
    /// ```
    ///
    /// The id is made here, so a request whose answer was lost is sent again and the job is one. It could be two where it was done,
    /// and removed, before that.
    ///
    /// Cost: one round trip and 8 billed commands; 10 for a delayed job, 9 with a priority. A second round trip the first time
    /// that a database sees the script.
    pub fn add<'a>(&'a self, name: impl Into<String>, data: &impl Serialize) -> Add<'a> {
        let data = serde_json::to_string(data);
        Add {
            queue: self,
            name: name.into(),
            data: data.map_err(|_| {
                Error::argument(
                    "the job's data cannot be written as JSON: the keys of its maps have to be texts",
                )
            }),
            options: Options::default(),
            children: Vec::new(),
        }
    }

    /// Adds jobs in one request, all or none, and gives their ids in that order. All are of this queue.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Queue;
    ///
    /// let emails = Queue::new(&redis, "emails");
    /// let jobs = ["ada", "eve"].map(|to| emails.add("welcome", &to));
    /// assert_eq!(emails.add_bulk(jobs).await?.len(), 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip, and 5 billed commands and 3 for each job.
    pub async fn add_bulk<'a>(
        &'a self,
        jobs: impl IntoIterator<Item = Add<'a>>,
    ) -> Result<Vec<String>, Error> {
        let now = self.now();
        let mut ready = Vec::new();
        for job in jobs {
            if job.queue.prefix != self.prefix || !job.children.is_empty() {
                return Err(Error::argument(
                    "a bulk is of jobs of its own queue, without children: await the others by themselves",
                ));
            }
            ready.push(job.ready(now)?);
        }
        self.enqueue(&ready).await
    }

    async fn enqueue(&self, jobs: &[Ready]) -> Result<Vec<String>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let (keys, words) = enqueue_words(&self.prefix, jobs);
        let run = self.run::<Vec<String>>(&ENQUEUE, &keys).args(&words);
        added(run.safety(Safety::IdempotentWrite).await?)
    }
}

/// The ids that enqueue.lua and flow.lua return, or why they added nothing.
fn added(ids: Vec<String>) -> Result<Vec<String>, Error> {
    match ids.as_slice() {
        [none, _, why] if none.is_empty() => Err(Error::argument(match why.as_str() {
            "-7" => {
                "a job with this id is there already and has another parent, so nothing was added: give the new one another id"
            }
            _ => "the job's parent is gone, so nothing was added",
        })),
        _ => Ok(ids),
    }
}

/// What is said of it.
impl<'a> Add<'a> {
    /// Sets its id. Default: a random one. A second job with the same id is not added, and the call returns the id of the first.
    ///
    /// Not a whole number, without colons, and not the name of one of the queue's own keys, such as `wait` or `repeat`.
    pub fn job_id(mut self, id: impl Into<String>) -> Self {
        self.options.id = Some(id.into());
        self
    }

    /// It waits for so long before it can be taken.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = delay;
        self
    }

    /// Taken behind those without a priority and with a lower number: 1 to 2097151.
    pub fn priority(mut self, priority: u32) -> Self {
        self.options.priority = priority;
        self
    }

    /// Taken before those that wait already.
    pub fn lifo(mut self) -> Self {
        self.options.lifo = true;
        self
    }

    /// How often it is tried at most: once, if nothing is said.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.options.attempts = attempts;
        self
    }

    /// How long it waits between two attempts: not at all, if nothing is said.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.options.backoff = Some(backoff);
        self
    }

    /// When it counts as added, in Unix milliseconds: now, if nothing is said. Its delay counts from then.
    pub fn timestamp(mut self, millis: u64) -> Self {
        self.options.timestamp = Some(millis);
        self
    }

    /// How many completed jobs are kept when this one is completed.
    pub fn remove_on_complete(mut self, keep: Keep) -> Self {
        self.options.keep_completed = keep;
        self
    }

    /// How many failed jobs are kept when this one has failed for good.
    pub fn remove_on_fail(mut self, keep: Keep) -> Self {
        self.options.keep_failed = keep;
        self
    }

    /// Which jobs are one with it.
    pub fn deduplication(mut self, deduplication: Deduplication) -> Self {
        self.options.deduplication = Some(deduplication);
        self
    }

    /// What becomes of its parent when it has failed for good: that waits on, if nothing is said.
    pub fn on_failure(mut self, failure: ChildFailure) -> Self {
        self.options.child_failure = failure;
        self
    }

    /// More data than so many bytes of JSON are an error, and nothing is added.
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.options.size_limit = Some(bytes);
        self
    }

    /// The last so many lines of its log are kept.
    pub fn keep_logs(mut self, lines: u64) -> Self {
        self.options.keep_logs = Some(lines);
        self
    }

    /// The last so many failures are kept in its stack.
    pub fn stack_trace_limit(mut self, failures: u64) -> Self {
        self.options.stack_trace_limit = Some(failures);
        self
    }

    /// Adds it as a child of a job that is there already, and that waits for it.
    ///
    /// Fails with [`is_argument`](Error::is_argument) where that job is gone, or where a job with the child's id has another parent.
    pub fn parent(mut self, queue: &Queue, id: impl Into<String>) -> Self {
        self.options.parent = Some((queue.prefix.clone(), id.into()));
        self
    }

    /// Jobs that have to be done before this one is begun, of this queue or of others; each may have children too.
    ///
    /// All of them are added in one request, all or none: a flow.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Queue;
    ///
    /// let (albums, photos) = (Queue::new(&redis, "albums"), Queue::new(&redis, "photos"));
    /// let thumbnails = ["a", "b"].map(|photo| photos.add("shrink", &photo));
    /// albums.add("publish", &7).children(thumbnails).await?;
    /// assert_eq!(albums.counts().await?.waiting_children, 1);
    /// assert_eq!(photos.counts().await?.waiting, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip; 2 billed commands and some for each queue, 4 to 7 for each job.
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Returns it as a command for a pipeline or transaction, whose reply has its id: the job is added if the commands beside it
    /// run. The reply's first text is empty where the job's parent is gone.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Queue;
    ///
    /// let emails = Queue::new(&redis, "emails");
    /// let job = emails.add("welcome", &"ada").command()?;
    /// let (_, ids) = redis.transaction((redis.set("user:ada", "Ada"), job)).await?;
    /// assert!(emails.job(&ids[0]).await?.is_some());
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: that of [`Queue::add`], with the whole text of the script on the way.
    pub fn command(self) -> Result<Command<'a, Vec<String>, Eval>, Error> {
        let queue = self.queue;
        if !self.children.is_empty() {
            return Err(Error::argument(
                "a job with children is no command: await it",
            ));
        }
        let job = self.ready(queue.now())?;
        let (keys, words) = enqueue_words(&queue.prefix, &[job]);
        let command = ENQUEUE.eval(&queue.redis, &keys);
        let command = command.arg(&queue.prefix).arg(queue.now()).args(&words);
        Ok(command.safety(Safety::IdempotentWrite))
    }

    /// Its name, data, options and priority, for jobs that are like it.
    pub(super) fn template(
        self,
    ) -> Result<
        (
            String,
            String,
            serde_json::Map<String, serde_json::Value>,
            u32,
        ),
        Error,
    > {
        self.queue.check()?;
        let data = self.data?;
        let mut options = self.options;
        options.delay = Duration::ZERO;
        options.parent = None;
        options.id = None;
        options.check(&data)?;
        let mut opts = options.json("");
        opts.remove("jobId");
        Ok((self.name, data, opts, options.priority))
    }

    fn ready(self, now: u64) -> Result<Ready, Error> {
        self.queue.check()?;
        let prefix = &self.queue.prefix;
        let mut ready = Ready::new(prefix, self.name, self.data?, self.options, now)?;
        ready.has_children = !self.children.is_empty();
        Ok(ready)
    }

    /// It, and all below it, parents first.
    fn tree(mut self, now: u64, all: &mut Vec<Ready>) -> Result<(), Error> {
        if self.options.deduplication.is_some() {
            return Err(Error::argument(
                "a job of a flow cannot be deduplicated: give it a job_id",
            ));
        }
        let children = std::mem::take(&mut self.children);
        let prefix = self.queue.prefix.clone();
        let mut ready = self.ready(now)?;
        ready.has_children = !children.is_empty();
        let id = ready.id.clone();
        all.push(ready);
        for mut child in children {
            child.options.parent = Some((prefix.clone(), id.clone()));
            child.tree(now, all)?;
        }
        Ok(())
    }

    async fn send(self) -> Result<String, Error> {
        let queue = self.queue;
        let now = queue.now();
        if self.children.is_empty() {
            let ids = queue.enqueue(&[self.ready(now)?]).await?;
            return Ok(ids.into_iter().next().unwrap_or_default());
        }
        let mut all = Vec::new();
        self.tree(now, &mut all)?;
        let (keys, words) = flow_words(&all);
        let run = queue.run::<Vec<String>>(&FLOW, &keys).args(&words);
        let ids = added(run.safety(Safety::IdempotentWrite).await?)?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }
}

impl<'a> IntoFuture for Add<'a> {
    type Output = Result<String, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for Add<'_> {
    /// Without its data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Add")
            .field("queue", &self.queue)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
