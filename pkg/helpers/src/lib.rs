//! The module of `restis/helpers`: what the crate's helpers do, over the client of the npm package.
//!
//! Values cross as JSON text, what is returned of several parts as a plain object; JavaScript checks what it is told.
//! Callbacks are JavaScript's, and what they throw comes back as it was.

#![cfg(target_arch = "wasm32")]

mod bridge;
mod cache;
mod idempotency;
mod lock;
mod ratelimit;
mod sessions;

// Its class is this module's too, with the allocator.
pub use restis_wasm_client::Client;
