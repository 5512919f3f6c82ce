//! The rows of functions.

use super::{Idempotent, Read, Recorder, Row, Write, Written};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.function_load("#!lua name=l\n") => Write r##"["FUNCTION","LOAD","#!lua name=l\n"]"##;
        redis.function_load("#!lua name=l\nredis.register_function('f', function() end)").replace()
            => Idempotent r##"["FUNCTION","LOAD","REPLACE","#!lua name=l\nredis.register_function('f', function() end)"]"##;
        redis.function_list() => Read r#"["FUNCTION","LIST"]"#;
        redis.function_list().libraryname("l*").withcode() => Read r#"["FUNCTION","LIST","LIBRARYNAME","l*","WITHCODE"]"#;
        redis.function_delete("l") => Write r#"["FUNCTION","DELETE","l"]"#;
        redis.function_flush() => Idempotent r#"["FUNCTION","FLUSH"]"#;
        redis.function_flush().async_() => Idempotent r#"["FUNCTION","FLUSH","ASYNC"]"#;
        redis.function_flush().sync() => Idempotent r#"["FUNCTION","FLUSH","SYNC"]"#;
        redis.function_stats() => Read r#"["FUNCTION","STATS"]"#;
        redis.function_kill() => Write r#"["FUNCTION","KILL"]"#;
        redis.fcall::<()>("f", "k").arg("a") => Write r#"["FCALL","f","1","k","a"]"#;
        redis.fcall::<()>("f", ["k", "l"]).args([1, 2]) => Write r#"["FCALL","f","2","k","l","1","2"]"#;
        redis.fcall_ro::<()>("f", ()) => Read r#"["FCALL_RO","f","0"]"#;
    }
}
