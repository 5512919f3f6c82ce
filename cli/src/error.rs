//! What can go wrong: the service's or Redis's error, output that nobody reads, and what the user has to change.

use std::io;

#[derive(Debug)]
pub(crate) enum Error {
    /// Of the client, of the service or of Redis.
    Redis(restis::Error),
    /// Standard output or input failed.
    Io(io::Error),
    /// What to do differently.
    Usage(String),
}

impl Error {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Whoever read the output has what they wanted: `restis scan | head`.
    pub(crate) fn nobody_reads(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// For programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let mut fields = serde_json::Map::new();
        fields.insert("message".to_owned(), self.to_string().into());
        if let Self::Redis(error) = self {
            if let Some(code) = error.code() {
                fields.insert("code".to_owned(), code.into());
            }
            if let Some(command) = error.command() {
                fields.insert("command".to_owned(), command.into());
            }
            if let Some(status) = error.status() {
                fields.insert("status".to_owned(), status.into());
            }
            fields.insert("ambiguous".to_owned(), error.is_ambiguous().into());
        }
        serde_json::json!({ "error": fields })
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // What the client calls a method is an option here.
            Self::Redis(error) => f.write_str(
                &error
                    .to_string()
                    .replace("Builder::allow_plain_http", "--allow-plain-http"),
            ),
            Self::Io(error) => error.fmt(f),
            Self::Usage(text) => f.write_str(text),
        }
    }
}

impl From<restis::Error> for Error {
    fn from(error: restis::Error) -> Self {
        Self::Redis(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
