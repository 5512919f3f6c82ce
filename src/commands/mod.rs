//! The commands, one module for each group of Redis's documentation.
//!
//! Every command is a method of [`Redis`](crate::Redis); its options are methods on the
//! [`Command`](crate::Command) it gives, and an option that changes the reply changes its type. The
//! types in these modules mark which options a command has, or are what it answers.

pub mod acl;
pub mod arrays;
pub mod bitmaps;
pub mod connection;
mod fields;
pub mod functions;
pub mod geo;
pub mod hashes;
pub mod hyperloglog;
pub mod json;
pub mod keys;
pub mod lists;
pub mod pubsub;
pub mod scripting;
pub mod search;
pub mod server;
pub mod sets;
pub mod sorted_sets;
pub mod streams;
pub mod strings;
pub mod vector;

#[cfg(test)]
mod replies;
// The table drives scans on a runtime that wasm32 does not have.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod table;
