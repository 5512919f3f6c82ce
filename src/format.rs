//! [`ResponseFormat`]: in which form the server is asked to answer.

/// The form in which the server is asked to answer a command that goes out alone.
///
/// Set it for a client with [`Builder::response_format`](crate::Builder::response_format), and for one call with
/// [`Command::response_format`](crate::Command::response_format). An answer is read by what it turns out to be, so
/// either form works with every type.
///
/// In a pipeline or transaction it is not heeded: those ask for JSON. For transactions Upstash documents nothing
/// else, and whether pipelines can be answered in RESP2 is documented nowhere.
///
/// ```
/// use restis::{Redis, ResponseFormat};
///
/// let redis = Redis::builder()
///     .url("https://eu1-fine-owl-1.upstash.io")
///     .token("token")
///     .response_format(ResponseFormat::Resp2)
///     .build()?;
/// # Ok::<_, restis::Error>(())
/// ```
///
/// Source: [REST API](https://upstash.com/docs/redis/features/restapi).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// `{"result": …}`, with base64 for strings where bytes are asked for. The default.
    #[default]
    Json,
    /// Redis's own protocol, `Upstash-Response-Format: resp2`, where bytes travel as they are.
    ///
    /// For reads of many bytes, which base64 makes a third longer. What is not UTF-8 is an error when it is asked for
    /// as text, where JSON has U+FFFD in its place. If the server answers bytes in JSON all the same, that is an error
    /// with [`is_decode`](crate::Error::is_decode), since some may be lost. A transport of your own has to hand on the
    /// response's `content-type`, by which this form is known.
    Resp2,
}
