//! A restis-local for one test, and a client that knows nothing but HTTP.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use restis_local::{Builder, Local};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Starts one, or says why none starts.
pub(crate) async fn start(builder: Builder) -> Local {
    match builder.start().await {
        Ok(local) => local,
        Err(error) => panic!("restis-local did not start: {error}"),
    }
}

/// With the token that requests written by hand carry, some of them in the URL.
pub(crate) fn builder() -> Builder {
    Local::builder().token("local").token_in_url()
}

/// A running restis-local and the client that talks to it.
pub(crate) struct Rest {
    pub(crate) local: Local,
    pub(crate) client: Client,
}

impl Rest {
    pub(crate) async fn new() -> Self {
        Self::of(start(builder().read_only_token("reader")).await)
    }

    pub(crate) fn of(local: Local) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        Self { local, client }
    }

    /// A request with the token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.local.url());
        self.client
            .request(method, url)
            .bearer_auth(self.local.token())
    }

    /// Posts a body; the status and the body of the answer.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
        let request = self.request(Method::POST, path).body(body.into());
        told(request.send().await.unwrap()).await
    }

    /// The same, with strings in base64.
    pub(crate) async fn post_base64(&self, path: &str, body: &str) -> (u16, String) {
        let request = self.request(Method::POST, path).body(body.to_owned());
        let request = request.header("Upstash-Encoding", "base64");
        told(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        told(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// The JSON of the result of one command that must succeed.
    pub(crate) async fn run(&self, command: &str) -> String {
        let (status, body) = self.post("/", command).await;
        let result = body
            .strip_prefix("{\"result\":")
            .and_then(|body| body.strip_suffix('}'));
        match (status, result) {
            (200, Some(result)) => result.to_owned(),
            _ => panic!("{command}: {status} {body}"),
        }
    }

    /// The text of the error of one command that must fail.
    pub(crate) async fn error(&self, command: &str) -> String {
        let (status, body) = self.post("/", command).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 400, "{command}: {body}");
        body["error"].as_str().unwrap().to_owned()
    }

    pub(crate) fn address(&self) -> &str {
        self.local.url().strip_prefix("http://").unwrap()
    }

    /// Sends a request as it is written and returns all that comes until the connection ends.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset counts as an end too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    /// The head and body of a POST for [`raw`](Self::raw).
    pub(crate) fn written(&self, path: &str, body: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer local\r\ncontent-length: {}\r\n\r\n{body}",
            self.address(),
            body.len()
        )
    }

    /// A second restis-local in front of the same server, over TCP.
    pub(crate) async fn second(&self) -> Self {
        let port = self.open_port().await;
        let url = format!("redis://127.0.0.1:{port}");
        Self::of(start(builder().redis(url)).await)
    }

    /// Makes the server listen on a free TCP port too.
    pub(crate) async fn open_port(&self) -> u16 {
        let port = free_port();
        let command = ["CONFIG", "SET", "port", &port.to_string()];
        self.local.administer(&command).await.unwrap();
        port
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

pub(crate) async fn told(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.text().await.unwrap())
}

/// Waits until it is so, for ten seconds.
pub(crate) async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !is().await {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "still not so: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
