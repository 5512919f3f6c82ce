//! How much of a stream is kept.

use super::StreamId;
use crate::{ToArgs, args::ArgsWriter};

/// How much of a stream is kept: for [`xtrim`](crate::Redis::xtrim), and for
/// [`trim`](crate::Command::trim) of XADD.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::commands::streams::Trim;
///
/// let about_a_million = Trim::maxlen(1_000_000).approx();
/// redis.xadd("events", "*", ("kind", "login")).trim(about_a_million).await?;
/// # Ok(()) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a Trim does nothing until it is given to xtrim or trim"]
pub struct Trim {
    keep: Keep,
    approx: bool,
    limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Keep {
    MaxLen(u64),
    MinId(StreamId),
}

impl Trim {
    /// MAXLEN: the newest entries, this many.
    pub const fn maxlen(entries: u64) -> Self {
        Self::new(Keep::MaxLen(entries))
    }

    /// MINID: the entries from this ID on. `StreamId::new(milliseconds, 0)` keeps what came since a point in time.
    pub const fn minid(id: StreamId) -> Self {
        Self::new(Keep::MinId(id))
    }

    const fn new(keep: Keep) -> Self {
        Self {
            keep,
            approx: false,
            limit: None,
        }
    }

    /// `~`: some more may stay, where the server can then drop whole blocks of them, which is much faster.
    pub const fn approx(self) -> Self {
        Self {
            approx: true,
            ..self
        }
    }

    /// LIMIT: looks at about this many entries at most; 0 is no limit. Redis takes it only with
    /// [`approx`](Self::approx), and has a limit of its own there.
    pub const fn limit(self, entries: u64) -> Self {
        Self {
            limit: Some(entries),
            ..self
        }
    }
}

impl ToArgs for Trim {
    fn write_args(&self, args: &mut ArgsWriter<'_>) {
        args.one(match self.keep {
            Keep::MaxLen(_) => "MAXLEN",
            Keep::MinId(_) => "MINID",
        });
        if self.approx {
            args.one("~");
        }
        match &self.keep {
            Keep::MaxLen(entries) => args.one(entries),
            Keep::MinId(id) => args.one(id),
        }
        if let Some(limit) = &self.limit {
            args.one("LIMIT");
            args.one(limit);
        }
    }
}
