//! The program against restis-local before a real server: what a user types, and what comes back.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    io::{Read as _, Write as _},
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use restis_local::Local;

/// A restis-local in a thread of its own, which ends with this.
struct Server {
    url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let (told, url) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let local = Local::builder()
                    .token("local")
                    .read_only_token("reader")
                    .start()
                    .await
                    .unwrap();
                told.send(local.url().to_owned()).unwrap();
                let _ = stopped.await;
                local.stop().await;
            });
        });
        Self {
            url: url.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restis"));
        command
            .args(words)
            .env("UPSTASH_REDIS_REST_URL", &self.url)
            .env("UPSTASH_REDIS_REST_TOKEN", "local");
        command
    }

    fn output(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Standard output of what must succeed.
    fn says(&self, words: &[&str]) -> String {
        succeeded(&self.output(words))
    }

    fn with_input(&self, words: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(words);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn succeeded(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn any_command() {
    let server = Server::start();
    assert_eq!(server.says(&["set", "k", "two words"]), "OK\n");
    assert_eq!(server.says(&["GET", "k"]), "two words\n");
    assert_eq!(server.says(&["--json", "GET", "none"]), "null\n");
    assert_eq!(
        server.says(&["--json", "mget", "k", "none"]),
        "[\"two words\",null]\n"
    );
    assert_eq!(server.says(&["rpush", "l", "a", "b"]), "2\n");
    assert_eq!(server.says(&["lrange", "l", "0", "-1"]), "a\nb\n");
    // In upper case Redis's, else the list of --help.
    let scanned = json(&server.says(&["--json", "SCAN", "0"]));
    assert_eq!(scanned.get(0), Some(&"0".into()));
    assert_eq!(
        server.says(&["--json", "incrby", "n", "9007199254740993"]),
        "9007199254740993\n"
    );
}

#[test]
fn bytes_in_and_out() {
    let server = Server::start();
    let bytes = [0xff, 0x00, b'\n', 0x80];
    let set = server.with_input(&["-x", "set", "image"], &bytes);
    assert_eq!(succeeded(&set), "OK\n");
    let endless = server.with_input(&["-x", "set", "image"], &vec![b'x'; 10 * 1024 * 1024 + 1]);
    assert_eq!(endless.status.code(), Some(2));
    let got = server.output(&["get", "image"]);
    assert_eq!(got.stdout, [&bytes[..], b"\n"].concat());
    assert_eq!(
        json(&server.says(&["--json", "get", "image"])),
        serde_json::json!({ "base64": "/wAKgA==" })
    );
}

#[test]
fn lines_of_a_file() {
    let server = Server::start();
    let lines = b"# a comment\nSET a \"1\\n\"\n\nINCR b\nMGET a b\n";
    let output = server.with_input(&["--json"], lines);
    assert_eq!(succeeded(&output), "\"OK\"\n1\n[\"1\\n\",\"1\"]\n");
    let output = server.with_input(&[], b"INCR b\nLPUSH b x\nINCR b\n");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("line 2 failed, those after it were not run"),
        "{error}"
    );
    assert_eq!(server.says(&["get", "b"]), "2\n");
}

#[test]
fn errors_say_what_to_do_and_no_secret() {
    let server = Server::start();
    server.says(&["set", "secret-key", "secret-value"]);
    let output = server.output(&["lpush", "secret-key", "other-value"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.starts_with("restis: ") && error.contains("WRONGTYPE"),
        "{error}"
    );
    let output = server.output(&["--json", "lpush", "secret-key", "other-value"]);
    let told = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(told.pointer("/error/code"), Some(&"WRONGTYPE".into()));
    assert_eq!(told.pointer("/error/command"), Some(&"LPUSH".into()));
    assert!(!told.to_string().contains("secret"), "{told}");

    let output = server.output(&["--token", "wrong-token", "get", "k"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && !error.contains("wrong-token"),
        "{error}"
    );
    let output = server.output(&["--token", "reader", "set", "k", "v"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("NOPERM"));
    for (words, status, hint) in [
        (
            &["--url", "https://other.example", "get", "k"][..],
            2,
            "--token",
        ),
        (&["-x", "scan"], 2, "-x belongs to a Redis command"),
        (&["--timeout", "soon", "get", "k"], 2, "a number of seconds"),
    ] {
        let output = server.output(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.contains(hint), "{error}");
    }
    let output = server.output(&["--url", "http://other.example", "--token", "t", "get", "k"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("permit it with --allow-plain-http"),
        "{error}"
    );
    let mut nowhere = server.command(&["get", "k"]);
    nowhere
        .env_remove("UPSTASH_REDIS_REST_URL")
        .env_remove("UPSTASH_REDIS_REST_TOKEN");
    let output = nowhere.stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("UPSTASH_REDIS_REST_URL is missing"));
}

#[test]
fn keys_as_a_stream() {
    let server = Server::start();
    let lines: String = (0..2_500)
        .map(|number| format!("SET user:{number} 1\n"))
        .collect();
    succeeded(&server.with_input(&[], lines.as_bytes()));
    server.says(&["rpush", "user:list", "a"]);
    let all = server.says(&["scan", "user:*"]);
    let unique: std::collections::BTreeSet<_> = all.lines().collect();
    assert_eq!(unique.len(), 2_501);
    assert_eq!(server.says(&["scan", "--type", "list"]), "user:list\n");
    assert_eq!(server.says(&["scan", "--limit", "7"]).lines().count(), 7);
    assert_eq!(server.says(&["--json", "scan", "*list"]), "\"user:list\"\n");
    // Who reads no further is no error.
    let mut child = server.command(&["scan"]);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut one = [0];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut one).unwrap();
    drop(stdout);
    assert_eq!(succeeded(&child.wait_with_output().unwrap()), "");
}

#[test]
fn what_the_server_says_of_itself() {
    let server = Server::start();
    server.says(&["set", "k", "v", "EX", "60"]);
    let summary = server.says(&["info"]);
    assert!(
        summary.contains("memory ") && summary.contains("db0 "),
        "{summary}"
    );
    let memory = server.says(&["info", "memory"]);
    assert!(memory.contains("used_memory_human"), "{memory}");
    let all = json(&server.says(&["--json", "info"]));
    assert_eq!(all.pointer("/keyspace/db0/keys"), Some(&1.into()));
    assert_eq!(server.output(&["info", "nonsense"]).status.code(), Some(2));
    server.says(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    server.says(&["set", "slow", "value"]);
    let slow = server.says(&["slowlog", "--count", "-1"]);
    assert!(
        slow.contains(" ms ") && slow.contains("\"slow\" \"value\""),
        "{slow}"
    );
    let slow = server.says(&["--json", "slowlog", "--count", "-1"]);
    assert!(
        slow.lines()
            .map(json)
            .any(|entry| entry.pointer("/command/1") == Some(&"slow".into())),
        "{slow}"
    );
    server.says(&["CONFIG", "SET", "slowlog-log-slower-than", "-1"]);
    server.says(&["slowlog", "--reset"]);
    assert_eq!(server.says(&["slowlog"]), "");
}

#[test]
fn how_long_and_how_many() {
    let server = Server::start();
    let text = server.says(&["latency", "--count", "20"]);
    assert!(
        text.starts_with("first, with its connection: ") && text.contains("20 more: mean "),
        "{text}"
    );
    assert!(text.contains('#'), "{text}");
    let told = json(&server.says(&["--json", "latency", "--count", "20"]));
    assert_eq!(told.pointer("/round_trips/count"), Some(&20.into()));
    let benched = server.says(&[
        "--json",
        "bench",
        "--requests",
        "205",
        "--pipeline",
        "10",
        "--commands",
        "ping,set,get,incr,lpush,hset,zadd",
    ]);
    let lines: Vec<_> = benched.lines().map(json).collect();
    assert_eq!(lines.len(), 7, "{benched}");
    for line in &lines {
        assert_eq!(line.pointer("/commands"), Some(&205.into()));
        assert_eq!(line.pointer("/requests/count"), Some(&21.into()));
    }
    // It leaves nothing behind.
    assert_eq!(server.says(&["dbsize"]), "0\n");
}

#[test]
fn what_is_published_and_what_runs() {
    let server = Server::start();
    let mut lines = Vec::new();
    for words in [
        &["--json", "subscribe", "news", "more"][..],
        &["--json", "subscribe", "--pattern", "n*"],
        &["--json", "monitor"],
    ] {
        let mut child = server
            .command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says on standard error when it listens.
        let mut byte = [0];
        child
            .stderr
            .as_mut()
            .unwrap()
            .read_exact(&mut byte)
            .unwrap();
        server.says(&["publish", "news", "hello"]);
        let mut text = Vec::new();
        while !text.ends_with(b"\n") {
            child
                .stdout
                .as_mut()
                .unwrap()
                .read_exact(&mut byte)
                .unwrap();
            text.extend_from_slice(&byte);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines.push(json(&String::from_utf8(text).unwrap()));
    }
    let published = serde_json::json!({ "channel": "news", "message": "hello" });
    assert_eq!(lines.first(), Some(&published));
    assert_eq!(lines.get(1).unwrap().get("pattern"), Some(&"n*".into()));
    assert_eq!(
        lines.get(2).unwrap().pointer("/command/1"),
        Some(&"news".into())
    );
}

/// A terminal: what it shows so far, and a way to type.
#[cfg(unix)]
struct Terminal {
    keyboard: std::fs::File,
    shown: mpsc::Receiver<Vec<u8>>,
    text: String,
}

#[cfg(unix)]
impl Terminal {
    fn open() -> (Self, std::os::fd::OwnedFd) {
        let pty = nix::pty::openpty(None, None).unwrap();
        let keyboard = std::fs::File::from(pty.master);
        let mut screen = keyboard.try_clone().unwrap();
        let (sent, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if sent.send(buffer.get(..length).unwrap().to_vec()).is_err() {
                    return;
                }
            }
        });
        let terminal = Self {
            keyboard,
            shown,
            text: String::new(),
        };
        (terminal, pty.slave)
    }

    /// Waits for this on the screen, and looks behind it from then on.
    fn shows(&mut self, wanted: &str) {
        loop {
            if let Some(at) = self.text.find(wanted) {
                self.text.drain(..at + wanted.len());
                return;
            }
            match self.shown.recv_timeout(Duration::from_secs(60)) {
                Ok(bytes) => self.text += &String::from_utf8_lossy(&bytes),
                Err(_) => panic!("{wanted} is not among {:?}", self.text),
            }
        }
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn the_prompt() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let prompt = format!("{}> ", server.url.trim_start_matches("http://"));
    let session = |typing: &mut dyn FnMut(&mut Terminal)| {
        let (mut terminal, end) = Terminal::open();
        let stdio = || Stdio::from(end.try_clone().unwrap());
        let mut child = server
            .command(&[])
            .env("XDG_STATE_HOME", folder.path())
            .env("TERM", "xterm")
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        drop(end);
        typing(&mut terminal);
        assert!(child.wait().unwrap().success());
    };
    session(&mut |terminal| {
        terminal.shows(&prompt);
        terminal.types("set greeting \"hello\\n\"\r");
        terminal.shows("\"OK\"");
        terminal.shows(&prompt);
        // Tab completes.
        terminal.types("getd\t");
        terminal.shows("getdel ");
        terminal.types("greeting\r");
        terminal.shows("\"hello\\n\"");
        terminal.shows(&prompt);
        terminal.types("lpush \"open\r");
        terminal.shows("a quote is not closed");
        terminal.shows(&prompt);
        for line in [
            "auth hidden",
            "\"auth\" hidden",
            "config set maxmemory 0 requirepass hidden",
        ] {
            terminal.types(&format!("{line}\r"));
            terminal.shows(&prompt);
        }
        // The server's words are shown, and what a terminal would act on is escaped.
        terminal.types("eval \"return redis.error_reply('ERR \\x1b[2J\\xe2\\x80\\xae')\" 0\r");
        terminal.shows(r"ERR \x1b[2J\xe2\x80\xae");
        terminal.shows(&prompt);
        terminal.types("eval \"return {redis.error_reply('ERR \\x1b]0;x\\x07')}\" 0\r");
        terminal.shows(r"ERR \x1b]0;x\x07");
        terminal.shows(&prompt);
        terminal.types(" set also-hidden 1\r");
        terminal.shows("\"OK\"");
        terminal.shows(&prompt);
        terminal.types("quit\r");
    });
    let history = std::fs::read_to_string(folder.path().join("restis/history")).unwrap();
    assert!(history.contains("getdel greeting"), "{history}");
    assert!(!history.contains("hidden"), "{history}");
    session(&mut |terminal| {
        terminal.shows(&prompt);
        // An old line of the session before, found by its words.
        terminal.types("\u{12}getdel");
        terminal.shows("getdel greeting");
        terminal.types("\r");
        terminal.shows("(nil)");
        terminal.shows(&prompt);
        terminal.types("\u{4}");
    });
}

/// Ctrl-C ends it also while it waits between two round trips.
#[cfg(unix)]
#[test]
fn interrupted_latency_shows_what_it_measured() {
    let server = Server::start();
    let pings = || {
        let text = server.says(&["INFO", "commandstats"]);
        let found = text.lines().find_map(|line| {
            let calls = line.strip_prefix("cmdstat_ping:calls=")?;
            calls.split(',').next()?.parse::<u32>().ok()
        });
        found.unwrap_or(0)
    };
    let before = pings();
    let child = server
        .command(&["latency", "--count", "1000", "--interval", "3600000"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first PING, and one of those that are measured. Behind it is the wait of an hour.
    while pings() < before + 2 {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(killed.success());
    let text = succeeded(&child.wait_with_output().unwrap());
    // On a busy machine the signal may come before the answer to the measured one.
    assert!(text.contains(" more: "), "{text}");
}
