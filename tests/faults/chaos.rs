//! Chaos: a server that is killed, paused and out of disk, and connections that are reset at any byte. Nothing acknowledged is
//! lost, nothing runs twice, and nothing that was reported as not run is there.
//!
//! Each call appends a number of its own to a list, whose entries are counted at the end. The server writes its file to the disk
//! before it replies. `RESTIS_CHAOS_CALLS` sets how many calls are made, `RESTIS_CHAOS_SEED` repeats its
//! random numbers, though not which task gets which.

use std::{
    collections::HashMap,
    fs,
    net::TcpListener as StdListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use restis::{Redis, Retry};
use restis_local::Local;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// Numbers from a seed (SplitMix64).
#[derive(Clone)]
struct Random(Arc<AtomicU64>);

impl Random {
    fn below(&self, bound: u64) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// A server of our own, which is started again where it ended.
struct Server {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    fn start(binary: PathBuf, folder: &Path) -> Self {
        let port = StdListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Self::spawn(&binary, folder, port);
        Self {
            binary,
            folder: folder.to_owned(),
            port,
            child,
        }
    }

    fn spawn(binary: &Path, folder: &Path, port: u16) -> Child {
        Command::new(binary)
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--save",
                "",
            ])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args([signal, &pid]).status();
    }

    /// Lets the file that it writes grow by so many bytes, and no more, as on a disk that is full.
    fn fill_disk(&self, bytes: u64) {
        let folder = self.folder.join("appendonlydir");
        let sizes = fs::read_dir(folder).into_iter().flatten().flatten();
        let largest = sizes
            .filter_map(|entry| Some(entry.metadata().ok()?.len()))
            .max();
        let limit = format!("--fsize={}", largest.unwrap_or(0) + bytes);
        let pid = self.child.id().to_string();
        let _ = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = Self::spawn(&self.binary, &self.folder, self.port);
    }

    async fn until_it_answers(&mut self) {
        for _ in 0..3000 {
            if self.has_ended() {
                self.restart();
            }
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
                let mut reply = [0; 7];
                let asked = stream.write_all(b"PING\r\n").await;
                if asked.is_ok()
                    && stream.read_exact(&mut reply).await.is_ok()
                    && &reply == b"+PONG\r\n"
                {
                    return;
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("the server does not come back");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port before another, where some connections are reset after some bytes.
async fn resetting(to: u16, random: Random, resets: Arc<AtomicU64>, on: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let (random, resets, on) = (random.clone(), Arc::clone(&resets), Arc::clone(&on));
            tokio::spawn(async move {
                let Ok(mut inside) = TcpStream::connect(("127.0.0.1", to)).await else {
                    return;
                };
                let mut left = match random.below(3) {
                    0 => random.below(3000),
                    1 => random.below(100_000),
                    _ => u64::MAX,
                };
                let (mut up, mut down) = (vec![0; 8192], vec![0; 8192]);
                loop {
                    // One direction at a time: the bytes of both are counted together.
                    let moved = tokio::select! {
                        read = outside.read(&mut up) => match read {
                            Ok(count @ 1..) => Some((true, count)),
                            _ => None,
                        },
                        read = inside.read(&mut down) => match read {
                            Ok(count @ 1..) => Some((false, count)),
                            _ => None,
                        },
                    };
                    let Some((is_up, count)) = moved else { return };
                    let is_cut = on.load(Relaxed) && count as u64 > left;
                    let count = if is_cut { left as usize } else { count };
                    left -= (count as u64).min(left);
                    let written = match is_up {
                        true => inside.write_all(&up[..count]).await,
                        false => outside.write_all(&down[..count]).await,
                    };
                    if is_cut {
                        resets.fetch_add(1, Relaxed);
                        let _ = outside.set_zero_linger();
                        let _ = inside.set_zero_linger();
                        return;
                    }
                    if written.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// What the client reported of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reported {
    Done,
    NotRun,
    Unknown,
}

fn server_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RESTIS_SERVER").filter(|path| !path.is_empty()) {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| ["valkey-server", "redis-server"].map(|name| folder.join(name)))
        .find(|path| path.is_file());
    let Some(binary) = found else {
        panic!("RESTIS_SERVER names no valkey-server or redis-server, and the PATH has none");
    };
    binary
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_paused_full_and_reset_nothing_is_lost_doubled_or_phantom() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let calls = number("RESTIS_CHAOS_CALLS").unwrap_or(4000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("RESTIS_CHAOS_SEED").unwrap_or(now.as_nanos() as u64);
    println!("RESTIS_CHAOS_SEED={seed}");
    let random = Random(Arc::new(AtomicU64::new(seed)));
    let folder = std::env::temp_dir().join(format!("restis-chaos-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut server = Server::start(server_binary(), &folder);
    server.until_it_answers().await;
    let local = Local::builder()
        .redis(format!("redis://127.0.0.1:{}", server.port))
        .reply_timeout(Duration::from_millis(700))
        .start()
        .await
        .unwrap();
    let port = local.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let (resets, on) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
    let door = resetting(port, random.clone(), Arc::clone(&resets), Arc::clone(&on)).await;

    let reported = Arc::new(Mutex::new(vec![Reported::Unknown; calls as usize]));
    let next = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..32)
        .map(|worker| {
            let redis = Redis::builder()
                .url(format!("http://127.0.0.1:{door}"))
                .token(local.token())
                .timeout(Duration::from_secs(3))
                .attempt_timeout(Duration::from_secs(1))
                .retry(
                    Retry::times(4).backoff(Duration::from_millis(5), Duration::from_millis(100)),
                )
                .auto_pipelining(worker % 2 == 0)
                .build()
                .unwrap();
            let (next, reported) = (Arc::clone(&next), Arc::clone(&reported));
            tokio::spawn(async move {
                loop {
                    let id = next.fetch_add(1, Relaxed);
                    if id >= calls {
                        return;
                    }
                    let outcome = match redis.rpush("log", id).await {
                        Ok(_) => Reported::Done,
                        Err(error) if error.is_ambiguous() => Reported::Unknown,
                        Err(_) => Reported::NotRun,
                    };
                    reported.lock().unwrap()[id as usize] = outcome;
                }
            })
        })
        .collect();

    let (mut kills, mut pauses, mut full) = (0, 0, 0);
    while !workers.iter().all(|worker| worker.is_finished()) {
        sleep(Duration::from_millis(100 + random.below(300))).await;
        match random.below(4) {
            0 => {
                kills += 1;
                server.signal("-KILL");
                sleep(Duration::from_millis(random.below(200))).await;
            }
            1 | 2 => {
                pauses += 1;
                server.signal("-STOP");
                sleep(Duration::from_millis(random.below(1500))).await;
                server.signal("-CONT");
            }
            _ => {
                full += 1;
                server.fill_disk(random.below(2000));
                sleep(Duration::from_millis(random.below(300))).await;
                // A server that reached no limit is restarted, which removes the limit.
                if !server.has_ended() {
                    server.restart();
                }
            }
        }
        server.until_it_answers().await;
    }
    for worker in workers {
        worker.await.unwrap();
    }
    on.store(false, Relaxed);
    server.until_it_answers().await;
    let redis = Redis::new(local.url(), local.token()).unwrap();
    let mut there: HashMap<u64, u32> = HashMap::new();
    let mut at = 0;
    loop {
        let page: Vec<u64> = redis.lrange("log", at, at + 99_999).await.unwrap();
        at += page.len() as i64;
        let is_last = page.is_empty();
        for id in page {
            *there.entry(id).or_default() += 1;
        }
        if is_last {
            break;
        }
    }
    let reported = reported.lock().unwrap();
    let count = |what: &dyn Fn(Reported, u32) -> bool| {
        let found = reported
            .iter()
            .zip(0..)
            .filter(|(reported, id)| what(**reported, there.get(id).copied().unwrap_or(0)));
        found.count()
    };
    let lost = count(&|reported, times| reported == Reported::Done && times == 0);
    let doubled = count(&|_, times| times > 1);
    let phantom = count(&|reported, times| reported == Reported::NotRun && times > 0);
    let done = count(&|reported, _| reported == Reported::Done);
    let unknown = count(&|reported, _| reported == Reported::Unknown);
    println!(
        "{calls} calls: {done} done, {unknown} unknown; {kills} kills, {pauses} pauses, {full} full disks, {} resets; {lost} lost, {doubled} \
         doubled, {phantom} phantom",
        resets.load(Relaxed)
    );
    assert_eq!(
        (lost, doubled, phantom),
        (0, 0, 0),
        "RESTIS_CHAOS_SEED={seed}"
    );
    assert!(done > 0, "no call was done");
}
