//! Random histories: processes that read, load, update and invalidate at the same time. Whoever asks after a change is over
//! is given what was there then, or something newer.

use std::{
    cell::RefCell,
    collections::HashMap,
    time::{Duration, Instant},
};

use restis_local::Fault;
use restis_processes::{
    Result, Source,
    cache::{Scene, Settings},
};

use crate::{for_all, scene, seed};

const KEYS: usize = 4;
const PROCESSES: usize = 3;
const READERS: u64 = 9;
const CHANGERS: u64 = 4;

/// What is known of the source.
struct Known<'a> {
    source: &'a Source,
    /// Redis fails now and then.
    may_fail: bool,
    next: RefCell<u64>,
    /// How long others than who made a change may not see it.
    lag: Duration,
    /// For each key the changes that are over: which process made it known, when, and its place in the history.
    over: RefCell<HashMap<String, Vec<Over>>>,
}

/// A change that is over.
struct Over {
    /// The process that made it known.
    process: usize,
    at: Instant,
    place: usize,
}

impl Known<'_> {
    fn unless_it_may_fail<T>(&self, done: Result<T>) -> Option<T> {
        match done {
            Ok(done) => Some(done),
            Err(_) if self.may_fail => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn fresh(&self) -> String {
        let mut next = self.next.borrow_mut();
        *next += 1;
        format!("v{next}")
    }

    /// Changes the source, without a cache knowing of it.
    fn change(&self, key: &str) -> usize {
        self.source.set_one(key, &self.fresh());
        self.source.history(key).len() - 1
    }

    /// A process has made a change known to the caches.
    fn over(&self, process: usize, key: &str, place: usize) {
        let mut over = self.over.borrow_mut();
        let over = over.entry(key.to_owned()).or_default();
        over.push(Over {
            process,
            at: Instant::now(),
            place,
        });
    }

    /// How old a value may be that a process is given which asks now: its place in the history.
    fn floor(&self, process: usize, key: &str) -> usize {
        let over = self.over.borrow();
        let over = over.get(key).into_iter().flatten();
        let seen = over.filter(|over| over.process == process || over.at.elapsed() >= self.lag);
        seen.map(|over| over.place).max().unwrap_or_default()
    }

    fn place(&self, key: &str, value: &str) -> usize {
        let history = self.source.history(key);
        let place = history.iter().position(|known| known == value);
        place.unwrap_or_else(|| panic!("{key} never was {value}"))
    }
}

fn name(key: usize) -> (String, [String; 2]) {
    let tags = [format!("half-{}", key % 2), "all".to_owned()];
    (format!("page-{key}"), tags)
}

fn texts(tags: &[String; 2]) -> [&str; 2] {
    [&tags[0], &tags[1]]
}

async fn read(known: &Known<'_>, scene: &Scene, random: &mut fastrand::Rng) {
    let (key, tags) = name(random.usize(..KEYS));
    let process = random.usize(..PROCESSES);
    let cache = &scene.caches[process];
    let floor = known.floor(process, &key);
    let values: Vec<String> = if random.u8(..4) == 0 {
        let read = cache.get(&key, &texts(&tags)).await;
        known
            .unless_it_may_fail(read)
            .flatten()
            .into_iter()
            .collect()
    } else {
        let callers = random.usize(1..5);
        let coming = cache.crowd(&key, &texts(&tags), callers).await.unwrap();
        let crowd = coming.all().await.unwrap();
        assert!(crowd.errors == 0 || known.may_fail, "{crowd:?}");
        crowd.values.into_keys().collect()
    };
    for value in values {
        let place = known.place(&key, &value);
        assert!(
            place >= floor,
            "{key} was {value} for process {process}, {} changes too old",
            floor - place
        );
    }
}

async fn change(known: &Known<'_>, scene: &Scene, random: &mut fastrand::Rng) {
    let process = random.usize(..PROCESSES);
    let cache = &scene.caches[process];
    let number = random.usize(..KEYS);
    let (key, tags) = name(number);
    let change_all = |which: &dyn Fn(usize) -> bool| -> Vec<(String, usize)> {
        let keys = (0..KEYS).filter(|key| which(*key)).map(|key| name(key).0);
        keys.map(|key| (key.clone(), known.change(&key))).collect()
    };
    let changed = match random.u8(..8) {
        0..3 => {
            let changed = vec![(key.clone(), known.change(&key))];
            cache.delete(&key).await.map(|()| changed)
        }
        3..5 => {
            let value = known.fresh();
            let done = cache.update(&key, &value, &texts(&tags)).await;
            done.map(|()| vec![(key.clone(), known.place(&key, &value))])
        }
        5 => {
            let changed = change_all(&|key| key % 2 == number % 2);
            cache.invalidate_tag(&tags[0]).await.map(|()| changed)
        }
        6 => {
            let changed = change_all(&|_| true);
            cache.invalidate_tag("all").await.map(|()| changed)
        }
        _ => {
            let changed = change_all(&|_| true);
            cache.clear().await.map(|()| changed)
        }
    };
    // What failed may be tried again, and until then nothing is promised.
    for (key, place) in known.unless_it_may_fail(changed).unwrap_or_default() {
        known.over(process, &key, place);
    }
}

async fn history(faults: &[Fault], settings: impl FnOnce(&mut Settings)) {
    let seed = seed();
    let mut lag = Duration::ZERO;
    let scene = scene(PROCESSES, |set| {
        settings(set);
        // And what it takes to tell the time.
        lag = Duration::from_millis(set.memory_ttl.map_or(0, |ttl| ttl + 20));
    })
    .await;
    for (fault, number) in faults.iter().zip(1..) {
        let fault = fault.clone().rate(0.02, seed.wrapping_add(number));
        scene.server.local().inject(fault);
    }
    let known = Known {
        source: &scene.source,
        may_fail: !faults.is_empty(),
        next: RefCell::default(),
        lag,
        over: RefCell::default(),
    };
    for key in 0..KEYS {
        known.change(&name(key).0);
    }
    let begun = Instant::now();
    let actors = (0..READERS + CHANGERS).map(|actor| {
        let (scene, known) = (&scene, &known);
        async move {
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add(actor));
            while begun.elapsed() < TIME {
                scene.source.delay(Duration::from_millis(random.u64(..15)));
                if actor < READERS {
                    read(known, scene, &mut random).await;
                } else {
                    change(known, scene, &mut random).await;
                    tokio::time::sleep(Duration::from_millis(random.u64(..30))).await;
                }
            }
        }
    });
    for_all(actors).await;
    // Something was loaded, something was read, something was changed.
    assert!(
        scene.source.counts().begun > 50,
        "{:?}",
        scene.source.counts()
    );
    assert!(scene.source.counts().written > 10);
}

const TIME: Duration = Duration::from_secs(3);

#[tokio::test]
async fn of_values_that_live_long() {
    history(&[], |_| {}).await;
}

#[tokio::test]
async fn of_values_that_end_and_are_loaded_early() {
    history(&[], |settings| {
        settings.ttl = Some(60);
        settings.early = Some(1.0);
        settings.jitter = 0.1;
    })
    .await;
}

#[tokio::test]
async fn of_values_that_are_served_stale() {
    history(&[], |settings| {
        settings.ttl = Some(20);
        settings.swr = Some(60_000);
        settings.stale_if_error = Some(60_000);
    })
    .await;
}

#[tokio::test]
async fn of_callers_that_do_not_share_what_they_find() {
    history(&[], |settings| {
        settings.ttl = Some(100);
        settings.single_flight = Some(false);
    })
    .await;
}

#[tokio::test]
async fn of_loads_that_outlive_their_claims() {
    history(&[], |settings| settings.lease = Some(5)).await;
}

/// What a process has changed itself it never sees old.
#[tokio::test]
async fn of_processes_with_a_memory() {
    history(&[], |settings| settings.memory_ttl = Some(100)).await;
}

#[tokio::test]
async fn of_a_server_whose_answers_are_lost() {
    let faults = [
        Fault::drop_after(),
        Fault::drop_before(),
        Fault::status(503),
    ];
    history(&faults, |settings| settings.lease = Some(300)).await;
}
