//! One kind of work after the other, by each client that can do it, over the same server: what one takes, as a multiple of
//! what it takes the crate.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Bench, Row, number};
use crate::{
    error::Result,
    npm::{self, Node},
    process::Cmd,
    pypi, ui,
};

/// The name of a work, what it is, and how often it is done.
const WORKS: [(&str, &str, u32); 7] = [
    ("set", "one awaited SET", 2_000),
    ("pipeline", "pipeline of 1,000 SETs", 50),
    ("mget", "MGET of 100 keys", 500),
    ("lrange", "LRANGE of 100,000 entries", 10),
    ("text", "GET of 1 MB of text", 50),
    ("base64", "GET of 1 MB of bytes, base64", 50),
    ("resp2", "GET of 1 MB of bytes, RESP2", 50),
];

/// Who does them; the first one is the measure.
const CLIENTS: [(&str, &str); 7] = [
    ("restis", "restis"),
    ("redis-rs", "redis-rs, TCP"),
    ("npm", "restis, Node"),
    ("upstash", "@upstash, Node"),
    ("npm-workerd", "restis, workerd"),
    ("upstash-workerd", "@upstash, workerd"),
    ("python", "upstash, Python"),
];

fn does(client: &str, work: &str) -> bool {
    match work {
        "base64" => matches!(client, "restis" | "npm" | "npm-workerd"),
        "resp2" => client == "restis" || client == "redis-rs",
        _ => true,
    }
}

pub(super) fn of_all(bench: &Bench<'_>) -> Result<Row> {
    let program = bench.program("values")?;
    bench
        .with_servers(Cmd::new(&program).arg("prepare"))
        .output()?;
    let node = npm::node(bench.repo, Node::V22)?;
    let script = |package: &str, place: &str| {
        Cmd::new(&node)
            .args(["values-bench.mjs", package, place])
            .dir(bench.repo.js())
    };
    let python = pypi::python()?;
    let packages = pypi::ensure_upstash(bench.repo)?;
    let command = |client: &str| match client {
        "npm" => script("restis", "node"),
        "upstash" => script("upstash", "node"),
        "npm-workerd" => script("restis", "workerd"),
        "upstash-workerd" => script("upstash", "workerd"),
        "python" => Cmd::new(python)
            .arg(bench.repo.join("tests/python/values_bench.py"))
            .env("PYTHONPATH", &packages),
        other => Cmd::new(&program).arg(other),
    };
    let mut measured = Vec::new();
    for (work, title, rounds) in WORKS {
        ui::note(title);
        for (client, _) in CLIENTS {
            if does(client, work) {
                let rounds = rounds.to_string();
                let mut found = bench.measured(command(client).args([work, rounds.as_str()]))?;
                if let Some(fields) = found.as_object_mut() {
                    fields.insert("work".to_owned(), work.into());
                    fields.insert("client".to_owned(), client.into());
                }
                measured.push(found);
            }
        }
    }
    Ok(Row {
        text: text(&measured)?,
        over: None,
        facts: ("work", measured.into()),
    })
}

/// What each work is called.
pub(super) fn titles() -> Vec<(&'static str, &'static str)> {
    WORKS
        .iter()
        .map(|&(name, title, _)| (name, title))
        .collect()
}

fn find<'a>(measured: &'a [Value], client: &str, work: &str) -> Option<&'a Value> {
    measured
        .iter()
        .find(|found| found["client"] == client && found["work"] == work)
}

fn text(measured: &[Value]) -> Result<String> {
    let mut text = String::new();
    for (field, title, ours) in [
        ("cpu_us", "CPU of one, a multiple of restis'", "µs"),
        ("wall_us", "elapsed, a multiple of restis'", "µs"),
        ("larger_kb", "how much larger the process became, KB", "KB"),
    ] {
        let _ = write!(text, "  {title:<40}{ours:>10}");
        for (_, name) in CLIENTS.iter().skip(1) {
            let _ = write!(text, "{name:>19}");
        }
        text.push('\n');
        for (work, title, _) in WORKS {
            let Some(ours) = find(measured, "restis", work) else {
                continue;
            };
            let ours = number(ours, field)?;
            let _ = write!(text, "  {title:<40}{ours:>10.0}");
            for (client, _) in CLIENTS.iter().skip(1) {
                let cell = match find(measured, client, work) {
                    None => "–".to_owned(),
                    Some(theirs) if field == "larger_kb" => {
                        format!("{:.0}", number(theirs, field)?)
                    }
                    Some(theirs) => format!("{:.2}", number(theirs, field)? / ours),
                };
                let _ = write!(text, "{cell:>19}");
            }
            text.push('\n');
        }
        text.push('\n');
    }
    Ok(text)
}

/// What the helpers cost, counted at the server.
pub(super) fn costs(bench: &Bench<'_>) -> Result<Row> {
    let found = bench.measured(Cmd::new(bench.program("costs")?))?;
    let mut text = format!(
        "  {:<72}{:>10}{:>10}\n",
        "what a helper costs, its scripts known", "requests", "billed"
    );
    for cost in found.as_array().into_iter().flatten() {
        let what = cost["what"].as_str().unwrap_or_default();
        let (requests, billed) = (number(cost, "requests")?, number(cost, "billed")?);
        let _ = writeln!(text, "  {what:<72}{requests:>10}{billed:>10}");
    }
    Ok(Row {
        text,
        over: None,
        facts: ("costs", found),
    })
}

/// From 1 to 100,000 GETs in flight.
pub(super) fn scale(bench: &Bench<'_>) -> Result<Row> {
    let program = bench.program("scale")?;
    ui::note("from 1 to 100,000 GETs in flight");
    let mut text = format!(
        "  {:<24}{:>12}{:>12}{:>14}{:>16}\n",
        "GETs in flight", "CPU, µs", "elapsed, µs", "larger, KB", "bytes for each"
    );
    let mut facts = Vec::new();
    for in_flight in [1_u32, 10, 100, 1_000, 10_000, 100_000] {
        let found = bench.measured(Cmd::new(&program).arg(in_flight.to_string()))?;
        let (cpu, wall) = (number(&found, "cpu_us")?, number(&found, "wall_us")?);
        let larger = number(&found, "larger_kb")?;
        let each = larger * 1_024.0 / f64::from(in_flight);
        let _ = writeln!(
            text,
            "  {in_flight:<24}{cpu:>12.2}{wall:>12.2}{larger:>14.0}{each:>16.0}"
        );
        facts.push(
            json!({ "in_flight": in_flight, "cpu_us": cpu, "wall_us": wall, "larger_kb": larger }),
        );
    }
    Ok(Row {
        text,
        over: None,
        facts: ("scale", facts.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_multiples_of_ours() {
        let of = |client: &str, cpu: f64| json!({ "client": client, "work": "set", "cpu_us": cpu, "wall_us": cpu, "larger_kb": 7 });
        let text = text(&[of("restis", 10.0), of("upstash", 25.0)]).unwrap();
        assert!(text.contains("2.50"), "{text}");
        assert!(text.contains('–'), "{text}");
    }
}
