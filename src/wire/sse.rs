//! Server-sent events: bytes in any pieces to the data of whole events.
//!
//! Read more loosely than the standard says, because Redis's payloads travel in lines: where the
//! stream's lines end in LF, a CR is data; and a line that is no field belongs to the data before it. Some servers write no
//! empty line between events: where the first event, a confirmation of one line, has none behind it, each line is one.

use bytes::{Buf, Bytes};

/// The data of one event may have this much: a request has at most 10 MB, and MONITOR writes up to four characters a byte.
const MAX_EVENT: usize = 64 * 1024 * 1024;

/// An event larger than any server sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Reads a stream of events. One piece of the stream is held at a time.
#[derive(Debug)]
pub(crate) struct Events {
    /// What is left of the last piece.
    piece: Bytes,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The data of an event whose end has not come; `None` before its first line.
    data: Option<Vec<u8>>,
    /// The last line was of the data.
    in_data: bool,
    /// What the first line ended in, once it has.
    crlf: Option<bool>,
    /// The first event, a confirmation of one line, was there.
    has_begun: bool,
    /// Whether events end with an empty line, or each line of data is one: what follows the first event shows it.
    has_ends: Option<bool>,
    limit: usize,
}

/// What a line is.
enum Line<'a> {
    End,
    Data(&'a [u8]),
    Field,
    Other,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self::with_limit(MAX_EVENT)
    }

    fn with_limit(limit: usize) -> Self {
        Self {
            piece: Bytes::new(),
            line: Vec::new(),
            data: None,
            in_data: false,
            crlf: None,
            has_begun: false,
            has_ends: None,
            limit,
        }
    }

    /// Takes the next piece of the stream, once [`Self::next`] has given all of the last one.
    pub(crate) fn push(&mut self, piece: Bytes) {
        debug_assert!(self.piece.is_empty(), "events are left in the last piece");
        self.piece = piece;
    }

    /// The data of the next event that is whole, or `None` if it needs another piece.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, TooLarge> {
        while let Some(end) = memchr::memchr(b'\n', &self.piece) {
            let rest = self.piece.split_to(end);
            self.piece.advance(1);
            if self.line.is_empty() {
                if let Some(data) = self.line(&rest)? {
                    return Ok(Some(data));
                }
                continue;
            }
            self.grow_line(&rest)?;
            let line = std::mem::take(&mut self.line);
            if let Some(data) = self.line(&line)? {
                return Ok(Some(data));
            }
        }
        let rest = std::mem::take(&mut self.piece);
        self.grow_line(&rest)?;
        Ok(None)
    }

    fn grow_line(&mut self, more: &[u8]) -> Result<(), TooLarge> {
        // The name of the field is not data.
        let room = self.limit.saturating_add(8);
        if more.len() > room.saturating_sub(self.line.len()) {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(more);
        Ok(())
    }

    /// Takes one line, without its LF. Gives the data of the event that it ends.
    fn line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, TooLarge> {
        let stripped = line.strip_suffix(b"\r");
        let line = match *self.crlf.get_or_insert(stripped.is_some()) {
            true => stripped.unwrap_or(line),
            false => line,
        };
        let more = match kind(line) {
            Line::End => {
                self.in_data = false;
                if self.has_begun {
                    self.has_ends.get_or_insert(true);
                }
                return Ok(self.data.take());
            }
            Line::Data(more) => more,
            // A server that does not split payloads writes their newlines as they are.
            Line::Other if self.in_data => line,
            Line::Field | Line::Other => {
                self.in_data = false;
                return Ok(None);
            }
        };
        self.in_data = true;
        let used = self.data.as_ref().map_or(0, |data| data.len() + 1);
        if more.len() > self.limit.saturating_sub(used) {
            return Err(TooLarge);
        }
        let has_ends = self.has_begun && *self.has_ends.get_or_insert(false);
        self.has_begun = true;
        if !has_ends {
            self.in_data = false;
            return Ok(Some(more.to_vec()));
        }
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(more);
            }
            None => self.data = Some(more.to_vec()),
        }
        Ok(None)
    }
}

fn kind(line: &[u8]) -> Line<'_> {
    if line.is_empty() {
        return Line::End;
    }
    let colon = memchr::memchr(b':', line).unwrap_or(line.len());
    let (name, value) = line.split_at_checked(colon).unwrap_or((line, b""));
    match name {
        b"data" => {
            let value = value.strip_prefix(b":").unwrap_or(value);
            Line::Data(value.strip_prefix(b" ").unwrap_or(value))
        }
        // An empty name is a comment.
        b"" | b"event" | b"id" | b"retry" => Line::Field,
        _ => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut events = Events::new();
        let mut all = Vec::new();
        for piece in pieces {
            events.push(Bytes::copy_from_slice(piece));
            while let Some(data) = events.next().unwrap() {
                all.push(String::from_utf8_lossy(&data).into_owned());
            }
        }
        all
    }

    /// The events behind a confirmation.
    fn read_behind(confirmation: &str, stream: &str) -> Vec<String> {
        let mut events = read(&[[confirmation, stream].concat().as_bytes()]);
        assert_eq!(events.remove(0), "confirmed", "{stream:?}");
        events
    }

    #[test]
    fn events() {
        for (stream, expected) in [
            ("", &[][..]),
            ("data: a\n\n", &["a"]),
            ("data:a\n\ndata:  b\n\ndata\n\n", &["a", " b", ""]),
            ("data: a\ndata: b\ndata:\ndata: c\n\n", &["a\nb\n\nc"]),
            // A blank line without data before it, comments and other fields.
            (
                "\n: hi\n\nevent: x\nid: 1\nretry: 5\ndata: a\nid: 2\n\nnoise\n\n",
                &["a"],
            ),
            // Nothing is given before its end.
            ("data: a", &[]),
            ("data: a\n", &[]),
            // Lines of a payload that was not split.
            ("data: a\nb: c\n  d\n\n", &["a\nb: c\n  d"]),
            ("data: a\nid: 1\nb\n\n", &["a"]),
            ("data: a\n\nb\n\ndata: c\n\n", &["a", "c"]),
            // A CR is data where lines end in LF, also at the end of one.
            (
                "data: x\n\ndata: a\r\ndata: \rb\r\n\n",
                &["x", "a\r\n\rb\r"],
            ),
            ("data: a, b: c\n\n", &["a, b: c"]),
        ] {
            let found = read_behind("data: confirmed\n\n", stream);
            assert_eq!(found, expected, "{stream:?}");
        }
        // Where lines end in CRLF it is not, and one that is left stays.
        for (stream, expected) in [
            ("data: a\r\n\r\ndata: b\r\r\n\r\n", &["a", "b\r"][..]),
            ("data: a\r\ndata: \rb\rc\n\n", &["a\n\rb\rc"]),
        ] {
            let found = read_behind(":\r\n\r\ndata: confirmed\r\n\r\n", stream);
            assert_eq!(found, expected, "{stream:?}");
        }
    }

    #[test]
    fn lines_without_empty_ones_between_them_are_events() {
        for (end, confirmation) in [("\n", "data: confirmed\n"), ("\r\n", "data: confirmed\r\n")] {
            let stream = ["data: a", ": beat", "data: b", "data: c,d", ""].join(end);
            assert_eq!(read_behind(confirmation, &stream), ["a", "b", "c,d"]);
        }
        // The confirmation is there with its line.
        assert_eq!(read(&[b"data: confirmed\n"]), ["confirmed"]);
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut events = Events::with_limit(10);
        events.push(Bytes::from("data: 0123456789\n\n"));
        assert_eq!(events.next(), Ok(Some(b"0123456789".to_vec())));
        for stream in [
            "data: 0123456789x\n",
            "data: 0123\ndata: 456789\n",
            ": 01234567890123456",
        ] {
            let mut events = Events::with_limit(10);
            let stream = ["data: x\n\n", stream].concat();
            let mut pieces = stream.bytes();
            let failed = pieces.any(|byte| {
                events.push(Bytes::from(vec![byte]));
                events.next() == Err(TooLarge)
            });
            assert!(failed, "{stream}");
            assert!(events.line.len() <= 18);
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// Bytes that are mostly what a stream of events is made of.
        fn stream() -> impl Strategy<Value = Vec<u8>> {
            let token = prop_oneof![
                Just(b"data: ".to_vec()),
                Just(b"data".to_vec()),
                Just(b"\n".to_vec()),
                Just(b"\n\n".to_vec()),
                Just(b"\r\n".to_vec()),
                Just(b": ".to_vec()),
                Just(b"id: 1".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..6),
            ];
            proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
        }

        proptest! {
            #[test]
            fn any_pieces_give_the_same_events(
                stream in stream(),
                cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
            ) {
                let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
                cuts.push(stream.len());
                cuts.sort_unstable();
                let mut pieces = Vec::new();
                let mut begin = 0;
                for cut in cuts {
                    pieces.push(&stream[begin..cut]);
                    begin = cut;
                }
                let bytes: Vec<_> = stream.chunks(1).collect();
                prop_assert_eq!(read(&pieces), read(&[&stream]));
                prop_assert_eq!(read(&bytes), read(&[&stream]));
            }

            #[test]
            fn what_a_server_writes_is_what_is_read(payloads in proptest::collection::vec(any::<String>(), 0..5)) {
                let write = |end: &str| -> String {
                    let event = |payload: &String| {
                        let lines = payload.split('\n').map(|line| format!("data: {line}{end}"));
                        lines.collect::<String>() + end
                    };
                    std::iter::once(format!(": hello{end}{end}data: ok{end}{end}")).chain(payloads.iter().map(event)).collect()
                };
                prop_assert_eq!(&read(&[write("\n").as_bytes()])[1..], &payloads);
                prop_assert_eq!(&read(&[write("\r\n").as_bytes()])[1..], &payloads);
            }
        }
    }
}
