//! Threads that share a client, in the orders that shuttle tries: every command runs once, every caller gets its own
//! answer, and who leaves takes nobody along.
//!
//! `cargo xtask test native` runs them; by hand `RUSTFLAGS="--cfg shuttle" cargo test -p restis --lib interleavings`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::{
    collections::BTreeMap,
    future::{IntoFuture, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use futures_util::future::join;
use shuttle::future::block_on;

use crate::{
    Builder, Command, Redis,
    sync::orders::{all, on_threads},
    transport::{Request, Response, TransportError},
};

/// The ids of the commands that ran, by the key, in their order.
type Ran = Arc<shuttle::sync::Mutex<BTreeMap<String, Vec<u64>>>>;

/// A server that answers INCRBY with what it was told to add, and writes it down.
fn server(ran: &Ran, settings: impl FnOnce(Builder) -> Builder) -> Redis {
    let ran = Arc::clone(ran);
    let transport = move |request: Request| {
        let ran = Arc::clone(&ran);
        async move {
            let body: Vec<serde_json::Value> =
                serde_json::from_slice(request.body()).map_err(TransportError::interrupted)?;
            let is_batch = body.first().is_some_and(serde_json::Value::is_array);
            let commands: Vec<_> = if is_batch { body } else { vec![body.into()] };
            let mut answers = Vec::new();
            for command in &commands {
                let word = |at: usize| command[at].as_str().unwrap();
                let id: u64 = word(2).parse().unwrap();
                ran.lock()
                    .unwrap()
                    .entry(word(1).to_owned())
                    .or_default()
                    .push(id);
                answers.push(format!(r#"{{"result":{id}}}"#));
            }
            // Others get a turn between the doing and the answer.
            shuttle::future::yield_now().await;
            let text = answers.join(",");
            let body = if is_batch { format!("[{text}]") } else { text };
            Ok(Response::new(200, body))
        }
    };
    let builder = Redis::builder()
        .url("https://mock.example")
        .token("token")
        .transport(transport)
        .auto_pipelining(true);
    settings(builder).build().unwrap()
}

fn add<'a>(redis: &'a Redis, key: &str, id: u64) -> Command<'a, u64> {
    redis.command("INCRBY").arg(key).arg(id).query()
}

/// Three threads, each with two commands at once and one behind them.
fn three_each(settings: impl Fn(Builder) -> Builder + Send + Sync + 'static, is_ordered: bool) {
    all(move || {
        let ran = Ran::default();
        let redis = server(&ran, &settings);
        on_threads(3, move |number| {
            block_on(async {
                let key = number.to_string();
                let (one, two) = join(
                    add(&redis, &key, 1).into_future(),
                    add(&redis, &key, 2).into_future(),
                )
                .await;
                assert_eq!((one.unwrap(), two.unwrap()), (1, 2));
                assert_eq!(add(&redis, &key, 3).await.unwrap(), 3);
            });
        });
        let ran = ran.lock().unwrap();
        assert_eq!(ran.len(), 3);
        for ids in ran.values() {
            // The third was asked for when the others had answered.
            let in_order = *ids == [1, 2, 3];
            assert!(in_order || !is_ordered && *ids == [2, 1, 3], "{ran:?}");
        }
    });
}

#[test]
fn everybody_gets_his_own_answer_and_every_command_runs_once_in_order() {
    three_each(|builder| builder, true);
}

#[test]
fn so_it_is_one_request_at_a_time() {
    three_each(|builder| builder.max_in_flight(1), true);
}

/// As `max_in_flight` says: a turn may end in its middle.
#[test]
fn so_it_is_two_at_a_time_but_for_the_order_in_a_turn() {
    three_each(|builder| builder.max_in_flight(2), false);
}

#[test]
fn who_leaves_takes_nobody_along() {
    all(|| {
        let ran = Ran::default();
        let redis = server(&ran, |builder| builder);
        on_threads(3, move |number| {
            block_on(async {
                let key = number.to_string();
                let mut call = add(&redis, &key, 1).into_future();
                let seated = poll_fn(|cx| Poll::Ready(Pin::new(&mut call).poll(cx)));
                let first = seated.await;
                if number == 0 {
                    // It may be the one that drives the request of all.
                    drop(call);
                    return;
                }
                let got = match first {
                    Poll::Ready(got) => got,
                    Poll::Pending => call.await,
                };
                assert_eq!(got.unwrap(), 1);
            });
        });
        let ran = ran.lock().unwrap();
        let times = |key: &str| ran.get(key).map_or(0, Vec::len);
        assert!(
            times("0") <= 1 && times("1") == 1 && times("2") == 1,
            "{ran:?}"
        );
    });
}
