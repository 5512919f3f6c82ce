//! The arguments of a command, written once, straight into the JSON array that is sent.

use std::{
    borrow::Cow,
    fmt::{self, Display, Write},
    io,
    time::Duration,
};

use serde::Serialize;

use super::{json, search};
use crate::{
    args::{ArgsWriter, Half, ToArg, ToArgs, ToPairs},
    error::Error,
    retry::Safety,
    safety,
};

/// A request larger than this is refused by the server, and so is not sent.
pub(crate) const MAX_REQUEST: usize = 10 * 1024 * 1024;

/// Text before an argument that is bytes travels in the URL, where servers take about this much.
pub(crate) const MAX_PATH: usize = 16 * 1024;

/// The arguments of one command.
///
/// `json` is the array without its closing bracket. Options that stand before the values they
/// belong to (ZADD NX, LPOS…) are put in at `front`; everything else is appended.
#[derive(Clone)]
pub(crate) struct Args {
    json: String,
    front: usize,
    binary: Option<Box<Binary>>,
    error: Option<Error>,
}

/// The one argument that is not UTF-8: it stands between `json[..at]` and `json[at..]`.
#[derive(Clone)]
struct Binary {
    at: usize,
    value: Vec<u8>,
    /// It was there before the front was set, so what is put in there does not move it.
    before_front: bool,
}

/// A command in the form in which the protocol carries bytes: `POST /set/key?EX=60` with the value as body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathForm {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl Args {
    pub(crate) fn new(command: &str) -> Self {
        let mut json = String::with_capacity(64);
        json.push('[');
        json::write_str(&mut json, command);
        let front = json.len();
        let two_words = command.contains(char::is_whitespace);
        Self {
            json,
            front,
            binary: None,
            error: two_words.then(|| {
                Error::argument("a command's name is one word: give the second one as an argument")
            }),
        }
    }

    /// The same arguments from the front on, behind another command word.
    pub(crate) fn with_name(&self, command: &str) -> Self {
        let mut other = Self::new(command);
        let tail = self.json.get(self.front..).unwrap_or_default();
        other.binary = self.binary.as_ref().map(|binary| {
            let at = (binary.at + other.front).saturating_sub(self.front);
            Box::new(Binary {
                at,
                ..(**binary).clone()
            })
        });
        other.json.push_str(tail);
        other.error = self.error.clone();
        other
    }

    pub(crate) fn arg(&mut self, arg: impl ToArg) {
        self.args(&arg);
    }

    /// Appends all of `args` and says how many they were.
    pub(crate) fn args(&mut self, args: &(impl ToArgs + ?Sized)) -> usize {
        let mut writer = ArgsWriter {
            args: self,
            count: 0,
            half: None,
        };
        args.write_args(&mut writer);
        writer.count
    }

    /// Appends the number of `args`, then `args`.
    pub(crate) fn counted(&mut self, args: &(impl ToArgs + ?Sized)) {
        self.counted_by(1, |writer| args.write_args(writer));
    }

    /// Appends the number of `pairs`, then `pairs`.
    pub(crate) fn counted_pairs(&mut self, pairs: &(impl ToPairs + ?Sized)) {
        self.counted_by(2, |writer| pairs.write_pairs(writer));
    }

    fn counted_by(&mut self, width: usize, write: impl FnOnce(&mut ArgsWriter<'_>)) {
        let front = self.front;
        let known = self.binary.as_ref().map(|binary| binary.before_front);
        self.set_front();
        let mut writer = ArgsWriter {
            args: self,
            count: 0,
            half: None,
        };
        write(&mut writer);
        let count = writer.count.checked_div(width).unwrap_or_default();
        self.option_at_front(|args| args.arg(count));
        self.front = front;
        if let (Some(binary), Some(known)) = (&mut self.binary, known) {
            binary.before_front = known;
        }
    }

    pub(crate) fn pairs(&mut self, pairs: &(impl ToPairs + ?Sized)) {
        self.halves(pairs, None);
    }

    /// The first of each pair, then the second of each.
    pub(crate) fn columns(&mut self, pairs: &(impl ToPairs + ?Sized)) {
        self.halves(pairs, Some(Half::First));
        self.halves(pairs, Some(Half::Second));
    }

    fn halves(&mut self, pairs: &(impl ToPairs + ?Sized), half: Option<Half>) {
        pairs.write_pairs(&mut ArgsWriter {
            args: self,
            count: 0,
            half,
        });
    }

    /// From here on [`Self::option_at_front`] puts its words.
    pub(crate) fn set_front(&mut self) {
        self.front = self.json.len();
        if let Some(binary) = &mut self.binary {
            binary.before_front = true;
        }
    }

    /// Puts the words of an option before the values.
    pub(crate) fn option_at_front(&mut self, write: impl FnOnce(&mut Self)) {
        let tail = self.json.split_off(self.front);
        let start = self.front;
        write(self);
        self.front = self.json.len();
        if let Some(binary) = self.binary.as_mut().filter(|binary| !binary.before_front) {
            binary.at += self.front - start;
        }
        self.json.push_str(&tail);
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        self.json.push(',');
        json::write_str(&mut self.json, text);
    }

    /// An argument whose text needs no escapes.
    pub(crate) fn push_plain(&mut self, write: impl FnOnce(&mut String) -> fmt::Result) {
        self.json.push_str(",\"");
        // Writing to a String does not fail.
        let _ = write(&mut self.json);
        self.json.push('"');
    }

    pub(crate) fn push_display(&mut self, value: impl Display) {
        self.json.push_str(",\"");
        let _ = write!(Escaping(&mut self.json), "{value}");
        self.json.push('"');
    }

    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push_text(text),
            Err(_) if self.binary.is_none() => {
                self.binary = Some(Box::new(Binary { at: self.json.len(), value: bytes.to_vec(), before_front: false }));
            }
            Err(_) => self.fail(Error::argument(
                "two arguments are not UTF-8, and the protocol carries one such argument a request: send them in \
                 commands of their own, or encode them as text",
            )),
        }
    }

    pub(crate) fn push_json<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.json.push_str(",\"");
        let written = serde_json::to_writer(Escaping(&mut self.json), value);
        self.json.push('"');
        if written.is_err() {
            // The error of serde_json may quote the value, so its words are not passed on.
            self.fail(Error::argument(
                "a value cannot be written as JSON: map keys must be strings or numbers, and its Serialize must not fail",
            ));
        }
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// The class of the command in a call that may take as long as `limit`, where the bytes stand for any value.
    pub(crate) fn safety(&self, limit: Duration) -> Safety {
        let at = self
            .binary
            .as_ref()
            .map_or(self.json.len(), |binary| binary.at);
        let (before, after) = self.json.split_at_checked(at).unwrap_or((&self.json, ""));
        safety::of_command([before, ",\"\"", after, "]"].concat().as_bytes(), limit)
    }

    /// The command word, for errors.
    pub(crate) fn name(&self) -> Option<Cow<'static, str>> {
        // The array is open: close it where its first two words have been written.
        let mut words = Words::new(self.json.as_bytes());
        name_of(words.next(), words.next())
    }

    /// Whether the one JSON array carries the command; if not, it needs [`Self::into_path_form`].
    pub(crate) fn is_json(&self) -> bool {
        self.binary.is_none()
    }

    pub(crate) fn take_error(&mut self) -> Option<Error> {
        let name = self.error.is_some().then(|| self.name()).flatten();
        self.error.take().map(|error| error.with_command(name))
    }

    /// The arguments behind the command's name; an error where one is not text.
    pub(crate) fn into_texts(mut self) -> Result<Vec<String>, Error> {
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        if !self.is_json() {
            let error = Error::argument("an argument is not UTF-8, and here only text is carried");
            return Err(error.with_command(self.name()));
        }
        let words = Words::new(self.json.as_bytes()).skip(1);
        Ok(words.map(Cow::into_owned).collect())
    }

    /// The whole JSON array.
    pub(crate) fn into_json(mut self) -> String {
        self.json.push(']');
        self.json
    }

    /// The JSON array without its end, and without the argument that is not UTF-8.
    pub(crate) fn text(&self) -> &str {
        &self.json
    }

    /// Appends the whole JSON array to the body of a batch.
    pub(crate) fn append_to(&self, body: &mut String) -> Result<(), Error> {
        if !self.is_json() {
            return Err(Error::argument(
                "an argument is not UTF-8, and a pipeline or transaction carries text only: send this command alone, \
                 or encode the bytes as text",
            )
            .with_command(self.name()));
        }
        body.push_str(&self.json);
        body.push(']');
        Ok(())
    }

    /// `POST /command/arg…?NAME=value` with the bytes as the body, where the server appends the
    /// body after the path and the query after the body.
    ///
    /// Only what the protocol's documentation promises is used: text before the bytes, and after
    /// them nothing or one pair (the order of several pairs is promised nowhere).
    pub(crate) fn into_path_form(self) -> Result<PathForm, Error> {
        let name = self.name();
        self.path_form().map_err(|why| {
            Error::argument(format!(
                "an argument is not UTF-8, and the protocol cannot carry it here: {why}; encode it as text, for \
                 example base64"
            ))
            .with_command(name)
        })
    }

    fn path_form(self) -> Result<PathForm, &'static str> {
        let Some(binary) = self.binary else {
            return Err("there is no such argument");
        };
        let (before, after) = self
            .json
            .split_at_checked(binary.at)
            .unwrap_or((&self.json, ""));
        let mut path = String::with_capacity(before.len());
        for word in Words::new(before.as_bytes()) {
            if !is_segment(&word) {
                return Err(
                    "an argument before it is empty, \".\" or \"..\", which a URL path cannot hold",
                );
            }
            path.push('/');
            percent_encode(&mut path, &word);
        }
        let after: Vec<_> = Words::new(after.as_bytes()).collect();
        match after.as_slice() {
            [] => {}
            [name, value] if name != "_token" => {
                path.push('?');
                percent_encode(&mut path, name);
                path.push('=');
                percent_encode(&mut path, value);
            }
            [name, _] if name == "_token" => {
                return Err("a name after it is _token, which the server takes for the token");
            }
            _ => return Err("after it only one name and one value can follow"),
        }
        if path.len() > MAX_PATH {
            return Err("its other arguments travel in the URL, and are over 16 KB");
        }
        Ok(PathForm {
            path,
            body: binary.value,
        })
    }
}

impl fmt::Debug for Args {
    /// The command word only: arguments are the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Args")
            .field(&self.name().unwrap_or_default())
            .finish()
    }
}

/// Writes what it gets as the inside of a JSON string.
struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        json::write_escaped(self.0, text);
        Ok(())
    }
}

impl io::Write for Escaping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // serde_json writes whole characters, in as many pieces as it likes.
        let text = std::str::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        json::write_escaped(self.0, text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The strings of a JSON array of strings that may have begun before and may end after `text`.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self(text)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let start = search::byte(b'"', self.0)?;
        let rest = self.0.get(start + 1..)?;
        let mut at = 0;
        loop {
            at += search::either(b'"', b'\\', rest.get(at..)?)?;
            if rest.get(at) == Some(&b'"') {
                break;
            }
            at += 2;
        }
        let value = json::Value::parse(self.0.get(start..start + at + 2)?)?;
        self.0 = rest.get(at + 1..)?;
        match value.string()? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }
}

/// `GET`, and for commands that are families `SCRIPT LOAD`. Only a word that looks like a command is
/// repeated in an error: anything else is somebody's data in the wrong place.
pub(crate) fn name_of(
    first: Option<Cow<'_, str>>,
    second: Option<Cow<'_, str>>,
) -> Option<Cow<'static, str>> {
    let is_word = |word: &str| {
        (1..=24).contains(&word.len())
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let first = first.filter(|word| is_word(word))?.to_ascii_uppercase();
    let second = second
        .map(|word| word.to_ascii_uppercase())
        .filter(|word| safety::is_member(&first, word));
    Some(match second {
        Some(second) => format!("{first} {second}").into(),
        None => first.into(),
    })
}

/// Whether a URL's path can hold the word: it drops these, even percent-encoded.
pub(crate) fn is_segment(word: &str) -> bool {
    !matches!(word, "" | "." | "..")
}

/// Every byte that is not unreserved (RFC 3986) as `%XX`.
pub(crate) fn percent_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 0xf] {
                out.extend(
                    char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
}

// The properties need a source of randomness that wasm32 has not.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
