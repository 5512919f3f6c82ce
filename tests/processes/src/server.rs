//! A real server that players reach over TCP and over REST, and that counts.

use std::{
    env,
    ffi::OsString,
    net::TcpListener,
    process::{Command, Stdio},
};

use restis::Redis;
use restis_local::{Local, Stats};

use crate::{
    error::{Context as _, Error, Result},
    in_time,
};

/// The shell kills the server when its own input ends, which is when this process ends, however it does.
const SHELL: &str = r#"
    "$@" </dev/null >/dev/null 2>&1 &
    server=$!
    read -r _
    kill -9 "$server"
"#;

/// A server with nothing in it, and restis-local before it. Both end when this is dropped.
#[derive(Debug)]
pub struct Server {
    local: Local,
    redis: String,
    _shell: tokio::process::Child,
}

impl Server {
    /// Starts the server that `RESTIS_SERVER` names, else a `valkey-server` or `redis-server` of the PATH.
    pub async fn start() -> Result<Self> {
        let binary = binary()?;
        // It takes no port 0, so one is asked for and let go again.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.context("no port is free")?.port().to_string();
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", SHELL, "a server of the tests"])
            .arg(binary)
            .args(["--bind", "127.0.0.1", "--port", &port])
            .args(["--save", "", "--appendonly", "no"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let shell = tokio::process::Command::from(shell).spawn();
        let shell = shell.context("/bin/sh does not start")?;
        let redis = format!("127.0.0.1:{port}");
        let starting = async {
            loop {
                let local = Local::builder().redis(format!("redis://{redis}"));
                match local.start().await {
                    Ok(local) => return local,
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                }
            }
        };
        let local = in_time("the server to start", starting).await?;
        Ok(Self {
            local,
            redis,
            _shell: shell,
        })
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
        let info: String = self
            .client()?
            .command("INFO")
            .arg("stats")
            .query()
            .await
            .context("the server's counts")?;
        let reads = info
            .lines()
            .find_map(|line| line.strip_prefix("total_reads_processed:"))
            .and_then(|number| number.trim().parse().ok());
        reads.ok_or_else(|| Error::new("the server does not tell how often it read"))
    }
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
