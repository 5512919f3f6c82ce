//! The server group on a real server, and commands of all groups in batches.

use std::time::Duration;

use restis::commands::lists::ListEnd;
use restis_testing::run;

use crate::{refused, scored};

#[test]
fn every_command() {
    run(async |redis| {
        redis.mset([("a", 1), ("b", 2)]).await?;
        redis.set("c", 3).ex(600).await?;
        assert_eq!(redis.dbsize().await?, 3);

        let info = redis.info().await?;
        assert!(info.server.redis_version.is_some());
        assert!(info.server.uptime_in_seconds.is_some());
        assert!(
            info.clients
                .connected_clients
                .is_some_and(|clients| clients > 0)
        );
        assert!(info.memory.used_memory.is_some_and(|bytes| bytes > 100_000));
        assert!(info.memory.maxmemory_policy.is_some());
        assert_eq!(info.persistence.loading, Some(false));
        assert!(
            info.stats
                .total_commands_processed
                .is_some_and(|commands| commands >= 3)
        );
        assert_eq!(info.replication.role.as_deref(), Some("master"));
        assert!(info.cpu.used_cpu_user.is_some());
        assert_eq!((info.keyspace[&0].keys, info.keyspace[&0].expires), (3, 1));
        assert!(info.keyspace[&0].avg_ttl <= 600_000);
        assert_eq!(
            info.get("Server", "redis_version"),
            info.server.redis_version.as_deref()
        );

        // Only what was asked for.
        let info = redis
            .info()
            .section("memory")
            .section("replication")
            .await?;
        assert!(info.memory.used_memory.is_some() && info.replication.role.is_some());
        assert!(info.server.redis_version.is_none() && info.keyspace.is_empty());
        let info = redis.info().section("commandstats").await?;
        assert!(
            info.get("commandstats", "cmdstat_mset")
                .is_some_and(|stats| stats.starts_with("calls=1,"))
        );

        let now = redis.time().await?;
        assert!(now.seconds > 1_700_000_000 && now.microseconds < 1_000_000);
        assert!(redis.time().await?.since_epoch() >= now.since_epoch());

        // Every command is slow for a server that is told so.
        redis
            .command("CONFIG")
            .args(["SET", "slowlog-log-slower-than", "0"])
            .await?;
        redis.slowlog_reset().await?;
        redis.set("slow", "naïve").await?;
        redis.get::<String>("slow").await?;
        redis
            .command("CONFIG")
            .args(["SET", "slowlog-log-slower-than", "-1"])
            .await?;
        let length = redis.slowlog_len().await?;
        let log = redis.slowlog_get().count(-1).await?;
        assert_eq!(log.len() as u64, length);
        let set = log
            .iter()
            .find(|entry| entry.args.first().is_some_and(|name| name == "SET"))
            .unwrap();
        assert_eq!(set.args, ["SET", "slow", "naïve"]);
        assert!(set.duration < Duration::from_secs(1) && set.time + 60 > now.seconds);
        assert!(set.client_addr.is_some());
        assert!(
            log.windows(2).all(|entries| entries[0].id > entries[1].id),
            "the latest comes first"
        );
        assert_eq!(redis.slowlog_get().count(1).await?, log[..1]);
        redis.slowlog_reset().await?;
        assert!(redis.slowlog_get().await?.is_empty());

        redis.flushdb().sync().await?;
        assert_eq!(redis.dbsize().await?, 0);
        for flush in [
            redis.flushdb(),
            redis.flushdb().async_(),
            redis.flushall(),
            redis.flushall().sync(),
        ] {
            redis.set("a", 1).await?;
            flush.await?;
            assert_eq!(redis.randomkey::<String>().await?, None);
        }
        assert!(redis.info().section("keyspace").await?.keyspace.is_empty());
        Ok(())
    });
}

/// The same commands, with their types, in a pipeline and in a transaction.
#[test]
fn in_batches() {
    run(async |redis| {
        let (added, top, nothing, wrong) = redis
            .pipeline((
                redis.zadd("z", (1, "a")).member(2, "b"),
                redis.zrange::<String>("z", 0, -1).rev().withscores(),
                redis.lpop::<String>("none").count(2),
                redis.hget::<String>("z", "f"),
            ))
            .await?;
        assert_eq!(added?, 2);
        assert_eq!(top?, scored(&[("b", 2.0), ("a", 1.0)]));
        assert_eq!(nothing?, None);
        refused(wrong, "WRONGTYPE", "HGET");

        let (length, popped, hash) = redis
            .transaction((
                redis.rpush("l", [1, 2, 3]),
                redis.lmpop::<i64>(["none", "l"], ListEnd::Left).count(2),
                redis.hgetall::<String>("none"),
            ))
            .await?;
        assert_eq!(
            (length, popped, hash.len()),
            (3, Some(("l".into(), vec![1, 2])), 0)
        );

        let (time, log) = redis.pipeline((redis.time(), redis.slowlog_get())).await?;
        assert!(time?.seconds > 1_700_000_000 && log?.len() <= 10);
        Ok(())
    });
}
