//! A server in memory: it answers each command with its last word, and notes what came when.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use restis::{
    Builder, Redis, Retry,
    transport::{Request, Response, TransportError},
};
use tokio::sync::Semaphore;

/// What one request looked like.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What stands behind the URL: nothing, `/pipeline`, or a path with a command.
    pub path: String,
    pub body: String,
    /// The commands, as words.
    pub commands: Vec<Vec<String>>,
}

#[derive(Clone)]
pub struct Echo {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// An answer takes one of these.
    gate: Arc<Semaphore>,
    given_up: Arc<AtomicUsize>,
    /// The next answers, in place of an echo.
    instead: Arc<Mutex<Vec<Instead>>>,
}

/// What happens in place of an echo.
#[derive(Clone)]
pub enum Instead {
    Body(u16, String),
    Interrupted,
    Panic,
}

impl Echo {
    /// Answers at once.
    pub fn new() -> Self {
        let echo = Self::gated();
        echo.gate.add_permits(1_000_000);
        echo
    }

    /// Answers when [`let_go`](Self::let_go) says so.
    pub fn gated() -> Self {
        Self {
            seen: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            given_up: Arc::default(),
            instead: Arc::default(),
        }
    }

    pub fn let_go(&self, answers: usize) {
        self.gate.add_permits(answers);
    }

    pub fn then(&self, instead: impl IntoIterator<Item = Instead>) {
        self.instead.lock().unwrap().extend(instead);
    }

    pub fn client(&self, settings: impl FnOnce(Builder) -> Builder) -> Redis {
        let this = self.clone();
        let builder = Redis::builder()
            .url("https://mock.example")
            .token("token")
            .retry(Retry::times(3).backoff(std::time::Duration::ZERO, std::time::Duration::ZERO))
            .auto_pipelining(true)
            .transport(move |request: Request| this.clone().answer(request));
        settings(builder).build().unwrap()
    }

    pub fn redis(&self) -> Redis {
        self.client(|builder| builder)
    }

    async fn answer(self, request: Request) -> Result<Response, TransportError> {
        let path = request.url().strip_prefix("https://mock.example").unwrap();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let (commands, batch) = match path {
            "/pipeline" => (serde_json::from_str(&body).unwrap(), true),
            "" => (vec![serde_json::from_str(&body).unwrap()], false),
            _ => (vec![vec!["OK".to_owned()]], false),
        };
        self.seen.lock().unwrap().push(Seen {
            path: path.to_owned(),
            body,
            commands: commands.clone(),
        });
        let guard = GivenUp(&self.given_up);
        self.gate.acquire().await.unwrap().forget();
        std::mem::forget(guard);
        let instead = {
            let mut instead = self.instead.lock().unwrap();
            (!instead.is_empty()).then(|| instead.remove(0))
        };
        match instead {
            Some(Instead::Body(status, body)) => return Ok(Response::new(status, body)),
            Some(Instead::Interrupted) => return Err(TransportError::interrupted("reset")),
            Some(Instead::Panic) => panic!("the transport has a bug"),
            None => {}
        }
        let entries: Vec<_> = commands
            .iter()
            .map(|command: &Vec<String>| {
                serde_json::json!({ "result": command.last() }).to_string()
            })
            .collect();
        let body = if batch {
            format!("[{}]", entries.join(","))
        } else {
            entries.concat()
        };
        Ok(Response::new(200, body))
    }

    /// All requests up to now.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many commands each request had.
    pub fn sizes(&self) -> Vec<usize> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| seen.commands.len()).collect()
    }

    /// How many requests were dropped before their answer.
    pub fn given_up(&self) -> usize {
        self.given_up.load(Ordering::SeqCst)
    }
}

struct GivenUp<'a>(&'a AtomicUsize);

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
