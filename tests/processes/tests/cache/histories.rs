//! Random histories: processes that read, load, update and invalidate at the same time. Whoever asks after a change is over
//! is given what was there then, or something newer.

use std::{
    cell::RefCell,
    collections::HashMap,
    time::{Duration, Instant},
};

use restis_processes::{
    Source,
    cache::{Cache, Scene, Settings},
};

use crate::{for_all, scene, seed};

const KEYS: usize = 4;
const PROCESSES: usize = 3;
const READERS: u64 = 9;
const CHANGERS: u64 = 4;

/// What is known of the source.
struct Known<'a> {
    source: &'a Source,
    next: RefCell<u64>,
    /// For each key, how old a value may be that somebody is given who asks now: its place in the history.
    floors: RefCell<HashMap<String, usize>>,
}

impl Known<'_> {
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

    /// A change has been made known to the caches.
    fn over(&self, key: &str, place: usize) {
        let mut floors = self.floors.borrow_mut();
        let floor = floors.entry(key.to_owned()).or_default();
        *floor = place.max(*floor);
    }

    fn floor(&self, key: &str) -> usize {
        self.floors.borrow().get(key).copied().unwrap_or_default()
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
    let floor = known.floor(&key);
    let values: Vec<String> = if random.u8(..4) == 0 {
        let read = cache.get(&key, &texts(&tags)).await.unwrap();
        read.into_iter().collect()
    } else {
        let callers = random.usize(1..5);
        let coming = cache.crowd(&key, &texts(&tags), callers).await.unwrap();
        let crowd = coming.all().await.unwrap();
        assert_eq!(crowd.errors, 0, "{crowd:?}");
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

async fn change(known: &Known<'_>, cache: &Cache, random: &mut fastrand::Rng) {
    let number = random.usize(..KEYS);
    let (key, tags) = name(number);
    let change_all = |which: &dyn Fn(usize) -> bool| -> Vec<(String, usize)> {
        let keys = (0..KEYS).filter(|key| which(*key)).map(|key| name(key).0);
        keys.map(|key| (key.clone(), known.change(&key))).collect()
    };
    let changed = match random.u8(..8) {
        0..3 => {
            let changed = vec![(key.clone(), known.change(&key))];
            cache.delete(&key).await.unwrap();
            changed
        }
        3..5 => {
            let value = known.fresh();
            cache.update(&key, &value, &texts(&tags)).await.unwrap();
            vec![(key.clone(), known.place(&key, &value))]
        }
        5 => {
            let changed = change_all(&|key| key % 2 == number % 2);
            cache.invalidate_tag(&tags[0]).await.unwrap();
            changed
        }
        6 => {
            let changed = change_all(&|_| true);
            cache.invalidate_tag("all").await.unwrap();
            changed
        }
        _ => {
            let changed = change_all(&|_| true);
            cache.clear().await.unwrap();
            changed
        }
    };
    for (key, place) in changed {
        known.over(&key, place);
    }
}

async fn history(time: Duration, settings: impl FnOnce(&mut Settings)) {
    let seed = seed();
    let scene = scene(PROCESSES, settings).await;
    let known = Known {
        source: &scene.source,
        next: RefCell::default(),
        floors: RefCell::default(),
    };
    for key in 0..KEYS {
        known.change(&name(key).0);
    }
    let begun = Instant::now();
    let actors = (0..READERS + CHANGERS).map(|actor| {
        let (scene, known) = (&scene, &known);
        async move {
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add(actor));
            while begun.elapsed() < time {
                scene.source.delay(Duration::from_millis(random.u64(..15)));
                if actor < READERS {
                    read(known, scene, &mut random).await;
                } else {
                    let cache = &scene.caches[random.usize(..PROCESSES)];
                    change(known, cache, &mut random).await;
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
    history(TIME, |_| {}).await;
}

#[tokio::test]
async fn of_values_that_end_and_are_loaded_early() {
    history(TIME, |settings| {
        settings.ttl = Some(60);
        settings.early = Some(1.0);
        settings.jitter = 0.1;
    })
    .await;
}

#[tokio::test]
async fn of_values_that_are_served_stale() {
    history(TIME, |settings| {
        settings.ttl = Some(20);
        settings.swr = Some(60_000);
        settings.stale_if_error = Some(60_000);
    })
    .await;
}

#[tokio::test]
async fn of_callers_that_do_not_share_what_they_find() {
    history(TIME, |settings| {
        settings.ttl = Some(100);
        settings.single_flight = Some(false);
    })
    .await;
}

#[tokio::test]
async fn of_loads_that_outlive_their_claims() {
    history(TIME, |settings| settings.lease = Some(5)).await;
}
