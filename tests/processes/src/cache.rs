//! The words for caches: what a player of one is asked and what it answers.
//!
//! All times are milliseconds. A setting that is left out is the cache's own default, but for `jitter`, which is 0, so that times can be
//! counted on.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Asked, Player, Result, Server, Source, error::Context as _};

/// What a cache shall be.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How long a value is fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// How long after that it is served while another is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swr: Option<u64>,
    /// How long after that it is served where loading fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<u64>,
    /// The factor of early refreshes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early: Option<f64>,
    /// How long a process may load before another takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<u64>,
    /// How long a load may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader_timeout: Option<u64>,
    /// How long a value is kept in the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_ttl: Option<u64>,
    /// How far times to live are spread, as a fraction.
    pub jitter: f64,
    /// Whether processes load one at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_flight: Option<bool>,
    /// What the keys begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// By how much the clock of this process is wrong.
    pub clock_offset: i64,
    /// How long no load is tried after one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_backoff: Option<u64>,
    /// How long it is known that there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_ttl: Option<u64>,
    /// Whether processes tell each other of changes, where the cache can do that.
    pub bus: bool,
}

/// Everything a player needs for its cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    /// The server over REST.
    pub url: String,
    /// The token for it.
    pub token: String,
    /// The server over TCP.
    pub redis: String,
    /// The database behind.
    pub source: String,
    /// How the cache is set.
    #[serde(default)]
    pub settings: Settings,
}

/// One request to a player, but for its `id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Makes the cache, a new one if there was one already. Answers `null`, as all do that say nothing else.
    Open(Box<Open>),
    /// Reads a value, or loads it from the source, this many times at once. Answers [`Crowd`].
    GetOrSet {
        /// The key.
        key: String,
        /// The tags.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        /// How many callers there are.
        #[serde(default = "one")]
        callers: usize,
    },
    /// Begins the same by one caller that is not waited for. Answers `null`.
    Lead {
        /// The key.
        key: String,
    },
    /// Has that caller go away. Answers `null` when it has gone.
    DropLeader,
    /// Reads a value. Answers it, or `null`.
    Get {
        /// The key.
        key: String,
        /// The tags.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    },
    /// Writes a value to the cache.
    Set {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The tags.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    },
    /// Writes a value to the source and the cache.
    Update {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The tags.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    },
    /// Deletes a value from the cache.
    Delete {
        /// The key.
        key: String,
    },
    /// Makes what has the tag invalid.
    InvalidateTag {
        /// The tag.
        tag: String,
    },
    /// Makes everything invalid.
    Clear,
    /// Removes the keys of a pattern. Answers [`Swept`].
    Sweep {
        /// The pattern.
        pattern: String,
    },
    /// Answers the cache's own counters.
    Stats,
}

fn one() -> usize {
    1
}

/// What came of many calls at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Crowd {
    /// How many got which value.
    pub values: BTreeMap<String, u64>,
    /// How many got an error.
    pub errors: u64,
    /// One of the errors.
    pub error: Option<String>,
    /// How long the middle one took.
    pub p50: u64,
    /// How long one of a hundred took at least.
    pub p99: u64,
    /// How long the slowest took.
    pub max: u64,
    /// How often the process asked the source meanwhile, for these calls and others.
    pub loads: u64,
    /// How many were answered in which way, in the words of the cache.
    pub statuses: BTreeMap<String, u64>,
}

/// What came of a sweep.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Swept {
    /// Keys that are gone.
    pub removed: u64,
    /// How much memory the process took at most, beyond what it had before, in bytes.
    pub memory: u64,
}

impl Crowd {
    /// Puts calls together: the number of milliseconds each took, and what it got.
    pub fn of(calls: Vec<(u64, Result<(String, String)>)>, loads: u64) -> Self {
        let mut crowd = Self {
            loads,
            ..Self::default()
        };
        let mut times = Vec::new();
        for (time, got) in calls {
            times.push(time);
            match got {
                Ok((value, status)) => {
                    *crowd.values.entry(value).or_default() += 1;
                    *crowd.statuses.entry(status).or_default() += 1;
                }
                Err(error) => {
                    crowd.errors += 1;
                    crowd.error = Some(error.to_string());
                }
            }
        }
        times.sort_unstable();
        // The nearest rank: the smallest time that at least this many percent do not exceed.
        let rank = |percent: usize| {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).copied().unwrap_or_default()
        };
        crowd.p50 = rank(50);
        crowd.p99 = rank(99);
        crowd.max = rank(100);
        crowd
    }

    /// This and another crowd as one. The percentiles are those of the slower.
    pub fn and(mut self, other: Self) -> Self {
        for (value, count) in other.values {
            *self.values.entry(value).or_default() += count;
        }
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.errors += other.errors;
        self.error = self.error.or(other.error);
        self.p50 = self.p50.max(other.p50);
        self.p99 = self.p99.max(other.p99);
        self.max = self.max.max(other.max);
        self.loads += other.loads;
        self
    }

    /// The value all got.
    pub fn value(&self) -> Result<&str> {
        let mut values = self.values.keys();
        match (values.next(), values.next(), self.errors) {
            (Some(value), None, 0) => Ok(value),
            _ => Err(crate::Error::new(format!("not one value: {self:?}"))),
        }
    }
}

/// A kind of cache, by the program that plays it.
#[derive(Clone, Debug)]
pub struct Kind {
    words: Vec<std::ffi::OsString>,
    /// Where it is run.
    folder: Option<std::path::PathBuf>,
}

impl Kind {
    /// One of those that the program `player` of this package plays.
    pub fn rust(player: impl AsRef<Path>, name: &str) -> Self {
        let player = player.as_ref().as_os_str().to_owned();
        Self {
            words: vec![player, name.into()],
            folder: None,
        }
    }

    /// BentoCache, by a script that Node runs.
    pub fn node(node: impl AsRef<Path>, script: impl AsRef<Path>) -> Self {
        let (node, script) = (node.as_ref(), script.as_ref());
        Self {
            words: vec![node.into(), script.into()],
            folder: script.parent().map(Into::into),
        }
    }

    /// Starts a process and opens a cache in it.
    pub async fn start(
        &self,
        server: &Server,
        source: &Source,
        settings: &Settings,
    ) -> Result<Cache> {
        let (program, words) = self.words.split_first().context("a kind has a program")?;
        let mut command = Command::new(program);
        command.args(words);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let cache = Cache {
            player: Player::start(command)?,
            open: Open {
                url: server.url().to_owned(),
                token: server.token().to_owned(),
                redis: server.redis().to_owned(),
                source: source.address().to_string(),
                settings: settings.clone(),
            },
        };
        cache.done(&cache.opening()).await?;
        Ok(cache)
    }
}

/// A cache in a process of its own.
#[derive(Debug)]
pub struct Cache {
    player: Player,
    open: Open,
}

/// A server, a source, and caches in processes of their own before them.
#[derive(Debug)]
pub struct Scene {
    /// The server, in which nothing is.
    pub server: Server,
    /// The source, which has the value `old` for every key, without a delay.
    pub source: Source,
    /// The caches, each in its process.
    pub caches: Vec<Cache>,
}

impl Scene {
    /// One process for each of the settings. What it takes to start them is not counted.
    pub async fn start(kind: &Kind, settings: &[Settings]) -> Result<Self> {
        let (server, source) = (Server::start().await?, Source::start("old").await?);
        let mut caches = Vec::new();
        for settings in settings {
            caches.push(kind.start(&server, &source, settings).await?);
        }
        server.reset().await?;
        Ok(Self {
            server,
            source,
            caches,
        })
    }

    /// The first process.
    pub fn first(&self) -> Result<&Cache> {
        self.caches.first().context("there is no process")
    }

    /// The second process.
    pub fn second(&self) -> Result<&Cache> {
        self.caches.get(1).context("there is one process only")
    }
}

/// A crowd under way.
#[derive(Debug)]
pub struct Coming(Asked);

impl Coming {
    /// Waits for it.
    pub async fn all(self) -> Result<Crowd> {
        read(self.0.answer().await?)
    }
}

impl Cache {
    /// Makes the cache in the process anew, with some settings changed: whatever it remembered is gone.
    pub async fn reopen(&mut self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        change(&mut self.open.settings);
        self.done(&self.opening()).await
    }

    /// One call.
    pub async fn get_or_set(&self, key: &str, tags: &[&str]) -> Result<Crowd> {
        self.crowd(key, tags, 1).await?.all().await
    }

    /// Begins many calls at once.
    pub async fn crowd(&self, key: &str, tags: &[&str], callers: usize) -> Result<Coming> {
        let request = Request::GetOrSet {
            key: key.to_owned(),
            tags: texts(tags),
            callers,
        };
        self.player.begin(&request).await.map(Coming)
    }

    /// Begins a call that nobody waits for, and that loads if there is nothing.
    pub async fn lead(&self, key: &str) -> Result<()> {
        self.done(&Request::Lead { key: key.into() }).await
    }

    /// Has the caller of [`lead`](Self::lead) go away, and waits until it has gone.
    pub async fn drop_leader(&self) -> Result<()> {
        self.done(&Request::DropLeader).await
    }

    /// Reads a value.
    pub async fn get(&self, key: &str, tags: &[&str]) -> Result<Option<String>> {
        let (key, tags) = (key.to_owned(), texts(tags));
        read(self.player.ask(&Request::Get { key, tags }).await?)
    }

    /// Writes a value to the cache.
    pub async fn set(&self, key: &str, value: &str, tags: &[&str]) -> Result<()> {
        let (key, value, tags) = (key.to_owned(), value.to_owned(), texts(tags));
        self.done(&Request::Set { key, value, tags }).await
    }

    /// Writes a value to the source and the cache.
    pub async fn update(&self, key: &str, value: &str, tags: &[&str]) -> Result<()> {
        let (key, value, tags) = (key.to_owned(), value.to_owned(), texts(tags));
        self.done(&Request::Update { key, value, tags }).await
    }

    /// Deletes a value from the cache.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.done(&Request::Delete { key: key.into() }).await
    }

    /// Makes what has the tag invalid.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<()> {
        self.done(&Request::InvalidateTag { tag: tag.into() }).await
    }

    /// Makes everything invalid.
    pub async fn clear(&self) -> Result<()> {
        self.done(&Request::Clear).await
    }

    /// Removes the keys of a pattern.
    pub async fn sweep(&self, pattern: &str) -> Result<Swept> {
        let pattern = pattern.to_owned();
        read(self.player.ask(&Request::Sweep { pattern }).await?)
    }

    /// The cache's own counters.
    pub async fn stats(&self) -> Result<Value> {
        self.player.ask(&Request::Stats).await
    }

    /// Kills the process.
    pub async fn kill(&self) -> Result<()> {
        self.player.kill().await
    }

    fn opening(&self) -> Request {
        Request::Open(Box::new(self.open.clone()))
    }

    async fn done(&self, request: &Request) -> Result<()> {
        let answer = self.player.ask(request).await?;
        match answer.is_null() {
            true => Ok(()),
            false => Err(crate::Error::new(format!("a player answers {answer}"))),
        }
    }
}

fn texts(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T> {
    let what = json!({ "a player's answer": answer }).to_string();
    serde_json::from_value(answer).context(&what)
}
