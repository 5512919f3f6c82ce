//! Deleting only if the value is what was expected: DELEX, DIGEST. They need Upstash or Redis 8.4.

use crate::{Command, Redis, ToArg};

/// The condition of DELEX: one of them.
#[derive(Debug)]
pub struct DelEx(());

impl<'a, T> Command<'a, T, DelEx> {
    /// IFEQ: deletes only if the value is this one.
    pub fn ifeq(self, value: impl ToArg) -> Command<'a, T> {
        self.with("IFEQ").with(value).cast()
    }

    /// IFNE: deletes only if the value is not this one.
    pub fn ifne(self, value: impl ToArg) -> Command<'a, T> {
        self.with("IFNE").with(value).cast()
    }

    /// IFDEQ: deletes only if the value has this [digest](Redis::digest).
    pub fn ifdeq(self, digest: impl ToArg) -> Command<'a, T> {
        self.with("IFDEQ").with(digest).cast()
    }

    /// IFDNE: deletes only if the value does not have this [digest](Redis::digest).
    pub fn ifdne(self, digest: impl ToArg) -> Command<'a, T> {
        self.with("IFDNE").with(digest).cast()
    }
}

impl Redis {
    /// Deletes a key, and with [`ifeq`](Command::ifeq) or its kind only if the value is what it should
    /// be; gives whether it did.
    ///
    /// This gives a lock back that may be another's by now, in one step and without a script. A key
    /// that holds no string is an error with code `WRONGTYPE` where there is a condition.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("lock", "mine").await?;
    /// assert!(!redis.delex("lock").ifeq("another's").await?);
    /// assert!(redis.delex("lock").ifeq("mine").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DELEX](https://redis.io/docs/latest/commands/delex/).
    pub fn delex(&self, key: impl ToArg) -> Command<'_, bool, DelEx> {
        Command::new(self, "DELEX").with(key)
    }

    /// The digest of a value, 16 hexadecimal digits (XXH3); `None` if there is no such key.
    ///
    /// By it a large value can be compared without sending it: read the digest, and set or delete
    /// only if it is still the same.
    ///
    /// ```
    /// # restis_testing::recorded(&[
    /// #     (r#"["DIGEST","page"]"#, r#""a8e5b54d8e4e0b1c""#),
    /// #     (r#"["SET","page","new","IFDEQ","a8e5b54d8e4e0b1c"]"#, r#""OK""#),
    /// # ], async |redis| {
    /// if let Some(digest) = redis.digest("page").await? {
    ///     let unchanged = redis.set("page", "new").ifdeq(digest).await?;
    ///     assert!(unchanged);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DIGEST](https://redis.io/docs/latest/commands/digest/).
    pub fn digest(&self, key: impl ToArg) -> Command<'_, Option<String>> {
        Command::new(self, "DIGEST").with(key)
    }
}
