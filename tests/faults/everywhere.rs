//! The [matrix](super::matrix), natively.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use restis_local::{Fault, Local};

use super::matrix::{self, FAULTS, Operation, Server, Tally};

/// A server of its own.
struct Own(Local);

impl Server for Own {
    fn url(&self) -> &str {
        self.0.url()
    }

    fn token(&self) -> &str {
        self.0.token()
    }

    async fn fault(&self, fault: Option<&str>) {
        self.0.clear_faults();
        if let Some(fault) = fault {
            self.0.inject(serde_json::from_str::<Fault>(fault).unwrap());
        }
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_done_twice() {
    const CALLS: u32 = 8;
    let cells = FAULTS
        .into_iter()
        .zip(0..)
        .flat_map(|(fault, number)| Operation::ALL.map(|operation| (fault, number, operation)));
    let tallies: Vec<_> = stream::iter(cells)
        .map(|(fault, number, operation): (_, u32, _)| async move {
            let own = Own(Local::builder().start().await.unwrap());
            let tag = format!("{number}:{operation:?}");
            let tally = matrix::cell(&own, operation, fault, &tag, CALLS).await;
            own.0.stop().await;
            (fault, operation, tally)
        })
        .buffer_unordered(16)
        .collect()
        .await;
    assert_eq!(tallies.len(), FAULTS.len() * Operation::ALL.len());
    let mut all = Tally::default();
    let (mut by_fault, mut by_operation) = (BTreeMap::new(), BTreeMap::new());
    for (fault, operation, tally) in &tallies {
        by_fault
            .entry(fault)
            .or_insert_with(Tally::default)
            .add(*tally);
        by_operation
            .entry(operation)
            .or_insert_with(Tally::default)
            .add(*tally);
        all.add(*tally);
    }
    for (fault, tally) in by_fault {
        println!("{tally}  {fault}");
    }
    for (operation, tally) in by_operation {
        println!("{tally}  {operation:?}");
    }
    println!("{all}  in all");
    for (fault, operation, tally) in tallies {
        assert!(tally.is_right(), "{operation:?} under {fault}: {tally}");
    }
}
