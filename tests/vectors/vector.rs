//! vectors.json, and when two commands are the same to a server.

use serde::Deserialize;
use serde_json::Value;

/// A call of @upstash/redis 1.39.0.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) id: usize,
    pub(crate) method: String,
    /// None for handles, which are made before the call.
    pub(crate) args: Option<Vec<Value>>,
    /// The calls on what the method gives.
    pub(crate) chain: Option<Vec<Value>>,
    pub(crate) wire: Vec<Value>,
    pub(crate) raw: Value,
    pub(crate) result: Value,
    /// What is in the database before the call.
    pub(crate) seed: Option<Vec<Vec<String>>>,
    /// Why no server here can run the call.
    pub(crate) alone: Option<String>,
}

pub(crate) fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

/// The words of a command as a server reads them: a number is its digits.
pub(crate) fn words(wire: &[Value]) -> Vec<String> {
    let word = |word: &Value| match word {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    wire.iter().map(word).collect()
}

/// Whether two commands are the same to a server. Their case makes no difference in words that are Redis's own, which
/// are those that we write in capitals.
pub(crate) fn same_words(ours: &[String], theirs: &[String]) -> bool {
    let same = |(ours, theirs): (&String, &String)| {
        ours == theirs
            || ours.eq_ignore_ascii_case(theirs) && !ours.contains(|c: char| c.is_lowercase())
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
}

#[test]
fn words_of_the_user_keep_their_case() {
    let same = |ours: &str, theirs: &str| same_words(&[ours.to_owned()], &[theirs.to_owned()]);
    assert!(same("GET", "get") && same("GET", "Get") && same("k", "k") && same("1", "1"));
    assert!(!same("k", "K") && !same("1", "1.0") && !same_words(&[], &[String::new()]));
}
