//! Reads from a replica that is behind, beside lost answers: what holds our own token is ours.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use restis::{
    Idempotency, Lock, Redis, Throttle,
    idempotency::{Begin, Ran},
};
use restis_local::Local;
use restis_testing::{Route, rerouted, start};

use super::{SECOND, held};

/// The answer to the first SET is lost, and a read finds nothing: not once, or never. Without IFEQ, if asked for.
fn behind(local: &Local, reads: u32, ifeq: bool) -> (Redis, Arc<AtomicBool>) {
    let lost = Arc::new(AtomicBool::new(false));
    let is_lost = Arc::clone(&lost);
    let left = std::sync::atomic::AtomicU32::new(reads);
    let redis = rerouted(local, move |body| {
        let is_read = body.starts_with("[\"GET\"") || body.starts_with("[[\"GET\"");
        if is_read && left.load(SeqCst) > 0 {
            left.fetch_sub(1, SeqCst);
            return Route::Instead(
                200,
                match body.starts_with("[[") {
                    true => r#"[{"result":null},{"result":-2}]"#,
                    false => r#"{"result":null}"#,
                },
            );
        }
        if body.starts_with("[\"SET\"") && !is_lost.swap(true, SeqCst) {
            return Route::Lose;
        }
        Route::Pass(match ifeq {
            true => body,
            false => body.replace("\"IFEQ\"", "\"IFXX\""),
        })
    });
    (redis, lost)
}

#[tokio::test]
async fn key_with_our_own_token_is_ours_where_reads_are_behind() {
    for reads in [1, 2, u32::MAX] {
        for ifeq in [true, false] {
            let (local, direct) = start().await.unwrap();
            let (redis, lost) = behind(&local, reads, ifeq);
            let lock = Lock::new(&redis, "a");
            let mine = held(&lock).await;
            assert!(lost.load(SeqCst) && mine.valid_for() > SECOND);
            assert!(
                !Lock::new(&direct, "a")
                    .try_acquire()
                    .await
                    .unwrap()
                    .is_held()
            );
            assert!(mine.release().await.unwrap());

            let (redis, _) = behind(&local, reads, ifeq);
            let waited = Lock::new(&redis, "b").wait(SECOND * 3).acquire().await;
            assert!(waited.unwrap().is_some(), "{reads} {ifeq}");

            let (redis, _) = behind(&local, reads, ifeq);
            assert!(Throttle::new(&redis, "t").allow().await.unwrap());
            assert!(!Throttle::new(&redis, "t").allow().await.unwrap());

            let (redis, _) = behind(&local, reads, ifeq);
            let once = Idempotency::new(&redis);
            let ran = once.run("k", "body", async || Ok::<u64, &str>(7)).await;
            assert!(matches!(ran.unwrap(), Ran::Now(7)), "{reads} {ifeq}");
            let again = Idempotency::new(&direct).begin::<u64>("k", "body").await;
            assert!(matches!(again.unwrap(), Begin::Done(7)));
        }
    }
}

/// What somebody else holds stays theirs, whatever a replica shows and whichever answers are lost.
#[tokio::test]
async fn key_of_another_is_not_ours_where_reads_are_behind() {
    for reads in [1, 2, u32::MAX] {
        for ifeq in [true, false] {
            let (local, direct) = start().await.unwrap();
            let theirs = held(&Lock::new(&direct, "a")).await;
            let (redis, lost) = behind(&local, reads, ifeq);
            assert!(
                !Lock::new(&redis, "a")
                    .try_acquire()
                    .await
                    .unwrap()
                    .is_held()
            );
            assert!(lost.load(SeqCst) && theirs.release().await.unwrap());
        }
    }
}

/// A key that a write finds and a read does not is not asked for without a pause, nor for ever.
#[tokio::test]
async fn run_of_another_that_no_read_shows_is_in_progress() {
    let (local, direct) = start().await.unwrap();
    let begun = Idempotency::new(&direct).begin::<u64>("k", "body").await;
    assert!(matches!(begun.unwrap(), Begin::Started(_)));
    let (redis, _) = behind(&local, u32::MAX, true);
    let found = Idempotency::new(&redis).begin::<u64>("k", "body").await;
    match found.unwrap() {
        Begin::InProgress { retry_after, .. } => assert_eq!(retry_after, SECOND * 30),
        other => panic!("{other:?}"),
    }
}
