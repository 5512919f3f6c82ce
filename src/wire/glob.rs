//! Redis's glob patterns: which channels a pattern of PSUBSCRIBE means.

/// Whether `pattern` means `text`, byte by byte, as Redis compares them.
///
/// `*` is anything, `?` one byte, `[a-z]` and `[^a-z]` one of a set, `\` takes the next byte as it is.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        // Not even a star means nothing at all.
        return pattern.is_empty();
    }
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on after a mismatch: behind the last star, which then takes one byte more.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix(b"*") {
            pattern = rest;
            star = Some((rest, text));
            continue;
        }
        let step = match text.split_first() {
            Some((byte, rest)) => one(pattern, *byte).map(|pattern| (pattern, rest)),
            None if pattern.is_empty() => return true,
            // What is left of the pattern wants a byte, however little text the star takes.
            None => return false,
        };
        (pattern, text) = match (step, star) {
            (Some(step), _) => step,
            (None, Some((behind, taken))) => {
                let taken = taken.get(1..).unwrap_or_default();
                star = Some((behind, taken));
                (behind, taken)
            }
            (None, None) => return false,
        };
    }
}

/// What is left of the pattern if its first element, which is no star, means `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (&first, rest) = pattern.split_first()?;
    match first {
        b'?' => Some(rest),
        b'[' => set(rest, byte),
        b'\\' if !rest.is_empty() => {
            let (&literal, rest) = rest.split_first()?;
            (literal == byte).then_some(rest)
        }
        _ => (first == byte).then_some(rest),
    }
}

/// What is left behind a set that means `byte`. A set that is not closed ends with the pattern.
fn set(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (not, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => break,
            [b']', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
            [first, b'-', last, after @ ..] => {
                found |= (*first.min(last)..=*first.max(last)).contains(&byte);
                after
            }
            [literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
        };
    }
    (found != not).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns and texts, and what a real server says of them: the behaviour tests ask it.
    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", false),
            ("*", "a,b", true),
            ("**a", "ba", true),
            ("a*", "a", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*a*b*", "xxayybz", true),
            ("?", "a", true),
            ("?", "", false),
            ("a?", "a", false),
            ("h[ae]llo", "hello", true),
            ("h[^e]llo", "hello", false),
            ("h[^e]llo", "hallo", true),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h[a-]llo", "h-llo", false),
            ("[a", "a", true),
            ("[^a", "b", true),
            ("[]a", "a", false),
            ("[\\]]", "]", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\", "\\", true),
            ("a\\", "a\\", true),
            ("[", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// The same by trying everything, which needs no thought and any amount of time.
        fn naive(pattern: &[u8], text: &[u8]) -> bool {
            match pattern {
                [] => text.is_empty(),
                [b'*', rest @ ..] => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
                _ => text
                    .split_first()
                    .and_then(|(byte, text)| Some(naive(one(pattern, *byte)?, text)))
                    .unwrap_or(false),
            }
        }

        fn escaped(text: &[u8]) -> Vec<u8> {
            text.iter().flat_map(|byte| [b'\\', *byte]).collect()
        }

        proptest! {
            #[test]
            fn as_by_trying_everything(pattern in "[*?ab\\[\\]^\\\\-]{0,10}", text in "[ab\\]^-]{1,10}") {
                prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), naive(pattern.as_bytes(), text.as_bytes()));
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
