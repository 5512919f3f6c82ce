//! Vector indexes of Upstash: embeddings by id, and the nearest to one. Redis and Valkey have none of these commands.

use ::base64::{Engine as _, engine::general_purpose::STANDARD};

use super::fields::Fields;
use crate::{Command, Error, FromReply, Redis, Reply, ToArg};

/// The options of VECTOR.CREATE.
#[derive(Debug)]
pub struct VectorCreate(());

/// The options of VECTOR.QUERY.
#[derive(Debug)]
pub struct VectorQuery(());

/// A vector to send: a slice of `f32`, in one of the forms the server reads.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Vector<'a> {
    /// As base64 of its bytes, which is the shorter form: what a slice, array or `Vec` becomes.
    Fp32(&'a [f32]),
    /// As decimal numbers, which a person can read.
    Values(&'a [f32]),
    /// As base64 that is there already, of 32-bit floats, the least byte first.
    Base64(&'a str),
}

impl<'a> From<&'a [f32]> for Vector<'a> {
    fn from(elements: &'a [f32]) -> Self {
        Self::Fp32(elements)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Vector<'a> {
    fn from(elements: &'a [f32; N]) -> Self {
        Self::Fp32(elements)
    }
}

impl<'a> From<&'a Vec<f32>> for Vector<'a> {
    fn from(elements: &'a Vec<f32>) -> Self {
        Self::Fp32(elements)
    }
}

impl<T, O> Command<'_, T, O> {
    fn with_vector(self, vector: Vector<'_>) -> Self {
        match vector {
            Vector::Fp32(elements) => {
                let bytes: Vec<u8> = elements.iter().flat_map(|f| f.to_le_bytes()).collect();
                self.with("BASE64-FP32").with(STANDARD.encode(bytes))
            }
            Vector::Values(elements) => self.with("VALUES").with_counted(elements),
            Vector::Base64(text) => self.with("BASE64-FP32").with(text),
        }
    }
}

/// How two vectors are compared. Whichever it is, scores are from 0 to 1, and 1 is nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// By their directions.
    Cosine,
    /// By the distance between them.
    Euclidean,
    /// By their dot product.
    Dot,
}

impl Metric {
    const ALL: [Self; 3] = [Self::Cosine, Self::Euclidean, Self::Dot];

    fn word(self) -> &'static str {
        match self {
            Self::Cosine => "COSINE",
            Self::Euclidean => "EUCLIDEAN",
            Self::Dot => "DOT",
        }
    }
}

impl FromReply for Metric {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let text = reply.text()?;
        Self::ALL
            .into_iter()
            .find(|metric| metric.word().eq_ignore_ascii_case(&text))
            .ok_or_else(|| Error::decode("the server has a metric that restis does not know"))
    }
}

/// How thoroughly VECTOR.QUERY looks: see [`Command::profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Fewer of the index, sooner.
    Fast,
    /// Between the two, and what it is without a choice.
    Balanced,
    /// More of the index, later.
    Precise,
}

impl<'a> Command<'a, (), VectorCreate> {
    /// EXISTSOK: an index of the same dimension and metric is no error. The reply is whether it was made.
    pub fn existsok(self) -> Command<'a, bool, VectorCreate> {
        self.with("EXISTSOK").cast()
    }
}

impl<T> Command<'_, T, VectorQuery> {
    /// PROFILE: how thoroughly to look.
    pub fn profile(self, profile: Profile) -> Self {
        self.option("PROFILE").option(match profile {
            Profile::Fast => "FAST",
            Profile::Balanced => "BALANCED",
            Profile::Precise => "PRECISE",
        })
    }
}

/// What a vector index is: see [`Redis::vector_info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VectorInfo {
    /// How many elements its vectors have.
    pub dimension: u32,
    /// How they are compared.
    pub metric: Metric,
}

impl FromReply for VectorInfo {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            dimension: fields.must("dimension")?,
            metric: fields.must("metric")?,
        })
    }
}

impl Redis {
    /// Makes a vector index, whose dimension and metric stay as they are.
    ///
    /// An index that is there already is an error with code `ERR`, unless [`existsok`](Command::existsok)
    /// is given and it is the same.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.CREATE","docs","DIM","2","METRIC","COSINE","EXISTSOK"]"#, "0")], async |redis| {
    /// use restis::commands::vector::Metric;
    ///
    /// let made = redis.vector_create("docs", 2, Metric::Cosine).existsok().await?;
    /// assert!(!made);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.CREATE](https://upstash.com/docs/redis/commands/vector/vector-create).
    pub fn vector_create(
        &self,
        index: impl ToArg,
        dimension: u32,
        metric: Metric,
    ) -> Command<'_, (), VectorCreate> {
        Command::new(self, "VECTOR.CREATE")
            .with(index)
            .with("DIM")
            .with(dimension)
            .with("METRIC")
            .with(metric.word())
    }

    /// Puts a vector under an id; gives whether the id is new.
    ///
    /// A vector of another dimension, or an index that does not exist, is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::recorded(&[
    /// #     (r#"["VECTOR.ADD","docs","1","BASE64-FP32","AACAPwAAAEA="]"#, "1"),
    /// #     (r#"["VECTOR.ADD","docs","2","VALUES","2","0.1","2"]"#, "0"),
    /// # ], async |redis| {
    /// use restis::commands::vector::Vector;
    ///
    /// assert!(redis.vector_add("docs", 1, &[1.0, 2.0]).await?);
    /// assert!(!redis.vector_add("docs", 2, Vector::Values(&[0.1, 2.0])).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.ADD](https://upstash.com/docs/redis/commands/vector/vector-add).
    pub fn vector_add<'v>(
        &self,
        index: impl ToArg,
        id: impl ToArg,
        vector: impl Into<Vector<'v>>,
    ) -> Command<'_, bool> {
        Command::new(self, "VECTOR.ADD")
            .with(index)
            .with(id)
            .with_vector(vector.into())
    }

    /// The vector under an id; `None` if there is none. An index that does not exist is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.GET","docs","2"]"#, r#"["0.1","2"]"#)], async |redis| {
    /// assert_eq!(redis.vector_get("docs", 2).await?, Some(vec![0.1, 2.0]));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.GET](https://upstash.com/docs/redis/commands/vector/vector-get).
    pub fn vector_get(&self, index: impl ToArg, id: impl ToArg) -> Command<'_, Option<Vec<f32>>> {
        Command::new(self, "VECTOR.GET").with(index).with(id)
    }

    /// The ids of the `count` nearest vectors with their scores, the nearest first.
    ///
    /// Scores are from 0 to 1, and 1 is nearest. The search is approximate:
    /// [`profile`](Command::profile) says how thorough it is.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.QUERY","docs","TOPK","3","PROFILE","FAST","VALUES","2","1","2"]"#, r#"[["1","0.9"]]"#)], async |redis| {
    /// use restis::commands::vector::{Profile, Vector};
    ///
    /// let nearest = redis.vector_query::<String>("docs", 3, Vector::Values(&[1.0, 2.0])).profile(Profile::Fast).await?;
    /// assert_eq!(nearest, [("1".to_string(), 0.9)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.QUERY](https://upstash.com/docs/redis/commands/vector/vector-query).
    pub fn vector_query<'v, T: FromReply>(
        &self,
        index: impl ToArg,
        count: u32,
        vector: impl Into<Vector<'v>>,
    ) -> Command<'_, Vec<(T, f64)>, VectorQuery> {
        Command::new(self, "VECTOR.QUERY")
            .with(index)
            .with("TOPK")
            .with(count)
            .front()
            .with_vector(vector.into())
    }

    /// Takes the vector under an id out of an index; gives whether there was one.
    ///
    /// An index that does not exist is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.DEL","docs","1"]"#, "1")], async |redis| {
    /// assert!(redis.vector_del("docs", 1).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.DEL](https://upstash.com/docs/redis/commands/vector/vector-del).
    pub fn vector_del(&self, index: impl ToArg, id: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "VECTOR.DEL").with(index).with(id)
    }

    /// How many vectors an index has; 0 if there is no such index.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.COUNT","docs"]"#, "1")], async |redis| {
    /// assert_eq!(redis.vector_count("docs").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.COUNT](https://upstash.com/docs/redis/commands/vector/vector-count).
    pub fn vector_count(&self, index: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "VECTOR.COUNT").with(index)
    }

    /// The dimension and the metric of an index; `None` if there is no such index.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.INFO","docs"]"#, r#"["dimension",2,"metric","COSINE"]"#)], async |redis| {
    /// let info = redis.vector_info("docs").await?.ok_or("no such index")?;
    /// assert_eq!(info.dimension, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.INFO](https://upstash.com/docs/redis/commands/vector/vector-info).
    pub fn vector_info(&self, index: impl ToArg) -> Command<'_, Option<VectorInfo>> {
        Command::new(self, "VECTOR.INFO").with(index)
    }

    /// Deletes an index with its vectors; gives whether there was one.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["VECTOR.DROP","docs"]"#, "1")], async |redis| {
    /// assert!(redis.vector_drop("docs").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [VECTOR.DROP](https://upstash.com/docs/redis/commands/vector/vector-drop).
    pub fn vector_drop(&self, index: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "VECTOR.DROP").with(index)
    }
}
