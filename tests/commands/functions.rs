//! Functions, on a real server.

use restis::Bytes;
use restis_testing::run;

use crate::{refused, texts};

const CODE: &str = "#!lua name=lib
local function echo(keys, args) return {keys[1], args[1]} end
redis.register_function('echo', echo)
redis.register_function{
    function_name = 'read', description = 'reads a key', flags = {'no-writes'},
    callback = function(keys) return redis.call('GET', keys[1]) end,
}
redis.register_function{
    function_name = 'write', flags = {'no-writes'},
    callback = function(keys) return redis.call('SET', keys[1], 1) end,
}";

#[test]
fn libraries_come_and_go() {
    run(async |redis| {
        assert_eq!(redis.function_list().await?, []);
        assert_eq!(redis.function_load(CODE).await?, "lib");
        refused(redis.function_load(CODE).await, "ERR", "FUNCTION LOAD");
        assert_eq!(redis.function_load(CODE).replace().await?, "lib");
        refused(
            redis.function_load("#!lua name=empty").await,
            "ERR",
            "FUNCTION LOAD",
        );

        let list = redis.function_list().await?;
        assert_eq!((list.len(), &list[0].code), (1, &None));
        assert_eq!((&*list[0].name, &*list[0].engine), ("lib", "LUA"));
        let mut functions = list[0].functions.clone();
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<_> = functions.iter().map(|f| f.name.clone()).collect();
        assert_eq!(names, texts(&["echo", "read", "write"]));
        assert_eq!(functions[0].description, None);
        assert_eq!(functions[0].flags, texts(&[]));
        assert_eq!(functions[1].description.as_deref(), Some("reads a key"));
        assert_eq!(functions[1].flags, ["no-writes"]);
        let with_code = redis.function_list().libraryname("li?").withcode().await?;
        assert_eq!(with_code[0].code.as_deref(), Some(CODE));
        assert_eq!(redis.function_list().libraryname("other").await?, []);

        let stats = redis.function_stats().await?;
        assert_eq!(stats.running, None);
        let lua = stats.engines["LUA"];
        assert_eq!((lua.libraries, lua.functions), (1, 3));
        refused(redis.function_kill().await, "NOTBUSY", "FUNCTION KILL");

        redis.function_delete("lib").await?;
        refused(redis.function_delete("lib").await, "ERR", "FUNCTION DELETE");
        for flush in [
            redis.function_flush(),
            redis.function_flush().async_(),
            redis.function_flush().sync(),
        ] {
            redis.function_load(CODE).await?;
            flush.await?;
            assert_eq!(redis.function_list().await?, []);
        }
        Ok(())
    });
}

#[test]
fn functions_are_called() {
    run(async |redis| {
        redis.function_load(CODE).await?;
        let both: Vec<String> = redis.fcall("echo", "k").arg("a").await?;
        assert_eq!(both, ["k", "a"]);
        let bytes: Vec<Bytes> = redis.fcall("echo", ["k", "l"]).args(["é", "b"]).await?;
        assert_eq!(bytes[1], "é");
        assert_eq!(redis.fcall_ro::<Option<i64>>("read", "k").await?, None);
        redis.set("k", 7).await?;
        assert_eq!(redis.fcall_ro::<i64>("read", "k").await?, 7);

        refused(redis.fcall::<()>("none", ()).await, "ERR", "FCALL");
        refused(redis.fcall_ro::<()>("echo", ()).await, "ERR", "FCALL_RO");
        let write = redis.fcall_ro::<()>("write", "k").await.unwrap_err();
        assert!(write.is_server(), "{write}");
        assert_eq!(redis.get::<i64>("k").await?, Some(7));
        Ok(())
    });
}
