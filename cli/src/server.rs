//! `restis info` and `restis slowlog`: what the server says of itself.

use std::{collections::BTreeMap, fmt::Write as _};

use restis::Redis;
use serde_json::{Map, json};

use crate::{
    error::{Error, Result},
    show::{self, Form},
    words::{quoted, safe},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    /// One section with all its fields, such as memory, keyspace, stats or everything
    section: Option<String>,
}

/// The fields of INFO by section, in the server's order.
type Sections = Vec<(String, Vec<(String, String)>)>;

pub(crate) async fn info(redis: &Redis, options: &Info, form: Form) -> Result<()> {
    let mut command = redis.command("INFO");
    if let Some(section) = &options.section {
        command = command.arg(&**section);
    }
    let sections = sections(&command.query::<String>().await?);
    if let (Some(section), true) = (&options.section, sections.is_empty()) {
        return Err(Error::usage(format!(
            "the server has no section {section}: restis info shows those it has"
        )));
    }
    let sections = if form == Form::People {
        shown(sections)
    } else {
        sections
    };
    match (form, &options.section) {
        (Form::Json, _) => show::line(&as_json(&sections)),
        (_, Some(_)) => show::text(fields(&sections).trim_end()),
        (_, None) => show::text(summary(&sections).trim_end()),
    }
}

fn sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('#') {
            sections.push((name.trim().to_ascii_lowercase(), Vec::new()));
        } else if let (Some((name, value)), Some((_, fields))) =
            (line.split_once(':'), sections.last_mut())
        {
            fields.push((name.to_owned(), value.trim_end().to_owned()));
        }
    }
    sections
}

/// The same fields in text that is safe on a terminal.
fn shown(sections: Sections) -> Sections {
    let text = |text: String| safe(&text).into_owned();
    sections
        .into_iter()
        .map(|(name, fields)| {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (text(name), text(value)));
            (text(name), fields.collect())
        })
        .collect()
}

fn as_json(sections: &Sections) -> serde_json::Value {
    let section = |fields: &Vec<(String, String)>| -> Map<_, _> {
        fields
            .iter()
            .map(|(name, value)| (name.clone(), value_as_json(value)))
            .collect()
    };
    let all: Map<_, _> = sections
        .iter()
        .map(|(name, fields)| (name.clone(), section(fields).into()))
        .collect();
    all.into()
}

/// `keys=2,expires=1` as an object, digits as a number, the rest as text.
fn value_as_json(value: &str) -> serde_json::Value {
    let pairs: Option<Map<_, _>> = value
        .split(',')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), show::number(value)))
        })
        .collect();
    pairs.map_or_else(|| show::number(value), Into::into)
}

fn fields(sections: &Sections) -> String {
    let mut text = String::new();
    for (name, fields) in sections {
        let _ = writeln!(text, "{name}");
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in fields {
            let _ = writeln!(text, "  {name:width$}  {value}");
        }
    }
    text
}

/// What one looks for first, of what the server tells: Upstash leaves fields out that Valkey has.
fn summary(sections: &Sections) -> String {
    let all: BTreeMap<(&str, &str), &str> = sections
        .iter()
        .flat_map(|(section, fields)| {
            fields
                .iter()
                .map(|(name, value)| ((section.as_str(), name.as_str()), value.as_str()))
        })
        .collect();
    let get = |section, name| all.get(&(section, name)).copied();
    let number = |section, name| get(section, name).and_then(|text| text.parse::<f64>().ok());
    let mut lines: Vec<(&str, String)> = Vec::new();
    let name = get("server", "server_name").unwrap_or("redis");
    let version = get("server", "valkey_version").or(get("server", "redis_version"));
    if let Some(version) = version {
        let up = number("server", "uptime_in_seconds")
            .map_or_else(String::new, |seconds| format!(", up {}", long(seconds)));
        lines.push(("server", format!("{name} {version}{up}")));
    }
    if let Some(used) = number("memory", "used_memory") {
        let mut text = bytes(used);
        if let Some(peak) = number("memory", "used_memory_peak") {
            let _ = write!(text, ", at most {} so far", bytes(peak));
        }
        match number("memory", "maxmemory") {
            Some(limit) if limit > 0.0 => {
                let policy = get("memory", "maxmemory_policy").unwrap_or("noeviction");
                let _ = write!(
                    text,
                    ", {:.0} % of {} ({policy})",
                    used / limit * 100.0,
                    bytes(limit)
                );
            }
            _ => {}
        }
        lines.push(("memory", text));
    }
    if let Some(rate) = number("stats", "instantaneous_ops_per_sec") {
        let mut text = format!("{rate:.0} commands a second");
        if let Some(count) = get("stats", "total_commands_processed") {
            let _ = write!(text, ", {count} so far");
        }
        lines.push(("load", text));
    }
    let hits = number("stats", "keyspace_hits").zip(number("stats", "keyspace_misses"));
    if let Some((hits, misses)) = hits.filter(|(hits, misses)| hits + misses > 0.0) {
        let share = hits / (hits + misses) * 100.0;
        lines.push(("reads", format!("{share:.1} % found their key")));
    }
    if let Some(evicted) = number("stats", "evicted_keys").filter(|count| *count > 0.0) {
        lines.push(("evicted", format!("{evicted:.0} keys, for want of memory")));
    }
    if let Some(clients) = get("clients", "connected_clients") {
        lines.push(("clients", clients.to_owned()));
    }
    let databases = sections.iter().find(|(name, _)| name == "keyspace");
    for (name, value) in databases.map(|(_, fields)| fields).into_iter().flatten() {
        lines.push((name, keyspace(value)));
    }
    if databases.is_none_or(|(_, fields)| fields.is_empty()) {
        lines.push(("keys", "none".to_owned()));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    text
}

fn keyspace(value: &str) -> String {
    let number = |wanted: &str| {
        let (_, digits) = value
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == wanted)?;
        digits.parse::<f64>().ok()
    };
    let keys = number("keys").unwrap_or_default();
    let mut text = format!("{keys:.0} keys");
    if let Some(expires) = number("expires").filter(|count| *count > 0.0) {
        let _ = write!(text, ", {expires:.0} of them with a time to live");
        if let Some(ttl) = number("avg_ttl").filter(|ttl| *ttl > 0.0) {
            let _ = write!(text, " (on average {})", long(ttl / 1_000.0));
        }
    }
    text
}

fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut left = bytes;
    for unit in UNITS {
        if left < 1_024.0 {
            let digits = usize::from(unit != "bytes");
            return format!("{left:.digits$} {unit}");
        }
        left /= 1_024.0;
    }
    format!("{:.1} PiB", left)
}

fn long(seconds: f64) -> String {
    match seconds {
        below if below < 120.0 => format!("{seconds:.0} s"),
        below if below < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        below if below < 172_800.0 => format!("{:.0} h", seconds / 3_600.0),
        _ => format!("{:.0} days", seconds / 86_400.0),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Slowlog {
    /// How many entries, the slowest of those first; -1 for all
    #[arg(long, default_value_t = 25, allow_negative_numbers = true)]
    count: i64,
    /// Forget the entries after they were shown
    #[arg(long)]
    reset: bool,
}

pub(crate) async fn slowlog(redis: &Redis, options: &Slowlog, form: Form) -> Result<()> {
    let mut entries = redis.slowlog_get().count(options.count).await?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.duration));
    let now = redis.time().await?.since_epoch().as_secs();
    if entries.is_empty() && !form.is_json() {
        show::note(
            "no command was slow; CONFIG GET slowlog-log-slower-than tells from how many microseconds one is",
        );
    }
    for entry in &entries {
        let microseconds = u64::try_from(entry.duration.as_micros()).unwrap_or(u64::MAX);
        if form.is_json() {
            let words: Vec<_> = entry
                .args
                .iter()
                .map(|word| show::json_bytes(word))
                .collect();
            show::line(&json!({
                "id": entry.id,
                "time": entry.time,
                "microseconds": microseconds,
                "command": words,
                "client": entry.client_addr,
            }))?;
            continue;
        }
        let words: Vec<_> = entry.args.iter().map(|word| quoted(word)).collect();
        let ago = now.saturating_sub(entry.time);
        show::text(&format!(
            "{:>10.3} ms  {:>8} ago  {}",
            entry.duration.as_secs_f64() * 1_000.0,
            long(std::time::Duration::from_secs(ago).as_secs_f64()),
            words.join(" ")
        ))?;
    }
    if options.reset {
        redis.slowlog_reset().await?;
        show::note("the entries were forgotten");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.0.1\r\n\
        uptime_in_seconds:7300\r\n\r\n# Memory\r\nused_memory:1048576\r\nused_memory_peak:2621440\r\n\
        maxmemory:4194304\r\nmaxmemory_policy:allkeys-lru\r\n\r\n# Stats\r\nkeyspace_hits:3\r\n\
        keyspace_misses:1\r\n\r\n# Keyspace\r\ndb0:keys=12,expires=2,avg_ttl=90000\r\n";

    #[test]
    fn what_people_look_for_first() {
        let expected = "server  valkey 9.0.1, up 2 h\n\
            memory  1.0 MiB, at most 2.5 MiB so far, 25 % of 4.0 MiB (allkeys-lru)\n\
            reads   75.0 % found their key\n\
            db0     12 keys, 2 of them with a time to live (on average 90 s)\n";
        assert_eq!(summary(&sections(TEXT)), expected);
        assert_eq!(summary(&sections("")), "keys  none\n");
    }

    #[test]
    fn fields_on_a_terminal_are_escaped() {
        let text = "# Ser\u{1b}ver\r\nserver_name:x\u{202e}\u{9b}2J\r\nredis_version:\u{7}1\r\n";
        let shown = shown(sections(text));
        for text in [summary(&shown), fields(&shown)] {
            let hostile = |char: char| char != '\n' && crate::words::acts_on_a_terminal(char);
            assert!(!text.chars().any(hostile), "{text:?}");
        }
    }

    #[test]
    fn all_fields_for_programs() {
        let json = as_json(&sections(TEXT));
        let memory = json.pointer("/memory/used_memory");
        assert_eq!(memory, Some(&serde_json::json!(1_048_576)));
        let version = json.pointer("/server/valkey_version");
        assert_eq!(version, Some(&serde_json::json!("9.0.1")));
        let keys = json.pointer("/keyspace/db0/keys");
        assert_eq!(keys, Some(&serde_json::json!(12)));
    }

    #[test]
    fn units() {
        assert_eq!(bytes(1_023.0), "1023 bytes");
        assert_eq!(bytes(1_536.0), "1.5 KiB");
        assert_eq!(long(59.6), "60 s");
        assert_eq!(long(200_000.0), "2 days");
    }
}
