//! Values that are loaded again before their end. Apart from the other tests, which would make the machine stand still.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test, not an API")]

use std::time::{Duration, Instant};

use restis_processes::{
    cache::{Crowd, Kind, Scene, Settings},
    source::Counts,
};
use tokio::time::{MissedTickBehavior, interval};

const TTL: u64 = 1_000;
const TICK: Duration = Duration::from_millis(20);

/// 100 calls a second of two processes, and a load of 50 ms, for ten times the time to live. None where the machine stood
/// still meanwhile, as for a neighbour: then nobody asked often.
async fn ten_cycles() -> Option<(Crowd, Counts)> {
    let settings = Settings {
        ttl: Some(TTL),
        early: Some(2.0),
        ..Settings::default()
    };
    let kind = Kind::rust(env!("CARGO_BIN_EXE_player"), "cache");
    let scene = Scene::start(&kind, &[settings.clone(), settings])
        .await
        .unwrap();
    scene.source.delay(Duration::from_millis(50));
    let first = scene.first().unwrap();
    first.get_or_set("page", &[]).await.unwrap();
    scene.source.reset();
    let begun = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut coming, mut last, mut still) = (Vec::new(), begun, Duration::ZERO);
    for tick in 0.. {
        ticks.tick().await;
        still = still.max(last.elapsed());
        last = Instant::now();
        if begun.elapsed() >= Duration::from_millis(10 * TTL) {
            break;
        }
        // A load takes longer than a tick, so each loads a value of its own.
        scene.source.set(tick.to_string());
        for cache in &scene.caches {
            coming.push(cache.crowd("page", &[], 1).await.unwrap());
        }
    }
    let mut crowd = Crowd::default();
    for each in coming {
        crowd = crowd.and(each.all().await.unwrap());
    }
    (still < TICK * 10 && crowd.max < 200).then(|| (crowd, scene.source.counts()))
}

/// With a beta of 1 the chance of a miss is one in 2,500 for each end, as the test of the rule has it; 2 is for a test that
/// runs often.
#[tokio::test]
async fn a_value_that_is_asked_for_often_never_ends() {
    let mut seen = None;
    for _ in 0..5 {
        seen = ten_cycles().await;
        if seen.is_some() {
            break;
        }
    }
    let (crowd, counts) = seen.expect("a machine that does not stand still");
    let found = |status: &&str| crowd.statuses.get(*status);
    let cold: u64 = ["Miss", "Collapsed", "Bypass"]
        .iter()
        .filter_map(found)
        .sum();
    assert_eq!((cold, crowd.errors), (0, 0), "{crowd:?}");
    assert_eq!(counts.at_once, 1, "{counts:?}");
    // One is from before.
    let cycles = crowd.values.len() as f64 - 1.0;
    assert!(cycles >= 10.0, "{crowd:?}");
    let loads = counts.begun as f64 / cycles;
    assert!(loads <= 1.2, "{loads} loads for each value: {crowd:?}");
}
