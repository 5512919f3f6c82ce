//! Secrets: made by the platform's random source, known to their holder alone, and stored as hashes.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::Error;

/// The least bytes of a key.
const MIN_KEY: usize = 32;

/// 32 random bytes of a session, 16 of a family or of whoever has no name.
const SECRET: usize = 32;
const NAME: usize = 16;

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| {
        Error::config("the platform gives no secure random bytes, and no secret is made of others")
    })?;
    Ok(bytes)
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Exactly `N` bytes; text that only looks alike is none.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Longer text costs nothing.
    if text.len() != (N * 8).div_ceil(6) {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The name under which a secret is known to Redis.
pub(super) fn field(kind: &str, secret: &[u8]) -> String {
    let hash = Sha256::new_with_prefix(kind).chain_update(secret);
    encode(&hash.finalize())
}

/// The server's key: what is not random is made with it.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// `None` if it is too short.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let long_enough = Some(key).filter(|key| key.len() >= MIN_KEY)?;
        Hmac::new_from_slice(long_enough).ok().map(Self)
    }

    /// Each part with its length, so that no two lists of parts are the same bytes.
    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    fn sum(&self, parts: &[&[u8]]) -> [u8; SECRET] {
        self.mac(parts).finalize().into_bytes().into()
    }

    /// In the same time wherever they differ.
    fn agrees(&self, parts: &[&[u8]], sum: &[u8]) -> bool {
        self.mac(parts).verify_slice(sum).is_ok()
    }

    /// What stands for a user in keys and tokens.
    pub(super) fn tag(&self, user: &str) -> String {
        let sum = self.sum(&[b"user", user.as_bytes()]);
        encode(sum.first_chunk::<NAME>().unwrap_or(&[0; NAME]))
    }

    /// The secret of a generation of a family.
    fn generation(&self, tag: &str, family: &[u8], generation: u64) -> Vec<Vec<u8>> {
        vec![
            b"refresh".to_vec(),
            tag.as_bytes().to_vec(),
            family.to_vec(),
            generation.to_be_bytes().to_vec(),
        ]
    }

    /// The token of a family's generation: the same for the same, whoever makes it.
    pub(super) fn refresh_token(&self, tag: &str, family: &[u8; NAME], generation: u64) -> Token {
        let parts = self.generation(tag, family, generation);
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let (family, sum) = (encode(family), encode(&self.sum(&parts)));
        Token(format!("{tag}.{family}.{generation}.{sum}"))
    }

    /// The secret that takes the place of a token of another format: the same for the same.
    pub(super) fn successor(&self, user: &str, token: &str) -> Known {
        let id = self.sum(&[b"successor id", token.as_bytes()]);
        let id = *id.first_chunk().unwrap_or(&[0; NAME]);
        let secret = self.sum(&[b"successor", token.as_bytes()]);
        Known::of_parts(self.tag(user), id, secret)
    }

    /// A token against forged requests, of the session with this field.
    pub(super) fn csrf(&self, field: &str) -> Result<String, Error> {
        let salt = random::<NAME>()?;
        let sum = self.sum(&[b"csrf", field.as_bytes(), &salt]);
        Ok(format!("{}.{}", encode(&salt), encode(&sum)))
    }

    pub(super) fn is_csrf(&self, field: &str, token: &str) -> bool {
        let parts = token.split_once('.').and_then(|(salt, sum)| {
            let parts = (decode::<NAME>(salt)?, decode::<SECRET>(sum)?);
            Some(parts)
        });
        parts.is_some_and(|(salt, sum)| self.agrees(&[b"csrf", field.as_bytes(), &salt], &sum))
    }
}

/// What the holder of a session keeps: as a cookie, or in the header of a request.
///
/// Its text is the secret. It is not shown by `Debug`, and Redis never sees it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self(encode(bytes))
    }

    /// One that has been text on its way through JavaScript.
    pub(crate) fn of(text: String) -> Self {
        Self(text)
    }

    /// The text that is handed to the holder.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where a session is: a field of a hash.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) tag: String,
    pub(super) field: String,
}

/// What a token of a session says: which it is, and the secret of whom it is.
///
/// The id stays when the secret is replaced. Both are random; the field is a hash of the one, and the record has a keyed
/// hash of the other.
pub(super) struct Known {
    pub(super) place: Place,
    id: [u8; NAME],
    secret: [u8; SECRET],
}

impl Known {
    /// A new one, in the hash of a user, or of nobody.
    pub(super) fn new(tag: Option<String>) -> Result<Self, Error> {
        let tag = match tag {
            Some(tag) => tag,
            None => encode(&random::<NAME>()?),
        };
        Ok(Self::of_parts(tag, random()?, random()?))
    }

    pub(super) fn of_parts(tag: String, id: [u8; NAME], secret: [u8; SECRET]) -> Self {
        let field = field("session", &id);
        Self {
            place: Place { tag, field },
            id,
            secret,
        }
    }

    /// The same session under another secret.
    pub(super) fn renewed(&self) -> Result<Self, Error> {
        Ok(Self {
            place: self.place.clone(),
            id: self.id,
            secret: random()?,
        })
    }

    pub(super) fn token(&self) -> Token {
        let Place { tag, .. } = &self.place;
        Token(format!(
            "{tag}.{}.{}",
            encode(&self.id),
            encode(&self.secret)
        ))
    }

    pub(super) fn of_token(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let tag = parts.next()?;
        decode::<NAME>(tag)?;
        let id = decode(parts.next()?)?;
        let secret = decode(parts.next()?)?;
        let whole = parts.next().is_none();
        whole.then(|| Self::of_parts(tag.to_owned(), id, secret))
    }

    fn parts(&self) -> [&[u8]; 3] {
        [b"secret", self.place.field.as_bytes(), &self.secret]
    }

    /// What is stored of the secret.
    pub(super) fn hash(&self, key: &Key) -> String {
        encode(&key.sum(&self.parts()))
    }

    /// Whether that is stored of this secret, found out in the same time whatever it is.
    pub(super) fn is(&self, key: &Key, hash: &str) -> bool {
        decode::<SECRET>(hash).is_some_and(|sum| key.agrees(&self.parts(), &sum))
    }
}

/// A refresh token, taken apart.
pub(super) struct Family {
    pub(super) place: Place,
    pub(super) family: [u8; NAME],
    pub(super) generation: u64,
}

impl Family {
    pub(super) fn new(tag: String) -> Result<Self, Error> {
        let family = random::<NAME>()?;
        let field = field("family", &family);
        Ok(Self {
            place: Place { tag, field },
            family,
            generation: 0,
        })
    }

    /// The family of a token that was made with this key.
    pub(super) fn of_token(key: &Key, token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let tag = parts.next()?;
        decode::<NAME>(tag)?;
        let family = decode::<NAME>(parts.next()?)?;
        // At most 15 digits, which a script's numbers hold; written in one way only.
        let digits = parts.next().filter(|digits| digits.len() <= 15)?;
        let generation: u64 = digits.parse().ok()?;
        let sum = decode::<SECRET>(parts.next()?)?;
        let whole = parts.next().is_none() && generation.to_string() == digits;
        let secret = key.generation(tag, &family, generation);
        let secret: Vec<&[u8]> = secret.iter().map(Vec::as_slice).collect();
        (whole && key.agrees(&secret, &sum)).then(|| Self {
            place: Place {
                tag: tag.to_owned(),
                field: field("family", &family),
            },
            family,
            generation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new(&[7; 32]).unwrap()
    }

    #[test]
    fn tokens_are_read_as_they_are_written() {
        let known = Known::new(None).unwrap();
        let token = known.token();
        let read = Known::of_token(token.as_str()).unwrap();
        let (place, found) = (&known.place, &read.place);
        assert_eq!((&found.tag, &found.field), (&place.tag, &place.field));
        assert_eq!(token.as_str().len(), 22 + 1 + 22 + 1 + 43);
        let hash = known.hash(&key());
        assert!(read.is(&key(), &hash));
        let renewed = known.renewed().unwrap();
        assert_eq!(renewed.place.field, place.field);
        assert!(!renewed.is(&key(), &hash) && !known.is(&key(), ""));
        assert!(!known.is(&Key::new(&[8; 32]).unwrap(), &hash));
        assert_eq!(format!("{token:?}"), "Token(…)");
        let family = Family::new(key().tag("ada")).unwrap();
        for generation in [0, 1, 999_999_999_999_999] {
            let token = key().refresh_token(&family.place.tag, &family.family, generation);
            let read = Family::of_token(&key(), token.as_str()).unwrap();
            assert_eq!(read.generation, generation);
            assert_eq!(read.place.field, family.place.field);
            assert!(Known::of_token(token.as_str()).is_none());
            assert!(Family::of_token(&Key::new(&[8; 32]).unwrap(), token.as_str()).is_none());
        }
    }

    #[test]
    fn what_only_looks_like_a_token_is_none() {
        let (known, hash) = {
            let known = Known::new(None).unwrap();
            let hash = known.hash(&key());
            (known, hash)
        };
        let token = known.token();
        let token = token.as_str();
        let mut but_last = token.chars();
        but_last.next_back();
        let but_last = but_last.as_str();
        // The last character of 32 bytes has two bits that mean nothing: no second text means the same.
        let other = if token.ends_with('A') { 'B' } else { 'A' };
        for text in [
            "",
            ".",
            "a.b",
            token.get(1..).unwrap(),
            but_last,
            &format!("{token}="),
            &format!(" {token}"),
            &format!("{but_last}+"),
            &format!("{but_last}B"),
            &token.replace('.', ":"),
            &format!("{token}."),
            &format!("{token}.a"),
        ] {
            assert!(Known::of_token(text).is_none(), "{text}");
        }
        let changed = format!("{but_last}{other}");
        assert!(Known::of_token(&changed).is_none_or(|known| !known.is(&key(), &hash)));
    }

    #[test]
    fn generations_are_written_in_one_way() {
        let family = Family::new(key().tag("ada")).unwrap();
        let token = key().refresh_token(&family.place.tag, &family.family, 7);
        for digits in [".07.", ".+7.", ".8.", ".1000000000000000.", ".."] {
            let forged = token.as_str().replace(".7.", digits);
            assert!(Family::of_token(&key(), &forged).is_none(), "{digits}");
        }
    }

    #[test]
    fn csrf_tokens_belong_to_one_session() {
        let token = key().csrf("a").unwrap();
        assert!(key().is_csrf("a", &token));
        assert!(!key().is_csrf("b", &token));
        assert!(!Key::new(&[8; 32]).unwrap().is_csrf("a", &token));
        assert_ne!(key().csrf("a").unwrap(), token);
        for text in [
            "",
            ".",
            "a.b",
            token.get(1..).unwrap(),
            &format!("{token}x"),
        ] {
            assert!(!key().is_csrf("a", text), "{text}");
        }
    }

    #[test]
    fn users_are_told_apart() {
        assert_eq!(key().tag("ada"), key().tag("ada"));
        assert_ne!(key().tag("ada"), key().tag("bob"));
        assert_ne!(key().tag("ada"), Key::new(&[8; 32]).unwrap().tag("ada"));
        assert!(Key::new(&[7; 31]).is_none());
    }
}
