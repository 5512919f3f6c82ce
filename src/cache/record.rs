//! What stands in an entry's key: a value with its header, or the claim of whoever loads one.
//!
//! Everything is text, so that it travels in a batch and reads well in redis-cli. Fields end with `;`:
//!
//! ```text
//! r1v;id;fresh until;window;load time;coding;version of the namespace;etag;tag=version,…;payload
//! r1n;…                                       the same, of a value that is nothing
//! r1c;token;lease;                            a claim: somebody loads the value
//! r1u;token;lease;                            a claim: somebody updates the source
//! r1f;token;lease;                            a claim that is over: loading failed
//! ```
//!
//! The second character is the version of the format. What is of another version, or not ours at all, is foreign:
//! a miss. Times are in milliseconds.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};

use crate::{random, wire::request::percent_encode};

const VALUE: &str = "r1v;";
const NOTHING: &str = "r1n;";

/// A day; no claim is waited for so long.
const MAX_LEASE: u64 = 24 * 60 * 60 * 1000;

/// What a compressed payload may unfold to.
#[cfg(feature = "compress")]
const MAX_UNFOLDED: u64 = 256 * 1024 * 1024;

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// All of it.
    text: String,
    /// Where the payload begins.
    payload: usize,
    pub(super) head: Head,
}

/// All but the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The loader found nothing.
    pub(super) nothing: bool,
    /// Which value this is; a new one with every write.
    pub(super) id: String,
    /// By the clock of who wrote it.
    pub(super) fresh_until: u64,
    /// How much longer it may be kept than it is fresh. Without it the server's expiry alone ends it.
    pub(super) window: u64,
    pub(super) load_time: u64,
    pub(super) coding: Coding,
    /// The version of the namespace it belongs to.
    pub(super) namespace: String,
    pub(super) etag: Option<String>,
    /// With the versions they had before it was loaded.
    pub(super) tags: Vec<(String, String)>,
}

/// How the payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Text,
    Base64,
    #[cfg(feature = "compress")]
    Deflate,
}

/// Somebody is at work on the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) text: String,
    /// In milliseconds.
    pub(super) lease: u64,
    pub(super) work: Work,
}

/// What a claim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Load,
    Update,
    /// It was a load, and failed.
    Failed,
}

impl Work {
    const ALL: [Self; 3] = [Self::Load, Self::Update, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Load => "r1c;",
            Self::Update => "r1u;",
            Self::Failed => "r1f;",
        }
    }
}

/// What was found in an entry's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Record(Record),
    Claim(Claim),
    /// Of another version, of another program, or broken.
    Foreign(String),
}

impl Stored {
    pub(super) fn read(text: String) -> Self {
        if let Some(claim) = Claim::read(&text) {
            return Self::Claim(claim);
        }
        match Head::read(&text) {
            Some((head, payload)) => Self::Record(Record {
                text,
                payload,
                head,
            }),
            None => Self::Foreign(text),
        }
    }
}

impl Claim {
    pub(super) fn new(lease: u64, work: Work) -> Self {
        Self {
            text: format!("{}{};{lease};", work.word(), random::name()),
            lease,
            work,
        }
    }

    fn read(text: &str) -> Option<Self> {
        let is_it = |work: &Work| text.starts_with(work.word());
        let work = Work::ALL.into_iter().find(is_it)?;
        let lease: u64 = text.split(';').nth(2)?.parse().ok()?;
        Some(Self {
            text: text.to_owned(),
            // Whatever somebody has written there.
            lease: lease.min(MAX_LEASE),
            work,
        })
    }
}

impl Record {
    /// Writes a value. Compressed if it is larger than `compress_above` bytes and that saves a fifth.
    pub(super) fn new(mut head: Head, payload: Vec<u8>, compress_above: usize) -> Self {
        let (coding, payload) = fold(payload, compress_above);
        head.coding = coding;
        Self::of(head, &payload)
    }

    /// The payload of this one under another head.
    pub(super) fn renewed(&self, mut head: Head) -> Self {
        head.coding = self.head.coding;
        head.nothing = self.head.nothing;
        Self::of(head, self.folded())
    }

    fn of(head: Head, payload: &str) -> Self {
        let mut text = head.written();
        let begin = text.len();
        text.push_str(payload);
        Self {
            text,
            payload: begin,
            head,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The beginning that no other record has.
    pub(super) fn mark(&self) -> String {
        let kind = if self.head.nothing { NOTHING } else { VALUE };
        format!("{kind}{};", self.head.id)
    }

    fn folded(&self) -> &str {
        self.text.get(self.payload..).unwrap_or_default()
    }

    /// The value as its codec wrote it; `None` if it is broken.
    pub(super) fn payload(&self) -> Option<Cow<'_, [u8]>> {
        let folded = self.folded();
        match self.head.coding {
            Coding::Text => Some(Cow::Borrowed(folded.as_bytes())),
            Coding::Base64 => BASE64.decode(folded).ok().map(Cow::Owned),
            #[cfg(feature = "compress")]
            Coding::Deflate => {
                use std::io::Read;

                let bytes = BASE64.decode(folded).ok()?;
                let mut unfolded = Vec::new();
                flate2::read::DeflateDecoder::new(&*bytes)
                    .take(MAX_UNFOLDED + 1)
                    .read_to_end(&mut unfolded)
                    .ok()?;
                (unfolded.len() as u64 <= MAX_UNFOLDED).then_some(Cow::Owned(unfolded))
            }
        }
    }
}

impl Head {
    pub(super) fn new(namespace: String) -> Self {
        Self {
            nothing: false,
            id: random::name(),
            fresh_until: 0,
            window: 0,
            load_time: 0,
            coding: Coding::Text,
            namespace,
            etag: None,
            tags: Vec::new(),
        }
    }

    fn written(&self) -> String {
        let mut text = String::from(if self.nothing { NOTHING } else { VALUE });
        text.push_str(&self.id);
        let coding = match self.coding {
            Coding::Text => "t",
            Coding::Base64 => "b",
            #[cfg(feature = "compress")]
            Coding::Deflate => "z",
        };
        for field in [
            &*self.fresh_until.to_string(),
            &*self.window.to_string(),
            &*self.load_time.to_string(),
            coding,
            &self.namespace,
        ] {
            text.push(';');
            text.push_str(field);
        }
        text.push(';');
        if let Some(etag) = &self.etag {
            // An etag may be empty, which is not the same as none.
            text.push('=');
            percent_encode(&mut text, etag);
        }
        text.push(';');
        for (index, (tag, version)) in self.tags.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            percent_encode(&mut text, tag);
            text.push('=');
            text.push_str(version);
        }
        text.push(';');
        text
    }

    /// The head, and where the payload begins.
    fn read(text: &str) -> Option<(Self, usize)> {
        let nothing = text.starts_with(NOTHING);
        if !nothing && !text.starts_with(VALUE) {
            return None;
        }
        let mut fields = text.splitn(10, ';').skip(1);
        let id = fields.next()?.to_owned();
        let fresh_until = fields.next()?.parse().ok()?;
        let window = fields.next()?.parse().ok()?;
        let load_time = fields.next()?.parse().ok()?;
        let coding = match fields.next()? {
            "t" => Coding::Text,
            "b" => Coding::Base64,
            #[cfg(feature = "compress")]
            "z" => Coding::Deflate,
            _ => return None,
        };
        let namespace = fields.next()?.to_owned();
        let etag = match fields.next()? {
            "" => None,
            etag => Some(percent_decode(etag.strip_prefix('=')?)?),
        };
        let tags = match fields.next()? {
            "" => Vec::new(),
            tags => tags
                .split(',')
                .map(|pair| {
                    let (tag, version) = pair.split_once('=')?;
                    Some((percent_decode(tag)?, version.to_owned()))
                })
                .collect::<Option<_>>()?,
        };
        let payload = text.len() - fields.next()?.len();
        let head = Self {
            nothing,
            id,
            fresh_until,
            window,
            load_time,
            coding,
            namespace,
            etag,
            tags,
        };
        Some((head, payload))
    }
}

/// Text stays as it is, other bytes become base64; what is large is compressed if that pays.
fn fold(payload: Vec<u8>, compress_above: usize) -> (Coding, String) {
    #[cfg(feature = "compress")]
    if payload.len() > compress_above {
        use std::io::Write;

        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        let folded = encoder.write_all(&payload).and_then(|()| encoder.finish());
        if let Ok(folded) = folded {
            let folded = BASE64.encode(folded);
            if folded.len() <= payload.len() / 5 * 4 {
                return (Coding::Deflate, folded);
            }
        }
    }
    let _ = compress_above;
    match String::from_utf8(payload) {
        Ok(text) => (Coding::Text, text),
        Err(bytes) => (Coding::Base64, BASE64.encode(bytes.as_bytes())),
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What holds for whatever stands in an entry's key, and for any bytes as a payload behind the head of what does.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn any_entry(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    match Stored::read(text.clone()) {
        Stored::Foreign(same) => assert_eq!(same, text),
        Stored::Claim(claim) => assert!(claim.text == text && claim.lease <= MAX_LEASE),
        Stored::Record(record) => {
            assert_eq!(record.text(), text);
            assert!(text.starts_with(&record.mark()));
            let _ = record.payload();
            for above in [0, usize::MAX] {
                let written = Record::new(record.head.clone(), bytes.to_vec(), above);
                assert_eq!(written.payload().as_deref(), Some(bytes));
                let read = Stored::read(written.text().to_owned());
                assert_eq!(read, Stored::Record(written));
            }
        }
    }
}

// The properties need a source of randomness that wasm32 has not.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
