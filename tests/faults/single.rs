//! Faults of single requests, against a real server.

use std::{future::IntoFuture, time::Duration};

use restis::{Bytes, Redis, Value};
use restis_local::{Fault, Local};

use crate::{Outcome, SHORT, client, ran, start, until};

#[tokio::test]
async fn a_lost_answer_to_incr_is_not_sent_again_and_to_get_is() -> Outcome {
    let (local, redis) = start().await;
    local.inject(Fault::drop_after());
    let error = redis.incr("n").await.unwrap_err();
    assert!(
        error.is_ambiguous() && error.is_interrupted() && !error.is_retryable(),
        "{error}"
    );
    assert_eq!(error.command(), Some("INCR"));
    assert_eq!(ran(&local, "INCR").await, 1);
    assert_eq!(redis.get::<i64>("n").await?, Some(1));

    local.reset_stats().await?;
    local.inject(Fault::drop_after());
    assert_eq!(redis.get::<i64>("n").await?, Some(1));
    assert_eq!(ran(&local, "GET").await, 2);
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_in_a_batch_follows_its_least_safe_member() -> Outcome {
    let (local, redis) = start().await;
    local.inject(Fault::drop_after());
    let error = redis
        .pipeline((redis.get::<i64>("n"), redis.incr("n")))
        .await
        .unwrap_err();
    assert!(error.is_ambiguous());
    local.inject(Fault::drop_after());
    let error = redis
        .transaction((redis.set("a", 1), redis.incr("n")))
        .await
        .unwrap_err();
    assert!(error.is_ambiguous());
    assert_eq!(ran(&local, "INCR").await, 2);
    local.inject(Fault::drop_after());
    let (set, got) = redis
        .pipeline((redis.set("a", 2), redis.get::<i64>("a")))
        .await?;
    set?;
    assert_eq!(got?, Some(2));
    assert_eq!(redis.get::<i64>("n").await?, Some(2));
    Ok(())
}

#[tokio::test]
async fn what_was_dropped_before_it_ran_looks_the_same_from_here() -> Outcome {
    let (local, redis) = start().await;
    local.inject(Fault::drop_before());
    assert!(redis.incr("n").await.unwrap_err().is_ambiguous());
    assert_eq!(ran(&local, "INCR").await, 0);
    local.inject(Fault::drop_before());
    redis.set("n", 5).await?;
    assert_eq!(ran(&local, "SET").await, 1);
    Ok(())
}

#[tokio::test]
async fn every_status_has_its_kind_and_its_decision() -> Outcome {
    let (local, redis) = start().await;
    for fault in [
        Fault::status(429),
        Fault::status(503).header("restis-ran", "no"),
    ] {
        local.inject(fault);
        redis.incr("n").await?;
    }
    assert_eq!(ran(&local, "INCR").await, 2);
    for fault in [
        Fault::status(500),
        Fault::html(),
        Fault::status(503),
        Fault::status(504),
        Fault::status(429).header("restis-ran", "maybe"),
    ] {
        local.inject(fault.clone());
        let error = redis.incr("n").await.unwrap_err();
        assert!(
            error.is_http() && error.is_ambiguous() && error.status() >= Some(429),
            "{error}"
        );
        local.inject(fault);
        assert_eq!(redis.get::<i64>("n").await?, Some(2));
    }
    local.inject(Fault::status(429).times(10));
    let error = redis.incr("n").await.unwrap_err();
    assert!(
        error.is_http()
            && error.status() == Some(429)
            && error.is_retryable()
            && !error.is_ambiguous()
    );
    assert_eq!(error.attempts(), 4);
    local.clear_faults();
    local.inject(
        Fault::status(200)
            .with_body("<html>sign in</html>")
            .header("content-type", "text/html")
            .executed(),
    );
    let error = redis.incr("n").await.unwrap_err();
    assert!(error.is_http() && error.is_ambiguous(), "{error}");
    assert_eq!(redis.get::<i64>("n").await?, Some(3));
    Ok(())
}

#[tokio::test]
async fn json_of_another_shape_is_an_error_and_never_a_value() -> Outcome {
    let (local, redis) = start().await;
    for text in [
        "{}",
        "[]",
        "null",
        "7",
        "\"OK\"",
        r#"{"message":"hi"}"#,
        r#"[{"result":1}]"#,
        "{\"result\":1",
        "",
        "{",
    ] {
        local.inject(Fault::body(text).times(4));
        let error = redis.incr("n").await.unwrap_err();
        let cut = matches!(text, "" | "{" | "{\"result\":1");
        assert_eq!(error.is_interrupted(), cut, "{text}: {error}");
        assert_eq!(error.is_decode(), !cut, "{text}: {error}");
        local.clear_faults();
    }
    for text in [
        "{}",
        "[]",
        r#"{"result":[1,2]}"#,
        r#"[{"result":1}]"#,
        r#"[{"result":1},{"result":2},{"result":3}]"#,
    ] {
        local.inject(Fault::body(text));
        let error = redis
            .pipeline((redis.incr("n"), redis.incr("n")))
            .await
            .unwrap_err();
        assert!(error.is_decode(), "{text}: {error}");
    }
    assert_eq!(ran(&local, "INCR").await, 0);
    assert_eq!(redis.incr("n").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_body_cut_at_every_byte_is_one_error_or_one_retry() -> Outcome {
    let (local, redis) = start().await;
    redis.set("k", "value").await?;
    let whole = r#"{"result":"value"}"#.len() as u64;
    for bytes in 0..whole {
        local.inject(Fault::truncate(bytes));
        assert_eq!(
            redis.get::<String>("k").await?.as_deref(),
            Some("value"),
            "{bytes}"
        );
        local.inject(Fault::truncate(bytes));
        let error = redis.append("log", "x").await.unwrap_err();
        assert!(
            error.is_interrupted() && error.is_ambiguous(),
            "{bytes}: {error}"
        );
    }
    assert_eq!(ran(&local, "APPEND").await, whole);
    assert_eq!(redis.strlen("log").await?, whole);
    Ok(())
}

#[tokio::test]
async fn a_stall_ends_at_the_timeout() -> Outcome {
    let (local, redis) = start().await;
    local.inject(Fault::stall(3));
    let error = redis.incr("n").timeout(SHORT).await.unwrap_err();
    assert!(
        error.is_timeout() && error.is_in_body() && error.is_ambiguous(),
        "{error}"
    );
    local.inject(Fault::delay_answer(Duration::from_secs(60)));
    let error = redis.incr("n").timeout(SHORT).await.unwrap_err();
    assert!(
        error.is_timeout() && !error.is_in_body() && error.is_ambiguous(),
        "{error}"
    );
    local.inject(Fault::stall(3));
    assert_eq!(redis.get::<i64>("n").attempt_timeout(SHORT).await?, Some(2));
    assert_eq!(ran(&local, "INCR").await, 2);
    Ok(())
}

#[tokio::test]
async fn tokens_that_may_not() -> Outcome {
    let local = Local::builder().read_only_token("reader").start().await?;
    let error = Redis::new(local.url(), "wrong")?
        .get::<String>("k")
        .await
        .unwrap_err();
    assert!(
        error.is_auth() && error.status() == Some(401) && error.command() == Some("GET"),
        "{error}"
    );
    assert_eq!(error.code(), Some("WRONGPASS"));
    let reader = Redis::new(local.url(), "reader")?;
    assert_eq!(reader.get::<String>("secret-key").await?, None);
    let error = reader.set("secret-key", "secret-value").await.unwrap_err();
    assert!(
        error.is_auth() && error.code() == Some("NOPERM") && error.command() == Some("SET"),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("secret"));
    Ok(())
}

#[tokio::test]
async fn what_redis_refuses_keeps_its_code_and_loses_the_arguments() -> Outcome {
    let (local, redis) = start().await;
    redis.set("secret-key", "secret-value").await?;
    for (error, code, command) in [
        (
            redis.lpush("secret-key", "secret-value").await.unwrap_err(),
            "WRONGTYPE",
            "LPUSH",
        ),
        (
            redis.command("NOSUCH").arg("secret").await.unwrap_err(),
            "ERR",
            "NOSUCH",
        ),
        (redis.command("GET").await.unwrap_err(), "ERR", "GET"),
        (redis.incr("secret-key").await.unwrap_err(), "ERR", "INCR"),
        (
            redis.evalsha::<()>("0".repeat(40), ()).await.unwrap_err(),
            "NOSCRIPT",
            "EVALSHA",
        ),
    ] {
        assert!(error.is_server() && !error.is_ambiguous(), "{error}");
        assert_eq!((error.code(), error.command()), (Some(code), Some(command)));
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
    }
    assert_eq!(local.stats().await?.requests, 6);
    Ok(())
}

#[tokio::test]
async fn one_failing_command_of_a_pipeline_leaves_the_others_alone() -> Outcome {
    let (_local, redis) = start().await;
    let (set, wrong, unknown, got, bytes) = redis
        .pipeline((
            redis.set("k", "v"),
            redis.incr("k"),
            redis.command("NOSUCH").query::<Value>(),
            redis.get::<String>("k"),
            redis.get::<Bytes>("k"),
        ))
        .await?;
    set?;
    assert_eq!(wrong.unwrap_err().command(), Some("INCR"));
    assert_eq!(unknown.unwrap_err().command(), Some("NOSUCH"));
    assert_eq!(got?.as_deref(), Some("v"));
    assert_eq!(bytes?.as_deref(), Some(&b"v"[..]));
    Ok(())
}

#[tokio::test]
async fn a_discarded_transaction_applies_nothing() -> Outcome {
    let (_local, redis) = start().await;
    let error = redis
        .transaction((
            redis.set("a", 1),
            redis.command("NOSUCH"),
            redis.set("b", 1),
        ))
        .await
        .unwrap_err();
    assert!(error.is_server() && !error.is_ambiguous(), "{error}");
    assert_eq!(redis.exists(["a", "b"]).await?, 0);
    // An error while it runs undoes nothing, as in Redis, and can be seen.
    redis.set("text", "x").await?;
    let (text, n) = redis
        .transaction((redis.incr("text"), redis.incr("n")))
        .keep_errors()
        .await?;
    assert_eq!(text.unwrap_err().command(), Some("INCR"));
    assert_eq!(n?, 1);
    let error = redis
        .transaction((redis.incr("text"), redis.incr("n")))
        .await
        .unwrap_err();
    assert_eq!(error.command(), Some("INCR"));
    assert_eq!(redis.get::<i64>("n").await?, Some(2));
    Ok(())
}

#[tokio::test]
async fn a_dropped_future_aborts_its_request_and_leaves_the_client_well() -> Outcome {
    let (local, redis) = start().await;
    local.inject(Fault::delay_answer(Duration::from_secs(60)));
    tokio::select! {
        _ = redis.incr("n").into_future() => unreachable!("the answer is delayed"),
        () = until(async || local.stats().await.unwrap().by_command.contains_key("INCR")) => {}
    }
    until(async || local.stats().await.unwrap().aborted == 1).await;
    assert_eq!(redis.get::<i64>("n").await?, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_client_sends_back_the_token_of_the_last_answer() -> Outcome {
    let (local, redis) = start().await;
    redis.set("k", 1).await?;
    redis.get::<i64>("k").await?;
    redis.clone().get::<i64>("k").await?;
    assert_eq!(local.stats().await?.sync_tokens, 2);
    let without = client(&local, |builder| builder.read_your_writes(false));
    without.set("k", 1).await?;
    without.get::<i64>("k").await?;
    assert_eq!(local.stats().await?.sync_tokens, 2);
    Ok(())
}

#[tokio::test]
async fn many_at_once_share_connections_and_are_counted() -> Outcome {
    let (local, redis) = start().await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let redis = redis.clone();
            tokio::spawn(async move { redis.incr("n").await })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    assert_eq!(redis.get::<i64>("n").await?, Some(200));
    assert_eq!(ran(&local, "INCR").await, 200);
    local.reset_stats().await?;
    for _ in 0..20 {
        redis.incr("n").await?;
    }
    assert!(local.stats().await?.connections <= 1);
    Ok(())
}

#[tokio::test]
async fn random_faults_lose_nothing_and_double_nothing() -> Outcome {
    let (local, redis) = start().await;
    local.inject(Fault::drop_after().rate(0.1, 1));
    local.inject(Fault::drop_before().rate(0.1, 2));
    local.inject(Fault::status(503).rate(0.1, 3));
    let (mut certain, mut ambiguous) = (0, 0);
    for _ in 0..300 {
        match redis.incr("n").await {
            Ok(_) => certain += 1,
            Err(error) if error.is_ambiguous() => ambiguous += 1,
            Err(error) => return Err(error.into()),
        }
    }
    local.clear_faults();
    let counted = redis.get::<i64>("n").await?.unwrap_or_default();
    assert!(ambiguous > 0);
    assert!(
        (certain..=certain + ambiguous).contains(&counted),
        "{certain} {ambiguous} {counted}"
    );
    assert_eq!(ran(&local, "INCR").await, counted as u64);
    Ok(())
}
