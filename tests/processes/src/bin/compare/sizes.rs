//! What a call costs as that grows which it is about: tags of an entry, sessions of a user.

use std::{fs, time::Duration};

use restis::{Cache, Redis, Sessions};
use restis_processes::{Error, Result, Server};

use crate::{
    heading, js, node,
    table::{Table, count},
};

pub(crate) const SIZES: [u64; 3] = [1, 1_000, 100_000];

pub(crate) fn words(error: impl std::fmt::Display) -> Error {
    Error::new(error.to_string())
}

/// The CPU time of this process until now, of all its threads. The servers are other processes.
fn cpu() -> Result<Duration> {
    let mut all = 0;
    for thread in fs::read_dir("/proc/self/task").map_err(words)? {
        let path = thread.map_err(words)?.path().join("schedstat");
        // A thread may have ended meanwhile.
        let stat = fs::read_to_string(path).unwrap_or_default();
        let ran = stat.split(' ').next().unwrap_or_default().parse();
        all += ran.unwrap_or(0_u64);
    }
    Ok(Duration::from_nanos(all))
}

/// The CPU time of the server until now.
async fn server_cpu(redis: &Redis) -> Result<Duration> {
    let info = redis.command("INFO").arg("cpu").query::<String>();
    let info = info.await.map_err(words)?;
    let used = info.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = matches!(name, "used_cpu_sys" | "used_cpu_user");
        is_it.then(|| value.trim().parse::<f64>().ok()).flatten()
    });
    Ok(Duration::from_secs_f64(used.sum()))
}

/// A time in words, to two digits.
fn time(time: Duration) -> String {
    match time.as_secs_f64() * 1000.0 {
        ms if ms < 1.0 => format!("{ms:.2} ms"),
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// Billed commands, and CPU time of the client and of the server for each of some rounds.
pub(crate) async fn cost<F: Future<Output = Result<()>>>(
    server: &Server,
    redis: &Redis,
    rounds: u32,
    act: impl Fn() -> F,
) -> Result<String> {
    server.reset().await?;
    let (ours, theirs) = (cpu()?, server_cpu(redis).await?);
    for _ in 0..rounds {
        act().await?;
    }
    let theirs = server_cpu(redis).await? - theirs;
    let ours = cpu()? - ours;
    // The second look at the server's time is counted here, and the first one too.
    let billed = (server.stats().await?.billed - 2) / u64::from(rounds);
    Ok(format!(
        "{}; {} here, {} there",
        count(billed, "command"),
        time(ours / rounds),
        time(theirs / rounds)
    ))
}

async fn usage(redis: &Redis, key: &str) -> Result<u64> {
    let usage = redis.command("MEMORY").arg("USAGE").arg(key);
    let usage = usage.arg("SAMPLES").arg(0).query::<u64>();
    usage.await.map_err(words)
}

pub(crate) fn rounds(size: u64) -> u32 {
    match size {
        0..10 => 500,
        10..10_000 => 50,
        _ => 3,
    }
}

/// A table with a row for each kind of call and a column for each size.
#[derive(Default)]
pub(crate) struct Sizes(Vec<Vec<String>>);

impl Sizes {
    pub(crate) fn row(&mut self, place: usize, title: &str, cell: String) {
        if self.0.len() <= place {
            self.0.push(vec![title.to_owned()]);
        }
        if let Some(row) = self.0.get_mut(place) {
            row.push(cell);
        }
    }

    pub(crate) fn text(self, noun: &str) -> String {
        let columns = SIZES.iter().map(|size| count(*size, noun));
        let columns: Vec<String> = [String::new()].into_iter().chain(columns).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut table = Table::new(&columns);
        for row in &self.0 {
            table.row(row);
        }
        table.text()
    }
}

pub(crate) async fn caption(what: &str) -> Result<String> {
    Ok(format!(
        "`cargo xtask compare {what}`, {}. Each column is a server of its own. Commands are as they are billed; CPU time is that of the \
         client's process (here) and of the server behind restis-local (there), for each call.",
        heading().await?
    ))
}

/// The milliseconds of CPU of a hit in the npm package, whose engine is wasm.
async fn hit_in_wasm(server: &Server, tags: u64, rounds: u32) -> Result<String> {
    let output = tokio::process::Command::new(node()?)
        .arg(js().join("tags-bench.mjs"))
        .args([tags.to_string(), rounds.to_string()])
        .env("UPSTASH_REDIS_REST_URL", server.url())
        .env("UPSTASH_REDIS_REST_TOKEN", server.token())
        .output()
        .await
        .map_err(words)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let ms: f64 = said.trim().parse().map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        Error::new(format!("tags-bench.mjs: {said}"))
    })?;
    Ok(time(Duration::from_secs_f64(ms / 1000.0)))
}

/// An entry with many tags.
pub(crate) async fn cache() -> Result<String> {
    let mut sizes = Sizes(Vec::new());
    for size in SIZES {
        eprintln!("- {}", count(size, "tag"));
        let server = Server::start().await?;
        let redis = server.client()?;
        // What is too slow for a cache is measured, too.
        let cache = Cache::new(&redis)
            .namespace("shop")
            .redis_timeout(Duration::from_secs(30))
            .jitter(0.0)
            .early_refresh(0.0);
        let tags: Vec<String> = (0..size).map(|tag| format!("product:{tag}")).collect();
        let get = || async {
            let load = || async { Ok::<_, Error>(1_u32) };
            let entry = cache.entry("k").tags(tags.iter().cloned());
            entry.get_or_set(load).await.map(drop).map_err(words)
        };
        let miss = cost(&server, &redis, 1, get).await?;
        sizes.row(
            0,
            "the first load, which makes the versions of its tags",
            miss,
        );
        let hit = cost(&server, &redis, rounds(size), get).await?;
        if cache.stats().hits != u64::from(rounds(size)) {
            return Err(Error::new(format!("it was no hit: {:?}", cache.stats())));
        }
        sizes.row(1, "a hit", hit);
        let delete = || async { cache.delete("k").await.map_err(words) };
        delete().await?;
        let miss = cost(&server, &redis, 1, get).await?;
        sizes.row(2, "a miss whose tags have versions", miss);
        let in_wasm = hit_in_wasm(&server, size, rounds(size)).await?;
        sizes.row(3, "a hit in the npm package, CPU here", in_wasm);
        let entry = usage(&redis, "shop:k").await?;
        let version = usage(&redis, "restis:tag:shop:product:0").await?;
        let memory = format!("{} and {}", bytes(entry), bytes(version * size));
        sizes.row(
            4,
            "memory of the server: the entry, and the versions of its tags",
            memory,
        );
        let invalidate = || async { cache.invalidate_tag("product:0").await.map_err(words) };
        let invalidated = cost(&server, &redis, 1, invalidate).await?;
        sizes.row(5, "`invalidate_tag` of one", invalidated);
    }
    let caption = caption("cache").await?;
    Ok(format!("{caption}\n\n{}", sizes.text("tag")))
}

/// Puts so many copies of a session into its user's hash.
async fn fill(redis: &Redis, hash: &str, field: &str, copies: u64) -> Result<()> {
    let script = "local record = redis.call('HGET', KEYS[1], ARGV[1])
        for copy = tonumber(ARGV[2]), tonumber(ARGV[3]) do
            redis.call('HSETEX', KEYS[1], 'PX', 1800000, 'FIELDS', 1, string.format('copy-of-a-session-%d', copy), record)
        end
        return 1";
    let mut begin = 0;
    while begin < copies {
        let end = copies.min(begin + 10_000);
        let eval = redis.command("EVAL").arg(script).arg(1).arg(hash);
        let eval = eval.arg(field).arg(begin).arg(end - 1).query::<u32>();
        eval.await.map_err(words)?;
        begin = end;
    }
    Ok(())
}

/// A user with many sessions.
pub(crate) async fn sessions() -> Result<String> {
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut sizes = Sizes(Vec::new());
    for size in SIZES {
        eprintln!("- {}", count(size, "session"));
        let server = Server::start().await?;
        let redis = server.client()?;
        let sessions = Sessions::<u32>::new(&redis, [7; 32]);
        let create = async || {
            let create = sessions.create("ada", &1).user_agent(AGENT);
            create.ip("192.0.2.1").await.map_err(words)
        };
        let issued = create().await?;
        let token = issued.token().as_str();
        let tag = token.split('.').next().unwrap_or_default();
        let hash = format!("sess:{tag}");
        fill(&redis, &hash, issued.id(), size - 1).await?;
        // The first time the text of a script is sent.
        sessions.count("nobody").await.map_err(words)?;
        sessions.list("nobody").await.map_err(words)?;
        let first = sessions.create("nobody", &1).await.map_err(words)?;
        let others = sessions.revoke_others(first.token().as_str());
        others.await.map_err(words)?;

        let rounds = rounds(size);
        let validate = || async { sessions.validate(token).await.map(drop).map_err(words) };
        let cell = cost(&server, &redis, 500, validate).await?;
        sizes.row(0, "`validate`", cell);
        let counted = || async {
            match sessions.count("ada").await.map_err(words)? as u64 == size {
                true => Ok(()),
                false => Err(Error::new("it is another number")),
            }
        };
        let cell = cost(&server, &redis, rounds, counted).await?;
        sizes.row(1, "`count`", cell);
        let page = || async {
            let page = sessions.list_page("ada", None, 100).await;
            page.map(drop).map_err(words)
        };
        let cell = cost(&server, &redis, rounds, page).await?;
        sizes.row(2, "`list_page` of 100", cell);
        let list = || async { sessions.list("ada").await.map(drop).map_err(words) };
        let cell = cost(&server, &redis, rounds, list).await?;
        sizes.row(3, "`list`", cell);
        let memory = usage(&redis, &hash).await?;
        sizes.row(4, "memory of the server", bytes(memory));
        let others = || async { sessions.revoke_others(token).await.map(drop).map_err(words) };
        let cell = cost(&server, &redis, 1, others).await?;
        sizes.row(5, "`revoke_others`", cell);
        fill(&redis, &hash, issued.id(), size - 1).await?;
        let all = || async { sessions.revoke_all("ada").await.map_err(words) };
        let cell = cost(&server, &redis, 1, all).await?;
        sizes.row(6, "`revoke_all`", cell);
    }
    let caption = caption("sessions").await?;
    Ok(format!("{caption}\n\n{}", sizes.text("session")))
}
