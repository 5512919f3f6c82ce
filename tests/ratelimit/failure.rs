//! A Redis that does not answer: what is decided then, after exactly that time, and that nothing goes on behind it.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{
    RateLimiter, Redis,
    ratelimit::{RateLimiterBuilder, Reason},
    transport::{Request, Response, TransportError},
};
use tokio::time::Instant;

use super::SECOND;

const TIME: Duration = Duration::from_millis(250);

/// Counts requests that were dropped.
struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A client of a server that takes requests and never answers, and how many were given up.
fn silent() -> (Redis, Arc<AtomicU32>) {
    let dropped = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&dropped);
    let transport = move |_: Request| {
        let guard = Dropped(Arc::clone(&count));
        async move {
            let _guard = guard;
            pending::<Result<Response, TransportError>>().await
        }
    };
    (client(transport), dropped)
}

fn client<F>(transport: impl Fn(Request) -> F + Send + Sync + 'static) -> Redis
where
    F: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    let builder = Redis::builder().url("https://silent.example").token("any");
    builder.transport(transport).build().unwrap()
}

fn limit() -> RateLimiterBuilder {
    RateLimiter::fixed_window(2, SECOND * 60)
}

#[tokio::test(start_paused = true)]
async fn it_is_decided_in_time_and_the_request_ends() {
    let (redis, dropped) = silent();
    let open = limit().fail_open(TIME).build(&redis);
    let closed = limit().fail_closed(TIME).build(&redis);
    let here = limit().fail_local(TIME).build(&redis);
    let leased = limit().lease(5).fail_open(TIME).build(&redis);
    let mut given_up = 0;
    for (limiter, allowed, reason) in [
        (&open, true, Reason::Unavailable),
        (&closed, false, Reason::Unavailable),
        (&here, true, Reason::CountedHere),
        (&leased, true, Reason::Unavailable),
    ] {
        let begun = Instant::now();
        let decision = limiter.check("a").await.unwrap();
        assert_eq!(begun.elapsed(), TIME);
        assert_eq!((decision.allowed(), decision.reason()), (allowed, reason));
        given_up += 1;
        assert_eq!(dropped.load(SeqCst), given_up);
    }
    let refused = closed.check("a").await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.retry_after_field().as_deref(), Some("1"));
    assert_eq!(refused.rate_limit_field(), None);
    // It is asked again each time.
    assert_eq!(dropped.load(SeqCst), given_up + 1);
}

#[tokio::test(start_paused = true)]
async fn several_decide_each_as_was_chosen() {
    let (redis, dropped) = silent();
    let open = limit().prefix("a").fail_open(TIME * 2).build(&redis);
    let here = limit().prefix("b").fail_local(TIME).build(&redis);
    for allowed in [true, true, false] {
        let begun = Instant::now();
        let calls = [open.call("a"), here.call("a")];
        let decisions = RateLimiter::check_all(calls).await.unwrap();
        assert_eq!(begun.elapsed(), TIME);
        assert_eq!(decisions.allowed(), allowed);
    }
    assert_eq!(dropped.load(SeqCst), 3);
    // One that has chosen nothing waits as long as the client does, and fails.
    let plain = limit().prefix("c").build(&redis);
    let calls = [open.call("a"), plain.call("a")];
    assert!(
        RateLimiter::check_all(calls)
            .await
            .unwrap_err()
            .is_timeout()
    );
}

/// In this process the same limit holds, at an even rate.
#[tokio::test(start_paused = true)]
async fn a_limit_of_this_process_is_one() {
    let (redis, _) = silent();
    let now = super::Time::at(super::BEGIN);
    let builder = RateLimiter::sliding_window(10, SECOND * 10);
    let limiter = now.of(builder.fail_local(TIME), &redis);
    let mut left = 10;
    for _ in 0..5 {
        left -= 2;
        let decision = limiter.check_cost("a", 2).await.unwrap();
        assert_eq!((decision.allowed(), decision.remaining()), (true, left));
    }
    let refused = limiter.check_cost("a", 3).await.unwrap();
    assert!(!refused.allowed() && limiter.check("b").await.unwrap().allowed());
    assert_eq!(refused.retry_after(), Some(SECOND * 3));
    assert_eq!(refused.rate_limit_field().unwrap(), "\"default\";r=0;t=3");
    now.set(refused.retry_at().unwrap() - 1);
    assert!(!limiter.check_cost("a", 3).await.unwrap().allowed());
    now.set(refused.retry_at().unwrap());
    assert!(limiter.check_cost("a", 3).await.unwrap().allowed());
    let never = limiter.check_cost("a", 11).await.unwrap();
    assert_eq!((never.allowed(), never.retry_after_field()), (false, None));
}

/// A service that is out of order is decided like one that is silent; a mistake is an error.
#[tokio::test(start_paused = true)]
async fn mistakes_are_errors_all_the_same() {
    for (status, body, fails) in [
        (401, r#"{"error":"Unauthorized"}"#, true),
        (400, r#"{"error":"ERR wrong number of arguments"}"#, true),
        (429, r#"{"error":"ERR max requests limit exceeded"}"#, false),
        (500, "", false),
        (503, "<html>", false),
        (200, "not JSON", false),
        (200, r#"{"result":"OK"}"#, false),
    ] {
        let redis = client(move |_| async move { Ok(Response::new(status, body)) });
        let limiter = limit().fail_open(SECOND * 5).build(&redis);
        let found = limiter.check("a").await;
        assert_eq!(found.is_err(), fails, "{status} {body}: {found:?}");
        // Without a choice, all of them are.
        assert!(limit().build(&redis).check("a").await.is_err());
    }
    let redis = client(|_| async { Err(TransportError::connect("no route")) });
    let limiter = limit().fail_closed(SECOND).build(&redis);
    assert!(!limiter.check("a").await.unwrap().allowed());
}

/// What Redis answers when it cannot serve: each policy applies, also where the answer is that of one command among others.
#[tokio::test]
async fn policy_covers_a_redis_that_cannot_serve() {
    for words in [
        "OOM command not allowed when used memory > 'maxmemory'. script: 0a, on @user_script:3.",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "LOADING Redis is loading the dataset in memory",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "READONLY You can't write against a read only replica.",
        "NOREPLICAS Not enough good replicas to write.",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.",
    ] {
        for together in [false, true] {
            let redis = refusing(words, together);
            let open = limit().fail_open(SECOND * 5).build(&redis);
            let closed = limit().fail_closed(SECOND * 5).build(&redis);
            let here = limit().fail_local(SECOND * 5).build(&redis);
            let (one, two) = futures_util::join!(open.check("a"), open.check("b"));
            for decision in [one, two, open.check("a").await] {
                let decision = decision.unwrap();
                let found = (decision.allowed(), decision.reason());
                assert_eq!(found, (true, Reason::Unavailable), "{words}");
            }
            assert_eq!(closed.check("a").await.unwrap().status(), 503);
            let here = here.check("a").await.unwrap();
            assert_eq!(here.reason(), Reason::CountedHere);
            let calls = [open.call("a"), closed.call("a")];
            let several = RateLimiter::check_all(calls).await.unwrap();
            assert_eq!(several.status(), 503);
            assert!(limit().build(&redis).check("a").await.is_err());
        }
    }
}

#[tokio::test]
async fn mistake_is_an_error_under_every_policy() {
    for words in [
        "WRONGTYPE Operation against a key holding the wrong kind of value script: 0a, on @user_script:3.",
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "WRONGPASS invalid or missing auth token",
        "NOAUTH Authentication required.",
        "ERR wrong number of arguments for 'evalsha' command",
        "ERR value is not an integer or out of range script: 0a, on @user_script:3.",
    ] {
        for together in [false, true] {
            let redis = refusing(words, together);
            for limiter in [
                limit().fail_open(SECOND * 5).build(&redis),
                limit().fail_closed(SECOND * 5).build(&redis),
                limit().fail_local(SECOND * 5).build(&redis),
            ] {
                let (one, two) = futures_util::join!(limiter.check("a"), limiter.check("b"));
                assert!(
                    one.unwrap_err().is_server() && two.unwrap_err().is_server(),
                    "{words}"
                );
            }
        }
    }
}

/// A client of a server that answers each command with these words.
fn refusing(words: &'static str, auto_pipelining: bool) -> Redis {
    let transport = move |request: Request| async move {
        let error = serde_json::json!({ "error": words });
        let sent: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        Ok::<_, TransportError>(match sent[0].is_array() {
            true => {
                let all = vec![error; sent.as_array().unwrap().len()];
                Response::new(200, serde_json::json!(all).to_string())
            }
            false => Response::new(400, error.to_string()),
        })
    };
    let builder = Redis::builder()
        .url("https://refusing.example")
        .token("any");
    let builder = builder.auto_pipelining(auto_pipelining);
    let builder = builder.retry(restis::Retry::never());
    builder.transport(transport).build().unwrap()
}
