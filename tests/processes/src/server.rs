//! A real server that players reach over TCP and over REST, and that counts.

use std::{
    env,
    ffi::{OsStr, OsString},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::TcpListener,
    process::Stdio,
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    time::Duration,
};

use restis::Redis;
use restis_local::{Local, Stats};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::error::{Context as _, Error, Result};

/// The shell tells the server's process, and kills it when its own input ends, which is when this process ends, however
/// it does.
const SHELL: &str = r#"
    "$@" </dev/null >/dev/null 2>&1 &
    server=$!
    echo "$server"
    read -r _
    kill -9 "$server"
    wait "$server"
"#;

/// Where systems do not take the ports from that they give to clients.
const PORTS: std::ops::Range<u16> = 11_000..31_000;

/// A server that does not answer by then did not get its port.
const SOON: Duration = Duration::from_secs(10);

/// A server with nothing in it, and restis-local before it. Both end when this is dropped.
#[derive(Debug)]
pub struct Server {
    local: Local,
    redis: String,
    _shell: Child,
}

impl Server {
    /// Starts the server that `RESTIS_SERVER` names, else a `valkey-server` or `redis-server` of the PATH.
    pub async fn start() -> Result<Self> {
        let binary = binary()?;
        let mut problem = Error::new("no port was tried");
        for _ in 0..3 {
            match timeout(SOON, Self::at(&binary, free_port()?)).await {
                Ok(Ok(server)) => return Ok(server),
                Ok(Err(error)) => problem = error,
                Err(_) => problem = Error::new("the server does not answer"),
            }
        }
        Err(problem)
    }

    async fn at(binary: &OsStr, port: u16) -> Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SHELL, "a server of the tests"])
            .arg(binary)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("/bin/sh does not start")?;
        let output = shell.stdout.take().context("/bin/sh has no output")?;
        let mut process = String::new();
        let told = BufReader::new(output).read_line(&mut process).await;
        told.context("/bin/sh does not tell the server's process")?;
        let redis = format!("127.0.0.1:{port}");
        loop {
            let local = Local::builder().redis(format!("redis://{redis}"));
            if let Ok(local) = local.start().await {
                let server = Self {
                    local,
                    redis,
                    _shell: shell,
                };
                // Somebody else may have been faster, and ours without a port.
                let answers = server.info("server", "process_id").await?;
                return match answers == process.trim() {
                    true => Ok(server),
                    false => Err(Error::new("another server has that port")),
                };
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Where it is reached over REST.
    pub fn url(&self) -> &str {
        self.local.url()
    }

    /// The token for [`url`](Self::url).
    pub fn token(&self) -> &str {
        self.local.token()
    }

    /// `host:port`, where it is reached over TCP.
    pub fn redis(&self) -> &str {
        &self.redis
    }

    /// A client of it, whose requests count like those of the players.
    pub fn client(&self) -> Result<Redis> {
        Redis::new(self.url(), self.token()).context("no client")
    }

    /// restis-local, to inject faults.
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The counts since the last reset: of HTTP what came over REST, of commands what came over TCP too.
    pub async fn stats(&self) -> Result<Stats> {
        self.local.stats().await.context("the server's counts")
    }

    /// Begins to count anew.
    pub async fn reset(&self) -> Result<()> {
        let reset = self.local.reset_stats().await;
        reset.context("the server's counts")
    }

    /// What the server calls itself, with its version.
    pub fn name(&self) -> &str {
        self.local.server()
    }

    /// How often the server read from a connection of its own, which for one caller at a time is its round trips. The
    /// reading of this number is one of them.
    pub async fn reads(&self) -> Result<u64> {
        let reads = self.info("stats", "total_reads_processed").await?;
        reads.parse().context("the server's counts")
    }

    async fn info(&self, section: &str, field: &str) -> Result<String> {
        let client = self.client()?;
        let info = client.command("INFO").arg(section).query::<String>().await;
        let info = info.context("the server's information")?;
        let value = info
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.context("the server does not tell what is asked")?;
        Ok(value.trim().to_owned())
    }
}

/// One that nobody has right now: each call gives another.
fn free_port() -> Result<u16> {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| {
        let random = RandomState::new().build_hasher().finish();
        AtomicU16::new(random as u16)
    });
    for _ in PORTS {
        let port = PORTS.start + next.fetch_add(1, Relaxed) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::new("no port is free"))
}

fn binary() -> Result<OsString> {
    if let Some(named) = env::var_os("RESTIS_SERVER").filter(|name| !name.is_empty()) {
        return Ok(named);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let found = ["valkey-server", "redis-server"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file());
    let found = found.map(OsString::from);
    found.context("no valkey-server or redis-server is on the PATH, and RESTIS_SERVER names none")
}
