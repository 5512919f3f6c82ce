//! `restis-local`: the REST surface before a real server, until Ctrl-C.

use std::{path::PathBuf, pin::pin, process::ExitCode, time::Duration};

use clap::Parser;
use restis_local::{Error, Local};

/// Upstash's REST API on your machine, in front of a real Valkey or Redis.
///
/// Without --redis it starts a server of its own: the one RESTIS_SERVER names, else valkey-server or
/// redis-server from the PATH, else the one that --get-server got. It keeps nothing on disk without --data.
#[derive(Parser)]
#[command(name = "restis-local", version)]
struct Options {
    /// The address to listen on
    #[arg(
        long,
        env = "RESTIS_LOCAL_HOST",
        hide_env_values = true,
        default_value = "127.0.0.1"
    )]
    host: String,
    /// The port to listen on; 0 takes a free one
    #[arg(
        long,
        env = "RESTIS_LOCAL_PORT",
        hide_env_values = true,
        default_value_t = 8079
    )]
    port: u16,
    /// The token that may do everything; by default a random one, kept in the file local-token of your state folder
    #[arg(long, env = "RESTIS_LOCAL_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A token that may only read
    #[arg(long, env = "RESTIS_LOCAL_READ_ONLY_TOKEN", hide_env_values = true)]
    read_only_token: Option<String>,
    /// Accept the token as _token in URLs, which histories and logs keep
    #[arg(long, env = "RESTIS_LOCAL_TOKEN_IN_URL", hide_env_values = true)]
    token_in_url: bool,
    /// Let pages of this origin in, such as http://localhost:3000, or * for all; repeat it for more
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "RESTIS_LOCAL_ALLOW_ORIGIN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    allow_origin: Vec<String>,
    /// Use this server and start none: redis://[user:password@]host[:port][/database], or rediss:// for TLS
    #[arg(
        long,
        value_name = "URL",
        env = "RESTIS_LOCAL_REDIS",
        hide_env_values = true
    )]
    redis: Option<String>,
    /// Trust the certificates of this PEM file for a server at rediss://, in place of the system's
    #[arg(
        long,
        value_name = "FILE",
        env = "RESTIS_LOCAL_REDIS_CA",
        hide_env_values = true,
        requires = "redis"
    )]
    redis_ca: Option<PathBuf>,
    /// Keep the data of the server it starts in this folder, for the next start
    #[arg(
        long,
        value_name = "DIR",
        env = "RESTIS_LOCAL_DATA",
        hide_env_values = true,
        conflicts_with = "redis"
    )]
    data: Option<PathBuf>,
    /// Get a server with Python's pip if there is none, into your cache folder, and start it
    #[arg(
        long,
        env = "RESTIS_LOCAL_GET_SERVER",
        hide_env_values = true,
        conflicts_with = "redis"
    )]
    get_server: bool,
    /// Send the JSON commands to this server, such as a Redis 8 or fakeredis, and all others where they went
    #[arg(
        long,
        value_name = "URL",
        env = "RESTIS_LOCAL_JSON",
        hide_env_values = true
    )]
    json: Option<String>,
    /// Start this valkey-server or redis-server
    #[arg(long, value_name = "PATH", conflicts_with = "redis")]
    server_binary: Option<PathBuf>,
    /// Answer 504 when the server was silent for so many seconds while a reply was due
    #[arg(
        long,
        value_name = "SECONDS",
        env = "RESTIS_LOCAL_REPLY_TIMEOUT",
        hide_env_values = true,
        default_value_t = 30
    )]
    reply_timeout: u64,
    /// Let every answer come this many milliseconds later, as over a network
    #[arg(
        long,
        value_name = "MS",
        env = "RESTIS_LOCAL_LATENCY",
        hide_env_values = true,
        default_value_t = 0
    )]
    latency: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("restis-local: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Error> {
    let kept = match (&options.redis, &options.data) {
        (Some(_), _) => String::new(),
        (None, Some(folder)) => format!(
            ", which ends with it and keeps its data in {}",
            folder.display()
        ),
        (None, None) => ", which ends with it and keeps nothing".to_owned(),
    };
    let mut builder = Local::builder()
        .host(options.host)
        .port(options.port)
        .reply_timeout(Duration::from_secs(options.reply_timeout))
        .latency(Duration::from_millis(options.latency));
    builder = match options.token {
        Some(token) => builder.token(token),
        None => builder.kept_token(),
    };
    if options.token_in_url {
        builder = builder.token_in_url();
    }
    for origin in options.allow_origin {
        builder = builder.allow_origin(origin);
    }
    if let Some(token) = options.read_only_token {
        builder = builder.read_only_token(token);
    }
    if let Some(url) = options.redis {
        builder = builder.redis(url);
    }
    if let Some(file) = options.redis_ca {
        builder = builder.redis_ca(file);
    }
    if let Some(folder) = options.data {
        builder = builder.data(folder);
    }
    if options.get_server {
        builder = builder.get_server();
    }
    if let Some(url) = options.json {
        builder = builder.json(url);
    }
    if let Some(path) = options.server_binary {
        builder = builder.server_binary(path);
    }
    let mut start = pin!(builder.start());
    // One for the whole run: a signal that comes while nothing listens for it would be lost.
    let mut end = pin!(asked_to_end());
    let local = tokio::select! {
        biased;
        // What was begun is ended in order: a process that just leaves could leave a folder.
        () = &mut end => {
            if let Ok(local) = start.await {
                local.stop().await;
            }
            return Ok(());
        }
        local = &mut start => local?,
    };
    println!("# restis-local in front of {}{kept}", local.server());
    println!("export UPSTASH_REDIS_REST_URL=\"{}\"", local.url());
    println!("export UPSTASH_REDIS_REST_TOKEN=\"{}\"", local.token());
    end.await;
    local.stop().await;
    Ok(())
}

/// Ctrl-C, and on Unix the signals that end a service or a terminal.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let [interrupt, terminate, hangup] = kinds.map(|kind| async move {
            match signal(kind) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                // A signal that cannot be caught ends the process by itself.
                Err(_) => std::future::pending().await,
            }
        });
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
            () = hangup => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
