//! One history: what is done, by which side, and what may disappear by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fastrand::Rng;
use restis::{
    Queue, Redis,
    queue::{Batch, ChildFailure, Deduplication, Keep, Repeat, State},
};
use restis_processes::Player;
use serde_json::{Value, json};

use super::keys::{EVENTS, Keys, Seen};

const FAR: Duration = Duration::from_secs(600);
const FAILURES: [(&str, ChildFailure); 4] = [
    ("failParentOnFailure", ChildFailure::FailParent),
    ("continueParentOnFailure", ChildFailure::ContinueParent),
    ("ignoreDependencyOnFailure", ChildFailure::Ignore),
    ("removeDependencyOnFailure", ChildFailure::Remove),
];
const WAITING: [&str; 3] = ["wait", "paused", "prioritized"];

/// A job that one side has taken.
struct Taken {
    queue: usize,
    id: String,
    token: String,
    /// Of ours; BullMQ's are with its player.
    batch: Option<Batch>,
}

/// What a job is added with, for both sides.
#[derive(Clone, Debug, Default)]
struct Spec {
    id: String,
    delay: bool,
    priority: u32,
    lifo: bool,
    attempts: u32,
    keep_completed: Option<u64>,
    keep_failed: Option<u64>,
    deduplication: Option<(String, bool, bool, bool)>,
    failure: Option<usize>,
    /// A job that is there already: its queue and its id.
    parent: Option<(usize, String)>,
    queue: usize,
    children: Vec<Self>,
}

impl Spec {
    fn opts(&self, prefix: &str, names: &[String]) -> Value {
        let mut opts = json!({"jobId": self.id, "attempts": self.attempts, "lifo": self.lifo, "priority": self.priority});
        if self.delay {
            opts["delay"] = json!(FAR.as_millis() as u64);
        }
        let keep = |count: u64| {
            if count == 0 {
                json!(true)
            } else {
                json!(count)
            }
        };
        if let Some(count) = self.keep_completed {
            opts["removeOnComplete"] = keep(count);
        }
        if let Some(count) = self.keep_failed {
            opts["removeOnFail"] = keep(count);
        }
        if let Some((id, ttl, replace, last)) = &self.deduplication {
            let mut deduplication = json!({"id": id, "replace": replace, "keepLastIfActive": last});
            if *ttl {
                deduplication["ttl"] = json!(FAR.as_millis() as u64);
            }
            opts["deduplication"] = deduplication;
        }
        if let Some((queue, id)) = &self.parent {
            opts["parent"] = json!({"id": id, "queue": format!("{prefix}:{}", names[*queue])});
        }
        if let Some(failure) = self.failure {
            opts[FAILURES[failure].0] = json!(true);
        }
        opts
    }

    fn theirs(&self, prefix: &str, names: &[String]) -> Value {
        let children = self.children.iter().map(|one| one.theirs(prefix, names));
        let children: Vec<Value> = children.collect();
        let mut tree = json!({"name": "work", "queueName": names[self.queue], "data": {}, "opts": self.opts(prefix, names)});
        if !children.is_empty() {
            tree["children"] = json!(children);
        }
        tree
    }

    fn ours<'a>(&self, queues: &'a [Queue]) -> restis::queue::Add<'a> {
        let mut add = queues[self.queue]
            .add("work", &json!({}))
            .job_id(&self.id)
            .priority(self.priority)
            .attempts(self.attempts);
        if self.delay {
            add = add.delay(FAR);
        }
        if self.lifo {
            add = add.lifo();
        }
        let keep = |count: u64| {
            if count == 0 {
                Keep::NONE
            } else {
                Keep::ALL.count(count)
            }
        };
        if let Some(count) = self.keep_completed {
            add = add.remove_on_complete(keep(count));
        }
        if let Some(count) = self.keep_failed {
            add = add.remove_on_fail(keep(count));
        }
        if let Some((id, ttl, replace, last)) = &self.deduplication {
            let mut deduplication = Deduplication::new(id);
            if *ttl {
                deduplication = deduplication.ttl(FAR);
            }
            if *replace {
                deduplication = deduplication.replace();
            }
            if *last {
                deduplication = deduplication.keep_last_if_active();
            }
            add = add.deduplication(deduplication);
        }
        if let Some(failure) = self.failure {
            add = add.on_failure(FAILURES[failure].1);
        }
        if let Some((queue, id)) = &self.parent {
            add = add.parent(&queues[*queue], id);
        }
        let children = self.children.iter().map(|one| one.ours(queues));
        add.children(children.collect::<Vec<_>>())
    }
}

/// What may be gone after a step.
enum Gone {
    Nothing,
    /// These jobs, by their keys, and all below them.
    Trees(BTreeSet<String>),
    /// The same, and the parents in the same queue that waited for these alone: BullMQ removes them in bulk removals.
    Swept(BTreeSet<String>),
}

pub(super) struct History<'a> {
    redis: &'a Redis,
    bull: &'a Player,
    seed: u64,
    /// One side alone, where the test says so.
    side: Option<bool>,
    random: Rng,
    prefix: &'static str,
    names: Vec<String>,
    queues: Vec<Queue>,
    taken: Vec<Taken>,
    /// Jobs that were retried after they had finished, by their keys.
    tried_again: BTreeSet<String>,
    /// How often each job completed and may have: once, and once more for each retry.
    completed: BTreeMap<String, (u32, u32)>,
    made: u32,
    steps: Vec<String>,
}

impl<'a> History<'a> {
    pub(super) fn new(redis: &'a Redis, bull: &'a Player, seed: u64, side: Option<bool>) -> Self {
        let names = vec![format!("work{seed}"), format!("kids{seed}")];
        let prefix = if seed.is_multiple_of(3) {
            "shop:bull"
        } else {
            "bull"
        };
        let queue = |name: &String| Queue::new(redis, name).prefix(prefix);
        Self {
            queues: names.iter().map(queue).collect(),
            prefix,
            redis,
            bull,
            seed,
            side,
            random: Rng::with_seed(seed),
            names,
            taken: Vec::new(),
            tried_again: BTreeSet::new(),
            completed: BTreeMap::new(),
            made: 0,
            steps: Vec::new(),
        }
    }

    pub(super) async fn play(mut self, steps: usize) {
        let names = json!(self.names);
        self.tell("open", json!({"names": names})).await;
        for name in &self.names {
            let meta = format!("{}:{name}:meta", self.prefix);
            self.redis
                .hset(meta, [("opts.maxLenEvents", EVENTS)])
                .await
                .unwrap();
        }
        let mut before = self.read().await;
        for _ in 0..steps {
            let gone = self.step(&before).await;
            before = self.check(before, gone).await;
        }
        self.finish(before).await;
        self.tell("close", json!({"names": names})).await;
        self.redis.flushall().await.unwrap();
    }

    fn fail(&self, what: &str) -> ! {
        panic!("seed {}: {what}\n  {}", self.seed, self.steps.join("\n  "))
    }

    async fn read(&self) -> Keys {
        Keys::read(self.redis, self.prefix, &self.names).await
    }

    async fn tell(&self, what: &str, mut words: Value) -> Value {
        words["do"] = json!(what);
        words["prefix"] = json!(self.prefix);
        match self.bull.ask(&words).await {
            Ok(answer) => answer,
            Err(error) => self.fail(&error.to_string()),
        }
    }

    async fn check(&self, before: Keys, gone: Gone) -> Keys {
        let after = self.read().await;
        let faults = after.faults(&self.tried_again);
        if !faults.is_empty() {
            self.fail(&faults.join("; "));
        }
        for (key, job) in &before.jobs {
            if after.jobs.contains_key(key) || job.is_finished() {
                continue;
            }
            let may_go = match &gone {
                Gone::Nothing => false,
                Gone::Trees(roots) => {
                    roots.contains(key)
                        || before
                            .ancestors(key)
                            .iter()
                            .any(|parent| roots.contains(parent))
                }
                Gone::Swept(roots) => {
                    let family = |root: &String| {
                        let mut above = before.ancestors(root);
                        above.retain(|key| {
                            before
                                .jobs
                                .get(key)
                                .is_some_and(|one| one.queue == before.jobs[root].queue)
                        });
                        above.insert(root.clone());
                        above.contains(key)
                            || before
                                .ancestors(key)
                                .iter()
                                .any(|parent| above.contains(parent))
                    };
                    roots.iter().any(family)
                }
            };
            if !may_go {
                self.fail(&format!("{key} was {} and is lost", job.state));
            }
        }
        after
    }

    /// A side, by chance: ours, or BullMQ's.
    fn ours(&mut self) -> bool {
        self.side.unwrap_or_else(|| self.random.bool())
    }

    fn note(&mut self, ours: bool, step: String) {
        let side = if ours { "restis" } else { "bullmq" };
        self.steps.push(format!("{side}: {step}"));
    }

    fn id(&mut self) -> String {
        self.made += 1;
        format!("j{}", self.made)
    }

    fn spec(&mut self, queue: usize) -> Spec {
        let keep = |random: &mut Rng| {
            random
                .choice([None, None, None, Some(0), Some(2)])
                .flatten()
        };
        let (keep_completed, keep_failed) = (keep(&mut self.random), keep(&mut self.random));
        Spec {
            id: self.id(),
            delay: self.random.u8(..5) == 0,
            priority: if self.random.u8(..4) == 0 { 3 } else { 0 },
            lifo: self.random.u8(..4) == 0,
            attempts: self.random.u32(1..=3),
            keep_completed,
            keep_failed,
            queue,
            ..Spec::default()
        }
    }

    /// A tree of jobs whose children are of either queue.
    fn tree(&mut self, depth: usize) -> Spec {
        let queue = if depth == 0 {
            0
        } else {
            self.random.usize(..2)
        };
        let mut root = self.spec(queue);
        if depth > 0 {
            root.failure = self
                .random
                .choice([None, Some(0), Some(1), Some(2), Some(3)])
                .flatten();
        }
        let children = match depth {
            0 => self.random.usize(1..=3),
            1 => self.random.usize(..=1),
            _ => 0,
        };
        root.children = (0..children).map(|_| self.tree(depth + 1)).collect();
        root
    }

    fn any<'k>(&mut self, keys: &'k Keys, queue: usize, states: &[&str]) -> Option<&'k Seen> {
        let name = &self.names[queue];
        let found: Vec<&Seen> = keys
            .jobs
            .values()
            .filter(|job| job.queue == *name && states.contains(&job.state))
            .collect();
        self.random.choice(found)
    }

    fn key(&self, queue: usize, id: &str) -> String {
        format!("{}:{}:{id}", self.prefix, self.names[queue])
    }

    fn all(&self, keys: &Keys, queue: usize, states: &[&str]) -> BTreeSet<String> {
        let jobs = keys.of(&self.names[queue], states);
        jobs.map(|job| self.key(queue, &job.id)).collect()
    }

    async fn step(&mut self, keys: &Keys) -> Gone {
        let queue = self.random.usize(..2);
        match self.random.u8(..100) {
            0..22 => self.add(keys, queue).await,
            22..32 => self.add_tree().await,
            32..52 => self.pull(queue, keys).await,
            52..72 => self.settle().await,
            72..76 => self.stall(queue, keys).await,
            76..80 => self.remove(queue, keys).await,
            80..84 => self.retry(queue, keys).await,
            84..87 => self.promote(queue, keys).await,
            87..90 => self.clean(queue, keys).await,
            90..92 => self.drain(queue, keys).await,
            92..95 => self.pause(queue).await,
            95..98 => self.schedule(queue, keys).await,
            98 if self.random.bool() => self.touch(queue, keys).await,
            98 => self.limit(queue).await,
            _ => self.obliterate(queue, keys).await,
        }
    }

    async fn add(&mut self, keys: &Keys, queue: usize) -> Gone {
        let ours = self.ours();
        let count = self.random.usize(1..=3);
        let mut specs: Vec<Spec> = (0..count).map(|_| self.spec(queue)).collect();
        let mut gone = Gone::Nothing;
        if self.random.u8(..4) == 0 {
            let id = self.random.choice(["d1", "d2"]).unwrap_or("d1").to_owned();
            let (ttl, replace, last) = (self.random.bool(), self.random.bool(), self.random.bool());
            specs[0].deduplication = Some((id.clone(), ttl, replace, last));
            if replace {
                let holders = keys.of(&self.names[queue], &["delayed"]);
                let holders = holders.filter(|job| job.fields.get("deid") == Some(&id));
                gone = Gone::Trees(holders.map(|job| self.key(queue, &job.id)).collect());
            }
        }
        if self.random.u8(..5) == 0 {
            // Of an id that there is.
            let same = self.any(keys, queue, &["wait", "delayed", "completed", "active"]);
            if let Some(same) = same {
                specs[0].id = same.id.clone();
            }
        }
        if self.random.u8(..4) == 0 && specs[0].deduplication.is_none() {
            let of = self.random.usize(..2);
            if let Some(parent) = self.any(keys, of, &["waiting-children", "active"]) {
                let parent = parent.id.clone();
                let last = specs.len() - 1;
                specs[last].failure = self
                    .random
                    .choice([None, Some(0), Some(1), Some(2), Some(3)])
                    .flatten();
                specs[last].parent = Some((of, parent));
            }
        }
        let shown: Vec<Value> = specs
            .iter()
            .map(|spec| spec.opts(self.prefix, &self.names))
            .collect();
        self.note(
            ours,
            format!("add to {}: {}", self.names[queue], json!(shown)),
        );
        if ours {
            let jobs = specs.iter().map(|spec| spec.ours(&self.queues));
            match self.queues[queue].add_bulk(jobs).await {
                Ok(ids) => self.steps.push(format!("  {ids:?}")),
                // A job with this id has another parent: BullMQ refuses it too.
                Err(error) if error.is_argument() => {}
                Err(error) => self.fail(&error.to_string()),
            }
        } else {
            let jobs: Vec<Value> = specs
                .iter()
                .map(|spec| spec.theirs(self.prefix, &self.names))
                .collect();
            self.tell("bulk", json!({"queue": self.names[queue], "jobs": jobs}))
                .await;
        }
        gone
    }

    async fn add_tree(&mut self) -> Gone {
        let ours = self.ours();
        let tree = self.tree(0);
        self.note(
            ours,
            format!("flow: {}", tree.theirs(self.prefix, &self.names)),
        );
        if ours {
            tree.ours(&self.queues).await.unwrap();
        } else {
            let tree = tree.theirs(self.prefix, &self.names);
            self.tell("flow", json!({ "tree": tree })).await;
        }
        Gone::Nothing
    }

    async fn pull(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        self.pull_by(ours, queue).await;
        Self::deferred(keys)
    }

    /// Jobs that a pull fails without a try.
    fn deferred(keys: &Keys) -> Gone {
        let deferred = keys
            .jobs
            .iter()
            .filter(|(_, job)| job.fields.contains_key("defa"));
        Gone::Trees(deferred.map(|(key, _)| key.clone()).collect())
    }

    /// Takes a job; `false` where there is none.
    async fn pull_by(&mut self, ours: bool, queue: usize) -> bool {
        self.note(ours, format!("take from {}", self.names[queue]));
        self.made += 1;
        let token = format!("t{}", self.made);
        if !ours {
            let words = json!({"queue": self.names[queue], "token": token});
            let answer = self.tell("pull", words).await;
            if let Some(id) = answer["done"]["id"].as_str() {
                self.took(queue, id.to_owned(), token, None);
            }
            return !answer["done"].is_null();
        }
        let consumer = self.queues[queue].consumer();
        // Stalled jobs are looked for in a step of their own.
        let consumer = consumer.stalled_interval(Duration::ZERO).lock(FAR);
        let batch = consumer.pull(1).await.unwrap();
        match batch.jobs().first().map(|job| job.id().to_owned()) {
            Some(id) => self.took(queue, id, token, Some(batch)),
            // One that fails without being tried.
            None => return !batch.settle().await.unwrap().is_empty(),
        }
        true
    }

    fn took(&mut self, queue: usize, id: String, token: String, batch: Option<Batch>) {
        self.steps.push(format!("  {id}"));
        if self
            .taken
            .iter()
            .any(|job| job.queue == queue && job.id == id)
        {
            self.fail(&format!("{id} was taken twice"));
        }
        self.taken.push(Taken {
            queue,
            id,
            token,
            batch,
        });
    }

    async fn settle(&mut self) -> Gone {
        if self.taken.is_empty() {
            return Gone::Nothing;
        }
        let index = self.random.usize(..self.taken.len());
        let how = self
            .random
            .choice([
                "complete",
                "complete",
                "complete",
                "fail",
                "fail for good",
                "delay",
            ])
            .unwrap_or("complete");
        self.settle_one(index, how).await
    }

    async fn settle_one(&mut self, index: usize, how: &str) -> Gone {
        let job = self.taken.swap_remove(index);
        let key = self.key(job.queue, &job.id);
        self.note(
            job.batch.is_some(),
            format!("{how} {} of {}", job.id, self.names[job.queue]),
        );
        let is_done = match job.batch {
            Some(mut batch) => {
                match how {
                    "complete" => batch.complete(&job.id, &json!({"by": "restis"})).unwrap(),
                    "fail" => batch.fail(&job.id, "broken"),
                    "fail for good" => batch.fail_for_good(&job.id, "broken for good"),
                    _ => batch.retry_in(&job.id, "later", FAR),
                }
                let settled = batch.settle().await.unwrap();
                settled.iter().all(|(_, settled)| settled.is_done())
            }
            None => {
                let words = json!({"queue": self.names[job.queue], "job": job.id, "how": how, "token": job.token});
                self.tell("settle", words).await.get("refused").is_none()
            }
        };
        if !is_done && how == "complete" {
            // It waits for children, or they failed: as after a crash, its worker goes away.
            let ours = self.ours();
            self.stalls(ours, job.queue, &job.id).await;
        }
        if is_done && how == "complete" {
            let (times, most) = self.completed.entry(key.clone()).or_insert((0, 1));
            *times += 1;
            if times > most {
                self.fail(&format!("{key} completed twice"));
            }
        }
        Gone::Trees([key].into())
    }

    /// A worker goes away: its lock ends, and two looks find the job.
    async fn stall(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let Some(job) = self.any(keys, queue, &["active"]) else {
            return Gone::Nothing;
        };
        let id = job.id.clone();
        self.note(ours, format!("{id} of {} stalls", self.names[queue]));
        self.taken
            .retain(|taken| taken.queue != queue || taken.id != id);
        self.stalls(ours, queue, &id).await;
        Gone::Nothing
    }

    async fn stalls(&mut self, ours: bool, queue: usize, id: &str) {
        let prefix = format!("{}:{}:", self.prefix, self.names[queue]);
        self.redis
            .del([format!("{prefix}{id}:lock")])
            .await
            .unwrap();
        for _ in 0..2 {
            self.redis
                .del([format!("{prefix}stalled-check")])
                .await
                .unwrap();
            if ours {
                self.queues[queue].consumer().sweep().await.unwrap();
            } else {
                self.tell("sweep", json!({"queue": self.names[queue]}))
                    .await;
            }
        }
        self.redis
            .del([format!("{prefix}stalled-check")])
            .await
            .unwrap();
    }

    async fn remove(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let states = [
            "wait",
            "paused",
            "prioritized",
            "delayed",
            "waiting-children",
            "completed",
            "failed",
            "active",
        ];
        let Some(job) = self.any(keys, queue, &states) else {
            return Gone::Nothing;
        };
        let id = job.id.clone();
        self.note(ours, format!("remove {id} of {}", self.names[queue]));
        if ours {
            self.queues[queue].remove([&*id]).await.unwrap();
        } else {
            self.tell("remove", json!({"queue": self.names[queue], "job": id}))
                .await;
        }
        Gone::Trees([self.key(queue, &id)].into())
    }

    async fn retry(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let Some(job) = self.any(keys, queue, &["failed", "failed", "completed"]) else {
            return Gone::Nothing;
        };
        let (id, state) = (job.id.clone(), job.state);
        self.note(
            ours,
            format!("retry {id} of {}, {state}", self.names[queue]),
        );
        if ours {
            let state = if state == "failed" {
                State::Failed
            } else {
                State::Completed
            };
            self.queues[queue].retry(state, [&*id]).await.unwrap();
        } else {
            let words = json!({"queue": self.names[queue], "job": id, "state": state});
            self.tell("retry", words).await;
        }
        let key = self.key(queue, &id);
        self.completed.entry(key.clone()).or_insert((0, 1)).1 += 1;
        self.tried_again.insert(key);
        Gone::Nothing
    }

    async fn promote(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let Some(job) = self.any(keys, queue, &["delayed"]) else {
            return Gone::Nothing;
        };
        let id = job.id.clone();
        self.note(ours, format!("promote {id} of {}", self.names[queue]));
        if ours {
            self.queues[queue].promote([&*id]).await.unwrap();
        } else {
            self.tell("promote", json!({"queue": self.names[queue], "job": id}))
                .await;
        }
        Gone::Nothing
    }

    async fn clean(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let (word, state, key) = self
            .random
            .choice([
                ("completed", State::Completed, "completed"),
                ("failed", State::Failed, "failed"),
                ("wait", State::Waiting, "wait"),
                ("delayed", State::Delayed, "delayed"),
                ("prioritized", State::Prioritized, "prioritized"),
            ])
            .unwrap_or(("completed", State::Completed, "completed"));
        self.note(ours, format!("clean {word} of {}", self.names[queue]));
        let gone = self.all(keys, queue, &[key]);
        if ours {
            self.queues[queue]
                .clean(state, Duration::ZERO, 1000)
                .await
                .unwrap();
        } else {
            self.tell("clean", json!({"queue": self.names[queue], "state": word}))
                .await;
        }
        Gone::Swept(gone)
    }

    async fn drain(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let delayed = self.random.bool();
        // BullMQ 6.7.0 drops the job of a scheduler from its list, and keeps its hash.
        let is_scheduled = |job: &Seen| job.fields.contains_key("rjk");
        let ours = ours || keys.of(&self.names[queue], &WAITING).any(is_scheduled);
        self.note(
            ours,
            format!("drain {}, delayed {delayed}", self.names[queue]),
        );
        let mut gone = self.all(keys, queue, &WAITING);
        if delayed {
            gone.extend(self.all(keys, queue, &["delayed"]));
        }
        if ours {
            self.queues[queue].drain(delayed).await.unwrap();
        } else {
            self.tell(
                "drain",
                json!({"queue": self.names[queue], "delayed": delayed}),
            )
            .await;
        }
        Gone::Swept(gone)
    }

    async fn pause(&mut self, queue: usize) -> Gone {
        let ours = self.ours();
        let what = if self.random.bool() {
            "pause"
        } else {
            "resume"
        };
        self.note(ours, format!("{what} {}", self.names[queue]));
        match (ours, what) {
            (true, "pause") => self.queues[queue].pause().await.unwrap(),
            (true, _) => self.queues[queue].resume().await.unwrap(),
            (false, what) => {
                self.tell(what, json!({"queue": self.names[queue]})).await;
            }
        }
        Gone::Nothing
    }

    async fn schedule(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let scheduler = self.random.choice(["s1", "s2"]).unwrap_or("s1");
        let of_it = |job: &&Seen| job.fields.get("rjk").is_some_and(|name| name == scheduler);
        let gone: BTreeSet<String> = keys
            .of(
                &self.names[queue],
                &["delayed", "wait", "paused", "prioritized"],
            )
            .filter(of_it)
            .map(|job| self.key(queue, &job.id))
            .collect();
        if self.random.u8(..3) == 0 {
            self.note(
                ours,
                format!("remove the scheduler {scheduler} of {}", self.names[queue]),
            );
            if ours {
                self.queues[queue]
                    .remove_scheduler(scheduler)
                    .await
                    .unwrap();
            } else {
                let words = json!({"queue": self.names[queue], "scheduler": scheduler});
                self.tell("unschedule", words).await;
            }
            return Gone::Trees(gone);
        }
        let every = self.random.choice([FAR, FAR * 2]).unwrap_or(FAR);
        self.note(
            ours,
            format!(
                "schedule {scheduler} of {}, every {every:?}",
                self.names[queue]
            ),
        );
        if ours {
            let queue = &self.queues[queue];
            let job = queue.add("tick", &json!({}));
            queue
                .upsert_scheduler(scheduler, Repeat::every(every), job)
                .await
                .unwrap();
        } else {
            let words = json!({"queue": self.names[queue], "scheduler": scheduler, "every": every.as_millis() as u64});
            self.tell("schedule", words).await;
        }
        Gone::Trees(gone)
    }

    /// As many jobs of the queue may be active.
    async fn limit(&mut self, queue: usize) -> Gone {
        let jobs = self.random.u32(1..=3);
        self.note(true, format!("{jobs} of {} at a time", self.names[queue]));
        let meta = format!("{}:{}:meta", self.prefix, self.names[queue]);
        self.redis
            .hset(meta, [("concurrency", jobs)])
            .await
            .unwrap();
        Gone::Nothing
    }

    async fn touch(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        let Some(job) = self.any(keys, queue, &["wait", "active", "completed", "delayed"]) else {
            return Gone::Nothing;
        };
        let id = job.id.clone();
        self.note(
            ours,
            format!("log and progress of {id} of {}", self.names[queue]),
        );
        if ours {
            self.queues[queue].log(&id, "a line", None).await.unwrap();
            self.queues[queue].set_progress(&id, &50).await.unwrap();
        } else {
            let words = json!({"queue": self.names[queue], "job": id});
            self.tell("log", words.clone()).await;
            self.tell("progress", words).await;
        }
        Gone::Nothing
    }

    async fn obliterate(&mut self, queue: usize, keys: &Keys) -> Gone {
        let ours = self.ours();
        self.note(ours, format!("obliterate {}", self.names[queue]));
        let gone = self.all(keys, queue, &super::keys::STATES);
        self.taken.retain(|taken| taken.queue != queue);
        if ours {
            self.queues[queue].pause().await.unwrap();
            self.queues[queue].obliterate(true).await.unwrap();
        } else {
            self.tell("pause", json!({"queue": self.names[queue]}))
                .await;
            self.tell("obliterate", json!({"queue": self.names[queue]}))
                .await;
        }
        // The queue is used again, as BullMQ's own would be.
        for name in &self.names {
            let meta = format!("{}:{name}:meta", self.prefix);
            let fields = [
                ("opts.maxLenEvents", EVENTS.to_string()),
                ("version", "bullmq:6.7.0".to_owned()),
            ];
            self.redis.hset(meta, fields).await.unwrap();
        }
        Gone::Swept(gone)
    }

    /// Works until nothing is left to take: no job is stuck.
    async fn finish(&mut self, mut before: Keys) {
        for queue in 0..2 {
            self.note(true, format!("resume {}", self.names[queue]));
            self.queues[queue].resume().await.unwrap();
        }
        before = self.check(before, Gone::Nothing).await;
        for _ in 0..1000 {
            while !self.taken.is_empty() {
                let gone = self.settle_one(0, "complete").await;
                before = self.check(before, gone).await;
            }
            let ours = self.ours();
            let mut any = false;
            for queue in 0..2 {
                let gone = Self::deferred(&before);
                any |= self.pull_by(ours, queue).await || self.pull_by(!ours, queue).await;
                before = self.check(before, gone).await;
            }
            if !any {
                break;
            }
        }
        for (key, job) in &before.jobs {
            if WAITING.contains(&job.state) || job.state == "active" {
                self.fail(&format!("{key} is {} and nobody can take it", job.state));
            }
        }
    }
}
