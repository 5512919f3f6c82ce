//! Where Upstash answers differently from the server behind: what it refuses, adds and removes.
//!
//! Which commands read, write or block is taken from the server's own COMMAND, so new commands need no
//! change here. Where a server has none, what is known here must do.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    extensions::{self, Part},
    names::{CONNECTION_ONLY, JSON_READS, OTHERS, POWERFUL, READS, SERVER_ONLY, SETTINGS, is_json},
    request::Command,
    resp::{self, Token, Tokens},
};

const LONGEST_NAME: usize = 48;
const LOCKING_FLAG: &str = "allow-key-locking";

/// Which token a request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Full,
    ReadOnly,
}

/// What becomes of one command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was appended to what is sent.
    Sent,
    /// It was appended; where the server does not answer with an error, this answers instead.
    SentButAnswer(Vec<u8>),
    /// It was appended, a SCAN; the types of the keys it finds belong to the answer.
    SentForTypes,
    /// It was appended; a part of what comes is the answer.
    SentForPart(Part),
    /// It is answered without the server, and counts as this command.
    Answer(&'static [u8], &'static str),
    /// It is not run.
    Refuse(String),
}

impl Step {
    pub(crate) const fn is_sent(&self) -> bool {
        !matches!(self, Self::Answer(..) | Self::Refuse(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Forward,
    Refuse,
    /// BITOP, with operations that the server lacks.
    Bitop,
    Config,
    Copy,
    Delex,
    /// XDELEX or XACKDEL, which the server lacks.
    DeleteEntries,
    Eval,
    EvalSha,
    Scan,
    Script,
    Select,
    Unlink,
    Wait,
    XRead,
    ZRange,
}

impl Rule {
    /// The rule for a command, named in small letters.
    fn of(name: &[u8], blocks: bool) -> Self {
        match name {
            b"config" => Self::Config,
            b"copy" => Self::Copy,
            b"eval" | b"eval_ro" => Self::Eval,
            b"evalsha" | b"evalsha_ro" => Self::EvalSha,
            b"scan" => Self::Scan,
            b"script" => Self::Script,
            b"select" => Self::Select,
            b"unlink" => Self::Unlink,
            b"wait" | b"waitaof" => Self::Wait,
            b"xread" | b"xreadgroup" => Self::XRead,
            b"zrange" | b"zrangestore" => Self::ZRange,
            _ if blocks => Self::Refuse,
            _ => Self::Forward,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    rule: Rule,
    /// A read-only token may use it.
    reads: bool,
}

/// The rules for one server, and the scripts it was given under another hash.
#[derive(Debug)]
pub(crate) struct Rules {
    commands: HashMap<Box<[u8]>, Entry>,
    /// What becomes of a command that is in none of the lists.
    unknown: Entry,
    compares_on_delete: bool,
    scripts: Mutex<HashMap<String, String>>,
}

impl Rules {
    /// Builds them from the reply to COMMAND, which may be an error.
    pub(crate) fn new(commands: &[u8]) -> Self {
        let mut rules = Self {
            commands: HashMap::new(),
            unknown: Entry {
                rule: Rule::Forward,
                reads: true,
            },
            compares_on_delete: false,
            scripts: Mutex::default(),
        };
        let mut entries = Tokens::new(commands);
        if let Some(Token::Array(_)) = entries.next() {
            while let Some(entry) = entries.value() {
                rules.learn(entry);
            }
        }
        if rules.commands.is_empty() {
            rules.know();
        }
        for name in JSON_READS.split_whitespace() {
            let entry = Entry {
                rule: Rule::Forward,
                reads: true,
            };
            rules
                .commands
                .entry(name.as_bytes().into())
                .or_insert(entry);
        }
        rules.compares_on_delete = rules.commands.contains_key(b"delifeq".as_slice());
        let absent = Entry {
            rule: Rule::Delex,
            reads: false,
        };
        rules.commands.entry((*b"delex").into()).or_insert(absent);
        // Both came with Redis 8.2, as BITOP's operations did.
        if !rules.commands.contains_key(b"xdelex".as_slice()) {
            for (name, rule) in [
                ("bitop", Rule::Bitop),
                ("xackdel", Rule::DeleteEntries),
                ("xdelex", Rule::DeleteEntries),
            ] {
                let emulated = Entry { rule, reads: false };
                rules.commands.insert(name.as_bytes().into(), emulated);
            }
        }
        for name in [CONNECTION_ONLY, SERVER_ONLY]
            .into_iter()
            .flat_map(str::split_whitespace)
        {
            let refused = Entry {
                rule: Rule::Refuse,
                reads: true,
            };
            rules.commands.insert(name.as_bytes().into(), refused);
        }
        rules
    }

    /// What is known without the server.
    fn know(&mut self) {
        self.unknown.reads = false;
        for (names, reads) in [(READS, true), (OTHERS, false)] {
            for name in names.split_whitespace() {
                let blocks = name.starts_with('b') && name.contains("pop") || name == "blmove";
                let rule = Rule::of(name.as_bytes(), blocks);
                self.commands
                    .insert(name.as_bytes().into(), Entry { rule, reads });
            }
        }
    }

    /// One element of COMMAND: name, arity, flags, and in place 9 (Redis 7 and later) the subcommands.
    fn learn(&mut self, entry: &[u8]) {
        let mut fields = Tokens::new(entry);
        let (Some(Token::Array(_)), Some(Token::Bulk(name))) = (fields.next(), fields.next())
        else {
            return;
        };
        let name = name.to_ascii_lowercase();
        let (Some(_arity), Some(flags)) = (fields.next(), words(&mut fields)) else {
            return;
        };
        let has = |flag: &[u8]| flags.contains(&flag);
        let powerful = POWERFUL.split(' ').any(|known| known.as_bytes() == name);
        let reads = !powerful && !has(b"write") && !has(b"admin");
        let rule = Rule::of(&name, has(b"blocking"));
        self.commands.insert(name.into(), Entry { rule, reads });
        // First key, last key, step, categories, tips, key specifications.
        for _ in 0..6 {
            fields.value();
        }
        if let Some(Token::Array(count)) = fields.next() {
            for _ in 0..count {
                if let Some(subcommand) = fields.value() {
                    self.learn(subcommand);
                }
            }
        }
    }

    /// The entry of a command, or of its subcommand if the server describes those.
    fn find(&self, name: &[u8], subcommand: Option<&[u8]>) -> Option<Entry> {
        let mut key = [0; LONGEST_NAME];
        let mut length = 0;
        let parts = [Some(name), subcommand.map(|_| b"|".as_slice()), subcommand];
        for part in parts.into_iter().flatten() {
            let end = length + part.len();
            key.get_mut(length..end)?.copy_from_slice(part);
            length = end;
        }
        let key = key.get_mut(..length)?;
        key.make_ascii_lowercase();
        self.commands.get(&*key).copied()
    }

    /// Decides about one command, and appends what is sent for it to `out`.
    pub(crate) fn plan(&self, command: Command<'_>, access: Access, out: &mut Vec<u8>) -> Step {
        if let Some(problem) = command.problem() {
            return Step::Refuse(problem.to_owned());
        }
        let entry = self
            .find(command.name(), None)
            .unwrap_or(match is_json(command) {
                true => Entry {
                    rule: Rule::Forward,
                    reads: false,
                },
                false => self.unknown,
            });
        if access == Access::ReadOnly && entry.rule != Rule::Refuse {
            let inner = command
                .arg(1)
                .and_then(|subcommand| self.find(command.name(), Some(subcommand)));
            if !entry.reads || inner.is_some_and(|inner| !inner.reads) {
                return Step::Refuse(no_permission(&text(command.name())));
            }
        }
        let is = |index: usize, word: &[u8]| {
            command
                .arg(index)
                .is_some_and(|arg| arg.eq_ignore_ascii_case(word))
        };
        let refuse = || {
            Step::Refuse(format!(
                "ERR Command is not available: '{}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details",
                text(command.name()).to_ascii_uppercase()
            ))
        };
        match entry.rule {
            Rule::Forward => {}
            Rule::Refuse => return refuse(),
            Rule::Bitop if command.len() >= 4 => {
                let is_new = ["DIFF", "DIFF1", "ANDOR", "ONE"]
                    .iter()
                    .any(|operation| is(1, operation.as_bytes()));
                if is_new {
                    let operation = command.arg(1).unwrap_or_default();
                    return extensions::bitop(operation, command, out);
                }
            }
            Rule::Bitop => {}
            Rule::DeleteEntries => {
                let needed = if is(0, b"XACKDEL") { 6 } else { 5 };
                if command.len() < needed {
                    return Step::Refuse(format!(
                        "ERR wrong number of arguments for '{}' command",
                        text(command.name()).to_ascii_lowercase()
                    ));
                }
                return extensions::delete_entries(command, out);
            }
            Rule::Config if is(1, b"SET") => {
                let mut names = command.args().skip(2).step_by(2);
                if let Some(name) = names.find(|name| !is_setting(name)) {
                    return Step::Refuse(format!(
                        "ERR CONFIG SET failed - restis-local does not change '{}', which may open the server or write files; start a server with it and use --redis",
                        text(name)
                    ));
                }
            }
            Rule::Config if command.len() < 2 || is(1, b"GET") => {}
            Rule::Config => return refuse(),
            // The server behind calls it an error.
            Rule::Copy if command.len() >= 3 && command.arg(1) == command.arg(2) => {
                return Step::Answer(b":0\r\n", "COPY");
            }
            Rule::Copy => {}
            Rule::Delex if command.len() == 2 => {
                return send(out, [b"DEL".as_slice()].into_iter(), command, 1);
            }
            Rule::Delex if self.compares_on_delete && command.len() == 4 && is(2, b"IFEQ") => {
                let key = command.arg(1).unwrap_or_default();
                return send(out, [b"DELIFEQ".as_slice(), key].into_iter(), command, 3);
            }
            Rule::Delex => {}
            Rule::Eval => {
                if let Some((script, _, _)) = command.arg(1).and_then(|script| self.strip(script)) {
                    let head = [command.name(), &script];
                    return send(out, head.into_iter(), command, 2);
                }
            }
            Rule::EvalSha => {
                if let Some(sha) = command.arg(1).and_then(|sha| self.other_hash(sha)) {
                    let head = [command.name(), sha.as_bytes()];
                    return send(out, head.into_iter(), command, 2);
                }
            }
            Rule::Scan => {
                if let Some(args) = extensions::scan(command) {
                    resp::encode(out, args.into_iter());
                    return Step::SentForTypes;
                }
            }
            Rule::Script if is(1, b"DEBUG") => return refuse(),
            Rule::Script if is(1, b"LOAD") && command.len() == 3 => {
                if let Some((script, _, sha)) = command.arg(2).and_then(|script| self.strip(script))
                {
                    let head = [command.name(), b"LOAD", &script];
                    send(out, head.into_iter(), command, 3);
                    return Step::SentButAnswer(
                        format!("${}\r\n{sha}\r\n", sha.len()).into_bytes(),
                    );
                }
            }
            Rule::Script if is(1, b"EXISTS") => {
                let known: Vec<Option<String>> =
                    command.args().map(|arg| self.other_hash(arg)).collect();
                let args = command.args().zip(&known);
                let args = args.map(|(arg, known)| known.as_ref().map_or(arg, String::as_bytes));
                resp::encode(out, args);
                return Step::Sent;
            }
            Rule::Script => {}
            // There is one database, and the connection behind stays where it is.
            Rule::Select if command.len() == 2 && is(1, b"0") => {
                return Step::Answer(b"+OK\r\n", "SELECT");
            }
            Rule::Select if command.len() == 2 => {
                return Step::Refuse("ERR DB index is out of range".to_owned());
            }
            Rule::Select => {}
            Rule::Unlink if command.len() == 1 => return Step::Answer(b":0\r\n", "UNLINK"),
            Rule::Unlink => {}
            // Asked for no replica they answer at once; waiting would hold up everybody behind.
            Rule::Wait => {
                let wanted = if is(0, b"WAIT") { 1..2 } else { 1..3 };
                let args: Vec<&[u8]> = command.args().collect();
                let args = args.iter().enumerate();
                let args = args.map(|(index, arg)| match arg.iter().all(u8::is_ascii_digit) {
                    true if wanted.contains(&index) => b"0".as_slice(),
                    _ => arg,
                });
                resp::encode(out, args);
                return Step::Sent;
            }
            Rule::XRead if blocks(command) => return refuse(),
            Rule::XRead => {}
            Rule::ZRange => {
                if let Some(step) = extensions::zrange(command, out) {
                    return step;
                }
            }
        }
        resp::encode(out, command.args());
        Step::Sent
    }

    /// Removes the flag that no server but Upstash's knows: the script without it, and both hashes.
    fn strip(&self, script: &[u8]) -> Option<(Vec<u8>, String, String)> {
        let stripped = without_locking_flag(script)?;
        let sent = sha1_smol::Sha1::from(&stripped).digest().to_string();
        let given = sha1_smol::Sha1::from(script).digest().to_string();
        self.scripts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(given.clone(), sent.clone());
        Some((stripped, sent, given))
    }

    /// The hash the server knows a script by that was given to us with the flag.
    fn other_hash(&self, sha: &[u8]) -> Option<String> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if scripts.is_empty() {
            return None;
        }
        let sha = std::str::from_utf8(sha).ok()?.to_ascii_lowercase();
        scripts.get(&sha).cloned()
    }
}

/// Whether CONFIG SET may change a setting: those of memory, encodings, events and logs in memory, of which none opens a
/// port, changes who may log in, or names a file.
fn is_setting(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    SETTINGS
        .split_whitespace()
        .any(|known| match known.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == known,
        })
}

/// What a token that may only read is told.
pub(crate) fn no_permission(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    format!("NOPERM this user has no permissions to run the '{name}' command")
}

/// Appends `head` and the arguments of `command` from number `rest` on.
fn send<'a>(
    out: &mut Vec<u8>,
    head: impl ExactSizeIterator<Item = &'a [u8]>,
    command: Command<'a>,
    rest: usize,
) -> Step {
    let args: Vec<&[u8]> = head.chain(command.args().skip(rest)).collect();
    resp::encode(out, args.into_iter());
    Step::Sent
}

/// Takes an array of words.
fn words<'a>(fields: &mut Tokens<'a>) -> Option<Vec<&'a [u8]>> {
    let Some(Token::Array(count)) = fields.next() else {
        return None;
    };
    let words = fields.take(count).map(|token| match token {
        Token::Status(word) | Token::Bulk(word) => word,
        _ => b"",
    });
    Some(words.collect())
}

/// XREAD and XREADGROUP block if asked to, before the word STREAMS.
fn blocks(command: Command<'_>) -> bool {
    let mut args = command.args().skip(1);
    while let Some(arg) = args.next() {
        if arg.eq_ignore_ascii_case(b"BLOCK") {
            return true;
        }
        if arg.eq_ignore_ascii_case(b"STREAMS") {
            return false;
        }
        if arg.eq_ignore_ascii_case(b"GROUP") {
            // A group or a consumer may have any name.
            args.nth(1);
        }
    }
    false
}

/// The script without `allow-key-locking` in its first line, if it is there.
fn without_locking_flag(script: &[u8]) -> Option<Vec<u8>> {
    if !script.starts_with(b"#!") {
        return None;
    }
    let end = script
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(script.len());
    let (line, rest) = script.split_at_checked(end)?;
    let line = std::str::from_utf8(line).ok()?;
    let mut found = false;
    let mut words = Vec::new();
    for word in line.split_ascii_whitespace() {
        let Some(flags) = word.strip_prefix("flags=") else {
            words.push(word.to_owned());
            continue;
        };
        let kept: Vec<&str> = flags
            .split(',')
            .filter(|&flag| flag != LOCKING_FLAG)
            .collect();
        found |= kept.len() < flags.split(',').count();
        if !kept.is_empty() {
            words.push(format!("flags={}", kept.join(",")));
        }
    }
    found.then(|| [words.join(" ").as_bytes(), rest].concat())
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::request::from_json;

    /// COMMAND as a server with these commands gives it.
    fn rules(commands: &[(&str, &str)]) -> Rules {
        let mut reply = format!("*{}\r\n", commands.len());
        for (name, flags) in commands {
            let flags: Vec<&str> = flags.split_whitespace().collect();
            let words: String = flags.iter().map(|flag| format!("+{flag}\r\n")).collect();
            let length = name.len();
            reply += &format!(
                "*6\r\n${length}\r\n{name}\r\n:-1\r\n*{}\r\n{words}",
                flags.len()
            );
            reply += ":1\r\n:1\r\n:1\r\n";
        }
        Rules::new(reply.as_bytes())
    }

    fn plan(rules: &Rules, access: Access, json: &str) -> (Step, String) {
        let batch = from_json(json.as_bytes()).unwrap();
        let mut out = Vec::new();
        let step = rules.plan(batch.commands().next().unwrap(), access, &mut out);
        let sent = Tokens::new(&out).filter_map(|token| match token {
            Token::Bulk(arg) => Some(String::from_utf8(arg.to_vec()).unwrap()),
            _ => None,
        });
        (step, sent.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_flag_is_removed_and_nothing_else() {
        let table = [
            (
                "#!lua flags=allow-key-locking\nreturn 1",
                Some("#!lua\nreturn 1"),
            ),
            (
                "#!lua flags=no-writes,allow-key-locking\nx",
                Some("#!lua flags=no-writes\nx"),
            ),
            (
                "#!lua flags=allow-key-locking,no-writes\nx",
                Some("#!lua flags=no-writes\nx"),
            ),
            ("#!lua name=n flags=allow-key-locking", Some("#!lua name=n")),
            ("#!lua flags=no-writes\nreturn 1", None),
            ("#!lua\nreturn 'flags=allow-key-locking'", None),
            ("return 'flags=allow-key-locking'", None),
            ("", None),
        ];
        for (script, expected) in table {
            let stripped = without_locking_flag(script.as_bytes());
            let stripped = stripped.map(|script| String::from_utf8(script).unwrap());
            assert_eq!(stripped.as_deref(), expected, "{script}");
        }
    }

    #[test]
    fn commands_are_sent_as_they_are_answered_here_or_refused() {
        let rules = rules(&[
            ("blpop", "write blocking"),
            ("config", ""),
            ("copy", "write"),
            ("delifeq", "write"),
            ("script", ""),
            ("select", ""),
            ("unlink", "write"),
            ("wait", "blocking"),
            ("waitaof", "blocking"),
            ("xread", "readonly blocking"),
            ("xreadgroup", "write blocking"),
        ]);
        let table = [
            (r#"["sEt","k","v"]"#, Some("sEt k v")),
            (r#"["NOSUCH","k"]"#, Some("NOSUCH k")),
            (r#"["CONFIG","get","save"]"#, Some("CONFIG get save")),
            (r#"["CONFIG","RESETSTAT"]"#, None),
            (r#"["CONFIG"]"#, Some("CONFIG")),
            (r#"["COPY","a","b"]"#, Some("COPY a b")),
            (r#"["DELEX","k"]"#, Some("DEL k")),
            (r#"["DELEX","k","ifeq","v"]"#, Some("DELIFEQ k v")),
            (r#"["DELEX","k","IFNE","v"]"#, Some("DELEX k IFNE v")),
            (r#"["UNLINK","a"]"#, Some("UNLINK a")),
            (r#"["WAIT",1,1000]"#, Some("WAIT 0 1000")),
            (r#"["WAITAOF",1,2,1000]"#, Some("WAITAOF 0 0 1000")),
            (r#"["WAIT","x",1]"#, Some("WAIT x 1")),
            (
                r#"["XREAD","COUNT",1,"STREAMS","BLOCK",0]"#,
                Some("XREAD COUNT 1 STREAMS BLOCK 0"),
            ),
            (r#"["XREAD","block",0,"STREAMS","s",0]"#, None),
            (
                r#"["XREADGROUP","GROUP","BLOCK","c","STREAMS","s",">"]"#,
                Some("XREADGROUP GROUP BLOCK c STREAMS s >"),
            ),
            (
                r#"["XREADGROUP","GROUP","g","c","BLOCK",1,"STREAMS","s",">"]"#,
                None,
            ),
            (r#"["BLPOP","k",0]"#, None),
            (r#"["client","ID"]"#, None),
            (r#"["SCRIPT","DEBUG","YES"]"#, None),
            (r#"["SELECT",3]"#, None),
        ];
        for (json, expected) in table {
            let (step, sent) = plan(&rules, Access::Full, json);
            match expected {
                Some(expected) => assert_eq!((step, sent.as_str()), (Step::Sent, expected)),
                None => assert!(matches!(step, Step::Refuse(_)), "{json}: {step:?}"),
            }
        }
        for (json, expected) in [
            (r#"["COPY","a","a"]"#, Step::Answer(b":0\r\n", "COPY")),
            (r#"["UNLINK"]"#, Step::Answer(b":0\r\n", "UNLINK")),
            (r#"["SELECT","0"]"#, Step::Answer(b"+OK\r\n", "SELECT")),
        ] {
            assert_eq!(plan(&rules, Access::Full, json), (expected, String::new()));
        }
    }

    #[test]
    fn a_read_only_token_may_read() {
        let rules = rules(&[
            ("get", "readonly fast"),
            ("set", "write"),
            ("keys", "readonly"),
            ("scan", "readonly"),
            ("eval", "noscript"),
            ("eval_ro", "noscript readonly"),
            ("pfcount", "readonly"),
            ("publish", "pubsub fast"),
            ("acl|setuser", "admin"),
            ("acl", ""),
            ("ping", "fast"),
        ]);
        let refused =
            |json: &str| matches!(plan(&rules, Access::ReadOnly, json).0, Step::Refuse(_));
        for json in [
            r#"["GET","k"]"#,
            r#"["PING"]"#,
            r#"["EVAL_RO","",0]"#,
            r#"["PFCOUNT","k"]"#,
            r#"["ACL","WHOAMI"]"#,
            r#"["NOSUCH"]"#,
        ] {
            assert!(!refused(json), "{json}");
        }
        for json in [
            r#"["SET","k","v"]"#,
            r#"["KEYS","*"]"#,
            r#"["SCAN",0]"#,
            r#"["EVAL","",0]"#,
            r#"["PUBLISH","c","m"]"#,
            r#"["acl","SetUser","x"]"#,
            r#"["DELEX","k"]"#,
        ] {
            assert!(refused(json), "{json}");
        }
        assert_eq!(
            plan(&rules, Access::ReadOnly, r#"["SeT","k","v"]"#).0,
            Step::Refuse("NOPERM this user has no permissions to run the 'set' command".into())
        );
    }

    #[test]
    fn a_script_is_known_by_both_hashes() {
        let rules = rules(&[("eval", ""), ("evalsha", ""), ("script", "")]);
        let given = sha1_smol::Sha1::from("#!lua flags=allow-key-locking\nreturn 1")
            .digest()
            .to_string();
        let sent = sha1_smol::Sha1::from("#!lua\nreturn 1")
            .digest()
            .to_string();
        let hash = |json: String| plan(&rules, Access::Full, &json).1;
        let evalsha = format!(r#"["EVALSHA","{}",0]"#, given.to_uppercase());
        assert_eq!(
            hash(evalsha.clone()),
            format!("EVALSHA {} 0", given.to_uppercase())
        );
        let load = r##"["SCRIPT","LOAD","#!lua flags=allow-key-locking\nreturn 1"]"##;
        assert_eq!(
            plan(&rules, Access::Full, load),
            (
                Step::SentButAnswer(format!("$40\r\n{given}\r\n").into_bytes()),
                "SCRIPT LOAD #!lua\nreturn 1".into()
            )
        );
        assert_eq!(hash(evalsha), format!("EVALSHA {sent} 0"));
        assert_eq!(
            hash(format!(r#"["SCRIPT","EXISTS","{given}","{sent}","x"]"#)),
            format!("SCRIPT EXISTS {sent} {sent} x")
        );
    }
}
