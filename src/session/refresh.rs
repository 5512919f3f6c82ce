//! Refresh tokens: each is used once and gives the next one. One that somebody uses again later was stolen, from him or
//! by him, and its family ends.

use std::fmt::Display;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Sessions,
    create::Create,
    found::Session,
    record::Record,
    secret::{Family, Token},
    settings::millis,
    store::{REFRESH, REUSED},
    validate::session,
};
use crate::{Error, random, retry::Safety};

/// For how many milliseconds a family that ended by a replay says so: longer than anybody asks again whose answer was lost.
const REMEMBERED: u64 = 60_000;

/// What became of a refresh token.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refresh<T> {
    /// It was good, and here is the next one.
    Rotated(Box<Refreshed<T>>),
    /// It was used before, and not just now: the family has ended, and whoever holds the newest token has to log in again.
    /// Tell its user, and think of [`revoke_all`](Sessions::revoke_all).
    ///
    /// For a minute all who come with a token of this family hear the same, then [`Unknown`](Self::Unknown).
    #[non_exhaustive]
    Reused {
        /// Whose it was.
        user: Option<String>,
        /// Its [id](Session::id).
        id: String,
    },
    /// It is none, or its family has ended.
    Unknown,
}

/// The next token of a family.
#[derive(Debug)]
pub struct Refreshed<T> {
    token: Token,
    session: Session<T>,
}

impl<T> Refreshed<T> {
    /// What its holder keeps in place of the one that was used.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Whose it is.
    pub fn session(&self) -> &Session<T> {
        &self.session
    }
}

impl<T: Serialize> Sessions<T> {
    /// A new family of refresh tokens of a user, to be awaited; gives the first one.
    ///
    /// A family is a session whose secret changes with each use: it is in lists, has idle and absolute time, counts for the
    /// [`cap`](Self::cap), and ends with [`revoke_all`](Self::revoke_all).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::{Sessions, session::Refresh};
    /// # use std::time::Duration;
    ///
    /// let days_7 = Duration::from_secs(7 * 24 * 60 * 60);
    /// let sessions = Sessions::new(&redis, [7; 32]).idle(days_7).absolute(days_7 * 4);
    /// # let sessions = sessions.grace(Duration::ZERO);
    /// let issued = sessions.create_refresh("ada", &()).await?;
    /// let first = issued.token().as_str();
    /// let Refresh::Rotated(next) = sessions.refresh(first).await? else { return Err("log in".into()) };
    /// assert_eq!(next.session().user(), Some("ada"));
    /// # tokio::time::sleep(Duration::from_millis(5)).await;
    /// // Some time later somebody uses the first one again.
    /// let Refresh::Reused { user, .. } = sessions.refresh(first).await? else { return Err("stolen".into()) };
    /// assert_eq!(user.as_deref(), Some("ada"));
    /// assert!(matches!(sessions.refresh(next.token().as_str()).await?, Refresh::Reused { .. }));
    /// assert_eq!(sessions.count("ada").await?, 0);
    /// # Ok(()) });
    /// ```
    pub fn create_refresh(&self, user: impl Display, data: &T) -> Create<'_> {
        Create {
            family: true,
            ..self.create(user, data)
        }
    }
}

impl<T: DeserializeOwned> Sessions<T> {
    /// Takes a refresh token and gives the next one.
    ///
    /// Within the [`grace`](Self::grace) after its first use a token gives the same successor again: for callers whose
    /// answer was lost, and for those who ask twice at the same time. After that it is a replay.
    ///
    /// What was not made with this key costs no request.
    pub async fn refresh(&self, token: &str) -> Result<Refresh<T>, Error> {
        let settings = &self.store.settings;
        let key = settings.key()?;
        let Some(family) = Family::of_token(key, token) else {
            return Ok(Refresh::Unknown);
        };
        let place = &family.place;
        let keys = [
            settings.hash(&place.tag),
            settings.mark(&place.tag, &place.field),
        ];
        let now = settings.now();
        let grace = settings.grace;
        let life = settings.life(millis(settings.absolute));
        let name = random::name();
        let text = loop {
            let marks = self.store.has_marks();
            let run = REFRESH.run::<String>(&self.store.redis, &keys);
            let run = self.store.begin(run, marks);
            let run = run.arg(&place.field).arg(family.generation).arg(now);
            let run = run.arg(if grace.is_zero() { 0 } else { millis(grace) });
            let mut run = run.arg(&name).arg(life).arg(REMEMBERED);
            if !grace.is_zero() {
                // A second time has the same `now`, and finds what the first has done, unless others have used what came
                // after it for longer than the grace.
                let limit = self.store.redis.timeout().min(grace);
                run = run.safety(Safety::IdempotentWrite).timeout(limit);
            }
            match run.await {
                Err(error) if self.store.lacks(&error, marks) => {}
                done => break done?,
            }
        };
        let record = match &*text {
            "gone" => return Ok(Refresh::Unknown),
            text => match text.strip_prefix(REUSED) {
                Some(left) => {
                    let record = Record::read(&format!("1 {left}"))?;
                    return Ok(Refresh::Reused {
                        user: record.head.user,
                        id: family.place.field,
                    });
                }
                None => Record::read(text)?,
            },
        };
        let user = record.head.user.as_deref();
        if user.is_none_or(|user| key.tag(user) != place.tag) || record.head.end <= now {
            self.store.remove(place).await?;
            return Ok(Refresh::Unknown);
        }
        let next = family.generation.saturating_add(1);
        Ok(Refresh::Rotated(Box::new(Refreshed {
            token: key.refresh_token(&place.tag, &family.family, next),
            session: session(self, place.field.clone(), record)?,
        })))
    }
}
