//! What holds for any bytes: the claims that the fuzz targets of `fuzz/` try to break, and that the tests try with
//! every file of its corpus. Not a public API, and not there unless `cfg(fuzzing)` is.
//!
//! A claim takes bytes and panics where it does not hold.

use bytes::Bytes;
use serde_json::Value as Tree;

#[cfg(feature = "cache")]
pub use crate::cache::any_entry as cache_entry;
#[cfg(feature = "queue")]
pub use crate::queue::any_job as job_hash;
#[cfg(feature = "sessions")]
pub use crate::session::any_record as session_record;
use crate::{
    FromReply, Reply, Value,
    wire::{
        answer::{self, Envelope, Form, Strings},
        base64,
        json::{self, Kind},
        pubsub::{self, Feed},
        resp2, sse,
    },
};

/// JSON: what serde_json reads is read the same; a text is written so that it is read again; the places of an
/// envelope are in the body.
pub fn json(bytes: &[u8]) {
    let ours = json::Value::parse(bytes);
    if let Ok(tree) = serde_json::from_slice::<Tree>(bytes) {
        match ours {
            Some(ours) => same(ours, &tree),
            // Deeper than any reply.
            None => assert!(depth(&tree) > 100, "it is JSON"),
        }
    }
    if let Some(ours) = ours {
        assert!(
            std::str::from_utf8(bytes).is_err() || json::Value::parse(ours.raw()) == Some(ours)
        );
        for strings in [Strings::Text, Strings::Base64, Strings::Lossy] {
            // A value or an error, and no panic.
            let _ = Value::from_reply(Reply::json(ours, strings));
            let _ = String::from_reply(Reply::json(ours, strings));
            let _ = Vec::<Option<i64>>::from_reply(Reply::json(ours, strings));
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut written = String::new();
        json::write_str(&mut written, text);
        let read = json::Value::parse(written.as_bytes()).and_then(json::Value::string);
        assert_eq!(read.as_deref(), Some(bytes));
        assert_eq!(serde_json::from_str(&written).ok(), Some(text.to_owned()));
    }
    match answer::envelope(bytes) {
        Envelope::Result(place) => assert!(bytes.get(place).is_some()),
        Envelope::Entries(places) => {
            for place in places {
                let part = bytes.get(place);
                let _ = answer::part(part.unwrap_or_default(), Form::Json(Strings::Text));
                assert!(part.is_some());
            }
        }
        Envelope::Error(_) | Envelope::Foreign | Envelope::Broken => {}
    }
}

fn depth(tree: &Tree) -> usize {
    let below = match tree {
        Tree::Array(items) => items.iter().map(depth).max(),
        Tree::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}

fn same(ours: json::Value<'_>, tree: &Tree) {
    let text = |value: json::Value<'_>| value.string().map(std::borrow::Cow::into_owned);
    match tree {
        Tree::Null => assert_eq!(ours.kind(), Kind::Null),
        Tree::Bool(bool) => assert_eq!(ours.raw(), bool.to_string().as_bytes()),
        Tree::Number(number) => {
            assert_eq!(ours.kind(), Kind::Number);
            let digits = std::str::from_utf8(ours.raw()).unwrap_or_default();
            let again: Option<serde_json::Number> = serde_json::from_str(digits).ok();
            assert_eq!(again.as_ref(), Some(number));
        }
        Tree::String(string) => assert_eq!(text(ours).as_deref(), Some(string.as_bytes())),
        Tree::Array(items) => {
            let elements: Vec<_> = ours.elements().into_iter().flatten().collect();
            assert_eq!(elements.len(), items.len());
            for (element, item) in elements.into_iter().zip(items) {
                same(element, item);
            }
        }
        Tree::Object(members) => {
            // Of a name that is there twice the last one counts, as serde_json has it.
            let mut left = members.clone();
            let all: Vec<_> = ours.members().into_iter().flatten().collect();
            for (name, value) in all.into_iter().rev() {
                let name = String::from_utf8(text(name).unwrap_or_default()).unwrap_or_default();
                if let Some(tree) = left.remove(&name) {
                    same(value, &tree);
                }
                assert!(members.contains_key(&name));
            }
            assert!(left.is_empty());
        }
    }
}

/// Base64: bytes come back, no two texts are the same bytes but for their padding, and `OK` is the status.
pub fn base64(bytes: &[u8]) {
    use ::base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

    let encoded = STANDARD_NO_PAD.encode(bytes);
    assert_eq!(base64::decode(encoded.as_bytes()).as_deref(), Some(bytes));
    if let Some(decoded) = base64::decode(bytes)
        && bytes != b"OK"
    {
        let end = bytes.iter().rposition(|byte| *byte != b'=');
        let unpadded = bytes.get(..end.map_or(0, |end| end + 1));
        assert_eq!(Some(STANDARD_NO_PAD.encode(decoded).as_bytes()), unpadded);
    }
}

/// RESP2: what was read is written as something that is read the same, one value has nothing behind it, and every
/// reply of a batch is in the body.
pub fn resp2(bytes: &[u8]) {
    let Some(values) = resp2::Values::parse(bytes) else {
        return;
    };
    let mut written = Vec::new();
    for value in values {
        write(value, &mut written);
    }
    let again = resp2::Values::parse(&written);
    assert!(again.is_some_and(|again| equal(values, again)));
    for value in values {
        let _ = Value::from_reply(Reply::resp2(value));
        let _ = Vec::<Option<i64>>::from_reply(Reply::resp2(value));
    }
    if let Envelope::Entries(places) = answer::resp2_envelope(bytes, true) {
        assert_eq!(places.len(), values.count());
        let mut at = 0;
        for place in places {
            assert_eq!(place.start, at);
            at = place.end;
            let part = bytes.get(place).unwrap_or_default();
            assert_eq!(resp2::Values::parse(part).map(Iterator::count), Some(1));
        }
        assert_eq!(at, bytes.len());
    }
    let _ = answer::resp2_envelope(bytes, false);
}

fn write(value: resp2::Value<'_>, out: &mut Vec<u8>) {
    let mut line = |sign: u8, text: &[u8]| {
        out.push(sign);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    };
    match value {
        resp2::Value::Nil => line(b'$', b"-1"),
        resp2::Value::Simple(text) => line(b'+', text),
        resp2::Value::Error(text) => line(b'-', text),
        resp2::Value::Integer(digits) => line(b':', digits),
        resp2::Value::Bulk(text) => {
            line(b'$', text.len().to_string().as_bytes());
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
        resp2::Value::Array(items) => {
            line(b'*', items.count().to_string().as_bytes());
            for item in items {
                write(item, out);
            }
        }
    }
}

fn equal(one: resp2::Values<'_>, other: resp2::Values<'_>) -> bool {
    use resp2::Value::Array;

    one.count() == other.count()
        && one.zip(other).all(|pair| match pair {
            (Array(one), Array(other)) => equal(one, other),
            (one, other) => one == other,
        })
}

/// SSE: events are the same in whatever pieces they come, and a frame's payload is in the frame. The first byte says
/// how large the pieces are.
pub fn sse(bytes: &[u8]) {
    let Some((size, stream)) = bytes.split_first() else {
        return;
    };
    let size = usize::from(*size).max(1);
    let whole = events([stream].into_iter());
    assert_eq!(whole, events(stream.chunks(size)));
    let names = ["a".to_owned(), "a,b".to_owned(), "n*".to_owned()];
    for frame in whole {
        for feed in [Feed::Channels, Feed::Patterns] {
            match pubsub::read(feed, &names, &frame) {
                pubsub::Frame::Message { name, payload, .. } => {
                    assert!(names.get(name).is_some() && frame.get(payload..).is_some());
                }
                pubsub::Frame::Confirmed(name) => assert!(names.get(name).is_some()),
                _ => {}
            }
        }
        let _ = pubsub::line(&frame);
    }
}

fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut events = sse::Events::new();
    let mut all = Vec::new();
    for piece in pieces {
        events.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(event)) = events.next() {
            all.push(event);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    type Claim = (&'static str, fn(&[u8]));

    const CLAIMS: [Claim; 7] = [
        ("base64", base64),
        ("cache_entry", cache_entry),
        ("job_hash", job_hash),
        ("json", json),
        ("resp2", resp2),
        ("session_record", session_record),
        ("sse", sse),
    ];

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let files = fs::read_dir(folder).unwrap();
        let files: Vec<_> = files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .collect();
        assert!(files.len() > 5, "{name} has a corpus");
        files
    }

    #[test]
    fn every_claim_has_a_target() {
        let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
        let mut names: Vec<_> = fs::read_dir(targets)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, CLAIMS.map(|(name, _)| format!("{name}.rs")));
    }

    #[test]
    fn hold_for_the_corpus() {
        for (name, claim) in CLAIMS {
            for bytes in corpus(name) {
                claim(&bytes);
            }
        }
    }

    #[test]
    fn hold_for_any_bytes() {
        proptest!(|(bytes in vec(any::<u8>(), 0..200))| {
            for (_, claim) in CLAIMS {
                claim(&bytes);
            }
        });
    }

    /// Bytes of the corpus with one of them changed, or cut off behind it.
    #[test]
    fn hold_for_what_is_almost_right() {
        for (name, claim) in CLAIMS {
            let corpus = corpus(name);
            proptest!(|(file in any::<Index>(), at in any::<Index>(), byte in any::<u8>(), cut in any::<bool>())| {
                let mut bytes = file.get(&corpus).clone();
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    if cut {
                        bytes.truncate(at);
                    } else {
                        bytes[at] = byte;
                    }
                }
                claim(&bytes);
            });
        }
    }
}
