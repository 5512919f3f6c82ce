//! Streams, on a real server.

mod groups;
mod pages;

use std::{collections::HashMap, time::Duration};

use restis::{
    Bytes, Error, Json, Redis,
    commands::streams::{Entry, StreamId, Trim},
};
use restis_testing::run;

use crate::refused;

type Pairs = Vec<(String, String)>;

fn id(milliseconds: u64) -> StreamId {
    StreamId::new(milliseconds, 0)
}

fn ids<F>(entries: &[Entry<F>]) -> Vec<u64> {
    entries.iter().map(|entry| entry.id.milliseconds).collect()
}

/// Adds the entries `1-0` to `last-0`, whose field `n` is that number.
async fn fill(redis: &Redis, key: &str, last: u64) -> Result<(), Error> {
    let numbers: Vec<u64> = (1..=last).collect();
    for numbers in numbers.chunks(2_000) {
        let add: Vec<_> = numbers
            .iter()
            .map(|n| redis.xadd(key, id(*n), ("n", n)))
            .collect();
        redis.transaction(add).await?;
    }
    Ok(())
}

async fn left(redis: &Redis, key: &str) -> Result<Vec<u64>, Error> {
    Ok(ids(&redis.xrange::<()>(key, "-", "+").await?))
}

#[test]
fn adding() {
    run(async |redis| {
        assert_eq!(redis.xadd("s", "5-*", ("a", 1)).await?, id(5));
        assert_eq!(redis.xadd("s", "5-*", ("a", 1)).await?, StreamId::new(5, 1));
        assert_eq!(redis.xadd("s", 6, ("a", 1)).field("b", "x").await?, id(6));
        let now = redis.time().await?.since_epoch();
        let chosen = redis.xadd("s", "*", ("a", 1)).await?;
        let age = Duration::from_millis(chosen.milliseconds).abs_diff(now);
        assert!(age < Duration::from_secs(60), "{chosen}");
        assert_eq!(redis.xlen("s").await?, 4);
        assert_eq!(redis.xlen("none").await?, 0);

        assert_eq!(redis.xadd("none", "*", ("a", 1)).nomkstream().await?, None);
        assert_eq!(
            redis
                .xadd("s", StreamId::MAX, ("a", 1))
                .nomkstream()
                .await?,
            Some(StreamId::MAX)
        );
        refused(redis.xadd("s", "*", ("a", 1)).await, "ERR", "XADD");
        refused(
            redis.xadd("t", StreamId::MIN, ("a", 1)).await,
            "ERR",
            "XADD",
        );
        refused(redis.xadd("t", "one", ("a", 1)).await, "ERR", "XADD");
        refused(redis.xadd("t", "*", [("a", 1); 0]).await, "ERR", "XADD");
        fill(&redis, "t", 2).await?;
        refused(redis.xadd("t", id(2), ("a", 1)).await, "ERR", "XADD");
        // A policy for what is pending is Redis 8.2's.
        refused(redis.xadd("t", "*", ("a", 1)).delref().await, "ERR", "XADD");

        fill(&redis, "u", 5).await?;
        redis
            .xadd("u", id(6), ("n", 6))
            .trim(Trim::maxlen(4))
            .await?;
        assert_eq!(left(&redis, "u").await?, [3, 4, 5, 6]);
        let trim = Trim::minid(id(5));
        redis.xadd("u", id(7), ("n", 7)).trim(trim).await?;
        assert_eq!(left(&redis, "u").await?, [5, 6, 7]);

        redis.set("text", "t").await?;
        refused(redis.xadd("text", "*", ("a", 1)).await, "WRONGTYPE", "XADD");
        refused(redis.xlen("text").await, "WRONGTYPE", "XLEN");
        Ok(())
    });
}

#[test]
fn fields_of_every_type() {
    run(async |redis| {
        let binary = Bytes::from_static(b"\xff\x00\xfe");
        redis
            .xadd("s", id(1), ("f", 1))
            .field("g", "x")
            .field("f", 2)
            .await?;
        redis.xadd("s", id(2), ("f", Json([1, 2]))).await?;
        redis.xadd("s", id(3), ("f", binary.clone())).await?;

        let twice = redis.xrange::<Pairs>("s", 1, 1).await?;
        let pair = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        assert_eq!(
            twice[0].fields,
            [pair("f", "1"), pair("g", "x"), pair("f", "2")]
        );
        let map = redis.xrange::<HashMap<String, String>>("s", 1, 1).await?;
        assert_eq!((map[0].fields.len(), &*map[0].fields["f"]), (2, "2"));
        let json = redis.xrange::<(String, Json<Vec<u8>>)>("s", 2, 2).await?;
        assert_eq!(json[0].fields.1.0, [1, 2]);
        let bytes = redis.xrange::<(String, Bytes)>("s", 3, 3).await?;
        assert_eq!(bytes[0].fields, ("f".to_owned(), binary));
        Ok(())
    });
}

#[test]
fn ranges_and_reads() {
    run(async |redis| {
        fill(&redis, "s", 5).await?;
        fill(&redis, "t", 2).await?;
        let found = redis
            .xrange::<(String, u64)>("s", 2, "(5-0")
            .count(2)
            .await?;
        assert_eq!(ids(&found), [2, 3]);
        assert_eq!(found[1].fields, ("n".to_owned(), 3));
        assert_eq!(
            ids(&redis.xrevrange::<()>("s", "+", "(2-0").await?),
            [5, 4, 3]
        );
        assert_eq!(
            ids(&redis.xrevrange::<()>("s", "+", "-").count(1).await?),
            [5]
        );
        assert!(redis.xrange::<()>("s", "-", "+").count(0).await?.is_empty());
        assert!(redis.xrange::<()>("s", 5, 1).await?.is_empty());
        assert!(redis.xrange::<()>("none", "-", "+").await?.is_empty());
        refused(redis.xrange::<()>("s", "one", "+").await, "ERR", "XRANGE");

        let read = redis
            .xread::<(String, u64)>([("s", id(3)), ("none", id(0)), ("t", id(0))])
            .await?;
        let told: Vec<_> = read.iter().map(|s| (&*s.key, ids(&s.entries))).collect();
        assert_eq!(told, [("s", vec![4, 5]), ("t", vec![1, 2])]);
        let read = redis
            .xread::<()>(vec![("s", "0"), ("t", "1")])
            .count(1)
            .await?;
        let told: Vec<_> = read.iter().map(|s| (&*s.key, ids(&s.entries))).collect();
        assert_eq!(told, [("s", vec![1]), ("t", vec![2])]);
        assert!(redis.xread::<()>(("s", id(5))).await?.is_empty());
        assert!(redis.xread::<()>(("s", "$")).await?.is_empty());
        assert!(redis.xread::<()>(("none", "0")).await?.is_empty());
        assert_eq!(ids(&redis.xread::<()>(("s", "+")).await?[0].entries), [5]);
        refused(redis.xread::<()>(("s", "one")).await, "ERR", "XREAD");

        redis.set("text", "t").await?;
        refused(redis.xread::<()>(("text", "0")).await, "WRONGTYPE", "XREAD");
        refused(
            redis.xrevrange::<()>("text", "+", "-").await,
            "WRONGTYPE",
            "XREVRANGE",
        );

        // Each keeps its type in a batch.
        let (length, last) = redis
            .transaction((
                redis.xlen("s"),
                redis.xrevrange::<(String, u64)>("s", "+", "-").count(1),
            ))
            .await?;
        assert_eq!((length, last[0].fields.1), (5, 5));
        Ok(())
    });
}

#[test]
fn taking_out() {
    run(async |redis| {
        fill(&redis, "s", 8).await?;
        assert_eq!(redis.xdel("s", [id(1), id(2), id(99)]).await?, 2);
        assert_eq!(redis.xdel("none", "1-0").await?, 0);
        assert_eq!(redis.xtrim("s", Trim::maxlen(5)).await?, 1);
        assert_eq!(redis.xtrim("s", Trim::minid(id(6))).await?, 2);
        assert_eq!(left(&redis, "s").await?, [6, 7, 8]);
        assert_eq!(redis.xtrim("none", Trim::maxlen(0)).await?, 0);
        // Whole blocks only, and these three are one.
        assert_eq!(redis.xtrim("s", Trim::maxlen(1).approx()).await?, 0);
        fill(&redis, "long", 1_000).await?;
        assert_eq!(redis.xtrim("long", Trim::maxlen(150).approx()).await?, 800);
        let trim = Trim::minid(id(1_000)).approx().limit(50);
        assert_eq!(redis.xtrim("long", trim).await?, 0);
        refused(
            redis.xtrim("s", Trim::maxlen(1).limit(5)).await,
            "ERR",
            "XTRIM",
        );
        refused(
            redis.xtrim("s", Trim::maxlen(1)).acked().await,
            "ERR",
            "XTRIM",
        );
        assert_eq!(redis.xtrim("s", Trim::maxlen(0)).await?, 3);
        assert_eq!(redis.exists("s").await?, 1);

        redis
            .xsetid("s", id(20))
            .entriesadded(30)
            .maxdeletedid(id(9))
            .await?;
        let info = redis.xinfo_stream::<()>("s").await?;
        assert_eq!(
            (info.last_generated_id, info.entries_added),
            (id(20), Some(30))
        );
        assert_eq!(info.max_deleted_entry_id, Some(id(9)));
        refused(redis.xadd("s", id(20), ("n", 1)).await, "ERR", "XADD");
        refused(redis.xsetid("none", id(1)).await, "ERR", "XSETID");
        fill(&redis, "t", 2).await?;
        refused(redis.xsetid("t", id(1)).await, "ERR", "XSETID");
        Ok(())
    });
}

#[test]
fn what_the_server_tells() {
    run(async |redis| {
        redis.xgroup_create("s", "g", "0").mkstream().await?;
        let info = redis.xinfo_stream::<Pairs>("s").await?;
        assert_eq!(
            (info.length, info.groups, info.entries_added),
            (0, 1, Some(0))
        );
        assert_eq!((info.first_entry, info.last_entry), (None, None));
        assert_eq!(info.recorded_first_entry_id, Some(StreamId::MIN));

        fill(&redis, "s", 20).await?;
        redis.xdel("s", id(1)).await?;
        redis
            .xreadgroup::<()>("g", "c", ("s", ">"))
            .count(2)
            .await?;
        redis.xgroup_createconsumer("s", "g", "d").await?;
        let info = redis.xinfo_stream::<(String, u64)>("s").await?;
        assert_eq!((info.length, info.entries_added), (19, Some(20)));
        assert_eq!(
            (info.last_generated_id, info.max_deleted_entry_id),
            (id(20), Some(id(1)))
        );
        assert_eq!(info.recorded_first_entry_id, Some(id(2)));
        assert!(info.radix_tree_keys >= Some(1) && info.radix_tree_nodes >= Some(1));
        assert_eq!(
            info.first_entry.map(|entry| (entry.id, entry.fields.1)),
            Some((id(2), 2))
        );
        assert_eq!(
            info.last_entry.map(|entry| (entry.id, entry.fields.1)),
            Some((id(20), 20))
        );

        let groups = redis.xinfo_groups("s").await?;
        assert_eq!((groups.len(), &*groups[0].name), (1, "g"));
        assert_eq!((groups[0].consumers, groups[0].pending), (2, 2));
        assert_eq!(groups[0].last_delivered_id, id(3));
        assert_eq!((groups[0].entries_read, groups[0].lag), (Some(3), Some(17)));
        fill(&redis, "t", 1).await?;
        assert!(redis.xinfo_groups("t").await?.is_empty());

        let consumers = redis.xinfo_consumers("s", "g").await?;
        let told: Vec<_> = consumers.iter().map(|c| (&*c.name, c.pending)).collect();
        assert_eq!(told, [("c", 2), ("d", 0)]);
        assert!(consumers.iter().all(|c| c.idle < Duration::from_secs(60)));
        // The second one never got an entry.
        assert!(
            consumers[0]
                .inactive
                .is_some_and(|time| time < Duration::from_secs(60))
        );
        assert_eq!(consumers[1].inactive, None);

        let full = redis.xinfo_stream::<(String, u64)>("s").full().await?;
        assert_eq!((full.length, full.entries.len()), (19, 10));
        let full = redis
            .xinfo_stream::<(String, u64)>("s")
            .full()
            .count(1)
            .await?;
        assert_eq!(
            (ids(&full.entries), full.last_generated_id),
            (vec![2], id(20))
        );
        assert_eq!(
            (full.entries_added, full.max_deleted_entry_id),
            (Some(20), Some(id(1)))
        );
        let group = &full.groups[0];
        assert_eq!(
            (&*group.name, group.pending_count, group.pending.len()),
            ("g", 2, 1)
        );
        assert_eq!((group.entries_read, group.lag), (Some(3), Some(17)));
        let pending = &group.pending[0];
        assert_eq!(
            (pending.id, &*pending.consumer, pending.deliveries),
            (id(2), "c", 1)
        );
        let [c, d] = &group.consumers[..] else {
            panic!("two consumers")
        };
        assert_eq!((&*c.name, c.pending_count, c.pending.len()), ("c", 2, 1));
        assert_eq!(c.active_time, Some(c.seen_time));
        assert_eq!(
            (c.pending[0].id, c.pending[0].delivered_at),
            (id(2), pending.delivered_at)
        );
        assert_eq!((d.active_time, d.pending_count), (None, 0));
        assert_eq!(
            redis
                .xinfo_stream::<()>("s")
                .full()
                .count(0)
                .await?
                .entries
                .len(),
            19
        );

        refused(
            redis.xinfo_stream::<()>("none").await,
            "ERR",
            "XINFO STREAM",
        );
        refused(redis.xinfo_groups("none").await, "ERR", "XINFO GROUPS");
        refused(
            redis.xinfo_consumers("none", "g").await,
            "ERR",
            "XINFO CONSUMERS",
        );
        refused(
            redis.xinfo_consumers("s", "none").await,
            "NOGROUP",
            "XINFO CONSUMERS",
        );
        Ok(())
    });
}
