//! Write-through: the source first, then the cache, and nothing old left behind whatever fails.
//!
//! The claim of an update goes over whatever is there, so that no load that began before it is stored. Two updates at
//! the same time may reach the source in either order, and nobody here can know it: then neither value is kept. The one
//! that came second finds the claim of the first, and the first finds that its own is gone.

use std::{future::Future, time::Duration};

use super::{
    Codec, claims,
    load::timed,
    put::{Over, gone},
    record::{Claim, Record, Stored, Work},
    settings::Call,
    store::{Op, millis},
    versions::Versions,
};
use crate::Error;

pub(super) async fn update<V, C, F, Fut, E>(
    op: &mut Op,
    call: &Call,
    codec: &C,
    write: F,
) -> Result<V, Error>
where
    C: Codec<V>,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<V, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    op.patient = true;
    let claim = Claim::new(millis(op.settings.lease()), Work::Update);
    let over = Over::Claim(claim.text.clone());
    let claimed = op.claim_update(&call.key, &claim, &call.tags).await;
    op.forget(Some(&call.key));
    let (before, mut versions) = match claimed {
        Ok(claimed) => claimed,
        Err(error) => {
            if error.is_ambiguous() {
                let _ = op.write(&gone(call.key.clone(), over)).await;
            }
            return Err(error);
        }
    };
    // Without versions the value is not stored, and that is all.
    let _ = op.complete(&mut versions).await;
    // Its own is found where the first answer was lost, and what was there then is not known.
    let overlaps = match before.map(Stored::read) {
        Some(Stored::Claim(found)) => found.work == Work::Update,
        _ => false,
    };
    let hold = op.hold(&call.key, claim);
    let work = timed(None, write());
    let written = claims::while_held(op, &[&hold], None, work).await;
    // The claim of an update is nobody else's: who writes may still be at it.
    hold.end();
    let record = match &written {
        Ok(value) if !overlaps => record(op, call, codec, value, &versions),
        _ => None,
    };
    let done = match record {
        Some((record, life)) => op.put(&call.key, &over, record.text(), life, None).await,
        // Whether the source has changed is not known, or not in which order.
        None => Ok((false, true)),
    };
    if !matches!(done, Ok((true, _))) {
        let gone = op.unlink(std::slice::from_ref(&call.key)).await;
        // A claim of ours that is still there ends with its lease. What somebody else has put there does not.
        if let (Ok(_), Ok(_), Err(error)) = (&written, &done, gone) {
            op.forget(Some(&call.key));
            return Err(Error::not_told(error));
        }
    }
    op.forget(Some(&call.key));
    written
}

fn record<V, C: Codec<V>>(
    op: &Op,
    call: &Call,
    codec: &C,
    value: &V,
    versions: &Versions,
) -> Option<(Record, Duration)> {
    let payload = codec.encode(value).ok()?;
    let nothing = codec.nothing() == Some(&*payload);
    let (mut head, life) = op.head(call, nothing, versions)?;
    head.tags = versions.pairs(&call.tags)?;
    let record = Record::new(head, payload, op.settings.compress_above);
    Some((record, life))
}
