//! Names that a process remembers: of visitors and of entries. They come from requests, so their length is bounded here.

/// A name of more bytes is kept as its hash, so that a long one takes no more memory than others.
const LONGEST: usize = 64;

/// A name as the key of a map, of at most [`LONGEST`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(Box<[u8]>);

impl Name {
    pub(crate) fn of(text: &str) -> Self {
        if text.len() <= LONGEST {
            return Self(text.as_bytes().into());
        }
        // No text has this byte, so no other name is the same.
        let mut name = vec![0xff];
        name.extend(sha1_smol::Sha1::from(text).digest().bytes());
        Self(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_short_and_different() {
        let lengths = [1, LONGEST, LONGEST + 1, LONGEST + 2, 60_000];
        let names = lengths.map(|length| Name::of(&"x".repeat(length)));
        for (place, name) in names.iter().enumerate() {
            assert!(name.0.len() <= LONGEST);
            assert!(names[..place].iter().all(|other| other != name));
        }
        assert_eq!(Name::of(&"x".repeat(60_000)), names[4]);
    }
}
