//! The one error of the crate: what went wrong, whether the command may have run, and what to do.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use crate::{
    find::{self, find},
    retry::Safety,
    safety,
};

/// What went wrong with a command, a batch or the configuration.
///
/// One word wide and cheap to clone. Ask it by predicate; the text says what to do next, and holds
/// no token, key or value: it names the command.
///
/// | predicate | when | did the client already repeat it? |
/// |---|---|---|
/// | [`is_config`](Self::is_config) | no URL or token, or a bad one; TLS could not be set up | no |
/// | [`is_argument`](Self::is_argument) | an argument that cannot be sent | no, nothing was sent |
/// | [`is_too_large`](Self::is_too_large) | a request over the server's 10 MB | no, nothing was sent |
/// | [`is_connect`](Self::is_connect) | refused, unreachable, DNS | yes, any command |
/// | [`is_tls`](Self::is_tls) | the handshake was refused; `is_connect` too | no |
/// | [`is_timeout`](Self::is_timeout) | no whole answer in time | yes, if safe to repeat and time was left |
/// | [`is_interrupted`](Self::is_interrupted) | the connection broke, or the answer was cut off | yes, if safe to repeat |
/// | [`is_http`](Self::is_http) | a status or a page that is not Redis's: 429, 500, 503, a gateway | 429, and any with `Restis-Ran: no`: any; 408 and 5xx: if safe to repeat |
/// | [`is_server`](Self::is_server) | Redis said no: [`code`](Self::code) has its word | only `LOADING`, `TRYAGAIN`, `CLUSTERDOWN`, `MASTERDOWN` and a passing `READONLY`, of a command on its own that is not a script |
/// | [`is_decode`](Self::is_decode) | the answer is not of the shape asked for | no |
#[cfg_attr(
    feature = "cache",
    doc = "| [`is_loader`](Self::is_loader) | what a cache was to be filled with could not be loaded; `is_timeout` too if it took too long | no |"
)]
///
/// ```
/// let error = restis::Redis::new("redis://example.com", "token").unwrap_err();
/// assert!(error.is_config());
/// assert!(error.to_string().contains("https://"));
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: Kind,
    command: Option<Cow<'static, str>>,
    /// Where it is in its batch.
    index: Option<usize>,
    message: Cow<'static, str>,
    status: Option<u16>,
    attempts: u32,
    /// One of the requests may have reached the server.
    maybe_ran: bool,
    /// Another request may fare better.
    transient: bool,
    /// The request may have reached the server, and what it asked for writes.
    ambiguous: bool,
    /// The same call may well succeed later, and repeating it cannot apply it twice.
    retryable: bool,
    /// The answer had begun when it failed.
    in_body: bool,
    /// An error inside the reply of a command that did run.
    nested: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Inner {
    fn judge(&mut self, safety: Safety) {
        self.ambiguous = self.maybe_ran && safety != Safety::Read;
        self.retryable = self.transient && (!self.ambiguous || safety != Safety::Write);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Config,
    Argument,
    TooLarge,
    Connect,
    Tls,
    Timeout,
    Interrupted,
    Http,
    Server,
    Decode,
    #[cfg(feature = "cache")]
    Loader,
    #[cfg(feature = "cache")]
    LoaderTimeout,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                command: None,
                index: None,
                message: message.into(),
                status: None,
                // What is wrong from the start is not sent.
                attempts: match kind {
                    Kind::Config | Kind::Argument | Kind::TooLarge => 0,
                    _ => 1,
                },
                maybe_ran: false,
                transient: false,
                ambiguous: false,
                retryable: false,
                in_body: false,
                nested: false,
                source: None,
            }),
        }
    }

    pub(crate) fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Config, message)
    }

    pub(crate) fn argument(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Argument, message)
    }

    pub(crate) fn too_large(bytes: usize, limit: usize) -> Self {
        Self::new(
            Kind::TooLarge,
            format!(
                "the request has {bytes} bytes and the server takes {limit} (10 MB); nothing was sent: split it, or \
                 compress the value"
            ),
        )
    }

    /// A reply that cannot be read as what was asked for.
    pub fn decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Decode, message)
    }

    /// A value that a [`Codec`](crate::cache::Codec) cannot write.
    #[cfg(feature = "cache")]
    pub fn encode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Argument, message)
    }

    /// What a cache was to be filled with could not be loaded; `source` is what the loader says.
    #[cfg(feature = "cache")]
    pub(crate) fn loader(source: Box<dyn StdError + Send + Sync>) -> Self {
        let message = "the loader failed; its own error is the source of this one";
        Self::new(Kind::Loader, message).with_source(Some(source.into()))
    }

    #[cfg(feature = "cache")]
    pub(crate) fn loader_timeout(limit: Duration) -> Self {
        Self::new(
            Kind::LoaderTimeout,
            format!(
                "the loader took longer than {} and was dropped; loader_timeout sets the limit",
                show(limit)
            ),
        )
    }

    /// The source of a cache was changed, and it is not known whether the cache still has what was there before.
    #[cfg(feature = "cache")]
    pub(crate) fn not_told(error: Self) -> Self {
        let message = "the source was written, and the cache, which may still have what was there before, could not be \
                       told: delete the key when Redis answers again";
        Self::new(error.kind(), message).with_source(Some(Arc::new(error)))
    }

    /// The same where changing it failed, so that it may have changed.
    #[cfg(feature = "cache")]
    pub(crate) fn and_not_told(mut self) -> Self {
        Arc::make_mut(&mut self.inner).message =
            "the loader failed; its own error is the source of this one. The cache, which may still have what was there \
             before, could not be told either: delete the key when Redis answers again"
                .into();
        self
    }

    /// A batch whose answer has too few entries, or too many: which of the commands ran is not known.
    pub(crate) fn misordered(sent: usize, found: usize) -> Self {
        Self::decode(format!(
            "{sent} commands were sent and {found} answers came: their order cannot be trusted, read the data again"
        ))
        .with_outcome(1, true, false, Safety::Write)
    }

    /// The entry of a command that says neither that it ran nor that it did not.
    pub(crate) fn not_an_entry() -> Self {
        Self::decode("an entry of the batch's answer is neither a result nor an error")
            .with_outcome(1, true, false, Safety::Write)
    }

    /// The server's own words about `command`, without what they repeat of its arguments.
    pub(crate) fn server(
        words: &str,
        status: Option<u16>,
        command: Option<Cow<'static, str>>,
    ) -> Self {
        let message = scrub(words, command.as_deref().unwrap_or_default());
        let mut error = Self::new(Kind::Server, message);
        error.change(|inner| {
            inner.status = status;
            // A script may raise any words, after it has written.
            inner.retryable = is_not_executed(words) && !runs_script(command.as_deref());
            inner.command = command;
        });
        error
    }

    /// The server's own words inside a reply. The command as a whole did run, so they promise nothing about repeating it.
    pub(crate) fn nested(words: &str) -> Self {
        let mut error =
            Self::server(words, None, None).with_outcome(1, false, false, Safety::Write);
        error.change(|inner| inner.nested = true);
        error
    }

    fn change(&mut self, change: impl FnOnce(&mut Inner)) {
        change(Arc::make_mut(&mut self.inner));
    }

    pub(crate) fn with_command(mut self, command: Option<Cow<'static, str>>) -> Self {
        self.change(|inner| inner.command = inner.command.take().or(command));
        self
    }

    pub(crate) fn with_index(mut self, index: Option<usize>) -> Self {
        self.change(|inner| inner.index = index);
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.change(|inner| inner.status = Some(status));
        self
    }

    pub(crate) fn with_source(mut self, source: Option<Arc<dyn StdError + Send + Sync>>) -> Self {
        self.change(|inner| inner.source = source);
        self
    }

    pub(crate) fn in_body(mut self) -> Self {
        self.change(|inner| inner.in_body = true);
        self
    }

    /// What the failure means for a command of this class: `maybe_ran` if one of the attempts may have run,
    /// `transient` if another might fare better.
    pub(crate) fn with_outcome(
        mut self,
        attempts: u32,
        maybe_ran: bool,
        transient: bool,
        safety: Safety,
    ) -> Self {
        self.change(|inner| {
            inner.attempts = attempts;
            inner.maybe_ran = maybe_ran;
            inner.transient = transient;
            inner.judge(safety);
        });
        self
    }

    /// The error of a request, as that of one of its commands.
    pub(crate) fn of_member(&self, command: Option<Cow<'static, str>>, safety: Safety) -> Self {
        let mut error = self.clone();
        error.change(|inner| {
            inner.command = command;
            inner.judge(safety);
        });
        error
    }

    pub(crate) fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// The configuration is wrong: URL, token, or TLS that could not be set up. Not repeated.
    pub fn is_config(&self) -> bool {
        self.inner.kind == Kind::Config
    }

    /// An argument cannot be sent: a value that does not serialize, or bytes in a place where the
    /// protocol carries text only. Nothing was sent.
    pub fn is_argument(&self) -> bool {
        self.inner.kind == Kind::Argument
    }

    /// The request is larger than the server takes. Nothing was sent.
    pub fn is_too_large(&self) -> bool {
        self.inner.kind == Kind::TooLarge
    }

    /// No connection came about, so nothing was executed: refused, unreachable, DNS, TLS.
    /// Repeated for every command, as often as the [`Retry`](crate::Retry) allows; TLS is not.
    pub fn is_connect(&self) -> bool {
        matches!(self.inner.kind, Kind::Connect | Kind::Tls)
    }

    /// The TLS handshake failed: a certificate that is not trusted, or no TLS on that port.
    pub fn is_tls(&self) -> bool {
        self.inner.kind == Kind::Tls
    }

    /// The whole answer did not come in time. With [`is_in_body`](Self::is_in_body) its head had come.
    pub fn is_timeout(&self) -> bool {
        #[cfg(feature = "cache")]
        if self.inner.kind == Kind::LoaderTimeout {
            return true;
        }
        self.inner.kind == Kind::Timeout
    }

    /// The connection broke after the request was sent, or the answer is not whole. With
    /// [`is_in_body`](Self::is_in_body) the answer was cut in its middle.
    pub fn is_interrupted(&self) -> bool {
        self.inner.kind == Kind::Interrupted
    }

    /// The answer had begun, and did not come to its end.
    pub fn is_in_body(&self) -> bool {
        self.inner.in_body
    }

    /// Something on the way answered in place of Redis: [`status`](Self::status) says what.
    pub fn is_http(&self) -> bool {
        self.inner.kind == Kind::Http
    }

    /// Redis refused or failed the command, or one inside a script or transaction whose reply was asked for as
    /// another type than `Result` or [`Value`](crate::Value): [`code`](Self::code) is the first word of its answer.
    pub fn is_server(&self) -> bool {
        self.inner.kind == Kind::Server
    }

    /// The answer has not the shape asked for. The command did run, unless [`is_ambiguous`](Self::is_ambiguous)
    /// leaves that open.
    pub fn is_decode(&self) -> bool {
        self.inner.kind == Kind::Decode
    }

    /// The loader of a [`Cache`](crate::Cache) failed, or took longer than it may
    /// ([`is_timeout`](Self::is_timeout) tells). What it said is the
    /// [`source`](std::error::Error::source): `error.source()?.downcast_ref::<MyError>()`.
    #[cfg(feature = "cache")]
    pub fn is_loader(&self) -> bool {
        matches!(self.inner.kind, Kind::Loader | Kind::LoaderTimeout)
    }

    /// The token is wrong, or may not do this: HTTP 401 or 403, `WRONGPASS`, `NOAUTH`, `NOPERM`.
    pub fn is_auth(&self) -> bool {
        matches!(self.inner.status, Some(401 | 403))
            || matches!(self.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"))
    }

    /// The command writes, and nobody can say from here whether it ran.
    ///
    /// The client did not repeat it, unless repeating it is safe. Read the data before you decide.
    pub fn is_ambiguous(&self) -> bool {
        self.inner.ambiguous
    }

    /// The same call may succeed later, and making it again cannot apply it twice.
    pub fn is_retryable(&self) -> bool {
        self.inner.retryable
    }

    /// The first word of Redis's own error: `WRONGTYPE`, `NOSCRIPT`, `ERR`… `None` if Redis did not speak.
    pub fn code(&self) -> Option<&str> {
        (self.inner.kind == Kind::Server).then(|| code_of(&self.inner.message))
    }

    /// Whether the server does not know the script of an EVALSHA, so that nothing ran. It does not matter how the error
    /// came: as the answer to one command, or as that of one among others in a request.
    pub(crate) fn is_unknown_script(&self) -> bool {
        // These sentences only, whose full stop is left out by then, of Redis and Upstash, and of Valkey: a script may raise any other with this code.
        let words = &*self.inner.message;
        let is_known = matches!(
            words,
            "NOSCRIPT No matching script. Please use EVAL" | "NOSCRIPT No matching script"
        );
        is_known && self.is_server() && !self.inner.nested
    }

    /// The failure lies with the service, not with the call: the same call can succeed later.
    ///
    /// Helpers with a policy for an unavailable Redis ([`RateLimiterBuilder::fail_open`] for one) apply it to these errors
    /// and return all others.
    ///
    /// | unavailable | a mistake |
    /// |---|---|
    /// | no connection, a timeout, an answer that was cut off | no or a bad URL, an argument that cannot be sent, a request over 10 MB |
    /// | HTTP 408, 425, 429, 5xx, a page in place of the answer | HTTP 3xx and every other 4xx, a token that may not do this |
    /// | `BUSY`, `CLUSTERDOWN`, `LOADING`, `MASTERDOWN`, `MISCONF`, `NOREPLICAS`, `OOM`, `READONLY`, `TRYAGAIN`, also raised inside a script, `ERR max … limit exceeded` of a plan's limits | every other error of Redis: `WRONGTYPE`, `NOPERM`, wrong arguments |
    ///
    /// [`is_ambiguous`](Self::is_ambiguous) still tells whether the command may have run.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), restis::Error> {
    /// // Nothing listens on this port.
    /// let redis = restis::Redis::builder().url("http://127.0.0.1:9").token("token").retry(restis::Retry::never()).build()?;
    /// assert!(redis.get::<String>("key").await.unwrap_err().is_unavailable());
    /// # Ok(()) }
    /// ```
    ///
    /// [`RateLimiterBuilder::fail_open`]: https://docs.rs/restis/latest/restis/ratelimit/struct.RateLimiterBuilder.html
    pub fn is_unavailable(&self) -> bool {
        if self.is_auth() {
            return false;
        }
        match self.inner.kind {
            Kind::Connect | Kind::Tls | Kind::Timeout | Kind::Interrupted => true,
            Kind::Http => {
                !matches!(self.inner.status, Some(status @ (0 | 300..500)) if !passes(status))
            }
            Kind::Server => {
                self.inner
                    .status
                    .is_some_and(|status| status >= 500 || passes(status))
                    || is_overload(&self.inner.message)
            }
            _ => false,
        }
    }

    /// The name of the command that failed, without its arguments. `None` for the configuration.
    pub fn command(&self) -> Option<&str> {
        self.inner.command.as_deref()
    }

    /// Returns which command of a pipeline or transaction failed, counted from 0. `None` for a command that was sent alone,
    /// and where the whole batch failed for a reason that names none of its commands.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let (set, incr) = redis.pipeline((redis.set("k", "text"), redis.incr("k"))).await?;
    /// set?;
    /// let error = incr.unwrap_err();
    /// assert_eq!((error.command(), error.index()), (Some("INCR"), Some(1)));
    /// # Ok(()) });
    /// ```
    pub fn index(&self) -> Option<usize> {
        self.inner.index
    }

    /// The HTTP status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// Returns how many requests were made for this call, the first one included: 0 where nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }
}

/// The code of a Redis error is its first word, if that is written in capitals; else it is `ERR`.
fn code_of(words: &str) -> &str {
    let end = words.bytes().position(|byte| byte == b' ' || byte == b':');
    let word = end.and_then(|end| words.get(..end)).unwrap_or(words);
    let capital = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if word.len() > 1 && word.bytes().all(capital) {
        word
    } else {
        "ERR"
    }
}

/// Whether the words of an error may be those of a script, which has run up to them.
pub(crate) fn runs_script(command: Option<&str>) -> bool {
    command.is_some_and(|command| safety::lists("EVAL EVALSHA FCALL", command))
}

/// Whether the server says that it did not run the command, and will later.
pub(crate) fn is_not_executed(words: &str) -> bool {
    match code_of(words) {
        "LOADING" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" => true,
        // Upstash: "READONLY Writes are temporarily rejected due to server upgrade".
        "READONLY" => find(words.as_bytes(), "temporarily").is_some(),
        _ => false,
    }
}

/// Statuses below 500 that pass.
fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429)
}

/// Codes of a server that works, but not now.
const UNAVAILABLE: &str = "BUSY CLUSTERDOWN INPROG LOADING MASTERDOWN MISCONF NOMASTERLINK NOREPLICAS OOM READONLY TRYAGAIN";

/// Whether the server's words mean that it cannot serve now.
fn is_overload(words: &str) -> bool {
    let code = code_of(words);
    if safety::lists(UNAVAILABLE, code) {
        return true;
    }
    let has = |word| find(words.as_bytes(), word).is_some();
    match code {
        // Upstash's limits of a plan, and Redis' of connections. A request or record that is too large stays so.
        "ERR" if has("max ") && !has("size") && (has("exceeded") || has("clients reached")) => true,
        // The first error inside a script of Redis 6, and inside a transaction, behind their own code.
        "ERR" if has("Error running script") => names_overload(words),
        "EXECABORT" => names_overload(words),
        _ => false,
    }
}

fn names_overload(words: &str) -> bool {
    words
        .split(' ')
        .any(|word| safety::lists(UNAVAILABLE, word.trim_start_matches('-')))
}

/// The server's words repeat what the caller sent: at their end, or in quotes. An error carries no
/// key and no value, so only the quoted name of the command stays.
fn scrub(words: &str, command: &str) -> String {
    let ends = [
        ", with args beginning with",
        " Key was:",
        ", Key:",
        " command was:",
    ];
    let end = ends
        .iter()
        .filter_map(|end| find(words.as_bytes(), end))
        .min();
    let kept = end.and_then(|end| words.get(..end)).unwrap_or(words);
    let end = kept.bytes().rposition(|byte| !b" ,.".contains(&byte));
    let mut rest = end.and_then(|end| kept.get(..=end)).unwrap_or_default();
    let mut clean = String::with_capacity(rest.len());
    while let Some((before, quote, after)) = split_quote(rest) {
        clean.push_str(before);
        clean.push_str(quote);
        rest = after;
        if before
            .as_bytes()
            .last()
            .is_some_and(u8::is_ascii_alphanumeric)
        {
            // An apostrophe.
            continue;
        }
        // To the last quote, since what is quoted may hold some; without one, to the end.
        let (quoted, after) = find::split_last(after, quote).unwrap_or((after, ""));
        let is_name = command
            .as_bytes()
            .split(|byte| *byte == b' ')
            .any(|word| word.eq_ignore_ascii_case(quoted.as_bytes()));
        clean.push_str(if is_name { quoted } else { "…" });
        clean.push_str(quote);
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// The text before the next quote that opens, the quote, and the text behind it.
fn split_quote(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.bytes().position(|byte| b"'`\"".contains(&byte))?;
    let (before, rest) = text.split_at_checked(at)?;
    let (quote, after) = rest.split_at_checked(1)?;
    Some((before, quote, after))
}

/// What a person should do, where the words of the failure do not say it already.
fn advice(inner: &Inner) -> Option<Cow<'static, str>> {
    let code = code_of(&inner.message);
    Some(match inner.kind {
        Kind::Server => match code {
            "WRONGPASS" | "NOAUTH" => {
                "check that the token belongs to this URL: both stand side by side in the database's REST tab".into()
            }
            "NOPERM" => "use a token that may do this; the read-only token may not write".into(),
            "NOSCRIPT" => "send the text with EVAL, or use Script, which does so by itself".into(),
            "WRONGTYPE" => "the key holds another type; TYPE tells which".into(),
            _ => return None,
        },
        Kind::Http if matches!(inner.status, Some(401 | 403)) => "check the token and the URL".into(),
        Kind::Http if inner.status == Some(404) => "check the path of the URL".into(),
        Kind::Http if matches!(inner.status, Some(0 | 300..=399)) => {
            "the URL redirects, and a token is not sent along: use the address it leads to".into()
        }
        _ if inner.ambiguous && !inner.retryable => {
            "it may have run and was not repeated: read the data, then decide; Retry::even_if_ambiguous repeats such \
             commands"
                .into()
        }
        _ => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        // The server's words stand first, as they came: programs test how a message begins.
        match (&inner.command, inner.kind) {
            (Some(command), Kind::Server) => write!(f, "{} (command: {command})", inner.message)?,
            (Some(command), _) => write!(f, "{command}: {}", inner.message)?,
            (None, _) => f.write_str(&inner.message)?,
        }
        if let (Kind::Http, Some(status)) = (inner.kind, inner.status) {
            // As the type of `attempts`, which is formatted anyway: each type's digits are code of their own on wasm32.
            write!(f, " (HTTP {})", u32::from(status))?;
        }
        if inner.attempts > 1 {
            write!(f, ", after {} attempts", inner.attempts)?;
        }
        if let Some(advice) = advice(inner) {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &inner.kind);
        if let Some(command) = &inner.command {
            debug.field("command", command);
        }
        debug.field("message", &inner.message);
        if let Some(status) = inner.status {
            debug.field("status", &status);
        }
        debug.field("attempts", &inner.attempts);
        debug.field("ambiguous", &inner.ambiguous);
        debug.field("retryable", &inner.retryable);
        if let Some(source) = &inner.source {
            debug.field("source", &format_args!("{source}"));
        }
        // `main` shows this form, and whoever reads it there needs the fix as well.
        if let Some(advice) = advice(inner) {
            debug.field("help", &format_args!("{advice}"));
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// `30 s`, `250 ms`: for messages. Without fractions and 128 bits, whose formatting is several KB of wasm.
pub(crate) fn show(duration: Duration) -> String {
    // In 32 bits, as the other numbers of messages: no time-out ends after 136 years.
    let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    match (seconds, duration.subsec_millis()) {
        (1.., 0) => format!("{seconds} s"),
        (_, millis) => format!("{} ms", seconds.saturating_mul(1000).saturating_add(millis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    fn server(words: &str) -> Error {
        Error::server(words, Some(400), Some("XREADGROUP".into()))
    }

    #[test]
    fn codes() {
        for (words, code) in [
            ("WRONGTYPE Operation against a key", "WRONGTYPE"),
            ("ERR syntax error", "ERR"),
            ("NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT"),
            ("value is not an integer", "ERR"),
            ("MY_CODE2: text", "MY_CODE2"),
            ("A thing", "ERR"),
            ("", "ERR"),
        ] {
            assert_eq!(server(words).code(), Some(code), "{words}");
        }
    }

    #[test]
    fn unavailable_service_differs_from_a_mistake() {
        for (words, unavailable) in [
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                true,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'. script: 0a, on @user_script:3.",
                true,
            ),
            (
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
                true,
            ),
            ("LOADING Redis is loading the dataset in memory", true),
            (
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
                true,
            ),
            (
                "READONLY You can't write against a read only replica.",
                true,
            ),
            (
                "READONLY Writes are temporarily rejected due to server upgrade",
                true,
            ),
            ("NOREPLICAS Not enough good replicas to write.", true),
            ("CLUSTERDOWN The cluster is down", true),
            (
                "TRYAGAIN Multiple keys request during rehashing of slot",
                true,
            ),
            (
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
                true,
            ),
            (
                "ERR max requests limit exceeded. Limit: 500000, Usage: 500000.",
                true,
            ),
            (
                "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.",
                true,
            ),
            ("ERR max concurrent connections exceeded", true),
            ("ERR max number of clients reached", true),
            (
                "ERR Error running script (call to f_0a): @user_script:1: -OOM command not allowed when used memory",
                true,
            ),
            (
                "EXECABORT Transaction discarded because of: OOM command not allowed",
                true,
            ),
            (
                "ERR max request size exceeded. Limit: 10485760 bytes",
                false,
            ),
            (
                "ERR Error running script (call to f_0a): @user_script:1: -WRONGTYPE Operation against a key",
                false,
            ),
            (
                "EXECABORT Transaction discarded because of previous errors.",
                false,
            ),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                false,
            ),
            (
                "NOPERM this user has no permissions to run the 'set' command",
                false,
            ),
            ("NOAUTH Authentication required.", false),
            ("WRONGPASS invalid or missing auth token", false),
            ("BUSYGROUP Consumer Group name already exists", false),
            ("BUSYKEY Target key name already exists.", false),
            ("NOSCRIPT No matching script. Please use EVAL.", false),
            ("ERR wrong number of arguments for 'set' command", false),
            ("ERR value is not an integer or out of range", false),
            ("ERR unknown command 'X'", false),
        ] {
            // As the answer of a request, as that of one command in it, and inside a reply.
            for error in [
                server(words),
                Error::server(words, None, Some("EVALSHA".into())),
                Error::nested(words),
            ] {
                assert_eq!(error.is_unavailable(), unavailable, "{words}");
            }
        }
        let http = |status| Error::new(Kind::Http, "words").with_status(status);
        for status in [408, 425, 429, 500, 502, 503, 504, 522, 200] {
            assert!(http(status).is_unavailable(), "{status}");
        }
        for status in [0, 301, 307, 400, 401, 403, 404, 405, 410, 413, 414] {
            assert!(!http(status).is_unavailable(), "{status}");
        }
        for kind in [Kind::Connect, Kind::Tls, Kind::Timeout, Kind::Interrupted] {
            assert!(Error::new(kind, "words").is_unavailable());
        }
        for kind in [Kind::Config, Kind::Argument, Kind::TooLarge, Kind::Decode] {
            assert!(!Error::new(kind, "words").is_unavailable());
        }
        let unauthorized = Error::server("Unauthorized", Some(401), None);
        assert!(!unauthorized.is_unavailable());
        let limited = Error::server("ERR too many requests", Some(429), None);
        assert!(limited.is_unavailable());
    }

    #[test]
    fn unknown_script_is_told_from_one_that_ran() {
        let words = "NOSCRIPT No matching script. Please use EVAL.";
        assert!(server(words).is_unknown_script());
        assert!(Error::server(words, None, None).is_unknown_script());
        assert!(!Error::nested(words).is_unknown_script());
        assert!(server("NOSCRIPT No matching script.").is_unknown_script());
        for raised in [
            "NOSCRIPT words script: 0a, on @user_script:1.",
            "NOSCRIPT No matching script. Please use EVAL. script: 0a, on @user_script:1.",
            "NOSCRIPT of mine",
            "NOSCRIPT",
        ] {
            assert!(!server(raised).is_unknown_script(), "{raised}");
        }
        assert!(!server("ERR NOSCRIPT").is_unknown_script());
    }

    #[test]
    fn arguments_in_the_servers_words_are_left_out() {
        for (words, kept) in [
            (
                "ERR unknown command 'NOPE', with args beginning with: 'secret' ",
                "ERR unknown command '…'",
            ),
            (
                "ERR wrong number of arguments for 'xreadgroup' command",
                "ERR wrong number of arguments for 'xreadgroup' command",
            ),
            (
                "ERR Dynamic keys are not allowed. Key was: secret",
                "ERR Dynamic keys are not allowed",
            ),
            (
                "ERR XReadGroup is cancelled. Requested Read: 20, Key: secret",
                "ERR XReadGroup is cancelled. Requested Read: 20",
            ),
            (
                "NOGROUP No such key 'secret' or consumer group 'sec\"ret' in XREADGROUP with GROUP option",
                "NOGROUP No such key '…' in XREADGROUP with GROUP option",
            ),
            (
                "ERR unknown subcommand `secret`. Try",
                "ERR unknown subcommand `…`. Try",
            ),
            ("ERR can't do that", "ERR can't do that"),
            ("ERR bad 'secret", "ERR bad '…'"),
            (
                "ERR unknown subcommand 'it's secret'. Try",
                "ERR unknown subcommand '…'. Try",
            ),
            ("ERR can't do 'secret'", "ERR can't do '…'"),
        ] {
            let error = server(words);
            assert_eq!(error.to_string(), format!("{kept} (command: XREADGROUP)"));
            assert!(!format!("{error:?}").contains("secret"));
        }
    }
}
