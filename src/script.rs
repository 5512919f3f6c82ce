//! [`Script`]: a Lua script that is sent by its hash, and as text only when the server does not know it.

use std::{fmt, future::IntoFuture, marker::PhantomData};

use futures_core::future::BoxFuture;

use crate::{
    Command, Error, FromReply, Redis, Safety, ToArg, ToArgs,
    clock::Instant,
    command::{Options, call_options},
    commands::scripting::Eval,
    find::find,
    wire::request::Args,
};

/// A Lua script, to be made once and run often.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::Script;
///
/// let add_capped = Script::new(
///     "local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
///      if sum > tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[2]) return tonumber(ARGV[2]) end
///      return sum",
/// );
/// let sum: i64 = add_capped.run(&redis, "sum").arg(7).arg(5).await?;
/// assert_eq!(sum, 5);
/// # Ok(()) });
/// ```
///
/// Cost: one round trip (EVALSHA); a second one (EVAL) when the server does not know the script yet, which did not run then:
/// after a restart, `SCRIPT FLUSH` or a failover. With auto-pipelining other commands of the same turn then run before it.
/// Billed are the commands sent, and each `redis.call` inside.
///
/// A server reports a script it does not know with the code `NOSCRIPT`, and a script can return an error with that code
/// too, after it has written. So a script whose text contains `NOSCRIPT` is always sent as text, and so is one that returns
/// errors of its own (its text contains `err`) when its arguments contain that word. Do not return errors with that code
/// from what is stored.
///
/// Source: [Scripting](https://redis.io/docs/latest/develop/programmability/eval-intro/).
#[derive(Clone, PartialEq, Eq)]
pub struct Script {
    text: String,
    sha1: String,
    read_only: bool,
    raises: Raises,
}

/// The code of the error for a script that the server does not know.
const UNKNOWN: &str = "NOSCRIPT";

/// Whether a script can return an error that looks like one for a script the server does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Raises {
    /// It returns no errors but those of its commands, and no command inside a script has that one.
    Never,
    /// It returns errors of its own.
    Given,
    /// Its text has the code.
    Itself,
}

impl Script {
    /// The script with this text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let sha1 = sha1_smol::Sha1::from(&text).digest().to_string();
        let raises = match text.as_bytes() {
            text if has(text, UNKNOWN) => Raises::Itself,
            text if has(text, "err") => Raises::Given,
            _ => Raises::Never,
        };
        Self {
            text,
            sha1,
            read_only: false,
            raises,
        }
    }

    /// Runs as EVALSHA_RO and EVAL_RO: the server refuses writes, and the client repeats it like a read.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The SHA-1 of the text, by which the server knows it.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Runs the script by its hash, then if need be by its text. `keys` are its `KEYS`: one, several, or `()` for none.
    pub fn run<'a, T: FromReply>(
        &'a self,
        redis: &'a Redis,
        keys: impl ToArgs,
    ) -> Invocation<'a, T> {
        let mut args = Args::new(if self.read_only {
            "EVALSHA_RO"
        } else {
            "EVALSHA"
        });
        args.set_front();
        args.counted(&keys);
        Invocation {
            redis,
            script: self,
            args,
            options: Options::default(),
            marker: PhantomData,
        }
    }

    /// The script as EVAL with its text, for a pipeline or transaction, where nothing can be tried first.
    pub fn eval<'a, T: FromReply>(
        &self,
        redis: &'a Redis,
        keys: impl ToArgs,
    ) -> Command<'a, T, Eval> {
        if self.read_only {
            redis.eval_ro(&self.text, keys)
        } else {
            redis.eval(&self.text, keys)
        }
    }
}

fn has(text: &[u8], word: &str) -> bool {
    find(text, word).is_some()
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("sha1", &self.sha1)
            .finish_non_exhaustive()
    }
}

/// One run of a [`Script`]: add its arguments and await it.
#[must_use = "a script does nothing until its run is awaited"]
pub struct Invocation<'a, T> {
    redis: &'a Redis,
    script: &'a Script,
    /// Without the hash or text, which goes to the front.
    args: Args,
    options: Options,
    marker: PhantomData<fn() -> T>,
}

impl<T> Invocation<'_, T> {
    call_options!(options);

    /// Says what repeating this run does, where you know better; see [`Command::safety`].
    pub fn safety(mut self, safety: Safety) -> Self {
        self.options.safety = Some(safety);
        self
    }

    /// The form of the answer, where it is not to be the client's; see [`Command::response_format`].
    #[cfg(feature = "resp2")]
    pub fn response_format(mut self, format: crate::ResponseFormat) -> Self {
        self.options.resp2 = Some(format == crate::ResponseFormat::Resp2);
        self
    }

    /// Appends one argument, `ARGV[n]` in the script.
    pub fn arg(mut self, arg: impl ToArg) -> Self {
        self.args.arg(arg);
        self
    }

    /// Appends arguments.
    pub fn args(mut self, args: impl ToArgs) -> Self {
        self.args.args(&args);
        self
    }
}

impl<T> fmt::Debug for Invocation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("script", self.script)
            .finish_non_exhaustive()
    }
}

impl<'a, T: FromReply + 'a> IntoFuture for Invocation<'a, T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'a, Result<T, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            redis,
            script,
            args,
            mut options,
            ..
        } = self;
        Box::pin(async move {
            let by_hash = match script.raises {
                Raises::Never => true,
                Raises::Given => !has(args.text().as_bytes(), UNKNOWN),
                Raises::Itself => false,
            };
            if by_hash {
                let begun = Instant::now();
                let mut by_hash = args.clone();
                by_hash.option_at_front(|args| args.arg(&script.sha1));
                match Command::<T>::of_args(redis, by_hash)
                    .with_options(options)
                    .await
                {
                    Err(error) if error.is_unknown_script() => {}
                    done => return done,
                }
                let whole = options.timeout.unwrap_or_else(|| redis.timeout());
                options.timeout = Some(whole.saturating_sub(begun.elapsed()));
            }
            let eval = if script.read_only { "EVAL_RO" } else { "EVAL" };
            let mut by_text = args.with_name(eval);
            by_text.option_at_front(|args| args.arg(&script.text));
            Command::<T>::of_args(redis, by_text)
                .with_options(options)
                .await
        })
    }
}
