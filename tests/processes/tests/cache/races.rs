//! What changes while it is loaded is not served old, at whatever moment it changes.

use std::time::Duration;

use restis_processes::cache::Scene;

use crate::{LOAD, for_all, later, scene, seed, value};

/// From the beginning of a load to the change, in milliseconds: before it, within it and after it.
const MOMENTS: std::ops::Range<i64> = -30..260;

#[derive(Clone, Copy, Debug)]
enum Change {
    Tag,
    Delete,
    Update,
}

/// 100 interleavings, ten at a time. The change comes from another process than the load.
#[tokio::test]
async fn a_change_during_a_load_is_never_followed_by_the_old_value() {
    const LANES: u64 = 10;
    const EACH: u64 = 10;
    let seed = seed();
    let scene = scene(2, |_| {}).await;
    scene.source.delay(LOAD);
    let lanes = (0..LANES).map(|lane| {
        let scene = &scene;
        async move {
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add(lane));
            for round in 0..EACH {
                one(scene, &format!("{lane}-{round}"), &mut random).await;
            }
        }
    });
    for_all(lanes).await;
}

async fn one(scene: &Scene, name: &str, random: &mut fastrand::Rng) {
    let change = [Change::Tag, Change::Delete, Change::Update][random.usize(..3)];
    let moment = random.i64(MOMENTS);
    let loads = random.usize(..2);
    let (loader, changer) = (&scene.caches[loads], &scene.caches[1 - loads]);
    let (key, tag) = (format!("page-{name}"), format!("tag-{name}"));
    let tags = [&*tag];
    scene.source.set_one(&key, "old");
    let load = async {
        tokio::time::sleep(Duration::from_millis(moment.min(0).unsigned_abs())).await;
        let coming = loader.crowd(&key, &tags, 3).await.unwrap();
        coming.all().await.unwrap()
    };
    let change_and_read = async {
        tokio::time::sleep(Duration::from_millis(moment.max(0).unsigned_abs())).await;
        match change {
            Change::Tag => {
                scene.source.set_one(&key, "new");
                changer.invalidate_tag(&tag).await.unwrap();
            }
            Change::Delete => {
                scene.source.set_one(&key, "new");
                changer.delete(&key).await.unwrap();
            }
            Change::Update => changer.update(&key, "new", &tags).await.unwrap(),
        }
        // From here on nobody may be given the old value who asks.
        let first = random.usize(..2);
        for reader in [first, 1 - first] {
            let got = value(&scene.caches[reader], &key, &tags).await;
            assert_eq!(
                got, "new",
                "{name}: {change:?} after {moment} ms, read by {reader}"
            );
        }
    };
    let (loaded, ()) = tokio::join!(load, change_and_read);
    assert_eq!(loaded.errors, 0, "{name}: {loaded:?}");
    // The old load has ended too, and has left nothing behind.
    for cache in &scene.caches {
        let got = value(cache, &key, &tags).await;
        assert_eq!(
            got, "new",
            "{name}: {change:?} after {moment} ms, when all was over"
        );
    }
}

/// The namespace's version is one for all entries.
#[tokio::test]
async fn a_clear_during_loads_leaves_nothing_old() {
    let scene = scene(2, |_| {}).await;
    scene.source.delay(LOAD);
    let [here, elsewhere] = &scene.caches[..] else {
        unreachable!()
    };
    let mut coming = Vec::new();
    for key in 0..20 {
        coming.push(here.crowd(&format!("page-{key}"), &[], 2).await.unwrap());
    }
    scene.source.begun(20).await.unwrap();
    scene.source.set("new");
    elsewhere.clear().await.unwrap();
    scene.source.delay(Duration::ZERO);
    for key in 0..20 {
        assert_eq!(value(elsewhere, &format!("page-{key}"), &[]).await, "new");
    }
    for each in coming {
        each.all().await.unwrap();
    }
    for key in 0..20 {
        assert_eq!(value(here, &format!("page-{key}"), &[]).await, "new");
    }
}

/// A refresh of a value that is stale loads behind what is served, and must not bring the old value back either.
#[tokio::test]
async fn a_change_during_a_refresh_is_not_followed_by_the_old_value() {
    for by_tag in [true, false] {
        let mut scene = scene(2, |settings| settings.swr = Some(600_000)).await;
        let tags = ["news"];
        assert_eq!(value(&scene.caches[0], "page", &tags).await, "old");
        later(&mut scene, 61_000).await;
        let [here, elsewhere] = &scene.caches[..] else {
            unreachable!()
        };
        scene.source.delay(LOAD);
        assert_eq!(value(here, "page", &tags).await, "old");
        scene.source.begun(2).await.unwrap();
        scene.source.set("new");
        scene.source.delay(Duration::ZERO);
        match by_tag {
            true => elsewhere.invalidate_tag("news").await.unwrap(),
            false => elsewhere.delete("page").await.unwrap(),
        }
        for cache in [elsewhere, here] {
            assert_eq!(value(cache, "page", &tags).await, "new", "by tag: {by_tag}");
        }
        // The refresh that began before has ended.
        scene.source.ended(3).await.unwrap();
        for _ in 0..20 {
            for cache in [elsewhere, here] {
                assert_eq!(value(cache, "page", &tags).await, "new", "by tag: {by_tag}");
            }
        }
    }
}
