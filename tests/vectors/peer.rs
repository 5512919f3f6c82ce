//! The real @upstash/redis and restis before one server: each call from the same data, the words as the server read
//! them, its answers, and what each client makes of them.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
};

use restis::{
    Redis, Retry,
    transport::{Request, Response, TransportError},
};
use restis_local::Local;
use serde_json::{Value, json};

use crate::{
    mock::{Mock, decoded},
    pairs,
    row::{Form, Row},
    shown::agree,
    vector::{Vector, same_words, vectors, words},
};

/// Calls whose answers hold a time, so that two are never the same. Ours is given the answer that the peer got.
const UNSTEADY: &[(usize, &str)] = &[
    (150, "the time"),
    (168, "how long a consumer is idle"),
    (170, "how long an entry is pending"),
];

/// Calls of the vectors that are errors on any server.
const ERRORS: &[(usize, &str)] = &[
    (17, "NOSCRIPT No matching script. Please use EVAL."),
    (18, "NOSCRIPT No matching script. Please use EVAL."),
    (
        19,
        "ERR wrong number of arguments for 'object|encoding' command",
    ),
    (
        177,
        "ERR syntax error, LIMIT cannot be used without the special ~ option",
    ),
    (230, "ERR No functions registered"),
];

/// The program that drives @upstash/redis.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(local: &Local) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
        let hint = "`cargo xtask test native` gets Node and @upstash/redis, and runs this test";
        let client = folder.join("node_modules/@upstash/redis/package.json");
        let manifest = std::fs::read_to_string(&client)
            .unwrap_or_else(|error| panic!("@upstash/redis is not in tests/js ({error}): {hint}"));
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(
            manifest["version"], "1.39.0",
            "the vectors are of this release"
        );
        let node = node(&folder);
        let mut child = Command::new(&node)
            .arg("peer.mjs")
            .current_dir(&folder)
            .env("UPSTASH_REDIS_REST_URL", local.url())
            .env("UPSTASH_REDIS_REST_TOKEN", local.token())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start ({error}): {hint}", node.display()));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "peer.mjs ended at {question}");
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Node that RESTIS_NODE22 names, else that of tests/js, else that of the PATH.
fn node(folder: &Path) -> PathBuf {
    if let Some(named) = env::var_os("RESTIS_NODE22").filter(|name| !name.is_empty()) {
        return named.into();
    }
    let installed = ["node22-linux-x64", "node22-linux-arm64"]
        .map(|package| folder.join("node_modules").join(package).join("bin/node"));
    let found = installed.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| "node".into())
}

/// A reply or an error of the server, whatever the form in which it came.
type Reply = Result<Value, String>;

fn reply(body: &str, base64: bool) -> Reply {
    let body: Value = serde_json::from_str(body).unwrap();
    let entry = if body.is_array() { &body[0] } else { &body };
    if let Some(error) = entry.get("error") {
        return Err(error.as_str().unwrap().to_owned());
    }
    let result = entry["result"].clone();
    Ok(if base64 { decoded(result) } else { result })
}

/// What a client did with one call.
struct Seen {
    /// The commands as the server read them.
    commands: Vec<Vec<String>>,
    /// The server's first answer.
    reply: Reply,
    /// What the caller got, or what is in the error.
    result: Result<Value, String>,
}

struct Bench {
    local: Local,
    http: reqwest::Client,
    /// The answers to our client.
    heard: Arc<Mutex<Vec<Reply>>>,
}

impl Bench {
    async fn start() -> Self {
        Self {
            local: Local::builder().start().await.unwrap(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            heard: Arc::default(),
        }
    }

    /// Our client, over the transport that keeps what the server said.
    fn redis(&self, together: bool) -> Redis {
        let (http, heard) = (self.http.clone(), Arc::clone(&self.heard));
        let transport = move |request: Request| {
            let (http, heard) = (http.clone(), Arc::clone(&heard));
            async move {
                let mut post = http.post(request.url());
                for (name, value) in request.headers() {
                    post = post.header(name, value);
                }
                let base64 = request
                    .headers()
                    .any(|header| header == ("upstash-encoding", "base64"));
                let response = post
                    .body(request.into_body())
                    .send()
                    .await
                    .map_err(TransportError::interrupted)?;
                let status = response.status().as_u16();
                let text = response.text().await.map_err(TransportError::interrupted)?;
                heard.lock().unwrap().push(reply(&text, base64));
                Ok(Response::new(status, text))
            }
        };
        let builder = Redis::builder()
            .url(self.local.url())
            .token(self.local.token())
            .transport(transport)
            .retry(Retry::never())
            .auto_pipelining(together);
        builder.build().unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> String {
        let request = self
            .http
            .post(format!("{}{path}", self.local.url()))
            .bearer_auth(self.local.token());
        let response = request.body(body.to_string()).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// Nothing in the database but the seed, and an empty record.
    async fn prepare(&self, seed: &[Vec<String>]) {
        let mut commands = vec![
            json!(["FLUSHALL"]),
            json!(["FUNCTION", "FLUSH"]),
            json!(["SCRIPT", "FLUSH"]),
        ];
        commands.extend(seed.iter().map(|command| json!(command)));
        let answer = self.post("/pipeline", &Value::Array(commands)).await;
        assert!(!answer.contains("error"), "{seed:?}: {answer}");
        self.post("/_local/log", &Value::Null).await;
    }

    /// The commands since `prepare`.
    async fn record(&self) -> Vec<Vec<String>> {
        let url = format!("{}/_local/log", self.local.url());
        let request = self.http.get(url).bearer_auth(self.local.token());
        let text = request.send().await.unwrap().text().await;
        let requests: Vec<Value> = serde_json::from_str(&text.unwrap()).unwrap();
        let commands = |request: &Value| -> Vec<Vec<String>> {
            serde_json::from_value(request["commands"].clone()).unwrap()
        };
        requests.iter().flat_map(commands).collect()
    }

    /// What the peer says of a call, from its seed.
    async fn call(&self, peer: &mut Peer, vector: &Vector, together: bool) -> Value {
        self.prepare(vector.seed.as_ref().unwrap()).await;
        peer.ask(&json!({
            "together": together,
            "method": vector.method,
            "args": vector.args,
            "chain": vector.chain,
        }))
    }

    async fn theirs(&self, peer: &mut Peer, vector: &Vector, together: bool) -> Seen {
        let told = self.call(peer, vector, together).await;
        let answer = &told["answers"][0];
        Seen {
            commands: self.record().await,
            reply: reply(
                answer["text"].as_str().unwrap_or_else(|| panic!("{told}")),
                answer["base64"].as_bool().unwrap(),
            ),
            result: match told.get("result") {
                Some(result) => Ok(result.clone()),
                None => Err(told["error"].as_str().unwrap().to_owned()),
            },
        }
    }

    async fn ours(&self, redis: &Redis, row: &Row, vector: &Vector) -> Seen {
        self.prepare(vector.seed.as_ref().unwrap()).await;
        self.heard.lock().unwrap().clear();
        let outcome = row.run(redis, Form::Alone).await;
        Seen {
            commands: self.record().await,
            reply: self.heard.lock().unwrap()[0].clone(),
            result: match outcome {
                Ok(outcome) => Ok(outcome.shown),
                Err(error) => Err(error.code().unwrap_or("").to_owned()),
            },
        }
    }
}

/// What is not as it should be between the two clients.
async fn problem(row: &Row, vector: &Vector, theirs: &Seen, ours: &Seen) -> Option<String> {
    let vectors_wire = words(&vector.wire);
    let [sent] = &theirs.commands[..] else {
        return Some(format!("the peer sent {:?}", theirs.commands));
    };
    if *sent != vectors_wire {
        return Some(format!(
            "the peer sent {sent:?}, the vector has {vectors_wire:?}"
        ));
    }
    let [first] = &ours.commands[..] else {
        return Some(format!("ours sent {:?}", ours.commands));
    };
    let is_right = match row.wire {
        None => same_words(first, sent),
        Some((words, _)) => serde_json::from_str::<Vec<String>>(words).unwrap() == *first,
    };
    if !is_right {
        return Some(format!("the server read {first:?} and {sent:?}"));
    }
    let unsteady = UNSTEADY.iter().any(|(id, _)| *id == vector.id);
    if !unsteady && theirs.reply != ours.reply {
        return Some(format!(
            "the server answered {:?} and {:?}",
            ours.reply, theirs.reply
        ));
    }
    let mut ours = ours.result.clone();
    if let (true, Ok(raw)) = (unsteady, &theirs.reply) {
        let outcome = row
            .run(Mock::new(raw.clone()).redis(), Form::Alone)
            .await
            .unwrap();
        ours = Ok(outcome.shown);
    }
    let agreed = match (&theirs.result, &ours) {
        (Ok(theirs), Ok(ours)) => agree(theirs, ours) || row.differs.is_some(),
        // Theirs has the whole text, ours its code.
        (Err(theirs), Err(ours)) => !ours.is_empty() && theirs.contains(ours),
        _ => false,
    };
    (!agreed).then(|| {
        format!(
            "the results are {ours:?} and {:?}, of {:?}",
            theirs.result, theirs.reply
        )
    })
}

async fn compare(together: bool) {
    let bench = Bench::start().await;
    let mut peer = Peer::start(&bench.local);
    let redis = bench.redis(together);
    let mut problems = Vec::new();
    let mut errors = Vec::new();
    let runs: Vec<_> = pairs()
        .into_iter()
        .filter(|(_, vector)| vector.alone.is_none())
        .collect();
    for (row, vector) in &runs {
        if together && vector.chain.is_some() {
            let told = bench.call(&mut peer, vector, together).await;
            let error = told["error"].as_str().unwrap();
            assert!(error.contains("cannot be chained"), "{row}: {told}");
            continue;
        }
        let theirs = bench.theirs(&mut peer, vector, together).await;
        let ours = bench.ours(&redis, row, vector).await;
        if let Err(error) = &theirs.reply {
            errors.push((vector.id, error.clone()));
        }
        let problem = problem(row, vector, &theirs, &ours).await;
        problems.extend(problem.map(|problem| format!("{row}: {problem}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let errors: Vec<_> = errors.iter().map(|(id, error)| (*id, &**error)).collect();
    assert_eq!(errors, ERRORS);
}

#[tokio::test]
async fn both_clients_one_command_a_request() {
    compare(false).await;
}

#[tokio::test]
async fn both_clients_with_automatic_pipelining() {
    compare(true).await;
}

#[tokio::test]
async fn calls_shown_by_their_vector_alone_are_those_no_server_here_runs() {
    let bench = Bench::start().await;
    for vector in vectors() {
        assert_eq!(vector.alone.is_some(), vector.seed.is_none());
        let Some(why) = &vector.alone else { continue };
        let answer = bench.post("/", &json!(words(&vector.wire))).await;
        let refused = [
            "unknown command",
            "not available",
            "not supported",
            "syntax error",
        ];
        assert!(
            refused.iter().any(|words| answer.contains(words)),
            "{} ({why}): {answer}",
            vector.method
        );
    }
}

#[tokio::test]
async fn no_command_of_the_peer_is_without_a_vector() {
    let bench = Bench::start().await;
    let mut peer = Peer::start(&bench.local);
    let methods = peer.ask(&json!({ "methods": true }))["methods"].clone();
    let methods: BTreeSet<String> = serde_json::from_value(methods).unwrap();
    assert_eq!(methods.len(), 184 + 23 + 7);
    // `exec` of a client is not a command of its pipelines; indexes are handles, which these lack.
    let of_handles = |method: &str| method.starts_with("search.") || method.starts_with("vector.");
    let shown: BTreeSet<String> = vectors()
        .into_iter()
        .map(|vector| vector.method)
        .filter(|method| method != "exec" && !of_handles(method))
        .collect();
    assert_eq!(shown, methods);
}
