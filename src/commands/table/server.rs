//! The rows of the connection, the server's settings, publishing and access control.

use super::{Idempotent, Read, Recorder, Row, Write, Written};
use crate::commands::connection::LibInfo;

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.ping().message::<String>("hi") => Read r#"["PING","hi"]"#;
        redis.client_setinfo(LibInfo::Name, "x") => Idempotent r#"["CLIENT","SETINFO","LIB-NAME","x"]"#;
        redis.client_setinfo(LibInfo::Version, "1.0") => Idempotent r#"["CLIENT","SETINFO","LIB-VER","1.0"]"#;
        redis.script_kill() => Write r#"["SCRIPT","KILL"]"#;

        redis.command_count() => Read r#"["COMMAND","COUNT"]"#;
        redis.command_docs(["get", "set"]) => Read r#"["COMMAND","DOCS","get","set"]"#;
        redis.command_info(()) => Read r#"["COMMAND","INFO"]"#;
        redis.config_get(["save", "max*"]) => Read r#"["CONFIG","GET","save","max*"]"#;
        redis.config_set([("slowlog-max-len", 64)]) => Idempotent r#"["CONFIG","SET","slowlog-max-len","64"]"#;
        redis.wait(1, 100) => Read r#"["WAIT","1","100"]"#;
        redis.waitaof(true, 0, 100) => Read r#"["WAITAOF","1","0","100"]"#;

        redis.publish("c", "m") => Write r#"["PUBLISH","c","m"]"#;
        redis.pubsub_channels::<String>() => Read r#"["PUBSUB","CHANNELS"]"#;
        redis.pubsub_channels::<String>().matching("n*") => Read r#"["PUBSUB","CHANNELS","n*"]"#;
        redis.pubsub_numsub(["a", "b"]) => Read r#"["PUBSUB","NUMSUB","a","b"]"#;
        redis.pubsub_numpat() => Read r#"["PUBSUB","NUMPAT"]"#;

        redis.acl_cat() => Read r#"["ACL","CAT"]"#;
        redis.acl_cat().category("hash") => Read r#"["ACL","CAT","hash"]"#;
        redis.acl_deluser(["ada", "bob"]) => Write r#"["ACL","DELUSER","ada","bob"]"#;
        redis.acl_genpass() => Read r#"["ACL","GENPASS"]"#;
        redis.acl_genpass().bits(32) => Read r#"["ACL","GENPASS","32"]"#;
        redis.acl_gentoken("ada") => Read r#"["ACL","GENTOKEN","ada"]"#;
        redis.acl_gentoken("ada").password("p") => Read r#"["ACL","GENTOKEN","ada","p"]"#;
        redis.acl_getuser("ada") => Read r#"["ACL","GETUSER","ada"]"#;
        redis.acl_list() => Read r#"["ACL","LIST"]"#;
        redis.acl_log() => Write r#"["ACL","LOG"]"#;
        redis.acl_log().count(5) => Write r#"["ACL","LOG","5"]"#;
        redis.acl_log_reset() => Write r#"["ACL","LOG","RESET"]"#;
        redis.acl_resttoken("ada", "p") => Read r#"["ACL","RESTTOKEN","ada","p"]"#;
        redis.acl_setuser("ada", ["on", "+get"]) => Write r#"["ACL","SETUSER","ada","on","+get"]"#;
        redis.acl_users() => Read r#"["ACL","USERS"]"#;
        redis.acl_whoami() => Read r#"["ACL","WHOAMI"]"#;
    }
}
