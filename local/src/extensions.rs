//! What Upstash adds to commands and a real server lacks: SCAN … WITHTYPE, LIMIT for ranges of ranks, and where the server is not
//! Redis 8.2 or later, BITOP's new operations, XDELEX and XACKDEL.

use crate::{
    request::Command,
    resp::{self, Token, Tokens},
    rules::Step,
};

const BITOP: &str = include_str!("bitop.lua");
const DELETE_ENTRIES: &str = include_str!("delete_entries.lua");

/// BITOP DIFF, DIFF1, ANDOR or ONE, by a script.
pub(crate) fn bitop(operation: &[u8], command: Command<'_>, out: &mut Vec<u8>) -> Step {
    let keys: Vec<&[u8]> = command.args().skip(2).collect();
    let count = keys.len().to_string();
    let head = [b"EVAL", BITOP.as_bytes(), count.as_bytes()];
    let args: Vec<&[u8]> = head.into_iter().chain(keys).chain([operation]).collect();
    resp::encode(out, args.into_iter());
    Step::Sent
}

/// XDELEX or XACKDEL, by a script.
pub(crate) fn delete_entries(command: Command<'_>, out: &mut Vec<u8>) -> Step {
    let has_group = command.name().eq_ignore_ascii_case(b"XACKDEL");
    let (group, rest) = match command.arg(2) {
        Some(group) if has_group => (group, 3),
        _ => (b"".as_slice(), 2),
    };
    let head = [
        b"EVAL",
        DELETE_ENTRIES.as_bytes(),
        b"1",
        command.arg(1).unwrap_or_default(),
        command.name(),
        group,
    ];
    let args: Vec<&[u8]> = head.into_iter().chain(command.args().skip(rest)).collect();
    resp::encode(out, args.into_iter());
    Step::Sent
}

/// A SCAN without its WITHTYPE, if it has one.
pub(crate) fn scan(command: Command<'_>) -> Option<Vec<&[u8]>> {
    let mut args: Vec<&[u8]> = command.args().take(2).collect();
    let mut options = command.args().skip(2);
    let mut found = false;
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"WITHTYPE") {
            found = true;
            continue;
        }
        // What follows one of the others is a value, whatever it looks like.
        args.push(option);
        args.extend(options.next());
    }
    found.then_some(args)
}

/// The cursor and the keys of a reply to SCAN.
fn scanned(reply: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let mut tokens = Tokens::new(reply);
    let (Some(Token::Array(2)), Some(cursor)) = (tokens.next(), tokens.value()) else {
        return None;
    };
    let Some(Token::Array(count)) = tokens.next() else {
        return None;
    };
    let keys: Vec<&[u8]> = (0..count).map_while(|_| tokens.value()).collect();
    Some((cursor, keys))
}

/// Appends the TYPE of each key that a reply to SCAN holds. Tells how many.
pub(crate) fn ask_types(reply: &[u8], out: &mut Vec<u8>) -> usize {
    let keys = scanned(reply).map_or(Vec::new(), |(_, keys)| keys);
    for key in &keys {
        if let Some(Token::Bulk(key) | Token::Status(key)) = Tokens::new(key).next() {
            resp::encode(out, [b"TYPE".as_slice(), key].into_iter());
        }
    }
    keys.len()
}

/// A reply to SCAN with the type behind each key. Keys that are gone meanwhile are left out.
pub(crate) fn with_types<'a>(reply: &[u8], types: &mut impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let Some((cursor, keys)) = scanned(reply) else {
        return reply.to_vec();
    };
    let pairs = keys.into_iter().zip(types).filter_map(|(key, kind)| {
        let Some(Token::Status(kind) | Token::Bulk(kind)) = Tokens::new(kind).next() else {
            return None;
        };
        (kind != b"none").then_some((key, kind))
    });
    let pairs: Vec<(&[u8], &[u8])> = pairs.collect();
    let mut out = [
        b"*2\r\n",
        cursor,
        format!("*{}\r\n", 2 * pairs.len()).as_bytes(),
    ]
    .concat();
    for (key, kind) in pairs {
        out.extend_from_slice(key);
        out.extend_from_slice(format!("${}\r\n", kind.len()).as_bytes());
        out.extend_from_slice(kind);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// What LIMIT leaves of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    offset: i64,
    count: i64,
    /// Each member is followed by its score.
    pairs: bool,
}

impl Part {
    pub(crate) fn of(self, reply: &[u8]) -> Vec<u8> {
        let mut tokens = Tokens::new(reply);
        let Some(Token::Array(_)) = tokens.next() else {
            return reply.to_vec();
        };
        let width = if self.pairs { 2 } else { 1 };
        let values: Vec<&[u8]> = std::iter::from_fn(|| tokens.value()).collect();
        let most = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        // An offset before the first finds nothing, and a count below zero everything, as with BYSCORE.
        let kept: Vec<&[u8]> = values
            .chunks(width)
            .skip(most(self.offset))
            .take(most(self.count))
            .flatten()
            .copied()
            .collect();
        [format!("*{}\r\n", kept.len()).into_bytes(), kept.concat()].concat()
    }
}

/// A ZRANGE or ZRANGESTORE by rank that has a LIMIT, which servers know with BYSCORE and BYLEX only. It
/// is sent with the ranks it comes down to. Where those depend on how many members there are, all of the
/// range is fetched and a part of it answered, which ZRANGESTORE cannot do.
pub(crate) fn zrange(command: Command<'_>, out: &mut Vec<u8>) -> Option<Step> {
    let stores = command.name().len() == b"ZRANGESTORE".len();
    let first = if stores { 3 } else { 2 };
    let (start, stop) = (number(command.arg(first))?, number(command.arg(first + 1))?);
    let mut args: Vec<&[u8]> = command.args().take(first + 2).collect();
    let mut options = command.args().skip(first + 2);
    let (mut limit, mut pairs) = (None, false);
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"BYSCORE") || option.eq_ignore_ascii_case(b"BYLEX") {
            return None;
        }
        if option.eq_ignore_ascii_case(b"LIMIT") {
            limit = Some((number(options.next())?, number(options.next())?));
            continue;
        }
        pairs |= option.eq_ignore_ascii_case(b"WITHSCORES");
        args.push(option);
    }
    let (offset, count) = limit?;
    let Some((start, stop)) = ranks(start, stop, offset, count) else {
        if stores {
            return None;
        }
        resp::encode(out, args.into_iter());
        return Some(Step::SentForPart(Part {
            offset,
            count,
            pairs,
        }));
    };
    let (start, stop) = (start.to_string(), stop.to_string());
    if let Some(range) = args.get_mut(first..) {
        for (arg, rank) in range.iter_mut().zip([&start, &stop]) {
            *arg = rank.as_bytes();
        }
    }
    resp::encode(out, args.into_iter());
    Some(Step::Sent)
}

fn number(arg: Option<&[u8]>) -> Option<i64> {
    std::str::from_utf8(arg?).ok()?.parse().ok()
}

/// The ranks a LIMIT leaves of a range, unless they are counted from an end that is not known.
fn ranks(start: i64, stop: i64, offset: i64, count: i64) -> Option<(i64, i64)> {
    if offset < 0 || count == 0 {
        return Some((1, 0));
    }
    if start < 0 || stop < -1 {
        return None;
    }
    let first = start.checked_add(offset)?;
    if count < 0 {
        return Some((first, stop));
    }
    let last = first.checked_add(count - 1)?;
    Some((first, if stop == -1 { last } else { last.min(stop) }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::request::from_json;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn sent(out: &[u8]) -> String {
        let words = Tokens::new(out).filter_map(|token| match token {
            Token::Bulk(word) => Some(text(word)),
            _ => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn withtype_is_taken_out_where_it_is_an_option() {
        let table = [
            (r#"["SCAN",0,"WITHTYPE"]"#, Some("SCAN 0")),
            (r#"["SCAN",0,"withtype","COUNT",5]"#, Some("SCAN 0 COUNT 5")),
            (
                r#"["SCAN",0,"MATCH","WITHTYPE","WITHTYPE"]"#,
                Some("SCAN 0 MATCH WITHTYPE"),
            ),
            (r#"["SCAN",0,"MATCH","WITHTYPE"]"#, None),
            (r#"["SCAN","WITHTYPE"]"#, None),
            (r#"["SCAN"]"#, None),
        ];
        for (json, expected) in table {
            let batch = from_json(json.as_bytes()).unwrap();
            let args = batch.commands().next().and_then(scan);
            let args = args.map(|args| args.into_iter().map(text).collect::<Vec<_>>().join(" "));
            assert_eq!(args.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn types_stand_behind_their_keys() {
        let reply = b"*2\r\n$1\r\n7\r\n*3\r\n$1\r\na\r\n$1\r\nb\r\n$0\r\n\r\n";
        let mut out = Vec::new();
        assert_eq!(ask_types(reply, &mut out), 3);
        assert_eq!(sent(&out), "TYPE a TYPE b TYPE ");
        let types: [&[u8]; 4] = [b"+string\r\n", b"+none\r\n", b"+hash\r\n", b"+set\r\n"];
        let mut types = types.into_iter();
        assert_eq!(
            text(&with_types(reply, &mut types)),
            "*2\r\n$1\r\n7\r\n*4\r\n$1\r\na\r\n$6\r\nstring\r\n$0\r\n\r\n$4\r\nhash\r\n"
        );
        assert_eq!(types.len(), 1, "the next SCAN has its own");
    }

    #[test]
    fn a_limit_becomes_ranks_or_a_part() {
        let part = |offset, count, pairs| {
            Some(Step::SentForPart(Part {
                offset,
                count,
                pairs,
            }))
        };
        let table = [
            (
                r#"["ZRANGE","z",0,-1,"LIMIT",1,2]"#,
                Some(Step::Sent),
                "ZRANGE z 1 2",
            ),
            (
                r#"["ZRANGE","z",2,9,"REV","LIMIT",3,100,"WITHSCORES"]"#,
                Some(Step::Sent),
                "ZRANGE z 5 9 REV WITHSCORES",
            ),
            (
                r#"["ZRANGE","z",0,5,"limit",2,-1]"#,
                Some(Step::Sent),
                "ZRANGE z 2 5",
            ),
            (
                r#"["ZRANGE","z",0,-1,"LIMIT",0,0]"#,
                Some(Step::Sent),
                "ZRANGE z 1 0",
            ),
            (
                r#"["ZRANGE","z",0,-1,"LIMIT",-1,5]"#,
                Some(Step::Sent),
                "ZRANGE z 1 0",
            ),
            (
                r#"["ZRANGE","z",-5,-1,"LIMIT",1,2]"#,
                part(1, 2, false),
                "ZRANGE z -5 -1",
            ),
            (
                r#"["ZRANGE","z",0,-2,"LIMIT",1,2,"WITHSCORES"]"#,
                part(1, 2, true),
                "ZRANGE z 0 -2 WITHSCORES",
            ),
            (
                r#"["ZRANGESTORE","d","z",0,-1,"LIMIT",1,2]"#,
                Some(Step::Sent),
                "ZRANGESTORE d z 1 2",
            ),
            (r#"["ZRANGESTORE","d","z",-5,-1,"LIMIT",1,2]"#, None, ""),
            (r#"["ZRANGE","z",0,-1]"#, None, ""),
            (r#"["ZRANGE","z",0,9,"BYSCORE","LIMIT",1,2]"#, None, ""),
            (r#"["ZRANGE","z","[a","[b","BYLEX","LIMIT",1,2]"#, None, ""),
            (r#"["ZRANGE","z",0,-1,"LIMIT","x",2]"#, None, ""),
            (r#"["ZRANGE","z",0,-1,"LIMIT",1]"#, None, ""),
        ];
        for (json, step, expected) in table {
            let batch = from_json(json.as_bytes()).unwrap();
            let mut out = Vec::new();
            assert_eq!(
                zrange(batch.commands().next().unwrap(), &mut out),
                step,
                "{json}"
            );
            assert_eq!(sent(&out), expected, "{json}");
        }
    }

    #[test]
    fn a_part_keeps_members_and_scores_together() {
        let reply = b"*6\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\nc\r\n$1\r\n3\r\n";
        let of = |offset, count, pairs| {
            text(
                &Part {
                    offset,
                    count,
                    pairs,
                }
                .of(reply),
            )
        };
        assert_eq!(of(1, 1, true), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
        assert_eq!(of(1, 1, false), "*1\r\n$1\r\n1\r\n");
        assert_eq!(of(2, -1, true), "*2\r\n$1\r\nc\r\n$1\r\n3\r\n");
        assert_eq!(of(3, -1, true), "*0\r\n");
    }
}
