//! Where a word stands in a short text, for messages and settings.
//!
//! `str`'s own searches, whether for a word or a character, are written for long texts and all of Unicode, several
//! KB on wasm32. What is searched here is looked at once, is short, and is searched for ASCII.

/// Where `word` begins in `text`.
pub(crate) fn find(text: &[u8], word: &str) -> Option<usize> {
    text.windows(word.len().max(1))
        .position(|window| window == word.as_bytes())
}

/// The text before `word`, and the text behind it.
pub(crate) fn split<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let (before, rest) = text.split_at_checked(find(text.as_bytes(), word)?)?;
    Some((before, rest.get(word.len()..)?))
}

/// The text before the last `word`, and the text behind it.
pub(crate) fn split_last<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let mut windows = text.as_bytes().windows(word.len().max(1));
    let at = windows.rposition(|window| window == word.as_bytes())?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(word.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_finds() {
        for (text, word) in [
            ("", "a"),
            ("a", "a"),
            ("ab", "b"),
            ("aab", "ab"),
            ("abab", "ab"),
            ("https://x", "://"),
            ("é://", "://"),
        ] {
            assert_eq!(
                find(text.as_bytes(), word),
                text.find(word),
                "{text} {word}"
            );
            assert_eq!(split(text, word), text.split_once(word), "{text} {word}");
            assert_eq!(
                split_last(text, word),
                text.rsplit_once(word),
                "{text} {word}"
            );
        }
    }
}
