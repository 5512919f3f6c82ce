//! Queues on wasm32, in Node and in Chromium, against a real server: the whole life of a job, a run with locks that are held by the
//! platform's timer, and a scheduler.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(all(feature = "queue", target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use std::time::Duration;

use js_sys::{Function, Promise};
use restis::{
    Queue, Redis,
    queue::{Backoff, Finished, JobError, Repeat, Settled, Stopped},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

async fn queue(name: &str) -> Queue {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    let queue = Queue::new(&Redis::new(url, token).unwrap(), name);
    // Node and Chromium use the same database, one after the other.
    queue.pause().await.unwrap();
    queue.obliterate(true).await.unwrap();
    queue
}

async fn sleep(millis: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        let set = js_sys::Reflect::get(&js_sys::global(), &"setTimeout".into()).unwrap();
        let set: Function = set.unchecked_into();
        set.call2(&JsValue::NULL, &resolve, &millis.into()).unwrap();
    });
    JsFuture::from(promise).await.unwrap();
}

#[wasm_bindgen_test]
async fn the_life_of_a_job() {
    let queue = queue("wasm-life").await;
    let id = queue
        .add("sum", &[1, 2])
        .attempts(2)
        .backoff(Backoff::fixed(Duration::from_millis(1)))
        .await
        .unwrap();
    let consumer = queue.consumer();
    let mut batch = consumer.pull(5).await.unwrap();
    assert_eq!(batch.jobs()[0].data::<Vec<u32>>().unwrap(), [1, 2]);
    batch.fail(&id, "once");
    let (settled, _) = batch.settle_and_pull(0).await.unwrap();
    assert_eq!(settled, [(id.clone(), Settled::Done)]);
    sleep(10).await;
    let mut batch = consumer.pull(5).await.unwrap();
    batch.complete(&id, &3).unwrap();
    batch.settle().await.unwrap();
    let found = queue
        .wait_finished::<u32>(&id, Duration::from_secs(1))
        .await;
    assert_eq!(found.unwrap(), Some(Finished::Completed(3)));
}

#[wasm_bindgen_test]
async fn a_run_holds_its_locks() {
    let queue = queue("wasm-run").await;
    for n in 0..5_u32 {
        queue.add("n", &n).await.unwrap();
    }
    let consumer = queue.consumer().lock(Duration::from_millis(1500));
    let work = async |job: restis::queue::Job| {
        let n: u32 = job.data()?;
        // Longer than the lock.
        sleep(if n == 0 { 3500 } else { 1 }).await;
        Ok::<_, JobError>(n)
    };
    let done = consumer
        .run_until(Duration::from_secs(20), work)
        .await
        .unwrap();
    assert_eq!(
        (done.completed, done.lost, done.stopped),
        (5, 0, Stopped::Drained)
    );
}

#[wasm_bindgen_test]
async fn a_scheduler_goes_on() {
    let queue = queue("wasm-scheduler").await;
    let often = Repeat::every(Duration::from_millis(20));
    queue
        .upsert_scheduler("often", often, queue.add("tick", &()))
        .await
        .unwrap();
    let consumer = queue.consumer();
    let mut taken = 0;
    while taken < 3 {
        let mut batch = consumer.pull(1).await.unwrap();
        for job in batch.jobs().to_vec() {
            batch.complete(job.id(), &()).unwrap();
            taken += 1;
        }
        batch.settle().await.unwrap();
        sleep(10).await;
    }
    assert!(queue.remove_scheduler("often").await.unwrap());
}
