//! Arrays in JSON documents: JSON.ARRAPPEND and its family.

use serde::{Serialize, de::DeserializeOwned};

use super::matches::Matches;
use crate::{Command, Json, Redis, ToArg};

/// More values for JSON.ARRAPPEND and JSON.ARRINSERT.
#[derive(Debug)]
pub struct JsonValues(());

/// The options of JSON.ARRINDEX.
#[derive(Debug)]
pub struct JsonArrIndex(());

/// The options of JSON.ARRPOP.
#[derive(Debug)]
pub struct JsonArrPop(());

impl<T> Command<'_, T, JsonValues> {
    /// One more value, which may have another type.
    pub fn value(self, value: impl Serialize) -> Self {
        self.with(Json(value))
    }

    /// More values, each of them an element.
    pub fn values(self, values: impl IntoIterator<Item: Serialize>) -> Self {
        values
            .into_iter()
            .fold(self, |command, value| command.value(value))
    }
}

impl<T> Command<'_, T, JsonArrIndex> {
    /// Looks only from index `start` up to `stop`, which is not included; a `stop` of 0 is the end,
    /// and negative counts from there.
    pub fn range(self, start: i64, stop: i64) -> Self {
        self.with(start).with(stop)
    }
}

impl<T> Command<'_, T, JsonArrPop> {
    /// Takes out the element at this index, 0 for the first, -1 for the last, which it is without this.
    pub fn index(self, index: i64) -> Self {
        self.with(index)
    }
}

impl Redis {
    /// Appends a value to each array a path leads to; gives the new length for each match.
    ///
    /// The value is one element, also where it is an array: [`values`](Command::values) appends several.
    ///
    /// ```
    /// # restis_testing::recorded(&[
    /// #     (r#"["JSON.ARRAPPEND","user:1","$.tags","\"new\""]"#, "[1]"),
    /// #     (r#"["JSON.ARRAPPEND","user:1","$.tags","1","\"a\"","\"b\""]"#, "[4]"),
    /// # ], async |redis| {
    /// assert_eq!(redis.json_arrappend("user:1", "$.tags", "new").await?.one(), Some(1));
    /// let length = redis.json_arrappend("user:1", "$.tags", 1).values(["a", "b"]).await?;
    /// assert_eq!(length.one(), Some(4));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.ARRAPPEND](https://redis.io/docs/latest/commands/json.arrappend/).
    pub fn json_arrappend(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        value: impl Serialize,
    ) -> Command<'_, Matches<u64>, JsonValues> {
        Command::new(self, "JSON.ARRAPPEND")
            .with(key)
            .with(path)
            .with(Json(value))
    }

    /// The first index of a value in each array a path leads to; -1 where it is not.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.ARRINDEX","user:1","$.tags","\"new\""]"#, "[0,-1,null]")], async |redis| {
    /// let indexes = redis.json_arrindex("user:1", "$.tags", "new").await?;
    /// assert_eq!(indexes.0, [Some(0), Some(-1), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.ARRINDEX](https://redis.io/docs/latest/commands/json.arrindex/).
    pub fn json_arrindex(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        value: impl Serialize,
    ) -> Command<'_, Matches<i64>, JsonArrIndex> {
        Command::new(self, "JSON.ARRINDEX")
            .with(key)
            .with(path)
            .with(Json(value))
    }

    /// Inserts a value before an index of each array a path leads to; gives the new length for each match.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.ARRINSERT","user:1","$.tags","0","\"first\""]"#, "[5]")], async |redis| {
    /// assert_eq!(redis.json_arrinsert("user:1", "$.tags", 0, "first").await?.one(), Some(5));
    /// # Ok(()) });
    /// ```
    ///
    /// Negative counts from the end. An index outside of the array is an error.
    ///
    /// Source: [JSON.ARRINSERT](https://redis.io/docs/latest/commands/json.arrinsert/).
    pub fn json_arrinsert(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        index: i64,
        value: impl Serialize,
    ) -> Command<'_, Matches<u64>, JsonValues> {
        Command::new(self, "JSON.ARRINSERT")
            .with(key)
            .with(path)
            .with(index)
            .with(Json(value))
    }

    /// The length of each array a path leads to.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.ARRLEN","user:1","$.tags"]"#, "[5]")], async |redis| {
    /// assert_eq!(redis.json_arrlen("user:1", "$.tags").await?.one(), Some(5));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.ARRLEN](https://redis.io/docs/latest/commands/json.arrlen/).
    pub fn json_arrlen(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, Matches<u64>> {
        Command::new(self, "JSON.ARRLEN").with(key).with(path)
    }

    /// Takes the last element out of each array a path leads to, or that of an [`index`](Command::index).
    ///
    /// `None` is an array that was empty, or a match that is none.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.ARRPOP","user:1","$.tags"]"#, r#"["\"b\""]"#)], async |redis| {
    /// let tag = redis.json_arrpop::<String>("user:1", "$.tags").await?.one();
    /// assert_eq!(tag.unwrap().0, "b");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.ARRPOP](https://redis.io/docs/latest/commands/json.arrpop/).
    pub fn json_arrpop<T: DeserializeOwned>(
        &self,
        key: impl ToArg,
        path: impl ToArg,
    ) -> Command<'_, Matches<Json<T>>, JsonArrPop> {
        Command::new(self, "JSON.ARRPOP").with(key).with(path)
    }

    /// Keeps of each array a path leads to only the elements from `start` to `stop`, both included;
    /// gives the new length for each match.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.ARRTRIM","user:1","$.tags","-3","-1"]"#, "[3]")], async |redis| {
    /// assert_eq!(redis.json_arrtrim("user:1", "$.tags", -3, -1).await?.one(), Some(3));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.ARRTRIM](https://redis.io/docs/latest/commands/json.arrtrim/).
    pub fn json_arrtrim(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        start: i64,
        stop: i64,
    ) -> Command<'_, Matches<u64>> {
        Command::new(self, "JSON.ARRTRIM")
            .with(key)
            .with(path)
            .with(start)
            .with(stop)
    }
}
