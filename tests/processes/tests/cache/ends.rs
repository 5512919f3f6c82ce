//! Loaders that end before their load: killed, or not wanted any more.

use std::time::{Duration, Instant};

use restis_processes::until;

use crate::{LOAD, scene};

const LEASE: u64 = 1_000;

#[tokio::test]
async fn a_killed_process_holds_the_others_up_for_its_lease() {
    let scene = scene(2, |settings| {
        settings.lease = Some(LEASE);
        settings.loader_timeout = Some(10 * LEASE);
    })
    .await;
    scene.source.delay(Duration::from_secs(600));
    let lost = scene.caches[0].crowd("page", &[], 10).await.unwrap();
    scene.source.begun(1).await.unwrap();
    let claimed = Instant::now();
    scene.source.delay(Duration::ZERO);
    let waiting = scene.caches[1].crowd("page", &[], 100).await.unwrap();
    scene.caches[0].kill().await.unwrap();
    let crowd = waiting.all().await.unwrap();
    let time = claimed.elapsed();
    assert_eq!(crowd.value().unwrap(), "old");
    // Not the time limit of the load, which is ten times as long.
    assert!(time <= Duration::from_millis(LEASE * 8), "{time:?}");
    let counts = scene.source.counts();
    assert_eq!((counts.begun, counts.ended), (2, 1));
    assert!(lost.all().await.is_err());
}

#[tokio::test]
async fn when_a_caller_that_loads_goes_away_another_loads() {
    // A claim that was left behind would hold them up for a minute.
    let scene = scene(2, |settings| settings.lease = Some(60_000)).await;
    scene.source.delay(LOAD);
    let [here, elsewhere] = &scene.caches[..] else {
        unreachable!()
    };
    let begun = Instant::now();
    here.lead("page").await.unwrap();
    scene.source.begun(1).await.unwrap();
    here.drop_leader().await.unwrap();
    let waiting = [
        here.crowd("page", &[], 50).await.unwrap(),
        elsewhere.crowd("page", &[], 50).await.unwrap(),
    ];
    for crowd in waiting {
        let crowd = crowd.all().await.unwrap();
        assert_eq!(crowd.value().unwrap(), "old", "{crowd:?}");
    }
    let time = begun.elapsed();
    assert!(time < Duration::from_secs(30), "{time:?}");
    let counts = scene.source.counts();
    assert_eq!((counts.begun, counts.gone, counts.ended), (2, 1, 1));
}

#[tokio::test]
async fn those_who_wait_for_a_caller_that_goes_away_do_not_wait_for_ever() {
    let scene = scene(2, |settings| settings.lease = Some(60_000)).await;
    scene.source.delay(Duration::from_secs(600));
    let [here, elsewhere] = &scene.caches[..] else {
        unreachable!()
    };
    here.lead("page").await.unwrap();
    scene.source.begun(1).await.unwrap();
    scene.source.delay(LOAD);
    let waiting = [
        here.crowd("page", &[], 50).await.unwrap(),
        elsewhere.crowd("page", &[], 50).await.unwrap(),
    ];
    // The other process has looked a second time, so all are there, and wait.
    scene.server.reset().await.unwrap();
    let looked = async || Ok(scene.server.stats().await?.requests >= 2);
    until("a second look", looked).await.unwrap();
    let dropped = Instant::now();
    here.drop_leader().await.unwrap();
    for crowd in waiting {
        let crowd = crowd.all().await.unwrap();
        assert_eq!(crowd.value().unwrap(), "old", "{crowd:?}");
    }
    let time = dropped.elapsed();
    assert!(time < Duration::from_secs(30), "{time:?}");
    let counts = scene.source.counts();
    assert_eq!((counts.begun, counts.gone, counts.ended), (2, 1, 1));
}
