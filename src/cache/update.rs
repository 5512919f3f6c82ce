//! Write-through: the source first, then the cache, and nothing old left behind whatever fails.
//!
//! The claim of an update goes over whatever is there, so that no load that began before it is stored. Two updates at
//! the same time may reach the source in either order, and nobody here can know it: then neither value is kept. The one
//! that came second finds the claim of the first, and the first finds that its own is gone.

use std::{future::Future, time::Duration};

use super::{
    Codec,
    record::{Claim, Head, Record, Stored, Work},
    settings::Call,
    store::{Op, Over, millis},
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
    let (before, mut versions) = op.claim_update(&call.key, &claim, &call.tags).await?;
    op.forget(Some(&call.key));
    // Without versions the value is not stored, and that is all.
    let _ = op.complete(&mut versions).await;
    let is_other = |claim: &Claim, before: &Stored| matches!(before, Stored::Claim(found) if found.work == Work::Update && found.text != claim.text);
    let overlaps = before.is_some_and(|before| is_other(&claim, &Stored::read(before)));
    let over = Over::Claim(claim.text);
    let written = write().await.map_err(|error| Error::loader(error.into()));
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
        // If this fails too, the claim ends with its lease.
        let _ = op.unlink(std::slice::from_ref(&call.key)).await;
    }
    op.forget(Some(&call.key));
    written
}

fn record<V, C: Codec<V>>(
    op: &Op,
    call: &Call,
    codec: &C,
    value: &V,
    versions: &super::store::Versions,
) -> Option<(Record, Duration)> {
    let payload = codec.encode(value).ok()?;
    let nothing = codec.nothing() == Some(&*payload);
    let (ttl, life) = op.life(call, nothing)?;
    let mut head = Head::new(versions.namespace()?.to_owned());
    head.tags = versions.pairs(&call.tags)?;
    head.nothing = nothing;
    head.fresh_until = op.now().saturating_add(millis(ttl));
    let record = Record::new(head, payload, op.settings.compress_above);
    Some((record, life))
}
