//! Upstash Redis Search: full-text indexes over documents. Redis and Valkey have none of these
//! commands, and FT.* of Redis is something else.
//!
//! What an index is made of is in [`schema`], what is answered in [`answers`].

pub mod answers;
pub mod schema;

use std::collections::HashMap;

use serde::Serialize;

use self::{
    answers::{AliasSet, Count, Hit, Index, IndexEntry},
    schema::{On, Schema},
};
use crate::{Command, FromReply, Json, Redis, ToArg, ToArgs};

/// The options of SEARCH.CREATE.
#[derive(Debug)]
pub struct SearchCreate(());

/// The options of SEARCH.QUERY.
#[derive(Debug)]
pub struct SearchQuery(());

/// The options of SEARCH.LISTINDEXES.
#[derive(Debug)]
pub struct SearchListIndexes(());

/// Which end of an order comes first: see [`Command::orderby`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The smallest.
    Asc,
    /// The largest.
    Desc,
}

impl<T> Command<'_, T, SearchCreate> {
    /// LANGUAGE: whose words are stemmed, in lower case; without this `english`.
    pub fn language(self, language: impl ToArg) -> Self {
        self.option("LANGUAGE").option(language)
    }

    fn with_prefixes(self, prefixes: impl ToArgs) -> Self {
        self.with("PREFIX").with_counted(prefixes)
    }

    /// SKIPINITIALSCAN: indexes only what is written from now on;
    /// [`search_reindex`](Redis::search_reindex) makes up for it.
    pub fn skipinitialscan(self) -> Self {
        self.option("SKIPINITIALSCAN")
    }
}

impl<'a> Command<'a, (), SearchCreate> {
    /// EXISTSOK: an index that is the same is no error. The reply is whether it was made.
    pub fn existsok(self) -> Command<'a, bool, SearchCreate> {
        self.option("EXISTSOK").cast()
    }
}

impl<T> Command<'_, T, SearchQuery> {
    /// LIMIT: at most this many, from 1 to 1000; without this 10.
    pub fn limit(self, limit: u64) -> Self {
        self.with("LIMIT").with(limit)
    }

    /// OFFSET: without this many at the beginning, up to 10,000.
    pub fn offset(self, offset: u64) -> Self {
        self.with("OFFSET").with(offset)
    }

    /// ORDERBY: by a field that is [`fast`](schema::Field::fast), and not by the score.
    pub fn orderby(self, field: impl ToArg, order: Order) -> Self {
        self.with("ORDERBY").with(field).with(match order {
            Order::Asc => "ASC",
            Order::Desc => "DESC",
        })
    }

    /// HIGHLIGHT: with what matched in these fields between `<em>` and `</em>`.
    pub fn highlight(self, fields: impl ToArgs) -> Self {
        self.with("HIGHLIGHT").with("FIELDS").with_counted(fields)
    }

    /// HIGHLIGHT with TAGS: with what matched in these fields between two texts of your own.
    pub fn highlight_tags(self, fields: impl ToArgs, open: impl ToArg, close: impl ToArg) -> Self {
        self.highlight(fields).with("TAGS").with(open).with(close)
    }

    /// SELECT: only these fields of the documents. A hit's data are then names and values.
    pub fn select(self, fields: impl ToArgs) -> Self {
        self.with("SELECT").with_counted(fields)
    }
}

impl<'a, T> Command<'a, Option<Vec<Hit<T>>>, SearchQuery> {
    /// NOCONTENT: the reply is keys and scores alone. Not with `select` or `highlight`.
    pub fn nocontent(self) -> Command<'a, Option<Vec<(String, f64)>>, SearchQuery> {
        self.with("NOCONTENT").cast()
    }
}

impl<T> Command<'_, T, SearchListIndexes> {
    /// MATCH: only names that match this pattern, in which `*` and `?` stand for others.
    pub fn matching(self, pattern: impl ToArg) -> Self {
        self.with("MATCH").with(pattern)
    }

    /// LIMIT: at most this many.
    pub fn limit(self, limit: u64) -> Self {
        self.with("LIMIT").with(limit)
    }

    /// OFFSET: without this many at the beginning, up to 10,000.
    pub fn offset(self, offset: u64) -> Self {
        self.with("OFFSET").with(offset)
    }
}

impl Redis {
    /// Makes an index over the keys that have a type and a prefix, or over one stream.
    ///
    /// An index that is there already is an error with code `ERR`, unless [`existsok`](Command::existsok)
    /// is given and it is the same.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.CREATE","products","ON","JSON","PREFIX","1","product:","EXISTSOK","SCHEMA","name","TEXT","NOSTEM","price","F64","FAST","stock","BOOL"]"#, "1")], async |redis| {
    /// use restis::commands::search::schema::{Field, On, Schema};
    ///
    /// let schema = Schema::new()
    ///     .field("name", Field::text().nostem())
    ///     .field("price", Field::f64().fast())
    ///     .field("stock", Field::bool());
    /// let made = redis.search_create("products", On::Json("product:"), schema).existsok().await?;
    /// assert!(made);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.CREATE](https://upstash.com/docs/redis/commands/search/search-create).
    pub fn search_create<P: ToArgs>(
        &self,
        index: impl ToArg,
        on: On<P>,
        schema: Schema,
    ) -> Command<'_, (), SearchCreate> {
        let command = Command::new(self, "SEARCH.CREATE").with(index).with("ON");
        let command = match on {
            On::Json(prefixes) => command.with("JSON").with_prefixes(prefixes),
            On::Hash(prefixes) => command.with("HASH").with_prefixes(prefixes),
            On::String(prefixes) => command.with("STRING").with_prefixes(prefixes),
            On::Stream(key) => command.with("STREAM").with_all(key),
        };
        command.front().with("SCHEMA").with_all(schema.words)
    }

    /// The documents that match a filter, the best first; `None` if there is no such index.
    ///
    /// The filter is whatever serializes to the JSON of the query language: `json!({ "name": "headphones" })`.
    /// `T` is what a hit's data is read as: [`Json<T>`] for an index over JSON or strings; a map or
    /// pairs of names and values for one over hashes or a stream, and where
    /// [`select`](Command::select) is given.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// use restis::Json;
    /// use serde_json::json;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Product { name: String }
    ///
    /// # restis_testing::recorded(&[
    /// #     (r#"["SEARCH.QUERY","products","{\"name\":\"wireless\"}","LIMIT","20"]"#, r#"[["product:1","1.25",[["$","{\"name\":\"Wireless mouse\"}"]]]]"#),
    /// #     (r#"["SEARCH.QUERY","products","{\"name\":\"wireless\"}","SELECT","1","name"]"#, r#"[["product:1","1.25",[["name","Wireless mouse"]]]]"#),
    /// # ], async |redis| {
    /// let filter = json!({ "name": "wireless" });
    /// let hits = redis.search_query::<Json<Product>>("products", &filter).limit(20).await?;
    /// for hit in hits.ok_or("no such index")? {
    ///     println!("{} {}: {}", hit.key, hit.score, hit.data.name);
    /// }
    /// let hits = redis.search_query::<HashMap<String, String>>("products", &filter).select("name").await?;
    /// assert_eq!(hits.unwrap()[0].data["name"], "Wireless mouse");
    /// # Ok(()) });
    /// ```
    ///
    /// In a transaction it is refused unless [`nocontent`](Command::nocontent) is given.
    ///
    /// Source: [SEARCH.QUERY](https://upstash.com/docs/redis/commands/search/search-query).
    pub fn search_query<T: FromReply>(
        &self,
        index: impl ToArg,
        filter: impl Serialize,
    ) -> Command<'_, Option<Vec<Hit<T>>>, SearchQuery> {
        Command::new(self, "SEARCH.QUERY")
            .with(index)
            .with(Json(filter))
    }

    /// How many documents match a filter.
    ///
    /// ```
    /// # use serde_json::json;
    /// # restis_testing::recorded(&[(r#"["SEARCH.COUNT","products","{\"stock\":true}"]"#, "3")], async |redis| {
    /// let count = redis.search_count("products", json!({ "stock": true })).await?;
    /// assert_eq!(count.documents(), Some(3));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.COUNT](https://upstash.com/docs/redis/commands/search/search-count).
    pub fn search_count(&self, index: impl ToArg, filter: impl Serialize) -> Command<'_, Count> {
        Command::new(self, "SEARCH.COUNT")
            .with(index)
            .with(Json(filter))
    }

    /// Figures and groups of the documents that match a filter, by the names you give them; `None` if
    /// there is no such index.
    ///
    /// `json!({})` matches all. `T` is what the reply is read as: maps of maps for figures,
    /// [`Value`](crate::Value) for whatever comes.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use std::collections::HashMap;
    /// # restis_testing::recorded(&[(r#"["SEARCH.AGGREGATE","products","{}","{\"price\":{\"$avg\":{\"field\":\"price\"}}}"]"#, r#"["price",["value","49.99"]]"#)], async |redis| {
    /// type Figures = HashMap<String, HashMap<String, f64>>;
    /// let average = json!({ "price": { "$avg": { "field": "price" } } });
    /// let figures = redis.search_aggregate::<Figures>("products", json!({}), average).await?;
    /// assert_eq!(figures.ok_or("no such index")?["price"]["value"], 49.99);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.AGGREGATE](https://upstash.com/docs/redis/commands/search/search-aggregate).
    pub fn search_aggregate<T: FromReply>(
        &self,
        index: impl ToArg,
        filter: impl Serialize,
        aggregations: impl Serialize,
    ) -> Command<'_, Option<T>> {
        Command::new(self, "SEARCH.AGGREGATE")
            .with(index)
            .with(Json(filter))
            .with(Json(aggregations))
    }

    /// What an index is made of; `None` if there is none of this name or alias.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.DESCRIBE","products"]"#, r#"["name","products","type","JSON","prefixes",["product:"],"language","english","indexSize",1234,"pendingUpdates",0,"schema",[["name","TEXT"],["price","F64","FAST"]]]"#)], async |redis| {
    /// let index = redis.search_describe("products").await?.ok_or("no such index")?;
    /// assert_eq!(index.prefixes, ["product:"]);
    /// assert!(index.schema[1].fast);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.DESCRIBE](https://upstash.com/docs/redis/commands/search/search-describe).
    pub fn search_describe(&self, index: impl ToArg) -> Command<'_, Option<Index>> {
        Command::new(self, "SEARCH.DESCRIBE").with(index)
    }

    /// Waits until all that was written is in an index; gives whether there is such an index.
    ///
    /// For tests: it can take as long as the client waits for an answer.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.WAITINDEXING","products"]"#, "1")], async |redis| {
    /// assert!(redis.search_waitindexing("products").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.WAITINDEXING](https://upstash.com/docs/redis/commands/search/search-waitindexing).
    pub fn search_waitindexing(&self, index: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "SEARCH.WAITINDEXING").with(index)
    }

    /// Fills an index anew from all keys that belong to it; gives whether there is such an index.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.REINDEX","products"]"#, "1")], async |redis| {
    /// assert!(redis.search_reindex("products").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.REINDEX](https://upstash.com/docs/redis/commands/search/search-reindex).
    pub fn search_reindex(&self, index: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "SEARCH.REINDEX").with(index)
    }

    /// Deletes an index, which is named by no alias, and leaves its documents; gives whether there was one.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.DROP","products"]"#, "1")], async |redis| {
    /// assert!(redis.search_drop("products").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.DROP](https://upstash.com/docs/redis/commands/search/search-drop).
    pub fn search_drop(&self, index: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "SEARCH.DROP").with(index)
    }

    /// Lets an alias name an index, and no longer the one it named; gives which of both it was.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.ALIASADD","products","products-v2"]"#, "2")], async |redis| {
    /// use restis::commands::search::answers::AliasSet;
    ///
    /// assert_eq!(redis.search_aliasadd("products", "products-v2").await?, AliasSet::Updated);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.ALIASADD](https://upstash.com/docs/redis/commands/search/search-aliasadd).
    pub fn search_aliasadd(&self, alias: impl ToArg, index: impl ToArg) -> Command<'_, AliasSet> {
        Command::new(self, "SEARCH.ALIASADD")
            .with(alias)
            .with(index)
    }

    /// Deletes an alias; gives whether there was one.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.ALIASDEL","products"]"#, "1")], async |redis| {
    /// assert!(redis.search_aliasdel("products").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.ALIASDEL](https://upstash.com/docs/redis/commands/search/search-aliasdel).
    pub fn search_aliasdel(&self, alias: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "SEARCH.ALIASDEL").with(alias)
    }

    /// All aliases with the index each names, which need not exist.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.LISTALIASES"]"#, r#"[["products","products-v2"]]"#)], async |redis| {
    /// assert_eq!(redis.search_listaliases().await?["products"], "products-v2");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.LISTALIASES](https://upstash.com/docs/redis/commands/search/search-listaliases).
    pub fn search_listaliases(&self) -> Command<'_, HashMap<String, String>> {
        Command::new(self, "SEARCH.LISTALIASES")
    }

    /// All indexes, by name.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SEARCH.LISTINDEXES","MATCH","product*"]"#, r#"[["name","products","type","JSON"]]"#)], async |redis| {
    /// let indexes = redis.search_listindexes().matching("product*").await?;
    /// assert_eq!(indexes[0].name, "products");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SEARCH.LISTINDEXES](https://upstash.com/docs/redis/commands/search/search-listindexes).
    pub fn search_listindexes(&self) -> Command<'_, Vec<IndexEntry>, SearchListIndexes> {
        Command::new(self, "SEARCH.LISTINDEXES")
    }
}
