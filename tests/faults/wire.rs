//! A server on a bare socket, which answers what was recorded and breaks off at the byte it is told to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use restis::{Builder, Redis, Retry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How the length of an answer is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Framing {
    Length,
    Chunked,
    /// By the end of the connection.
    Close,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    Fin,
    Reset,
}

/// Where the next exchange breaks off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// When this many bytes of the request were read; the commands do not run.
    Request(usize),
    /// When the commands have run and this many bytes of the answer were sent.
    Answer(usize),
}

/// What was recorded of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    pub content_type: &'static str,
    pub body: &'static str,
    pub framing: Framing,
}

impl Recorded {
    /// The whole answer, head and body.
    pub fn bytes(self) -> Vec<u8> {
        let Self {
            content_type, body, ..
        } = self;
        let framing = match self.framing {
            Framing::Length => format!("content-length: {}", body.len()),
            Framing::Chunked => "transfer-encoding: chunked".to_owned(),
            Framing::Close => "connection: close".to_owned(),
        };
        let body = match self.framing {
            Framing::Chunked => {
                let (first, second) = body.split_at(body.len() / 2);
                let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
                format!("{}{}0\r\n\r\n", chunk(first), chunk(second))
            }
            _ => body.to_owned(),
        };
        format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n{body}").into()
    }
}

#[derive(Default)]
struct State {
    answer: Option<Recorded>,
    cut: Option<(Cut, Ending)>,
    ran: BTreeMap<String, u64>,
    /// How long the last request was.
    request: usize,
}

/// The server. It ends when it is dropped.
pub struct Wire {
    url: String,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Wire {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            url,
            state,
            accepting,
        }
    }

    pub fn client(&self, settings: impl FnOnce(Builder) -> Builder) -> Redis {
        let builder = Redis::builder()
            .url(&self.url)
            .token("token")
            .retry(Retry::times(3).backoff(Duration::ZERO, Duration::ZERO));
        settings(builder).build().unwrap()
    }

    /// Answers so from here on, and forgets what ran.
    pub fn answer(&self, answer: Recorded) {
        let mut state = self.state.lock().unwrap();
        state.answer = Some(answer);
        state.ran.clear();
    }

    /// Breaks off the next exchange.
    pub fn cut(&self, cut: Cut, ending: Ending) {
        self.state.lock().unwrap().cut = Some((cut, ending));
    }

    /// How often each command ran.
    pub fn ran(&self) -> BTreeMap<String, u64> {
        self.state.lock().unwrap().ran.clone()
    }

    /// How many bytes the last request had.
    pub fn request(&self) -> usize {
        self.state.lock().unwrap().request
    }
}

/// Serves one connection until it ends or is cut.
async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        if read.is_empty() {
            // The cut is for who comes next, not for who is waited for.
            match stream.peek(&mut [0]).await {
                Ok(1..) => {}
                _ => return,
            }
        }
        let cut = state.lock().unwrap().cut.take();
        let upto = match cut {
            Some((Cut::Request(upto), _)) => upto,
            _ => usize::MAX,
        };
        while !is_whole(&read) {
            if read.len() == upto {
                return end(stream, cut.map_or(Ending::Fin, |(_, ending)| ending)).await;
            }
            // No more than so many; a client sends nothing behind its request.
            let left = chunk.len().min(upto - read.len());
            match stream.read(&mut chunk[..left]).await {
                Ok(count @ 1..) => read.extend_from_slice(&chunk[..count]),
                _ => return,
            }
        }
        let answer = run(&read, &state);
        read.clear();
        if let Some((Cut::Answer(upto), ending)) = cut {
            let _ = stream.write_all(&answer.bytes()[..upto]).await;
            return end(stream, ending).await;
        }
        if stream.write_all(&answer.bytes()).await.is_err() || answer.framing == Framing::Close {
            return;
        }
    }
}

/// Whether a request is all there.
fn is_whole(read: &[u8]) -> bool {
    let Some(head) = read.windows(4).position(|end| end == b"\r\n\r\n") else {
        return false;
    };
    let head = head + 4;
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    read.len() >= head + length
}

/// Counts the commands of a request, and gives what answers it.
fn run(request: &[u8], state: &Mutex<State>) -> Recorded {
    let head = request.windows(4).position(|end| end == b"\r\n\r\n");
    let body = &request[head.unwrap() + 4..];
    let commands: Vec<Vec<String>> = match request.starts_with(b"POST / ") {
        true => vec![serde_json::from_slice(body).unwrap()],
        false => serde_json::from_slice(body).unwrap(),
    };
    let mut state = state.lock().unwrap();
    for command in commands {
        *state.ran.entry(command[0].clone()).or_default() += 1;
    }
    state.request = request.len();
    state.answer.unwrap()
}

/// Where not all of the request was read, the kernel sends a reset behind the end as well.
async fn end(mut stream: TcpStream, ending: Ending) {
    match ending {
        Ending::Fin => drop(stream.shutdown().await),
        Ending::Reset => stream.set_zero_linger().unwrap(),
    }
}
