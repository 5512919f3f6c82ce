//! Whose token it is.

use std::{
    fmt,
    future::IntoFuture,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_core::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::{
    Sessions,
    found::{Anomaly, Session, Verdict},
    record::{self, Record, cut},
    secret::{Family, Known, Place},
    settings::millis,
};
use crate::Error;

/// A token that is to be looked up: say what is known of the request, and await it.
#[must_use = "a token is looked up when this is awaited"]
pub struct Validate<'a, T> {
    pub(super) sessions: &'a Sessions<T>,
    pub(super) token: &'a str,
    pub(super) user_agent: Option<&'a str>,
    pub(super) ip: Option<&'a str>,
}

impl<'a, T> Validate<'a, T> {
    /// The browser or device of this request, to be compared with that of the session's beginning.
    pub fn user_agent(mut self, user_agent: &'a str) -> Self {
        self.user_agent = Some(user_agent);
        self
    }

    /// The address of this request, to be compared with that of the session's beginning.
    pub fn ip(mut self, ip: &'a str) -> Self {
        self.ip = Some(ip);
        self
    }

    /// What is other than when the session began.
    fn anomaly(&self, id: &str, record: &Record) -> Option<Anomaly> {
        // What is kept of a long text is compared.
        let differs = |then: &Option<String>, now: Option<&str>, bytes| {
            let then = then.as_deref().map(|then| cut(then, bytes));
            let now = now.map(|now| cut(now, bytes));
            now.is_some_and(|now| then.is_some_and(|then| then != now))
        };
        let user_agent = differs(&record.head.user_agent, self.user_agent, record::USER_AGENT);
        let ip = differs(&record.head.ip, self.ip, record::IP);
        (user_agent || ip).then(|| Anomaly {
            session: id.to_owned(),
            user_agent,
            ip,
        })
    }
}

impl<T: DeserializeOwned> Validate<'_, T> {
    async fn run(self) -> Result<Option<Session<T>>, Error> {
        let store = &self.sessions.store;
        let key = store.settings.key()?;
        let Some(known) = Known::of_token(self.token) else {
            return match &self.sessions.plain {
                // A refresh token is not looked up as what it is not.
                Some(migration) if Family::of_token(key, self.token).is_none() => {
                    self.moved(migration).await
                }
                _ => Ok(None),
            };
        };
        match store.read(&known).await? {
            Some(found) => self.judge(&known.place, found.record).await,
            None => Ok(None),
        }
    }

    /// A record that is there, as a session.
    pub(super) async fn judge(
        &self,
        place: &Place,
        record: Record,
    ) -> Result<Option<Session<T>>, Error> {
        let store = &self.sessions.store;
        let anomaly = self.anomaly(&place.field, &record);
        if let (Some(anomaly), Some(hook)) = (&anomaly, &store.settings.hook)
            && catch_unwind(AssertUnwindSafe(|| hook(anomaly))).unwrap_or(Verdict::Revoke)
                == Verdict::Revoke
        {
            store.remove(place).await?;
            return Ok(None);
        }
        let mut session = session(self.sessions, place.field.clone(), record)?;
        session.anomaly = anomaly;
        Ok(Some(session))
    }
}

/// A record as its reader gets it.
pub(super) fn session<T: DeserializeOwned>(
    sessions: &Sessions<T>,
    id: String,
    record: Record,
) -> Result<Session<T>, Error> {
    let settings = &sessions.store.settings;
    let age = settings.now().saturating_sub(record.head.issued);
    let renewal = settings.renewal.map(millis);
    Ok(Session {
        id,
        data: record::decode(&record.data)?,
        renewal_due: renewal.is_some_and(|renewal| age >= renewal),
        anomaly: None,
        replaced_by: None,
        head: record.head,
    })
}

impl<T> fmt::Debug for Validate<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validate").finish_non_exhaustive()
    }
}

impl<'a, T: DeserializeOwned + Send + 'a> IntoFuture for Validate<'a, T> {
    type Output = Result<Option<Session<T>>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
