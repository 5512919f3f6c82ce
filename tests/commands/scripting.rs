//! Connection and scripting, on a real server.

use restis::Json;
use restis_testing::run;

use crate::refused;

#[test]
fn every_command() {
    run(async |redis| {
        assert_eq!(redis.ping().await?, "PONG");
        assert_eq!(
            redis.echo::<Json<Vec<i64>>>(Json([1, 2])).await?,
            Json(vec![1, 2])
        );

        let both: Vec<String> = redis
            .eval("return {KEYS[1], ARGV[1], ARGV[2]}", "k")
            .arg(1)
            .args(["x"])
            .await?;
        assert_eq!(both, ["k", "1", "x"]);
        assert_eq!(redis.eval::<Option<String>>("return nil", ()).await?, None);
        assert_eq!(
            redis
                .eval_ro::<Option<i64>>("return redis.call('GET', KEYS[1])", "k")
                .await?,
            None
        );
        let write = redis
            .eval_ro::<()>("return redis.call('SET', KEYS[1], 1)", "k")
            .await;
        assert!(write.unwrap_err().is_server());
        let sha1 = redis.script_load("return ARGV[1]").await?;
        assert_eq!(redis.evalsha::<i64>(&sha1, ()).arg(7).await?, 7);
        assert_eq!(redis.evalsha_ro::<i64>(&sha1, ["k"]).arg(7).await?, 7);
        assert_eq!(
            redis.script_exists([&*sha1, "no such script"]).await?,
            [true, false]
        );
        redis.script_flush().async_().await?;
        redis.script_flush().sync().await?;
        redis.script_flush().await?;
        refused(redis.evalsha::<i64>(&sha1, ()).await, "NOSCRIPT", "EVALSHA");
        Ok(())
    });
}
