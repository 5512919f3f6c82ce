//! Whatever else may stand in an entry's key.

use crate::{scene, value};

#[tokio::test]
async fn what_is_not_ours_is_a_miss() {
    let scene = scene(2, |_| {}).await;
    let redis = scene.server.client().unwrap();
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    let keys: Vec<String> = redis.keys("*page").await.unwrap();
    let [key] = &keys[..] else { panic!("{keys:?}") };
    let whole: String = redis.get::<String>(&**key).await.unwrap().unwrap();
    let mut texts: Vec<Vec<u8>> = [
        "",
        ";",
        "null",
        "{}",
        "a value of another program",
        "\"old\"",
        "r1v;",
        "r1n;;;;;;;;;",
        "r1v;id;99999999999999999999;0;t;;;;\"old\"",
        "r9v;id;1;1;t;;;;\"old\"",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    texts.push(vec![0xff, 0xfe, 0, 1]);
    // Ours, cut anywhere.
    texts.extend((0..whole.len()).map(|end| whole.as_bytes()[..end].to_vec()));
    let before = scene.caches[0].stats().await.unwrap()["foreign"].as_u64();
    let count = texts.len();
    for text in texts {
        let shown = String::from_utf8_lossy(&text).into_owned();
        scene.source.set("new");
        redis.set(&**key, &text).px(60_000).await.unwrap();
        assert_eq!(
            value(&scene.caches[0], "page", &[]).await,
            "new",
            "{shown:?}"
        );
        // And is then an entry again.
        scene.source.set("newer");
        assert_eq!(
            value(&scene.caches[1], "page", &[]).await,
            "new",
            "{shown:?}"
        );
    }
    let after = scene.caches[0].stats().await.unwrap()["foreign"].as_u64();
    assert!(
        after.unwrap() - before.unwrap() > count as u64 / 2,
        "{after:?} of {count}"
    );
}

/// A broken head may be a miss, and is never an error or another value.
#[tokio::test]
async fn a_head_that_is_broken_breaks_nothing_else() {
    let scene = scene(1, |_| {}).await;
    let redis = scene.server.client().unwrap();
    let cache = &scene.caches[0];
    assert_eq!(value(cache, "page", &["news"]).await, "old");
    let keys: Vec<String> = redis.keys("*page").await.unwrap();
    let key = &*keys[0];
    let whole: String = redis.get::<String>(key).await.unwrap().unwrap();
    scene.source.set("new");
    let head = whole.len() - "\"old\"".len();
    for at in 0..head {
        for flipped in [0x80, 0x01, 0x10] {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[at] ^= flipped;
            redis.set(key, &bytes).px(60_000).await.unwrap();
            let got = value(cache, "page", &["news"]).await;
            assert!(["old", "new"].contains(&&*got), "{got} by a change at {at}");
        }
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_left_alone() {
    let scene = scene(1, |_| {}).await;
    let redis = scene.server.client().unwrap();
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    let keys: Vec<String> = redis.keys("*page").await.unwrap();
    redis.del(&*keys[0]).await.unwrap();
    redis.rpush(&*keys[0], "an element").await.unwrap();
    scene.source.set("new");
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "new");
    let elements: Vec<String> = redis.lrange(&*keys[0], 0, -1).await.unwrap();
    assert_eq!(elements, ["an element"]);
}
