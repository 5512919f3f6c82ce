//! Bytes to meaning and back, without I/O: JSON text, base64, RESP2, events, and the forms a request can take.
//!
//! Nothing here knows a socket, a clock or a retry. Any input gives a value or an error, never a
//! panic, and numbers never pass through a double.

pub(crate) mod answer;
pub(crate) mod base64;
pub(crate) mod glob;
pub(crate) mod json;
pub(crate) mod pubsub;
pub(crate) mod request;
pub(crate) mod resp2;
pub(crate) mod search;
pub(crate) mod sse;
