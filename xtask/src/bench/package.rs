//! The npm package beside @upstash/redis, in Node and in workerd.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Bench, Row, number};
use crate::{
    error::{Context as _, Result},
    npm::{self, Node},
    package,
    process::Cmd,
    ui,
};

/// What a row may take of what @upstash/redis takes: the budget, and what it is not over today. The second goes down, never up.
const BUDGETS: [(&str, &str, f64, f64); 4] = [
    ("get", "one awaited GET", 1.0, 1.6),
    ("crowd", "one of 1,000 GETs at a time", 0.5, 0.8),
    ("range", "LRANGE of 2,000 texts", 0.2, 0.2),
    ("start", "from the start to the first answer", 1.0, 1.5),
];

pub(super) fn beside_upstash(bench: &Bench<'_>) -> Result<Row> {
    package::build(bench.repo)?;
    ui::note("the npm package and @upstash/redis, in Node and in workerd (about 2 minutes)");
    let node = npm::node(bench.repo, Node::V22)?;
    let program = Cmd::new(node).arg("package-bench.mjs").dir(bench.repo.js());
    let printed = bench.with_servers(program).output()?;
    let rows: Vec<Value> = printed
        .lines()
        .map(serde_json::from_str)
        .collect::<serde_json::Result<_>>()
        .context("read what package-bench.mjs printed")?;
    row(&rows)
}

fn row(measured: &[Value]) -> Result<Row> {
    let mut text = format!(
        "{:<52}{:>10}{:>12}{:>8}{:>8}\n",
        "µs of CPU, the npm package beside @upstash/redis", "restis", "@upstash", "ratio", "budget"
    );
    let mut over = Vec::new();
    for found in measured {
        let word = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
        let budget = BUDGETS.iter().find(|(name, ..)| *name == word("name"));
        let &(_, title, budget, most) = budget.context("find the budget of a row")?;
        let (ours, theirs) = (number(found, "ours")?, number(found, "theirs")?);
        let ratio = number(found, "ratio")?;
        let title = format!("  {}: {title}", word("where"));
        let _ = writeln!(
            text,
            "{title:<52}{ours:>10.1}{theirs:>12.1}{ratio:>8.2}{budget:>8.2}"
        );
        if ratio > most {
            over.push(format!(
                "{}: {ratio:.2}, and was not over {most}",
                title.trim()
            ));
        }
    }
    let over = (!over.is_empty()).then(|| over.join("\n"));
    Ok(Row {
        text,
        over,
        facts: ("npm_beside_upstash", measured.into()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_over_where_it_was_not() {
        let measured = |ratio: f64| {
            [
                json!({ "where": "Node", "name": "range", "ours": 1.0, "theirs": 2.0, "ratio": ratio }),
            ]
        };
        let fine = row(&measured(0.2)).unwrap();
        assert!(fine.over.is_none());
        assert!(
            fine.text.contains("Node: LRANGE of 2,000 texts"),
            "{}",
            fine.text
        );
        assert!(row(&measured(0.21)).unwrap().over.unwrap().contains("0.21"));
        assert!(row(&[json!({ "name": "other" })]).is_err());
    }
}
