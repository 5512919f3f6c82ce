//! Consumer groups and what is pending in them, on a real server.

use std::time::Duration;

use restis::commands::streams::StreamId;
use restis_testing::run;

use super::{fill, id, ids};
use crate::refused;

#[test]
fn entries_are_given_out_and_acknowledged() {
    run(async |redis| {
        refused(
            redis.xgroup_create("s", "g", "0").await,
            "ERR",
            "XGROUP CREATE",
        );
        redis.xgroup_create("s", "g", "0").mkstream().await?;
        refused(
            redis.xgroup_create("s", "g", "0").await,
            "BUSYGROUP",
            "XGROUP CREATE",
        );
        fill(&redis, "s", 4).await?;
        fill(&redis, "t", 1).await?;
        redis
            .xgroup_create("t", "g", StreamId::MIN)
            .entriesread(0)
            .await?;

        let read = redis
            .xreadgroup::<(String, u64)>("g", "c", [("s", ">"), ("t", ">")])
            .count(2)
            .await?;
        let told: Vec<_> = read.iter().map(|s| (&*s.key, ids(&s.entries))).collect();
        assert_eq!(told, [("s", vec![1, 2]), ("t", vec![1])]);
        assert_eq!(read[0].entries[1].fields, Some(("n".to_owned(), 2)));
        let read = redis
            .xreadgroup::<()>("g", "d", ("s", ">"))
            .noack()
            .count(1)
            .await?;
        assert_eq!(ids(&read[0].entries), [3]);
        // Nothing is pending for who did not acknowledge what needs none; nothing new in `t`.
        assert!(
            redis.xreadgroup::<()>("g", "d", ("s", "0")).await?[0]
                .entries
                .is_empty()
        );
        assert!(
            redis
                .xreadgroup::<()>("g", "d", ("t", ">"))
                .await?
                .is_empty()
        );

        // What is pending and deleted has no fields.
        redis.xdel("s", id(1)).await?;
        let read = redis
            .xreadgroup::<(String, u64)>("g", "c", ("s", StreamId::MIN))
            .await?;
        let told: Vec<_> = read[0]
            .entries
            .iter()
            .map(|e| (e.id, e.fields.clone()))
            .collect();
        assert_eq!(told, [(id(1), None), (id(2), Some(("n".to_owned(), 2)))]);

        assert_eq!(redis.xack("s", "g", [id(1), id(2), id(3)]).await?, 2);
        assert_eq!(redis.xack("s", "none", id(1)).await?, 0);
        assert_eq!(redis.xack("none", "g", id(1)).await?, 0);
        refused(redis.xack("s", "g", "one").await, "ERR", "XACK");

        redis.xgroup_setid("s", "g", "0").entriesread(-1).await?;
        let read = redis.xreadgroup::<()>("g", "c", ("s", ">")).await?;
        assert_eq!(ids(&read[0].entries), [2, 3, 4]);
        redis.xgroup_setid("s", "g", "$").await?;
        refused(
            redis.xgroup_setid("s", "g", 0).entriesread(-2).await,
            "ERR",
            "XGROUP SETID",
        );
        refused(
            redis.xgroup_setid("s", "none", "0").await,
            "NOGROUP",
            "XGROUP SETID",
        );
        for streams in [("none", ">"), ("none", "0")] {
            let read = redis.xreadgroup::<()>("g", "c", streams).await;
            refused(read, "NOGROUP", "XREADGROUP");
        }
        // CLAIM is Redis 8.4's.
        let read = redis.xreadgroup::<()>("g", "c", ("s", ">")).claim(0).await;
        refused(read, "ERR", "XREADGROUP");

        assert!(redis.xgroup_createconsumer("s", "g", "e").await?);
        assert!(!redis.xgroup_createconsumer("s", "g", "e").await?);
        let made = redis.xgroup_createconsumer("s", "none", "e").await;
        refused(made, "NOGROUP", "XGROUP CREATECONSUMER");
        assert_eq!(redis.xgroup_delconsumer("s", "g", "c").await?, 3);
        assert_eq!(redis.xgroup_delconsumer("s", "g", "c").await?, 0);
        let deleted = redis.xgroup_delconsumer("none", "g", "c").await;
        refused(deleted, "ERR", "XGROUP DELCONSUMER");
        assert!(redis.xgroup_destroy("s", "g").await?);
        assert!(!redis.xgroup_destroy("s", "g").await?);
        refused(
            redis.xgroup_destroy("none", "g").await,
            "ERR",
            "XGROUP DESTROY",
        );
        Ok(())
    });
}

#[test]
fn what_is_pending_is_claimed() {
    run(async |redis| {
        redis.xgroup_create("s", "g", "0").mkstream().await?;
        let pending = redis.xpending("s", "g").await?;
        assert_eq!(
            (pending.count, pending.lowest, pending.highest),
            (0, None, None)
        );
        assert!(pending.consumers.is_empty());
        assert!(
            redis
                .xpending("s", "g")
                .range("-", "+", 10)
                .await?
                .is_empty()
        );

        fill(&redis, "s", 6).await?;
        redis
            .xreadgroup::<()>("g", "c", ("s", ">"))
            .count(4)
            .await?;
        redis.xreadgroup::<()>("g", "d", ("s", ">")).await?;
        let pending = redis.xpending("s", "g").await?;
        assert_eq!(pending.count, 6);
        assert_eq!(
            (pending.lowest, pending.highest),
            (Some(id(1)), Some(id(6)))
        );
        assert_eq!(
            pending.consumers,
            [("c".to_owned(), 4), ("d".to_owned(), 2)]
        );
        let all = redis
            .xpending("s", "g")
            .range("(1-0", StreamId::MAX, 2)
            .await?;
        let told: Vec<_> = all
            .iter()
            .map(|e| (e.id, &*e.consumer, e.deliveries))
            .collect();
        assert_eq!(told, [(id(2), "c", 1), (id(3), "c", 1)]);
        let of_d = redis
            .xpending("s", "g")
            .range("-", "+", 10)
            .consumer("d")
            .await?;
        assert_eq!(of_d.len(), 2);
        let old = redis
            .xpending("s", "g")
            .range("-", "+", 10)
            .idle(3_600_000)
            .await?;
        assert!(old.is_empty());

        // Delivered an hour ago, for the fifth time.
        let hour = Duration::from_secs(3_600);
        let claimed = redis
            .xclaim::<(String, u64)>("s", "g", "e", 0, [id(1), id(99)])
            .idle(3_600_000)
            .retrycount(5)
            .await?;
        assert_eq!(ids(&claimed), [1]);
        assert_eq!(claimed[0].fields, Some(("n".to_owned(), 1)));
        let old = redis
            .xpending("s", "g")
            .range("-", "+", 10)
            .consumer("e")
            .idle(3_600_000)
            .await?;
        assert_eq!((old[0].id, old[0].deliveries), (id(1), 5));
        assert!(old[0].idle >= hour && old[0].idle < 2 * hour);
        // Since 1970.
        let ids_of = redis
            .xclaim::<()>("s", "g", "e", 0, id(2))
            .time(0)
            .justid()
            .await?;
        assert_eq!(ids_of, [id(2)]);
        let old = redis.xpending("s", "g").range(2, 2, 1).await?;
        assert!(old[0].idle > 1_000 * hour && old[0].deliveries == 1);

        // What was not idle for so long is not claimed, and what is deleted is forgotten.
        assert!(
            redis
                .xclaim::<()>("s", "g", "c", 3_600_000, id(3))
                .await?
                .is_empty()
        );
        redis.xdel("s", [id(3), id(4)]).await?;
        assert!(
            redis
                .xclaim::<()>("s", "g", "c", 0, id(3))
                .await?
                .is_empty()
        );
        assert_eq!(redis.xpending("s", "g").await?.count, 5);

        // Only the two old ones, and what is deleted however old it is; then all, one a call.
        let claimed = redis
            .xautoclaim::<(String, u64)>("s", "g", "f", 3_600_000, "0")
            .await?;
        assert_eq!((ids(&claimed.entries), claimed.next), (vec![1, 2], None));
        assert_eq!(claimed.entries[1].fields, Some(("n".to_owned(), 2)));
        assert_eq!(claimed.deleted, [id(4)]);
        let (mut start, mut found) = (Some(StreamId::MIN), vec![]);
        while let Some(from) = start {
            let claimed = redis
                .xautoclaim::<()>("s", "g", "f", 0, from)
                .count(1)
                .justid()
                .await?;
            assert!(claimed.entries.len() <= 1 && claimed.deleted.is_empty());
            found.extend(claimed.entries);
            start = claimed.next;
        }
        assert_eq!(found, [id(1), id(2), id(5), id(6)]);
        assert_eq!(
            redis.xpending("s", "g").await?.consumers,
            [("f".to_owned(), 4)]
        );

        // FORCE makes pending what is not, LASTID moves the group on.
        redis.xack("s", "g", id(5)).await?;
        assert!(
            redis
                .xclaim::<()>("s", "g", "c", 0, id(5))
                .await?
                .is_empty()
        );
        let forced = redis
            .xclaim::<()>("s", "g", "c", 0, id(5))
            .force()
            .lastid(id(50))
            .await?;
        assert_eq!(ids(&forced), [5]);
        assert_eq!(redis.xinfo_groups("s").await?[0].last_delivered_id, id(50));

        refused(redis.xpending("s", "none").await, "NOGROUP", "XPENDING");
        refused(
            redis.xpending("none", "g").range("-", "+", 1).await,
            "NOGROUP",
            "XPENDING",
        );
        refused(
            redis.xclaim::<()>("s", "none", "c", 0, id(1)).await,
            "NOGROUP",
            "XCLAIM",
        );
        refused(
            redis.xautoclaim::<()>("s", "none", "c", 0, 0).await,
            "NOGROUP",
            "XAUTOCLAIM",
        );
        refused(
            redis.xclaim::<()>("s", "g", "c", 0, "one").await,
            "ERR",
            "XCLAIM",
        );
        Ok(())
    });
}
