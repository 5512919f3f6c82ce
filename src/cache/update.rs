//! Write-through: the source first, then the cache, and nothing old left behind whatever fails.
//!
//! The claim of an update goes over whatever is there, so that no load that began before it is stored. Two updates at
//! the same time may reach the source in either order, and nobody here can know it: then neither value is kept. The one
//! that came second finds the claim of the first, and the first finds that its own is gone.

use std::{future::Future, time::Duration};

use super::{
    Codec, claims,
    load::timed,
    put::Over,
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
    // Until the source is asked, another caller may go on under it.
    let mut hold = op.hold(&call.key, claim.clone());
    let claimed = op.claim_update(&call.key, &claim, &call.tags).await;
    op.forget(Some(&call.key));
    let (before, mut versions) = match claimed {
        Ok(claimed) => claimed,
        Err(error) => {
            op.release(hold).await;
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
    // Who writes may still be at it when nobody waits for that any more.
    hold.keep_to_itself();
    let work = timed(None, write());
    let written = claims::while_held(op, &[&hold], None, work).await;
    let record = match &written {
        Ok(value) if !overlaps => record(op, call, codec, value, &versions),
        _ => None,
    };
    let done = match record {
        Some((record, life)) => op.put(&call.key, &over, record.text(), life, None).await,
        // Whether the source has changed is not known, or not in which order.
        None => Ok((false, true)),
    };
    let mut told = Ok(());
    if !matches!(done, Ok((true, _))) {
        told = op.unlink(std::slice::from_ref(&call.key)).await;
    }
    op.forget(Some(&call.key));
    match (written, told) {
        (written, Ok(())) => written,
        (Ok(_), Err(error)) => Err(Error::not_told(error)),
        (Err(failed), Err(_)) => Err(failed.and_not_told()),
    }
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
