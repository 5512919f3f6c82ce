//! JSON: documents in keys, read and changed by paths. Arrays inside them are in [`arrays`], what is
//! answered for each match of a path in [`mod@matches`].
//!
//! Values are whatever serde can serialize, and go out as JSON: text is a JSON string, and is never
//! taken for JSON that is already written. They come back as [`Json<T>`](crate::Json).
//!
//! Paths come in two kinds. `$`, `$.name` and `$..price` are JSONPath: they have any number of
//! matches, and so does the answer. `.`, `.name` and `name` are the older kind: the answer is one
//! value, and a path that leads nowhere is an error. The whole document is `$`.

pub mod arrays;
pub mod matches;

use serde::{Serialize, de::DeserializeOwned};

use self::matches::{Matches, Numbers};
use crate::{Command, Error, FromReply, Json, Redis, Reply, ToArg, ToArgs};

/// The options of JSON.SET.
#[derive(Debug)]
pub struct JsonSet(());

/// The options of JSON.GET.
#[derive(Debug)]
pub struct JsonGet(());

/// More values for JSON.MSET.
#[derive(Debug)]
pub struct JsonMSet(());

impl<'a> Command<'a, (), JsonSet> {
    /// NX: sets only if the path leads nowhere. The reply is whether it was set.
    pub fn nx(self) -> Command<'a, bool, JsonSet> {
        self.with("NX").cast()
    }

    /// XX: sets only what is there. The reply is whether it was set.
    pub fn xx(self) -> Command<'a, bool, JsonSet> {
        self.with("XX").cast()
    }
}

impl<T> Command<'_, T, JsonGet> {
    /// Only what this path leads to. With one JSONPath the reply is the array of its matches; with
    /// more than one path it is an object that has each path as a key.
    pub fn path(self, path: impl ToArg) -> Self {
        self.with(path)
    }
}

impl<'a, T> Command<'a, T, JsonGet> {
    /// The JSON text itself, unread.
    pub fn text(self) -> Command<'a, Option<String>, JsonGet> {
        self.cast()
    }

    /// INDENT: this before each level of depth. The reply is the text.
    pub fn indent(self, indent: impl ToArg) -> Command<'a, Option<String>, JsonGet> {
        self.option("INDENT").option(indent).cast()
    }

    /// NEWLINE: this at the end of each line. The reply is the text.
    pub fn newline(self, newline: impl ToArg) -> Command<'a, Option<String>, JsonGet> {
        self.option("NEWLINE").option(newline).cast()
    }

    /// SPACE: this between a key and its value. The reply is the text.
    pub fn space(self, space: impl ToArg) -> Command<'a, Option<String>, JsonGet> {
        self.option("SPACE").option(space).cast()
    }
}

impl<T> Command<'_, T, JsonMSet> {
    /// One more key, path and value, which may have another type.
    pub fn triple(self, key: impl ToArg, path: impl ToArg, value: impl Serialize) -> Self {
        self.with(key).with(path).with(Json(value))
    }
}

/// What a JSON value is: see [`Redis::json_type`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonType {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// A number with a fraction.
    Number,
    /// Text.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
    /// What a later server may add, by its name.
    Other(String),
}

impl FromReply for JsonType {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        Ok(match &*reply.text()? {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Redis {
    /// Sets what a path leads to; `$` is the whole document, which makes the key if there is none.
    ///
    /// The value is serialized: `"ada"` is stored as a JSON string. With `nx` or `xx` the reply is
    /// whether it was set. A path below a document that does not exist is an error with code `ERR`.
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct User { name: String, age: u32 }
    ///
    /// # restis_testing::recorded(&[
    /// #     (r#"["JSON.SET","user:1","$","{\"name\":\"ada\",\"age\":36}"]"#, r#""OK""#),
    /// #     (r#"["JSON.SET","user:1","$.name","\"grace\"","XX"]"#, r#""OK""#),
    /// # ], async |redis| {
    /// redis.json_set("user:1", "$", &User { name: "ada".into(), age: 36 }).await?;
    /// let was_there: bool = redis.json_set("user:1", "$.name", "grace").xx().await?;
    /// assert!(was_there);
    /// # Ok(()) });
    /// ```
    ///
    /// It is repeated after a lost answer like SET, except with `nx`, `xx`, or a path with `..` or `?`,
    /// whose matches the first run may have changed.
    ///
    /// Source: [JSON.SET](https://redis.io/docs/latest/commands/json.set/).
    pub fn json_set(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        value: impl Serialize,
    ) -> Command<'_, (), JsonSet> {
        Command::new(self, "JSON.SET")
            .with(key)
            .with(path)
            .with(Json(value))
    }

    /// The document of a key, or what paths lead to in it; `None` if there is no such key.
    ///
    /// `T` is what the JSON of the reply is: without a path the document; with a JSONPath an array
    /// of all its matches, empty if there are none; with an older path the value itself; with
    /// several paths an object that has each of them as a key.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// #[derive(serde::Deserialize)]
    /// struct User { name: String, age: u32 }
    ///
    /// # restis_testing::recorded(&[
    /// #     (r#"["JSON.GET","user:1"]"#, r#""{\"name\":\"ada\",\"age\":36}""#),
    /// #     (r#"["JSON.GET","user:1","$.name"]"#, r#""[\"ada\"]""#),
    /// #     (r#"["JSON.GET","user:1",".name"]"#, r#""\"ada\"""#),
    /// #     (r#"["JSON.GET","user:1","$.name","$.nick"]"#, r#""{\"$.name\":[\"ada\"],\"$.nick\":[]}""#),
    /// #     (r#"["JSON.GET","user:1","INDENT","  ","$.age"]"#, r#""[  36]""#),
    /// # ], async |redis| {
    /// let user = redis.json_get::<User>("user:1").await?.ok_or("no such user")?.0;
    /// assert_eq!((&*user.name, user.age), ("ada", 36));
    /// let names = redis.json_get::<Vec<String>>("user:1").path("$.name").await?;
    /// assert_eq!(names.unwrap().0, ["ada"]);
    /// let name = redis.json_get::<String>("user:1").path(".name").await?;
    /// assert_eq!(name.unwrap().0, "ada");
    ///
    /// let both = redis.json_get::<HashMap<String, Vec<String>>>("user:1").path("$.name").path("$.nick").await?;
    /// assert!(both.unwrap()["$.nick"].is_empty());
    /// let pretty: Option<String> = redis.json_get::<()>("user:1").path("$.age").indent("  ").await?;
    /// # assert_eq!(pretty.as_deref(), Some("[  36]"));
    /// # Ok(()) });
    /// ```
    ///
    /// Integers keep their digits in integer types. A key of another type is an error.
    ///
    /// Source: [JSON.GET](https://redis.io/docs/latest/commands/json.get/).
    pub fn json_get<T: DeserializeOwned>(
        &self,
        key: impl ToArg,
    ) -> Command<'_, Option<Json<T>>, JsonGet> {
        Command::new(self, "JSON.GET").with(key).front()
    }

    /// What one path leads to in several documents, in the order of the keys; `None` where there is no such key.
    ///
    /// `T` is as with [`json_get`](Self::json_get): an array of matches for a JSONPath.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.MGET","user:1","user:2","$.name"]"#, r#"["[\"ada\"]",null]"#)], async |redis| {
    /// let names = redis.json_mget::<Vec<String>>(["user:1", "user:2"], "$.name").await?;
    /// assert_eq!(names[0].as_deref(), Some(&vec!["ada".to_string()]));
    /// assert_eq!(names[1], None);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many keys.
    ///
    /// Source: [JSON.MGET](https://redis.io/docs/latest/commands/json.mget/).
    pub fn json_mget<T: DeserializeOwned>(
        &self,
        keys: impl ToArgs,
        path: impl ToArg,
    ) -> Command<'_, Vec<Option<Json<T>>>> {
        Command::new(self, "JSON.MGET").with_all(keys).with(path)
    }

    /// Sets values in several documents at once; [`triple`](Command::triple) adds one.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.MSET","a","$","{\"x\":1}","b","$","[1]"]"#, r#""OK""#)], async |redis| {
    /// redis.json_mset("a", "$", serde_json::json!({ "x": 1 })).triple("b", "$", [1]).await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many values. It is repeated after a lost answer only if all
    /// its paths are the whole document.
    ///
    /// Source: [JSON.MSET](https://redis.io/docs/latest/commands/json.mset/).
    pub fn json_mset(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        value: impl Serialize,
    ) -> Command<'_, (), JsonMSet> {
        Command::<_, JsonMSet>::new(self, "JSON.MSET").triple(key, path, value)
    }

    /// Merges a value into what a path leads to: members are set one by one, and those that are null in it are deleted.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.MERGE","user:1","$","{\"age\":37,\"nick\":null}"]"#, r#""OK""#)], async |redis| {
    /// redis.json_merge("user:1", "$", serde_json::json!({ "age": 37, "nick": null })).await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.MERGE](https://redis.io/docs/latest/commands/json.merge/).
    pub fn json_merge(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        value: impl Serialize,
    ) -> Command<'_, ()> {
        Command::new(self, "JSON.MERGE")
            .with(key)
            .with(path)
            .with(Json(value))
    }

    /// Deletes what a path leads to, with `$` the key; gives how many values there were.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.DEL","user:1","$.nick"]"#, "1")], async |redis| {
    /// assert_eq!(redis.json_del("user:1", "$.nick").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.DEL](https://redis.io/docs/latest/commands/json.del/).
    pub fn json_del(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "JSON.DEL").with(key).with(path)
    }

    /// Another name of [`json_del`](Self::json_del).
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.FORGET","user:1","$.nick"]"#, "0")], async |redis| {
    /// assert_eq!(redis.json_forget("user:1", "$.nick").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.FORGET](https://redis.io/docs/latest/commands/json.forget/).
    pub fn json_forget(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "JSON.FORGET").with(key).with(path)
    }

    /// Empties the arrays and objects a path leads to and sets its numbers to 0; gives how many it changed.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.CLEAR","cart","$.items"]"#, "1")], async |redis| {
    /// assert_eq!(redis.json_clear("cart", "$.items").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.CLEAR](https://redis.io/docs/latest/commands/json.clear/).
    pub fn json_clear(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "JSON.CLEAR").with(key).with(path)
    }

    /// The type of each match of a path.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.TYPE","user:1","$.name"]"#, r#"["string"]"#)], async |redis| {
    /// use restis::commands::json::JsonType;
    ///
    /// assert_eq!(redis.json_type("user:1", "$.name").await?.one(), Some(JsonType::String));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.TYPE](https://redis.io/docs/latest/commands/json.type/).
    pub fn json_type(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, Matches<JsonType>> {
        Command::new(self, "JSON.TYPE").with(key).with(path)
    }

    /// Adds to the numbers a path leads to; gives the new number for each match.
    ///
    /// `T` is the type of the numbers: `i64`, `f64`, or `String` for all their digits.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.NUMINCRBY","user:1","$.visits","1"]"#, r#""[8]""#)], async |redis| {
    /// let visits = redis.json_numincrby::<i64>("user:1", "$.visits", 1).await?;
    /// assert_eq!(visits.one(), Some(8));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.NUMINCRBY](https://redis.io/docs/latest/commands/json.numincrby/).
    pub fn json_numincrby<T: FromReply>(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        increment: impl ToArg,
    ) -> Command<'_, Numbers<T>> {
        Command::new(self, "JSON.NUMINCRBY")
            .with(key)
            .with(path)
            .with(increment)
    }

    /// Multiplies the numbers a path leads to; see [`json_numincrby`](Self::json_numincrby).
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.NUMMULTBY","item","$.price","0.5"]"#, r#""[9.75,null]""#)], async |redis| {
    /// let prices = redis.json_nummultby::<f64>("item", "$.price", 0.5).await?;
    /// assert_eq!(prices.0, [Some(9.75), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.NUMMULTBY](https://redis.io/docs/latest/commands/json.nummultby/).
    pub fn json_nummultby<T: FromReply>(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        factor: impl ToArg,
    ) -> Command<'_, Numbers<T>> {
        Command::new(self, "JSON.NUMMULTBY")
            .with(key)
            .with(path)
            .with(factor)
    }

    /// Appends text to the strings a path leads to; gives the new length in bytes for each match.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.STRAPPEND","user:1","$.name","\" lovelace\""]"#, "[12]")], async |redis| {
    /// assert_eq!(redis.json_strappend("user:1", "$.name", " lovelace").await?.one(), Some(12));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.STRAPPEND](https://redis.io/docs/latest/commands/json.strappend/).
    pub fn json_strappend(
        &self,
        key: impl ToArg,
        path: impl ToArg,
        text: impl AsRef<str>,
    ) -> Command<'_, Matches<u64>> {
        Command::new(self, "JSON.STRAPPEND")
            .with(key)
            .with(path)
            .with(Json(text.as_ref()))
    }

    /// The length in bytes of each string a path leads to.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.STRLEN","user:1","$.*"]"#, "[3,null]")], async |redis| {
    /// assert_eq!(redis.json_strlen("user:1", "$.*").await?.0, [Some(3), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.STRLEN](https://redis.io/docs/latest/commands/json.strlen/).
    pub fn json_strlen(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, Matches<u64>> {
        Command::new(self, "JSON.STRLEN").with(key).with(path)
    }

    /// Turns each `true` a path leads to into `false` and the other way; gives the new value for each match.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.TOGGLE","user:1","$.active"]"#, "[0]")], async |redis| {
    /// assert_eq!(redis.json_toggle("user:1", "$.active").await?.one(), Some(false));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.TOGGLE](https://redis.io/docs/latest/commands/json.toggle/).
    pub fn json_toggle(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, Matches<bool>> {
        Command::new(self, "JSON.TOGGLE").with(key).with(path)
    }

    /// The keys of each object a path leads to.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.OBJKEYS","user:1","$"]"#, r#"[["name","age"]]"#)], async |redis| {
    /// let keys = redis.json_objkeys("user:1", "$").await?.one();
    /// assert_eq!(keys.unwrap(), ["name", "age"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.OBJKEYS](https://redis.io/docs/latest/commands/json.objkeys/).
    pub fn json_objkeys(
        &self,
        key: impl ToArg,
        path: impl ToArg,
    ) -> Command<'_, Matches<Vec<String>>> {
        Command::new(self, "JSON.OBJKEYS").with(key).with(path)
    }

    /// How many keys each object has that a path leads to.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.OBJLEN","user:1","$"]"#, "[2]")], async |redis| {
    /// assert_eq!(redis.json_objlen("user:1", "$").await?.one(), Some(2));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.OBJLEN](https://redis.io/docs/latest/commands/json.objlen/).
    pub fn json_objlen(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, Matches<u64>> {
        Command::new(self, "JSON.OBJLEN").with(key).with(path)
    }

    /// What a path leads to in the words of Redis's own protocol: an object is an array that begins with `{`.
    ///
    /// For tools that show data; [`json_get`](Self::json_get) reads it.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.RESP","user:1","."]"#, r#"["{","age",36]"#)], async |redis| {
    /// let parts: Vec<String> = redis.json_resp("user:1", ".").await?;
    /// assert_eq!(parts, ["{", "age", "36"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.RESP](https://redis.io/docs/latest/commands/json.resp/).
    pub fn json_resp<T: FromReply>(&self, key: impl ToArg, path: impl ToArg) -> Command<'_, T> {
        Command::new(self, "JSON.RESP").with(key).with(path)
    }

    /// About how many bytes each match of a path takes in the server's memory.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["JSON.DEBUG","MEMORY","user:1","$"]"#, "[213]")], async |redis| {
    /// let bytes = redis.json_debug_memory("user:1", "$").await?.one();
    /// assert_eq!(bytes, Some(213));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [JSON.DEBUG MEMORY](https://redis.io/docs/latest/commands/json.debug-memory/).
    pub fn json_debug_memory(
        &self,
        key: impl ToArg,
        path: impl ToArg,
    ) -> Command<'_, Matches<u64>> {
        Command::new(self, "JSON.DEBUG")
            .with("MEMORY")
            .with(key)
            .with(path)
    }
}
