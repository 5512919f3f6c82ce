//! [`ResponseFormat`]: in which form the server is asked to answer.

/// The form in which the server is asked to answer a command that goes out alone.
///
/// It is read by what it turns out to be, so either works with every type. A pipeline or transaction is always
/// answered in JSON: the server documents that for transactions, and says nothing about pipelines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// `{"result": …}`, with base64 for strings where bytes are asked for. The default.
    #[default]
    Json,
    /// Redis's own protocol, `Upstash-Response-Format: resp2`, where bytes travel as they are.
    ///
    /// For reads of many bytes, which base64 makes a third longer. Text that is not UTF-8 is an error when it is
    /// asked for as text, where JSON has U+FFFD in its place. A transport of your own has to hand on the response's
    /// `content-type`, by which this form is known.
    Resp2,
}
