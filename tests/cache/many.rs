//! Several entries at once, and the sweep by pattern.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use restis::{Cache, Error};
use restis_local::Fault;

use super::{HOUR, SECOND, Time, cache, cost, noise, start, within};

/// A loader of many that notes what it was asked for.
#[derive(Clone, Default)]
struct Many {
    asked: Arc<Mutex<Vec<Vec<u32>>>>,
    version: Arc<AtomicU64>,
    fails: bool,
}

impl Many {
    async fn load(self, mut keys: Vec<u32>) -> Result<HashMap<u32, String>, &'static str> {
        keys.sort_unstable();
        self.asked.lock().unwrap().push(keys.clone());
        tokio::time::sleep(SECOND / 20).await;
        let version = self.version.load(SeqCst);
        match self.fails {
            true => Err("no"),
            // There is no 13.
            false => Ok(keys
                .into_iter()
                .filter(|key| *key != 13)
                .map(|key| (key, format!("{key}.{version}")))
                .collect()),
        }
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn ask(cache: &Cache, many: &Many, keys: &[u32]) -> Result<Vec<(u32, String)>, Error> {
    let many = many.clone();
    let values = cache.get_or_set_many(keys.iter().copied(), |keys| many.clone().load(keys));
    let mut values: Vec<_> = values.await?.into_iter().collect();
    values.sort_unstable();
    Ok(values)
}

fn values(of: &[(u32, u32)]) -> Vec<(u32, String)> {
    of.iter()
        .map(|(key, version)| (*key, format!("{key}.{version}")))
        .collect()
}

#[tokio::test]
async fn one_load_for_what_is_missing() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).namespace("n");
    let many = Many::default();
    assert_eq!(ask(&cache, &many, &[]).await.unwrap(), []);
    cache.set(2, "2.0").await.unwrap();
    let asked = ask(&cache, &many, &[1, 2, 3, 13, 3, 1]).await.unwrap();
    assert_eq!(asked, values(&[(1, 0), (2, 0), (3, 0)]));
    assert_eq!(many.asked(), [vec![1, 3, 13]]);
    // That there is none is kept.
    assert_eq!(
        ask(&cache, &many, &[3, 4, 13]).await.unwrap(),
        values(&[(3, 0), (4, 0)])
    );
    assert_eq!(many.asked(), [vec![4]]);
    assert_eq!(
        cache.get::<String>(4).await.unwrap().as_deref(),
        Some("4.0")
    );
}

#[tokio::test]
async fn what_others_load_is_waited_for() {
    let (_local, redis) = start().await;
    let caches: Vec<Cache> = (0..4).map(|_| cache(&redis)).collect();
    let many = Many::default();
    let keys: Vec<Vec<u32>> = (0..8).map(|from| (from..from + 30).collect()).collect();
    let all = join_all(
        keys.iter()
            .zip(caches.iter().cycle())
            .map(|(keys, cache)| ask(cache, &many, keys)),
    );
    for (found, keys) in within(all).await.into_iter().zip(&keys) {
        let there: Vec<_> = keys
            .iter()
            .filter(|key| **key != 13)
            .map(|key| (*key, 0))
            .collect();
        assert_eq!(found.unwrap(), values(&there));
    }
    let mut loaded: Vec<u32> = many.asked().into_iter().flatten().collect();
    loaded.sort_unstable();
    assert_eq!(loaded, (0..37).collect::<Vec<_>>(), "each was loaded once");
}

#[tokio::test]
async fn stale_ones_are_answered_and_loaded_again() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let cache = time
        .of(cache(&redis))
        .ttl(SECOND * 10)
        .stale_while_revalidate(SECOND * 10)
        .stale_if_error(HOUR);
    let mut many = Many::default();
    ask(&cache, &many, &[1, 2]).await.unwrap();
    many.asked();
    time.pass(SECOND * 11);
    many.version.store(1, SeqCst);
    assert_eq!(
        ask(&cache, &many, &[1, 2]).await.unwrap(),
        values(&[(1, 1), (2, 1)])
    );
    assert_eq!(many.asked(), [vec![1, 2]]);
    // Loading fails: what may be served is.
    time.pass(SECOND * 60);
    many.fails = true;
    assert_eq!(
        ask(&cache, &many, &[1, 2]).await.unwrap(),
        values(&[(1, 1), (2, 1)])
    );
    assert!(ask(&cache, &many, &[1, 3]).await.unwrap_err().is_loader());
    assert_eq!(many.asked(), [vec![1, 2], vec![3]]);
    // And its claims are given back.
    many.fails = false;
    assert_eq!(
        within(ask(&cache, &many, &[3])).await.unwrap(),
        values(&[(3, 1)])
    );
}

#[tokio::test]
async fn what_was_deleted_meanwhile_is_not_stored() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    let found = cache.get_or_set_many([1, 2], |keys: Vec<u32>| {
        let cache = cache.clone();
        async move {
            cache.delete(1).await?;
            Ok::<_, Error>(keys.into_iter().map(|key| (key, key)).collect())
        }
    });
    assert_eq!(found.await.unwrap().len(), 2);
    assert_eq!(
        cache.get_many::<u32, _>([1, 2]).await.unwrap(),
        [None, Some(2)]
    );
    cache.set_many([(1, "a"), (2, "b")]).await.unwrap();
    let there = cache.get_many::<String, _>([2, 1]).await.unwrap();
    assert_eq!(there, [Some("b".to_owned()), Some("a".to_owned())]);
}

#[tokio::test]
async fn large_ones_take_several_requests() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let big = noise(1_500_000);
    let values: Vec<(u32, &str)> = (0..6).map(|key| (key, &*big)).collect();
    cache.set("warm", "").await.unwrap();
    let (done, (requests, billed)) = cost(&local, cache.set_many(values)).await;
    done.unwrap();
    assert_eq!((requests, billed), (4, 7));
    let there = cache.get_many::<String, _>(0..6).await.unwrap();
    assert!(there.iter().all(|value| value.as_deref() == Some(&*big)));
}

#[tokio::test]
async fn without_redis_the_loader_answers() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let many = Many::default();
    local.inject(Fault::status(500).times(u64::MAX));
    assert_eq!(
        ask(&cache, &many, &[1, 2]).await.unwrap(),
        values(&[(1, 0), (2, 0)])
    );
    let strict = cache.fail_open(false);
    assert!(ask(&strict, &many, &[1, 2]).await.unwrap_err().is_http());
    assert_eq!(many.asked().len(), 1);
}

#[tokio::test]
async fn a_sweep_deletes_what_fits_and_nothing_else() {
    let (local, redis) = start().await;
    let odd = cache(&redis).namespace("a*b?[c]\\");
    let plain = cache(&redis).namespace("aXbYc");
    for cache in [&odd, &plain] {
        for number in 0..50 {
            cache.set(format!("x:{number}"), &number).await.unwrap();
        }
        cache.set("y", &0).await.unwrap();
    }
    let binary = async |command: &str| {
        let script =
            format!("return redis.call('{command}', KEYS[1] .. string.char(255), ARGV[1])");
        let done: String = redis.eval(script, "a*b?[c]\\:x:").arg("x").await.unwrap();
        done
    };
    binary("SET").await;
    assert_eq!(odd.invalidate_matching("x:*").await.unwrap(), 50);
    assert_eq!(plain.get::<u32>("x:1").await.unwrap(), Some(1));
    assert_eq!(odd.get::<u32>("y").await.unwrap(), Some(0));
    assert_eq!(odd.invalidate_matching("x:*").await.unwrap(), 0);
    // Step by step, with an error in between, and from another process.
    let mut sweep = plain.sweep("x:*").count(10);
    assert!(sweep.step().await.unwrap());
    assert!(sweep.step().await.unwrap());
    local.inject(Fault::status(500).times(u64::MAX));
    sweep.step().await.unwrap_err();
    local.clear_faults();
    let cursor = sweep.cursor().unwrap().to_owned();
    let so_far = sweep.removed();
    let rest = plain
        .sweep("x:*")
        .count(10)
        .resume(cursor)
        .run()
        .await
        .unwrap();
    assert_eq!(so_far + rest, 50);
    assert_eq!(sweep.run().await.unwrap(), so_far);
    assert_eq!(plain.get::<u32>("y").await.unwrap(), Some(0));
    assert_eq!(binary("GETSET").await, "x");
}

#[tokio::test]
async fn a_sweep_without_a_namespace_begins_with_text() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    redis.set("somebody:else", "x").await.unwrap();
    cache.set("user:1", &1).await.unwrap();
    for pattern in ["*", "?", "[a-z]*"] {
        let error = cache.invalidate_matching(pattern).await.unwrap_err();
        assert!(error.is_argument() && error.to_string().contains("namespace"));
    }
    assert_eq!(cache.invalidate_matching("user:*").await.unwrap(), 1);
    assert_eq!(redis.exists("somebody:else").await.unwrap(), 1);
}

/// The commands that make the versions of its tags are more than one request takes.
#[tokio::test]
async fn entry_with_very_many_tags_is_stored() {
    let (local, redis) = start().await;
    let cache = cache(&redis).redis_timeout(SECOND * 60);
    let tags: Vec<String> = (0..100_000).map(|tag| format!("product:{tag}")).collect();
    let load = || async { Ok::<_, std::io::Error>(1) };
    let get = || cache.entry("k").tags(tags.iter().cloned()).get_or_set(load);
    get().await.unwrap();
    let (_, price) = cost(&local, get()).await;
    assert_eq!((price, cache.stats().hits), ((1, 1), 1));
    cache.invalidate_tag("product:99999").await.unwrap();
    assert_eq!(cache.get::<u32>("k").await.unwrap(), None);
}
