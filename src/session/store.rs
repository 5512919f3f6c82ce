//! What is asked of Redis: one hash for each user, one field for each session.
//!
//! Where the server has HGETEX and HSETEX each field expires by itself. Where it has not, which its first refusal tells,
//! a key beside the field expires in its place: the session is valid while both are there, so that to delete the hash
//! still ends all sessions at once.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use super::{
    record::{self, Record},
    secret::Place,
    settings::{Settings, millis},
};
use crate::{Error, Invocation, Redis, Safety, Script, find::find};

/// How often a session is rotated at most while a token that is replaced still counts.
const MAX_ROTATIONS: u32 = 16;

macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("shared.lua"), include_str!($file))));
    };
}

script!(CREATE, "create.lua");
script!(SWAP, "swap.lua");
script!(ROTATE, "rotate.lua");
script!(REFRESH, "refresh.lua");
script!(OTHERS, "others.lua");
static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("shared.lua"),
        include_str!("list.lua")
    ))
    .read_only()
});

/// A session in a list: its field, itself, and the milliseconds left to it.
pub(super) type Listed = (String, Record, Option<u64>);

#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) redis: Redis,
    pub(super) settings: Arc<Settings>,
    /// The server has refused to let fields expire.
    marks: Arc<AtomicBool>,
}

impl Store {
    pub(super) fn new(redis: &Redis, key: &[u8]) -> Self {
        Self {
            redis: redis.clone(),
            settings: Arc::new(Settings::new(key)),
            marks: Arc::default(),
        }
    }

    pub(super) fn has_marks(&self) -> bool {
        self.marks.load(Relaxed)
    }

    /// The first arguments of each script that puts.
    pub(super) fn begin<'a, T: crate::FromReply>(
        &self,
        script: Invocation<'a, T>,
        marks: bool,
    ) -> Invocation<'a, T> {
        script.arg(mode(marks)).arg(millis(self.settings.absolute))
    }

    /// Whether the server does not know that fields expire, and was asked for it; then it is not asked again.
    pub(super) fn lacks(&self, error: &Error, marks: bool) -> bool {
        let words = error.to_string().to_ascii_lowercase();
        let has = |word| find(words.as_bytes(), word).is_some();
        // Redis' words, and Upstash's.
        let unknown = has("unknown") && has("command") || has("command is not available");
        let lacks = !marks && error.is_server() && unknown;
        if lacks {
            self.marks.store(true, Relaxed);
        }
        lacks
    }

    /// A session that is there, which counts as its use, and where it is: one that was rotated a moment ago is what took
    /// its place, so that nothing is changed or let in that has another secret by now.
    pub(super) async fn read(&self, place: &Place) -> Result<Option<(Place, Record)>, Error> {
        let mut place = place.clone();
        let mut before: Option<Record> = None;
        for _ in 0..MAX_ROTATIONS {
            let Some(record) = self.read_one(&place).await? else {
                return Ok(None);
            };
            // A token that was known before a login leads to nobody's session after it.
            if before.is_some_and(|before| before.head.user != record.head.user) {
                return Ok(None);
            }
            if !record.head.retired {
                return Ok(Some((place, record)));
            }
            let (tag, field) = record::decode(&record.data)?;
            place = Place { tag, field };
            before = Some(record);
        }
        Ok(None)
    }

    /// What is under one secret.
    pub(super) async fn read_one(&self, place: &Place) -> Result<Option<Record>, Error> {
        let text = self.text(place).await?;
        let Some(record) = text.as_deref().map(Record::read).transpose()? else {
            return Ok(None);
        };
        // What `revoke_all` would not find, since the key was another one then, is not let in.
        let key = self.settings.key()?;
        let user = record.head.user.as_deref();
        if user.is_some_and(|user| key.tag(user) != place.tag) {
            return Ok(None);
        }
        if record.head.end <= self.settings.now() {
            self.remove(place).await?;
            return Ok(None);
        }
        Ok(Some(record))
    }

    async fn text(&self, place: &Place) -> Result<Option<String>, Error> {
        let hash = self.settings.hash(&place.tag);
        let idle = self.settings.idle.map(millis);
        let marks = self.has_marks();
        if !marks {
            let found = match idle {
                Some(idle) => {
                    let read = self.redis.hgetex::<String>(&hash, &place.field).px(idle);
                    read.await.map(|found| found.into_iter().next().flatten())
                }
                None => self.redis.hget::<String>(&hash, &place.field).await,
            };
            match found {
                Err(error) if self.lacks(&error, marks) => {}
                // A server that has learned it since still has sessions with marks.
                Ok(Some(text)) if is_marked(&text)? => {}
                done => return done,
            }
        }
        let mark = self.settings.mark(&place.tag, &place.field);
        let hget = self.redis.hget::<String>(&hash, &place.field);
        let (mark, text) = match idle {
            Some(idle) => {
                let mark = self.redis.getex::<String>(&mark).px(idle);
                self.redis.pipeline((mark, hget)).await?
            }
            None => {
                self.redis
                    .pipeline((self.redis.get::<String>(&mark), hget))
                    .await?
            }
        };
        match (mark?, text?) {
            (Some(_), text) => Ok(text),
            (None, None) => Ok(None),
            // One that was made where fields expire has its own time; another process may know better than this one.
            (None, Some(text)) if !is_marked(&text)? => Ok(Some(text)),
            (None, Some(_)) => {
                self.remove(place).await?;
                Ok(None)
            }
        }
    }

    /// Takes one session away. Nobody makes it again, so to say it twice changes nothing.
    pub(super) async fn remove(&self, place: &Place) -> Result<(), Error> {
        let hash = self.settings.hash(&place.tag);
        let gone = self.redis.hdel(hash, &place.field);
        gone.safety(Safety::IdempotentWrite).await?;
        Ok(())
    }

    /// Puts a new session. It is not said twice: somebody may have ended all of them in between.
    pub(super) async fn create(&self, place: &Place, record: &mut Record) -> Result<(), Error> {
        let Settings { cap, .. } = *self.settings;
        let hash = self.settings.hash(&place.tag);
        let left = record.head.end.saturating_sub(self.settings.now());
        let life = self.settings.life(left);
        loop {
            let marks = self.has_marks();
            record.head.marked = marks;
            let text = record.text()?;
            let done = if cap == 0 && !marks {
                let set = self.redis.hsetex(&hash, (&place.field, text)).px(life);
                set.safety(Safety::Write).await.map(|_| ())
            } else {
                let known = self.known(&place.tag, marks).await?;
                let mut keys = vec![hash.clone(), self.settings.mark(&place.tag, &place.field)];
                keys.extend(
                    known
                        .iter()
                        .map(|field| self.settings.mark(&place.tag, field)),
                );
                let run = self.begin(CREATE.run::<()>(&self.redis, &keys), marks);
                let run = run.arg(&place.field).arg(text).arg(life).arg(cap);
                run.args(&known).await
            };
            match done {
                Err(error) if self.lacks(&error, marks) => {}
                done => return done,
            }
        }
    }

    /// The fields whose marks a script has to look at.
    pub(super) async fn known(&self, tag: &str, marks: bool) -> Result<Vec<String>, Error> {
        match marks && self.settings.cap > 0 {
            true => self.redis.hkeys(self.settings.hash(tag)).await,
            false => Ok(Vec::new()),
        }
    }

    /// All sessions of a user that have not ended.
    pub(super) async fn list(&self, tag: &str) -> Result<Vec<Listed>, Error> {
        let hash = self.settings.hash(tag);
        let mut found: Vec<(String, String, i64)> = Vec::new();
        let mut marks = self.has_marks();
        if !marks {
            match LIST.run(&self.redis, &hash).await {
                Err(error) if self.lacks(&error, marks) => marks = true,
                done => found = triples(done?),
            }
        }
        if marks {
            let all: Vec<(String, String)> = self
                .redis
                .hgetall::<String>(&hash)
                .await?
                .into_iter()
                .collect();
            let marks = all.iter().map(|(field, _)| {
                let mark = self.settings.mark(tag, field);
                self.redis.command("PTTL").arg(mark).query::<i64>()
            });
            let times = self.redis.pipeline(marks.collect::<Vec<_>>()).await?;
            for ((field, text), time) in all.into_iter().zip(times) {
                match time? {
                    -2 => {}
                    time => found.push((field, text, time)),
                }
            }
        }
        let now = self.settings.now();
        let mut listed = Vec::with_capacity(found.len());
        for (field, text, left) in found {
            let record = Record::read(&text)?;
            if record.head.end > now && !record.head.retired {
                listed.push((field, record, u64::try_from(left).ok()));
            }
        }
        Ok(listed)
    }
}

/// How scripts are told where the times are.
pub(super) fn mode(marks: bool) -> &'static str {
    if marks { "key" } else { "field" }
}

fn is_marked(text: &str) -> Result<bool, Error> {
    Record::read(text).map(|record| record.head.marked)
}

/// A list of field, record, time and so on.
fn triples(found: Vec<String>) -> Vec<(String, String, i64)> {
    let mut found = found.into_iter();
    let mut triples = Vec::new();
    while let (Some(field), Some(text), Some(time)) = (found.next(), found.next(), found.next()) {
        triples.push((field, text, time.parse().unwrap_or(-1)));
    }
    triples
}
