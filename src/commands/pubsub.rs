//! Publish and subscribe: PUBLISH and PUBSUB.

use crate::{Command, FromReply, Redis, ToArg, ToArgs};

/// The options of PUBSUB CHANNELS.
#[derive(Debug)]
pub struct Channels(());

impl<T> Command<'_, T, Channels> {
    /// Only channels of this glob pattern.
    pub fn matching(self, pattern: impl ToArg) -> Self {
        self.with(pattern)
    }
}

impl Redis {
    /// Sends a message to all that are subscribed to a channel now; gives how many got it. Nobody keeps it.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.publish("news", "hello").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PUBLISH](https://redis.io/docs/latest/commands/publish/).
    pub fn publish(&self, channel: impl ToArg, message: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "PUBLISH").with(channel).with(message)
    }

    /// The channels that somebody is subscribed to; subscriptions of patterns are not looked at.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.pubsub_channels::<String>().matching("news*").await?.is_empty());
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PUBSUB CHANNELS](https://redis.io/docs/latest/commands/pubsub-channels/).
    pub fn pubsub_channels<T: FromReply>(&self) -> Command<'_, Vec<T>, Channels> {
        Command::new(self, "PUBSUB").with("CHANNELS")
    }

    /// How many are subscribed to each of these channels, in their order; subscriptions of patterns do not count.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.pubsub_numsub(["news"]).await?, [("news".into(), 0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PUBSUB NUMSUB](https://redis.io/docs/latest/commands/pubsub-numsub/).
    pub fn pubsub_numsub(&self, channels: impl ToArgs) -> Command<'_, Vec<(String, u64)>> {
        Command::new(self, "PUBSUB")
            .with("NUMSUB")
            .with_all(channels)
    }

    /// How many different patterns are subscribed to, by all together.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.pubsub_numpat().await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PUBSUB NUMPAT](https://redis.io/docs/latest/commands/pubsub-numpat/).
    pub fn pubsub_numpat(&self) -> Command<'_, u64> {
        Command::new(self, "PUBSUB").with("NUMPAT")
    }
}
