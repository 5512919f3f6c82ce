//! Bad input and faults where several commands share a request, and where one call makes several: counted at the server,
//! nothing is lost and nothing is done twice.

use std::{
    collections::{BTreeSet, HashMap},
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use futures_util::{future::join_all, join};
use restis::{Bytes, Error, Json, Redis};
use restis_local::{Fault, Local};

use crate::{Outcome, SHORT, client, ran, start, until, values::TEXTS};

async fn start_auto() -> (Local, Redis) {
    let (local, _) = start().await;
    let redis = client(&local, |builder| builder.auto_pipelining(true));
    (local, redis)
}

#[tokio::test]
async fn texts_arrive_as_they_were_whatever_carries_them() -> Outcome {
    let (local, redis) = start_auto().await;
    let megabyte = "é\"\\\0".repeat(200_000);
    let texts: Vec<_> = TEXTS.iter().copied().chain([&*megabyte]).collect();
    // All in one request, each as a key of its own and in a set and a hash.
    let sets = texts
        .iter()
        .map(|text| redis.set(*text, *text).into_future());
    join_all(sets)
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    let gets = texts
        .iter()
        .map(|text| redis.get::<String>(*text).into_future());
    for (text, got) in texts.iter().zip(join_all(gets).await) {
        assert_eq!(got?.as_deref(), Some(*text));
    }
    let gets = texts
        .iter()
        .map(|text| redis.get::<Bytes>(*text))
        .collect::<Vec<_>>();
    for (text, got) in texts.iter().zip(redis.pipeline(gets).await?) {
        assert_eq!(got?.as_deref(), Some(text.as_bytes()));
    }
    let adds: Vec<_> = texts
        .iter()
        .map(|text| (redis.sadd("set", *text), redis.hset("hash", (*text, *text))))
        .collect();
    redis.transaction(adds).await?;
    // Many requests would have been one each: those three, and the parts of the first two that did not fit.
    let stats = local.stats().await?;
    assert_eq!(stats.by_command["SET"], texts.len() as u64);
    assert!(stats.requests <= 5, "{} requests", stats.requests);

    let expected: BTreeSet<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    let mut found = BTreeSet::new();
    let mut members = redis.sscan("set").count(3).stream::<String>();
    while let Some(member) = members.next().await {
        found.insert(member?);
    }
    assert_eq!(found, expected);
    found.clear();
    let mut fields = redis.hscan("hash").count(3).stream::<(String, String)>();
    while let Some(field) = fields.next().await {
        let (field, value) = field?;
        assert_eq!(field, value);
        found.insert(field);
    }
    assert_eq!(found, expected);
    found.clear();
    let mut keys = redis.scan().count(3).stream::<String>();
    while let Some(key) = keys.next().await {
        found.insert(key?);
    }
    assert!(found.is_superset(&expected));
    Ok(())
}

#[tokio::test]
async fn bytes_arrive_as_they_were_in_their_turn() -> Outcome {
    let (_local, redis) = start_auto().await;
    let all: Vec<u8> = (0..=255).collect();
    // Half of a surrogate pair, half of a character, and everything there is.
    for bytes in [&b"\xed\xa0\xbd"[..], b"\xc3", b"\xff\0\xfe", b"", &all] {
        let (first, set, got, list) = join!(
            redis.set("k", "before").into_future(),
            redis.set("k", bytes).into_future(),
            redis.get::<Bytes>("k").into_future(),
            redis.rpush("list", bytes).into_future(),
        );
        first?;
        set?;
        list?;
        assert_eq!(got?.as_deref(), Some(bytes));
        let (got, popped) = redis
            .transaction((redis.get::<Bytes>("k"), redis.rpop::<Bytes>("list")))
            .await?;
        assert_eq!(
            (got.as_deref(), popped.as_deref()),
            (Some(bytes), Some(bytes))
        );
        // As text it is an error of the command that asked for it, if it is none.
        let (text, length) = join!(
            redis.get::<String>("k").into_future(),
            redis.strlen("k").into_future(),
        );
        assert_eq!(length?, bytes.len() as u64);
        if std::str::from_utf8(bytes).is_ok() {
            text?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_sent_stops_nobody_else() -> Outcome {
    let (local, redis) = start_auto().await;
    let (good, argument, large, json, none) = join!(
        redis.incr("n").into_future(),
        redis.set(&b"\xff"[..], &b"\xff"[..]).into_future(),
        redis.set("k", "x".repeat(10 * 1024 * 1024)).into_future(),
        redis
            .set("k", Json(HashMap::from([((1, 2), 3)])))
            .into_future(),
        redis.incr("n").into_future(),
    );
    assert_eq!((good?, none?), (1, 2));
    assert!(argument.unwrap_err().is_argument());
    assert!(large.unwrap_err().is_too_large());
    assert!(json.unwrap_err().is_argument());
    assert_eq!(local.stats().await?.requests, 1);
    // A batch goes whole or not at all.
    let bad = redis.set("k", Json(HashMap::from([((1, 2), 3)])));
    let error = redis.pipeline((redis.incr("n"), bad)).await.unwrap_err();
    assert!(
        error.is_argument() && error.command() == Some("SET"),
        "{error}"
    );
    assert_eq!(ran(&local, "INCR").await, 2);
    Ok(())
}

/// Each fault, whether the commands run, and whether an answer comes in the end to what must not run twice.
fn faults() -> Vec<(Fault, bool, bool)> {
    vec![
        (Fault::drop_before(), false, false),
        (Fault::drop_after(), true, false),
        (Fault::delay(Duration::from_millis(30)), true, true),
        (Fault::delay_answer(Duration::from_millis(30)), true, true),
        (Fault::status(429), true, true),
        (Fault::status(500), false, false),
        (Fault::status(500).executed(), true, false),
        (Fault::status(502), false, false),
        (Fault::status(503), false, false),
        (Fault::status(503).executed(), true, false),
        (Fault::status(503).header("restis-ran", "no"), true, true),
        (Fault::status(408), false, false),
        (Fault::status(408).executed(), true, false),
        (Fault::status(504), false, false),
        (Fault::status(504).executed(), true, false),
        (Fault::html(), false, false),
        (Fault::html().executed(), true, false),
        (Fault::body("<html>sign in</html>"), false, false),
        (Fault::truncate(3), true, false),
        (Fault::truncate(40), true, false),
        (Fault::stall(3), true, false),
    ]
}

/// What two INCRs of a request came to: what was certain, and what is in doubt.
#[derive(Debug, Default)]
struct Told {
    certain: u64,
    ambiguous: u64,
}

impl Told {
    fn hear(&mut self, result: Result<i64, Error>) {
        match result {
            Ok(_) => self.certain += 1,
            Err(error) => {
                assert!(error.is_ambiguous() && !error.is_retryable(), "{error}");
                self.ambiguous += 1;
            }
        }
    }
}

#[tokio::test]
async fn every_fault_meets_every_kind_of_request_that_writes() -> Outcome {
    let (local, redis) = start_auto().await;
    for (fault, runs, answers) in faults() {
        for way in ["together", "pipeline", "transaction"] {
            local.reset_stats().await?;
            local.inject(fault.clone());
            let (mut told, mut read) = (Told::default(), None);
            let batch = || {
                let incr = || redis.incr("n").attempt_timeout(SHORT);
                let get = redis.get::<String>("text").attempt_timeout(SHORT);
                (incr(), get, incr())
            };
            match way {
                "together" => {
                    let (a, get, b) = batch();
                    let (a, get, b) = join!(a.into_future(), get.into_future(), b.into_future());
                    told.hear(a);
                    told.hear(b);
                    read = Some(get);
                }
                "pipeline" => match redis.pipeline(batch()).await {
                    Ok((a, get, b)) => {
                        told.hear(a);
                        told.hear(b);
                        read = Some(get);
                    }
                    Err(error) => (0..2).for_each(|_| told.hear(Err(error.clone()))),
                },
                _ => match redis.transaction(batch()).await {
                    Ok((a, _, b)) => [a, b].into_iter().for_each(|n| told.hear(Ok(n))),
                    Err(error) => (0..2).for_each(|_| told.hear(Err(error.clone()))),
                },
            }
            let case = format!("{fault:?} {way}");
            assert_eq!(
                ran(&local, "INCR").await,
                if runs { 2 } else { 0 },
                "{case}"
            );
            let expected = if answers { (2, 0) } else { (0, 2) };
            assert_eq!((told.certain, told.ambiguous), expected, "{case}");
            if let Some(Err(error)) = read {
                // It is in the same boat, and might be called again.
                assert!(
                    !answers && !error.is_ambiguous() && error.is_retryable(),
                    "{case}: {error}"
                );
            }
            assert_eq!(local.stats().await?.faults, 1, "{case}");
            // All goes on.
            let (got, set) = join!(
                redis.get::<u64>("n").into_future(),
                redis.set("text", "x").into_future(),
            );
            got?;
            set?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_safe_to_repeat_comes_through_every_fault() -> Outcome {
    let (local, redis) = start_auto().await;
    let keys: Vec<_> = (0..25).map(|n| (format!("key{n}"), n)).collect();
    redis.mset(&keys).await?;
    let ids: Vec<_> = (0..7)
        .map(|n| redis.xadd("s", format!("{}-0", n + 1), ("n", n)))
        .collect();
    redis
        .pipeline(ids)
        .await?
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    for (fault, ..) in faults() {
        local.inject(fault.clone().path("/pipeline"));
        let (set, got) = join!(
            redis.set("k", "v").attempt_timeout(SHORT).into_future(),
            redis
                .get::<String>("k")
                .attempt_timeout(SHORT)
                .into_future(),
        );
        set?;
        assert_eq!(got?.as_deref(), Some("v"), "{fault:?}");
        local.inject(fault.clone());
        let batch = (redis.set("k", "w"), redis.get::<String>("k"));
        let (set, got) = redis.pipeline(batch).attempt_timeout(SHORT).await?;
        set?;
        assert_eq!(got?.as_deref(), Some("w"), "{fault:?}");
        // The second page of each meets it.
        local.inject(fault.clone().skip(1));
        let mut found = BTreeSet::new();
        let mut scan = redis
            .scan()
            .count(5)
            .attempt_timeout(SHORT)
            .stream::<String>();
        while let Some(key) = scan.next().await {
            found.insert(key?);
        }
        assert_eq!(found.len(), 27, "{fault:?}");
        local.inject(fault.clone().skip(1));
        let pages = redis
            .xrange_pages("s", "-", "+")
            .count(3)
            .attempt_timeout(SHORT);
        let mut entries = pages.stream::<(String, u64)>();
        let mut order = Vec::new();
        while let Some(entry) = entries.next().await {
            order.push(entry?.fields.1);
        }
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 6], "{fault:?}");
    }
    let faults = faults().len() as u64;
    assert_eq!(local.stats().await?.faults, 4 * faults);
    Ok(())
}

#[tokio::test]
async fn a_scan_that_fails_says_so_once_and_can_begin_again() -> Outcome {
    let (local, redis) = start_auto().await;
    let keys: Vec<_> = (0..50).map(|n| (format!("key{n}"), n)).collect();
    redis.mset(&keys).await?;
    local.inject(Fault::status(503).skip(1).times(4));
    let mut found = 0;
    let mut scan = redis.scan().stream::<String>();
    let error = loop {
        match scan.next().await {
            Some(Ok(_)) => found += 1,
            Some(Err(error)) => break error,
            None => panic!("the fault met nobody"),
        }
    };
    assert!(
        found > 0 && error.is_http() && error.attempts() == 4,
        "{found} {error}"
    );
    assert_eq!(
        (error.command(), error.is_ambiguous()),
        (Some("SCAN"), false)
    );
    assert!(scan.next().await.is_none());
    let mut scan = redis.scan().stream::<String>();
    let mut all = BTreeSet::new();
    while let Some(key) = scan.next().await {
        all.insert(key?);
    }
    assert_eq!(all.len(), 50);
    Ok(())
}

/// The same numbers each time: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}

/// Polls at most so often, then drops: `None` if that was before the end.
async fn at_most<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| match left.checked_sub(1) {
        None => Poll::Ready(None),
        Some(rest) => {
            left = rest;
            future.as_mut().poll(cx).map(Some)
        }
    })
    .await
}

/// What tasks at once heard of their INCRs.
#[derive(Debug, Default)]
struct Heard {
    certain: u64,
    ambiguous: u64,
    /// Dropped, when it may have been sent.
    dropped: u64,
    /// Certainly not run.
    refused: u64,
}

/// One task of many: commands alone, together and in batches, some of which it gives up.
async fn work(redis: Redis, seed: u64) -> Heard {
    let mut random = Random(seed);
    let mut heard = Heard::default();
    for _ in 0..25 {
        let polls = match random.below(4) {
            0 => random.below(6),
            _ => u64::MAX,
        };
        let incr = || redis.incr("n");
        let results = match random.below(4) {
            0 => at_most(polls, incr().into_future())
                .await
                .map(|result| vec![result]),
            1 => {
                let three = join_all((0..3).map(|_| incr().into_future()));
                at_most(polls, three).await
            }
            2 => {
                let batch = redis.pipeline([incr(), incr(), incr()]);
                let results = at_most(polls, batch.into_future()).await;
                results.map(|results| match results {
                    Ok(results) => results.into(),
                    Err(error) => vec![Err(error); 3],
                })
            }
            _ => {
                let batch = redis.transaction([incr(), incr(), incr()]);
                let results = at_most(polls, batch.into_future()).await;
                results.map(|results| match results {
                    Ok(results) => results.map(Ok).into(),
                    Err(error) => vec![Err(error); 3],
                })
            }
        };
        // Nothing of what was never polled.
        let Some(results) = results else {
            heard.dropped += if polls == 0 { 0 } else { 3 };
            continue;
        };
        for result in results {
            match result {
                Ok(_) => heard.certain += 1,
                Err(error) if error.is_ambiguous() => heard.ambiguous += 1,
                Err(_) => heard.refused += 1,
            }
        }
    }
    heard
}

#[tokio::test]
async fn tasks_at_once_with_faults_and_cancellations_count_right() -> Outcome {
    for max_in_flight in [None, Some(1), Some(3)] {
        let (local, _) = start().await;
        let redis = client(&local, |builder| match max_in_flight {
            Some(requests) => builder.max_in_flight(requests),
            None => builder.auto_pipelining(true),
        });
        let rate = 0.06;
        for (seed, fault) in (1..).zip([
            Fault::drop_before(),
            Fault::drop_after(),
            Fault::status(503),
            Fault::status(500).executed(),
            Fault::truncate(9),
            Fault::delay_answer(Duration::from_millis(3)),
        ]) {
            local.inject(fault.rate(rate, seed));
        }
        let tasks: Vec<_> = (0..12)
            .map(|seed| tokio::spawn(work(redis.clone(), seed)))
            .collect();
        let mut heard = Heard::default();
        for task in tasks {
            let task = tokio::time::timeout(Duration::from_secs(60), task).await??;
            heard.certain += task.certain;
            heard.ambiguous += task.ambiguous;
            heard.dropped += task.dropped;
            heard.refused += task.refused;
        }
        local.clear_faults();
        // What was given up may still be under way there.
        let counted = async || redis.get::<u64>("n").await.unwrap().unwrap_or_default();
        until(async || counted().await == ran(&local, "INCR").await).await;
        let counted = counted().await;
        let Heard {
            certain,
            ambiguous,
            dropped,
            ..
        } = heard;
        assert!(
            ambiguous > 0 && dropped > 0 && certain > ambiguous,
            "{heard:?}"
        );
        assert!(
            (certain..=certain + ambiguous + dropped).contains(&counted),
            "{max_in_flight:?}: {heard:?}, and {counted} at the server"
        );
    }
    Ok(())
}
