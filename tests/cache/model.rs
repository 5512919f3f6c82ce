//! A model of the server: the few commands that the cache sends, in the time of the test.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// Strings with their ends.
#[derive(Debug, Default)]
pub struct Model(HashMap<String, (String, Option<Instant>)>);

impl Model {
    pub fn get(&mut self, key: &str) -> Option<String> {
        let (text, end) = self.0.get(key)?;
        if end.is_some_and(|end| end <= Instant::now()) {
            self.0.remove(key);
            return None;
        }
        Some(text.clone())
    }

    pub fn run(&mut self, words: &[String]) -> serde_json::Value {
        use serde_json::{Value, json};
        let word = |index: usize| words.get(index).map(String::as_str);
        let result = match &*words[0] {
            "MGET" => words[1..]
                .iter()
                .map(|key| self.get(key))
                .collect::<Vec<_>>()
                .into(),
            "UNLINK" => {
                let gone = words[1..].iter().filter(|key| self.get(key).is_some());
                let gone: Vec<String> = gone.cloned().collect();
                gone.iter().for_each(|key| drop(self.0.remove(key)));
                json!(gone.len())
            }
            "SET" => {
                let (key, text) = (&words[1], &words[2]);
                let before = self.get(key);
                let (mut end, mut holds, mut get) = (None, true, false);
                let mut index = 3;
                while let Some(option) = word(index) {
                    match option {
                        "PX" => {
                            index += 1;
                            let life = word(index).unwrap().parse().unwrap();
                            end = Some(Instant::now() + Duration::from_millis(life));
                        }
                        "NX" => holds = before.is_none(),
                        "IFEQ" => {
                            index += 1;
                            holds = before.as_deref() == word(index);
                        }
                        "GET" => get = true,
                        other => panic!("SET {other}"),
                    }
                    index += 1;
                }
                if holds {
                    self.0.insert(key.clone(), (text.clone(), end));
                }
                match (get, holds) {
                    (true, _) => json!(before),
                    (false, true) => json!("OK"),
                    (false, false) => Value::Null,
                }
            }
            other => panic!("the model has no {other}"),
        };
        json!({ "result": result })
    }
}
