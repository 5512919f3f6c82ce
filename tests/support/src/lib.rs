//! A restis-local with an empty database of its own, for one example or test.

pub mod liar;
pub mod lies;

use std::{
    collections::VecDeque,
    error::Error,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use restis::{
    Builder, Redis,
    transport::{Request, Response, TransportError},
};
use restis_local::Local;

/// What an example or test gives back.
pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs an example against an empty database, and fails where it fails.
pub fn run(example: impl AsyncFnOnce(Redis) -> Outcome) {
    run_with(|builder| builder, example);
}

/// The same with a client of other settings.
#[expect(clippy::panic, reason = "an example that fails has to fail its test")]
pub fn run_with(
    settings: impl FnOnce(Builder) -> Builder,
    example: impl AsyncFnOnce(Redis) -> Outcome,
) {
    let outcome = block_on(async {
        let local = Local::builder().start().await?;
        let builder = Redis::builder().url(local.url()).token(local.token());
        example(settings(builder).build()?).await
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Runs an example of a command that no server here has, against an exchange that was written down: each request must
/// have the first text as its body, and gets the second as its result. Fails where a request differs or is missing.
#[expect(clippy::panic, reason = "an example that fails has to fail its test")]
pub fn recorded(exchange: &[(&str, &str)], example: impl AsyncFnOnce(Redis) -> Outcome) {
    let left: VecDeque<(String, String)> = exchange
        .iter()
        .map(|(sent, result)| ((*sent).to_owned(), format!("{{\"result\":{result}}}")))
        .collect();
    let left = Arc::new(Mutex::new(left));
    let answers = Arc::clone(&left);
    let transport = move |request: Request| {
        let next = answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let sent = String::from_utf8_lossy(request.body()).into_owned();
        let answer = match next {
            Some((expected, answer)) if expected == sent => Ok(Response::new(200, answer)),
            Some((expected, _)) => Err(TransportError::setup(format!(
                "{sent} was sent in place of {expected}"
            ))),
            None => Err(TransportError::setup(format!(
                "{sent} was sent behind the last"
            ))),
        };
        async { answer }
    };
    let outcome = block_on(async {
        let client = Redis::builder()
            .url("https://recorded.example")
            .token("any")
            .transport(transport);
        example(client.build()?).await
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let left = left.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(left.is_empty(), "not sent: {left:?}");
}

/// A restis-local in front of a new, empty server, and a client of it. Both end when `Local` is dropped.
pub async fn start() -> Result<(Local, Redis), Box<dyn Error>> {
    let local = Local::builder().start().await?;
    let redis = Redis::new(local.url(), local.token())?;
    Ok((local, redis))
}

/// A client whose requests are changed on their way: of a server that does not know some word.
pub fn altered(local: &Local, alter: impl Fn(String) -> String + Send + Sync + 'static) -> Redis {
    rerouted(local, move |body| Route::Pass(alter(body)))
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Route {
    /// The server gets this one.
    Pass(String),
    /// The server gets it, and its answer is lost.
    Lose,
    /// It is answered with this status and body, and the server gets nothing.
    Instead(u16, &'static str),
}

/// A client between which and the server something decides what becomes of each request, by its body.
#[expect(clippy::panic, reason = "an example that fails has to fail its test")]
pub fn rerouted(local: &Local, route: impl Fn(String) -> Route + Send + Sync + 'static) -> Redis {
    let (http, route) = (reqwest::Client::new(), Arc::new(route));
    let transport = move |request: Request| {
        let (http, route) = (http.clone(), Arc::clone(&route));
        async move {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            let (body, is_lost) = match route(body.clone()) {
                Route::Pass(body) => (body, false),
                Route::Lose => (body, true),
                Route::Instead(status, body) => return Ok(Response::new(status, body)),
            };
            let mut post = http.post(request.url());
            for (name, value) in request.headers() {
                post = post.header(name, value);
            }
            let failed = |error: reqwest::Error| TransportError::interrupted(error);
            let answer = post.body(body).send().await.map_err(failed)?;
            let status = answer.status().as_u16();
            let body = answer.bytes().await.map_err(failed)?;
            match is_lost {
                true => Err(TransportError::interrupted("lost on its way back")),
                false => Ok(Response::new(status, body)),
            }
        }
    };
    let builder = Redis::builder().url(local.url()).token(local.token());
    match builder.transport(transport).build() {
        Ok(redis) => redis,
        Err(error) => panic!("{error}"),
    }
}

/// Drives a future on a runtime of its own.
pub fn block_on<T>(
    future: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
