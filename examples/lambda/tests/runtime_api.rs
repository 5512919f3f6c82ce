//! The function's real program, between a Lambda Runtime API that this test serves and a restis-local.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here has to fail its test"
)]

use std::{
    process::{Output, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use restis::Redis;
use restis_local::{Fault, Local};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    time::timeout,
};

/// No step of any test takes this long.
const LONG: Duration = Duration::from_secs(30);

/// What the function said of an event.
#[derive(Debug)]
struct Outcome {
    id: String,
    ok: bool,
    body: Value,
}

struct Api {
    events: Mutex<UnboundedReceiver<(String, u128, Value)>>,
    outcomes: UnboundedSender<Outcome>,
}

/// `GET …/next` waits for an event, as Lambda's does.
async fn next(State(api): State<Arc<Api>>) -> Response {
    match api.events.lock().await.recv().await {
        Some((id, deadline, event)) => {
            let headers = [
                ("lambda-runtime-aws-request-id", id),
                ("lambda-runtime-deadline-ms", deadline.to_string()),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:test".to_owned(),
                ),
            ];
            (headers, event.to_string()).into_response()
        }
        None => StatusCode::GONE.into_response(),
    }
}

async fn outcome(
    State(api): State<Arc<Api>>,
    Path((id, what)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    let ok = match &*what {
        "response" => true,
        "error" => false,
        _ => return StatusCode::NOT_FOUND,
    };
    let body = serde_json::from_str(&body).expect("the function answers in JSON");
    api.outcomes
        .send(Outcome { id, ok, body })
        .expect("the test still listens");
    StatusCode::ACCEPTED
}

/// The running function. Dropping it ends it.
struct Function {
    process: Child,
    events: UnboundedSender<(String, u128, Value)>,
    outcomes: UnboundedReceiver<Outcome>,
    count: u32,
}

impl Function {
    /// Starts the program in the environment that Lambda gives it, and these variables.
    async fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_restis-example-lambda"), variables).await
    }

    async fn start_program(program: &str, variables: &[(&str, &str)]) -> Self {
        let (events, waiting) = unbounded_channel();
        let (done, outcomes) = unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(outcome))
            .with_state(Arc::new(Api {
                events: Mutex::new(waiting),
                outcomes: done,
            }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let process = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "visits")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            process,
            events,
            outcomes,
            count: 0,
        }
    }

    async fn before(local: &Local) -> Self {
        Self::start(&[
            ("UPSTASH_REDIS_REST_URL", local.url()),
            ("UPSTASH_REDIS_REST_TOKEN", local.token()),
        ])
        .await
    }

    /// Sends an event that has to be dealt with in `time`.
    async fn invoke_within(&mut self, time: Duration, event: Value) -> Outcome {
        self.count += 1;
        let id = format!("event-{}", self.count);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + time;
        self.events
            .send((id.clone(), deadline.as_millis(), event))
            .expect("the API is up");
        let outcome = timeout(LONG, self.outcomes.recv())
            .await
            .expect("the function answers");
        let outcome = outcome.expect("the API is up");
        assert_eq!(outcome.id, id);
        outcome
    }

    async fn invoke(&mut self, event: Value) -> Outcome {
        self.invoke_within(LONG, event).await
    }

    /// Ends the function, and gives all it has printed.
    async fn log(mut self) -> String {
        self.process.start_kill().unwrap();
        printed(&self.process.wait_with_output().await.unwrap())
    }
}

fn printed(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// A server of its own for a test, and a client to look into it.
async fn server() -> (Local, Redis) {
    let local = Local::builder().token("token-7d21").start().await.unwrap();
    let redis = Redis::new(local.url(), local.token()).unwrap();
    (local, redis)
}

#[tokio::test]
async fn two_events_share_one_connection() {
    let (local, redis) = server().await;
    redis
        .set("profile:42", r#"{"name":"Ada","city":"London"}"#)
        .await
        .unwrap();
    local.reset_stats().await.unwrap();
    let mut function = Function::before(&local).await;

    let first = function.invoke(json!({"userId": "42"})).await;
    assert!(first.ok, "{first:?}");
    let profile = json!({"name": "Ada", "city": "London"});
    assert_eq!(
        first.body,
        json!({"userId": "42", "visits": 1, "profile": profile})
    );

    let second = function.invoke(json!({"userId": "42"})).await;
    assert!(second.ok, "{second:?}");
    assert_eq!(second.body["visits"], 2);

    let stats = local.stats().await.unwrap();
    assert_eq!(stats.connections, 1);
    assert_eq!(stats.requests, 2);
    assert_eq!(
        stats.by_command,
        [("GET", 2), ("INCR", 2)]
            .map(|(c, n)| (c.to_owned(), n))
            .into()
    );
    assert_eq!(redis.get::<i64>("visits:42").await.unwrap(), Some(2));
    assert_eq!(function.log().await, "");
}

#[tokio::test]
async fn a_user_without_a_profile_is_counted_too() {
    let (local, _) = server().await;
    let mut function = Function::before(&local).await;
    let answer = function.invoke(json!({"userId": "new"})).await;
    assert!(answer.ok, "{answer:?}");
    assert_eq!(
        answer.body,
        json!({"userId": "new", "visits": 1, "profile": null})
    );
}

#[tokio::test]
async fn what_may_have_run_is_not_sent_again_and_says_so() {
    let (local, redis) = server().await;
    let mut function = Function::before(&local).await;
    local.inject(Fault::drop_after());

    let failed = function.invoke(json!({"userId": "42"})).await;
    assert!(!failed.ok, "{failed:?}");
    assert_eq!(failed.body["errorType"], "Redis.MayHaveRun");
    let message = failed.body["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.contains("pipeline"), "{message}");

    // The function has survived, and the visit was counted once.
    let next = function.invoke(json!({"userId": "42"})).await;
    assert!(next.ok, "{next:?}");
    assert_eq!(next.body["visits"], 2);
    assert_eq!(redis.get::<i64>("visits:42").await.unwrap(), Some(2));
    assert_eq!(local.stats().await.unwrap().by_command["INCR"], 2);
    assert_eq!(function.log().await.trim_end(), message);
}

#[tokio::test]
async fn outage_that_ran_nothing_can_be_tried_again() {
    let (local, redis) = server().await;
    let mut function = Function::before(&local).await;
    // A gateway's bare 503 may come after the command ran. Only `Restis-Ran: no` rules that out.
    local.inject(Fault::status(503).times(100));
    let failed = function.invoke(json!({"userId": "42"})).await;
    assert!(!failed.ok, "{failed:?}");
    assert_eq!(failed.body["errorType"], "Redis.MayHaveRun");

    local.clear_faults();
    local.inject(Fault::status(503).header("Restis-Ran", "no").times(100));
    let failed = function.invoke(json!({"userId": "42"})).await;
    assert!(!failed.ok, "{failed:?}");
    assert_eq!(failed.body["errorType"], "Redis.TryAgain");

    local.clear_faults();
    let next = function.invoke(json!({"userId": "42"})).await;
    assert_eq!(next.body["visits"], 1);
    assert_eq!(redis.get::<i64>("visits:42").await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_server_that_is_not_there_can_be_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut function = Function::start(&[
        ("KV_REST_API_URL", &format!("http://{free}")),
        ("KV_REST_API_TOKEN", "token-7d21"),
    ])
    .await;
    for _ in 0..2 {
        let failed = function.invoke(json!({"userId": "42"})).await;
        assert!(!failed.ok, "{failed:?}");
        assert_eq!(failed.body["errorType"], "Redis.TryAgain");
    }
}

#[tokio::test]
async fn an_answer_that_stalls_is_given_up_before_lambda_ends_the_function() {
    let (local, _) = server().await;
    let mut function = Function::before(&local).await;
    assert!(function.invoke(json!({"userId": "42"})).await.ok);
    local.inject(Fault::stall(3));

    let begun = Instant::now();
    let failed = function
        .invoke_within(Duration::from_secs(1), json!({"userId": "42"}))
        .await;
    let waited = begun.elapsed();
    assert!(!failed.ok, "{failed:?}");
    assert_eq!(failed.body["errorType"], "Redis.MayHaveRun");
    assert!((500..1000).contains(&waited.as_millis()), "{waited:?}");
    assert!(function.invoke(json!({"userId": "42"})).await.ok);
}

#[tokio::test]
async fn an_error_of_redis_names_the_command_and_no_key() {
    let (local, redis) = server().await;
    redis.set("visits:user-b83f", "not a number").await.unwrap();
    let mut function = Function::before(&local).await;
    let failed = function.invoke(json!({"userId": "user-b83f"})).await;
    assert!(!failed.ok, "{failed:?}");
    assert_eq!(failed.body["errorType"], "Redis.Failed");
    assert!(
        failed.body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with(" (command: INCR)"),
        "{failed:?}"
    );
    assert!(function.invoke(json!({"userId": "42"})).await.ok);
    let said = failed.body.to_string() + &function.log().await;
    assert!(
        !said.contains("user-b83f") && !said.contains("not a number"),
        "{said}"
    );
}

#[tokio::test]
async fn an_event_of_another_shape_costs_no_request() {
    let (local, _) = server().await;
    let mut function = Function::before(&local).await;
    for event in [json!({}), json!({"userId": 42}), json!("42"), Value::Null] {
        let failed = function.invoke(event).await;
        assert!(!failed.ok, "{failed:?}");
    }
    assert_eq!(local.stats().await.unwrap().requests, 0);
    assert!(function.invoke(json!({"userId": "42"})).await.ok);
}

#[tokio::test]
async fn a_token_that_is_refused_is_in_no_message() {
    let (local, _) = server().await;
    let mut function = Function::start(&[
        ("UPSTASH_REDIS_REST_URL", local.url()),
        ("UPSTASH_REDIS_REST_TOKEN", "token-of-another"),
    ])
    .await;
    let failed = function.invoke(json!({"userId": "42"})).await;
    assert_eq!(failed.body["errorType"], "Redis.Failed");
    let said = failed.body.to_string() + &function.log().await;
    assert!(said.contains("check that the token"), "{said}");
    assert!(!said.contains("token-of-another"), "{said}");
}

#[tokio::test]
async fn without_a_database_it_ends_at_once_and_says_what_to_set() {
    for (variables, word) in [
        (vec![], "UPSTASH_REDIS_REST_URL is missing"),
        (
            vec![("UPSTASH_REDIS_REST_URL", "https://secret-6e0a.upstash.io")],
            "UPSTASH_REDIS_REST_TOKEN is missing",
        ),
        (
            vec![
                ("UPSTASH_REDIS_REST_URL", "http://secret-6e0a.example"),
                ("UPSTASH_REDIS_REST_TOKEN", "secret-6e0a"),
            ],
            "UPSTASH_REDIS_REST_URL is plain http://",
        ),
    ] {
        let function = Function::start(&variables).await;
        let ended = timeout(LONG, function.process.wait_with_output()).await;
        let output = ended.expect("the function ends").unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = printed(&output);
        assert!(said.contains(word), "{said}");
        assert!(!said.contains("secret-6e0a"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// The function that a schedule calls: it sends what waits, and gives back what it has no time for.
#[tokio::test]
async fn a_schedule_drains_the_queue() {
    let (local, redis) = server().await;
    let variables = [
        ("UPSTASH_REDIS_REST_URL", local.url()),
        ("UPSTASH_REDIS_REST_TOKEN", local.token()),
    ];
    let program = env!("CARGO_BIN_EXE_drain");
    let mut function = Function::start_program(program, &variables).await;
    let scheduled = || json!({"detail-type": "Scheduled Event", "detail": {}});
    let idle = function.invoke(scheduled()).await;
    assert!(idle.ok, "{idle:?}");
    let nothing = json!({"sent": 0, "failed": 0, "givenBack": 0, "drained": true});
    assert_eq!(idle.body, nothing);
    let queue = restis::Queue::new(&redis, "notifications");
    let to = |to: &str| json!({"to": to, "text": "hello"});
    let jobs = (0..25).map(|n| queue.add("notification", &to(&format!("user-{n}"))));
    queue.add_bulk(jobs.collect::<Vec<_>>()).await.unwrap();
    let bad = queue.add("notification", &to("nobody")).await.unwrap();
    local.reset_stats().await.unwrap();
    let done = function.invoke(scheduled()).await;
    let expected = json!({"sent": 25, "failed": 1, "givenBack": 0, "drained": true});
    assert_eq!(done.body, expected);
    // Ten in each request: three with jobs, each of which says what became of those before, and the last.
    assert!(local.stats().await.unwrap().requests <= 5);
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.completed, counts.failed), (25, 1));
    let job = queue.job(&bad).await.unwrap().unwrap();
    assert_eq!(job.failed_reason(), Some("there is nobody to send it to"));
    // There is no time for anything: nothing is lost.
    queue.add("notification", &to("late")).await.unwrap();
    let late = function
        .invoke_within(Duration::from_millis(900), scheduled())
        .await;
    assert!(late.ok, "{late:?}");
    let counts = queue.counts().await.unwrap();
    assert_eq!(counts.waiting + counts.completed, 26, "{counts:?}");
    local.inject(Fault::status(401).times(100));
    let failed = function.invoke(scheduled()).await;
    assert_eq!(
        (failed.ok, &failed.body["errorType"]),
        (false, &json!("Redis.Failed"))
    );
}
