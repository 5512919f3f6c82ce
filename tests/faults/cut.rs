//! The connection ends at every byte of an exchange, the request's and the answer's, in every framing: nothing hangs,
//! nothing runs twice, and what may have run is said to be ambiguous.

use std::{collections::BTreeMap, fmt::Debug, future::IntoFuture, time::Duration};

use futures_util::{
    future::{BoxFuture, FutureExt},
    join,
};
use restis::{Error, Redis, Retry};

use crate::wire::{Cut, Ending, Framing, Recorded, Wire};

type Got = Result<String, Error>;

/// One kind of call with its recorded answer.
struct Exchange {
    body: &'static str,
    is_resp2: bool,
    run: fn(&Redis) -> BoxFuture<'_, Vec<Got>>,
    /// What each of its results is.
    values: &'static [&'static str],
    /// The name in each of its errors, and whether it writes. None where the request is safe to repeat.
    errors: &'static [(&'static str, bool)],
    /// What one run of it does.
    commands: &'static [&'static str],
}

fn shown<T: Debug>(result: Result<T, Error>) -> Got {
    result.map(|value| format!("{value:?}"))
}

const GET: Exchange = Exchange {
    body: r#"{"result":"a \"b\""}"#,
    is_resp2: false,
    run: |redis| async { vec![shown(redis.get::<String>("k").await)] }.boxed(),
    values: &[r#"Some("a \"b\"")"#],
    errors: &[],
    commands: &["GET"],
};

const INCR: Exchange = Exchange {
    body: r#"{"result":12}"#,
    is_resp2: false,
    run: |redis| async { vec![shown(redis.incr("n").await)] }.boxed(),
    values: &["12"],
    errors: &[("INCR", true)],
    commands: &["INCR"],
};

const RESP2_GET: Exchange = Exchange {
    body: "$5\r\na\r\nb\n\r\n",
    is_resp2: true,
    run: |redis| async { vec![shown(redis.get::<String>("k").resp2().await)] }.boxed(),
    values: &[r#"Some("a\r\nb\n")"#],
    errors: &[],
    commands: &["GET"],
};

const RESP2_INCR: Exchange = Exchange {
    body: ":12\r\n",
    is_resp2: true,
    run: |redis| async { vec![shown(redis.incr("n").resp2().await)] }.boxed(),
    values: &["12"],
    errors: &[("INCR", true)],
    commands: &["INCR"],
};

/// Three commands that leave in one request by themselves.
const TOGETHER: Exchange = Exchange {
    body: r#"[{"result":"OK"},{"result":"v"},{"result":12}]"#,
    is_resp2: false,
    run: |redis| {
        async {
            let (set, get, incr) = join!(
                redis.set("k", "v").into_future(),
                redis.get::<String>("k").into_future(),
                redis.incr("n").into_future(),
            );
            vec![shown(set), shown(get), shown(incr)]
        }
        .boxed()
    },
    values: &["()", r#"Some("v")"#, "12"],
    errors: &[("SET", true), ("GET", false), ("INCR", true)],
    commands: &["GET", "INCR", "SET"],
};

/// And two that are safe to repeat.
const TOGETHER_SAFE: Exchange = Exchange {
    body: r#"[{"result":"OK"},{"result":"v"}]"#,
    is_resp2: false,
    run: |redis| {
        async {
            let (set, get) = join!(
                redis.set("k", "v").into_future(),
                redis.get::<String>("k").into_future(),
            );
            vec![shown(set), shown(get)]
        }
        .boxed()
    },
    values: &["()", r#"Some("v")"#],
    errors: &[],
    commands: &["GET", "SET"],
};

const PIPELINE: Exchange = Exchange {
    body: r#"[{"result":"OK"},{"error":"WRONGTYPE no"},{"result":12}]"#,
    is_resp2: false,
    run: |redis| {
        let batch = (redis.set("k", "v"), redis.llen("k"), redis.incr("n"));
        async {
            vec![shown(redis.pipeline(batch).await.map(
                |(set, len, incr)| {
                    (
                        set.is_ok(),
                        len.unwrap_err().code().map(str::to_owned),
                        incr.ok(),
                    )
                },
            ))]
        }
        .boxed()
    },
    values: &[r#"(true, Some("WRONGTYPE"), Some(12))"#],
    errors: &[("pipeline", true)],
    commands: &["INCR", "LLEN", "SET"],
};

const TRANSACTION: Exchange = Exchange {
    body: r#"[{"result":"OK"},{"result":12}]"#,
    is_resp2: false,
    run: |redis| {
        let batch = (redis.set("k", "v"), redis.incr("n"));
        async { vec![shown(redis.transaction(batch).await)] }.boxed()
    },
    values: &["((), 12)"],
    errors: &[("transaction", true)],
    commands: &["INCR", "SET"],
};

const SCAN: Exchange = Exchange {
    body: r#"{"result":["0",["a","b"]]}"#,
    is_resp2: false,
    run: |redis| {
        async {
            let mut keys = redis.scan().stream::<String>();
            let mut got = Vec::new();
            while let Some(key) = keys.next().await {
                got.push(shown(key));
            }
            got
        }
        .boxed()
    },
    values: &[r#""a""#, r#""b""#],
    errors: &[],
    commands: &["SCAN"],
};

const XRANGE: Exchange = Exchange {
    body: r#"{"result":[["1-1",["f","v"]],["2-1",["f","w"]]]}"#,
    is_resp2: false,
    run: |redis| {
        async {
            let mut entries = redis
                .xrange_pages("s", "-", "+")
                .stream::<(String, String)>();
            let mut got = Vec::new();
            while let Some(entry) = entries.next().await {
                got.push(shown(entry.map(|entry| entry.fields.1)));
            }
            got
        }
        .boxed()
    },
    values: &[r#""v""#, r#""w""#],
    errors: &[],
    commands: &["XRANGE"],
};

impl Exchange {
    fn answer(&self, framing: Framing) -> Recorded {
        Recorded {
            content_type: match self.is_resp2 {
                true => "application/octet-stream",
                false => "application/json",
            },
            body: self.body,
            framing,
        }
    }

    /// How often its commands ran, if it ran so often.
    fn ran(&self, times: u64) -> BTreeMap<String, u64> {
        let commands = self.commands.iter().filter(|_| times > 0);
        commands
            .map(|command| ((*command).to_owned(), times))
            .collect()
    }

    async fn run(&self, redis: &Redis, case: &str) -> Vec<Got> {
        let run = tokio::time::timeout(Duration::from_secs(20), (self.run)(redis));
        run.await.unwrap_or_else(|_| panic!("{case} hangs"))
    }

    fn is_right(&self, got: &[Got]) -> bool {
        let values: Option<Vec<_>> = got.iter().map(|got| got.as_deref().ok()).collect();
        values.is_some_and(|values| values == self.values)
    }

    /// What is not repeated says so, for each command as it is.
    fn assert_errors(&self, got: &[Got], case: &str) {
        assert_eq!(got.len(), self.errors.len(), "{case}: {got:?}");
        for (got, (name, writes)) in got.iter().zip(self.errors) {
            let error = got.as_ref().unwrap_err();
            assert!(error.is_interrupted(), "{case}: {error}");
            assert_eq!(error.is_ambiguous(), *writes, "{case}: {error}");
            assert_eq!(
                (error.command(), error.attempts()),
                (Some(*name), 1),
                "{case}"
            );
        }
    }

    /// Cuts at each byte of the request, then at each of the answer in each framing.
    async fn cut_everywhere(&self, auto: bool) {
        let wire = Wire::start().await;
        let redis = wire.client(|builder| builder.auto_pipelining(auto));
        wire.answer(self.answer(Framing::Length));
        assert!(self.is_right(&self.run(&redis, "whole").await));
        for at in 0..wire.request() {
            self.cut(
                &wire,
                &redis,
                Framing::Length,
                Cut::Request(at),
                Ending::Fin,
            )
            .await;
        }
        let step = wire.request() / 7;
        for at in (0..wire.request()).step_by(step) {
            self.cut(
                &wire,
                &redis,
                Framing::Length,
                Cut::Request(at),
                Ending::Reset,
            )
            .await;
        }
        for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
            for at in 0..=self.answer(framing).bytes().len() {
                for ending in [Ending::Fin, Ending::Reset] {
                    self.cut(&wire, &redis, framing, Cut::Answer(at), ending)
                        .await;
                }
            }
        }
    }

    async fn cut(&self, wire: &Wire, redis: &Redis, framing: Framing, cut: Cut, ending: Ending) {
        let case = format!("{} {framing:?} {cut:?} {ending:?}", self.body);
        let whole = self.answer(framing).bytes().len();
        wire.answer(self.answer(framing));
        wire.cut(cut, ending);
        let got = self.run(redis, &case).await;
        let ran = match cut {
            Cut::Request(_) => 0,
            Cut::Answer(_) => 1,
        };
        if cut == Cut::Answer(whole) && ending == Ending::Fin {
            assert!(self.is_right(&got), "{case}: {got:?}");
            assert_eq!(wire.ran(), self.ran(1), "{case}");
        } else if self.errors.is_empty() {
            // Once more, and not if a reset came behind the whole answer and too late to take it away.
            assert!(self.is_right(&got), "{case}: {got:?}");
            let again = wire.ran() == self.ran(ran + 1);
            assert!(
                again || cut == Cut::Answer(whole),
                "{case}: {:?}",
                wire.ran()
            );
        } else {
            if !(cut == Cut::Answer(whole) && self.is_right(&got)) {
                self.assert_errors(&got, &case);
            }
            assert_eq!(wire.ran(), self.ran(ran), "{case}");
        }
        // And all goes on: with a read, since a connection that ended behind its answer may be met still.
        wire.answer(GET.answer(Framing::Length));
        let got = GET.run(redis, &case).await;
        assert!(GET.is_right(&got), "{case}, afterwards: {got:?}");
    }
}

#[tokio::test]
async fn a_read() {
    GET.cut_everywhere(false).await;
    RESP2_GET.cut_everywhere(false).await;
}

#[tokio::test]
async fn a_write() {
    INCR.cut_everywhere(false).await;
    RESP2_INCR.cut_everywhere(false).await;
}

#[tokio::test]
async fn commands_that_leave_together() {
    TOGETHER.cut_everywhere(true).await;
    TOGETHER_SAFE.cut_everywhere(true).await;
}

#[tokio::test]
async fn batches() {
    PIPELINE.cut_everywhere(false).await;
    TRANSACTION.cut_everywhere(true).await;
}

#[tokio::test]
async fn pages() {
    SCAN.cut_everywhere(true).await;
    XRANGE.cut_everywhere(false).await;
}

/// As often as it is repeated, it is cut: the error is the last one's, and nothing runs more often than it says.
#[tokio::test]
async fn what_is_cut_each_time_ends_with_an_error() {
    let wire = Wire::start().await;
    let redis = wire.client(|builder| builder.retry(Retry::never()).auto_pipelining(true));
    for exchange in [GET, TOGETHER_SAFE, SCAN, XRANGE, RESP2_GET] {
        wire.answer(exchange.answer(Framing::Chunked));
        wire.cut(Cut::Answer(90), Ending::Fin);
        let got = exchange.run(&redis, exchange.body).await;
        let errors: Vec<_> = got.into_iter().map(Result::unwrap_err).collect();
        for error in errors {
            assert!(error.is_interrupted() && error.is_retryable(), "{error}");
            assert_eq!(
                error.is_ambiguous(),
                error.command() == Some("SET"),
                "{error}"
            );
        }
        assert_eq!(wire.ran(), exchange.ran(1));
    }
}
