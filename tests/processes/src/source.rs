//! What stands for the database behind a cache: a server on loopback that counts what it is asked.
//!
//! A loader, in any process and any language, connects for each load and writes one line, the key. It gets one line back,
//! `{"value":"…"}` or `{"error":"…"}`, after the delay. What it gets is what was there when it asked, as with a real
//! database, whose answers become old on their way. `set key value` writes.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::{
    error::{Context as _, Error, Result},
    in_time,
};

/// The database of a test, which ends when it is dropped.
#[derive(Debug)]
pub struct Source {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// How often a [`Source`] was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Loads that have begun.
    pub begun: u64,
    /// Loads that were answered.
    pub ended: u64,
    /// Loads whose loader went away before its answer.
    pub gone: u64,
    /// The most loads there were at the same time.
    pub at_once: u64,
    /// Writes.
    pub written: u64,
}

#[derive(Debug)]
struct Shared {
    now: Mutex<Now>,
    counts: watch::Sender<Counts>,
}

#[derive(Clone, Debug)]
struct Now {
    /// Of all keys without one of their own.
    value: String,
    /// What other keys have had, the last is what they have.
    values: HashMap<String, Vec<String>>,
    delay: Duration,
    failing: bool,
}

impl Source {
    /// One that has `value` for every key, without a delay.
    pub async fn start(value: impl Into<String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("the source finds no port")?;
        let address = listener.local_addr().context("the source has no address")?;
        let shared = Arc::new(Shared {
            now: Mutex::new(Now {
                value: value.into(),
                values: HashMap::new(),
                delay: Duration::ZERO,
                failing: false,
            }),
            counts: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// Where loaders connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What loads of any key get that begin from now on.
    pub fn set(&self, value: impl Into<String>) {
        let mut now = self.shared.now();
        now.value = value.into();
        now.values.clear();
    }

    /// What loads of one key get that begin from now on.
    pub fn set_one(&self, key: &str, value: &str) {
        self.shared.put(key, value);
    }

    /// All values that one key has been set to by itself, in their order.
    pub fn history(&self, key: &str) -> Vec<String> {
        self.shared
            .now()
            .values
            .get(key)
            .cloned()
            .unwrap_or_default()
    }

    /// How long loads take that begin from now on.
    pub fn delay(&self, delay: Duration) {
        self.shared.now().delay = delay;
    }

    /// Whether loads fail that begin from now on.
    pub fn fail(&self, failing: bool) {
        self.shared.now().failing = failing;
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        *self.shared.counts.borrow()
    }

    /// Begins to count anew. Loads under way are not in the new counts until they end.
    pub fn reset(&self) {
        self.shared.counts.send_replace(Counts::default());
    }

    /// Waits until `loads` loads have begun.
    pub async fn begun(&self, loads: u64) -> Result<()> {
        self.counted(&format!("load {loads} to begin"), |counts| {
            counts.begun >= loads
        })
        .await
    }

    /// Waits until `loads` loads were answered.
    pub async fn ended(&self, loads: u64) -> Result<()> {
        self.counted(&format!("load {loads} to end"), |counts| {
            counts.ended >= loads
        })
        .await
    }

    /// Waits until the counts are as asked.
    pub async fn counted(&self, what: &str, wanted: impl FnMut(&Counts) -> bool) -> Result<()> {
        let mut counts = self.shared.counts.subscribe();
        let waited = in_time(what, counts.wait_for(wanted)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::new("the source ended")),
            Err(error) => Err(Error::new(format!("{error}: {:?}", self.counts()))),
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Now {
    fn load(&self, key: &str) -> (String, Duration, bool) {
        let own = self.values.get(key).and_then(|values| values.last());
        let value = own.unwrap_or(&self.value);
        (value.clone(), self.delay, self.failing)
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: &str, value: &str) {
        let values = &mut self.now().values;
        let values = values.entry(key.to_owned()).or_default();
        values.push(value.to_owned());
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // They end with this task.
    let mut loaders = JoinSet::new();
    let under_way = Arc::new(Mutex::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        loaders.spawn(answer(stream, Arc::clone(&shared), Arc::clone(&under_way)));
        while loaders.try_join_next().is_some() {}
    }
}

/// Answers the one line of a loader. One that says nothing, or that goes, is let go.
async fn answer(stream: TcpStream, shared: Arc<Shared>, under_way: Arc<Mutex<u64>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let line = line.strip_suffix('\n')?;
    if let Some(written) = line.strip_prefix("set ") {
        let (key, value) = written.split_once(' ')?;
        shared.put(key, value);
        shared.count(|counts| counts.written += 1);
        return say(&mut stream, &json!({ "value": value })).await;
    }
    let step = |by: i64| {
        let mut count = under_way.lock().unwrap_or_else(PoisonError::into_inner);
        *count = u64::saturating_add_signed(*count, by);
        *count
    };
    // In this order: who waits for the load to begin may then change the value without changing this load's.
    let (value, delay, failing) = shared.now().load(line);
    let together = step(1);
    shared.count(|counts| {
        counts.begun += 1;
        counts.at_once = counts.at_once.max(together);
    });
    let told = match failing {
        true => json!({ "error": "the source fails" }),
        false => json!({ "value": value }),
    };
    let mut byte = [0];
    let stayed = tokio::select! {
        () = sleep(delay) => true,
        _ = stream.read(&mut byte) => false,
    };
    step(-1);
    if !stayed {
        shared.count(|counts| counts.gone += 1);
        return None;
    }
    // Counted first: whoever has the answer finds it counted.
    shared.count(|counts| counts.ended += 1);
    say(&mut stream, &told).await
}

async fn say(stream: &mut BufReader<TcpStream>, told: &Value) -> Option<()> {
    let line = format!("{told}\n");
    stream.get_mut().write_all(line.as_bytes()).await.ok()
}

/// Loads `key`, as a loader in a player does.
pub async fn load(source: &str, key: &str) -> Result<String> {
    ask(source, key).await
}

/// Writes a value, as the owner of the data does.
pub async fn write(source: &str, key: &str, value: &str) -> Result<()> {
    ask(source, &format!("set {key} {value}")).await.map(drop)
}

async fn ask(source: &str, line: &str) -> Result<String> {
    let failed = "the source does not answer";
    let stream = TcpStream::connect(source).await.context(failed)?;
    let mut stream = BufReader::new(stream);
    let line = format!("{line}\n");
    let sent = stream.get_mut().write_all(line.as_bytes()).await;
    sent.context(failed)?;
    let mut told = String::new();
    stream.read_line(&mut told).await.context(failed)?;
    let told: Value = serde_json::from_str(&told).context(failed)?;
    match (told.get("value"), told.get("error")) {
        (Some(Value::String(value)), _) => Ok(value.clone()),
        (_, Some(Value::String(error))) => Err(Error::new(error)),
        _ => Err(Error::new("the source says something else")),
    }
}
