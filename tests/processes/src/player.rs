//! The driver's end: a child process that is asked by lines, and ends with us.

use std::{
    collections::{HashMap, VecDeque},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{Mutex as AsyncMutex, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    error::{Context as _, Error, Result},
    in_time,
};

/// How much of what it wrote to its standard error is shown.
const TAIL: usize = 40;

/// A process that does what it is asked. It is killed when this is dropped, and ends by itself when this process is
/// killed, since then its input ends.
#[derive(Debug)]
pub struct Player {
    child: AsyncMutex<Child>,
    input: AsyncMutex<ChildStdin>,
    shared: Arc<Shared>,
    next: AtomicU64,
    reading: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    /// `None` when it has ended.
    asked: Mutex<Option<HashMap<u64, oneshot::Sender<Value>>>>,
    complaints: Mutex<VecDeque<String>>,
    /// Whether all complaints were heard.
    heard: watch::Sender<bool>,
}

/// A request under way.
#[derive(Debug)]
pub struct Asked {
    answer: oneshot::Receiver<Value>,
    what: String,
    shared: Arc<Shared>,
}

impl Player {
    /// Starts the program, whose input and outputs become ours.
    pub fn start(program: std::process::Command) -> Result<Self> {
        let what = format!("{} does not start", program.get_program().display());
        let mut child = Command::from(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context(&what)?;
        let input = child.stdin.take().context(&what)?;
        let output = child.stdout.take().context(&what)?;
        let complaints = child.stderr.take().context(&what)?;
        let shared = Arc::new(Shared {
            asked: Mutex::new(Some(HashMap::new())),
            ..Shared::default()
        });
        tokio::spawn(hear(complaints, Arc::clone(&shared)));
        Ok(Self {
            child: AsyncMutex::new(child),
            input: AsyncMutex::new(input),
            next: AtomicU64::new(1),
            reading: tokio::spawn(read(output, Arc::clone(&shared))),
            shared,
        })
    }

    /// Asks for `request`, an object with `do`, and waits for the answer.
    pub async fn ask(&self, request: &impl Serialize) -> Result<Value> {
        self.begin(request).await?.answer().await
    }

    /// Asks, and leaves the waiting for later.
    pub async fn begin(&self, request: &impl Serialize) -> Result<Asked> {
        let mut request = serde_json::to_value(request).context("a request")?;
        let id = self.next.fetch_add(1, Relaxed);
        let fields = request.as_object_mut().context("a request is an object")?;
        let name = fields.get("do").and_then(Value::as_str);
        let what = name.context("a request has `do`")?.to_owned();
        fields.insert("id".to_owned(), id.into());
        let (sender, answer) = oneshot::channel();
        if let Some(asked) = self.shared.asked().as_mut() {
            asked.insert(id, sender);
        }
        let line = format!("{request}\n");
        // One that has ended is seen by whoever waits for the answer.
        let _ = self.input.lock().await.write_all(line.as_bytes()).await;
        Ok(Asked {
            answer,
            what,
            shared: Arc::clone(&self.shared),
        })
    }

    /// Kills it as the system does that is out of memory: nothing is put away. Returns when it is gone.
    pub async fn kill(&self) -> Result<()> {
        let killed = self.child.lock().await.kill().await;
        killed.context("a player cannot be killed")
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Asked {
    /// Waits for the answer.
    pub async fn answer(self) -> Result<Value> {
        let Ok(told) = in_time(&format!("a player's {}", self.what), self.answer).await? else {
            // All it said is read first.
            let mut heard = self.shared.heard.subscribe();
            let heard = heard.wait_for(|heard| *heard);
            let _ = in_time("to hear a player's last words", heard).await?;
            return Err(self.shared.error(&format!("it ended during {}", self.what)));
        };
        match (told.get("answer"), told.get("error")) {
            (Some(answer), _) => Ok(answer.clone()),
            (None, Some(Value::String(error))) => {
                Err(self.shared.error(&format!("{}: {error}", self.what)))
            }
            _ => Err(self.shared.error(&format!("{}: {told}", self.what))),
        }
    }
}

impl Shared {
    fn asked(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Value>>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complaints(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, what: &str) -> Error {
        let mut text = format!("a player failed: {what}");
        for line in self.complaints().iter() {
            text = text + "\n  " + line;
        }
        Error::new(text)
    }
}

async fn read(output: ChildStdout, shared: Arc<Shared>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(told) = serde_json::from_str::<Value>(&line) else {
            shared.complaints().push_back(line);
            continue;
        };
        let id = told.get("id").and_then(Value::as_u64).unwrap_or_default();
        let waiting = shared.asked().as_mut().and_then(|asked| asked.remove(&id));
        if let Some(waiting) = waiting {
            // Who asked may have gone.
            let _ = waiting.send(told);
        }
    }
    // Whoever still waits is told.
    drop(shared.asked().take());
}

async fn hear(complaints: ChildStderr, shared: Arc<Shared>) {
    let mut lines = BufReader::new(complaints).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut complaints = shared.complaints();
        complaints.push_back(line);
        if complaints.len() > TAIL {
            complaints.pop_front();
        }
    }
    shared.heard.send_replace(true);
}
