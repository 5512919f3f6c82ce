//! What the npm package's queue sends: JSON by BullMQ's names goes in, the keys and arguments of a script come out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    add::{Ready, enqueue_words, flow_words},
    options::{Backoff, ChildFailure, Deduplication, Keep, Options},
    scripts,
};
use crate::Error;

/// The text of a script by its name. It returns JSON, whose texts no client takes for numbers.
pub(crate) fn script(name: &str) -> Option<String> {
    let text = scripts::text(match name {
        "add" => scripts::parts::ENQUEUE,
        "flow" => scripts::parts::FLOW,
        _ => return None,
    });
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
        "the option {name} of a job has a value that BullMQ does not take there"
    ))
}

/// JSON has null where JavaScript had NaN or Infinity.
fn not_a_number(name: &str) -> Error {
    Error::argument(format!(
        "the option {name} of a job is not a finite number (null, NaN and Infinity are not): leave it out, or give it a number from \
         0 on"
    ))
}

/// An option's value, or why it is refused.
fn read<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| wrong(name))
}

/// A number's value, or why it is refused.
fn of_number<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| not_a_number(name))
}

/// The members of an object, if it has no others than these.
fn object<'a>(
    name: &str,
    value: &'a Value,
    known: &[&str],
) -> Result<&'a Map<String, Value>, Error> {
    let object = read(name, value.as_object())?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(other) => Err(Error::argument(format!(
            "the option {name} of a job has no {other}, only {}",
            known.join(", ")
        ))),
        None => Ok(object),
    }
}

fn millis(value: &Value) -> Option<Duration> {
    let millis = value.as_f64().filter(|millis| *millis >= 0.0)?;
    Some(Duration::from_millis(millis as u64))
}

/// JSON has some whole numbers as fractions, such as 1e3.
fn whole(value: &Value) -> Option<u64> {
    let float = || {
        value
            .as_f64()
            .filter(|number| *number >= 0.0 && number.fract() == 0.0)
    };
    value.as_u64().or_else(|| Some(float()? as u64))
}

fn small(value: &Value) -> Option<u32> {
    u32::try_from(whole(value)?).ok()
}

impl Options {
    /// As BullMQ's own options say it.
    fn read(opts: &Map<String, Value>) -> Result<Self, Error> {
        let mut options = Self::default();
        for (name, value) in opts {
            let name = name.as_str();
            match name {
                "delay" => options.delay = of_number(name, millis(value))?,
                "priority" => options.priority = of_number(name, small(value))?,
                "attempts" => options.attempts = of_number(name, small(value))?,
                "timestamp" => options.timestamp = Some(of_number(name, whole(value))?),
                "sizeLimit" => {
                    let limit = whole(value).and_then(|limit| usize::try_from(limit).ok());
                    options.size_limit = Some(of_number(name, limit)?);
                }
                "keepLogs" => options.keep_logs = Some(of_number(name, whole(value))?),
                "stackTraceLimit" => {
                    options.stack_trace_limit = Some(of_number(name, whole(value))?);
                }
                "backoff" => options.backoff = Some(backoff(value)?),
                "removeOnComplete" => options.keep_completed = keep(name, value)?,
                "removeOnFail" => options.keep_failed = keep(name, value)?,
                // BullMQ takes these as left out.
                _ if value.is_null() => {}
                "jobId" => options.id = Some(read(name, value.as_str())?.to_owned()),
                "lifo" => options.lifo = read(name, value.as_bool())?,
                "deduplication" => options.deduplication = Some(deduplication(value)?),
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

fn backoff(value: &Value) -> Result<Backoff, Error> {
    if value.is_number() || value.is_null() {
        return Ok(Backoff::fixed(of_number("backoff", millis(value))?));
    }
    let given = object("backoff", value, &["type", "delay", "jitter"])?;
    let kind = read("backoff", text(value, "type"))?;
    let delay = match given.get("delay") {
        Some(delay) => of_number("backoff.delay", millis(delay))?,
        None => Duration::ZERO,
    };
    let backoff = Backoff::custom(kind, delay);
    match given.get("jitter") {
        None => Ok(backoff),
        Some(jitter) => Ok(backoff.jitter(of_number("backoff.jitter", jitter.as_f64())?)),
    }
}

/// How many finished jobs are kept; -1 is all of them, as there.
fn keep(name: &str, value: &Value) -> Result<Keep, Error> {
    let is_number = |value: &Value| whole(value).is_some() || value.as_i64() == Some(-1);
    let is_right = match value {
        Value::Bool(_) => true,
        Value::Object(_) => {
            let given = object(name, value, &["age", "count", "limit"])?;
            given.values().all(is_number)
        }
        value => is_number(value),
    };
    match is_right {
        true => Ok(Keep::of(Some(value))),
        false => Err(not_a_number(name)),
    }
}

fn deduplication(value: &Value) -> Result<Deduplication, Error> {
    let name = "deduplication";
    let known = ["id", "ttl", "extend", "replace", "keepLastIfActive"];
    let given = object(name, value, &known)?;
    let id = read(name, text(value, "id").filter(|id| !id.is_empty()))?;
    let mut deduplication = Deduplication::new(id);
    if let Some(ttl) = given.get("ttl") {
        deduplication = deduplication.ttl(of_number("deduplication.ttl", millis(ttl))?);
    }
    let flag = |flag: &str| match given.get(flag) {
        Some(value) => read(&format!("{name}.{flag}"), value.as_bool()),
        None => Ok(false),
    };
    deduplication.extend = flag("extend")?;
    deduplication.replace = flag("replace")?;
    deduplication.keep_last_if_active = flag("keepLastIfActive")?;
    Ok(deduplication)
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
            (
                json!({"backoff": null}),
                "backoff of a job is not a finite number",
            ),
            (
                json!({"backoff": {"type": "fixed", "delay": null}}),
                "backoff.delay",
            ),
            (
                json!({"backoff": {"type": "fixed", "every": 1}}),
                "no every",
            ),
            (json!({"deduplication": {}}), "the option deduplication"),
            (
                json!({"deduplication": {"id": "a", "ttl": null}}),
                "deduplication.ttl",
            ),
            (
                json!({"deduplication": {"id": "a", "ttl": -1}}),
                "deduplication.ttl",
            ),
            (
                json!({"deduplication": {"id": "a", "extend": 1}}),
                "deduplication.extend",
            ),
            (
                json!({"deduplication": {"id": "a", "ttlMs": 1}}),
                "no ttlMs",
            ),
            (json!({"delay": null}), "not a finite number"),
            (json!({"delay": -1}), "not a finite number"),
            (json!({"priority": null}), "not a finite number"),
            (json!({"priority": 1.5}), "not a finite number"),
            (json!({"attempts": null}), "not a finite number"),
            (json!({"attempts": 4294967296_u64}), "not a finite number"),
            (json!({"sizeLimit": null}), "not a finite number"),
            (json!({"timestamp": null}), "not a finite number"),
            (json!({"keepLogs": -1}), "not a finite number"),
            (json!({"stackTraceLimit": null}), "not a finite number"),
            (json!({"removeOnComplete": null}), "not a finite number"),
            (
                json!({"removeOnFail": {"age": null}}),
                "not a finite number",
            ),
            (json!({"removeOnFail": {"days": 1}}), "no days"),
            (json!({"jobId": "wait"}), "own keys"),
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
