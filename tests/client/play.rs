//! A transport that plays a script and notes what it was asked for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use restis::{
    Bytes, Redis, Retry,
    transport::{Body, Request, Response, TransportError},
};

/// One scripted outcome of a request.
#[derive(Clone)]
pub enum Step {
    Answer(u16, &'static str),
    Header(u16, &'static str, &'static str, &'static str),
    Connect,
    Tls,
    Setup,
    Interrupted,
    CutBody,
    Never,
    NeverBody,
    /// An answer after this time.
    Late(Duration, u16, &'static str),
    /// A result after this time, with this sync token.
    LateHeader(Duration, &'static str, &'static str),
}

/// What the client sent, as the server would see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

#[derive(Clone, Default)]
pub struct Play {
    steps: Arc<Mutex<VecDeque<Step>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Play {
    pub fn redis(steps: impl IntoIterator<Item = Step>) -> (Redis, Self) {
        let script = Self::default();
        script.then(steps);
        let redis = script.client(|builder| builder);
        (redis, script)
    }

    /// Adds steps to the script.
    pub fn then(&self, steps: impl IntoIterator<Item = Step>) {
        self.steps.lock().unwrap().extend(steps);
    }

    pub fn client(&self, settings: impl FnOnce(restis::Builder) -> restis::Builder) -> Redis {
        let this = self.clone();
        let builder = Redis::builder()
            .url("https://mock.example/base/")
            .token("token")
            .retry(Retry::times(3).backoff(Duration::ZERO, Duration::ZERO))
            .transport(move |request: Request| this.clone().play(request));
        settings(builder).build().unwrap()
    }

    async fn play(self, request: Request) -> Result<Response, TransportError> {
        let headers = request
            .headers()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        let seen = Seen {
            url: request.url().to_owned(),
            headers,
            body: request.into_body(),
        };
        self.seen.lock().unwrap().push(seen);
        let step = self
            .steps
            .lock()
            .unwrap()
            .pop_front()
            .expect("no more requests than steps");
        match step {
            Step::Answer(status, body) => Ok(Response::new(status, body)),
            Step::Header(status, body, name, value) => {
                Ok(Response::new(status, body).header(name, value))
            }
            Step::Connect => Err(TransportError::connect("refused")),
            Step::Tls => Err(TransportError::tls("unknown issuer")),
            Step::Setup => Err(TransportError::setup("no certificates")),
            Step::Interrupted => Err(TransportError::interrupted("reset")),
            Step::CutBody => {
                let cut = async { Err(TransportError::interrupted("unexpected end of file")) };
                Ok(Response::new(200, Body::from_future(cut)))
            }
            Step::Late(time, status, body) => {
                tokio::time::sleep(time).await;
                Ok(Response::new(status, body))
            }
            Step::LateHeader(time, body, token) => {
                tokio::time::sleep(time).await;
                Ok(Response::new(200, body).header("upstash-sync-token", token))
            }
            Step::Never => std::future::pending().await,
            Step::NeverBody => Ok(Response::new(
                200,
                Body::from_future(std::future::pending()),
            )),
        }
    }

    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn seen(&self, index: usize) -> Seen {
        self.seen.lock().unwrap()[index].clone()
    }
}

pub const ONE: Step = Step::Answer(200, r#"{"result":1}"#);
