//! The plain format of services that kept sessions by hand: `session:{refreshToken}`, which holds JSON with `userId`,
//! `userAgent` and `ipAddress` for 7 days. They are read and written as they are, and moved to sessions of ours.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Sessions,
    found::Session,
    record::{self, Head, Record},
    secret::{self, Known, Token},
    settings::millis,
    store::{Found, script},
    validate::Validate,
};
use crate::{Error, Redis, Safety, Script, clock, commands::keys::Ttl, error::Kind, wire::json};

/// What a plain token may have at most: no cookie is longer.
const MAX_TOKEN: usize = 4096;

/// How often a plain session is read again that others change meanwhile.
const MAX_TRIES: u32 = 5;

/// Where a plain session says that it was moved to.
const MOVED: &str = "movedTo";

/// What a plain session holds.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct PlainSession {
    /// `userId`; a number as its digits.
    pub user_id: String,
    /// `userAgent`, empty if it is missing.
    pub user_agent: String,
    /// `ipAddress`, empty if it is missing.
    pub ip_address: String,
    /// What else is in it.
    pub rest: Map<String, Value>,
}

impl PlainSession {
    /// What a service knows at login.
    pub fn new(
        user_id: impl Into<String>,
        user_agent: impl Into<String>,
        ip_address: impl Into<String>,
    ) -> Self {
        Self {
            user_id: user_id.into(),
            user_agent: user_agent.into(),
            ip_address: ip_address.into(),
            rest: Map::new(),
        }
    }

    fn text(&self) -> Result<String, Error> {
        let mut text = format!(
            "{{\"userId\":{},\"userAgent\":{},\"ipAddress\":{}",
            record::encode(&self.user_id)?,
            record::encode(&self.user_agent)?,
            record::encode(&self.ip_address)?,
        );
        for (name, value) in &self.rest {
            text.push_str(&format!(
                ",{}:{}",
                record::encode(name)?,
                record::encode(value)?
            ));
        }
        text.push('}');
        Ok(text)
    }

    fn read(text: &str) -> Result<Self, Error> {
        let read = || {
            let mut rest: Map<String, Value> = serde_json::from_str(text).ok()?;
            let user_id = match rest.remove("userId")? {
                Value::String(id) => id,
                Value::Number(_) => digits(text, "userId")?,
                _ => return None,
            };
            let mut word = |name| match rest.remove(name) {
                Some(Value::String(word)) => word,
                _ => String::new(),
            };
            let (user_agent, ip_address) = (word("userAgent"), word("ipAddress"));
            Some(Self {
                user_id,
                user_agent,
                ip_address,
                rest,
            })
        };
        read()
            .ok_or_else(|| Error::decode("what is stored is no plain session: JSON with a userId"))
    }
}

/// What holds for whatever stands in a session's key, ours or plain: what is read is written as what is read the same.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn any_record(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(record) = Record::read(&text) {
        let again = record.text().and_then(|text| Record::read(&text));
        assert!(again.is_ok_and(|again| again == record));
        let _ = record::decode::<Value>(&record.data);
    }
    if let Ok(session) = PlainSession::read(&text) {
        // Its user stays the same; fractions of the rest are serde_json's.
        let again = session.text().and_then(|text| PlainSession::read(&text));
        assert!(again.is_ok_and(|again| {
            (&again.user_id, &again.user_agent, &again.ip_address)
                == (&session.user_id, &session.user_agent, &session.ip_address)
                && again.rest.len() == session.rest.len()
                && again
                    .rest
                    .keys()
                    .all(|name| session.rest.contains_key(name))
        }));
    }
}

/// A number of an object as it stands there; the last one where its name is there twice. As a double it would lose digits,
/// and two users could become one.
fn digits(text: &str, wanted: &str) -> Option<String> {
    let members = json::Value::parse(text.as_bytes())?.members()?;
    let found = members.filter(|(name, _)| name.string().as_deref() == Some(wanted.as_bytes()));
    let (_, number) = found.last()?;
    String::from_utf8(number.raw().to_vec()).ok()
}

impl fmt::Debug for PlainSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainSession").finish_non_exhaustive()
    }
}

/// Sessions in the plain format, written and read as services that exist have them.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::session::{Plain, PlainSession};
///
/// let plain = Plain::new(&redis);
/// let token = plain.create(&PlainSession::new("42", "Firefox", "192.0.2.1")).await?;
/// let stored: Option<String> = redis.get(format!("session:{}", token.as_str())).await?;
/// let json = r#"{"userId":"42","userAgent":"Firefox","ipAddress":"192.0.2.1"}"#;
/// assert_eq!(stored.as_deref(), Some(json));
/// let session = plain.validate(token.as_str()).await?.ok_or("log in")?;
/// assert_eq!(session.user_id, "42");
/// plain.revoke(token.as_str()).await?;
/// # assert!(plain.validate(token.as_str()).await?.is_none());
/// # Ok(()) });
/// ```
///
/// This format has the secret itself as its key, no idle time, no list and no end to all of a user's:
/// [`Sessions::migrating`] leads out of it.
///
/// What is empty, longer than 4,096 bytes, or has colons, white space or control characters is no token, and costs no
/// request: a key of something else could be named by it.
///
/// Cost: one round trip and one billed command each.
#[derive(Clone, Debug)]
pub struct Plain {
    redis: Redis,
    prefix: String,
    life: Duration,
}

impl Plain {
    /// Sessions under `session:`, for 7 days.
    pub fn new(redis: &Redis) -> Self {
        Self {
            redis: redis.clone(),
            prefix: "session:".to_owned(),
            life: Duration::from_secs(604_800),
        }
    }

    /// What stands before the token, in place of `session:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a session lives, in whole seconds: 604,800 by default.
    pub fn life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// `None` for what no service hands out as a token: with a colon it could name a key of something else.
    fn key(&self, token: &str) -> Option<String> {
        let odd = |char: char| char == ':' || char.is_control() || char.is_whitespace();
        let possible = !token.is_empty() && token.len() <= MAX_TOKEN && !token.contains(odd);
        possible.then(|| format!("{}{token}", self.prefix))
    }

    /// Creates a session, by a token of 256 random bits. Of its user agent 512 bytes are kept, of its address 128.
    pub async fn create(&self, session: &PlainSession) -> Result<Token, Error> {
        let token = Token::of_bytes(&secret::random::<32>()?);
        let key = format!("{}{}", self.prefix, token.as_str());
        let session = PlainSession {
            user_agent: record::cut(&session.user_agent, record::USER_AGENT).to_owned(),
            ip_address: record::cut(&session.ip_address, record::IP).to_owned(),
            ..session.clone()
        };
        let set = self.redis.set(key, session.text()?);
        let life = clock::whole_seconds(self.life).max(1);
        set.ex(life).safety(Safety::Write).await?;
        Ok(token)
    }

    /// The session of a token.
    pub async fn validate(&self, token: &str) -> Result<Option<PlainSession>, Error> {
        match self.key(token) {
            Some(key) => {
                let text: Option<String> = self.redis.get(key).await?;
                text.as_deref().map(PlainSession::read).transpose()
            }
            None => Ok(None),
        }
    }

    /// Ends the session of a token.
    pub async fn revoke(&self, token: &str) -> Result<(), Error> {
        if let Some(key) = self.key(token) {
            let gone = self.redis.del(key);
            gone.safety(Safety::IdempotentWrite).await?;
        }
        Ok(())
    }
}

static MIGRATE: LazyLock<Script> = LazyLock::new(|| script(include_str!("migrate.lua")));

type Convert = Arc<dyn Fn(&PlainSession) -> Result<String, Error> + Send + Sync>;

/// How plain sessions become ours.
#[derive(Clone)]
pub(super) struct Migration {
    plain: Plain,
    convert: Convert,
}

impl<T: Serialize> Sessions<T> {
    /// Takes the tokens of plain sessions, too. The first [`validate`](Self::validate) of one moves it: a session of ours
    /// takes its place, with the data that `convert` makes, and [`Session::replaced_by`] is the token to hand out.
    ///
    /// For the time of [`grace`](Self::grace) the old token leads to the new session, for requests that are under way with
    /// it; then it is gone. Until a session is moved, [`list`](Self::list) and [`revoke_all`](Self::revoke_all) do not know
    /// it, and the [`cap`](Self::cap) is not enforced by moving it. It ends when the plain one would have, at the latest.
    ///
    /// Services that know the plain format alone may go on to write it meanwhile: what they write is moved when it comes here.
    /// They know a session that was moved until its grace is over, so move their readers first.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::{Sessions, session::Plain};
    ///
    /// let json = r#"{"userId":"42","userAgent":"Firefox","ipAddress":"192.0.2.1"}"#;
    /// redis.set("session:old", json).ex(604_800).await?;
    ///
    /// let sessions = Sessions::new(&redis, [7; 32]).migrating(Plain::new(&redis), |_| ());
    /// let session = sessions.validate("old").await?.ok_or("log in")?;
    /// assert_eq!((session.user(), session.ip()), (Some("42"), Some("192.0.2.1")));
    /// let token = session.replaced_by().ok_or("it was moved")?;
    /// assert!(sessions.validate(token.as_str()).await?.is_some());
    /// # Ok(()) });
    /// ```
    ///
    /// Cost of moving one: three round trips, six billed commands. What has not the form of a token costs one from then on.
    pub fn migrating(
        mut self,
        plain: Plain,
        convert: impl Fn(&PlainSession) -> T + Send + Sync + 'static,
    ) -> Self {
        let convert = move |plain: &PlainSession| record::encode(&convert(plain));
        self.plain = Some(Migration {
            plain,
            convert: Arc::new(convert),
        });
        self
    }
}

impl<T> Sessions<T> {
    /// Ends a plain session, and what it was moved to.
    pub(super) async fn revoke_plain(
        &self,
        migration: &Migration,
        token: &str,
    ) -> Result<(), Error> {
        let key = self.store.settings.key()?;
        let session = migration.plain.validate(token).await?;
        migration.plain.revoke(token).await?;
        // What was moved before that, also since it was read, goes by the name that it has then. After that nothing is moved.
        if let Some(session) = session {
            let successor = key.successor(&session.user_id, token);
            self.store.remove(&successor.place).await?;
        }
        Ok(())
    }
}

impl<T: DeserializeOwned> Validate<'_, T> {
    /// The session of a plain token, moved if it was not before.
    pub(super) async fn moved(&self, migration: &Migration) -> Result<Option<Session<T>>, Error> {
        let store = &self.sessions.store;
        let key = store.settings.key()?;
        let Some(plain_key) = migration.plain.key(self.token) else {
            return Ok(None);
        };
        for _ in 0..MAX_TRIES {
            let text: Option<String> = store.redis.get(&plain_key).await?;
            let Some(text) = text else {
                return Ok(None);
            };
            let plain = PlainSession::read(&text)?;
            // The same for all who move it at the same time.
            let known = key.successor(&plain.user_id, self.token);
            let found = if plain.rest.contains_key(MOVED) {
                match store.read(&known).await? {
                    Some(found) => found,
                    None => return Ok(None),
                }
            } else {
                let keys = [plain_key.clone()];
                match self
                    .move_one(migration, &known, &plain, &text, keys)
                    .await?
                {
                    Some(record) => Found {
                        record,
                        is_newest: true,
                    },
                    None => continue,
                }
            };
            let mut session = self.judge(&known.place, found.record).await?;
            // Whoever has rotated it since has handed out its token.
            if let Some(session) = &mut session
                && found.is_newest
            {
                session.replaced_by = Some(known.token());
            }
            return Ok(session);
        }
        Err(Error::new(
            Kind::Timeout,
            "others changed the session each time it was to be moved; it is as they left it",
        )
        .with_outcome(MAX_TRIES, false, true, Safety::Write))
    }

    /// `None` if somebody else has changed it, or moved it.
    async fn move_one(
        &self,
        migration: &Migration,
        known: &Known,
        plain: &PlainSession,
        text: &str,
        [plain_key]: [String; 1],
    ) -> Result<Option<Record>, Error> {
        let store = &self.sessions.store;
        let settings = &store.settings;
        let some = |text: &str, bytes| {
            Some(record::cut(text, bytes).to_owned()).filter(|text| !text.is_empty())
        };
        // To move it gives nobody more time than he had.
        let left = match store.redis.pttl(&plain_key).await? {
            Ttl::Left(left) => left.min(millis(settings.absolute)),
            Ttl::NoExpiry => millis(settings.absolute),
            Ttl::NoKey => return Ok(None),
        };
        let now = settings.now();
        let mut record = Record::new(
            Head {
                user: Some(plain.user_id.clone()),
                created: now,
                issued: now,
                end: now.saturating_add(left),
                user_agent: some(&plain.user_agent, record::USER_AGENT),
                ip: some(&plain.ip_address, record::IP),
                secret: known.hash(settings.key()?),
                former: None,
                marked: false,
            },
            (migration.convert)(plain)?,
        );
        // A name of its own, so that who reads it knows whether it was he who moved it. What else is there stays to
        // the letter.
        let Some(members) = text.trim_end().strip_suffix('}') else {
            return Ok(None);
        };
        let stays = format!("{members},\"{MOVED}\":{}}}", record::encode(&record.name)?);
        let place = &known.place;
        let keys = [
            settings.hash(&place.tag),
            settings.mark(&place.tag, &place.field),
            plain_key,
        ];
        loop {
            let marks = store.has_marks();
            record.head.marked = marks;
            let run = store.begin(MIGRATE.run::<i64>(&store.redis, &keys), marks);
            let run = run.arg(&place.field).arg(record.text()?);
            let run = run.arg(settings.life(left));
            let run = run.arg(text).arg(&stays).arg(millis(settings.grace));
            // A second time finds what the first has left.
            match run.safety(Safety::IdempotentWrite).await {
                Ok(1) => return Ok(Some(record)),
                Ok(_) => return Ok(None),
                Err(error) if store.lacks(&error, marks) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
