//! The scenarios for caches.

use std::time::{Duration, Instant};

use restis_processes::{
    Error, Result,
    cache::{Crowd, Kind, Scene, Settings},
};
use tokio::time::{sleep, timeout};

use crate::{
    heading, installed, js, node, player,
    table::{Table, count},
};

const LOAD: Duration = Duration::from_millis(200);
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
/// What has not happened by then is said not to happen.
const LONG: Duration = Duration::from_secs(5);

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Restis,
    Bento,
    Naive,
}

const ALL: [Who; 3] = [Who::Restis, Who::Bento, Who::Naive];

impl Who {
    fn kind(self) -> Result<Kind> {
        Ok(match self {
            Self::Restis => Kind::rust(player()?, "cache"),
            Self::Bento => Kind::node(node()?, js().join("bento.mjs")),
            Self::Naive => Kind::rust(player()?, "naive"),
        })
    }
}

/// Processes of one contestant that are set alike, before a server of their own.
async fn scene_of(who: Who, processes: usize, settings: &Settings) -> Result<Scene> {
    Scene::start(&who.kind()?, &vec![settings.clone(); processes]).await
}

/// How many of the processes are given the value from before, each asked once.
async fn served_old(scene: &Scene, key: &str, tags: &[&str]) -> Result<usize> {
    let mut old = 0;
    for cache in &scene.caches {
        let crowd = cache.get_or_set(key, tags).await?;
        old += usize::from(crowd.value()? == "old");
    }
    Ok(old)
}

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings {
        ttl: Some(MINUTE),
        ..Settings::default()
    };
    change(&mut settings);
    settings
}

pub(crate) async fn compare() -> Result<String> {
    let bento = format!("BentoCache {}", installed("bentocache")?);
    let mut table = Table::new(&["", "restis", &bento, "GET, load, SET"]);
    let mut row = async |title: &str, scenario: &dyn Fn(Who) -> Answer| -> Result<()> {
        eprintln!("- {title}");
        let mut cells = vec![title.to_owned()];
        for who in ALL {
            let cell = scenario(who).await;
            cells.push(cell.map_err(|error| Error::new(format!("{title}, {who:?}: {error}")))?);
        }
        table.row(&cells);
        Ok(())
    };
    for (processes, callers) in [(2, 500), (8, 125)] {
        let title = format!("1,000 callers of a cold key in {processes} processes");
        row(&title, &|who| Box::pin(stampede(who, processes, callers))).await?;
    }
    for tags in [1, 3, 10] {
        let title = format!("a hit with {}", count(tags, "tag"));
        row(&title, &|who| Box::pin(hit(who, tags))).await?;
    }
    row(
        "a tag is invalidated while its entry loads: reads after that",
        &|who| Box::pin(during_load(who, true)),
    )
    .await?;
    row(
        "a key is deleted while it loads: reads after that",
        &|who| Box::pin(during_load(who, false)),
    )
    .await?;
    row(
        "a tag is invalidated, then all keys but the entry are lost; TTL 30 days: reads after that",
        &|who| Box::pin(lost_markers(who)),
    )
    .await?;
    row(
        "a tag is invalidated by a process whose clock is 5 s behind: reads after that",
        &|who| Box::pin(late_clock(who)),
    )
    .await?;
    row(
        "a tag is invalidated elsewhere, with memory in front: the old value is served for",
        &|who| Box::pin(in_memory(who)),
    )
    .await?;
    for (since, title) in [
        (
            100,
            "the source fails for 5 s, from when a value has ended, 100 calls a second",
        ),
        (30_000, "the same, from 30 s after a value has ended"),
    ] {
        row(title, &|who| Box::pin(failing(who, since))).await?;
    }
    row(
        "the process that loads is killed: another has a value after",
        &|who| Box::pin(killed(who)),
    )
    .await?;
    Ok(format!("{}\n\n{}", caption(&bento).await?, table.text()))
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<String>>>>;

async fn caption(bento: &str) -> Result<String> {
    Ok(format!(
        "`cargo xtask compare cache`, {}. Each cell is a run with a server and processes of its own. restis asks it over \
         REST, by restis-local on loopback; {bento} asks the same server over TCP, by ioredis {}, with options that mean \
         the same (tests/js/bento.mjs). Loads are counted at the source, which takes 200 ms where a crowd, a change during \
         a load or a kill is shown, and answers at once elsewhere. Commands are counted at the server by its own \
         statistics, for both; round trips are HTTP requests, and for TCP the server's reads from its connections. Stale \
         values may be served for 10 min after their end where the source fails, with a pause of 1 s after each failure. \
         The last column is restis without its cache.",
        heading().await?,
        installed("ioredis")?,
    ))
}

async fn stampede(who: Who, processes: usize, callers: usize) -> Result<String> {
    let scene = scene_of(who, processes, &settings(|_| {})).await?;
    scene.source.delay(LOAD);
    let mut coming = Vec::new();
    for cache in &scene.caches {
        coming.push(cache.crowd("page", &[], callers).await?);
    }
    let mut crowd = Crowd::default();
    for each in coming {
        crowd = crowd.and(each.all().await?);
    }
    if crowd.value()? != "old" {
        return Err(Error::new(format!("{crowd:?}")));
    }
    let commands = scene.server.stats().await?.billed;
    Ok(format!(
        "{}, {}, p99 {} ms",
        count(scene.source.counts().begun, "load"),
        count(commands, "command"),
        crowd.p99
    ))
}

/// A process reads what another has loaded.
async fn hit(who: Who, tags: u64) -> Result<String> {
    if who == Who::Naive && tags > 1 {
        return Ok("—".to_owned());
    }
    let scene = scene_of(who, 2, &settings(|_| {})).await?;
    let tags: Vec<String> = (0..tags).map(|tag| format!("tag-{tag}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    scene.first()?.get_or_set("page", &tags).await?;
    // Connections stand, and what a process learns by its first read is known.
    scene.second()?.get_or_set("page", &tags).await?;
    scene.server.reset().await?;
    let before = scene.server.reads().await?;
    scene.second()?.get_or_set("page", &tags).await?;
    let reads = scene.server.reads().await? - before;
    let stats = scene.server.stats().await?;
    if scene.source.counts().begun != 1 {
        return Err(Error::new("it was no hit"));
    }
    // Of ours: two readings of the number, of which the first is before it.
    let commands = stats.billed - 2;
    let trips = match who {
        Who::Bento => reads - 1,
        Who::Restis | Who::Naive => stats.requests - 2,
    };
    let and = if who == Who::Naive {
        ", without tags"
    } else {
        ""
    };
    Ok(format!(
        "{}, {}{and}",
        count(commands, "command"),
        count(trips, "round trip")
    ))
}

fn fate(old: usize) -> String {
    match old {
        0 => "the new value".to_owned(),
        1 => "the old value from one process".to_owned(),
        _ => "**the old value**".to_owned(),
    }
}

async fn during_load(who: Who, by_tag: bool) -> Result<String> {
    if who == Who::Naive && by_tag {
        return Ok("—".to_owned());
    }
    let scene = scene_of(who, 2, &settings(|_| {})).await?;
    let tags: &[&str] = if by_tag { &["news"] } else { &[] };
    scene.source.delay(LOAD);
    let loading = scene.first()?.crowd("page", tags, 1).await?;
    scene.source.begun(1).await?;
    scene.source.set("new");
    match by_tag {
        true => scene.second()?.invalidate_tag("news").await?,
        false => scene.second()?.delete("page").await?,
    }
    loading.all().await?;
    Ok(fate(served_old(&scene, "page", tags).await?))
}

async fn lost_markers(who: Who) -> Result<String> {
    if who == Who::Naive {
        return Ok("—".to_owned());
    }
    let scene = scene_of(who, 2, &settings(|settings| settings.ttl = Some(30 * DAY))).await?;
    scene.first()?.get_or_set("page", &["news"]).await?;
    scene.source.set("new");
    scene.second()?.invalidate_tag("news").await?;
    let redis = scene.server.client()?;
    let words = |error: restis::Error| Error::new(error.to_string());
    let keys: Vec<String> = redis.keys("*").await.map_err(words)?;
    let (entries, others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.ends_with("page"));
    if entries.len() != 1 || others.is_empty() {
        return Err(Error::new(format!(
            "of {entries:?} and {others:?} one is the entry"
        )));
    }
    redis.del(others).await.map_err(words)?;
    Ok(fate(served_old(&scene, "page", &["news"]).await?))
}

async fn late_clock(who: Who) -> Result<String> {
    if who == Who::Naive {
        return Ok("—".to_owned());
    }
    let late = settings(|settings| settings.clock_offset = -5_000);
    let scene = Scene::start(&who.kind()?, &[settings(|_| {}), late]).await?;
    scene.first()?.get_or_set("page", &["news"]).await?;
    scene.source.set("new");
    scene.second()?.invalidate_tag("news").await?;
    Ok(fate(served_old(&scene, "page", &["news"]).await?))
}

async fn in_memory(who: Who) -> Result<String> {
    let memory = |bus| {
        settings(|settings| {
            settings.memory_ttl = Some(1_000);
            settings.bus = bus;
        })
    };
    Ok(match who {
        Who::Restis => format!(
            "{} (memory for 1 s)",
            memory_lag(who, &memory(false)).await?
        ),
        Who::Bento => format!(
            "{} without its bus, {} with it",
            memory_lag(who, &memory(false)).await?,
            memory_lag(who, &memory(true)).await?,
        ),
        Who::Naive => "—".to_owned(),
    })
}

async fn memory_lag(who: Who, settings: &Settings) -> Result<String> {
    let scene = scene_of(who, 2, settings).await?;
    let reader = scene.first()?;
    for _ in 0..2 {
        reader.get_or_set("page", &["news"]).await?;
    }
    scene.server.reset().await?;
    reader.get_or_set("page", &["news"]).await?;
    if scene.server.stats().await?.billed != 0 {
        return Err(Error::new("the value is not in memory"));
    }
    scene.source.set("new");
    scene.second()?.invalidate_tag("news").await?;
    let invalidated = Instant::now();
    while invalidated.elapsed() < LONG {
        if reader.get_or_set("page", &["news"]).await?.value()? == "new" {
            return Ok(format!("{} ms", invalidated.elapsed().as_millis()));
        }
        sleep(Duration::from_millis(2)).await;
    }
    Ok(format!("**more than {} s**", LONG.as_secs()))
}

async fn failing(who: Who, since: u64) -> Result<String> {
    const TTL: u64 = 500;
    let set = settings(|settings| {
        settings.ttl = Some(TTL);
        settings.stale_if_error = Some(10 * MINUTE);
        settings.error_backoff = Some(1_000);
    });
    let mut scene = scene_of(who, 2, &set).await?;
    scene.first()?.get_or_set("page", &[]).await?;
    sleep(Duration::from_millis(TTL + 100)).await;
    // The rest of the time passes on the clocks.
    for cache in &mut scene.caches {
        let offset = i64::try_from(since).unwrap_or_default() - 100;
        cache
            .reopen(|settings| settings.clock_offset = offset)
            .await?;
    }
    scene.source.fail(true);
    scene.source.reset();
    let (begun, mut calls, mut errors) = (Instant::now(), 0, 0);
    let mut coming = Vec::new();
    while begun.elapsed() < LONG {
        for cache in &scene.caches {
            coming.push(cache.crowd("page", &[], 1).await?);
        }
        sleep(Duration::from_millis(20)).await;
    }
    for each in coming {
        calls += 1;
        errors += each.all().await?.errors;
    }
    Ok(format!(
        "{} for {calls} calls, {}",
        count(errors, "error"),
        count(scene.source.counts().begun, "load")
    ))
}

async fn killed(who: Who) -> Result<String> {
    let set = settings(|settings| {
        settings.lease = Some(1_000);
        settings.loader_timeout = Some(10_000);
    });
    let scene = scene_of(who, 2, &set).await?;
    scene.source.delay(Duration::from_secs(600));
    let lost = scene.first()?.crowd("page", &[], 1).await?;
    scene.source.begun(1).await?;
    scene.source.delay(LOAD);
    let waiting = scene.second()?.crowd("page", &[], 1).await?;
    scene.first()?.kill().await?;
    let killed = Instant::now();
    let Ok(crowd) = timeout(LONG * 4, waiting.all()).await else {
        return Ok(format!("more than {} s", LONG.as_secs() * 4));
    };
    crowd?.value()?;
    let time = killed.elapsed().as_millis();
    if lost.all().await.is_ok() {
        return Err(Error::new("the process was not killed"));
    }
    Ok(match who {
        Who::Restis => format!("{time} ms (lease of 1 s, load of 200 ms)"),
        Who::Bento | Who::Naive => format!("{time} ms (it waits for no other process)"),
    })
}
