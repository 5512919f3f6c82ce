//! Arrays: values by index, of which most may be empty. Upstash and Redis 8.8 have them.
//!
//! Indexes are `u64`, up to 18446744073709551614; most commands make the array if there is none.

use super::fields::Fields;
use crate::{Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, ToPairs};

/// The options of ARSCAN.
#[derive(Debug)]
pub struct ArScan(());

/// The options of ARGREP.
#[derive(Debug)]
pub struct ArGrep(());

/// The options of ARINFO.
#[derive(Debug)]
pub struct ArInfo(());

/// The options of ARLASTITEMS.
#[derive(Debug)]
pub struct ArLastItems(());

/// The operations of AROP, of which one has to be chosen.
#[derive(Debug)]
pub struct ArOp(());

/// The reply of an AROP without an operation: it cannot be awaited.
#[derive(Debug)]
pub struct NoOperation(());

/// What ARGREP looks for in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Predicate<A> {
    /// The whole value is this.
    Exact(A),
    /// The value has this in it.
    Match(A),
    /// The value matches this pattern, in which `*` and `?` stand for others.
    Glob(A),
    /// The value matches this regular expression.
    Re(A),
}

impl<T> Command<'_, T, ArScan> {
    /// LIMIT: at most this many.
    pub fn limit(self, limit: u64) -> Self {
        self.with("LIMIT").with(limit)
    }
}

impl<T> Command<'_, T, ArGrep> {
    /// One more predicate: a value has to match any of them, with [`and`](Self::and) all.
    pub fn predicate<A: ToArg>(self, predicate: Predicate<A>) -> Self {
        let (word, pattern) = match predicate {
            Predicate::Exact(value) => ("EXACT", value),
            Predicate::Match(part) => ("MATCH", part),
            Predicate::Glob(pattern) => ("GLOB", pattern),
            Predicate::Re(expression) => ("RE", expression),
        };
        self.option(word).option(pattern)
    }

    /// AND: a value has to match all predicates.
    pub fn and(self) -> Self {
        self.with("AND")
    }

    /// OR: a value has to match any predicate, as without this.
    pub fn or(self) -> Self {
        self.with("OR")
    }

    /// NOCASE: upper and lower case are the same.
    pub fn nocase(self) -> Self {
        self.with("NOCASE")
    }

    /// LIMIT: at most this many.
    pub fn limit(self, limit: u64) -> Self {
        self.with("LIMIT").with(limit)
    }
}

impl<'a> Command<'a, Vec<u64>, ArGrep> {
    /// WITHVALUES: the reply is each index with its value.
    pub fn withvalues<T: FromReply>(self) -> Command<'a, Vec<(u64, T)>, ArGrep> {
        self.with("WITHVALUES").cast()
    }
}

impl<T> Command<'_, T, ArInfo> {
    /// FULL: with the fields about slices; the server walks through the whole array.
    pub fn full(self) -> Self {
        self.with("FULL")
    }
}

impl<T> Command<'_, T, ArLastItems> {
    /// REV: the newest first.
    pub fn rev(self) -> Self {
        self.with("REV")
    }
}

impl<'a> Command<'a, NoOperation, ArOp> {
    /// SUM: of the values that are numbers; `None` if there are none. `String` keeps all digits.
    pub fn sum<T: FromReply>(self) -> Command<'a, Option<T>> {
        self.with("SUM").cast()
    }

    /// MIN: the smallest of the values that are numbers; `None` if there are none.
    pub fn min<T: FromReply>(self) -> Command<'a, Option<T>> {
        self.with("MIN").cast()
    }

    /// MAX: the largest of the values that are numbers; `None` if there are none.
    pub fn max<T: FromReply>(self) -> Command<'a, Option<T>> {
        self.with("MAX").cast()
    }

    /// AND: the bits that all numbers have, without their fractions; `None` if there are none.
    pub fn and(self) -> Command<'a, Option<i64>> {
        self.with("AND").cast()
    }

    /// OR: the bits that any number has, without their fractions; `None` if there are none.
    pub fn or(self) -> Command<'a, Option<i64>> {
        self.with("OR").cast()
    }

    /// XOR: the bits that an odd number of numbers has, without their fractions; `None` if there are none.
    pub fn xor(self) -> Command<'a, Option<i64>> {
        self.with("XOR").cast()
    }

    /// USED: how many indexes have a value.
    pub fn used(self) -> Command<'a, u64> {
        self.with("USED").cast()
    }

    /// MATCH: how many values are this one.
    pub fn matching(self, value: impl ToArg) -> Command<'a, u64> {
        self.with("MATCH").with(value).cast()
    }
}

/// How an array lies in the server's memory: see [`Redis::arinfo`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArrayInfo {
    /// The highest index that has a value, plus one.
    pub len: u64,
    /// How many indexes have a value.
    pub count: u64,
    /// Where ARINSERT would write next; `None` if there is no place left.
    pub next_insert_index: Option<u64>,
    /// How many indexes a slice covers.
    pub slice_size: Option<u64>,
    /// How many slices there are.
    pub slices: Option<u64>,
    /// How many entries the directory of slices has.
    pub directory_size: Option<u64>,
    /// How many entries the directory above it has.
    pub super_dir_entries: Option<u64>,
    /// How many slices are dense; with [`full`](Command::full) only, as all below.
    pub dense_slices: Option<u64>,
    /// How many slices are sparse.
    pub sparse_slices: Option<u64>,
    /// How many values a dense slice has on average.
    pub avg_dense_size: Option<f64>,
    /// How full a dense slice is on average.
    pub avg_dense_fill: Option<f64>,
    /// How many values a sparse slice has on average.
    pub avg_sparse_size: Option<f64>,
}

impl FromReply for ArrayInfo {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            len: fields.must("len")?,
            count: fields.must("count")?,
            next_insert_index: fields.may("next-insert-index")?,
            slice_size: fields.may("slice-size")?,
            slices: fields.may("slices")?,
            directory_size: fields.may("directory-size")?,
            super_dir_entries: fields.may("super-dir-entries")?,
            dense_slices: fields.may("dense-slices")?,
            sparse_slices: fields.may("sparse-slices")?,
            avg_dense_size: fields.may("avg-dense-size")?,
            avg_dense_fill: fields.may("avg-dense-fill")?,
            avg_sparse_size: fields.may("avg-sparse-size")?,
        })
    }
}

impl Redis {
    /// Puts values at an index and those behind it; gives how many of these had no value before.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARSET","a","0","x","y"]"#, "2")], async |redis| {
    /// assert_eq!(redis.arset("a", 0, ["x", "y"]).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARSET](https://redis.io/docs/latest/commands/arset/).
    pub fn arset(&self, key: impl ToArg, index: u64, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ARSET")
            .with(key)
            .with(index)
            .with_all(values)
    }

    /// Puts values at indexes; gives how many of these had no value before.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARMSET","a","0","a","10","b"]"#, "2")], async |redis| {
    /// assert_eq!(redis.armset("a", [(0, "a"), (10, "b")]).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARMSET](https://redis.io/docs/latest/commands/armset/).
    pub fn armset(&self, key: impl ToArg, values: impl ToPairs) -> Command<'_, u64> {
        Command::new(self, "ARMSET").with(key).with_pairs(values)
    }

    /// The value at an index; `None` if there is none.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARGET","a","0"]"#, r#""x""#)], async |redis| {
    /// assert_eq!(redis.arget::<String>("a", 0).await?.as_deref(), Some("x"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARGET](https://redis.io/docs/latest/commands/arget/).
    pub fn arget<T: FromReply>(&self, key: impl ToArg, index: u64) -> Command<'_, Option<T>> {
        Command::new(self, "ARGET").with(key).with(index)
    }

    /// The values at several indexes, in their order; `None` where there is none.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARMGET","a","0","1"]"#, r#"["x",null]"#)], async |redis| {
    /// let values = redis.armget::<String>("a", [0, 1]).await?;
    /// assert_eq!(values, [Some("x".to_string()), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARMGET](https://redis.io/docs/latest/commands/armget/).
    pub fn armget<T: FromReply>(
        &self,
        key: impl ToArg,
        indexes: impl ToArgs,
    ) -> Command<'_, Vec<Option<T>>> {
        Command::new(self, "ARMGET").with(key).with_all(indexes)
    }

    /// The values from `start` to `end`, both included, one for each index; `None` where there is none.
    ///
    /// A `start` behind the `end` turns their order around. More than 1,000,000 indexes are an error.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARGETRANGE","a","0","2"]"#, r#"["1",null,"3"]"#)], async |redis| {
    /// assert_eq!(redis.argetrange::<i64>("a", 0, 2).await?, [Some(1), None, Some(3)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARGETRANGE](https://redis.io/docs/latest/commands/argetrange/).
    pub fn argetrange<T: FromReply>(
        &self,
        key: impl ToArg,
        start: u64,
        end: u64,
    ) -> Command<'_, Vec<Option<T>>> {
        Command::new(self, "ARGETRANGE")
            .with(key)
            .with(start)
            .with(end)
    }

    /// The values from `start` to `end`, both included, with their indexes; those without a value are skipped.
    ///
    /// With [`limit`](Command::limit) the next page begins behind the last index.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARSCAN","a","0","9","LIMIT","2"]"#, r#"[[0,"x"],[7,"y"]]"#)], async |redis| {
    /// let values = redis.arscan::<String>("a", 0, 9).limit(2).await?;
    /// assert_eq!(values, [(0, "x".to_string()), (7, "y".to_string())]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARSCAN](https://redis.io/docs/latest/commands/arscan/).
    pub fn arscan<T: FromReply>(
        &self,
        key: impl ToArg,
        start: u64,
        end: u64,
    ) -> Command<'_, Vec<(u64, T)>, ArScan> {
        Command::new(self, "ARSCAN").with(key).with(start).with(end)
    }

    /// The indexes from `start` to `end` whose values match; `"-"` is the lowest index and `"+"` the highest.
    ///
    /// ```
    /// # restis_testing::recorded(&[
    /// #     (r#"["ARGREP","a","-","+","MATCH","error"]"#, "[3,18446744073709551614]"),
    /// #     (r#"["ARGREP","a","0","99","EXACT","x","RE","^y","NOCASE","WITHVALUES","LIMIT","5"]"#, r#"[[1,"X"]]"#),
    /// # ], async |redis| {
    /// use restis::commands::arrays::Predicate;
    ///
    /// let indexes = redis.argrep("a", "-", "+", Predicate::Match("error")).await?;
    /// assert_eq!(indexes, [3, 18_446_744_073_709_551_614]);
    /// let grep = redis.argrep("a", 0, 99, Predicate::Exact("x")).predicate(Predicate::Re("^y"));
    /// let values = grep.nocase().withvalues::<String>().limit(5).await?;
    /// assert_eq!(values, [(1, "X".to_string())]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARGREP](https://redis.io/docs/latest/commands/argrep/).
    pub fn argrep<A: ToArg>(
        &self,
        key: impl ToArg,
        start: impl ToArg,
        end: impl ToArg,
        predicate: Predicate<A>,
    ) -> Command<'_, Vec<u64>, ArGrep> {
        Command::<_, ArGrep>::new(self, "ARGREP")
            .with(key)
            .with(start)
            .with(end)
            .front()
            .predicate(predicate)
    }

    /// Takes the values at indexes away; gives how many there were.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARDEL","a","1","2"]"#, "1")], async |redis| {
    /// assert_eq!(redis.ardel("a", [1, 2]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARDEL](https://redis.io/docs/latest/commands/ardel/).
    pub fn ardel(&self, key: impl ToArg, indexes: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ARDEL").with(key).with_all(indexes)
    }

    /// Takes the values in ranges away, whose first and last index are included; gives how many there were.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARDELRANGE","a","0","5","7","9"]"#, "3")], async |redis| {
    /// assert_eq!(redis.ardelrange("a", [(0, 5), (7, 9)]).await?, 3);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARDELRANGE](https://redis.io/docs/latest/commands/ardelrange/).
    pub fn ardelrange(&self, key: impl ToArg, ranges: impl ToPairs) -> Command<'_, u64> {
        Command::new(self, "ARDELRANGE")
            .with(key)
            .with_pairs(ranges)
    }

    /// How many indexes have a value; 0 if there is no array.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARCOUNT","a"]"#, "1")], async |redis| {
    /// assert_eq!(redis.arcount("a").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARCOUNT](https://redis.io/docs/latest/commands/arcount/).
    pub fn arcount(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "ARCOUNT").with(key)
    }

    /// The highest index that has a value, plus one; 0 if there is no array.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARLEN","a"]"#, r#""18446744073709551615""#)], async |redis| {
    /// assert_eq!(redis.arlen("a").await?, u64::MAX);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARLEN](https://redis.io/docs/latest/commands/arlen/).
    pub fn arlen(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "ARLEN").with(key)
    }

    /// Appends values behind the one appended last; gives the index of the last of them.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARINSERT","a","x","y"]"#, "1")], async |redis| {
    /// assert_eq!(redis.arinsert("a", ["x", "y"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARINSERT](https://redis.io/docs/latest/commands/arinsert/).
    pub fn arinsert(&self, key: impl ToArg, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ARINSERT").with(key).with_all(values)
    }

    /// Appends values to a ring of `size` places, in which the newest overwrite the oldest; gives the
    /// index of the last of them.
    ///
    /// Another `size` than before keeps the newest that fit. [`arlastitems`](Self::arlastitems) reads it.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARRING","a","100","x"]"#, "0")], async |redis| {
    /// assert_eq!(redis.arring("a", 100, "x").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARRING](https://redis.io/docs/latest/commands/arring/).
    pub fn arring(&self, key: impl ToArg, size: u64, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ARRING")
            .with(key)
            .with(size)
            .with_all(values)
    }

    /// At most `count` of the values appended last, the oldest of them first; `None` where one was taken away.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARLASTITEMS","a","2","REV"]"#, r#"["y","x"]"#)], async |redis| {
    /// let newest = redis.arlastitems::<String>("a", 2).rev().await?;
    /// assert_eq!(newest, [Some("y".to_string()), Some("x".to_string())]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARLASTITEMS](https://redis.io/docs/latest/commands/arlastitems/).
    pub fn arlastitems<T: FromReply>(
        &self,
        key: impl ToArg,
        count: u64,
    ) -> Command<'_, Vec<Option<T>>, ArLastItems> {
        Command::new(self, "ARLASTITEMS").with(key).with(count)
    }

    /// The index the next [`arinsert`](Self::arinsert) will write to; `None` if there is no place left.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARNEXT","a"]"#, "3")], async |redis| {
    /// assert_eq!(redis.arnext("a").await?, Some(3));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARNEXT](https://redis.io/docs/latest/commands/arnext/).
    pub fn arnext(&self, key: impl ToArg) -> Command<'_, Option<u64>> {
        Command::new(self, "ARNEXT").with(key)
    }

    /// Lets the next [`arinsert`](Self::arinsert) write to an index; gives whether there is such an array.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARSEEK","a","3"]"#, "1")], async |redis| {
    /// assert!(redis.arseek("a", 3).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARSEEK](https://redis.io/docs/latest/commands/arseek/).
    pub fn arseek(&self, key: impl ToArg, index: u64) -> Command<'_, bool> {
        Command::new(self, "ARSEEK").with(key).with(index)
    }

    /// Makes one number of the values from `start` to `end`, both included; the operation is the method after it.
    ///
    /// ```
    /// # restis_testing::recorded(&[
    /// #     (r#"["AROP","a","0","999","SUM"]"#, r#""6""#),
    /// #     (r#"["AROP","a","0","999","MATCH","x"]"#, "1"),
    /// # ], async |redis| {
    /// assert_eq!(redis.arop("a", 0, 999).sum::<i64>().await?, Some(6));
    /// assert_eq!(redis.arop("a", 0, 999).matching("x").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Without one it does not compile:
    ///
    /// ```compile_fail
    /// # restis_testing::recorded(&[], async |redis| {
    /// redis.arop("a", 0, 999).await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [AROP](https://redis.io/docs/latest/commands/arop/).
    pub fn arop(&self, key: impl ToArg, start: u64, end: u64) -> Command<'_, NoOperation, ArOp> {
        Command::new(self, "AROP").with(key).with(start).with(end)
    }

    /// How an array lies in the server's memory. An array that does not exist is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ARINFO","a"]"#, r#"["len",3,"count",2,"slice-size",4,"next-insert-index",3]"#)], async |redis| {
    /// let info = redis.arinfo("a").await?;
    /// assert_eq!((info.len, info.count, info.slice_size), (3, 2, Some(4)));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ARINFO](https://redis.io/docs/latest/commands/arinfo/).
    pub fn arinfo(&self, key: impl ToArg) -> Command<'_, ArrayInfo, ArInfo> {
        Command::new(self, "ARINFO").with(key)
    }
}
