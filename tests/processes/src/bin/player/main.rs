//! Plays in a process of its own what it is told to: `player cache` this crate's cache, `player naive` one without any
//! protection.

mod cache;
mod naive;
mod plays;

use std::{env, process::ExitCode};

use restis_processes::{Error, Result};

#[tokio::main]
async fn main() -> ExitCode {
    let name = env::args().nth(1);
    match run(name.as_deref()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("player: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(name: Option<&str>) -> Result<()> {
    match name {
        Some("cache") => plays::run::<cache::Restis>().await,
        Some("naive") => plays::run::<naive::Naive>().await,
        _ => Err(Error::new("say what to play: cache or naive")),
    }
}
