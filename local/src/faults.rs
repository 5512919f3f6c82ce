//! Faults that tests inject: what happens, and to which requests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// How many faults may wait that came over HTTP, and how many bytes their answers may hold together.
const MOST_FAULTS: usize = 1_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

const GATEWAY_PAGE: &str = "<!DOCTYPE html>\n<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n";

/// One fault: what happens, and to which requests.
///
/// A fault meets the next request and is then over, unless told otherwise. Of several the first that
/// wants a request gets it, and the others do not see that request. Nothing under `/_local` meets one.
///
/// ```
/// use restis_local::Fault;
///
/// let second_pipeline_is_lost = Fault::drop_after().path("/pipeline").skip(1);
/// let a_tenth_is_refused = Fault::status(429).header("retry-after", "1").rate(0.1, 42);
/// # let _ = (second_pipeline_is_lost, a_tenth_is_refused);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Spec", into = "Spec")]
pub struct Fault {
    kind: Kind,
    times: Option<u64>,
    skip: u64,
    rate: Option<f64>,
    seed: u64,
    path: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    DropBefore,
    DropAfter,
    Delay(Duration),
    DelayAnswer(Duration),
    /// An answer that is not the server's; `executed` tells whether the command ran all the same.
    Canned {
        label: &'static str,
        status: u16,
        headers: BTreeMap<String, String>,
        body: String,
        executed: bool,
    },
    Truncate(u64),
    Stall(u64),
}

impl Fault {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            times: None,
            skip: 0,
            rate: None,
            seed: 0,
            path: None,
        }
    }

    fn canned(label: &'static str, status: u16, content_type: Option<&str>, body: String) -> Self {
        let header = content_type.map(|value| ("content-type".to_owned(), value.to_owned()));
        Self::new(Kind::Canned {
            label,
            status,
            headers: header.into_iter().collect(),
            body,
            executed: false,
        })
    }

    /// The connection is closed without a byte of an answer. Nothing ran.
    pub const fn drop_before() -> Self {
        Self::new(Kind::DropBefore)
    }

    /// The request runs, then the connection is closed without a byte of an answer.
    pub const fn drop_after() -> Self {
        Self::new(Kind::DropAfter)
    }

    /// The request waits before it runs.
    pub const fn delay(time: Duration) -> Self {
        Self::new(Kind::Delay(time))
    }

    /// The request runs, and its answer waits.
    pub const fn delay_answer(time: Duration) -> Self {
        Self::new(Kind::DelayAnswer(time))
    }

    /// Answers with this status and an empty body. Nothing ran.
    pub fn status(status: u16) -> Self {
        Self::canned("status", status, None, String::new())
    }

    /// Answers 502 with the HTML page of a gateway. Nothing ran.
    pub fn html() -> Self {
        Self::canned("html", 502, Some("text/html"), GATEWAY_PAGE.to_owned())
    }

    /// Answers 200 with this text as if it were the JSON of an answer. Nothing ran.
    pub fn body(text: impl Into<String>) -> Self {
        Self::canned("body", 200, Some("application/json"), text.into())
    }

    /// The request runs; of its answer come the head, with the whole length announced, and this many
    /// bytes of the body, the last one never among them. Then the connection is closed. A stream
    /// announces no length, and ends after exactly so many bytes.
    pub const fn truncate(bytes: u64) -> Self {
        Self::new(Kind::Truncate(bytes))
    }

    /// As [`truncate`](Self::truncate), but the connection stays open and silent until the client leaves.
    pub const fn stall(bytes: u64) -> Self {
        Self::new(Kind::Stall(bytes))
    }

    /// Sets the body of [`status`](Self::status) or [`html`](Self::html).
    #[must_use]
    pub fn with_body(mut self, text: impl Into<String>) -> Self {
        if let Kind::Canned { body, .. } = &mut self.kind {
            *body = text.into();
        }
        self
    }

    /// Adds a header to the answer of [`status`](Self::status), [`html`](Self::html) or
    /// [`body`](Self::body). Names are case-insensitive and replace what was there.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Kind::Canned { headers, .. } = &mut self.kind {
            headers.insert(name.to_ascii_lowercase(), value.into());
        }
        self
    }

    /// The request runs although the answer of [`status`](Self::status), [`html`](Self::html) or
    /// [`body`](Self::body) does not tell.
    #[must_use]
    pub const fn executed(mut self) -> Self {
        if let Kind::Canned { executed, .. } = &mut self.kind {
            *executed = true;
        }
        self
    }

    /// Meets this many requests. The default is 1, and without end with a [`rate`](Self::rate).
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub const fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// Meets this share of the matching requests, from 0 to 1; which ones depends on the seed alone.
    #[must_use]
    pub const fn rate(mut self, rate: f64, seed: u64) -> Self {
        self.rate = Some(rate);
        self.seed = seed;
        self
    }

    /// Meets only requests to this path and below it. `"/"` is the form with the command as JSON.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Reads one that was written as JSON.
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| error.to_string())
    }

    fn matches(&self, path: &str) -> bool {
        self.path.as_deref().is_none_or(|wanted| {
            path.strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// A fault as JSON.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Spec {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl TryFrom<Spec> for Fault {
    type Error = String;

    fn try_from(mut spec: Spec) -> Result<Self, String> {
        let kind = std::mem::take(&mut spec.kind);
        let need = |field: &str| format!("a fault of kind {kind} needs \"{field}\"");
        let ms = spec.ms.take().map(Duration::from_millis);
        let bytes = spec.bytes.take();
        let (status, body, text) = (spec.status.take(), spec.body.take(), spec.text.take());
        let left = |taken: bool, field: &str| match taken {
            true => Err(format!("a fault of kind {kind} has no \"{field}\"")),
            false => Ok(()),
        };
        let waits = matches!(kind.as_str(), "delay" | "delay_answer");
        let cuts = matches!(kind.as_str(), "truncate" | "stall");
        let canned = matches!(kind.as_str(), "status" | "html" | "body");
        left(ms.is_some() && !waits, "ms")?;
        left(bytes.is_some() && !cuts, "bytes")?;
        left(status.is_some() && !canned, "status")?;
        left(
            body.is_some() && !matches!(kind.as_str(), "status" | "html"),
            "body",
        )?;
        left(text.is_some() && kind != "body", "text")?;
        left(!spec.headers.is_empty() && !canned, "headers")?;
        left(spec.executed.is_some() && !canned, "executed")?;
        let mut fault = match kind.as_str() {
            "drop_before" => Self::drop_before(),
            "drop_after" => Self::drop_after(),
            "delay" => Self::delay(ms.ok_or_else(|| need("ms"))?),
            "delay_answer" => Self::delay_answer(ms.ok_or_else(|| need("ms"))?),
            "status" => Self::status(status.ok_or_else(|| need("status"))?),
            "html" => Self::html(),
            "body" => Self::body(text.ok_or_else(|| need("text"))?),
            "truncate" => Self::truncate(bytes.ok_or_else(|| need("bytes"))?),
            "stall" => Self::stall(bytes.ok_or_else(|| need("bytes"))?),
            _ => {
                return Err(format!(
                    "there is no fault of kind \"{kind}\"; the kinds are drop_before, drop_after, delay, delay_answer, status, html, truncate, stall and body"
                ));
            }
        };
        if let Kind::Canned { status: code, .. } = &mut fault.kind {
            *code = status.unwrap_or(*code);
            if !(200..=999).contains(code) {
                return Err("the status of a fault is a number from 200 to 999".to_owned());
            }
        }
        if spec.rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err("the rate of a fault is a number from 0 to 1".to_owned());
        }
        if spec.seed.is_some() && spec.rate.is_none() {
            return Err("a seed is of use with a \"rate\" only".to_owned());
        }
        if let Some(body) = body {
            fault = fault.with_body(body);
        }
        for (name, value) in std::mem::take(&mut spec.headers) {
            fault = fault.header(&name, value);
        }
        if spec.executed == Some(true) {
            fault = fault.executed();
        }
        fault.times = spec.times;
        fault.skip = spec.skip.unwrap_or_default();
        fault.rate = spec.rate;
        fault.seed = spec.seed.unwrap_or_default();
        fault.path = spec.path;
        Ok(fault)
    }
}

impl From<Fault> for Spec {
    fn from(fault: Fault) -> Self {
        let mut spec = Self {
            times: fault.times,
            skip: Some(fault.skip).filter(|&skip| skip > 0),
            rate: fault.rate,
            seed: fault.rate.map(|_| fault.seed),
            path: fault.path,
            ..Self::default()
        };
        let ms = |time: Duration| Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        spec.kind = match fault.kind {
            Kind::DropBefore => "drop_before",
            Kind::DropAfter => "drop_after",
            Kind::Delay(time) => {
                spec.ms = ms(time);
                "delay"
            }
            Kind::DelayAnswer(time) => {
                spec.ms = ms(time);
                "delay_answer"
            }
            Kind::Canned {
                label,
                status,
                headers,
                body,
                executed,
            } => {
                spec.status = Some(status);
                spec.headers = headers;
                spec.executed = Some(executed);
                match label {
                    "body" => spec.text = Some(body),
                    _ => spec.body = Some(body),
                }
                label
            }
            Kind::Truncate(bytes) => {
                spec.bytes = Some(bytes);
                "truncate"
            }
            Kind::Stall(bytes) => {
                spec.bytes = Some(bytes);
                "stall"
            }
        }
        .to_owned();
        spec
    }
}

/// The faults that wait for requests.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Armed>>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
    left: u64,
}

impl Faults {
    /// Adds a fault that came over HTTP, unless too many or too large ones wait already.
    #[must_use]
    pub(crate) fn add(&self, fault: Fault) -> bool {
        let size = |fault: &Fault| match &fault.kind {
            Kind::Canned { headers, body, .. } => {
                let headers = headers.iter().map(|(name, value)| name.len() + value.len());
                body.len() + headers.sum::<usize>()
            }
            _ => 0,
        };
        let (count, bytes) = {
            let armed = self.armed();
            let bytes: usize = armed.iter().map(|armed| size(&armed.fault)).sum();
            (armed.len(), bytes + size(&fault))
        };
        let fits = count < MOST_FAULTS && bytes <= MOST_BYTES;
        if fits {
            self.inject(fault);
        }
        fits
    }

    pub(crate) fn inject(&self, fault: Fault) {
        let left = match (fault.times, fault.rate) {
            (Some(times), _) => times,
            (None, None) => 1,
            (None, Some(_)) => u64::MAX,
        };
        self.armed().push(Armed {
            fault,
            seen: 0,
            left,
        });
    }

    pub(crate) fn clear(&self) {
        self.armed().clear();
    }

    /// What happens to the next request, which goes to `path`.
    pub(crate) fn pick(&self, path: &str) -> Option<Kind> {
        let mut armed = self.armed();
        let kind = armed.iter_mut().find_map(|armed| armed.wants(path))?;
        armed.retain(|armed| armed.left > 0);
        Some(kind)
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn wants(&mut self, path: &str) -> Option<Kind> {
        if self.left == 0 || !self.fault.matches(path) {
            return None;
        }
        let number = self.seen;
        self.seen += 1;
        let number = number.checked_sub(self.fault.skip)?;
        if self
            .fault
            .rate
            .is_some_and(|rate| share(self.fault.seed, number) >= rate)
        {
            return None;
        }
        if self.left != u64::MAX {
            self.left -= 1;
        }
        Some(self.fault.kind.clone())
    }
}

/// A number from 0 up to 1 for each seed and request: SplitMix64, 53 bits of it.
fn share(seed: u64, number: u64) -> f64 {
    let mut z = number
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(seed);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn met(fault: Fault, paths: &[&str]) -> String {
        let faults = Faults::default();
        faults.inject(fault);
        let met = paths
            .iter()
            .map(|path| faults.pick(path).map_or('.', |_| 'x'));
        met.collect()
    }

    #[test]
    fn a_fault_meets_the_requests_it_was_made_for() {
        let ten = ["/"; 10];
        let table = [
            (Fault::drop_before(), "x........."),
            (Fault::drop_before().times(3), "xxx......."),
            (Fault::drop_before().skip(2), "..x......."),
            (Fault::drop_before().skip(2).times(2), "..xx......"),
            (Fault::drop_before().times(u64::MAX), "xxxxxxxxxx"),
            (Fault::drop_before().times(0), ".........."),
            (Fault::drop_before().rate(1.0, 1), "xxxxxxxxxx"),
            (Fault::drop_before().rate(0.0, 1), ".........."),
            (Fault::drop_before().rate(1.0, 1).times(2), "xx........"),
            (Fault::drop_before().rate(1.0, 1).skip(8), "........xx"),
            (Fault::drop_before().path("/pipeline"), ".........."),
        ];
        for (fault, expected) in table {
            assert_eq!(met(fault.clone(), &ten), expected, "{fault:?}");
        }
    }

    #[test]
    fn a_path_is_met_whole() {
        let paths = ["/", "/set", "/set/k", "/setnx/k", "/pipeline"];
        let table = [("/", "x...."), ("/set", ".xx.."), ("/pipeline", "....x")];
        for (path, expected) in table {
            let fault = Fault::status(500).path(path).times(u64::MAX);
            assert_eq!(met(fault, &paths), expected, "{path}");
        }
        let skipping = Fault::status(500).path("/set").skip(1);
        assert_eq!(
            met(skipping, &["/", "/set/a", "/", "/set/b", "/set/c"]),
            "...x."
        );
    }

    #[test]
    fn the_seed_decides_which_and_the_rate_how_many() {
        let paths = ["/"; 10_000];
        let first = met(Fault::drop_after().rate(0.25, 7), &paths);
        assert_eq!(first, met(Fault::drop_after().rate(0.25, 7), &paths));
        assert_ne!(first, met(Fault::drop_after().rate(0.25, 8), &paths));
        let count = first.matches('x').count();
        assert!((2_300..2_700).contains(&count), "{count}");
    }

    #[test]
    fn the_first_fault_takes_the_request_from_the_others() {
        let faults = Faults::default();
        faults.inject(Fault::drop_before());
        faults.inject(Fault::drop_after());
        assert_eq!(faults.pick("/"), Some(Kind::DropBefore));
        assert_eq!(faults.pick("/"), Some(Kind::DropAfter));
        assert_eq!(faults.pick("/"), None);
        faults.inject(Fault::drop_before());
        faults.clear();
        assert_eq!(faults.pick("/"), None);
    }

    #[test]
    fn faults_are_read_from_json_and_written_back() {
        let second = Duration::from_secs(1);
        let table = [
            (r#"{"kind":"drop_before"}"#, Fault::drop_before()),
            (
                r#"{"kind":"drop_after","times":2,"skip":1}"#,
                Fault::drop_after().times(2).skip(1),
            ),
            (
                r#"{"kind":"delay","ms":1000,"path":"/set"}"#,
                Fault::delay(second).path("/set"),
            ),
            (
                r#"{"kind":"delay_answer","ms":1000}"#,
                Fault::delay_answer(second),
            ),
            (r#"{"kind":"status","status":429}"#, Fault::status(429)),
            (
                r#"{"kind":"status","status":503,"body":"b","headers":{"Retry-After":"1"},"executed":true}"#,
                Fault::status(503)
                    .with_body("b")
                    .header("retry-after", "1")
                    .executed(),
            ),
            (r#"{"kind":"html"}"#, Fault::html()),
            (r#"{"kind":"body","text":"[]"}"#, Fault::body("[]")),
            (
                r#"{"kind":"truncate","bytes":3,"rate":0.5,"seed":9}"#,
                Fault::truncate(3).rate(0.5, 9),
            ),
            (r#"{"kind":"stall","bytes":0}"#, Fault::stall(0)),
        ];
        for (json, expected) in table {
            let fault: Fault = serde_json::from_str(json).unwrap();
            assert_eq!(fault, expected, "{json}");
            let written = serde_json::to_string(&fault).unwrap();
            assert_eq!(
                serde_json::from_str::<Fault>(&written).unwrap(),
                fault,
                "{written}"
            );
        }
    }

    #[test]
    fn a_fault_that_makes_no_sense_says_why() {
        let table = [
            (r#"{}"#, "the kinds are"),
            (r#"{"kind":"explode"}"#, "the kinds are"),
            (r#"{"kind":"drop_before","tims":2}"#, "unknown field"),
            (r#"{"kind":"delay"}"#, "needs \"ms\""),
            (r#"{"kind":"status"}"#, "needs \"status\""),
            (r#"{"kind":"body"}"#, "needs \"text\""),
            (r#"{"kind":"stall"}"#, "needs \"bytes\""),
            (r#"{"kind":"stall","bytes":1,"ms":1}"#, "has no \"ms\""),
            (
                r#"{"kind":"drop_after","executed":true}"#,
                "has no \"executed\"",
            ),
            (r#"{"kind":"status","status":99}"#, "200 to 999"),
            (r#"{"kind":"html","rate":1.5}"#, "from 0 to 1"),
            (r#"{"kind":"html","seed":1}"#, "with a \"rate\""),
        ];
        for (json, expected) in table {
            let error = serde_json::from_str::<Fault>(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
