//! The ID of an entry of a stream.

use std::{fmt, str::FromStr};

use crate::{ArgWriter, Error, FromReply, Reply, ToArg, Written};

/// The ID of an entry: a Unix time in milliseconds, and a number that tells entries of one millisecond apart.
///
/// IDs are in the order of their entries. The text form is Redis's, `1526919030474-55`.
///
/// ```
/// use restis::commands::streams::StreamId;
///
/// let id: StreamId = "1526919030474-55".parse()?;
/// assert_eq!(id, StreamId::new(1_526_919_030_474, 55));
/// assert!(id < StreamId::new(1_526_919_030_475, 0));
/// assert_eq!(id.next().map(|id| id.to_string()).as_deref(), Some("1526919030474-56"));
/// # Ok::<(), restis::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The Unix time in milliseconds, by the server's clock if the server chose the ID.
    pub milliseconds: u64,
    /// The number of the entry in that millisecond, from 0.
    pub sequence: u64,
}

impl StreamId {
    /// `0-0`: before every entry, and the ID of none.
    pub const MIN: Self = Self::new(0, 0);

    /// The last ID there can be.
    pub const MAX: Self = Self::new(u64::MAX, u64::MAX);

    /// The ID of these two numbers.
    pub const fn new(milliseconds: u64, sequence: u64) -> Self {
        Self {
            milliseconds,
            sequence,
        }
    }

    /// The ID right after this one; `None` after the last.
    pub const fn next(self) -> Option<Self> {
        match (
            self.sequence.checked_add(1),
            self.milliseconds.checked_add(1),
        ) {
            (Some(sequence), _) => Some(Self::new(self.milliseconds, sequence)),
            (None, Some(milliseconds)) => Some(Self::new(milliseconds, 0)),
            (None, None) => None,
        }
    }

    /// The ID right before this one; `None` before the first.
    pub const fn previous(self) -> Option<Self> {
        match (
            self.sequence.checked_sub(1),
            self.milliseconds.checked_sub(1),
        ) {
            (Some(sequence), _) => Some(Self::new(self.milliseconds, sequence)),
            (None, Some(milliseconds)) => Some(Self::new(milliseconds, u64::MAX)),
            (None, None) => None,
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.sequence)
    }
}

impl FromStr for StreamId {
    type Err = Error;

    /// From `milliseconds-sequence`, or from `milliseconds` alone, whose sequence is 0. The error is
    /// one with [`is_argument`](Error::is_argument).
    fn from_str(text: &str) -> Result<Self, Error> {
        let (milliseconds, sequence) = text.split_once('-').unwrap_or((text, "0"));
        // `parse` alone would take a sign.
        let number = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        match (number(milliseconds), number(sequence)) {
            (Some(milliseconds), Some(sequence)) => Ok(Self::new(milliseconds, sequence)),
            _ => Err(Error::argument(
                "the ID of a stream's entry is two whole numbers, milliseconds-sequence",
            )),
        }
    }
}

impl ToArg for StreamId {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.display(self)
    }
}

impl FromReply for StreamId {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let id = reply.text()?.parse();
        id.map_err(|_| Error::decode("the reply is not the ID of a stream's entry"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours() {
        let end_of_millisecond = StreamId::new(5, u64::MAX);
        assert_eq!(StreamId::MIN.next(), Some(StreamId::new(0, 1)));
        assert_eq!(StreamId::MIN.previous(), None);
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(
            StreamId::MAX.previous(),
            Some(StreamId::new(u64::MAX, u64::MAX - 1))
        );
        assert_eq!(end_of_millisecond.next(), Some(StreamId::new(6, 0)));
        assert_eq!(StreamId::new(6, 0).previous(), Some(end_of_millisecond));
        assert!(StreamId::MIN < end_of_millisecond && end_of_millisecond < StreamId::new(6, 0));
    }

    #[test]
    fn text() {
        for id in [StreamId::MIN, StreamId::MAX, StreamId::new(7, 2)] {
            assert_eq!(id.to_string().parse().ok(), Some(id));
        }
        assert_eq!("7".parse().ok(), Some(StreamId::new(7, 0)));
        for text in [
            "",
            "-",
            "7-",
            "-7",
            "+7-0",
            "7-+0",
            "7-0-0",
            "7-*",
            "$",
            ">",
            " 7",
            "18446744073709551616",
        ] {
            let error = text.parse::<StreamId>();
            assert!(error.is_err_and(|error| error.is_argument()), "{text}");
        }
    }
}
