//! What reading costs.

use crate::{scene, value};

#[tokio::test]
async fn a_hit_is_one_request_and_one_command_however_many_tags_it_has() {
    for count in [0, 1, 3, 10] {
        let scene = scene(2, |_| {}).await;
        let tags: Vec<String> = (0..count).map(|tag| format!("tag-{tag}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        assert_eq!(value(&scene.caches[0], "page", &tags).await, "old");
        scene.server.reset().await.unwrap();
        // The other process has never read it.
        assert_eq!(value(&scene.caches[1], "page", &tags).await, "old");
        let stats = scene.server.stats().await.unwrap();
        assert_eq!((stats.requests, stats.billed), (1, 1), "{count} tags");
        assert_eq!(scene.source.counts().begun, 1);
    }
}

#[tokio::test]
async fn invalidating_is_one_request_and_one_command() {
    let scene = scene(2, |_| {}).await;
    let [here, elsewhere] = &scene.caches[..] else {
        unreachable!()
    };
    for round in 0..3 {
        scene.source.set(format!("v{round}"));
        let tags = ["a", "b"];
        assert_eq!(value(here, "page", &tags).await, format!("v{round}"));
        scene.server.reset().await.unwrap();
        match round {
            0 => elsewhere.invalidate_tag("b").await.unwrap(),
            1 => elsewhere.delete("page").await.unwrap(),
            _ => elsewhere.clear().await.unwrap(),
        }
        let stats = scene.server.stats().await.unwrap();
        assert_eq!((stats.requests, stats.billed), (1, 1), "round {round}");
        assert_eq!(
            here.get("page", &tags).await.unwrap(),
            None,
            "round {round}"
        );
    }
}
