//! A server that evicts: any key of the cache may be gone at any time, also while a value is loaded. Nothing old is served by
//! that, and nobody waits for longer than a lease.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use restis::{Cache, Redis, cache::Loaded};

use super::{SECOND, cache, start};

const LEASE: Duration = Duration::from_millis(500);

/// Deletes any key: an entry, a claim, the version of a tag or of the namespace, what says that a tag was invalidated.
async fn evict(redis: &Redis, random: &mut fastrand::Rng) {
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    if let Some(key) = random.choice(&keys) {
        redis.del(key).await.unwrap();
    }
}

/// What the source has, and what nobody who asks from now on may be behind.
#[derive(Clone, Default)]
struct Source {
    value: Arc<AtomicU64>,
    floor: Arc<AtomicU64>,
}

impl Source {
    fn change(&self) -> u64 {
        self.value.fetch_add(1, SeqCst) + 1
    }

    /// The cache knows of this value: it was invalidated, or written through.
    fn is_known(&self, value: u64) {
        self.floor.fetch_max(value, SeqCst);
    }
}

async fn read(redis: &Redis, cache: &Cache, source: &Source, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let floor = source.floor.load(SeqCst);
    let begun = Instant::now();
    let (tag, many, late) = (random.bool(), random.bool(), random.bool());
    let sources = source.clone();
    let mut inner = random.fork();
    let value = if many {
        let load = |keys: Vec<&'static str>| {
            let (sources, mut inner) = (sources.clone(), fastrand::Rng::with_seed(seed));
            async move {
                let value = sources.value.load(SeqCst);
                evict(redis, &mut inner).await;
                let loaded = |key| (key, Loaded::new(value).tag("t"));
                Ok::<_, std::io::Error>(keys.into_iter().map(loaded).collect())
            }
        };
        let found = cache.get_or_set_many_with(["k"], load).await.unwrap();
        found["k"]
    } else {
        let load = async |_| {
            let value = sources.value.load(SeqCst);
            evict(redis, &mut inner).await;
            if late {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok::<_, std::io::Error>(Loaded::new(value).tag("t"))
        };
        let entry = cache.entry("k");
        let entry = if tag { entry.tag("t") } else { entry };
        entry.get_or_set_with(load).await.unwrap()
    };
    assert!(value >= floor, "{value} is older than {floor}");
    let waited = begun.elapsed();
    assert!(waited < LEASE * 2 + SECOND * 10, "{waited:?}");
}

async fn change(cache: &Cache, source: &Source, how: u8) {
    let value = match how {
        0 => {
            let value = source.change();
            cache.invalidate_tag("t").await.unwrap();
            value
        }
        1 => {
            let value = source.change();
            cache.delete("k").await.unwrap();
            value
        }
        2 => {
            let value = source.change();
            cache.clear().await.unwrap();
            value
        }
        _ => {
            let write = || async { Ok::<_, std::io::Error>(source.change()) };
            cache.entry("k").tag("t").update(write).await.unwrap()
        }
    };
    source.is_known(value);
}

#[tokio::test]
async fn evicted_keys_bring_nothing_old_back_and_hold_nobody_up() {
    let (_local, redis) = start().await;
    for seed in 0..15 {
        let mut random = fastrand::Rng::with_seed(seed);
        redis.flushdb().await.unwrap();
        let source = Source::default();
        // Two caches are two processes: they share what is in Redis.
        let caches = [(); 2].map(|()| {
            cache(&redis)
                .namespace("n")
                .lease(LEASE)
                .stale_while_revalidate(Duration::ZERO)
                .early_refresh(seed as f64 % 2.0)
        });
        for _ in 0..25 {
            let reads = (0..4).map(|reader| {
                let seed = random.u64(..);
                read(&redis, &caches[reader % 2], &source, seed)
            });
            let reads = reads.collect::<Vec<_>>();
            let how = random.u8(0..8);
            let mut other = random.fork();
            let changes = async {
                evict(&redis, &mut other).await;
                if how < 4 {
                    change(&caches[usize::from(how % 2)], &source, how).await;
                }
                evict(&redis, &mut other).await;
            };
            tokio::join!(futures_util::future::join_all(reads), changes);
        }
    }
}

/// The claim of a process that goes on loading is evicted: another loads, and the value of the first is not stored over it.
#[tokio::test]
async fn evicted_claim_is_not_stored_under() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).namespace("n");
    let slow = cache.get_or_set("k", || async {
        redis.del("n:k").await.unwrap();
        // Whoever comes now does not wait.
        let other = super::cache(&redis).namespace("n");
        let begun = Instant::now();
        let value = other.get_or_set("k", || async { Ok::<_, std::io::Error>("new".to_owned()) });
        assert_eq!(value.await.unwrap(), "new");
        assert!(begun.elapsed() < SECOND * 30);
        Ok::<_, std::io::Error>("old".to_owned())
    });
    assert_eq!(slow.await.unwrap(), "old");
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("new")
    );
}
