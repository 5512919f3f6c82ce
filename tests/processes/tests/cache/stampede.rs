//! Many callers of a key that nobody has.

use restis_processes::cache::{Crowd, Kind, Scene};

use crate::{LOAD, scene, scene_of};

/// All callers at once; gives what they got, and the requests it took.
async fn stampede(scene: &Scene, callers: usize) -> (Crowd, u64) {
    scene.source.delay(LOAD);
    scene.server.reset().await.unwrap();
    let mut coming = Vec::new();
    for cache in &scene.caches {
        coming.push(cache.crowd("page", &[], callers).await.unwrap());
    }
    let mut crowd = Crowd::default();
    for each in coming {
        crowd = crowd.and(each.all().await.unwrap());
    }
    assert_eq!(crowd.value().unwrap(), "old", "{crowd:?}");
    (crowd, scene.server.stats().await.unwrap().requests)
}

#[tokio::test]
async fn a_thousand_callers_in_two_processes_are_one_load() {
    let scene = scene(2, |_| {}).await;
    let (crowd, requests) = stampede(&scene, 500).await;
    assert_eq!(crowd.values["old"], 1_000);
    assert_eq!((scene.source.counts().begun, crowd.loads), (1, 1));
    assert!(requests <= 60, "{requests} requests");
    assert!(crowd.p99 <= LOAD.as_millis() as u64 + 300, "{crowd:?}");
}

#[tokio::test]
async fn a_thousand_callers_in_eight_processes_are_one_load() {
    let scene = scene(8, |_| {}).await;
    let (crowd, requests) = stampede(&scene, 125).await;
    assert_eq!(crowd.values["old"], 1_000);
    assert_eq!(scene.source.counts().begun, 1, "{crowd:?}");
    assert!(requests <= 100, "{requests} requests");
}

/// What it is measured against: without a claim each process loads.
#[tokio::test]
async fn without_protection_they_are_many() {
    let kind = Kind::rust(env!("CARGO_BIN_EXE_player"), "naive");
    let scene = scene_of(&kind, 2, |_| {}).await;
    let (crowd, _) = stampede(&scene, 50).await;
    assert!(crowd.loads > 2, "{crowd:?}");
}
