//! What each command and each option does on a real server: its data, its nil, its errors.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, not an API"
)]

mod access;
mod bitmaps;
mod fields;
mod functions;
mod geo;
mod hashes;
mod keys;
mod lists;
mod resp2;
mod scripting;
mod server;
mod sets;
mod sorted_sets;
mod streams;
mod strings;
mod values;

use std::{collections::HashSet, fmt::Debug};

use restis::{Error, FromReply, ScanStream};

/// Asserts that the server refused a command: with this code, and with the name of the command.
#[track_caller]
fn refused<T: Debug>(result: Result<T, Error>, code: &str, command: &str) {
    let error = result.unwrap_err();
    assert!(error.is_server(), "{error}");
    assert_eq!(
        (error.code(), error.command()),
        (Some(code), Some(command)),
        "{error}"
    );
}

async fn all<T: FromReply + Unpin>(mut stream: ScanStream<'_, T>) -> Result<Vec<T>, Error> {
    let mut elements = Vec::new();
    while let Some(element) = stream.next().await {
        elements.push(element?);
    }
    Ok(elements)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn set(texts: &[&str]) -> HashSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn scored(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs
        .iter()
        .map(|(member, score)| ((*member).to_owned(), *score))
        .collect()
}
