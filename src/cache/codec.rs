//! How values become bytes: [`Encode`] and [`Decode`], and serde's JSON as the default.

use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// How values of the type `V` are written.
///
/// [`JsonCodec`] is the default; [`Cache::codec`](super::Cache::codec) sets another one. Bytes that are text are
/// stored as they are, others as base64.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::{Cache, Error, cache::{Decode, Encode}};
///
/// /// A point in 8 bytes.
/// #[derive(Clone)]
/// struct Points;
///
/// impl Encode<(i32, i32)> for Points {
///     fn encode(&self, value: &(i32, i32)) -> Result<Vec<u8>, Error> {
///         Ok([value.0.to_be_bytes(), value.1.to_be_bytes()].concat())
///     }
/// }
///
/// impl Decode<(i32, i32)> for Points {
///     fn decode(&self, bytes: &[u8]) -> Result<(i32, i32), Error> {
///         let (x, y) = bytes.split_first_chunk().ok_or_else(|| Error::decode("not a point"))?;
///         let y = y.try_into().map_err(|_| Error::decode("not a point"))?;
///         Ok((i32::from_be_bytes(*x), i32::from_be_bytes(y)))
///     }
/// }
///
/// let cache = Cache::new(&redis).codec(Points);
/// cache.set("home", &(3, -4)).await?;
/// assert_eq!(cache.get("home").await?, Some((3, -4)));
/// # Ok(()) });
/// ```
pub trait Encode<V: ?Sized> {
    /// Writes a value. What fails here, the caller gets: [`Error::encode`] makes such an error.
    fn encode(&self, value: &V) -> Result<Vec<u8>, Error>;

    /// The bytes of the value that means that there is nothing (`None`); they are kept for the
    /// [`negative_ttl`](super::Cache::negative_ttl). By default no value means that.
    fn nothing(&self) -> Option<&[u8]> {
        None
    }
}

/// How values of the type `V` are read; see [`Encode`].
pub trait Decode<V> {
    /// Reads a value. What fails here makes the entry a miss: [`Error::decode`] makes such an error.
    fn decode(&self, bytes: &[u8]) -> Result<V, Error>;
}

/// Both, which is what a value needs that is loaded: every type that has [`Encode`] and [`Decode`] is one.
pub trait Codec<V>: Encode<V> + Decode<V> {}

impl<V, C: Encode<V> + Decode<V>> Codec<V> for C {}

/// Values as JSON, by serde. `null`, which is `None` or `()`, means that there is nothing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct JsonCodec;

impl<V: Serialize + ?Sized> Encode<V> for JsonCodec {
    fn encode(&self, value: &V) -> Result<Vec<u8>, Error> {
        // serde_json's own words may quote the value.
        serde_json::to_vec(value).map_err(|_| {
            Error::encode(
                "the value cannot be written as JSON: the keys of a map have to be text or numbers, and serde must not fail",
            )
        })
    }

    fn nothing(&self) -> Option<&[u8]> {
        Some(b"null")
    }
}

impl<V: DeserializeOwned> Decode<V> for JsonCodec {
    fn decode(&self, bytes: &[u8]) -> Result<V, Error> {
        serde_json::from_slice(bytes)
            .map_err(|_| Error::decode("the stored JSON is not of the type asked for"))
    }
}
