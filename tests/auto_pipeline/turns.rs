//! Commands polled and dropped in any order, while their requests are answered in any order: each gets its own answer,
//! what was dropped in time is never sent, and nobody is left waiting.

use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use proptest::prelude::*;
use restis::{
    Error, Redis, Safety,
    transport::{Request, Response},
};

use crate::by_hand::{End, Executor, Kind, Server, Woken, with_time};

#[test]
fn a_read_waits_for_the_write_before_the_read_before_it() {
    with_time(|| {
        let server = Server::default();
        let redis = server.client(|builder| builder);
        let mut executor = Executor::new(&redis, &server);
        executor.begin([Kind::OwnWrite, Kind::OwnRead, Kind::OwnRead]);
        assert_eq!(server.sent(), [[0]]);
        server.end(0, End::Answer);
        executor.settle(0);
        // Both at the same time.
        assert_eq!(server.sent(), [[0], [1], [2]]);
        server.end(2, End::Answer);
        server.end(1, End::Answer);
        executor.settle(0);
        assert_eq!([0, 1, 2].map(|id| executor.value(id)), [0, 1, 2].map(Some));
    });
}

#[test]
fn a_write_waits_for_all_the_reads_before_it() {
    with_time(|| {
        let server = Server::default();
        let redis = server.client(|builder| builder);
        let mut executor = Executor::new(&redis, &server);
        executor.begin([Kind::Read, Kind::OwnRead, Kind::OwnWrite]);
        assert_eq!(server.sent(), [[0], [1]]);
        server.end(1, End::Answer);
        executor.settle(0);
        assert_eq!(server.sent(), [[0], [1]]);
        server.end(0, End::Answer);
        executor.settle(0);
        assert_eq!(server.sent(), [[0], [1], [2]]);
    });
}

#[test]
fn who_gets_up_in_the_middle_leaves_the_order_of_the_others() {
    // Before and after the turn has ended.
    for has_left in [false, true] {
        with_time(|| {
            let server = Server::default();
            let redis = server.client(|builder| builder);
            let mut executor = Executor::new(&redis, &server);
            for kind in [Kind::OwnWrite, Kind::OwnWrite, Kind::OwnRead] {
                let id = executor.start(kind);
                executor.poll(id);
            }
            if has_left {
                executor.settle(0);
                assert_eq!(server.sent(), [[0]]);
            }
            executor.give_up(1);
            executor.settle(0);
            assert_eq!(server.sent(), [[0]]);
            server.end(0, End::Answer);
            executor.settle(0);
            assert_eq!(server.sent(), [[0], [2]]);
            server.end(1, End::Answer);
            executor.settle(0);
            assert_eq!(executor.value(2), Some(2));
        });
    }
}

#[test]
fn who_gets_up_while_its_request_waits_is_not_in_it() {
    with_time(|| {
        let server = Server::default();
        let redis = server.client(|builder| builder);
        let mut executor = Executor::new(&redis, &server);
        executor.begin([Kind::OwnWrite, Kind::Write, Kind::Read, Kind::Write]);
        executor.give_up(1);
        executor.settle(0);
        server.end(0, End::Answer);
        executor.settle(0);
        assert_eq!(server.sent(), [vec![0], vec![2, 3]]);
        server.end(1, End::Answer);
        executor.settle(0);
        assert_eq!([2, 3].map(|id| executor.value(id)), [2, 3].map(Some));
    });
}

/// What is told not to have been sent may be called again, so it must not leave afterwards.
#[tokio::test(start_paused = true)]
async fn who_is_late_while_its_request_waits_is_not_in_it() {
    let server = Server::default();
    let redis = server.client(|builder| builder);
    let first = redis
        .command("INCRBY")
        .arg(0)
        .attempt_timeout(Duration::from_secs(5))
        .query::<usize>();
    let late = redis
        .command("INCRBY")
        .arg(1)
        .timeout(Duration::from_secs(1))
        .query::<usize>();
    let patient = redis.command("INCRBY").arg(2).query::<usize>();
    let (first, late, patient, ()) = futures_util::join!(
        first.into_future(),
        late.into_future(),
        patient.into_future(),
        async {
            for request in 0..2 {
                tokio::time::sleep(Duration::from_secs(2)).await;
                server.end(request, End::Answer);
            }
        }
    );
    let late = late.unwrap_err();
    assert!(
        late.is_timeout() && !late.is_ambiguous() && late.is_retryable(),
        "{late}"
    );
    assert_eq!(late.command(), Some("INCRBY"));
    assert_eq!((first.unwrap(), patient.unwrap()), (0, 2));
    assert_eq!(server.sent(), [[0], [2]]);
}

#[test]
fn the_class_that_a_caller_has_set_counts_alone_as_well() {
    with_time(|| {
        let server = Server::default();
        let redis = server.client(|builder| builder);
        for (safety, is_ambiguous) in [(Safety::Read, false), (Safety::Write, true)] {
            let command = redis.command("ANY").arg(0).safety(safety);
            let mut command = Box::pin(command.into_future());
            let mut poll = || {
                command
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
            };
            assert!(poll().is_pending() && poll().is_pending());
            server.end(server.open()[0], End::Interrupted);
            let Poll::Ready(Err(error)) = poll() else {
                panic!("the request has ended");
            };
            assert_eq!(error.is_ambiguous(), is_ambiguous, "{error}");
        }
    });
}

/// Somebody is polled while the request is, after the request's waker was called; then who drives it is kept and not
/// polled again.
#[test]
fn a_call_in_the_middle_of_driving_is_not_lost() {
    with_time(|| {
        type Command = Pin<Box<dyn Future<Output = Result<usize, Error>> + Send>>;
        let other: Arc<Mutex<Option<Command>>> = Arc::default();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let (inside, inner_waker) = (Arc::clone(&other), waker.clone());
        let transport = move |request: Request| {
            let body = r#"[{"result":0},{"result":1}]"#;
            assert!(request.url().ends_with("/pipeline"));
            let (inside, waker) = (Arc::clone(&inside), inner_waker.clone());
            let mut is_first = true;
            poll_fn(move |cx| {
                if !std::mem::take(&mut is_first) {
                    return Poll::Ready(Ok(Response::new(200, body)));
                }
                // As another thread would.
                cx.waker().wake_by_ref();
                let mut other = inside.lock().unwrap();
                let polled = other.as_mut().unwrap().as_mut();
                assert!(polled.poll(&mut Context::from_waker(&waker)).is_pending());
                Poll::Pending
            })
        };
        let redis: &'static Redis = Box::leak(Box::new(
            Redis::builder()
                .url("https://mock.example")
                .token("token")
                .auto_pipelining(true)
                .transport(transport)
                .build()
                .unwrap(),
        ));
        let make = |id: usize| redis.command("ECHO").arg(id).query::<usize>().into_future();
        let mut driver = Box::pin(make(0));
        *other.lock().unwrap() = Some(Box::pin(make(1)));
        let noop = &mut Context::from_waker(Waker::noop());
        assert!(driver.as_mut().poll(noop).is_pending());
        let mut second = other.lock().unwrap().take().unwrap();
        assert!(second.as_mut().poll(noop).is_pending());
        *other.lock().unwrap() = Some(second);
        // Sends the request, and is not polled any more.
        assert!(driver.as_mut().poll(noop).is_pending());
        assert!(woken.0.load(Ordering::SeqCst), "nobody is left to drive");
        let mut second = other.lock().unwrap().take().unwrap();
        let polled = second.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(matches!(polled, Poll::Ready(Ok(1))));
    });
}

/// As with executors whose tasks live in their wakers.
#[test]
fn a_waker_may_be_all_that_holds_another_command() {
    type Command = Pin<Box<dyn Future<Output = Result<usize, Error>> + Send>>;
    struct Holder(#[expect(dead_code, reason = "only held")] Mutex<Command>);
    impl Wake for Holder {
        fn wake(self: Arc<Self>) {}
    }
    with_time(|| {
        let server = Server::default();
        let redis: &'static Redis = Box::leak(Box::new(server.client(|builder| builder)));
        let make = |id: usize| redis.command("ECHO").arg(id).query::<usize>().into_future();
        let noop = &mut Context::from_waker(Waker::noop());
        // When the request is given up, and when another waker takes the place of the first.
        for polls in [2, 3] {
            let mut held: Command = Box::pin(make(1));
            assert!(held.as_mut().poll(noop).is_pending());
            let mut holder = Box::pin(make(0));
            assert!(holder.as_mut().poll(noop).is_pending());
            let waker = Waker::from(Arc::new(Holder(Mutex::new(held))));
            let polled = holder.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            drop(waker);
            if polls > 2 {
                assert!(holder.as_mut().poll(noop).is_pending());
            }
            drop(holder);
        }
        assert!(server.open().is_empty());
        assert_eq!(server.sent(), [[1, 0], [1, 0]]);
    });
}

/// A step of a schedule; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Start(Kind),
    Poll(usize),
    GiveUp(usize),
    End(usize, End),
    Settle(usize),
}

fn schedules() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        4 => Just(Kind::Read),
        4 => Just(Kind::Write),
        1 => Just(Kind::OwnRead),
        1 => Just(Kind::OwnWrite),
        1 => Just(Kind::Alone),
    ];
    let end = prop_oneof![
        6 => Just(End::Answer),
        1 => Just(End::Short),
        1 => Just(End::Interrupted),
    ];
    let step = prop_oneof![
        4 => kind.prop_map(Step::Start),
        6 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::GiveUp),
        2 => (any::<usize>(), end).prop_map(|(which, end)| Step::End(which, end)),
        1 => any::<usize>().prop_map(Step::Settle),
    ];
    proptest::collection::vec(step, 1..60)
}

fn play(steps: &[Step], max_in_flight: Option<usize>) {
    let server = Server::default();
    let redis = server.client(|builder| match max_in_flight {
        Some(requests) => builder.max_in_flight(requests),
        None => builder,
    });
    let mut executor = Executor::new(&redis, &server);
    executor.limit = max_in_flight;
    let within_limit = |server: &Server| {
        // `alone` is not counted.
        assert!(max_in_flight.is_none_or(|limit| server.open().len() <= limit));
    };
    for step in steps {
        let count = executor.tasks.len().max(1);
        match *step {
            Step::Start(Kind::Alone) if max_in_flight.is_some() => {}
            Step::Start(kind) => {
                executor.start(kind);
            }
            Step::Poll(id) if !executor.tasks.is_empty() => executor.poll(id % count),
            Step::GiveUp(id) if !executor.tasks.is_empty() => {
                executor.give_up(id % count);
            }
            Step::End(which, end) => {
                let open = server.open();
                if let Some(index) = open.get(which % open.len().max(1)) {
                    server.end(*index, end);
                }
            }
            Step::Settle(order) if !executor.tasks.is_empty() => executor.settle(order % count),
            _ => {}
        }
        within_limit(&server);
    }
    // The rest is answered, last first, and who was woken is polled, and nobody else.
    loop {
        if !executor.tasks.is_empty() {
            executor.settle(0);
        }
        within_limit(&server);
        let Some(last) = server.open().pop() else {
            break;
        };
        server.end(last, End::Answer);
    }
    let asked = server.asked();
    for (id, task) in executor.tasks.iter().enumerate() {
        assert!(task.command.is_none(), "{id} is left waiting");
        let requests: Vec<_> = asked
            .iter()
            .filter(|asked| asked.ids.contains(&id))
            .collect();
        assert!(requests.len() <= 1, "{id} was sent twice");
        if task.must_not_be_sent {
            assert!(requests.is_empty(), "{id} was sent after it was dropped");
        }
        match (&task.end, requests.first().and_then(|asked| asked.end)) {
            (None, _) => {}
            (Some(Ok(value)), Some(End::Answer)) => assert_eq!(*value, id),
            (Some(Err(error)), Some(End::Interrupted)) => {
                assert!(error.is_interrupted(), "{error}");
                assert_eq!(error.is_ambiguous(), task.is_write, "{error}");
            }
            (Some(Err(error)), Some(End::Short)) => assert!(error.is_decode(), "{error}"),
            (end, sent) => panic!("{id} got {end:?}, and its request {sent:?}"),
        }
    }
    // Each request has its commands in the order in which they came, and none with nobody in it is left.
    for asked in asked.iter() {
        assert!(asked.is_over && !asked.ids.is_empty());
        assert!(asked.writes || asked.ids.iter().all(|id| !executor.tasks[*id].is_write));
        assert_eq!(asked.is_batch, asked.ids.len() > 1);
    }
}

proptest! {
    #[test]
    fn everybody_gets_their_own_answer_whatever_the_schedule(
        steps in schedules(),
        max_in_flight in prop_oneof![Just(None), (1_usize..4).prop_map(Some)],
    ) {
        with_time(|| play(&steps, max_in_flight));
    }
}
