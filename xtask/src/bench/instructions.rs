//! Instructions, counted by valgrind: what must not wobble. The difference of a long and a short run, so that start-up
//! and the other programs of the machine are not in it.

use std::{fs, path::Path};

use super::{Bench, Row};
use crate::{
    error::{Context as _, Error, Result},
    process::Cmd,
};

/// One awaited GET may take this much of what a bare reqwest loop takes that sends the same bytes.
const GET_BUDGET: f64 = 1.05;

const SHORT: u64 = 500;
const LONG: u64 = 2_500;

/// One awaited GET after the other.
pub(super) fn of_get(bench: &Bench<'_>) -> Result<Row> {
    let program = bench.program("awaited_get")?;
    bench
        .with_servers(Cmd::new(&program).arg("prepare"))
        .output()?;
    let out = bench.repo.join("target/bench");
    fs::create_dir_all(&out).context("make target/bench")?;
    let count = |who: &str, times: u64| -> Result<u64> {
        let log = out.join(format!("{who}-{times}.txt"));
        let valgrind = Cmd::new("valgrind")
            .words("--tool=callgrind --callgrind-out-file=/dev/null")
            .arg(format!("--log-file={}", log.display()))
            .arg(&program)
            .args([who, &times.to_string()]);
        bench
            .with_servers(valgrind)
            .step(&format!("{times} GETs by {who}, counted"))?;
        instructions(&log)
    };
    let per_get = |who: &str| -> Result<u64> {
        let long = count(who, LONG)?;
        Ok(long.saturating_sub(count(who, SHORT)?) / (LONG - SHORT))
    };
    let (bare, restis) = (per_get("bare")?, per_get("restis")?);
    Ok(Row {
        text: text(bare, restis),
        over: over(bare, restis),
        facts: (
            "instructions_of_get",
            serde_json::json!({ "bare": bare, "restis": restis }),
        ),
    })
}

/// The total that callgrind writes at its end.
fn instructions(log: &Path) -> Result<u64> {
    let text = fs::read_to_string(log).context("read what valgrind wrote")?;
    collected(&text).ok_or_else(|| {
        Error::new("valgrind counted nothing.").hint(format!("Its words are in {}.", log.display()))
    })
}

fn collected(text: &str) -> Option<u64> {
    let (_, number) = text
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    number.trim().parse().ok()
}

fn ratio(bare: u64, restis: u64) -> f64 {
    restis as f64 / bare.max(1) as f64
}

fn text(bare: u64, restis: u64) -> String {
    format!(
        "  instructions of one awaited GET\n  {:<44}{bare:>10}\n  {:<44}{restis:>10}\n  {:<44}{:>10.3}\n  {:<44}{GET_BUDGET:>10.3}\n",
        "a bare reqwest loop that sends the same bytes",
        "restis",
        "ratio",
        ratio(bare, restis),
        "budget",
    )
}

fn over(bare: u64, restis: u64) -> Option<String> {
    let ratio = ratio(bare, restis);
    (ratio > GET_BUDGET).then(|| {
        format!(
            "A GET takes {ratio:.3} x the instructions of a bare loop, over the budget of {GET_BUDGET}. Compare the \
             two with callgrind_annotate to see what grew."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_callgrind_writes() {
        let text = "==1== \n==1== Events    : Ir\n==1== Collected : 204145590\n==1== \n";
        assert_eq!(collected(text), Some(204_145_590));
        assert_eq!(collected("==1== no such line"), None);
    }

    #[test]
    fn the_budget_is_a_ratio() {
        assert_eq!(over(1000, 1050), None);
        assert!(over(1000, 1051).is_some());
        assert!(text(1000, 950).contains("0.950"));
    }
}
