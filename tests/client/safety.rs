//! Nothing runs twice and nothing is promised that is not so: the corners of retry, batch and time.

use std::time::Duration;

use restis::{Retry, Safety, Script};

use crate::play::{ONE, Play, Step};

const TWO: Step = Step::Answer(200, r#"[{"result":1},{"result":2}]"#);
const OK: Step = Step::Answer(200, r#"{"result":"OK"}"#);

#[tokio::test]
async fn the_wish_of_one_member_is_not_that_of_the_others() {
    let (redis, script) = Play::redis([Step::Interrupted]);
    let wide = redis.incr("a").retry(Retry::times(3).even_if_ambiguous());
    let error = redis.pipeline((wide, redis.incr("b"))).await.unwrap_err();
    assert_eq!((script.requests(), error.is_ambiguous()), (1, true));

    let script = Play::default();
    script.then([Step::Connect]);
    let redis = script.client(|builder| builder.retry(Retry::never()));
    let many = redis.get::<i64>("a").retry(Retry::times(3));
    let result = redis.pipeline((many, redis.get::<i64>("b"))).await;
    assert_eq!((script.requests(), result.is_err()), (1, true));

    // Nor does the batch's own wish loosen a member's.
    let (redis, script) = Play::redis([Step::Interrupted]);
    let never = redis.incr("a").retry(Retry::never());
    let batch = redis.pipeline((never, redis.incr("b")));
    let wide = Retry::times(3).even_if_ambiguous();
    assert!(batch.retry(wide).await.is_err());
    assert_eq!(script.requests(), 1);

    let (redis, script) = Play::redis([Step::Interrupted, TWO]);
    let batch = redis.pipeline((redis.incr("a"), redis.incr("b")));
    let (a, b) = batch.retry(wide).await.unwrap();
    assert_eq!((script.requests(), a.unwrap(), b.unwrap()), (2, 1, 2));
}

#[tokio::test]
async fn what_a_script_says_of_itself_is_not_believed() {
    let words = Step::Answer(400, r#"{"error":"TRYAGAIN later"}"#);
    for read_only in [false, true] {
        let (redis, played) = Play::redis([words.clone(), ONE]);
        let script = Script::new("return 1");
        let script = if read_only {
            script.read_only()
        } else {
            script
        };
        let result = script.run::<i64>(&redis, ()).await;
        // One that cannot write may be run again.
        assert_eq!(
            (played.requests(), result.is_ok()),
            if read_only { (2, true) } else { (1, false) }
        );
        assert!(result.is_ok() || !result.unwrap_err().is_retryable());
    }
}

#[tokio::test]
async fn a_read_before_a_write_is_not_run_again() {
    let (redis, script) = Play::redis([Step::Interrupted]);
    let swap = redis.transaction((redis.get::<String>("k"), redis.set("k", "new")));
    assert!(swap.await.unwrap_err().is_ambiguous());
    assert_eq!(script.requests(), 1);
    let both = Step::Answer(200, r#"[{"result":"OK"},{"result":"new"}]"#);
    let (redis, script) = Play::redis([Step::Interrupted, both]);
    let ((), value) = redis
        .transaction((redis.set("k", "new"), redis.get::<String>("k")))
        .await
        .unwrap();
    assert_eq!((script.requests(), value.as_deref()), (2, Some("new")));
}

#[tokio::test]
async fn doubt_stays_when_a_later_answer_is_certain() {
    let refused = Step::Answer(
        401,
        r#"{"error":"WRONGPASS invalid or missing auth token"}"#,
    );
    let (redis, _) = Play::redis([Step::Interrupted, refused]);
    let error = redis.set("k", 1).await.unwrap_err();
    assert!(error.is_auth() && error.is_ambiguous(), "{error}");
    assert_eq!(error.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_wait_however_long_is_a_panic() {
    let (redis, script) =
        Play::redis([Step::Header(429, "", "retry-after", "18446744073709551615")]);
    assert!(redis.incr("k").await.unwrap_err().is_retryable());
    assert_eq!(script.requests(), 1);
    let script = Play::default();
    script.then([Step::Connect]);
    let endless = Retry::times(1).backoff(Duration::MAX, Duration::MAX);
    let redis = script.client(|builder| builder.retry(endless).timeout(Duration::from_secs(1)));
    assert!(redis.incr("k").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn no_write_begins_that_could_not_be_heard_of() {
    let late = Step::Late(Duration::from_millis(90), 429, "");
    let (redis, script) = Play::redis([late.clone()]);
    let error = redis
        .incr("k")
        .timeout(Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(
        error.is_http() && !error.is_ambiguous() && error.is_retryable(),
        "{error}"
    );
    assert_eq!(script.requests(), 1);
    // A read may use the time that is left.
    let (redis, script) = Play::redis([late, ONE]);
    redis
        .get::<i64>("k")
        .timeout(Duration::from_millis(100))
        .await
        .unwrap();
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_script_has_one_timeout_for_both_of_its_requests() {
    let no_script = Step::Late(
        Duration::from_millis(600),
        400,
        r#"{"error":"NOSCRIPT No matching script."}"#,
    );
    let (redis, played) = Play::redis([no_script, Step::Never]);
    let script = Script::new("return 1");
    let begun = tokio::time::Instant::now();
    let run = script
        .run::<i64>(&redis, ())
        .timeout(Duration::from_secs(1));
    let error = run
        .retry(Retry::never())
        .safety(Safety::Write)
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!((played.requests(), begun.elapsed().as_millis()), (2, 1000));
}

#[tokio::test(start_paused = true)]
async fn each_page_of_a_scan_has_the_scans_settings() {
    let (redis, script) =
        Play::redis([Step::Answer(200, r#"{"result":["7",["a"]]}"#), Step::Never]);
    let scan = redis
        .scan()
        .timeout(Duration::from_millis(50))
        .retry(Retry::never());
    let mut scan = scan.stream::<String>();
    assert_eq!(scan.next().await.unwrap().unwrap(), "a");
    assert!(scan.next().await.unwrap().unwrap_err().is_timeout());
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_overtaken_does_not_bring_its_old_token_back() {
    let (redis, script) = Play::redis([]);
    script.then([
        Step::LateHeader(Duration::from_millis(50), r#"{"result":null}"#, "old"),
        Step::LateHeader(Duration::from_millis(10), r#"{"result":"OK"}"#, "new"),
        OK,
    ]);
    let (got, set) = tokio::join!(redis.get::<String>("k"), redis.set("k", "v"));
    got.unwrap();
    set.unwrap();
    redis.set("k", "w").await.unwrap();
    let sent = script.seen(2).headers;
    assert!(
        sent.contains(&("upstash-sync-token", "new".into())),
        "{sent:?}"
    );
}

#[tokio::test]
async fn an_argument_that_fails_names_its_command() {
    let (redis, _) = Play::redis([]);
    let bad = || restis::Json(std::collections::HashMap::from([(vec![1], 1)]));
    let error = redis
        .scan()
        .matching(bad())
        .stream::<String>()
        .next()
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!((error.is_argument(), error.command()), (true, Some("SCAN")));
    let error = Script::new("return 1")
        .run::<()>(&redis, ())
        .arg(bad())
        .await
        .unwrap_err();
    assert_eq!(
        (error.is_argument(), error.command()),
        (true, Some("EVALSHA"))
    );
    let error = redis.command("SCRIPT LOAD").arg("x").await.unwrap_err();
    assert!(error.is_argument(), "{error}");
}

#[tokio::test]
async fn ten_megabytes_go_and_one_byte_more_does_not() {
    let frame = r#"["SET","k",""]"#.len();
    let (redis, script) = Play::redis([OK]);
    redis
        .set("k", "x".repeat(10_485_760 - frame))
        .await
        .unwrap();
    assert_eq!(script.seen(0).body.len(), 10_485_760);
    let error = redis
        .set("k", "x".repeat(10_485_761 - frame))
        .await
        .unwrap_err();
    assert!(error.is_too_large());
}
