//! restis: a Redis client that needs no TCP.

mod args;
mod batch;
mod client;
mod clock;
mod command;
pub mod commands;
mod config;
mod error;
mod random;
mod reply;
mod retry;
mod scan;
mod script;
mod safety;
pub mod transport;
#[doc(hidden)]
pub mod unversioned;
mod wire;

pub use args::{ArgWriter, ToArg, ToArgs, ToPairs, Written};
pub use batch::{Batch, BatchFuture, KeepErrors, Pipeline, Transaction};
pub use bytes::Bytes;
pub use client::{Builder, Redis};
pub use command::{Any, Command, CommandFuture};
pub use error::Error;
pub use reply::{FromReply, Items, Json, Reply, ReplyKind, Value};
pub use retry::{Retry, Safety};
pub use scan::{Scan, ScanStream};
pub use script::{Invocation, Script};
