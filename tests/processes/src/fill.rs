//! Queues with many jobs, made on the server itself: to add a million over HTTP takes minutes.

use std::time::{SystemTime, UNIX_EPOCH};

use restis::Redis;

use crate::error::{Context as _, Result};

const FILL: &str = r#"
    local P, state, time = ARGV[1], ARGV[2], ARGV[5]
    for n = tonumber(ARGV[3]), tonumber(ARGV[4]) do
        local id = state .. n
        redis.call('HSET', P .. id, 'name', 'n', 'data', '{}', 'opts', '{"attempts":0}', 'timestamp', time, 'delay', 0, 'priority', 0)
        if state == 'completed' then
            redis.call('HSET', P .. id, 'finishedOn', time, 'returnvalue', 'null')
            redis.call('ZADD', P .. state, time, id)
        elseif state == 'delayed' then
            redis.call('HSET', P .. id, 'delay', 4000000000000 - time)
            redis.call('ZADD', P .. state, string.format('%.0f', 4000000000000 * 4096 + n), id)
        elseif state == 'prioritized' then
            redis.call('HSET', P .. id, 'priority', 1)
            redis.call('ZADD', P .. state, 4294967296 + n, id)
        else
            redis.call('LPUSH', P .. state, id)
        end
    end
    return 1
"#;

/// Adds the jobs `wait1` to `wait<count>` to `bull:<queue>`, as the last ones in that state, whose key is called so.
pub async fn fill(redis: &Redis, queue: &str, state: &str, count: usize) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.context("no time")?.as_millis().to_string();
    for from in (1..=count).step_by(20_000) {
        let to = count.min(from + 19_999);
        let run = redis.eval::<u32>(FILL, ()).arg(format!("bull:{queue}:"));
        let run = run.arg(state).arg(from).arg(to).arg(&now);
        run.await.context("the queue is not filled")?;
    }
    Ok(())
}
