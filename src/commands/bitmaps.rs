//! Bitmaps: strings bit by bit, SETBIT, BITCOUNT, BITOP and BITFIELD. Bit 0 is the highest of byte 0.

use std::fmt;

use crate::{ArgWriter, Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, Written};

/// The options of BITCOUNT.
#[derive(Debug)]
pub struct BitCount(());

/// The options of BITPOS.
#[derive(Debug)]
pub struct BitPos(());

/// What the range of BITCOUNT or BITPOS is in.
#[derive(Debug)]
pub struct BitRange(());

impl<'a, T> Command<'a, T, BitCount> {
    /// Only from `start` to `end`, both included, in bytes unless `bit` says otherwise; negative
    /// counts from the end.
    pub fn range(self, start: i64, end: i64) -> Command<'a, T, BitRange> {
        self.with(start).with(end).cast()
    }
}

impl<'a, T> Command<'a, T, BitPos> {
    /// Only from byte `start` on; negative counts from the end.
    pub fn start(self, start: i64) -> Command<'a, T> {
        self.with(start).cast()
    }

    /// Only from `start` to `end`, both included, in bytes unless `bit` says otherwise; negative
    /// counts from the end.
    pub fn range(self, start: i64, end: i64) -> Command<'a, T, BitRange> {
        self.with(start).with(end).cast()
    }
}

impl<'a, T> Command<'a, T, BitRange> {
    /// BYTE: the range is in bytes, as it is without this.
    pub fn byte(self) -> Command<'a, T> {
        self.with("BYTE").cast()
    }

    /// BIT: the range is in bits. Needs Redis 7.
    pub fn bit(self) -> Command<'a, T> {
        self.with("BIT").cast()
    }
}

/// Where a bit was found: see [`Redis::bitpos`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FirstBit {
    /// No bit is like that (the server's -1).
    Nowhere,
    /// The index of the bit, counted from the beginning of the value whatever the range is.
    At(u64),
}

impl FirstBit {
    /// Where it is, if it is.
    pub fn at(self) -> Option<u64> {
        match self {
            Self::At(index) => Some(index),
            Self::Nowhere => None,
        }
    }
}

impl FromReply for FirstBit {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match i64::from_reply(reply)? {
            -1 => Ok(Self::Nowhere),
            index => u64::try_from(index)
                .map(Self::At)
                .map_err(|_| Error::decode("the place of a bit below -1")),
        }
    }
}

/// What BITOP makes of several values. Shorter ones are filled up with zero bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BitOp {
    /// The bits that all have.
    And,
    /// The bits that any has.
    Or,
    /// The bits that an odd number of them have.
    Xor,
    /// The bits that the one value does not have.
    Not,
    /// The bits of the first that no other has. Needs Redis 8.2.
    Diff,
    /// The bits that any of the others has and the first does not. Needs Redis 8.2.
    Diff1,
    /// The bits of the first that any other has too. Needs Redis 8.2.
    AndOr,
    /// The bits that exactly one has. Needs Redis 8.2.
    One,
}

impl ToArg for BitOp {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::And => "AND",
            Self::Or => "OR",
            Self::Xor => "XOR",
            Self::Not => "NOT",
            Self::Diff => "DIFF",
            Self::Diff1 => "DIFF1",
            Self::AndOr => "ANDOR",
            Self::One => "ONE",
        })
    }
}

/// A whole number of some bits, for BITFIELD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Int {
    /// With a sign, of 1 to 64 bits.
    I(u8),
    /// Without a sign, of 1 to 63 bits.
    U(u8),
}

impl ToArg for Int {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        match self {
            Self::I(bits) => arg.display(format_args!("i{bits}")),
            Self::U(bits) => arg.display(format_args!("u{bits}")),
        }
    }
}

/// Where a number of BITFIELD begins: a bit, which a plain number is too, or the place of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offset {
    /// At this bit.
    Bit(u64),
    /// At the element of this index, where all have the size of the number (`#1` in Redis).
    Element(u64),
}

impl From<u64> for Offset {
    fn from(bit: u64) -> Self {
        Self::Bit(bit)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bit(bit) => write!(f, "{bit}"),
            Self::Element(index) => write!(f, "#{index}"),
        }
    }
}

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// It wraps around, as it does without OVERFLOW.
    Wrap,
    /// It stays at the least or the greatest.
    Sat,
    /// It is not changed, and the reply is `None`.
    Fail,
}

impl ToArg for Overflow {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Wrap => "WRAP",
            Self::Sat => "SAT",
            Self::Fail => "FAIL",
        })
    }
}

/// The operations of BITFIELD.
#[derive(Debug)]
pub struct BitField(());

/// The operations of BITFIELD_RO.
#[derive(Debug)]
pub struct BitFieldRo(());

impl<T> Command<'_, T, BitField> {
    /// GET: gives a number.
    pub fn get(self, int: Int, offset: impl Into<Offset>) -> Self {
        self.with("GET").number(int, offset)
    }

    /// SET: sets a number; gives the one from before.
    pub fn set(self, int: Int, offset: impl Into<Offset>, value: i64) -> Self {
        self.with("SET").number(int, offset).with(value)
    }

    /// INCRBY: adds to a number; gives the new one.
    pub fn incrby(self, int: Int, offset: impl Into<Offset>, increment: i64) -> Self {
        self.with("INCRBY").number(int, offset).with(increment)
    }

    /// OVERFLOW: what becomes of numbers that do not fit in the `set` and `incrby` after it.
    pub fn overflow(self, overflow: Overflow) -> Self {
        self.with("OVERFLOW").with(overflow)
    }
}

impl<T> Command<'_, T, BitFieldRo> {
    /// GET: gives a number.
    pub fn get(self, int: Int, offset: impl Into<Offset>) -> Self {
        self.with("GET").number(int, offset)
    }
}

impl<T, O> Command<'_, T, O> {
    fn number(self, int: Int, offset: impl Into<Offset>) -> Self {
        self.with(int).with(format_args!("{}", offset.into()))
    }
}

impl Redis {
    /// A bit of a value; `false` beyond its end, and if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "a").await?; // 0110_0001
    /// assert!(redis.getbit("k", 1).await?);
    /// assert!(!redis.getbit("k", 100).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GETBIT](https://redis.io/docs/latest/commands/getbit/).
    pub fn getbit(&self, key: impl ToArg, offset: u64) -> Command<'_, bool> {
        Command::new(self, "GETBIT").with(key).with(offset)
    }

    /// Sets a bit of a value, which grows as far as needed; gives the bit from before.
    ///
    /// `offset` is below 2³². A high one makes a large value at once: 2³² - 1 is 512 MB.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(!redis.setbit("seen", 7, true).await?);
    /// assert!(redis.setbit("seen", 7, true).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SETBIT](https://redis.io/docs/latest/commands/setbit/).
    pub fn setbit(&self, key: impl ToArg, offset: u64, bit: bool) -> Command<'_, bool> {
        Command::new(self, "SETBIT")
            .with(key)
            .with(offset)
            .with(u16::from(bit))
    }

    /// How many bits of a value are set; 0 if there is no such key. With [`range`](Command::range) in a part of it.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "foobar").await?;
    /// assert_eq!(redis.bitcount("k").await?, 26);
    /// assert_eq!(redis.bitcount("k").range(1, 1).await?, 6);
    /// assert_eq!(redis.bitcount("k").range(5, 30).bit().await?, 17);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [BITCOUNT](https://redis.io/docs/latest/commands/bitcount/).
    pub fn bitcount(&self, key: impl ToArg) -> Command<'_, u64, BitCount> {
        Command::new(self, "BITCOUNT").with(key)
    }

    /// Where the first set bit is, or the first that is not set. With [`range`](Command::range) in a part of the value.
    ///
    /// A key that does not exist is all zeros. A value of ones has its first zero behind its end,
    /// unless a range says where to end.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::bitmaps::FirstBit;
    ///
    /// redis.setbit("seen", 10, true).await?;
    /// assert_eq!(redis.bitpos("seen", true).await?, FirstBit::At(10));
    /// assert_eq!(redis.bitpos("seen", true).range(0, 0).await?, FirstBit::Nowhere);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [BITPOS](https://redis.io/docs/latest/commands/bitpos/).
    pub fn bitpos(&self, key: impl ToArg, bit: bool) -> Command<'_, FirstBit, BitPos> {
        Command::new(self, "BITPOS").with(key).with(u16::from(bit))
    }

    /// Combines values bit by bit and stores the result under `destination`, which is overwritten;
    /// gives its length in bytes, that of the longest value.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::bitmaps::BitOp;
    ///
    /// redis.mset([("monday", "\u{3}"), ("tuesday", "\u{6}")]).await?;
    /// assert_eq!(redis.bitop(BitOp::And, "both", ["monday", "tuesday"]).await?, 1);
    /// assert_eq!(redis.get::<String>("both").await?.as_deref(), Some("\u{2}"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [BITOP](https://redis.io/docs/latest/commands/bitop/).
    pub fn bitop(
        &self,
        operation: BitOp,
        destination: impl ToArg,
        sources: impl ToArgs,
    ) -> Command<'_, u64> {
        Command::new(self, "BITOP")
            .with(operation)
            .with(destination)
            .with_all(sources)
    }

    /// Reads and writes whole numbers of any size in a value, one after the other, as one step. Gives
    /// one number for each [`get`](Command::get), `set` and `incrby`; `None` where `Overflow::Fail`
    /// let it be.
    ///
    /// The value grows as far as needed. It is not repeated when its answer is lost, also where it
    /// only gets: [`bitfield_ro`](Self::bitfield_ro) is.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::bitmaps::{Int, Offset, Overflow};
    ///
    /// let numbers = redis.bitfield("counters")
    ///     .set(Int::U(4), 0, 15)
    ///     .incrby(Int::U(4), Offset::Element(1), 3)
    ///     .overflow(Overflow::Fail)
    ///     .incrby(Int::U(4), 0, 1)
    ///     .get(Int::I(8), 0)
    ///     .await?;
    /// assert_eq!(numbers, [Some(0), Some(3), None, Some(-13)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [BITFIELD](https://redis.io/docs/latest/commands/bitfield/).
    pub fn bitfield(&self, key: impl ToArg) -> Command<'_, Vec<Option<i64>>, BitField> {
        Command::new(self, "BITFIELD").with(key)
    }

    /// Reads whole numbers of any size in a value, one for each [`get`](Command::get); 0 beyond its end.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::bitmaps::{Int, Offset};
    ///
    /// redis.set("k", "ab").await?;
    /// let numbers = redis.bitfield_ro("k").get(Int::U(8), 0).get(Int::U(8), Offset::Element(1)).await?;
    /// assert_eq!(numbers, [97, 98]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [BITFIELD_RO](https://redis.io/docs/latest/commands/bitfield_ro/).
    pub fn bitfield_ro(&self, key: impl ToArg) -> Command<'_, Vec<i64>, BitFieldRo> {
        Command::new(self, "BITFIELD_RO").with(key)
    }
}
