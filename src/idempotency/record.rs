//! What is stored under a key: `run <payload's hash> <runner>` while it runs, `done <payload's hash> <answer>` then.

use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

pub(super) struct Record {
    text: String,
    is_done: bool,
}

impl Record {
    /// The hash tells payloads apart; it keeps no secret.
    pub(super) fn begun(runner: String, payload: &[u8]) -> Self {
        let hash = sha1_smol::Sha1::from(payload).digest();
        Self {
            text: format!("run {hash} {runner}"),
            is_done: false,
        }
    }

    pub(super) fn finished(&self, answer: &str) -> Self {
        Self {
            text: format!("done {} {answer}", self.hash()),
            is_done: true,
        }
    }

    pub(super) fn read(text: String) -> Result<Self, Error> {
        let is_done = text.starts_with("done ");
        let is_ours = (is_done || text.starts_with("run ")) && text.splitn(3, ' ').count() == 3;
        match is_ours {
            true => Ok(Self { text, is_done }),
            false => Err(Error::decode(
                "the key holds something else: give idempotency a namespace of its own",
            )),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn hash(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }

    /// Whether both are of the same payload.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }

    pub(super) fn answer(&self) -> Option<&str> {
        let answer = self.text.splitn(3, ' ').nth(2);
        answer.filter(|_| self.is_done)
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
        let begun = Record::begun("r1".to_owned(), b"payload");
        let read = Record::read(begun.text().to_owned()).unwrap();
        assert!(read.answer().is_none() && read.is_of(&begun));
        let done = begun.finished("{\"a\": \"b c\"}");
        let read = Record::read(done.text().to_owned()).unwrap();
        assert_eq!(read.answer(), Some("{\"a\": \"b c\"}"));
        assert!(read.is_of(&begun));
        assert!(!read.is_of(&Record::begun("r1".to_owned(), b"Payload")));
        for text in ["", "run", "run a", "done a", "other a b", "{}"] {
            assert!(Record::read(text.to_owned()).is_err(), "{text}");
        }
    }
}
