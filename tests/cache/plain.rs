//! What is stored, for how long, and what is read back.

use std::{collections::BTreeMap, time::Duration};

use restis::{
    Cache, Error,
    cache::{Decode, Encode, Loaded, Status},
};
use serde::{Deserialize, Serialize};

#[cfg(feature = "compress")]
use super::noise;
use super::{HOUR, SECOND, Source, cache, start, until};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    tags: BTreeMap<String, f64>,
}

fn user() -> User {
    User {
        name: "ada \"the\" first;\n=%,ü\u{1f600}".into(),
        tags: BTreeMap::from([("a;b".into(), 0.1), (String::new(), -1.0)]),
    }
}

#[tokio::test]
async fn a_value_comes_back_as_it_was() {
    let (_local, redis) = start().await;
    let users = cache(&redis).namespace("user");
    assert_eq!(users.get::<User>(1).await.unwrap(), None);
    users.set(1, &user()).await.unwrap();
    assert_eq!(users.get::<User>(1).await.unwrap(), Some(user()));
    users.set("2", "text").await.unwrap();
    assert_eq!(
        users.get::<String>(2).await.unwrap().as_deref(),
        Some("text")
    );
    users.delete(1).await.unwrap();
    assert_eq!(users.get::<User>(1).await.unwrap(), None);
    assert_eq!(
        users.get::<String>(2).await.unwrap().as_deref(),
        Some("text")
    );
    users.delete_many([1, 2]).await.unwrap();
    users.delete_many([0; 0]).await.unwrap();
    assert_eq!(users.get::<String>(2).await.unwrap(), None);
}

#[tokio::test]
async fn keys_are_those_of_a_classic_cache_service() {
    let (_local, redis) = start().await;
    let none = cache(&redis);
    none.set("user:1", &1).await.unwrap();
    cache(&redis)
        .namespace("family")
        .set("7:members", &[1])
        .await
        .unwrap();
    assert_eq!(
        redis.exists(["user:1", "family:7:members"]).await.unwrap(),
        2
    );
    // Without a namespace it is the same key, of another namespace's version.
    let user = cache(&redis).namespace("user");
    assert_eq!(user.get::<u32>(1).await.unwrap(), None);
    assert_eq!(none.get::<u32>("user:1").await.unwrap(), Some(1));
}

#[tokio::test]
async fn times_to_live() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).ttl(HOUR);
    let life = async |key: &str| redis.pttl(key).await.unwrap().left().unwrap_or_default();
    cache.set("a", &1).await.unwrap();
    assert!((3_590_000..=3_600_000).contains(&life("a").await));
    cache.entry("a").ttl(SECOND * 5).set(&1).await.unwrap();
    assert!((4_000..=5_000).contains(&life("a").await));
    // As long as it may be served, whichever is longer.
    let stale = cache
        .clone()
        .stale_while_revalidate(HOUR)
        .stale_if_error(HOUR * 2);
    stale.set("a", &1).await.unwrap();
    assert!((10_790_000..=10_800_000).contains(&life("a").await));
    // Nothing is kept for a moment, and not at all where that is asked for.
    cache.set("a", &None::<u32>).await.unwrap();
    assert!((9_000..=10_000).contains(&life("a").await));
    assert_eq!(cache.get::<Option<u32>>("a").await.unwrap(), Some(None));
    assert_eq!(cache.get::<u32>("a").await.unwrap(), None);
    cache
        .clone()
        .negative_ttl(SECOND * 60)
        .set("a", &None::<u32>)
        .await
        .unwrap();
    assert!((59_000..=60_000).contains(&life("a").await));
    cache
        .clone()
        .negative_ttl(Duration::ZERO)
        .set("a", &None::<u32>)
        .await
        .unwrap();
    assert_eq!(redis.exists("a").await.unwrap(), 0);
    // The version of the namespace has no end.
    assert!(
        redis
            .pttl("restis:version:")
            .await
            .unwrap()
            .left()
            .is_none()
    );
    let spread = cache.jitter(0.5);
    let mut lives = Vec::new();
    for number in 0..20 {
        spread.set(number, &1).await.unwrap();
        lives.push(life(&number.to_string()).await);
    }
    assert!(
        lives
            .iter()
            .all(|life| (1_790_000..=5_400_000).contains(life)),
        "{lives:?}"
    );
    assert!(
        lives.iter().max().unwrap() - lives.iter().min().unwrap() > 600_000,
        "{lives:?}"
    );
}

#[tokio::test]
async fn nothing_is_loaded_once() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    let mut loads = 0;
    for _ in 0..3 {
        let none = cache.get_or_set("a", || {
            loads += 1;
            async { Ok::<Option<u32>, Error>(None) }
        });
        assert_eq!(none.await.unwrap(), None);
    }
    assert_eq!(loads, 1);
    // Of a type that cannot be nothing it is a miss.
    let value = cache
        .get_or_set("a", || async { Ok::<_, Error>(7) })
        .await
        .unwrap();
    assert_eq!(value, 7);
    assert_eq!(cache.get::<u32>("a").await.unwrap(), Some(7));
    // Not kept at all.
    let never = cache.negative_ttl(Duration::ZERO);
    for _ in 0..2 {
        let none = never.get_or_set("b", || {
            loads += 1;
            async { Ok::<Option<u32>, Error>(None) }
        });
        assert_eq!(none.await.unwrap(), None);
    }
    assert_eq!(loads, 3);
    until(async || redis.exists("b").await.unwrap() == 0).await;
}

#[tokio::test]
async fn what_is_not_ours_is_a_miss() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).negative_ttl(SECOND);
    let source = Source::of("new");
    let good = {
        cache.set("good", "x").await.unwrap();
        redis.get::<String>("good").await.unwrap().unwrap()
    };
    let texts: Vec<Vec<u8>> = [
        &b""[..],
        b"{\"name\":\"ada\"}",
        b"r1",
        b"r1v;",
        b"r2v;id;0;0;t;v;;;\"x\"",
        b"r1v;id;x;0;t;v;;;\"x\"",
        b"r1v;id;0;0;q;v;;;\"x\"",
        b"r1v;id;0;0;t;v;a;;\"x\"",
        b"r1v;id;0;0;t;v;=%f;;\"x\"",
        b"r1v;id;0;0;t;v;;a;\"x\"",
        b"r1c;token;",
        b"r1c;token;-1;",
        b"\xff\xfe\x00",
    ]
    .into_iter()
    .map(<[u8]>::to_vec)
    // Every beginning of a good one, and one whose payload is cut.
    .chain(
        (0..good.len())
            .step_by(7)
            .map(|end| good.as_bytes()[..end].to_vec()),
    )
    .chain([good.as_bytes()[..good.len() - 1].to_vec()])
    .collect();
    for text in texts {
        redis.set("k", text.as_slice()).await.unwrap();
        assert_eq!(cache.get::<String>("k").await.unwrap(), None, "{text:?}");
        let loads = source.loads();
        let value = cache.entry("k").fetch(source.loader()).await.unwrap();
        assert_eq!(
            (&*value.value, value.status),
            ("new", Status::Miss),
            "{text:?}"
        );
        assert_eq!(source.loads(), loads + 1);
        let value = cache.entry("k").fetch(source.loader()).await.unwrap();
        assert_eq!(
            (&*value.value, value.status),
            ("new", Status::Hit),
            "{text:?}"
        );
    }
    assert!(cache.stats().foreign > 10);
    // A key of another type is left alone.
    redis.lpush("list", ["a"]).await.unwrap();
    assert_eq!(cache.get::<String>("list").await.unwrap(), None);
    let value = cache.entry("list").fetch(source.loader()).await.unwrap();
    assert_eq!(
        (&*value.value, value.status, value.ttl),
        ("new", Status::Bypass, None)
    );
    assert_eq!(redis.llen("list").await.unwrap(), 1);
}

#[tokio::test]
async fn a_value_of_another_type_is_loaded_anew() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    cache.set("k", "text").await.unwrap();
    let mut loads = 0;
    for _ in 0..2 {
        let number = cache.get_or_set("k", || {
            loads += 1;
            async { Ok::<u32, Error>(7) }
        });
        assert_eq!(number.await.unwrap(), 7);
    }
    assert_eq!((loads, cache.stats().foreign), (1, 1));
}

#[tokio::test]
async fn an_error_of_the_loader_is_its_own() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    let source = Source::of("x");
    source.fail();
    let error = cache.get_or_set("k", source.loader()).await.unwrap_err();
    assert!(error.is_loader() && !error.is_timeout(), "{error}");
    let said = std::error::Error::source(&error).unwrap();
    assert!(said.downcast_ref::<super::Broken>().is_some());
    // The claim is given back: the next one need not wait.
    source.set("y");
    assert_eq!(
        super::within(cache.get_or_set("k", source.loader()))
            .await
            .unwrap(),
        "y"
    );
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_errors), (2, 1));

    let slow = cache.loader_timeout(Duration::from_millis(50));
    let error = slow
        .get_or_set::<u32, _, _, Error>("slow", std::future::pending)
        .await
        .unwrap_err();
    assert!(error.is_loader() && error.is_timeout(), "{error}");
    assert!(error.to_string().contains("loader_timeout"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_written_is_told() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    let map = BTreeMap::from([((1, 2), 3)]);
    for error in [
        cache.set("k", &map).await.unwrap_err(),
        cache
            .get_or_set("k", || async { Ok::<_, Error>(map.clone()) })
            .await
            .unwrap_err(),
    ] {
        assert!(error.is_argument(), "{error}");
    }
    assert_eq!(
        cache
            .get_or_set("k", || async { Ok::<_, Error>(1) })
            .await
            .unwrap(),
        1
    );
}

/// Bytes as they are.
#[derive(Clone)]
struct Raw;

impl Encode<Vec<u8>> for Raw {
    fn encode(&self, value: &Vec<u8>) -> Result<Vec<u8>, Error> {
        Ok(value.clone())
    }
}

impl Decode<Vec<u8>> for Raw {
    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(bytes.to_vec())
    }
}

#[tokio::test]
async fn another_codec_has_all_bytes() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).codec(Raw);
    for bytes in [
        vec![],
        b"text".to_vec(),
        (0..=255).collect(),
        vec![0xff; 100_000],
    ] {
        cache.set("k", &bytes).await.unwrap();
        assert_eq!(cache.get("k").await.unwrap(), Some(bytes.clone()));
        cache.delete("k").await.unwrap();
        let load = || async { Ok::<_, Error>(bytes.clone()) };
        assert_eq!(cache.get_or_set("k", load).await.unwrap(), bytes);
        assert_eq!(cache.get("k").await.unwrap(), Some(bytes));
    }
}

#[cfg(feature = "compress")]
#[tokio::test]
async fn large_values_are_compressed_where_it_pays() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    let stored = async |value: &str| {
        cache.set("k", value).await.unwrap();
        assert_eq!(
            cache.get::<String>("k").await.unwrap().as_deref(),
            Some(value)
        );
        redis.strlen("k").await.unwrap()
    };
    assert!(stored(&"ab".repeat(500)).await > 1000);
    assert!(stored(&"ab".repeat(5_000)).await < 1000);
    // Noise does not shrink.
    let noise = noise(5_000);
    assert!(stored(&noise).await > 5_000);
    // A broken one is a miss.
    cache.set("k", &"ab".repeat(5_000)).await.unwrap();
    let text: String = redis.get("k").await.unwrap().unwrap();
    redis.set("k", &text[..text.len() - 8]).await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
    // Another threshold.
    let all = cache.clone().compress_above(0);
    all.set("k", &"ab".repeat(200)).await.unwrap();
    assert!(redis.strlen("k").await.unwrap() < 200);
}

#[tokio::test]
async fn touch_begins_anew() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).ttl(HOUR);
    assert!(!cache.touch("k").await.unwrap());
    cache
        .entry("k")
        .ttl(SECOND * 5)
        .tags(["t"])
        .set("x")
        .await
        .unwrap();
    assert!(cache.touch("k").await.unwrap());
    assert!(redis.pttl("k").await.unwrap().left().unwrap() > 3_500_000);
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("x")
    );
    // What is invalidated does not come back.
    cache.invalidate_tag("t").await.unwrap();
    assert!(!cache.touch("k").await.unwrap());
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
}

#[tokio::test]
async fn tags_and_clear() {
    let (_local, redis) = start().await;
    let (users, teams) = (
        cache(&redis).namespace("user"),
        cache(&redis).namespace("team"),
    );
    let odd = "a;b=c,d%e ü*?";
    for (number, tags) in [
        (1, vec!["x"]),
        (2, vec!["x", odd]),
        (3, vec![]),
        (4, vec!["y", "y"]),
    ] {
        users.entry(number).tags(tags).set(&number).await.unwrap();
    }
    teams.entry(1).tag("x").set(&1).await.unwrap();
    let there = async || users.get_many::<u32, _>([1, 2, 3, 4]).await.unwrap();
    assert_eq!(there().await, [Some(1), Some(2), Some(3), Some(4)]);
    users.invalidate_tag(odd).await.unwrap();
    assert_eq!(there().await, [Some(1), None, Some(3), Some(4)]);
    users.invalidate_tags(["x", "none"]).await.unwrap();
    assert_eq!(there().await, [None, None, Some(3), Some(4)]);
    users.invalidate_tags([""; 0]).await.unwrap();
    assert_eq!(there().await, [None, None, Some(3), Some(4)]);
    assert_eq!(teams.get::<u32>(1).await.unwrap(), Some(1));
    users.clear().await.unwrap();
    assert_eq!(there().await, [None; 4]);
    assert_eq!(teams.get::<u32>(1).await.unwrap(), Some(1));
    users.set(1, &5).await.unwrap();
    assert_eq!(there().await, [Some(5), None, None, None]);
}

#[tokio::test]
async fn a_version_that_is_gone_brings_nothing_back() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).namespace("n").ttl(HOUR * 24 * 30);
    for gone in ["restis:tag:n:t", "restis:version:n"] {
        cache.entry("k").tag("t").set("old").await.unwrap();
        match gone {
            "restis:tag:n:t" => cache.invalidate_tag("t").await.unwrap(),
            _ => cache.clear().await.unwrap(),
        }
        // Another entry makes the version anew, and it goes again: evicted, or after its 30 days.
        cache.entry("other").tag("t").set("x").await.unwrap();
        assert_eq!(cache.get::<String>("k").await.unwrap(), None);
        redis.del(gone).await.unwrap();
        assert_eq!(cache.get::<String>("k").await.unwrap(), None, "{gone}");
        assert_eq!(cache.get::<String>("other").await.unwrap(), None, "{gone}");
    }
}

#[tokio::test]
async fn the_loader_sets_ttl_and_tags() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).ttl(HOUR);
    let value = cache.get_or_set_with("k", |previous| async move {
        assert!(previous.is_none());
        Ok::<_, Error>(
            Loaded::new("x".to_owned())
                .ttl(SECOND * 5)
                .tags(["a"])
                .tag("b"),
        )
    });
    assert_eq!(value.await.unwrap(), "x");
    assert!(redis.pttl("k").await.unwrap().left().unwrap() <= 5_000);
    // A process that does not know the tags finds them in the entry.
    let other = super::cache(&redis);
    assert_eq!(
        other.get::<String>("k").await.unwrap().as_deref(),
        Some("x")
    );
    cache.invalidate_tag("b").await.unwrap();
    for cache in [&cache, &other] {
        assert_eq!(cache.get::<String>("k").await.unwrap(), None);
    }
    // Not kept.
    for loaded in [
        Loaded::new(1).no_store(),
        Loaded::new(1).ttl(Duration::ZERO),
    ] {
        let value = cache.get_or_set_with("n", |_| async { Ok::<_, Error>(loaded) });
        assert_eq!(value.await.unwrap(), 1);
        assert_eq!(cache.get::<u32>("n").await.unwrap(), None);
    }
    // Nothing, for as long as the loader says.
    let none = cache.get_or_set_with("none", |_| async {
        Ok::<_, Error>(Loaded::new(None::<u32>).negative_ttl(SECOND * 100))
    });
    assert_eq!(none.await.unwrap(), None);
    assert!(redis.pttl("none").await.unwrap().left().unwrap() > 90_000);
}

#[test]
fn it_is_an_ordinary_future() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    fn is_static<T: Send + Sync + 'static>() {}
    is_static::<Cache>();
    restis_testing::run(async |redis| {
        let cache = cache(&redis);
        let text = String::from("borrowed");
        let loader = || async { Ok::<_, Error>(text.len()) };
        assert_eq!(is_send(cache.get_or_set("k", loader)).await?, 8);
        // One that is not Send is fine where nobody asks for it.
        let local = std::rc::Rc::new(5);
        let value = cache
            .get_or_set("l", || async { Ok::<_, Error>(*local) })
            .await?;
        assert_eq!(value, 5);
        // Words of anybody's error type.
        let error = cache
            .get_or_set("e", || async { Err::<u32, _>("no") })
            .await
            .unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no");
        Ok(())
    });
}
