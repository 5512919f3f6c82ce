//! The program: what it prints, how it ends, and that nothing is left of it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{Rest, free_port, told, until};

/// The program, which is killed if a test fails before it ended it.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the programs of this test keep their token.
fn state() -> &'static Path {
    static STATE: std::sync::LazyLock<tempfile::TempDir> =
        std::sync::LazyLock::new(|| tempfile::tempdir().unwrap());
    STATE.path()
}

fn program(args: &[&str], temporary: &Path) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restis-local"));
    command.args(args).env("TMPDIR", temporary);
    command.env("XDG_STATE_HOME", state());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Program(command.spawn().unwrap())
}

impl Program {
    /// The three lines it prints when it is ready.
    fn lines(&mut self) -> [String; 3] {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        std::array::from_fn(|_| lines.next().expect("it printed three lines").unwrap())
    }

    fn signal(&self, signal: &str) {
        signal_to(signal, self.0.id());
    }

    /// Waits for its end: whether it was a success, and what it said about it.
    fn end(mut self) -> (bool, String) {
        let mut said = String::new();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (self.0.wait().unwrap().success(), said)
    }
}

fn signal_to(signal: &str, pid: u32) {
    let status = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

fn is_alive(pid: u32) -> bool {
    // A zombie is no longer alive; it waits for whoever has inherited it.
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8(state.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

async fn ask(url: &str, token: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    told(
        client
            .get(format!("{url}{path}"))
            .bearer_auth(token)
            .send()
            .await
            .unwrap(),
    )
    .await
}

/// The process of the real server behind.
async fn server_of(url: &str, token: &str) -> u32 {
    let (_, info) = ask(url, token, "/info/server").await;
    let pid = info.split("process_id:").nth(1).unwrap();
    let pid: String = pid.chars().take_while(char::is_ascii_digit).collect();
    pid.parse().unwrap()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn it_prints_what_to_copy_and_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM", "-HUP", "-KILL"] {
        let temporary = tempfile::tempdir().unwrap();
        let port = free_port();
        let args = [
            "--port",
            &port.to_string(),
            "--token",
            "s3cret",
            "--read-only-token",
            "r",
        ];
        let mut program = program(&args, temporary.path());
        let [about, url, token] = program.lines();
        assert!(about.starts_with("# restis-local in front of "), "{about}");
        assert!(
            about.contains("Valkey ") || about.contains("Redis "),
            "{about}"
        );
        assert_eq!(
            url,
            format!("export UPSTASH_REDIS_REST_URL=\"http://127.0.0.1:{port}\"")
        );
        assert_eq!(token, "export UPSTASH_REDIS_REST_TOKEN=\"s3cret\"");
        let url = format!("http://127.0.0.1:{port}");
        assert_eq!(
            ask(&url, "s3cret", "/incr/n").await,
            (200, r#"{"result":1}"#.to_owned())
        );
        assert_eq!(
            ask(&url, "r", "/get/n").await,
            (200, r#"{"result":"1"}"#.to_owned())
        );
        let (status, refused) = ask(&url, "r", "/incr/n").await;
        assert!(status == 400 && refused.contains("NOPERM"), "{refused}");
        let server = server_of(&url, "s3cret").await;
        assert!(is_alive(server) && !is_empty(temporary.path()));
        program.signal(signal);
        let (success, said) = program.end();
        assert_eq!(
            (success, said.as_str()),
            (signal != "-KILL", ""),
            "{signal}"
        );
        until("the server has ended", async || !is_alive(server)).await;
        until("its folder is gone", async || is_empty(temporary.path())).await;
    }
}

#[tokio::test]
async fn the_folder_of_a_server_is_ours_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let mut program = program(&["--port", "0"], temporary.path());
    program.lines();
    let folder = fs::read_dir(temporary.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        folder.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn a_long_temporary_folder_is_no_obstacle() {
    let temporary = tempfile::tempdir().unwrap();
    let long = temporary.path().join("x".repeat(120));
    fs::create_dir(&long).unwrap();
    let mut program = program(&["--port", "0"], &long);
    program.lines();
}

#[tokio::test]
async fn it_uses_the_server_it_is_given_and_leaves_it_running() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    let redis = format!("redis://127.0.0.1:{}", rest.open_port().await);
    let temporary = tempfile::tempdir().unwrap();
    let mut program = program(&["--port", "0", "--redis", &redis], temporary.path());
    let [about, url, token] = program.lines();
    assert!(about.contains(rest.local.server()), "{about}");
    let url = url.split('"').nth(1).unwrap();
    let token = token.split('"').nth(1).unwrap();
    assert_eq!(
        ask(url, token, "/get/k").await,
        (200, r#"{"result":"v"}"#.to_owned())
    );
    assert!(is_empty(temporary.path()));
    program.signal("-TERM");
    assert!(program.end().0);
    assert_eq!(rest.run(r#"["GET","k"]"#).await, r#""v""#);
}

#[tokio::test]
async fn token_is_the_same_in_the_next_run_and_options_come_from_the_environment() {
    let temporary = tempfile::tempdir().unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restis-local"));
        command.env("RESTIS_LOCAL_PORT", "0");
        command.env("TMPDIR", temporary.path());
        command.env("XDG_STATE_HOME", temporary.path().join("state"));
        command.envs(variables.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = Program(command.spawn().unwrap());
        let [_, _, token] = program.lines();
        program.signal("-TERM");
        assert!(program.end().0);
        token.split('"').nth(1).unwrap().to_owned()
    };
    let first = run(&[]);
    assert_eq!((first.len(), run(&[])), (32, first));
    assert_eq!(run(&[("RESTIS_LOCAL_TOKEN", "given")]), "given");
    let mut open = Command::new(env!("CARGO_BIN_EXE_restis-local"));
    open.args(["--host", "0.0.0.0", "--port", "0"]);
    let open = open.env("XDG_STATE_HOME", state()).output().unwrap();
    let said = String::from_utf8(open.stderr).unwrap();
    assert!(!open.status.success() && said.contains("--token"), "{said}");
    let mut help = Command::new(env!("CARGO_BIN_EXE_restis-local"));
    let help = help
        .arg("--help")
        .env("RESTIS_LOCAL_TOKEN", "planted")
        .output();
    assert!(
        !String::from_utf8(help.unwrap().stdout)
            .unwrap()
            .contains("planted")
    );
}

#[tokio::test]
async fn its_options_reach_what_they_are_for() {
    let json = std::env::var("RESTIS_JSON_SERVER").expect(
        "RESTIS_JSON_SERVER names a server that has JSON; `cargo xtask test native` sets it",
    );
    let temporary = tempfile::tempdir().unwrap();
    let args = [
        "--port",
        "0",
        "--token",
        "local",
        "--json",
        &json,
        "--latency",
        "150",
    ];
    let mut program = program(&args, temporary.path());
    let [_, url, _] = program.lines();
    let url = url.split('"').nth(1).unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(
        ask(url, "local", "/json.set/local:options/$/7").await,
        (200, r#"{"result":"OK"}"#.to_owned())
    );
    assert!(begin.elapsed() >= Duration::from_millis(150));
    assert_eq!(
        ask(url, "local", "/json.get/local:options/$").await,
        (200, r#"{"result":"[7]"}"#.to_owned())
    );
    let help = Command::new(env!("CARGO_BIN_EXE_restis-local"))
        .arg("--help")
        .output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    for option in [
        "host",
        "port",
        "token",
        "read-only-token",
        "redis",
        "json",
        "server-binary",
        "latency",
    ] {
        assert!(help.contains(&format!("--{option} <")), "{help}");
    }
}

#[tokio::test]
async fn what_it_cannot_do_it_explains_in_one_line() {
    let rest = Rest::new().await;
    let port = rest.address().rsplit(':').next().unwrap();
    let taken = format!("port {port} on 127.0.0.1 is taken");
    let cases: [(&[&str], &str); 3] = [
        (&["--port", port], &taken),
        (
            &["--port", "0", "--redis", "redis://:hush@127.0.0.1:1"],
            "127.0.0.1:1",
        ),
        (
            &["--port", "0", "--server-binary", "/nowhere"],
            "valkey-server",
        ),
    ];
    for (args, expected) in cases {
        let temporary = tempfile::tempdir().unwrap();
        let (success, said) = program(args, temporary.path()).end();
        assert!(!success && said.contains(expected), "{said}");
        assert!(
            said.lines().count() == 1 && !said.contains("hush"),
            "{said}"
        );
        assert!(is_empty(temporary.path()));
    }
}

#[test]
fn without_a_server_it_says_how_to_get_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_restis-local"))
        .args(["--port", "0"])
        .env_remove("RESTIS_SERVER")
        .env("PATH", "/nowhere")
        .env("HOME", "/nowhere")
        .env_remove("XDG_CACHE_HOME")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for word in ["valkey", "redis", "restis-local --get-server", "--redis"] {
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test]
async fn a_dropped_and_a_stopped_library_leave_nothing_behind_either() {
    for stop in [true, false] {
        let rest = Rest::new().await;
        let server = server_of(rest.local.url(), "local").await;
        let folder = rest.run(r#"["CONFIG","GET","dir"]"#).await;
        let folder = folder.split('"').nth(3).unwrap().to_owned();
        assert!(is_alive(server) && Path::new(&folder).is_dir());
        let address = rest.address().to_owned();
        if stop {
            rest.local.stop().await;
        } else {
            drop(rest.local);
        }
        assert!(!is_alive(server) && !Path::new(&folder).exists(), "at once");
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing_behind() {
    for time in [0, 2, 5, 10, 15, 20, 30, 50] {
        let temporary = tempfile::tempdir().unwrap();
        let program = program(&["--port", "0"], temporary.path());
        tokio::time::sleep(Duration::from_millis(time)).await;
        program.signal("-TERM");
        let (_, said) = program.end();
        assert_eq!(said, "", "after {time} ms");
        until("its folder is gone", async || is_empty(temporary.path())).await;
    }
    // The library: the future of its start is dropped.
    let temporary = tempfile::tempdir().unwrap();
    let (marker, binary) = (
        temporary.path().join("started"),
        temporary.path().join("server"),
    );
    let script = format!(
        "#!/bin/sh\necho $$ > '{}'\nexec sleep 60\n",
        marker.display()
    );
    fs::write(&binary, script).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let mut start = Box::pin(common::builder().server_binary(&binary).start());
    let mut pid = String::new();
    until("the server was started", async || {
        let _ = tokio::time::timeout(Duration::from_millis(10), &mut start).await;
        pid = fs::read_to_string(&marker).unwrap_or_default();
        pid.ends_with('\n')
    })
    .await;
    let pid = pid.trim().parse().unwrap();
    assert!(is_alive(pid));
    drop(start);
    until("the server has ended", async || !is_alive(pid)).await;
}
