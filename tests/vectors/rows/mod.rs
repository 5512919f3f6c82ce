//! The tables: for each vector our call, by groups of commands.

mod collections;
mod extensions;
mod hashes;
mod json;
mod keys;
mod sorted_sets;
mod streams;

use crate::row::Row;

pub(crate) fn all() -> Vec<Row> {
    let groups = [
        keys::keys(),
        keys::server_and_scripts(),
        keys::strings(),
        keys::geo(),
        hashes::rows(),
        collections::rows(),
        sorted_sets::rows(),
        streams::rows(),
        json::rows(),
        extensions::arrays(),
        extensions::search(),
        extensions::vector(),
    ];
    groups.into_iter().flatten().collect()
}

/// Texts, as many replies are.
fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn text(text: &str) -> String {
    text.to_owned()
}
