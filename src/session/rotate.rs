//! Another secret for a session: at login, at a change of rights, and from time to time.

use std::{
    fmt::{self, Display},
    future::IntoFuture,
    time::Duration,
};

use futures_core::future::BoxFuture;

use super::{
    Sessions,
    found::Issued,
    record::{self, Record},
    secret::{Known, Place},
    settings::millis,
    store::{ROTATE, Store},
    update::Swapped,
};
use crate::{Error, retry::Safety};

/// How often a session is read again that others change meanwhile.
const MAX_TRIES: u32 = 20;

/// A session that is to get another secret: say whose it is then, and await it.
#[must_use = "a session is rotated when this is awaited"]
pub struct Rotate<'a> {
    store: &'a Store,
    token: &'a str,
    user: Option<String>,
    grace: u64,
}

impl<T> Sessions<T> {
    /// Gives the session of a token another secret, to be awaited; its [id](super::Session::id), data and absolute end
    /// stay. `None` if the token is not valid, or somebody else has rotated the session: then its new token comes with his
    /// answer, and within the [`grace`](Rotate::grace) that he gave this one still validates.
    ///
    /// Do it whenever somebody logs in or gets other rights, so that a token that was known before is worth nothing. For
    /// renewal give it some [`grace`](Rotate::grace), for the requests that are under way with the old one.
    ///
    /// If its answer is lost nobody has the new token, and the old one ends with the grace: then he logs in again.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Sessions, std::time::Duration};
    /// let sessions = Sessions::new(&redis, [7; 32]).renewal(Duration::from_secs(3600));
    /// let issued = sessions.create("ada", &()).await?;
    /// let old = issued.token().as_str();
    /// let renewed = sessions.rotate(old).grace(Duration::from_secs(30)).await?.ok_or("expired")?;
    /// assert!(sessions.validate(old).await?.is_some());
    /// let privileged = sessions.rotate(renewed.token().as_str()).await?.ok_or("expired")?;
    /// assert!(sessions.validate(renewed.token().as_str()).await?.is_none());
    /// assert!(sessions.validate(privileged.token().as_str()).await?.is_some());
    /// # Ok(()) });
    /// ```
    pub fn rotate<'a>(&'a self, token: &'a str) -> Rotate<'a> {
        Rotate {
            store: &self.store,
            token,
            user: None,
            grace: 0,
        }
    }
}

impl Rotate<'_> {
    /// Who has logged in: the session, which was nobody's or his, is his from now on, and his
    /// [`cap`](super::Sessions::cap) holds. Fails with [`is_argument`](Error::is_argument) if it is another user's, and
    /// together with a [`grace`](Self::grace): a token that was known before a login must be worth nothing after it.
    pub fn user(mut self, user: impl Display) -> Self {
        self.user = Some(user.to_string());
        self
    }

    /// For how long the old token is still valid: not at all by default. It is the same session by either.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = if grace.is_zero() { 0 } else { millis(grace) };
        self
    }

    async fn run(self) -> Result<Option<Issued>, Error> {
        let settings = &self.store.settings;
        let key = settings.key()?;
        if self.user.is_some() && self.grace > 0 {
            return Err(Error::argument(
                "a session that somebody logs in to is not to be known by its old token: rotate it without grace",
            ));
        }
        self.user.as_deref().map_or(Ok(()), record::check_user)?;
        let Some(old) = Known::of_token(self.token) else {
            return Ok(None);
        };
        // Whoever logs in has his own hash, and a place in it that nobody knows.
        let moves = self.user.as_ref().map(|user| key.tag(user));
        let moves = moves.filter(|tag| *tag != old.place.tag);
        let is_moved = moves.is_some();
        let new = match moves {
            Some(tag) => Known::new(Some(tag))?,
            None => old.renewed()?,
        };
        for _ in 0..MAX_TRIES {
            let found = self.store.read(&old).await?;
            let Some(record) = found
                .filter(|found| found.is_newest)
                .map(|found| found.record)
            else {
                return Ok(None);
            };
            let owner = record.head.user.as_ref();
            if owner.is_some_and(|owner| self.user.as_ref().is_some_and(|user| user != owner)) {
                return Err(Error::argument(
                    "the session is another user's, whose data would go along: create a new one, and revoke this one",
                ));
            }
            let now = settings.now();
            let mut next = record.next();
            next.head.issued = now;
            next.head.user = self.user.clone().or(next.head.user);
            next.head.secret = new.hash(key);
            let until = now.saturating_add(self.grace);
            next.head.former = (self.grace > 0).then(|| (record.head.secret.clone(), until));
            let done = match is_moved {
                true => self.move_to(&old.place, &new.place, &record, next).await?,
                false => self.store.swap(&old.place, &record, &next).await?,
            };
            match done {
                Swapped::Done => {
                    return Ok(Some(Issued {
                        id: new.place.field.clone(),
                        token: new.token(),
                    }));
                }
                Swapped::Gone => return Ok(None),
                Swapped::Other => {}
            }
        }
        Err(Error::new(
            crate::error::Kind::Timeout,
            "others changed the session each time it was to be rotated; it is as they left it",
        )
        .with_outcome(MAX_TRIES, false, true, Safety::Write))
    }

    /// Into the hash of its user.
    async fn move_to(
        &self,
        old: &Place,
        new: &Place,
        record: &Record,
        mut next: Record,
    ) -> Result<Swapped, Error> {
        let settings = &self.store.settings;
        let life = settings.life(next.head.end.saturating_sub(next.head.issued));
        loop {
            let marks = self.store.has_marks();
            next.head.marked = marks;
            let known = self.store.known(&new.tag, marks).await?;
            let mut keys = vec![
                settings.hash(&old.tag),
                settings.hash(&new.tag),
                settings.mark(&new.tag, &new.field),
            ];
            keys.extend(known.iter().map(|field| settings.mark(&new.tag, field)));
            let run = self
                .store
                .begin(ROTATE.run::<i64>(&self.store.redis, &keys), marks);
            let run = run.arg(&old.field).arg(&record.name);
            let run = run.arg(&new.field).arg(next.text()?).arg(life);
            let run = run.arg(settings.cap).args(&known);
            // A second time finds what the first has made, or that it was taken away since.
            match run.safety(Safety::IdempotentWrite).await {
                Ok(1) => return Ok(Swapped::Done),
                Ok(0) => return Ok(Swapped::Other),
                Ok(_) => return Ok(Swapped::Gone),
                Err(error) if self.store.lacks(&error, marks) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Rotate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotate").finish_non_exhaustive()
    }
}

impl<'a> IntoFuture for Rotate<'a> {
    type Output = Result<Option<Issued>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
