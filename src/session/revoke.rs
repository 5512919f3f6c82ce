//! The end of sessions, and the list of them.

use std::fmt::Display;

use super::{
    Sessions,
    found::{Device, DevicePage},
    secret::{Family, Known, Place},
    store::{Listed, OTHERS},
};
use crate::Error;

/// How many sessions a page has at most.
const MAX_PAGE: u32 = 10_000;

impl<T> Sessions<T> {
    /// The place of a session or of a family.
    fn place(&self, token: &str) -> Result<Option<Place>, Error> {
        let key = self.store.settings.key()?;
        let session = Known::of_token(token).map(|known| known.place);
        Ok(session.or_else(|| Family::of_token(key, token).map(|family| family.place)))
    }

    /// Ends the session of a token, or the family of a refresh token: logout. One that is not known is no error.
    ///
    /// A token that was replaced ends its session too, since whoever logs out means that, and an old copy does no more harm.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// let issued = sessions.create("ada", &()).await?;
    /// sessions.revoke(issued.token().as_str()).await?;
    /// assert!(sessions.validate(issued.token().as_str()).await?.is_none());
    /// # Ok(()) });
    /// ```
    pub async fn revoke(&self, token: &str) -> Result<(), Error> {
        if let Some(place) = self.place(token)? {
            return self.store.remove(&place).await;
        }
        match &self.plain {
            Some(migration) => self.revoke_plain(migration, token).await,
            None => Ok(()),
        }
    }

    /// Ends the session of a user that has this [id](super::Session::id), whichever token it has by now.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// sessions.create("ada", &()).ip("192.0.2.1").await?;
    /// for device in sessions.list("ada").await? {
    ///     if device.ip() == Some("192.0.2.1") {
    ///         sessions.revoke_device("ada", device.id()).await?;
    ///     }
    /// }
    /// assert_eq!(sessions.count("ada").await?, 0);
    /// # Ok(()) });
    /// ```
    pub async fn revoke_device(&self, user: impl Display, id: &str) -> Result<(), Error> {
        let place = Place {
            tag: self.tag(user)?,
            field: id.to_owned(),
        };
        self.store.remove(&place).await
    }

    /// Ends all sessions of a user, in one step: none that is looked up after this is valid.
    ///
    /// It is not repeated when its answer is lost, since it would end what began meanwhile:
    /// [`is_ambiguous`](crate::Error::is_ambiguous). Call it again.
    pub async fn revoke_all(&self, user: impl Display) -> Result<(), Error> {
        let hash = self.store.settings.hash(&self.tag(user)?);
        self.store.redis.unlink(hash).await?;
        Ok(())
    }

    /// Ends all other sessions of the user that this token is of, and gives how many: after a change of password or
    /// factor. `None`, and nothing ends, if the token is not valid.
    ///
    /// It is not repeated when its answer is lost, since it would end what began meanwhile.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// sessions.create("ada", &()).await?;
    /// let desk = sessions.create("ada", &()).await?;
    /// assert_eq!(sessions.revoke_others(desk.token().as_str()).await?, Some(1));
    /// assert_eq!(sessions.count("ada").await?, 1);
    /// # Ok(()) });
    /// ```
    pub async fn revoke_others(&self, token: &str) -> Result<Option<u64>, Error> {
        let key = self.store.settings.key()?;
        let place = match (Known::of_token(token), Family::of_token(key, token)) {
            (Some(known), _) => {
                let found = self.store.read(&known).await?;
                found.map(|_| known.place)
            }
            (None, Some(family)) => {
                let record = self.store.read_one(&family.place).await?;
                // One that was used already is not his who holds the newest.
                record
                    .filter(|record| record.generation == family.generation)
                    .map(|_| family.place)
            }
            (None, None) => None,
        };
        let Some(place) = place else {
            return Ok(None);
        };
        let hash = self.store.settings.hash(&place.tag);
        let run = OTHERS.run::<i64>(&self.store.redis, hash);
        let ended = run.arg(&place.field).await?;
        Ok(u64::try_from(ended).ok())
    }

    /// Returns the sessions of a user, the one that was used last first.
    ///
    /// They are read 1,000 at a time and kept in memory together. For a user that may have more,
    /// [`list_page`](Self::list_page) returns a part.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// sessions.create("ada", &()).user_agent("Firefox").ip("192.0.2.1").await?;
    /// let devices = sessions.list("ada").await?;
    /// assert_eq!(devices[0].user_agent(), Some("Firefox"));
    /// # Ok(()) });
    /// ```
    pub async fn list(&self, user: impl Display) -> Result<Vec<Device>, Error> {
        let found = self.store.list(&self.tag(user)?).await?;
        Ok(self.devices(found))
    }

    /// Returns a page of the sessions of a user: about `count` of them, at most 10,000. `cursor` is that of the page before, `None`
    /// for the first one.
    ///
    /// As with SCAN, a page may be empty, a session that is there all the time is on a page, and one may be on two pages while
    /// others begin or end. Up to some hundred sessions are always one page. Each page is sorted by itself.
    ///
    /// Fails with [`is_argument`](crate::Error::is_argument) if `count` is zero or the cursor is not that of a page.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// sessions.create("ada", &()).await?;
    /// let mut cursor = None;
    /// loop {
    ///     let page = sessions.list_page("ada", cursor.as_deref(), 100).await?;
    ///     for device in page.devices {
    ///         println!("{}: {}", device.id(), device.last_seen());
    ///     }
    ///     cursor = page.cursor;
    ///     if cursor.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HSCAN](https://redis.io/docs/latest/commands/hscan/).
    pub async fn list_page(
        &self,
        user: impl Display,
        cursor: Option<&str>,
        count: u32,
    ) -> Result<DevicePage, Error> {
        let is_number = |cursor: &str| cursor.parse::<u64>().is_ok();
        if !cursor.is_none_or(is_number) {
            return Err(Error::argument(
                "the cursor of a list of sessions is not that of a page: begin without one",
            ));
        }
        if count == 0 {
            return Err(Error::argument(
                "a page of sessions has a count of 0: ask for one or more",
            ));
        }
        let tag = self.tag(user)?;
        let (found, cursor) = self.store.page(&tag, cursor, count.min(MAX_PAGE)).await?;
        Ok(DevicePage {
            devices: self.devices(found),
            cursor,
        })
    }

    fn devices(&self, found: Vec<Listed>) -> Vec<Device> {
        let settings = &self.store.settings;
        let (now, idle) = (settings.now(), settings.slide());
        let device = |(id, record, left): Listed| {
            let seen = idle
                .zip(left)
                .map(|(idle, left)| now.saturating_add(left).saturating_sub(idle));
            Device {
                id,
                last_seen: seen.unwrap_or_default().max(record.head.issued),
                head: record.head,
            }
        };
        let mut devices: Vec<Device> = found.into_iter().map(device).collect();
        devices.sort_by_key(|device| std::cmp::Reverse(device.last_seen));
        devices
    }

    /// Returns how many sessions a user has. Nothing of them is transferred.
    pub async fn count(&self, user: impl Display) -> Result<usize, Error> {
        self.store.count(&self.tag(user)?).await
    }

    pub(super) fn tag(&self, user: impl Display) -> Result<String, Error> {
        Ok(self.store.settings.key()?.tag(&user.to_string()))
    }
}
