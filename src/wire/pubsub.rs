//! What the events of SUBSCRIBE, PSUBSCRIBE and MONITOR say. Their fields are joined by commas, which names and payloads
//! hold too; so a frame is read by the names that were asked for.

use std::time::Duration;

use bytes::Bytes;

use super::glob::Glob;

/// Which of the three streams it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    Channels,
    Patterns,
    Monitor,
}

impl Feed {
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Channels => "SUBSCRIBE",
            Self::Patterns => "PSUBSCRIBE",
            Self::Monitor => "MONITOR",
        }
    }

    /// The first segment of its path, which is also the word of its confirmations.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Channels => "subscribe",
            Self::Patterns => "psubscribe",
            Self::Monitor => "monitor",
        }
    }
}

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The subscription to the name of this index stands.
    Confirmed(usize),
    Message {
        /// Of the channel or pattern it came by.
        name: usize,
        /// Only where it is not the name.
        channel: Option<Vec<u8>>,
        /// The rest of the frame from here on.
        payload: usize,
    },
    /// The server has ended a subscription that was asked for.
    Ended,
    /// Something else: a heartbeat, or what a later server may say.
    Other,
    /// A message or confirmation for nothing that was asked for.
    Stray,
}

/// Reads a frame of a subscription to `names`.
pub(crate) fn read(feed: Feed, names: &[String], frame: &[u8]) -> Frame {
    let (word, rest) = match memchr::memchr(b',', frame) {
        Some(comma) => (frame.get(..comma), frame.get(comma + 1..)),
        None => (None, None),
    };
    let (Some(word), Some(rest)) = (word, rest) else {
        return Frame::Other;
    };
    let payload = |text: &[u8]| frame.len() - text.len();
    match word {
        b"subscribe" | b"psubscribe" if word == feed.word().as_bytes() => {
            let confirms = |name: &String| {
                let count = behind(rest, name)?;
                (!count.is_empty() && count.iter().all(u8::is_ascii_digit)).then_some(())
            };
            match names.iter().position(|name| confirms(name).is_some()) {
                Some(name) => Frame::Confirmed(name),
                None => Frame::Stray,
            }
        }
        b"message" if feed == Feed::Channels => match named(names, rest) {
            Some((name, text)) => Frame::Message {
                name,
                channel: None,
                payload: payload(text),
            },
            None => Frame::Stray,
        },
        b"pmessage" if feed == Feed::Patterns => {
            let found = named(names, rest).and_then(|(name, rest)| {
                // A channel's name may hold commas too: it is the shortest that the pattern means.
                let end = Glob::new(names.get(name)?.as_bytes()).before(rest, b',')?;
                let (channel, text) = (rest.get(..end)?, rest.get(end + 1..)?);
                Some(Frame::Message {
                    name,
                    channel: Some(channel.to_vec()),
                    payload: payload(text),
                })
            });
            found.unwrap_or(Frame::Stray)
        }
        b"unsubscribe" if feed == Feed::Channels => Frame::Ended,
        b"punsubscribe" if feed == Feed::Patterns => Frame::Ended,
        _ => Frame::Other,
    }
}

/// What follows the name and a comma.
fn behind<'a>(rest: &'a [u8], name: &str) -> Option<&'a [u8]> {
    rest.strip_prefix(name.as_bytes())?.strip_prefix(b",")
}

/// The longest of the names that stands at the beginning, and what follows it.
fn named<'a>(names: &[String], rest: &'a [u8]) -> Option<(usize, &'a [u8])> {
    let found = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| Some((index, behind(rest, name)?)));
    found.min_by_key(|(_, rest)| rest.len())
}

/// Whether a message to one of the names could be read as one to another: `a` and `a,b`.
pub(crate) fn are_ambiguous(names: &[String]) -> bool {
    let begins = |name: &String, other: &String| behind(other.as_bytes(), name).is_some();
    names
        .iter()
        .any(|name| names.iter().any(|other| begins(name, other)))
}

/// One line of MONITOR.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) time: Duration,
    pub(crate) database: u64,
    pub(crate) client: String,
    pub(crate) words: Vec<Bytes>,
}

/// Whether this is MONITOR's confirmation.
pub(crate) fn is_ok(frame: &[u8]) -> bool {
    matches!(frame, b"OK" | b"\"OK\"")
}

/// Reads `1721284005.242090 [0 127.0.0.1:4711] "GET" "key"`.
pub(crate) fn line(frame: &[u8]) -> Option<Line> {
    let space = memchr::memchr(b' ', frame)?;
    let (time, rest) = frame.split_at_checked(space)?;
    let rest = rest.strip_prefix(b" [")?;
    // The address of an IPv6 client holds brackets, that of a socket may hold spaces.
    let end = rest.windows(3).position(|window| window == b"] \"")?;
    let (origin, words) = rest.split_at_checked(end)?;
    let origin = std::str::from_utf8(origin).ok()?;
    let (database, client) = origin.split_once(' ')?;
    Some(Line {
        time: seconds(std::str::from_utf8(time).ok()?)?,
        database: database.parse().ok()?,
        client: client.to_owned(),
        words: quoted(words.strip_prefix(b"]")?)?,
    })
}

/// `1721284005.242090`, to the digit.
fn seconds(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || !(1..=9).contains(&fraction.len()) {
        return None;
    }
    let unit = 10u32.pow(9 - u32::try_from(fraction.len()).ok()?);
    Some(Duration::new(
        seconds.parse().ok()?,
        fraction.parse::<u32>().ok()? * unit,
    ))
}

/// The words, each in quotes and behind a space, with Redis's escapes undone.
fn quoted(mut text: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    while !text.is_empty() {
        text = text.strip_prefix(b" \"")?;
        let mut word = Vec::new();
        loop {
            text = match text {
                [b'"', rest @ ..] => {
                    text = rest;
                    break;
                }
                [b'\\', b'x', high, low, rest @ ..] => {
                    word.push((nibble(*high)? << 4) | nibble(*low)?);
                    rest
                }
                [b'\\', escape, rest @ ..] => {
                    word.push(match escape {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'a' => 0x07,
                        b'b' => 0x08,
                        b'\\' | b'"' => *escape,
                        _ => return None,
                    });
                    rest
                }
                [b'\\'] | [] => return None,
                [byte, rest @ ..] => {
                    word.push(*byte);
                    rest
                }
            };
        }
        words.push(Bytes::from(word));
    }
    Some(words)
}

fn nibble(digit: u8) -> Option<u8> {
    let digit = char::from(digit).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The index, the channel and the payload of a message.
    fn message(feed: Feed, known: &[&str], frame: &str) -> Option<(usize, String, String)> {
        let known = names(known);
        match read(feed, &known, frame.as_bytes()) {
            Frame::Message {
                name,
                channel,
                payload,
            } => {
                let channel = channel.map_or(known[name].clone(), |channel| {
                    String::from_utf8(channel).unwrap()
                });
                Some((name, channel, frame.get(payload..).unwrap().to_owned()))
            }
            _ => None,
        }
    }

    #[track_caller]
    fn is(feed: Feed, known: &[&str], frame: &str, name: usize, channel: &str, payload: &str) {
        assert_eq!(
            message(feed, known, frame),
            Some((name, channel.to_owned(), payload.to_owned()))
        );
    }

    #[test]
    fn messages() {
        use Feed::{Channels, Patterns};
        is(
            Channels,
            &["chat"],
            "message,chat,hello",
            0,
            "chat",
            "hello",
        );
        is(Channels, &["chat"], "message,chat,", 0, "chat", "");
        is(
            Channels,
            &["chat"],
            "message,chat,a,b\n,c",
            0,
            "chat",
            "a,b\n,c",
        );
        is(Channels, &["x", "a,b"], "message,a,b,c", 1, "a,b", "c");
        is(Channels, &["a", "a,b"], "message,a,b,c", 1, "a,b", "c");
        is(
            Channels,
            &["message"],
            "message,message,message",
            0,
            "message",
            "message",
        );
        is(
            Patterns,
            &["news.*"],
            "pmessage,news.*,news.a,b,c",
            0,
            "news.a",
            "b,c",
        );
        is(
            Patterns,
            &["a,*,c"],
            "pmessage,a,*,c,a,b,c,d,c,e",
            0,
            "a,b,c",
            "d,c,e",
        );
        is(
            Patterns,
            &["h?,x", "*,x"],
            "pmessage,*,x,a,b,x,y",
            1,
            "a,b,x",
            "y",
        );
        assert_eq!(message(Channels, &["chat"], "message,chat"), None);
        assert_eq!(message(Patterns, &["a*"], "pmessage,a*,b,c"), None);
    }

    #[test]
    fn everything_else() {
        use Feed::{Channels, Patterns};
        let known = names(&["a", "a,1"]);
        for (feed, frame, expected) in [
            (Channels, "subscribe,a,1", Frame::Confirmed(0)),
            (Channels, "subscribe,a,1,2", Frame::Confirmed(1)),
            (Patterns, "psubscribe,a,1", Frame::Confirmed(0)),
            (Channels, "subscribe,b,1", Frame::Stray),
            (Channels, "subscribe,a,", Frame::Stray),
            (Channels, "subscribe,a,x", Frame::Stray),
            (Channels, "message,b,x", Frame::Stray),
            (Channels, "unsubscribe,a,0", Frame::Ended),
            (Patterns, "punsubscribe,a,0", Frame::Ended),
            (Channels, "psubscribe,a,1", Frame::Other),
            (Patterns, "message,a,1", Frame::Other),
            (Channels, "", Frame::Other),
            (Channels, "ping", Frame::Other),
            (Channels, "pong,a,b", Frame::Other),
        ] {
            assert_eq!(read(feed, &known, frame.as_bytes()), expected, "{frame}");
        }
        assert!(are_ambiguous(&known));
        assert!(!are_ambiguous(&names(&["a", "ab", "b,a"])));
    }

    #[test]
    fn lines_of_monitor() {
        let line = |text: &[u8]| line(text);
        let read = line(
            br#"1721284005.242090 [3 127.0.0.1:4711] "SET" "k\"\\" "\n\r\t\a\b\x00\xff" "" "] \"""#,
        );
        let expected = Line {
            time: Duration::from_micros(1_721_284_005_242_090),
            database: 3,
            client: "127.0.0.1:4711".into(),
            words: [&b"SET"[..], b"k\"\\", b"\n\r\t\x07\x08\0\xff", b"", b"] \""]
                .map(Bytes::from_static)
                .to_vec(),
        };
        assert_eq!(read, Some(expected));
        let client = |text: &[u8]| line(text).map(|line| line.client);
        assert_eq!(client(b"1.0 [0 lua] \"GET\"").as_deref(), Some("lua"));
        assert_eq!(
            client(b"1.0 [0 [::1]:9] \"GET\"").as_deref(),
            Some("[::1]:9")
        );
        assert_eq!(
            client(b"1.0 [0 unix:/a b] \"GET\"").as_deref(),
            Some("unix:/a b")
        );
        for wrong in [
            "",
            "OK",
            "1.0",
            "1.0 [0 lua]",
            "1 [0 lua] \"GET\"",
            "1. [0 lua] \"GET\"",
            "-1.0 [0 lua] \"GET\"",
            "1.0 [x lua] \"GET\"",
            "1.0 [0] \"GET\"",
            "1.0 [0 lua] \"GET",
            "1.0 [0 lua] \"GET\" ",
            "1.0 [0 lua] \"GET\\",
            "1.0 [0 lua] \"\\q\"",
            "1.0 [0 lua] \"\\x0\"",
            "1.0 [0 lua] \"\\xgg\"",
            "99999999999999999999.0 [0 lua] \"GET\"",
        ] {
            assert_eq!(line(wrong.as_bytes()), None, "{wrong}");
        }
        assert!(is_ok(b"OK") && is_ok(b"\"OK\"") && !is_ok(b"ok"));
    }

    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn a_message_is_read_back(
                known in proptest::collection::vec("[a-c,\n]{1,4}", 1..4),
                index in any::<proptest::sample::Index>(),
                payload in any::<String>(),
            ) {
                let name = index.get(&known);
                // Names that could be mixed up never share a connection.
                let known = if are_ambiguous(&known) { vec![name.clone()] } else { known.clone() };
                let frame = format!("message,{name},{payload}");
                let Frame::Message { name: found, channel: None, payload: at } =
                    read(Feed::Channels, &known, frame.as_bytes())
                else {
                    return Err(TestCaseError::fail("no message"));
                };
                prop_assert_eq!(&known[found], name);
                prop_assert_eq!(frame.get(at..), Some(payload.as_str()));
                let confirmed = read(Feed::Channels, &known, format!("subscribe,{name},12").as_bytes());
                let Frame::Confirmed(found) = confirmed else {
                    return Err(TestCaseError::fail("no confirmation"));
                };
                prop_assert_eq!(&known[found], name);
            }

            #[test]
            fn any_frame_is_something(frame in any::<Vec<u8>>(), name in any::<String>()) {
                for feed in [Feed::Channels, Feed::Patterns] {
                    for word in ["", "subscribe,", "message,", "psubscribe,", "pmessage,"] {
                        let known = [name.clone()];
                        read(feed, &known, &[word.as_bytes(), &frame].concat());
                        read(feed, &known, &[word.as_bytes(), name.as_bytes(), b",", &frame].concat());
                    }
                }
                line(&frame);
                line(&[b"1.0 [0 a] \"", &*frame].concat());
            }
        }
    }
}
