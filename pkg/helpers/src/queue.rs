//! Queues that BullMQ's workers share: what is in them, and taking their jobs.

use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use restis::{
    Queue,
    queue::{Backoff, BlockedJob, Consumer, Finished, Job, JobError, Repeat, State, Stopped},
    unversioned::{self, Stop},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    Client,
    bridge::{
        Json, Options, Thrown, call, done, duration, error, json, millis, object, or_null, promise,
        texts, told,
    },
};

#[wasm_bindgen(js_name = Queue)]
#[derive(Debug)]
pub struct JsQueue(Rc<Queue>);

#[wasm_bindgen(js_class = Queue)]
impl JsQueue {
    /// Of a name, below a prefix.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, name: String, prefix: &str) -> Self {
        Self(Rc::new(Queue::new(client.redis(), name).prefix(prefix)))
    }

    /// How many are in each state.
    pub fn counts(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let counts = this.counts().await.map_err(error)?;
            let number = |count: u64| JsValue::from(count as f64);
            Ok(object([
                ("waiting", number(counts.waiting)),
                ("paused", number(counts.paused)),
                ("prioritized", number(counts.prioritized)),
                ("delayed", number(counts.delayed)),
                ("waitingChildren", number(counts.waiting_children)),
                ("active", number(counts.active)),
                ("completed", number(counts.completed)),
                ("failed", number(counts.failed)),
            ]))
        })
    }

    /// A job, or nothing.
    pub fn job(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let job = this.job(&id).await.map_err(error)?;
            Ok(or_null(job.as_ref().map(plain)))
        })
    }

    /// Those of a state.
    pub fn jobs(&self, state: String, start: f64, count: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let jobs = this
                .jobs(state_of(&state), start as u64, count as u64)
                .await;
            Ok(jobs.map_err(error)?.iter().map(plain).collect::<Array>())
        })
    }

    /// Where a job is, or nothing.
    pub fn state(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let state = this.state(&id).await.map_err(error)?;
            Ok(or_null(state.map(|state| state.to_string())))
        })
    }

    /// Whether there is such a job.
    #[wasm_bindgen(js_name = setProgress)]
    pub fn set_progress(&self, id: String, progress: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let progress = json(progress)?;
            this.set_progress(&id, &progress).await.map_err(error)
        })
    }

    /// Whether there is such a job.
    #[wasm_bindgen(js_name = updateData)]
    pub fn update_data(&self, id: String, data: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let data = json(data)?;
            this.update_data(&id, &data).await.map_err(error)
        })
    }

    /// How many lines there are, or nothing.
    pub fn log(&self, id: String, line: String, keep: Option<f64>) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let lines = this.log(&id, line, keep.map(|keep| keep as u64)).await;
            let lines = lines.map_err(error)?;
            Ok(or_null(lines.map(|lines| lines as f64)))
        })
    }

    /// The lines.
    pub fn logs(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let lines = this.logs(&id).await.map_err(error)?;
            Ok(lines.into_iter().map(JsValue::from).collect::<Array>())
        })
    }

    /// Nobody takes jobs.
    pub fn pause(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.pause().await) })
    }

    /// They do again.
    pub fn resume(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.resume().await) })
    }

    /// Whether nobody does.
    #[wasm_bindgen(js_name = isPaused)]
    pub fn is_paused(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.is_paused().await.map_err(error) })
    }

    /// Delayed ones are due; how many.
    pub fn promote(&self, ids: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let ids = texts(ids);
            let count = this.promote(ids.iter().map(String::as_str)).await;
            count.map(|count| count as f64).map_err(error)
        })
    }

    /// Finished ones wait again; how many.
    pub fn retry(&self, state: String, ids: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let ids = texts(ids);
            let ids = ids.iter().map(String::as_str);
            let count = this.retry(state_of(&state), ids).await;
            count.map(|count| count as f64).map_err(error)
        })
    }

    /// Deletes; how many.
    pub fn remove(&self, ids: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let ids = texts(ids);
            let count = this.remove(ids.iter().map(String::as_str)).await;
            count.map(|count| count as f64).map_err(error)
        })
    }

    /// Deletes old ones; their ids.
    pub fn clean(&self, state: String, age: f64, most: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let age = duration(age);
            let gone = this.clean(state_of(&state), age, most as u64).await;
            let gone = gone.map_err(error)?;
            Ok(gone.into_iter().map(JsValue::from).collect::<Array>())
        })
    }

    /// Deletes all that wait; how many.
    pub fn drain(&self, delayed: bool) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let count = this.drain(delayed).await;
            count.map(|count| count as f64).map_err(error)
        })
    }

    /// Deletes the queue.
    pub fn obliterate(&self, force: bool) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.obliterate(force).await) })
    }

    /// `{ json }` of a completed one, `{ failed }` of a failed one, nothing if time is over.
    #[wasm_bindgen(js_name = waitFinished)]
    pub fn wait_finished(&self, id: String, time: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let time = duration(time);
            let finished = this.wait_finished::<Json>(&id, time).await.map_err(error)?;
            Ok(match finished {
                Some(Finished::Completed(value)) => object([("json", value.get().into())]),
                Some(Finished::Failed(reason)) => object([("failed", reason.into())]),
                None => JsValue::NULL,
            })
        })
    }

    /// Adds a scheduler, or changes it; the id of its next job.
    #[wasm_bindgen(js_name = upsertScheduler)]
    pub fn upsert_scheduler(
        &self,
        id: String,
        repeat: JsValue,
        name: String,
        data: String,
        opts: JsValue,
    ) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let (data, given, opts) = (json(data)?, Options(&repeat), Options(&opts));
            let repeat = repeat_of(&given);
            let mut job = this.add(name, &data);
            if let Some(attempts) = opts.integer("attempts") {
                job = job.attempts(small(attempts));
            }
            if let Some(priority) = opts.integer("priority") {
                job = job.priority(small(priority));
            }
            if let Some(backoff) = opts.time("exponentialBackoff") {
                job = job.backoff(Backoff::exponential(backoff));
            }
            if let Some(backoff) = opts.time("fixedBackoff") {
                job = job.backoff(Backoff::fixed(backoff));
            }
            this.upsert_scheduler(&id, repeat, job).await.map_err(error)
        })
    }

    /// When a repetition is due next, or nothing.
    #[wasm_bindgen(js_name = nextRun)]
    pub fn next_run(repeat: &JsValue, after: f64) -> Result<JsValue, JsValue> {
        let repeat = repeat_of(&Options(repeat));
        let next = repeat.next_run(after as u64).map_err(error)?;
        Ok(or_null(next.map(|next| next as f64)))
    }

    /// Whether there was such a scheduler.
    #[wasm_bindgen(js_name = removeScheduler)]
    pub fn remove_scheduler(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.remove_scheduler(&id).await.map_err(error) })
    }

    /// Those of the queue.
    pub fn schedulers(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let found = this.schedulers().await.map_err(error)?;
            let found = found.into_iter().map(|scheduler| {
                object([
                    ("id", scheduler.id.into()),
                    ("name", scheduler.name.into()),
                    ("next", (scheduler.next as f64).into()),
                    ("iterations", (scheduler.iterations as f64).into()),
                    (
                        "repeat",
                        serde_json::Value::Object(scheduler.repeat.options())
                            .to_string()
                            .into(),
                    ),
                ])
            });
            Ok(found.collect::<Array>())
        })
    }

    /// Takes jobs.
    pub fn consumer(&self, options: &JsValue) -> JsConsumer {
        let options = Options(options);
        let mut consumer = self.0.consumer();
        told!(consumer, options,
            text { "name" => name }
            time { "lock" => lock, "stalledInterval" => stalled_interval, "margin" => margin }
        );
        if let (Some(max), Some(duration)) = (options.integer("max"), options.time("duration")) {
            consumer = consumer.limit(max, duration);
        }
        if let Some(times) = options.integer("maxStalled") {
            consumer = consumer.max_stalled(small(times));
        }
        if let Some(jobs) = options.integer("batchSize") {
            consumer = consumer.batch_size(small(jobs) as usize);
        }
        JsConsumer(Rc::new(consumer))
    }
}

#[wasm_bindgen(js_name = Consumer)]
pub struct JsConsumer(Rc<Consumer>);

impl std::fmt::Debug for JsConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Consumer")
    }
}

#[wasm_bindgen(js_class = Consumer)]
impl JsConsumer {
    /// Works for so long. `work` gets a job, and gives `{ json }`, `{ failed, stack, forGood }` or `{ stopped }`; `stop` gets the id of
    /// one that has to end, and why.
    #[wasm_bindgen(js_name = runUntil)]
    pub fn run_until(&self, time: f64, work: Function, stop: Function) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let work = |job: Job| {
                let work = work.clone();
                async move { worked(&work, &job).await }
            };
            let stop = |id: &str, why: Stop| {
                let why = match why {
                    Stop::Time => "time",
                    Stop::Lost => "lost",
                };
                // Aborting a signal does not throw, and does not end what does not listen.
                let _ = stop.call2(&JsValue::UNDEFINED, &id.into(), &why.into());
                false
            };
            let run = unversioned::run_until(&this, duration(time), work, stop);
            let (summary, running) = run.await.map_err(error)?;
            let number = |count: u64| JsValue::from(count as f64);
            let (stopped, retry_after) = match summary.stopped {
                Stopped::Drained => ("drained", None),
                Stopped::Paused => ("paused", None),
                Stopped::Maxed => ("maxed", None),
                Stopped::Limited { retry_after, .. } => ("limited", Some(millis(retry_after))),
                _ => ("time", None),
            };
            Ok(object([
                ("completed", number(summary.completed)),
                ("failed", number(summary.failed)),
                ("released", number(summary.released)),
                ("lost", number(summary.lost)),
                ("running", number(running)),
                ("stopped", stopped.into()),
                ("retryAfter", or_null(retry_after)),
                (
                    "nextDelayed",
                    or_null(summary.next_delayed.map(|next| next as f64)),
                ),
                (
                    "blocked",
                    summary
                        .blocked
                        .iter()
                        .map(blocked_job)
                        .collect::<Array>()
                        .into(),
                ),
            ]))
        })
    }

    /// Puts back jobs whose worker is gone; their ids.
    pub fn sweep(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let stalled = this.sweep().await.map_err(error)?;
            Ok(stalled.into_iter().map(JsValue::from).collect::<Array>())
        })
    }
}

/// A repetition by BullMQ's names.
fn repeat_of(given: &Options<'_>) -> Repeat {
    let mut repeat = match given.text("pattern") {
        Some(pattern) => Repeat::cron(pattern),
        None => Repeat::every(given.time("every").unwrap_or_default()),
    };
    told!(repeat, given,
        text { "tz" => tz, "hashSeed" => hash_seed }
        integer { "limit" => limit, "startDate" => start, "endDate" => end }
        time { "offset" => offset }
    );
    match given.flag("immediately") {
        Some(true) => repeat.immediately(),
        _ => repeat,
    }
}

async fn worked(work: &Function, job: &Job) -> Result<Json, JobError> {
    let said = call(work, &plain(job))
        .await
        .map_err(|_: Thrown| JobError::new("the handler threw"))?;
    let said = Options(&said);
    if said.flag("stopped") == Some(true) {
        return Err(unversioned::stopped_job());
    }
    if let Some(reason) = said.text("failed") {
        let failure = match said.flag("forGood") {
            Some(true) => JobError::for_good(reason),
            _ => JobError::new(reason),
        };
        return Err(match said.text("stack") {
            Some(stack) => failure.stack(stack),
            None => failure,
        });
    }
    let value = said.text("json").unwrap_or_else(|| "null".into());
    // Its work is done.
    json(value).map_err(|_| JobError::for_good("the handler's value has no JSON form"))
}

/// Larger numbers count as the largest: `as` would begin again at 0.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn strings(texts: Vec<String>) -> Array {
    texts.into_iter().map(JsValue::from).collect()
}

fn blocked_job(blocked: &BlockedJob) -> JsValue {
    object([
        ("id", (&*blocked.id).into()),
        ("scheduler", (&*blocked.scheduler).into()),
        ("reason", (&*blocked.reason).into()),
    ])
}

fn state_of(name: &str) -> State {
    match name {
        "paused" => State::Paused,
        "prioritized" => State::Prioritized,
        "delayed" => State::Delayed,
        "waiting-children" => State::WaitingChildren,
        "active" => State::Active,
        "completed" => State::Completed,
        "failed" => State::Failed,
        _ => State::Waiting,
    }
}

fn plain(job: &Job) -> JsValue {
    let number = |number: Option<u64>| or_null(number.map(|number| number as f64));
    let text = |text: Option<&str>| or_null(text);
    object([
        ("id", job.id().into()),
        ("name", job.name().into()),
        ("data", job.data_json().into()),
        ("opts", job.options().to_string().into()),
        ("attemptsMade", (job.attempts_made() as f64).into()),
        ("attemptsStarted", (job.attempts_started() as f64).into()),
        ("stalledCounter", (job.stalled() as f64).into()),
        ("priority", (job.priority() as f64).into()),
        ("timestamp", number(job.timestamp())),
        ("processedOn", number(job.processed_on())),
        ("finishedOn", number(job.finished_on())),
        ("progress", text(job.progress_json())),
        ("returnvalue", text(job.return_value_json())),
        ("failedReason", text(job.failed_reason())),
        ("stacktrace", strings(job.stacktrace()).into()),
        ("repeatJobKey", text(job.scheduler())),
        ("parentKey", text(job.parent_key())),
    ])
}
