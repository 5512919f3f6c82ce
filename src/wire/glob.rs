//! Redis's glob patterns: which channels a pattern of PSUBSCRIBE means.
//!
//! The time grows with the pattern times the text, whatever they are: no pattern and no text makes it slow.

/// The longest name of a channel that is compared. Redis has no limit of its own.
const LONGEST: usize = 64 * 1024;

/// What one part of a pattern takes.
#[derive(Debug)]
enum Part {
    /// Any number of bytes.
    Star,
    /// One byte: any.
    Any,
    Byte(u8),
    /// One byte of these.
    Set(Box<[bool; 256]>),
}

impl Part {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Star | Self::Any => true,
            Self::Byte(own) => *own == byte,
            Self::Set(set) => set.get(usize::from(byte)) == Some(&true),
        }
    }
}

/// A pattern, read byte by byte as Redis reads it.
///
/// `*` is anything, `?` one byte, `[a-z]` and `[^a-z]` one of a set, `\` takes the next byte as it is.
#[derive(Debug)]
pub(crate) struct Glob(Vec<Part>);

impl Glob {
    pub(crate) fn new(mut pattern: &[u8]) -> Self {
        let mut parts = Vec::new();
        while let Some((&first, rest)) = pattern.split_first() {
            pattern = rest;
            parts.push(match first {
                b'*' => Part::Star,
                b'?' => Part::Any,
                b'[' => {
                    let (set, rest) = set(rest);
                    pattern = rest;
                    Part::Set(set)
                }
                b'\\' => match rest.split_first() {
                    Some((&literal, rest)) => {
                        pattern = rest;
                        Part::Byte(literal)
                    }
                    None => Part::Byte(b'\\'),
                },
                byte => Part::Byte(byte),
            });
        }
        Self(parts)
    }

    /// The length of the shortest beginning of the text that the pattern means and `end` follows.
    pub(crate) fn before(&self, text: &[u8], end: u8) -> Option<usize> {
        self.find(text, Some(end))
    }

    /// All places in the pattern that the bytes so far can have reached are followed at once.
    fn find(&self, text: &[u8], end: Option<u8>) -> Option<usize> {
        let Self(parts) = self;
        let mut here = vec![false; parts.len() + 1];
        let mut next = here.clone();
        reach(parts, &mut here, 0);
        for at in 0..=text.len().min(LONGEST) {
            // Redis means nothing at all by a star.
            let is_meant = here.last() == Some(&true) && (at > 0 || parts.is_empty());
            let byte = text.get(at).copied();
            if is_meant && byte == end {
                return Some(at);
            }
            let byte = byte?;
            next.fill(false);
            for ((part, place), is_here) in parts.iter().zip(0..).zip(&here) {
                if *is_here && part.takes(byte) {
                    let stays = matches!(part, Part::Star);
                    reach(parts, &mut next, if stays { place } else { place + 1 });
                }
            }
            if !next.contains(&true) {
                return None;
            }
            std::mem::swap(&mut here, &mut next);
        }
        None
    }
}

/// Marks a place as reached, and those behind it that are reached without a byte.
fn reach(parts: &[Part], places: &mut [bool], mut place: usize) {
    while let Some(reached) = places.get_mut(place).filter(|reached| !**reached) {
        *reached = true;
        match parts.get(place) {
            Some(Part::Star) => place += 1,
            _ => break,
        }
    }
}

/// The bytes of a set, and what is left of the pattern behind it. A set that is not closed ends with the pattern.
fn set(pattern: &[u8]) -> (Box<[bool; 256]>, &[u8]) {
    let (not, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut set = Box::new([not; 256]);
    let mut take = |from: u8, to: u8| {
        let range = usize::from(from.min(to))..=usize::from(from.max(to));
        if let Some(taken) = set.get_mut(range) {
            taken.fill(!not);
        }
    };
    loop {
        rest = match rest {
            [] => break,
            [b']', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', literal, after @ ..] => {
                take(*literal, *literal);
                after
            }
            [first, b'-', last, after @ ..] => {
                take(*first, *last);
                after
            }
            [literal, after @ ..] => {
                take(*literal, *literal);
                after
            }
        };
    }
    (set, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Shared {
        cases: Vec<(String, String, bool)>,
        frames: Vec<(String, String, Option<String>)>,
    }

    /// The cases that JavaScript reads too.
    fn shared() -> Shared {
        serde_json::from_str(include_str!("../../tests/js/glob-cases.json")).unwrap()
    }

    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        Glob::new(pattern).find(text, None) == Some(text.len())
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in shared().cases {
            let found = matches(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, expected, "{pattern} {text}");
        }
    }

    #[test]
    fn shortest_name_before_a_comma() {
        for (pattern, frame, channel) in shared().frames {
            let end = Glob::new(pattern.as_bytes()).before(frame.as_bytes(), b',');
            let found = end.and_then(|end| frame.get(..end));
            assert_eq!(found, channel.as_deref(), "{pattern} {frame}");
        }
    }

    #[test]
    fn long_names_are_not_compared() {
        let name = |length: usize| [&*b"a".repeat(length), b","].concat();
        let glob = Glob::new(b"a*");
        assert_eq!(glob.before(&name(LONGEST), b','), Some(LONGEST));
        assert_eq!(glob.before(&name(LONGEST + 1), b','), None);
    }

    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// The same by trying everything, which needs no thought and any amount of time.
        fn naive(parts: &[Part], text: &[u8]) -> bool {
            match parts {
                [] => text.is_empty(),
                [Part::Star, rest @ ..] => {
                    (0..=text.len()).any(|taken| naive(rest, &text[taken..]))
                }
                [part, rest @ ..] => text
                    .split_first()
                    .is_some_and(|(byte, text)| part.takes(*byte) && naive(rest, text)),
            }
        }

        fn escaped(text: &[u8]) -> Vec<u8> {
            text.iter().flat_map(|byte| [b'\\', *byte]).collect()
        }

        proptest! {
            #[test]
            fn as_by_trying_everything(pattern in "[*?ab\\[\\]^\\\\-]{0,10}", text in "[ab\\]^-]{1,10}") {
                let glob = Glob::new(pattern.as_bytes());
                prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), naive(&glob.0, text.as_bytes()));
            }

            #[test]
            fn escaped_text_means_itself(
                text in proptest::collection::vec(any::<u8>(), 0..12),
                other in proptest::collection::vec(any::<u8>(), 0..12),
            ) {
                prop_assert!(matches(&escaped(&text), &text));
                prop_assert_eq!(matches(&escaped(&text), &other), text == other);
                let inside = [b"*", &*escaped(&text), b"*"].concat();
                let around = [&*other, &text, &other].concat();
                prop_assert!(around.is_empty() || matches(&inside, &around));
            }

            #[test]
            fn any_bytes_end(pattern in any::<Vec<u8>>(), text in any::<Vec<u8>>()) {
                matches(&pattern, &text);
            }
        }

        #[test]
        fn many_stars_take_no_more_time_than_one() {
            let pattern = b"*a".repeat(1000);
            assert!(!matches(&[&*pattern, b"b"].concat(), &b"a".repeat(2000)));
        }
    }
}
