//! A hostile server: a request below `/<lie>` gets that lie, and one that says [`PLEASE`] the right answer.
//!
//! Its second port takes note of every request: nothing may follow a redirect there, least of all a token.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::lies::{Answer, ELSEWHERE, Form, Lie, Then, honest, lies};

/// The key for which the server is honest.
pub const PLEASE: &str = "please";

/// What a test counts.
#[derive(Debug, Default)]
pub struct Counted {
    /// Requests that followed a redirect.
    pub stolen: AtomicUsize,
    /// The most bytes that one body without an end could write before its reader was gone. Streams of events and heads, which are read
    /// and not kept, are not counted.
    pub most_written: AtomicUsize,
}

/// The server, until it is dropped.
#[derive(Debug)]
pub struct Liar {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    /// What a test counts.
    pub counted: Arc<Counted>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

struct Shared {
    lies: Vec<Lie>,
    elsewhere: String,
    counted: Arc<Counted>,
}

impl Liar {
    /// Starts it on free ports.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        let (own, second) = (
            TcpListener::bind("127.0.0.1:0").await?,
            TcpListener::bind("127.0.0.1:0").await?,
        );
        let url = format!("http://{}", own.local_addr()?);
        let counted = Arc::new(Counted::default());
        let shared = Arc::new(Shared {
            lies: lies(),
            elsewhere: second.local_addr()?.to_string(),
            counted: Arc::clone(&counted),
        });
        let notes = Arc::clone(&counted);
        let tasks = [
            tokio::spawn(async move {
                while let Ok((stream, _)) = own.accept().await {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        // A reader that is gone is what most tests end with.
                        let _ = serve(stream, &shared).await;
                    });
                }
            }),
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = second.accept().await {
                    notes.stolen.fetch_add(1, Relaxed);
                    let _ = stream.write_all(&honest(Form::Single).bytes).await;
                }
            }),
        ];
        Ok(Self {
            url,
            counted,
            tasks,
        })
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// One request: its method, its path and its body.
struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
}

/// Reads a request; `None` where the connection has ended.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
    };
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(request))
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(request) = read(&mut stream).await? {
        if request.method == "OPTIONS" {
            let allowed = "HTTP/1.1 204 No Content\r\naccess-control-allow-origin: *\r\naccess-control-allow-headers: *, authorization\r\n\
                access-control-allow-methods: POST, GET\r\naccess-control-max-age: 600\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(allowed.as_bytes()).await?;
            continue;
        }
        let mut parts = request.path.trim_start_matches('/').splitn(2, '/');
        let (lie, rest) = (parts.next(), parts.next());
        if lie == Some("followed") {
            shared.counted.stolen.fetch_add(1, Relaxed);
        }
        if lie == Some("count") {
            let names: Vec<&str> = shared.lies.iter().map(|lie| &*lie.name).collect();
            let stolen = shared.counted.stolen.load(Relaxed);
            let body = serde_json::json!({ "names": names, "stolen": stolen }).to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await?;
            continue;
        }
        let form = match rest.map(|rest| rest.split('/').next().unwrap_or_default()) {
            Some("pipeline" | "multi-exec") => {
                let commands: Vec<serde::de::IgnoredAny> =
                    serde_json::from_slice(&request.body).unwrap_or_default();
                Form::Batch(commands.len())
            }
            Some("subscribe") => Form::Events,
            _ => Form::Single,
        };
        let lie = lie.and_then(|number| shared.lies.get(number.parse::<usize>().ok()?));
        let is_asked = |bytes: &[u8]| {
            bytes
                .windows(PLEASE.len())
                .any(|window| window == PLEASE.as_bytes())
        };
        let is_honest = is_asked(&request.body) || is_asked(request.path.as_bytes());
        let Answer { bytes, then } = match lie {
            Some(lie) if !is_honest => lie.answer(form),
            _ => {
                let mut answer = honest(form);
                if form != Form::Events {
                    // The connection goes on.
                    stream.write_all(&answer.bytes).await?;
                    continue;
                }
                answer.then = Then::Hold;
                answer
            }
        };
        let bytes = match bytes
            .windows(ELSEWHERE.len())
            .position(|window| window == ELSEWHERE.as_bytes())
        {
            Some(_) => String::from_utf8_lossy(&bytes)
                .replace(ELSEWHERE, &shared.elsewhere)
                .into_bytes(),
            None => bytes,
        };
        stream.write_all(&bytes).await?;
        if then == Then::Serve {
            continue;
        }
        let is_body = form != Form::Events && bytes.windows(4).any(|window| window == b"\r\n\r\n");
        return end(stream, then, is_body, &shared.counted).await;
    }
    Ok(())
}

async fn end(
    mut stream: TcpStream,
    then: Then,
    is_body: bool,
    counted: &Counted,
) -> io::Result<()> {
    match then {
        Then::Serve => Ok(()),
        Then::Close => stream.shutdown().await,
        Then::Reset => {
            // Without time to linger the end is a reset.
            stream.set_zero_linger()?;
            Ok(())
        }
        Then::Hold => {
            // Until the reader is gone.
            let mut more = [0; 1024];
            while stream.read(&mut more).await? > 0 {}
            Ok(())
        }
        Then::Flood(piece) => {
            let piece = piece.repeat(16 * 1024 / piece.len());
            let mut written = 0;
            loop {
                stream.write_all(&piece).await?;
                written += piece.len();
                if is_body {
                    counted.most_written.fetch_max(written, Relaxed);
                }
            }
        }
        Then::Drip(piece) => loop {
            stream.write_all(piece).await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        },
    }
}
