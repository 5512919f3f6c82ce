//! Every call of @upstash/redis 1.39.0 that vectors.json knows, as a call of ours: what goes over the wire, what comes
//! back, and the same beside the real client before one server.
//!
//! vectors.json has a line for each call: the method and its `args`, the words on the `wire`, the server's `raw` reply
//! and the `result` its caller gets; and the `seed` from which both clients start, or why the call is shown by its
//! vector `alone`. The tables in `rows` have our call for each, [`shown`] says when two results agree,
//! and [`differences`] where they do not, and why.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod differences;
mod mock;
mod peer;
mod row;
mod rows;
mod served;
mod shown;
mod vector;

use std::collections::BTreeSet;

use crate::{
    mock::Mock,
    row::{Form, Row},
    shown::agree,
    vector::{Vector, same_words, vectors, words},
};

/// Each row with its vector.
fn pairs() -> Vec<(Row, Vector)> {
    let mut rows = rows::all();
    rows.sort_by_key(|row| row.id);
    rows.into_iter().zip(vectors()).collect()
}

#[test]
fn every_vector_has_a_row_and_every_row_a_vector() {
    let mut rows: Vec<_> = rows::all().iter().map(|row| row.id).collect();
    rows.sort_unstable();
    let vectors: Vec<_> = vectors().iter().map(|vector| vector.id).collect();
    assert_eq!(vectors, (0..279).collect::<Vec<_>>());
    assert_eq!(rows, vectors);
}

#[tokio::test]
async fn what_is_sent_is_what_the_vector_says_or_has_a_reason() {
    for (row, vector) in pairs() {
        for form in Form::ALL {
            let mock = Mock::new(row.raw(&vector));
            row.run(mock.redis(), form).await.unwrap();
            let sent = mock.sent();
            let expected = words(&vector.wire);
            match row.wire {
                None => assert!(
                    same_words(&sent, &expected),
                    "{row}: {sent:?} is not {expected:?}"
                ),
                Some((ours, difference)) => {
                    let ours: Vec<String> = serde_json::from_str(ours).unwrap();
                    assert_eq!(sent, ours, "{row}");
                    assert!(
                        !same_words(&sent, &expected),
                        "{row}: no longer differs by {difference:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn what_comes_back_is_typed_in_every_form_of_answer() {
    for (row, vector) in pairs() {
        for form in Form::ALL {
            let mock = Mock::new(row.raw(&vector));
            let outcome = row.run(mock.redis(), form).await;
            let outcome = outcome.unwrap_or_else(|error| panic!("{row}, {form:?}: {error}"));
            assert!(
                outcome.as_expected,
                "{row}, {form:?}: it gave {}",
                outcome.debug
            );
        }
    }
}

#[tokio::test]
async fn what_comes_back_agrees_or_is_a_listed_difference() {
    let mut used = BTreeSet::new();
    for (row, vector) in pairs() {
        let mock = Mock::new(row.raw(&vector));
        let ours = row.run(mock.redis(), Form::Alone).await.unwrap().shown;
        let theirs = &vector.result;
        match row.differs {
            None => assert!(agree(theirs, &ours), "{row}: {ours} for {theirs}"),
            Some(difference) => {
                used.insert(difference);
                assert!(
                    !agree(theirs, &ours),
                    "{row}: no longer differs by {difference:?}"
                );
            }
        }
    }
    let of_words = pairs()
        .into_iter()
        .filter_map(|(row, _)| row.wire)
        .map(|(_, difference)| difference);
    used.extend(of_words);
    let listed: BTreeSet<_> = differences::ALL.iter().copied().collect();
    assert_eq!(listed, used, "a difference is listed that no row has");
}
