//! [`Sweep`]: deletes the entries whose keys fit a pattern, a page at a time.

use std::fmt;

use super::store::{Found, Op};
use crate::{Error, Safety};

/// A walk over the keys of the database that deletes the entries which fit a pattern; see [`Cache::sweep`](super::Cache::sweep).
///
/// ```
/// # restis_testing::run(async |redis| {
/// # use restis::Cache;
/// let cache = Cache::new(&redis).namespace("family");
/// cache.set("7:members", &vec![42]).await?;
///
/// let mut sweep = cache.sweep("7:*").count(500);
/// while sweep.step().await? {
///     println!("{} so far; to go on later: {:?}", sweep.removed(), sweep.cursor());
/// }
/// assert_eq!(sweep.removed(), 1);
/// # Ok(()) });
/// ```
///
/// Entries that are there from its beginning to its end are deleted, those that are being loaded too; one that is made
/// meanwhile may be.
///
/// Source: [SCAN](https://redis.io/docs/latest/commands/scan/), [UNLINK](https://redis.io/docs/latest/commands/unlink/).
#[must_use = "a sweep does nothing until it is run"]
pub struct Sweep {
    op: Op,
    pattern: String,
    count: u64,
    /// Where the next page begins; `None` after the last.
    next: Option<String>,
    /// Found, and not deleted yet.
    page: Vec<String>,
    /// Where the page began that is not deleted yet.
    from: String,
    removed: u64,
}

impl Sweep {
    pub(super) fn new(op: Op, pattern: &str) -> Self {
        let pattern = op.settings.key_pattern(pattern);
        Self {
            op,
            pattern,
            count: 1000,
            next: Some("0".into()),
            page: Vec::new(),
            from: "0".into(),
            removed: 0,
        }
    }

    /// COUNT: about how many keys a page looks at, 1,000 by default.
    pub fn count(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    /// Goes on where another sweep of the same pattern was; see [`cursor`](Self::cursor).
    pub fn resume(mut self, cursor: impl Into<String>) -> Self {
        self.from = cursor.into();
        self.next = Some(self.from.clone());
        self
    }

    /// Where to go on, in another process too; `None` at the end.
    pub fn cursor(&self) -> Option<&str> {
        (self.next.is_some() || !self.page.is_empty()).then_some(&self.from)
    }

    /// How many entries have been deleted. Fewer than there were, if an answer was lost and the request repeated.
    pub fn removed(&self) -> u64 {
        self.removed
    }

    /// Deletes what the last step found, and looks for more; false when there is nothing left to do.
    ///
    /// After an error it can be called again, and goes on where it was.
    ///
    /// Cost: one round trip; one billed command for the look and one for what is deleted.
    pub async fn step(&mut self) -> Result<bool, Error> {
        if self.next.is_none() && self.page.is_empty() {
            return Ok(false);
        }
        if self.op.settings.namespace.is_empty() && self.pattern.starts_with(['*', '?', '[']) {
            return Err(Error::encode(
                "a cache without a namespace owns no keys, so this pattern would delete those of others too: begin it with \
                 text, or give the cache a namespace",
            ));
        }
        let redis = self.op.redis.clone();
        let unlink = (!self.page.is_empty()).then(|| redis.unlink(&self.page));
        let scan = self.next.as_ref().map(|cursor| {
            let scan = redis
                .command("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&self.pattern);
            scan.arg("COUNT")
                .arg(self.count)
                .query::<(String, Vec<Found>)>()
        });
        self.op
            .bill(usize::from(unlink.is_some()) + usize::from(scan.is_some()));
        // How many there were is only told, so a second time does the same.
        let unlink: Vec<_> = unlink
            .into_iter()
            .map(|unlink| unlink.safety(Safety::IdempotentWrite))
            .collect();
        let scan: Vec<_> = scan
            .into_iter()
            .map(|scan| scan.safety(Safety::IdempotentWrite))
            .collect();
        let done = redis.pipeline((unlink, scan)).await;
        let (unlinked, scanned) = self.op.failed(done)?;
        for unlinked in unlinked {
            self.removed += self.op.failed(unlinked)?;
            self.page.clear();
        }
        self.op.forget(None);
        match scanned.into_iter().next() {
            Some(scanned) => {
                let (cursor, keys) = self.op.failed(scanned)?;
                self.from = self.next.take().unwrap_or_default();
                self.next = Some(cursor).filter(|cursor| cursor != "0");
                // Keys that are not text are not ours.
                self.page = keys.into_iter().filter_map(Found::text).collect();
            }
            None => self.from.clear(),
        }
        Ok(self.next.is_some() || !self.page.is_empty())
    }

    /// Takes all steps that are left, and gives how many entries were deleted.
    pub async fn run(mut self) -> Result<u64, Error> {
        while self.step().await? {}
        Ok(self.removed)
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep")
            .field("removed", &self.removed)
            .field("cursor", &self.cursor())
            .finish_non_exhaustive()
    }
}
