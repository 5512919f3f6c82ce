//! What the npm package's queue sends: JSON by BullMQ's names goes in, the keys and arguments of a script come out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    add::{Ready, enqueue_words, flow_words},
    options::{Backoff, ChildFailure, Deduplication, Keep, Options},
    scripts,
};
use crate::Error;

/// The text of a script by its name. It gives its answer as JSON, whose texts no client takes for numbers.
pub(crate) fn script(name: &str) -> Option<String> {
    let text = match name {
        "add" => scripts::text::ENQUEUE,
        "flow" => scripts::text::FLOW,
        _ => return None,
    };
    let text = text.strip_suffix("return answers\n")?;
    Some(format!("{text}return cjson.encode(answers)\n"))
}

/// The request that adds jobs: `{"prefix","queue","now","jobs":[{"name","data","opts"}]}`, with the data as JSON text. Gives
/// `{"keys","args","ids"}`.
pub(crate) fn add(request: &str) -> Result<String, Error> {
    let request = parse(request)?;
    let (prefix, now) = (prefix(&request, "queue")?, number(&request, "now")?);
    let mut jobs = Vec::new();
    for job in list(&request, "jobs") {
        jobs.push(ready(&prefix, job, now, None)?);
    }
    let (keys, words) = enqueue_words(&prefix, &jobs);
    Ok(plan(&prefix, now, keys, words, &jobs))
}

/// The same of a tree: `{"prefix","now","tree":{"queueName","name","data","opts","children"}}`.
pub(crate) fn flow(request: &str) -> Result<String, Error> {
    let request = parse(request)?;
    let now = number(&request, "now")?;
    let mut jobs = Vec::new();
    let tree = request.get("tree").unwrap_or(&Value::Null);
    tree_of(&request, tree, now, None, &mut jobs)?;
    let root = jobs
        .first()
        .map(|job| job.prefix.clone())
        .unwrap_or_default();
    let (keys, words) = flow_words(&jobs);
    Ok(plan(&root, now, keys, words, &jobs))
}

fn tree_of(
    request: &Value,
    node: &Value,
    now: u64,
    parent: Option<(String, String)>,
    jobs: &mut Vec<Ready>,
) -> Result<(), Error> {
    let mut place = request.clone();
    if let Some(place) = place.as_object_mut() {
        place.insert(
            "queueName".to_owned(),
            node.get("queueName").cloned().unwrap_or_default(),
        );
        if let Some(own) = node.get("prefix") {
            place.insert("prefix".to_owned(), own.clone());
        }
    }
    let prefix = prefix(&place, "queueName")?;
    if node
        .pointer("/opts/deduplication")
        .is_some_and(|one| !one.is_null())
    {
        return Err(Error::argument(
            "a job of a flow cannot be deduplicated: give it a jobId",
        ));
    }
    let mut job = ready(&prefix, node, now, parent)?;
    job.has_children = !list(node, "children").is_empty();
    let id = job.id.clone();
    jobs.push(job);
    for child in list(node, "children") {
        tree_of(
            request,
            child,
            now,
            Some((prefix.clone(), id.clone())),
            jobs,
        )?;
    }
    Ok(())
}

fn plan(prefix: &str, now: u64, keys: Vec<String>, words: Vec<String>, jobs: &[Ready]) -> String {
    let mut args = vec![prefix.to_owned(), now.to_string()];
    args.extend(words);
    let ids: Vec<&str> = jobs.iter().map(|job| &*job.id).collect();
    json!({ "keys": keys, "args": args, "ids": ids }).to_string()
}

fn parse(request: &str) -> Result<Value, Error> {
    serde_json::from_str(request)
        .map_err(|_| Error::argument("a request of a queue that is no JSON"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn number(value: &Value, name: &str) -> Result<u64, Error> {
    let number = value.get(name).and_then(Value::as_u64);
    number.ok_or_else(|| wrong(name))
}

fn prefix(place: &Value, name: &str) -> Result<String, Error> {
    let queue = text(place, name).unwrap_or_default();
    if queue.is_empty() || queue.contains(':') {
        return Err(Error::argument(
            "a queue's name is a text without colons: what stands before it is its prefix",
        ));
    }
    Ok(format!(
        "{}:{queue}:",
        text(place, "prefix").unwrap_or("bull")
    ))
}

fn ready(
    prefix: &str,
    job: &Value,
    now: u64,
    parent: Option<(String, String)>,
) -> Result<Ready, Error> {
    let mut options = match job.get("opts") {
        Some(Value::Object(opts)) => Options::read(opts)?,
        _ => Options::default(),
    };
    if parent.is_some() {
        options.parent = parent;
    }
    let (Some(name), data) = (text(job, "name"), text(job, "data").unwrap_or("{}")) else {
        return Err(Error::argument("a job needs a name"));
    };
    Ready::new(prefix, name.to_owned(), data.to_owned(), options, now)
}

fn wrong(name: &str) -> Error {
    Error::argument(format!(
        "the option {name} of a job is something else than BullMQ takes there"
    ))
}

/// An option's value, or why it is none.
fn read<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| wrong(name))
}

fn millis(value: &Value) -> Option<Duration> {
    let millis = value.as_f64().filter(|millis| *millis >= 0.0)?;
    Some(Duration::from_millis(millis as u64))
}

fn small(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

impl Options {
    /// As BullMQ's own options say it.
    fn read(opts: &Map<String, Value>) -> Result<Self, Error> {
        let mut options = Self::default();
        for (name, value) in opts {
            let name = name.as_str();
            if value.is_null() {
                continue;
            }
            match name {
                "jobId" => options.id = Some(read(name, value.as_str())?.to_owned()),
                "delay" => options.delay = read(name, millis(value))?,
                "priority" => options.priority = read(name, small(value))?,
                "lifo" => options.lifo = read(name, value.as_bool())?,
                "attempts" => options.attempts = read(name, small(value))?,
                "backoff" => options.backoff = Some(read(name, backoff(value))?),
                "timestamp" => options.timestamp = Some(read(name, value.as_u64())?),
                "removeOnComplete" => options.keep_completed = Keep::of(Some(value)),
                "removeOnFail" => options.keep_failed = Keep::of(Some(value)),
                "deduplication" => {
                    options.deduplication = Some(read(name, deduplication(value))?);
                }
                "sizeLimit" => {
                    let limit = value.as_u64().and_then(|limit| usize::try_from(limit).ok());
                    options.size_limit = Some(read(name, limit)?);
                }
                "keepLogs" => options.keep_logs = Some(read(name, value.as_u64())?),
                "stackTraceLimit" => options.stack_trace_limit = Some(read(name, value.as_u64())?),
                "parent" => options.parent = Some(read(name, parent(value))?),
                _ => {
                    let failure = match name {
                        "failParentOnFailure" => ChildFailure::FailParent,
                        "continueParentOnFailure" => ChildFailure::ContinueParent,
                        "ignoreDependencyOnFailure" => ChildFailure::Ignore,
                        "removeDependencyOnFailure" => ChildFailure::Remove,
                        _ => {
                            return Err(Error::argument(format!(
                                "a job has no option {name} here"
                            )));
                        }
                    };
                    if read(name, value.as_bool())? {
                        if options.child_failure != ChildFailure::Wait {
                            return Err(Error::argument(
                                "a job has one way to tell its parent of its failure: leave out the others",
                            ));
                        }
                        options.child_failure = failure;
                    }
                }
            }
        }
        Ok(options)
    }
}

fn backoff(value: &Value) -> Option<Backoff> {
    if let Some(delay) = millis(value) {
        return Some(Backoff::fixed(delay));
    }
    let kind = text(value, "type")?;
    let delay = value.get("delay").map_or(Some(Duration::ZERO), millis)?;
    let backoff = Backoff::custom(kind, delay);
    match value.get("jitter") {
        None => Some(backoff),
        Some(jitter) => Some(backoff.jitter(jitter.as_f64()?)),
    }
}

fn deduplication(value: &Value) -> Option<Deduplication> {
    let mut deduplication = Deduplication::new(text(value, "id").filter(|id| !id.is_empty())?);
    if let Some(ttl) = value.get("ttl").filter(|ttl| !ttl.is_null()) {
        deduplication.ttl = Some(millis(ttl)?);
    }
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    deduplication.extend = flag("extend");
    deduplication.replace = flag("replace");
    deduplication.keep_last_if_active = flag("keepLastIfActive");
    Some(deduplication)
}

/// BullMQ names the queue with its prefix: `bull:name`.
fn parent(value: &Value) -> Option<(String, String)> {
    Some((
        format!("{}:", text(value, "queue")?),
        text(value, "id")?.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(opts: Value) -> Result<Value, String> {
        let jobs = json!([{"name": "a", "data": "{\"n\":1}", "opts": opts}]);
        let request = json!({"prefix": "bull", "queue": "work", "now": 1000, "jobs": jobs});
        let plan = add(&request.to_string()).map_err(|error| error.to_string())?;
        serde_json::from_str(&plan).map_err(|error| error.to_string())
    }

    #[test]
    fn bullmqs_options_are_understood() {
        let opts = json!({
            "jobId": "x", "delay": 5, "priority": 3, "lifo": true, "attempts": 4, "timestamp": 900, "backoff": 700,
            "removeOnComplete": true, "removeOnFail": {"age": 60, "count": 5}, "sizeLimit": 100, "keepLogs": 2,
            "stackTraceLimit": 1, "failParentOnFailure": true, "ignoreDependencyOnFailure": false,
            "parent": {"id": "p", "queue": "bull:other"}, "deduplication": null,
        });
        let plan = planned(opts).unwrap_or_default();
        assert_eq!(plan["ids"], json!(["x"]));
        assert_eq!(plan["keys"][0], "bull:work:meta");
        assert_eq!(plan["keys"][17], "bull:work:x");
        let args = plan["args"].as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
        assert_eq!(
            texts[..6],
            ["bull:work:", "1000", "1", "x", "a", "{\"n\":1}"]
        );
        assert_eq!(texts[7..12], ["900", "5", "3", "1", "bull:other:p"]);
        let said: Value = serde_json::from_str(texts[6]).unwrap_or_default();
        let expected = json!({
            "attempts": 4, "jobId": "x", "delay": 5, "priority": 3, "lifo": true, "timestamp": 900,
            "backoff": {"type": "fixed", "delay": 700}, "removeOnComplete": true,
            "removeOnFail": {"age": 60, "count": 5}, "sizeLimit": 100, "kl": 2, "stackTraceLimit": 1, "fpof": true,
            "parent": {"id": "p", "queue": "bull:other"},
        });
        assert_eq!(said, expected);
        let deduplicated =
            planned(json!({"deduplication": {"id": "d", "ttl": 50, "extend": true}}));
        let plan = deduplicated.unwrap_or_default();
        let args = plan["args"].as_array().cloned().unwrap_or_default();
        assert_eq!(args[13..], [json!("d"), json!("50"), json!("e")]);
    }

    #[test]
    fn scripts_give_json() {
        for name in ["add", "flow"] {
            assert!(
                script(name).is_some_and(|text| text.ends_with("return cjson.encode(answers)\n"))
            );
        }
        assert_eq!(script("other"), None);
    }

    #[test]
    fn what_it_is_not_is_said() {
        for (opts, problem) in [
            (json!({"priority": -1}), "the option priority"),
            (json!({"delay": "soon"}), "the option delay"),
            (json!({"backoff": {"delay": 1}}), "the option backoff"),
            (json!({"deduplication": {}}), "the option deduplication"),
            (json!({"repeat": {"every": 1}}), "no option repeat"),
            (json!({"jobId": "7"}), "whole number"),
            (
                json!({"failParentOnFailure": true, "continueParentOnFailure": true}),
                "one way",
            ),
        ] {
            let found = planned(opts).err().unwrap_or_default();
            assert!(found.contains(problem), "{found}");
        }
        for request in ["{", "{}", r#"{"queue":"a:b","now":1}"#, r#"{"queue":"a"}"#] {
            assert!(add(request).is_err(), "{request}");
        }
        let nameless = json!({"queue": "a", "now": 1, "jobs": [{}]}).to_string();
        assert!(add(&nameless).is_err());
        let opts = json!({"deduplication": {"id": "d"}});
        let tree = json!({"queueName": "a", "name": "b", "opts": opts});
        let request = json!({"now": 5, "tree": tree}).to_string();
        assert!(flow(&request).is_err_and(|error| error.is_argument()));
    }

    #[test]
    fn a_tree_has_its_parents_first() {
        let tree = json!({
            "queueName": "albums", "name": "publish", "children": [
                {"queueName": "photos", "name": "shrink", "opts": {"jobId": "one"}},
                {"queueName": "photos", "prefix": "other", "name": "shrink", "opts": {"jobId": "two"}},
            ],
        });
        let request = json!({"now": 5, "tree": tree}).to_string();
        let plan: Value = flow(&request)
            .ok()
            .and_then(|plan| serde_json::from_str(&plan).ok())
            .unwrap_or_default();
        assert_eq!(plan["ids"].as_array().map(Vec::len), Some(3));
        let args = plan["args"].as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
        assert_eq!(texts[..5], ["bull:albums:", "5", "3", "bull:albums:", "1"]);
        assert_eq!((texts[18], texts[33]), ("bull:photos:", "other:photos:"));
    }
}
