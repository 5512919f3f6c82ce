//! Connection: PING, ECHO, CLIENT SETINFO.

use crate::{ArgWriter, Command, FromReply, Redis, ToArg, Written};

/// The message of PING.
#[derive(Debug)]
pub struct Ping(());

impl<'a, T> Command<'a, T, Ping> {
    /// The reply is this message in place of `PONG`.
    pub fn message<M: FromReply>(self, message: impl ToArg) -> Command<'a, M> {
        self.with(message).cast()
    }
}

/// What CLIENT SETINFO tells the server about a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LibInfo {
    /// LIB-NAME: the name of its library.
    Name,
    /// LIB-VER: the version of its library.
    Version,
}

impl ToArg for LibInfo {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Name => "LIB-NAME",
            Self::Version => "LIB-VER",
        })
    }
}

impl Redis {
    /// Asks the server whether it is there; it says `PONG`, or the [`message`](Command::message) it is given.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.ping().await?, "PONG");
    /// assert_eq!(redis.ping().message::<String>("hello").await?, "hello");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PING](https://redis.io/docs/latest/commands/ping/).
    pub fn ping(&self) -> Command<'_, String, Ping> {
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

    /// Tells the server which library asks, without spaces.
    ///
    /// Upstash's documentation has it for TCP only, while its own client sends it over REST. Where it
    /// is not served it is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["CLIENT","SETINFO","LIB-NAME","my-service"]"#, r#""OK""#)], async |redis| {
    /// use restis::commands::connection::LibInfo;
    ///
    /// redis.client_setinfo(LibInfo::Name, "my-service").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [CLIENT SETINFO](https://redis.io/docs/latest/commands/client-setinfo/).
    pub fn client_setinfo(&self, info: LibInfo, value: impl ToArg) -> Command<'_, ()> {
        Command::new(self, "CLIENT")
            .with("SETINFO")
            .with(info)
            .with(value)
    }
}
