//! `Upstash-Encoding: base64`: every string of an answer is base64, except the status `OK`.

use ::base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Padding is accepted and not required: emulators differ, and no two texts become one by it.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes behind one string of a base64 answer; `None` where it is not base64.
///
/// A literal `OK` is the status, at any depth: base64 of whole bytes never has two characters that
/// end in `K`, because the last character then carries only two bits.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text == b"OK" {
        return Some(b"OK".to_vec());
    }
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            ("OK", Some(b"OK")),
            ("T0s=", Some(b"OK")),
            ("T0s", Some(b"OK")),
            ("Zm9v", Some(b"foo")),
            ("/wD+", Some(b"\xff\x00\xfe")),
            ("UE9ORw==", Some(b"PONG")),
            ("OL", None),
            ("a", None),
            ("Zm9v!", None),
            ("Zm 9v", None),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), bytes, "{text}");
        }
    }

    #[test]
    fn ok_is_never_the_base64_of_bytes() {
        for byte in 0..=255u8 {
            assert_ne!(ENGINE.encode([byte]).trim_end_matches('='), "OK");
        }
    }
}
