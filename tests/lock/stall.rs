//! Work behind a stall that is longer than the lease.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use restis::{Lock, Semaphore, transport::Response};
use restis_testing::start;

use super::{SECOND, held, ms, scripted};

/// The time of the test leaps while the work waits, as behind a pause of the machine: the step behind the leap does not run.
#[tokio::test(start_paused = true)]
async fn step_behind_a_stall_does_not_run() {
    for stall in [10, 11, 3600] {
        let ok = || Some(Ok(Response::new(200, r#"{"result":"OK"}"#)));
        let (redis, _) = scripted(move |_| ok());
        let mine = held(&Lock::new(&redis, "a").lease(SECOND * 10)).await;
        let next = AtomicBool::new(false);
        let done = mine.run(async {
            tokio::time::advance(Duration::from_secs(stall)).await;
            next.store(true, SeqCst);
        });
        assert!(done.await.is_err());
        assert!(!next.load(SeqCst), "behind a stall of {stall} s");
        assert!(mine.valid_for().is_zero());
    }
}

/// The thread sleeps for longer than the lease in the last step, so that nothing could be renewed.
#[tokio::test]
async fn work_that_finishes_late_is_lost() {
    let (_local, redis) = start().await.unwrap();
    let mine = held(&Lock::new(&redis, "a").lease(ms(60))).await;
    let done = mine.run(async {
        std::thread::sleep(ms(100));
        7
    });
    assert!(done.await.is_err());
    let permit = Semaphore::new(&redis, "s", 1).lease(ms(60));
    let permit = permit.try_acquire().await.unwrap().unwrap();
    let done = permit.run(async { std::thread::sleep(ms(100)) });
    assert!(done.await.is_err());
}

/// A lease that was over before the work began.
#[tokio::test]
async fn work_does_not_begin_behind_the_lease() {
    let (_local, redis) = start().await.unwrap();
    let mine = held(&Lock::new(&redis, "a").lease(ms(30))).await;
    while !mine.valid_for().is_zero() {
        tokio::time::sleep(ms(5)).await;
    }
    let begun = AtomicBool::new(false);
    let done = mine.run(async { begun.store(true, SeqCst) });
    assert!(done.await.is_err() && !begun.load(SeqCst));
}
