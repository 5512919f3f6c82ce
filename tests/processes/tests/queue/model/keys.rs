//! All keys of the server after a step of a history, and what has to hold of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restis::Redis;
use serde_json::Value;

/// Reads every key, in one step.
const READ: &str = r#"
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind, value = redis.call('TYPE', key).ok, nil
    if kind == 'list' then
        value = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'set' then
        value = redis.call('SMEMBERS', key)
    elseif kind == 'zset' then
        value = redis.call('ZRANGE', key, 0, -1)
    elseif kind == 'hash' then
        value = redis.call('HGETALL', key)
    elseif kind == 'stream' then
        value = {tostring(redis.call('XLEN', key))}
    else
        value = {redis.call('GET', key)}
    end
    all[#all + 1] = {key, kind, value, redis.call('PTTL', key)}
end
return cjson.encode(all)
"#;

/// The states of a job, each a key of its queue.
pub(super) const STATES: [&str; 9] = [
    "wait",
    "paused",
    "active",
    "prioritized",
    "delayed",
    "completed",
    "failed",
    "waiting-children",
    "nowhere",
];

/// The other keys that a queue has of its own.
const OWN: [&str; 9] = [
    "meta",
    "id",
    "pc",
    "marker",
    "events",
    "stalled",
    "stalled-check",
    "limiter",
    "repeat",
];

/// What the keys of a job are called behind its own.
const PARTS: [&str; 6] = [
    "lock",
    "logs",
    "dependencies",
    "processed",
    "failed",
    "unsuccessful",
];

/// How many events a queue of the histories keeps. Redis trims whole nodes of 100 entries where the limit is approximate.
pub(super) const EVENTS: u64 = 50;
const NODE: u64 = 100;

struct Key {
    kind: String,
    members: Vec<String>,
    ttl: i64,
}

/// One job, as its keys show it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) queue: String,
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) fields: HashMap<String, String>,
}

impl Seen {
    pub(super) fn parent(&self) -> Option<&str> {
        self.fields.get("parentKey").map(String::as_str)
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.state, "completed" | "failed")
    }
}

/// All keys at one moment.
pub(super) struct Keys {
    keys: BTreeMap<String, Key>,
    /// By their keys.
    pub(super) jobs: BTreeMap<String, Seen>,
    prefixes: Vec<String>,
}

impl Keys {
    /// Of the queues with these names behind `prefix`.
    pub(super) async fn read(redis: &Redis, prefix: &str, queues: &[String]) -> Self {
        let text: String = redis.eval(READ, ()).await.unwrap();
        let rows: Vec<(String, String, Value, i64)> = serde_json::from_str(&text).unwrap();
        let mut keys = BTreeMap::new();
        for (key, kind, value, ttl) in rows {
            // An empty table of Lua is an object in JSON.
            let members = serde_json::from_value(value).unwrap_or_default();
            keys.insert(key, Key { kind, members, ttl });
        }
        let prefixes = queues.iter().map(|queue| format!("{prefix}:{queue}:"));
        let mut seen = Self {
            keys,
            jobs: BTreeMap::new(),
            prefixes: prefixes.collect(),
        };
        seen.jobs = seen.find_jobs();
        seen
    }

    fn members(&self, key: &str) -> &[String] {
        self.keys.get(key).map_or(&[], |key| &key.members)
    }

    /// The prefix of the queue that a key belongs to, and the rest.
    fn split<'k>(&self, key: &'k str) -> Option<(&str, &'k str)> {
        let mut prefixes = self.prefixes.iter();
        prefixes.find_map(|prefix| Some((&**prefix, key.strip_prefix(&**prefix)?)))
    }

    fn find_jobs(&self) -> BTreeMap<String, Seen> {
        let mut jobs = BTreeMap::new();
        for (key, value) in &self.keys {
            let Some((prefix, id)) = self.split(key) else {
                continue;
            };
            if value.kind != "hash" {
                continue;
            }
            let fields: HashMap<String, String> = value
                .members
                .chunks_exact(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect();
            // A scheduler's hash has a name too.
            if !fields.contains_key("timestamp") || !fields.contains_key("name") {
                continue;
            }
            let state = STATES
                .into_iter()
                .find(|state| {
                    self.members(&format!("{prefix}{state}"))
                        .iter()
                        .any(|one| one == id)
                })
                .unwrap_or("nowhere");
            let job = Seen {
                queue: prefix.rsplit(':').nth(1).unwrap_or_default().to_owned(),
                id: id.to_owned(),
                state,
                fields,
            };
            jobs.insert(key.clone(), job);
        }
        jobs
    }

    /// The jobs of a queue in one of these states.
    pub(super) fn of<'a>(
        &'a self,
        queue: &'a str,
        states: &'a [&str],
    ) -> impl Iterator<Item = &'a Seen> {
        self.jobs
            .values()
            .filter(move |job| job.queue == queue && states.contains(&job.state))
    }

    /// The keys of a job's parent, of that one's, and so on.
    pub(super) fn ancestors(&self, key: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next = self.jobs.get(key).and_then(Seen::parent);
        while let Some(parent) = next {
            if !found.insert(parent.to_owned()) {
                break;
            }
            next = self.jobs.get(parent).and_then(Seen::parent);
        }
        found
    }

    /// What does not hold. `tried_again` are jobs that were retried after they had finished, which no parent has to know of.
    pub(super) fn faults(&self, tried_again: &BTreeSet<String>) -> Vec<String> {
        let mut faults = Vec::new();
        self.check_lists(&mut faults);
        self.check_names(&mut faults);
        self.check_parents(tried_again, &mut faults);
        self.check_queues(&mut faults);
        faults
    }

    /// Every job is in exactly one state, and each state holds jobs only.
    fn check_lists(&self, faults: &mut Vec<String>) {
        let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for prefix in &self.prefixes {
            for state in STATES {
                for id in self.members(&format!("{prefix}{state}")) {
                    let key = format!("{prefix}{id}");
                    if !self.jobs.contains_key(&key) {
                        faults.push(format!("{key} is in {state} and is no job"));
                    }
                    places.entry(key).or_default().push(state);
                }
            }
        }
        for key in self.jobs.keys() {
            match places.get(key).map(Vec::as_slice) {
                Some([_]) => {}
                Some(many) => faults.push(format!("{key} is in {}", many.join(" and "))),
                None => faults.push(format!("{key} is in no state")),
            }
        }
    }

    /// Every key belongs to a queue or to one of its jobs.
    fn check_names(&self, faults: &mut Vec<String>) {
        for (key, value) in &self.keys {
            let Some((prefix, name)) = self.split(key) else {
                faults.push(format!("{key} is outside of the queues' prefixes"));
                continue;
            };
            if STATES.contains(&name) || OWN.contains(&name) || self.jobs.contains_key(key) {
                continue;
            }
            let schedulers = self.members(&format!("{prefix}repeat"));
            if name
                .strip_prefix("repeat:")
                .is_some_and(|name| schedulers.iter().any(|id| id == name))
            {
                continue;
            }
            if let Some(id) = name.strip_prefix("de:") {
                let holder = value.members.first().cloned().unwrap_or_default();
                let holder = self.jobs.get(&format!("{prefix}{holder}"));
                if value.ttl == -1 && holder.is_none_or(Seen::is_finished) {
                    faults.push(format!(
                        "{key} keeps jobs of {id} away for ever: its holder is {:?}",
                        holder.map(|job| job.state)
                    ));
                }
                continue;
            }
            if let Some(id) = name.strip_prefix("dn:") {
                if !self.keys.contains_key(&format!("{prefix}de:{id}")) {
                    faults.push(format!("{key} is a job that no other job adds"));
                }
                continue;
            }
            let job = PARTS.iter().find_map(|part| {
                key.strip_suffix(&format!(":{part}"))
                    .map(|job| (job, *part))
            });
            match job.and_then(|(job, part)| Some((self.jobs.get(job)?, part))) {
                Some((job, "lock")) if job.state != "active" => {
                    faults.push(format!("{key} locks a job that is {}", job.state));
                }
                Some(_) => {}
                None => faults.push(format!("{key} ({}) belongs to no job", value.kind)),
            }
        }
    }

    /// A parent waits for children that are there and not done, and for at least one.
    fn check_parents(&self, tried_again: &BTreeSet<String>, faults: &mut Vec<String>) {
        for (key, job) in &self.jobs {
            let children = self.members(&format!("{key}:dependencies"));
            if job.state == "waiting-children" && children.is_empty() {
                faults.push(format!("{key} waits for no child"));
            }
            for child in children {
                match self.jobs.get(child) {
                    None => faults.push(format!("{key} waits for {child}, which is gone")),
                    Some(seen) if seen.state == "completed" && !tried_again.contains(child) => {
                        faults.push(format!("{key} waits for {child}, which is completed"));
                    }
                    Some(_) => {}
                }
            }
            let Some(parent) = job.parent() else { continue };
            if job.is_finished() || tried_again.contains(key) || !self.jobs.contains_key(parent) {
                continue;
            }
            let dependencies = self.members(&format!("{parent}:dependencies"));
            if !dependencies.contains(key) {
                faults.push(format!("{parent} does not wait for its child {key}"));
            }
        }
    }

    /// Events are trimmed, and a worker that waits is woken for a job that can be taken.
    fn check_queues(&self, faults: &mut Vec<String>) {
        for prefix in &self.prefixes {
            let events = self.members(&format!("{prefix}events"));
            let count: u64 = events.first().map_or(0, |count| count.parse().unwrap());
            if count > EVENTS + NODE {
                faults.push(format!("{prefix}events has {count}"));
            }
            let meta = self.members(&format!("{prefix}meta"));
            let is_paused = meta.chunks_exact(2).any(|pair| pair[0] == "paused");
            let marker = self.members(&format!("{prefix}marker"));
            let waits = |state: &str| !self.members(&format!("{prefix}{state}")).is_empty();
            // BullMQ's workers take the next job when they finish one, and are not woken for the place that it leaves.
            if meta.chunks_exact(2).any(|pair| pair[0] == "concurrency") {
                continue;
            }
            if !is_paused && (waits("wait") || waits("prioritized")) && marker.is_empty() {
                faults.push(format!(
                    "{prefix} has jobs, and no worker is woken for them"
                ));
            }
            if !is_paused && waits("delayed") && marker.is_empty() {
                faults.push(format!(
                    "{prefix} has delayed jobs, and no worker is woken for them"
                ));
            }
        }
    }
}
