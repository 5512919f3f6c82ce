//! Random histories: restis and a real BullMQ take turns on one queue, and what has to hold is checked after every step.
//!
//! `RESTIS_HISTORIES` is how many are tried, `RESTIS_SEED` the first of them: a failure names its seed and its steps.
//! `RESTIS_SIDE=bullmq` or `=restis` lets one side act alone, which shows whose fault it is.

mod keys;
mod steps;

use std::env;

use restis::Redis;
use restis_processes::{Player, Server, rivals};

use self::steps::History;

/// How many are tried where `RESTIS_HISTORIES` names no other number.
const HISTORIES: u64 = 100;
const STEPS: usize = 40;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// A server and BullMQ, for many histories.
struct Place {
    _server: Server,
    redis: Redis,
    bull: Player,
}

async fn place() -> Place {
    let server = Server::start().await.unwrap();
    Place {
        redis: server.client().unwrap(),
        bull: rivals::history(&server, "bullmq").unwrap(),
        _server: server,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_with_bullmq_keep_every_job_in_one_state() {
    let place = place().await;
    let side = match env::var("RESTIS_SIDE").as_deref() {
        Ok("restis") => Some(true),
        Ok("bullmq") => Some(false),
        _ => None,
    };
    let first = number("RESTIS_SEED", 0);
    for seed in first..first + number("RESTIS_HISTORIES", HISTORIES) {
        History::new(&place.redis, &place.bull, seed, side)
            .play(STEPS)
            .await;
    }
}
