//! Connection: PING, ECHO.

use crate::{Command, FromReply, Redis, ToArg};

impl Redis {
    /// Asks the server whether it is there; it says `PONG`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.ping().await?, "PONG");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PING](https://redis.io/docs/latest/commands/ping/).
    pub fn ping(&self) -> Command<'_, String> {
        Command::new(self, "PING")
    }

    /// Gives back what it is given.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.echo::<String>("hello").await?, "hello");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ECHO](https://redis.io/docs/latest/commands/echo/).
    pub fn echo<T: FromReply>(&self, message: impl ToArg) -> Command<'_, T> {
        Command::new(self, "ECHO").with(message)
    }
}
