//! The npm package's module of the client alone.

#![cfg(target_arch = "wasm32")]

pub use restis_wasm_client::*;
