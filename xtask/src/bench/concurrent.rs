//! 1,000 commands at a time, by us and by others; and how much memory reading much takes.

use std::fmt::Write as _;

use serde_json::json;

use super::{Bench, Row, number};
use crate::{
    error::Result,
    npm::{self, Node},
    process::Cmd,
    ui,
};

/// The CPU of one of 1,000 GETs may take this much of what @upstash/redis takes on Node in the same run.
const UPSTASH_BUDGET: f64 = 0.1;

/// Rounds of 1,000 GETs.
const ROUNDS: &str = "300";

/// Each is measured this often, in turn, and the best counts: the machine does other things.
const TRIES: usize = 3;

/// One way to read 1,000 keys at a time.
struct Way {
    title: &'static str,
    cpu: f64,
    wall: f64,
}

pub(super) fn gets(bench: &Bench<'_>) -> Result<Row> {
    let program = bench.program("concurrent_gets")?;
    let node = npm::node(bench.repo, Node::V22)?;
    let ours = |way: &str| Cmd::new(&program).args([way, ROUNDS]);
    let upstash = Cmd::new(node)
        .args(["bench.mjs", ROUNDS])
        .dir(bench.repo.js());
    let ways = [
        ("restis, auto-pipelined, one join", ours("restis")),
        ("@upstash/redis on Node 22, Promise.all", upstash),
        ("redis-rs over TCP, one join", ours("redis-rs")),
        ("reqwest and serde_json by hand, one request", ours("bare")),
        ("restis, 1,000 tasks on all threads", ours("tasks")),
        ("restis, the same, max_in_flight(2)", ours("capped")),
    ];
    let mut best: Vec<Option<Way>> = ways.iter().map(|_| None).collect();
    for round in 1..=TRIES {
        ui::note(&format!("1,000 GETs at a time, {round} of {TRIES}"));
        for ((title, command), best) in ways.iter().zip(&mut best) {
            let measured = bench.measured(command.clone())?;
            let way = Way {
                title,
                cpu: number(&measured, "cpu_us")?,
                wall: number(&measured, "wall_us")?,
            };
            if best.as_ref().is_none_or(|best| way.cpu < best.cpu) {
                *best = Some(way);
            }
        }
    }
    let ways: Vec<Way> = best.into_iter().flatten().collect();
    Ok(Row {
        text: text(&ways),
        over: over(&ways),
        facts: (
            "gets_at_a_time",
            ways.iter()
                .map(|way| json!({ "way": way.title, "cpu_us": way.cpu, "wall_us": way.wall }))
                .collect(),
        ),
    })
}

/// The first is ours, the second the one it is measured against.
fn ratio(ways: &[Way]) -> Option<f64> {
    let [ours, theirs, ..] = ways else {
        return None;
    };
    Some(ours.cpu / theirs.cpu)
}

fn text(ways: &[Way]) -> String {
    let mut text = format!(
        "  {:<48}{:>8}{:>10}\n",
        "1,000 GETs at a time, µs for each", "CPU", "elapsed"
    );
    for Way { title, cpu, wall } in ways {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {title:<48}{cpu:>8.2}{wall:>10.2}");
    }
    if let Some(ratio) = ratio(ways) {
        let _ = writeln!(
            text,
            "  {:<48}{ratio:>8.3}",
            "CPU of the first to the second"
        );
        let _ = writeln!(text, "  {:<48}{UPSTASH_BUDGET:>8.3}", "budget");
    }
    text
}

fn over(ways: &[Way]) -> Option<String> {
    let ratio = ratio(ways)?;
    (ratio > UPSTASH_BUDGET).then(|| {
        format!(
            "A concurrent GET takes {ratio:.3} x the CPU of @upstash/redis, over the budget of {UPSTASH_BUDGET}. Profile \
             target/release/concurrent_gets; a machine that does other things shows too much."
        )
    })
}

pub(super) fn memory(bench: &Bench<'_>) -> Result<Row> {
    let program = bench.program("memory")?;
    let run = |what: &str| Cmd::new(&program).arg(what);
    bench.with_servers(run("prepare")).output()?;
    let scan = number(&bench.measured(run("scan"))?, "peak_kb")?;
    let lrange = number(&bench.measured(run("lrange"))?, "peak_kb")?;
    Ok(Row {
        text: format!(
            "  {:<48}{:>8}\n  {:<48}{scan:>8}\n  {:<48}{lrange:>8}\n",
            "peak memory, KB more than before",
            "",
            "SCAN of 100,000 keys, pages of 1,000",
            "LRANGE of 100,000 entries of 20 bytes",
        ),
        over: None,
        facts: (
            "peak_memory",
            json!({ "scan_kb": scan, "lrange_kb": lrange }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(ours: f64, theirs: f64) -> Vec<Way> {
        let way = |title, cpu| Way {
            title,
            cpu,
            wall: 1.0,
        };
        vec![way("ours", ours), way("theirs", theirs), way("other", 1.0)]
    }

    #[test]
    fn the_budget_is_a_ratio() {
        assert_eq!(over(&ways(0.75, 7.5)), None);
        assert!(over(&ways(0.76, 7.5)).is_some());
        assert!(text(&ways(0.75, 7.5)).contains("0.100"));
    }
}
