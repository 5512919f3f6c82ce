//! Scripting: EVAL and its family. [`Script`](crate::Script) is the comfortable way.

use super::server::Flush;
use crate::{Command, FromReply, Redis, ToArg, ToArgs};

/// The arguments (ARGV) of EVAL and its family.
#[derive(Debug)]
pub struct Eval(());

impl<T> Command<'_, T, Eval> {
    /// Appends one argument, `ARGV[n]` in the script.
    pub fn arg(self, arg: impl ToArg) -> Self {
        self.with(arg)
    }

    /// Appends arguments.
    pub fn args(self, args: impl ToArgs) -> Self {
        self.with_all(args)
    }
}

impl Redis {
    /// Runs a Lua script. `keys` are its `KEYS`: one, several, or `()` for none.
    ///
    /// Nil is `Option`; a script that returns a table is a `Vec`; Lua's numbers lose their
    /// fraction, so return those as text.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let sum: i64 = redis.eval("return ARGV[1] + ARGV[2]", ()).arg(1).arg(2).await?;
    /// assert_eq!(sum, 3);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip; billed are EVAL and each `redis.call` inside.
    ///
    /// Source: [EVAL](https://redis.io/docs/latest/commands/eval/).
    pub fn eval<T: FromReply>(
        &self,
        script: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, T, Eval> {
        Command::new(self, "EVAL").with(script).with_counted(keys)
    }

    /// Runs a Lua script that writes nothing; the server refuses its writes. So it is repeated like a read.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let value: Option<String> = redis.eval_ro("return redis.call('GET', KEYS[1])", "k").await?;
    /// assert_eq!(value, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EVAL_RO](https://redis.io/docs/latest/commands/eval_ro/).
    pub fn eval_ro<T: FromReply>(
        &self,
        script: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, T, Eval> {
        Command::new(self, "EVAL_RO")
            .with(script)
            .with_counted(keys)
    }

    /// Runs a script the server knows by its SHA-1; if it does not, the error has the code `NOSCRIPT`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let sha1 = redis.script_load("return 1").await?;
    /// assert_eq!(redis.evalsha::<i64>(sha1, ()).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EVALSHA](https://redis.io/docs/latest/commands/evalsha/).
    pub fn evalsha<T: FromReply>(
        &self,
        sha1: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, T, Eval> {
        Command::new(self, "EVALSHA").with(sha1).with_counted(keys)
    }

    /// Runs a script that writes nothing by its SHA-1; see [`eval_ro`](Self::eval_ro).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let sha1 = redis.script_load("return 1").await?;
    /// assert_eq!(redis.evalsha_ro::<i64>(sha1, ()).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EVALSHA_RO](https://redis.io/docs/latest/commands/evalsha_ro/).
    pub fn evalsha_ro<T: FromReply>(
        &self,
        sha1: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, T, Eval> {
        Command::new(self, "EVALSHA_RO")
            .with(sha1)
            .with_counted(keys)
    }

    /// Gives the server a script to keep; gives its SHA-1.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let sha1 = redis.script_load("return 1").await?;
    /// assert_eq!(sha1, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SCRIPT LOAD](https://redis.io/docs/latest/commands/script-load/).
    pub fn script_load(&self, script: impl ToArg) -> Command<'_, String> {
        Command::new(self, "SCRIPT").with("LOAD").with(script)
    }

    /// For each SHA-1, whether the server knows the script.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let sha1 = redis.script_load("return 1").await?;
    /// let unknown = "0000000000000000000000000000000000000000".to_string();
    /// assert_eq!(redis.script_exists([sha1, unknown]).await?, [true, false]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SCRIPT EXISTS](https://redis.io/docs/latest/commands/script-exists/).
    pub fn script_exists(&self, sha1s: impl ToArgs) -> Command<'_, Vec<bool>> {
        Command::new(self, "SCRIPT").with("EXISTS").with_all(sha1s)
    }

    /// Lets the server forget all scripts, others' too.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.script_flush().sync().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SCRIPT FLUSH](https://redis.io/docs/latest/commands/script-flush/).
    pub fn script_flush(&self) -> Command<'_, (), Flush> {
        Command::new(self, "SCRIPT").with("FLUSH")
    }

    /// Ends the script that runs now, anybody's, if it has written nothing. With none, that is an
    /// error with code `NOTBUSY`; with one that has written, `UNKILLABLE`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let error = redis.script_kill().await.unwrap_err();
    /// assert_eq!(error.code(), Some("NOTBUSY"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SCRIPT KILL](https://redis.io/docs/latest/commands/script-kill/).
    pub fn script_kill(&self) -> Command<'_, ()> {
        Command::new(self, "SCRIPT").with("KILL")
    }
}
