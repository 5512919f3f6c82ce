//! What is asked of Redis: one hash for each user, one field for each session.
//!
//! Where the server has HGETEX and HSETEX each field expires by itself. Where it has not, which its first refusal tells,
//! a key beside the field expires in its place: the session is valid while both are there, so that to delete the hash
//! still ends all sessions at once.

use std::{
    collections::HashSet,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::{
    record::Record,
    secret::{Known, Place},
    settings::{Settings, millis},
};
use crate::{
    Error, Invocation, Redis, Safety, Script,
    commands::{hashes::expiry::FieldTtl, keys::Ttl},
    find::find,
};

/// A script behind the functions that all of them share, which are in the program once.
pub(super) fn script(text: &str) -> Script {
    Script::new([include_str!("shared.lua"), text].concat())
}

macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| script(include_str!($file)));
    };
}

script!(CREATE, "create.lua");
script!(SWAP, "swap.lua");
script!(ROTATE, "rotate.lua");
script!(REFRESH, "refresh.lua");
script!(OTHERS, "others.lua");
static LIST: LazyLock<Script> = LazyLock::new(|| script(include_str!("list.lua")).read_only());
static COUNT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("count.lua")).read_only());

/// How many sessions one script counts: some milliseconds of the server.
const COUNTED: u32 = 10_000;

/// How many sessions of a whole list come with one answer.
const LISTED: u32 = 1_000;

/// With this a record begins that is left of a family whose token was used twice.
pub(super) const REUSED: &str = "reused ";

/// A session that is valid by some token.
pub(super) struct Found {
    pub(super) record: Record,
    /// It is the token that was given last, not one that is replaced and in its grace.
    pub(super) is_newest: bool,
}

/// A session in a list: its field, itself without its data, and the milliseconds left to it.
pub(super) type Listed = (String, Record, Option<u64>);

/// Where a walk over the sessions of a user begins, and ends.
const START: &str = "0";

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

    /// The session of a token, if it is valid, which counts as its use.
    pub(super) async fn read(&self, known: &Known) -> Result<Option<Found>, Error> {
        let Some(record) = self.read_one(&known.place).await? else {
            return Ok(None);
        };
        let key = self.settings.key()?;
        if known.is(key, &record.head.secret) {
            return Ok(Some(Found {
                record,
                is_newest: true,
            }));
        }
        let now = self.settings.now();
        let former = record.head.former.as_ref();
        let counts = former.is_some_and(|(hash, until)| known.is(key, hash) && now < *until);
        Ok(counts.then_some(Found {
            record,
            is_newest: false,
        }))
    }

    /// What is in one place, whoever asks.
    pub(super) async fn read_one(&self, place: &Place) -> Result<Option<Record>, Error> {
        let text = self.text(place).await?;
        let text = text.filter(|text| !text.starts_with(REUSED));
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
        let marks = self.has_marks();
        if !marks {
            match self.used(place).await {
                Err(error) if self.lacks(&error, marks) => {}
                // A server that has learned it since still has sessions with marks.
                Ok(Some(text)) if is_marked(&text) => {}
                done => return done,
            }
        }
        match self.used_by_mark(place).await? {
            (true, text) => Ok(text),
            (false, None) => Ok(None),
            // One that was made where fields expire has its own time; another process may know better than this one.
            (false, Some(text)) if !is_marked(&text) => Ok(Some(text)),
            (false, Some(_)) => {
                self.remove(place).await?;
                Ok(None)
            }
        }
    }

    /// A field, which counts as its use.
    async fn used(&self, place: &Place) -> Result<Option<String>, Error> {
        let hash = self.settings.hash(&place.tag);
        let hget = self.redis.hget::<String>(&hash, &place.field);
        let Some(idle) = self.settings.slide() else {
            return hget.await;
        };
        if let Some(enough) = self.settings.enough() {
            let left = self.redis.hpttl(&hash, &place.field);
            let (text, left) = self.redis.pipeline((hget, left)).await?;
            let left = left?.into_iter().next().and_then(FieldTtl::left);
            if left.is_none_or(|left| left >= enough) {
                return text;
            }
        }
        let read = self.redis.hgetex::<String>(&hash, &place.field).px(idle);
        Ok(read.await?.into_iter().next().flatten())
    }

    /// Whether the mark of a field is there, and the field, which counts as its use.
    async fn used_by_mark(&self, place: &Place) -> Result<(bool, Option<String>), Error> {
        let mark = self.settings.mark(&place.tag, &place.field);
        let hash = self.settings.hash(&place.tag);
        let hget = self.redis.hget::<String>(&hash, &place.field);
        let Some(idle) = self.settings.slide() else {
            let get = self.redis.get::<String>(&mark);
            let (mark, text) = self.redis.pipeline((get, hget)).await?;
            return Ok((mark?.is_some(), text?));
        };
        let Some(enough) = self.settings.enough() else {
            let getex = self.redis.getex::<String>(&mark).px(idle);
            let (mark, text) = self.redis.pipeline((getex, hget)).await?;
            return Ok((mark?.is_some(), text?));
        };
        let pttl = self.redis.pttl(&mark);
        let (left, text) = self.redis.pipeline((pttl, hget)).await?;
        let left = left?;
        if left.left().is_none_or(|left| left >= enough) {
            return Ok((left != Ttl::NoKey, text?));
        }
        let is_there = self.redis.getex::<String>(&mark).px(idle).await?.is_some();
        Ok((is_there, text?))
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

    /// All sessions of a user that have not ended. What cannot be read lets nobody in, and is not in it.
    pub(super) async fn list(&self, tag: &str) -> Result<Vec<Listed>, Error> {
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut cursor = None;
        loop {
            let (listed, next) = self.page(tag, cursor.as_deref(), LISTED).await?;
            // A hash that grows or shrinks may be walked twice in parts.
            all.extend(
                listed
                    .into_iter()
                    .filter(|(field, ..)| seen.insert(field.clone())),
            );
            if next.is_none() {
                return Ok(all);
            }
            cursor = next;
        }
    }

    /// Some sessions of a user, and where the next ones begin.
    pub(super) async fn page(
        &self,
        tag: &str,
        cursor: Option<&str>,
        count: u32,
    ) -> Result<(Vec<Listed>, Option<String>), Error> {
        let hash = self.settings.hash(tag);
        let cursor = cursor.unwrap_or(START);
        let (next, found) = loop {
            let marks = self.has_marks();
            let run = LIST.run::<(String, Vec<String>)>(&self.redis, &hash);
            match run.arg(mode(marks)).arg(cursor).arg(count).await {
                Err(error) if self.lacks(&error, marks) => {}
                done => break done?,
            }
        };
        let now = self.settings.now();
        let read = triples(found)
            .into_iter()
            .filter_map(|(field, head, left)| {
                let record = Record::read(&format!("{head}\n")).ok()?;
                Some((field, record, u64::try_from(left).ok()))
            });
        let mut listed: Vec<Listed> = read.collect();
        // Also where fields expire: a server that has learned it since has both.
        self.times_of_marks(tag, &mut listed).await?;
        listed.retain(|(_, record, _)| record.head.end > now);
        Ok((listed, Some(next).filter(|next| next != START)))
    }

    /// How many sessions of a user have not ended.
    pub(super) async fn count(&self, tag: &str) -> Result<usize, Error> {
        let hash = self.settings.hash(tag);
        let now = self.settings.now();
        let (mut cursor, mut all) = (START.to_owned(), 0);
        loop {
            let run = COUNT.run::<(String, usize, Vec<String>)>(&self.redis, &hash);
            let (next, count, marked) = run.arg(&cursor).arg(COUNTED).arg(now).await?;
            all += count + self.marked(tag, &marked).await?;
            if next == START {
                return Ok(all);
            }
            cursor = next;
        }
    }

    /// How many of these fields have marks that have not expired; the others are deleted.
    async fn marked(&self, tag: &str, fields: &[String]) -> Result<usize, Error> {
        let mut there = 0;
        for fields in fields.chunks(LISTED as usize) {
            let marks = fields.iter().map(|field| self.settings.mark(tag, field));
            let marks = marks.map(|mark| self.redis.command("EXISTS").arg(mark).query::<u32>());
            let marks = self.redis.pipeline(marks.collect::<Vec<_>>()).await?;
            let mut gone = Vec::new();
            for (field, mark) in fields.iter().zip(marks) {
                match mark? {
                    0 => gone.push(field),
                    _ => there += 1,
                }
            }
            if !gone.is_empty() {
                let hdel = self.redis.hdel(self.settings.hash(tag), &gone);
                hdel.safety(Safety::IdempotentWrite).await?;
            }
        }
        Ok(there)
    }

    /// Completes the times of those whose marks have them, and takes those away whose marks have expired.
    async fn times_of_marks(&self, tag: &str, listed: &mut Vec<Listed>) -> Result<(), Error> {
        let marked = listed
            .iter_mut()
            .filter(|(_, record, _)| record.head.marked);
        let mut marked: Vec<&mut Listed> = marked.collect();
        if marked.is_empty() {
            return Ok(());
        }
        let marks = marked.iter().map(|(field, ..)| {
            let mark = self.settings.mark(tag, field);
            self.redis.command("PTTL").arg(mark).query::<i64>()
        });
        let times = self.redis.pipeline(marks.collect::<Vec<_>>()).await?;
        let mut gone = Vec::new();
        for ((field, _, left), time) in marked.iter_mut().map(|listed| &mut **listed).zip(times) {
            match time? {
                -2 => gone.push(field.clone()),
                time => *left = u64::try_from(time).ok(),
            }
        }
        if !gone.is_empty() {
            let hdel = self.redis.hdel(self.settings.hash(tag), &gone);
            hdel.safety(Safety::IdempotentWrite).await?;
            listed.retain(|(field, ..)| !gone.contains(field));
        }
        Ok(())
    }
}

/// How scripts are told where the times are.
pub(super) fn mode(marks: bool) -> &'static str {
    if marks { "key" } else { "field" }
}

fn is_marked(text: &str) -> bool {
    Record::read(text).is_ok_and(|record| record.head.marked)
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
