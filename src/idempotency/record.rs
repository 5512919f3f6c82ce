//! What is stored under a key: `run <payload's hash> <runner>:<lease>` while it runs, then `done <payload's hash> <answer>`, or
//! `ran <payload's hash> <runner>:<lease>` where the answer could not be stored.

use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

pub(super) struct Record {
    text: String,
}

/// How the work stands.
pub(super) enum State<'a> {
    /// With the lease of the runner, in milliseconds.
    Running {
        lease: u64,
    },
    /// With its answer.
    Done(&'a str),
    DoneWithoutAnswer,
}

impl Record {
    /// The hash tells payloads apart; it keeps no secret.
    pub(super) fn begun(runner: &str, lease: u64, payload: &[u8]) -> Self {
        let hash = sha1_smol::Sha1::from(payload).digest();
        Self {
            text: format!("run {hash} {runner}:{lease}"),
        }
    }

    pub(super) fn finished(&self, answer: &str) -> Self {
        Self {
            text: format!("done {} {answer}", self.part(1)),
        }
    }

    pub(super) fn without_answer(&self) -> Self {
        Self {
            text: format!("ran {} {}", self.part(1), self.part(2)),
        }
    }

    pub(super) fn read(text: String) -> Result<Self, Error> {
        let record = Self { text };
        let is_known = matches!(record.part(0), "run" | "ran" | "done");
        match is_known && record.text.splitn(3, ' ').count() == 3 {
            true => Ok(record),
            false => Err(Error::decode(
                "the key holds something else: give idempotency a namespace of its own",
            )),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The kind, the hash, or what is behind it.
    fn part(&self, index: usize) -> &str {
        self.text.splitn(3, ' ').nth(index).unwrap_or_default()
    }

    /// Whether both are of the same payload.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.part(1) == other.part(1)
    }

    pub(super) fn state(&self) -> State<'_> {
        let last = self.part(2);
        match self.part(0) {
            "done" => State::Done(last),
            "ran" => State::DoneWithoutAnswer,
            _ => {
                let lease = last.rsplit(':').next().and_then(|lease| lease.parse().ok());
                State::Running {
                    lease: lease.unwrap_or(u64::MAX),
                }
            }
        }
    }
}

/// JSON of the answer, without a word of it in the error.
pub(super) fn encode<T: Serialize>(answer: &T) -> Result<String, Error> {
    serde_json::to_string(answer)
        .map_err(|_| Error::argument("the answer of the work cannot be written as JSON"))
}

pub(super) fn decode<T: DeserializeOwned>(answer: &str) -> Result<T, Error> {
    serde_json::from_str(answer).map_err(|_| {
        Error::decode(
            "the answer that was kept has not the shape asked for: read it as another type",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_are_written() {
        let begun = Record::begun("r1", 500, b"payload");
        let read = Record::read(begun.text().to_owned()).unwrap();
        assert!(matches!(read.state(), State::Running { lease: 500 }) && read.is_of(&begun));
        let done = begun.finished("{\"a\": \"b c\"}");
        let read = Record::read(done.text().to_owned()).unwrap();
        assert!(matches!(read.state(), State::Done("{\"a\": \"b c\"}")));
        assert!(read.is_of(&begun));
        let without = begun.without_answer();
        let read = Record::read(without.text().to_owned()).unwrap();
        assert!(matches!(read.state(), State::DoneWithoutAnswer) && read.is_of(&begun));
        assert!(!read.is_of(&Record::begun("r1", 500, b"Payload")));
        for text in ["", "run", "run a", "done a", "ran a", "other a b", "{}"] {
            assert!(Record::read(text.to_owned()).is_err(), "{text}");
        }
    }
}
