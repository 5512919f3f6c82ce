//! The service on a port: `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN` say where Redis is, `PORT` where to
//! listen (3000), and `SESSION_KEY` is the key of the sessions: 32 random bytes or more, as text. Without it nobody logs in.

use std::{error::Error, process::ExitCode, sync::Arc};

use restis::Redis;
use restis_example_axum::{App, Database};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let redis = Redis::from_env()?;
    let port = match std::env::var("PORT") {
        Ok(port) => port.parse().map_err(|_| "PORT is not a port")?,
        Err(_) => 3000,
    };
    // For this machine only: whoever reaches it may clear the cache.
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    let key = std::env::var("SESSION_KEY").unwrap_or_default();
    let app = App::new(&redis, Arc::new(Database::new()), key);
    Ok(axum::serve(listener, app.router()).await?)
}
