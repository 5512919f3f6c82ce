//! Ranges of streams by pages, on a real server, counted there.

use std::time::Duration;

use restis::{
    Error, FromReply,
    commands::streams::{
        Entry, StreamId,
        pages::{EntryStream, Pages},
    },
};
use restis_local::Fault;
use restis_testing::{block_on, run, start};

use super::{fill, id, ids};
use crate::refused;

async fn all<F: FromReply + Unpin>(pages: Pages<'_>) -> Result<Vec<Entry<F>>, Error> {
    let mut stream: EntryStream<'_, F> = pages.stream();
    let mut entries = Vec::new();
    while let Some(entry) = stream.next().await {
        entries.push(entry?);
    }
    Ok(entries)
}

#[test]
fn a_long_range_comes_by_pages_while_it_changes() {
    let outcome = block_on(async {
        let (local, redis) = start().await?;
        fill(&redis, "s", 10_500).await?;
        local.reset_stats().await?;
        let calls = async |command: &str| -> Result<u64, restis_local::Error> {
            Ok(local
                .stats()
                .await?
                .by_command
                .get(command)
                .copied()
                .unwrap_or_default())
        };

        // Forward: what is added at the end comes too, what is deleted before it is reached does not.
        let mut entries = redis
            .xrange_pages("s", "-", "+")
            .count(1_000)
            .stream::<(String, u64)>();
        let mut found = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            assert_eq!(entry.fields.1, entry.id.milliseconds);
            found.push(entry.id.milliseconds);
            if found.len() == 5_000 {
                redis.xadd("s", id(10_501), ("n", 10_501)).await?;
                redis.xdel("s", [id(5_000), id(5_500)]).await?;
            }
        }
        assert!(entries.next().await.is_none());
        let expected: Vec<u64> = (1..=10_501).filter(|n| *n != 5_500).collect();
        assert_eq!(found, expected);
        assert_eq!(calls("XRANGE").await?, 11);

        // Backward: what is added at the end does not come.
        let mut entries = redis
            .xrevrange_pages("s", "+", 9_501)
            .count(500)
            .stream::<()>();
        let mut found = Vec::new();
        while let Some(entry) = entries.next().await {
            found.push(entry?.id.milliseconds);
            if found.len() == 1 {
                redis.xadd("s", id(10_502), ("n", 10_502)).await?;
            }
        }
        let expected: Vec<u64> = (9_501..=10_501).rev().collect();
        assert_eq!(found, expected);
        assert_eq!(calls("XREVRANGE").await?, 3);

        // A full last page is followed by an empty one; without a count a page has 100.
        local.reset_stats().await?;
        assert_eq!(
            ids(&all::<()>(redis.xrange_pages("s", 1, 200)).await?).len(),
            200
        );
        assert_eq!(calls("XRANGE").await?, 3);
        assert_eq!(
            ids(&all::<()>(redis.xrange_pages("s", "(1-0", "(4-0").count(0)).await?),
            [2, 3]
        );
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn pages_end_at_the_ends_of_all_ids() {
    run(async |redis| {
        redis.xadd("s", "0-1", ("n", 1)).await?;
        redis
            .xadd("s", StreamId::new(5, u64::MAX), ("n", 2))
            .await?;
        redis.xadd("s", "6-0", ("n", 3)).await?;
        redis.xadd("s", StreamId::MAX, ("n", 4)).await?;
        let numbers = |entries: Vec<Entry<(String, u64)>>| -> Vec<u64> {
            entries.into_iter().map(|entry| entry.fields.1).collect()
        };
        for count in [1, 2, 3] {
            let forward = all(redis.xrange_pages("s", "-", "+").count(count)).await?;
            assert_eq!(numbers(forward), [1, 2, 3, 4]);
            let back = all(redis.xrevrange_pages("s", "+", "-").count(count)).await?;
            assert_eq!(numbers(back), [4, 3, 2, 1]);
        }
        assert!(
            all::<()>(redis.xrange_pages("none", "-", "+"))
                .await?
                .is_empty()
        );
        redis.set("text", "t").await?;
        let mut entries = redis.xrange_pages("text", "-", "+").stream::<()>();
        refused(entries.next().await.unwrap(), "WRONGTYPE", "XRANGE");
        assert!(entries.next().await.is_none());
        Ok(())
    });
}

#[test]
fn an_error_ends_the_pages_and_dropping_them_gives_the_request_up() {
    let outcome = block_on(async {
        let (local, redis) = start().await?;
        fill(&redis, "s", 10).await?;
        let mut entries = redis
            .xrange_pages("s", "-", "+")
            .count(4)
            .attempt_timeout(Duration::from_secs(60))
            .timeout(Duration::from_secs(60))
            .stream::<()>();
        for _ in 0..4 {
            entries.next().await.unwrap()?;
        }
        // A lost answer is asked for again, since it only reads.
        local.inject(Fault::drop_after());
        assert_eq!(entries.next().await.unwrap()?.id, id(5));
        for _ in 0..3 {
            entries.next().await.unwrap()?;
        }
        local.inject(Fault::status(401));
        assert!(entries.next().await.unwrap().unwrap_err().is_auth());
        assert!(entries.next().await.is_none());

        local.reset_stats().await?;
        local.inject(Fault::delay_answer(Duration::from_secs(60)));
        let mut entries = redis.xrange_pages("s", "-", "+").stream::<()>();
        tokio::select! {
            _ = entries.next() => unreachable!("the answer is delayed"),
            () = until(async || local.stats().await.unwrap().by_command.contains_key("XRANGE")) => {}
        }
        // The stream still waits for the same page, and only with it goes the request.
        assert_eq!(local.stats().await?.aborted, 0);
        drop(entries);
        until(async || local.stats().await.unwrap().aborted == 1).await;
        assert_eq!(redis.xlen("s").await?, 10);
        Ok(())
    });
    outcome.unwrap();
}

/// Waits for a condition, not for a time; one that never comes fails the test.
async fn until(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap();
}
