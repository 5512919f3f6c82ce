//! Server: INFO, DBSIZE, SLOWLOG, TIME, FLUSHDB and FLUSHALL. What INFO answers is in [`info`], COMMAND,
//! CONFIG and WAIT are in [`settings`].

pub mod info;
pub mod settings;

use std::time::Duration;

use self::info::Info;
use crate::{Bytes, Command, Error, FromReply, Redis, Reply, ToArg, reply::Items};

/// The sections of INFO.
#[derive(Debug)]
pub struct Sections(());

impl<T> Command<'_, T, Sections> {
    /// Only this section, and others that are asked for; without this the default ones.
    ///
    /// `"everything"` is all there are. More than one needs Redis 7.
    pub fn section(self, section: impl ToArg) -> Self {
        self.with(section)
    }
}

/// The choice of FLUSHDB, FLUSHALL and SCRIPT FLUSH.
#[derive(Debug)]
pub struct Flush(());

impl<T> Command<'_, T, Flush> {
    /// ASYNC: the server frees the memory in the background.
    pub fn async_(self) -> Self {
        self.with("ASYNC")
    }

    /// SYNC: the server frees the memory before it answers.
    pub fn sync(self) -> Self {
        self.with("SYNC")
    }
}

/// The options of SLOWLOG GET.
#[derive(Debug)]
pub struct SlowlogGet(());

impl<T> Command<'_, T, SlowlogGet> {
    /// At most this many entries, -1 for all; without this, 10.
    pub fn count(self, count: i64) -> Self {
        self.with(count)
    }
}

/// An entry of the slow log: see [`Redis::slowlog_get`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowlogEntry {
    /// A number that no other entry has until the server starts anew.
    pub id: u64,
    /// The Unix time in seconds when the command ran.
    pub time: u64,
    /// How long it ran: measured in microseconds, without reading the request and sending the answer.
    pub duration: Duration,
    /// The command and its arguments; the server shortens long ones, and long lists of them.
    pub args: Vec<Bytes>,
    /// Where the command came from, `host:port`.
    pub client_addr: Option<String>,
    /// The name the connection had given itself.
    pub client_name: Option<String>,
}

impl FromReply for SlowlogEntry {
    /// The server cuts arguments where it likes, in the middle of a character too.
    const BYTES: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        // Servers before Redis 4 end after the arguments.
        fn text(items: &mut Items<'_>) -> Result<Option<String>, Error> {
            let text: Option<String> = items.next().map(Reply::read).transpose()?;
            Ok(text.filter(|text| !text.is_empty()))
        }

        let mut items = reply.items()?;
        Ok(Self {
            id: items.read()?,
            time: items.read()?,
            duration: Duration::from_micros(items.read()?),
            args: items.read()?,
            client_addr: text(&mut items)?,
            client_name: text(&mut items)?,
        })
    }
}

/// The time of the server's clock: see [`Redis::time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// The Unix time in seconds.
    pub seconds: u64,
    /// The microseconds of that second that have passed.
    pub microseconds: u32,
}

impl Time {
    /// The time since the Unix epoch.
    pub fn since_epoch(self) -> Duration {
        Duration::from_secs(self.seconds)
            .saturating_add(Duration::from_micros(self.microseconds.into()))
    }
}

impl FromReply for Time {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let (seconds, microseconds) = reply.read()?;
        Ok(Self {
            seconds,
            microseconds,
        })
    }
}

impl Redis {
    /// What the server tells about itself, by section; with `section`, only what is asked for.
    ///
    /// Servers differ in what they tell: each field is an `Option`, and [`Info::get`] has those that
    /// are not typed.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "v").await?;
    /// let info = redis.info().await?;
    /// assert!(info.memory.used_memory.is_some_and(|bytes| bytes > 0));
    /// assert_eq!(info.keyspace[&0].keys, 1);
    /// let commands = redis.info().section("commandstats").await?;
    /// println!("{:?}", commands.get("commandstats", "cmdstat_set"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [INFO](https://redis.io/docs/latest/commands/info/).
    pub fn info(&self) -> Command<'_, Info, Sections> {
        Command::new(self, "INFO")
    }

    /// How many keys the database has.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.mset([("a", 1), ("b", 2)]).await?;
    /// assert_eq!(redis.dbsize().await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DBSIZE](https://redis.io/docs/latest/commands/dbsize/).
    pub fn dbsize(&self) -> Command<'_, u64> {
        Command::new(self, "DBSIZE")
    }

    /// The commands that took longer than the server's `slowlog-log-slower-than`, the latest first.
    ///
    /// Arguments are [`Bytes`], because the server cuts long ones.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// for entry in redis.slowlog_get().count(25).await? {
    ///     let command = entry.args.first().map(|name| String::from_utf8_lossy(name));
    ///     println!("{command:?} took {:?}", entry.duration);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SLOWLOG GET](https://redis.io/docs/latest/commands/slowlog-get/).
    pub fn slowlog_get(&self) -> Command<'_, Vec<SlowlogEntry>, SlowlogGet> {
        Command::new(self, "SLOWLOG").with("GET")
    }

    /// How many entries the slow log has.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let waiting = redis.slowlog_len().await?;
    /// println!("{waiting} slow commands");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SLOWLOG LEN](https://redis.io/docs/latest/commands/slowlog-len/).
    pub fn slowlog_len(&self) -> Command<'_, u64> {
        Command::new(self, "SLOWLOG").with("LEN")
    }

    /// Empties the slow log.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.slowlog_reset().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SLOWLOG RESET](https://redis.io/docs/latest/commands/slowlog-reset/).
    pub fn slowlog_reset(&self) -> Command<'_, ()> {
        Command::new(self, "SLOWLOG").with("RESET")
    }

    /// The time of the server's clock, which is the same for all its clients.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let now = redis.time().await?;
    /// assert!(now.seconds > 1_700_000_000 && now.microseconds < 1_000_000);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [TIME](https://redis.io/docs/latest/commands/time/).
    pub fn time(&self) -> Command<'_, Time> {
        Command::new(self, "TIME")
    }

    /// Deletes all keys of the database, others' too.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "v").await?;
    /// redis.flushdb().await?;
    /// assert_eq!(redis.dbsize().await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FLUSHDB](https://redis.io/docs/latest/commands/flushdb/).
    pub fn flushdb(&self) -> Command<'_, (), Flush> {
        Command::new(self, "FLUSHDB")
    }

    /// Deletes all keys of all databases, others' too.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.flushall().async_().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FLUSHALL](https://redis.io/docs/latest/commands/flushall/).
    pub fn flushall(&self) -> Command<'_, (), Flush> {
        Command::new(self, "FLUSHALL")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::wire::json;

    fn read<T: FromReply>(json: &str, base64: bool) -> Result<T, Error> {
        Reply::new(json::Value::parse(json.as_bytes()).unwrap(), base64).read()
    }

    #[test]
    fn slow_log() {
        let log = r#"[[14,1700000000,15,["R0VU","//4="],"MTI3LjAuMC4xOjYyMTYw","d29ya2Vy"],
            [13,1700000000,2500000,["UElORw=="],"MTI3LjAuMC4xOjYyMTYw",""],
            [12,1700000000,7,["UElORw=="]],
            [11,1700000000,7,[],"","","of a later version"]]"#;
        let log: Vec<SlowlogEntry> = read(log, true).unwrap();
        let [first, second, old, new] = log.as_slice() else {
            unreachable!("four were sent: {log:?}")
        };
        assert_eq!(
            (first.id, first.time, first.duration),
            (14, 1_700_000_000, Duration::from_micros(15))
        );
        assert_eq!(
            first.args,
            [Bytes::from_static(b"GET"), Bytes::from_static(b"\xff\xfe")]
        );
        assert_eq!(first.client_addr.as_deref(), Some("127.0.0.1:62160"));
        assert_eq!(first.client_name.as_deref(), Some("worker"));
        assert_eq!(second.duration, Duration::from_millis(2500));
        assert_eq!(second.client_name, None);
        assert_eq!((&old.client_addr, &old.client_name), (&None, &None));
        assert!(new.args.is_empty() && new.client_addr.is_none());
        const { assert!(Vec::<SlowlogEntry>::BYTES) };
        assert!(read::<SlowlogEntry>("[1,2]", true).unwrap_err().is_decode());
        assert!(
            read::<SlowlogEntry>("[1,2,-3,[]]", true)
                .unwrap_err()
                .is_decode()
        );
    }

    #[test]
    fn time() {
        let time: Time = read(r#"["1700000000","000123"]"#, false).unwrap();
        assert_eq!(
            time,
            Time {
                seconds: 1_700_000_000,
                microseconds: 123
            }
        );
        assert_eq!(time.since_epoch(), Duration::new(1_700_000_000, 123_000));
        let absurd: Time = read(&format!("[{},{}]", u64::MAX, u32::MAX), false).unwrap();
        assert_eq!(absurd.since_epoch(), Duration::MAX);
        for not_a_time in ["[1]", "[1,2,3]", "[-1,2]", "null", "\"1\""] {
            assert!(
                read::<Time>(not_a_time, false).unwrap_err().is_decode(),
                "{not_a_time}"
            );
        }
    }
}
