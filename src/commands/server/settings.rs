//! What the server can do and how it is set: COMMAND, CONFIG; and WAIT for its replicas.

use std::collections::HashMap;

use crate::{Command, Redis, ToArgs, ToPairs, Value};

impl Redis {
    /// How many commands the server has (COMMAND COUNT).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.command_count().await? > 100);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [COMMAND COUNT](https://redis.io/docs/latest/commands/command-count/).
    pub fn command_count(&self) -> Command<'_, u64> {
        Command::new(self, "COMMAND").with("COUNT")
    }

    /// What the server tells about commands for people, by their names; `()` for all. Those it does
    /// not have are not there.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let docs = redis.command_docs(["get", "no-such-command"]).await?;
    /// assert_eq!(docs.len(), 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [COMMAND DOCS](https://redis.io/docs/latest/commands/command-docs/).
    pub fn command_docs(&self, names: impl ToArgs) -> Command<'_, HashMap<String, Value>> {
        Command::new(self, "COMMAND").with("DOCS").with_all(names)
    }

    /// What the server tells about commands for programs: name, arity, flags and more, as they come;
    /// [`Value::Nil`] for one it does not have. `()` is all, as COMMAND alone.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let commands = redis.command_info(["get", "no-such-command"]).await?;
    /// assert_eq!(commands[1], restis::Value::Nil);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [COMMAND INFO](https://redis.io/docs/latest/commands/command-info/).
    pub fn command_info(&self, names: impl ToArgs) -> Command<'_, Vec<Value>> {
        Command::new(self, "COMMAND").with("INFO").with_all(names)
    }

    /// The settings whose names match one of these glob patterns.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let settings = redis.config_get(["maxmemory*", "save"]).await?;
    /// assert!(settings.contains_key("maxmemory-policy"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [CONFIG GET](https://redis.io/docs/latest/commands/config-get/).
    pub fn config_get(&self, patterns: impl ToArgs) -> Command<'_, HashMap<String, String>> {
        Command::new(self, "CONFIG").with("GET").with_all(patterns)
    }

    /// Changes settings, all or none. One that the server does not have or let change is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.config_set([("slowlog-log-slower-than", 1_000), ("slowlog-max-len", 64)]).await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [CONFIG SET](https://redis.io/docs/latest/commands/config-set/).
    pub fn config_set(&self, settings: impl ToPairs) -> Command<'_, ()> {
        Command::new(self, "CONFIG")
            .with("SET")
            .with_pairs(settings)
    }

    /// Waits until so many replicas have the writes that came before, or for so many milliseconds;
    /// gives how many have them.
    ///
    /// Upstash waits for everybody's writes, Redis for those of the same connection only, so put it
    /// behind them in one [`pipeline`](Self::pipeline). 0 milliseconds is no limit but the call's own
    /// [`timeout`](Command::timeout).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let (set, replicas) = redis.pipeline((redis.set("k", "v"), redis.wait(1, 100))).await?;
    /// set?;
    /// println!("{} replicas have it", replicas?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [WAIT](https://redis.io/docs/latest/commands/wait/).
    pub fn wait(&self, replicas: u64, milliseconds: u64) -> Command<'_, u64> {
        Command::new(self, "WAIT").with(replicas).with(milliseconds)
    }

    /// Waits until the writes that came before are on disk, of the server itself if `local` is true
    /// and of so many replicas, or for so many milliseconds; gives for both how many have them there.
    /// See [`wait`](Self::wait).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let (local, replicas): (u64, u64) = redis.waitaof(false, 0, 100).await?;
    /// assert_eq!((local, replicas), (0, 0));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [WAITAOF](https://redis.io/docs/latest/commands/waitaof/).
    pub fn waitaof(
        &self,
        local: bool,
        replicas: u64,
        milliseconds: u64,
    ) -> Command<'_, (u64, u64)> {
        Command::new(self, "WAITAOF")
            .with(u16::from(local))
            .with(replicas)
            .with(milliseconds)
    }
}
