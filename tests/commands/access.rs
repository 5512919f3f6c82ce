//! Access control, settings and publishing, on a real server.

use restis::{Value, commands::connection::LibInfo};
use restis_testing::run;

use crate::{refused, texts};

#[test]
fn users_and_what_they_may() {
    run(async |redis| {
        assert_eq!(redis.acl_whoami().await?, "default");
        assert_eq!(redis.acl_users().await?, texts(&["default"]));
        assert_eq!(redis.acl_getuser("ada").await?, None);
        let password = redis.acl_genpass().await?;
        assert_ne!(redis.acl_genpass().await?, password);
        assert_eq!(redis.acl_genpass().bits(20).await?.len(), 5);
        let rules = [
            "on",
            &format!(">{password}"),
            "+get",
            "~user:*",
            "%R~other:*",
            "&news",
            "(+set ~x)",
        ];
        redis.acl_setuser("ada", rules).await?;
        let ada = redis.acl_getuser("ada").await?.unwrap();
        assert!(ada.flags.contains(&"on".into()), "{ada:?}");
        assert_eq!(ada.passwords.len(), 1);
        assert_eq!(ada.commands, "-@all +get");
        assert_eq!(ada.keys, ["~user:*", "%R~other:*"]);
        assert_eq!(ada.channels, ["&news"]);
        assert_eq!(ada.selectors[0].commands, "-@all +set");
        assert_eq!(ada.selectors[0].keys, ["~x"]);
        refused(
            redis.acl_setuser("ada", "no-such-rule").await,
            "ERR",
            "ACL SETUSER",
        );
        let error = redis.acl_setuser("ada", "<secret").await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        let lines = redis.acl_list().await?;
        assert!(lines.iter().any(|line| line.starts_with("user ada on")));
        assert_eq!(redis.acl_deluser(["ada", "bob"]).await?, 1);
        refused(redis.acl_deluser("default").await, "ERR", "ACL DELUSER");

        assert!(redis.acl_cat().await?.contains(&"geo".into()));
        let geo = redis.acl_cat().category("geo").await?;
        assert!(geo.contains(&"geoadd".into()), "{geo:?}");
        refused(redis.acl_cat().category("none").await, "ERR", "ACL CAT");

        // Nobody was refused here: what entries look like is shown where replies are read.
        assert!(redis.acl_log().count(1).await?.is_empty());
        redis.acl_log_reset().await?;
        // Upstash alone has these.
        refused(redis.acl_gentoken("ada").await, "ERR", "ACL GENTOKEN");
        refused(
            redis.acl_resttoken("ada", "p").await,
            "ERR",
            "ACL RESTTOKEN",
        );
        Ok(())
    });
}

#[test]
fn settings_and_commands() {
    run(async |redis| {
        redis
            .config_set([("slowlog-max-len", 64), ("slowlog-log-slower-than", 5_000)])
            .await?;
        let settings = redis.config_get(["slowlog-*", "none"]).await?;
        assert_eq!(settings["slowlog-max-len"], "64");
        assert_eq!(settings["slowlog-log-slower-than"], "5000");
        assert!(redis.config_get("no-such-setting").await?.is_empty());
        refused(
            redis.config_set(("no-such-setting", 1)).await,
            "ERR",
            "CONFIG SET",
        );

        let count = redis.command_count().await?;
        assert_eq!(redis.command_info(()).await?.len() as u64, count);
        let [Value::Array(get), Value::Nil] = &redis.command_info(["get", "none"]).await?[..]
        else {
            panic!("one command and nil")
        };
        assert_eq!(get[0].as_str(), Some("get"));
        let docs = redis.command_docs(["get", "set", "none"]).await?;
        assert!(docs.len() == 2 && docs.contains_key("set"));

        assert_eq!(redis.wait(0, 10).await?, 0);
        assert_eq!(redis.waitaof(false, 0, 10).await?, (0, 0));
        refused(redis.script_kill().await, "NOTBUSY", "SCRIPT KILL");
        refused(
            redis.client_setinfo(LibInfo::Version, "1").await,
            "ERR",
            "CLIENT SETINFO",
        );
        assert_eq!(redis.ping().message::<String>("a b").await?, "a b");
        Ok(())
    });
}

#[test]
fn publishing() {
    run(async |redis| {
        assert_eq!(redis.publish("news", "hello").await?, 0);
        assert!(redis.pubsub_channels::<String>().await?.is_empty());
        assert!(
            redis
                .pubsub_channels::<String>()
                .matching("n*")
                .await?
                .is_empty()
        );
        assert_eq!(
            redis.pubsub_numsub(["news", "other"]).await?,
            [("news".to_owned(), 0), ("other".to_owned(), 0)]
        );
        assert!(redis.pubsub_numsub(()).await?.is_empty());
        assert_eq!(redis.pubsub_numpat().await?, 0);
        Ok(())
    });
}
