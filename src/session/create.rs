//! A new session.

use std::{fmt, future::IntoFuture};

use futures_core::future::BoxFuture;

use super::{
    found::Issued,
    record::{self, Head, Record, cut},
    secret::{Family, Known},
    settings::millis,
    store::Store,
};
use crate::Error;

/// A session that is to be made: say what is known of its holder, and await it.
#[must_use = "a session is made when this is awaited"]
pub struct Create<'a> {
    pub(super) store: &'a Store,
    pub(super) user: Option<String>,
    pub(super) data: Result<String, Error>,
    pub(super) user_agent: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) family: bool,
}

impl Create<'_> {
    /// Sets the browser or device, for [`list`](super::Sessions::list) and as a sign of theft. The first 512 bytes are kept,
    /// up to the end of a character.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the address, for the same. The first 128 bytes are kept.
    pub fn ip(mut self, ip: impl Into<String>) -> Self {
        self.ip = Some(ip.into());
        self
    }

    async fn run(self) -> Result<Issued, Error> {
        let settings = &self.store.settings;
        let key = settings.key()?;
        let data = self.data?;
        self.user.as_deref().map_or(Ok(()), record::check_user)?;
        let tag = self.user.as_deref().map(|user| key.tag(user));
        let (place, secret, token) = match (self.family, tag) {
            (true, Some(tag)) => {
                let family = Family::new(tag)?;
                let token = key.refresh_token(&family.place.tag, &family.family, 0);
                (family.place, String::new(), token)
            }
            (_, tag) => {
                let known = Known::new(tag)?;
                let (secret, token) = (known.hash(key), known.token());
                (known.place, secret, token)
            }
        };
        let now = settings.now();
        let head = Head {
            user: self.user,
            created: now,
            issued: now,
            end: now.saturating_add(millis(settings.absolute)),
            user_agent: kept(self.user_agent, record::USER_AGENT),
            ip: kept(self.ip, record::IP),
            secret,
            former: None,
            marked: false,
        };
        let mut record = Record::new(head, data);
        self.store.create(&place, &mut record).await?;
        Ok(Issued {
            id: place.field,
            token,
        })
    }
}

fn kept(text: Option<String>, bytes: usize) -> Option<String> {
    text.map(|text| cut(&text, bytes).to_owned())
}

impl fmt::Debug for Create<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create").finish_non_exhaustive()
    }
}

impl<'a> IntoFuture for Create<'a> {
    type Output = Result<Issued, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
