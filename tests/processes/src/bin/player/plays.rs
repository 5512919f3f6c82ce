//! What every cache is asked the same way: many callers at once, and how long each waits.

use std::{
    fs,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use restis_processes::{
    Error, Result,
    cache::{Crowd, Open, Request, Swept},
    play, source,
};
use serde::Serialize;
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

/// A cache, as it is asked by lines.
pub(crate) trait Plays: Sized + Send + Sync + 'static {
    fn open(open: Open) -> Result<Self>;

    fn loader(&self) -> &Loader;

    /// A value, and how it came about.
    fn get_or_set(
        &self,
        key: &str,
        tags: &[String],
    ) -> impl Future<Output = Result<(String, String)>> + Send;

    /// Whatever else it can.
    fn other(&self, request: Request) -> impl Future<Output = Result<Value>> + Send;
}

/// Asks the source, and counts.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    source: Arc<str>,
    loads: Arc<AtomicU64>,
}

impl Loader {
    pub(crate) fn of(open: &Open) -> Self {
        Self {
            source: Arc::from(&*open.source),
            loads: Arc::default(),
        }
    }

    pub(crate) async fn load(&self, key: &str) -> Result<String> {
        self.loads.fetch_add(1, Relaxed);
        source::load(&self.source, key).await
    }

    pub(crate) async fn write(&self, key: &str, value: &str) -> Result<()> {
        source::write(&self.source, key, value).await
    }
}

/// Says that a cache cannot do what it is asked.
pub(crate) fn cannot(request: &Request) -> Error {
    Error::new(format!("this cache cannot do that: {request:?}"))
}

/// What is played now.
struct Stage<C> {
    cache: Mutex<Option<Arc<C>>>,
    leader: Mutex<Option<JoinHandle<()>>>,
}

/// Plays until the driver goes.
pub(crate) async fn run<C: Plays>() -> Result<()> {
    let stage = Arc::new(Stage::<C> {
        cache: Mutex::new(None),
        leader: Mutex::new(None),
    });
    play(move |request| {
        let request = serde_json::from_value::<Request>(request);
        let stage = Arc::clone(&stage);
        async move {
            let request = request.map_err(|error| Error::new(error.to_string()))?;
            stage.answer(request).await
        }
    })
    .await
}

impl<C: Plays> Stage<C> {
    async fn answer(&self, request: Request) -> Result<Value> {
        if let Request::Open(open) = request {
            *lock(&self.cache) = Some(Arc::new(C::open(*open)?));
            return Ok(Value::Null);
        }
        let cache = lock(&self.cache).clone();
        let cache = cache.ok_or_else(|| Error::new("nothing is open"))?;
        match request {
            Request::GetOrSet { key, tags, callers } => {
                crowd(cache, key.into(), tags.into(), callers).await
            }
            Request::Lead { key } => {
                let leader = tokio::spawn(async move {
                    // Whoever leads here is not waited for.
                    let _ = cache.get_or_set(&key, &[]).await;
                });
                *lock(&self.leader) = Some(leader);
                Ok(Value::Null)
            }
            Request::DropLeader => {
                let leader = lock(&self.leader).take();
                let leader = leader.ok_or_else(|| Error::new("nobody leads"))?;
                leader.abort();
                match leader.await {
                    Err(error) if error.is_cancelled() => Ok(Value::Null),
                    _ => Err(Error::new("the leader was done before it was dropped")),
                }
            }
            Request::Sweep { .. } => {
                let before = peak()?;
                let removed = cache.other(request).await?.as_u64();
                let swept = Swept {
                    removed: removed.ok_or_else(|| Error::new("a sweep answers a number"))?,
                    memory: peak()?.saturating_sub(before),
                };
                written(&swept)
            }
            other => cache.other(other).await,
        }
    }
}

/// Callers that are tasks of their own, as those of a server's requests are.
async fn crowd<C: Plays>(
    cache: Arc<C>,
    key: Arc<str>,
    tags: Arc<[String]>,
    callers: usize,
) -> Result<Value> {
    let before = cache.loader().loads.load(Relaxed);
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (cache, key, tags) = (Arc::clone(&cache), Arc::clone(&key), Arc::clone(&tags));
        tasks.spawn(async move {
            let started = Instant::now();
            let got = cache.get_or_set(&key, &tags).await;
            (started.elapsed().as_millis() as u64, got)
        });
    }
    let calls = tasks.join_all().await;
    let loads = cache.loader().loads.load(Relaxed) - before;
    written(&Crowd::of(calls, loads))
}

fn written(answer: &impl Serialize) -> Result<Value> {
    serde_json::to_value(answer).map_err(|error| Error::new(error.to_string()))
}

/// The most memory this process has had, in bytes.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status");
    let status = status.map_err(|error| Error::new(format!("/proc/self/status: {error}")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kb: Option<u64> = kb.and_then(|kb| kb.parse().ok());
    kb.map(|kb| kb * 1024)
        .ok_or_else(|| Error::new("/proc/self/status has no VmHWM"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
