//! What is stored of a session: `1 name generation times head`, and the user's data on the next line.
//!
//! The name is another after each change, so that nobody writes over what he has not seen. Generation and times are a
//! family's: how often its token was rotated, and when that was the last times. Head and data are JSON.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, random};

/// How many bytes of a user agent are kept.
pub(super) const USER_AGENT: usize = 512;
/// How many bytes of an address are kept: an IPv6 one with its zone has less.
pub(super) const IP: usize = 128;
/// How long a user's id may be, in bytes.
const USER: usize = 1024;

/// As much of a text as fits into so many bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A user's id cannot be cut: two users would become one.
pub(super) fn check_user(user: &str) -> Result<(), Error> {
    match user.len() > USER {
        true => Err(Error::argument(
            "the id of a session's user has more than 1,024 bytes: use the id that the database has for them",
        )),
        false => Ok(()),
    }
}

/// What is known of a session besides the user's data.
#[derive(Clone, Default, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Head {
    pub(super) user: Option<String>,
    /// In Unix milliseconds, as all times here.
    pub(super) created: u64,
    /// When it got the secret it has.
    pub(super) issued: u64,
    /// When it ends, whoever uses it.
    pub(super) end: u64,
    pub(super) user_agent: Option<String>,
    pub(super) ip: Option<String>,
    /// A keyed hash of the secret it has; a family has none.
    pub(super) secret: String,
    /// That of the secret it had before, and until when that counts.
    pub(super) former: Option<(String, u64)>,
    /// A key beside it expires in its place.
    pub(super) marked: bool,
}

/// As they are stored: `marked`, `end`, `user` and so on. Scripts read the first two in their places.
type Fields = (
    bool,
    u64,
    Option<String>,
    u64,
    u64,
    Option<String>,
    Option<String>,
    String,
    Option<(String, u64)>,
);

#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) generation: u64,
    pub(super) times: String,
    pub(super) head: Head,
    /// JSON.
    pub(super) data: String,
}

impl Record {
    pub(super) fn new(head: Head, data: String) -> Self {
        Self {
            name: random::name(),
            generation: 0,
            times: "-".to_owned(),
            head,
            data,
        }
    }

    /// The same under a new name, to be changed.
    pub(super) fn next(&self) -> Self {
        Self {
            name: random::name(),
            ..self.clone()
        }
    }

    pub(super) fn text(&self) -> Result<String, Error> {
        let Self {
            name,
            generation,
            times,
            head,
            data,
        } = self;
        let fields = (
            head.marked,
            head.end,
            &head.user,
            head.created,
            head.issued,
            &head.user_agent,
            &head.ip,
            &head.secret,
            &head.former,
        );
        let head = encode(&fields)?;
        Ok(format!("1 {name} {generation} {times} {head}\n{data}"))
    }

    /// What cannot be read is an error, and nobody is let in by it.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let record = || {
            let (line, data) = text.split_once('\n')?;
            let mut words = line.splitn(5, ' ');
            let version = words.next()?;
            let name = words.next()?.to_owned();
            let generation = words.next()?.parse().ok()?;
            let times = words.next()?.to_owned();
            let fields: Fields = serde_json::from_str(words.next()?).ok()?;
            let (marked, end, user, created, issued, user_agent, ip, secret, former) = fields;
            (version == "1").then(|| Self {
                name,
                generation,
                times,
                head: Head {
                    user,
                    created,
                    issued,
                    end,
                    user_agent,
                    ip,
                    secret,
                    former,
                    marked,
                },
                data: data.to_owned(),
            })
        };
        record().ok_or_else(|| Error::decode("what is stored is no session of this version"))
    }
}

/// JSON of the user's data, without a word of it in the error.
pub(super) fn encode<T: Serialize + ?Sized>(data: &T) -> Result<String, Error> {
    serde_json::to_string(data)
        .map_err(|_| Error::argument("the data of the session cannot be written as JSON"))
}

pub(super) fn decode<T: DeserializeOwned>(data: &str) -> Result<T, Error> {
    serde_json::from_str(data).map_err(|_| {
        Error::decode("the data of the session has not the shape asked for: revoke it, or read it as another type")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_are_written() {
        let head = Head {
            user: Some("ada \"\n 1".into()),
            created: 1,
            issued: 2,
            end: u64::MAX,
            user_agent: Some("a\nb c".into()),
            ip: None,
            secret: "a".into(),
            former: Some(("b".into(), 3)),
            marked: true,
        };
        for data in ["null", "{\"a\":[\"\\n \"]}", "[\n1\n]"] {
            let record = Record::new(head.clone(), data.to_owned());
            let read = Record::read(&record.text().unwrap()).unwrap();
            assert_eq!(read, record);
            let next = read.next();
            assert!(next.name != read.name && next.head == read.head);
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (text, bytes, kept) in [
            ("", 3, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc"),
            ("aé", 2, "a"),
            ("a€b", 3, "a"),
            ("\u{1f600}", 3, ""),
            ("a", 0, ""),
        ] {
            assert_eq!(cut(text, bytes), kept);
        }
    }

    #[test]
    fn other_text_is_none() {
        let text = Record::new(Head::default(), "1".into()).text().unwrap();
        for text in [
            "",
            "\n",
            "{}",
            &text.replacen('1', "2", 1),
            &text.replace('\n', " "),
            &text.replace('[', "{"),
        ] {
            assert!(Record::read(text).unwrap_err().is_decode());
        }
    }
}
