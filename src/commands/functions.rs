//! Functions: libraries of Lua that the server keeps, FUNCTION LOAD and its family, FCALL and FCALL_RO.

use std::{collections::BTreeMap, time::Duration};

use super::{fields::Fields, scripting::Eval, server::Flush};
use crate::{Bytes, Command, Error, FromReply, Redis, Reply, ToArg, ToArgs};

/// The options of FUNCTION LOAD.
#[derive(Debug)]
pub struct FunctionLoad(());

/// The options of FUNCTION LIST.
#[derive(Debug)]
pub struct FunctionList(());

impl<T> Command<'_, T, FunctionLoad> {
    /// REPLACE: a library of the same name makes way; without this it is an error.
    pub fn replace(self) -> Self {
        self.option("REPLACE")
    }
}

impl<T> Command<'_, T, FunctionList> {
    /// LIBRARYNAME: only libraries whose name matches this pattern, in which `*` and `?` stand for others.
    pub fn libraryname(self, pattern: impl ToArg) -> Self {
        self.with("LIBRARYNAME").with(pattern)
    }

    /// WITHCODE: with the code of each.
    pub fn withcode(self) -> Self {
        self.with("WITHCODE")
    }
}

/// A library of functions: see [`Redis::function_list`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Library {
    /// Its name.
    pub name: String,
    /// What it is written in, `LUA`.
    pub engine: String,
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its code, if it was asked for.
    pub code: Option<String>,
}

/// A function of a [`Library`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name, by which FCALL calls it.
    pub name: String,
    /// What its author says of it.
    pub description: Option<String>,
    /// What it promises, `no-writes` among others.
    pub flags: Vec<String>,
}

/// What runs and what there is to run: see [`Redis::function_stats`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionStats {
    /// The function that runs now.
    pub running: Option<RunningFunction>,
    /// The engines, by name.
    pub engines: BTreeMap<String, Engine>,
}

/// A function that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningFunction {
    /// Its name.
    pub name: String,
    /// The command that called it, with its arguments.
    pub command: Vec<Bytes>,
    /// For how long it runs, measured in milliseconds.
    pub duration: Duration,
}

/// What an engine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Engine {
    /// How many libraries.
    pub libraries: u64,
    /// How many functions.
    pub functions: u64,
}

impl FromReply for Library {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("library_name")?,
            engine: fields.must("engine")?,
            functions: fields.must("functions")?,
            code: fields.may("library_code")?,
        })
    }
}

impl FromReply for Function {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("name")?,
            description: fields.may("description")?,
            flags: fields.may("flags")?.unwrap_or_default(),
        })
    }
}

impl FromReply for FunctionStats {
    const BYTES: bool = RunningFunction::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            running: fields.may("running_script")?,
            engines: fields.must("engines")?,
        })
    }
}

impl FromReply for RunningFunction {
    /// Its arguments are anybody's data.
    const BYTES: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("name")?,
            command: fields.must("command")?,
            duration: Duration::from_millis(fields.must("duration_ms")?),
        })
    }
}

impl FromReply for Engine {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            libraries: fields.must("libraries_count")?,
            functions: fields.must("functions_count")?,
        })
    }
}

impl Redis {
    /// Gives the server a library of functions to keep; gives its name.
    ///
    /// The code begins with a line that has the engine and the name. Code that does not compile, or a
    /// library of that name without [`replace`](Command::replace), is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let code = "#!lua name=greetings
    /// redis.register_function('greet', function(keys, args) return 'hello ' .. args[1] end)";
    /// assert_eq!(redis.function_load(code).replace().await?, "greetings");
    /// assert_eq!(redis.fcall::<String>("greet", ()).arg("ada").await?, "hello ada");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FUNCTION LOAD](https://redis.io/docs/latest/commands/function-load/).
    pub fn function_load(&self, code: impl ToArg) -> Command<'_, String, FunctionLoad> {
        Command::new(self, "FUNCTION")
            .with("LOAD")
            .front()
            .with(code)
    }

    /// The libraries the server has.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// for library in redis.function_list().libraryname("greet*").withcode().await? {
    ///     println!("{} has {} functions", library.name, library.functions.len());
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FUNCTION LIST](https://redis.io/docs/latest/commands/function-list/).
    pub fn function_list(&self) -> Command<'_, Vec<Library>, FunctionList> {
        Command::new(self, "FUNCTION").with("LIST")
    }

    /// Deletes a library; one that does not exist is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # redis.function_load("#!lua name=greetings\nredis.register_function('greet', function() end)").await?;
    /// redis.function_delete("greetings").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FUNCTION DELETE](https://redis.io/docs/latest/commands/function-delete/).
    pub fn function_delete(&self, library: impl ToArg) -> Command<'_, ()> {
        Command::new(self, "FUNCTION").with("DELETE").with(library)
    }

    /// Deletes all libraries, others' too.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.function_flush().async_().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FUNCTION FLUSH](https://redis.io/docs/latest/commands/function-flush/).
    pub fn function_flush(&self) -> Command<'_, (), Flush> {
        Command::new(self, "FUNCTION").with("FLUSH")
    }

    /// Which function runs, and how many there are.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let stats = redis.function_stats().await?;
    /// assert_eq!((stats.running, stats.engines["LUA"].libraries), (None, 0));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FUNCTION STATS](https://redis.io/docs/latest/commands/function-stats/).
    pub fn function_stats(&self) -> Command<'_, FunctionStats> {
        Command::new(self, "FUNCTION").with("STATS")
    }

    /// Ends the function that runs, if it has not written; none is an error with code `NOTBUSY`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let idle = redis.function_kill().await.unwrap_err();
    /// assert_eq!(idle.code(), Some("NOTBUSY"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [FUNCTION KILL](https://redis.io/docs/latest/commands/function-kill/).
    pub fn function_kill(&self) -> Command<'_, ()> {
        Command::new(self, "FUNCTION").with("KILL")
    }

    /// Calls a function. `keys` are its first argument: one, several, or `()` for none;
    /// [`arg`](Command::arg) and [`args`](Command::args) its second.
    ///
    /// Its reply is read as with [`eval`](Self::eval). A function that does not exist is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # redis.function_load("#!lua name=l\nredis.register_function('put', function(k, a) return redis.call('SET', k[1], a[1]) end)").await?;
    /// redis.fcall::<()>("put", "key").arg("value").await?;
    /// assert_eq!(redis.get::<String>("key").await?.as_deref(), Some("value"));
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip; billed are FCALL and each `redis.call` inside.
    ///
    /// Source: [FCALL](https://redis.io/docs/latest/commands/fcall/).
    pub fn fcall<T: FromReply>(
        &self,
        function: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, T, Eval> {
        Command::new(self, "FCALL")
            .with(function)
            .with_counted(keys)
    }

    /// Calls a function that writes nothing; the server refuses its writes. So it is repeated like a read.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # redis.function_load("#!lua name=l\nredis.register_function{function_name='two', callback=function() return 2 end, flags={'no-writes'}}").await?;
    /// assert_eq!(redis.fcall_ro::<i64>("two", ()).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// The function needs the flag `no-writes`: without it Redis answers an error with code `ERR`. Upstash has been
    /// seen to run it all the same, so flag it: as a read it is sent again when its answer is lost.
    ///
    /// Source: [FCALL_RO](https://redis.io/docs/latest/commands/fcall_ro/).
    pub fn fcall_ro<T: FromReply>(
        &self,
        function: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, T, Eval> {
        Command::new(self, "FCALL_RO")
            .with(function)
            .with_counted(keys)
    }
}
