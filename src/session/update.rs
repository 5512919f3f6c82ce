//! A change of a session's data, in which nothing is lost that others change meanwhile.

use std::future::{Future, ready};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Sessions,
    record::{self, Record},
    secret::{Known, Place},
    store::{Found, SWAP, Store, mode},
};
use crate::{
    Error,
    clock::{self, Instant},
    error::Kind,
    random,
    retry::Safety,
};

/// What became of a record that was to replace another.
pub(super) enum Swapped {
    Done,
    /// It is another one.
    Other,
    Gone,
}

impl<T: Serialize + DeserializeOwned> Sessions<T> {
    /// Changes the data of the session of a token, and gives it as it is then; `None` if the token is not valid.
    ///
    /// `change` is called again where somebody else has changed the session since it was read. It begins the idle time
    /// anew. If all answers are lost, and others have changed the session since, it is not known whether this change is in
    /// it: [`is_ambiguous`](crate::Error::is_ambiguous).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// let issued = sessions.create("ada", &1).await?;
    /// let count = sessions.update(issued.token().as_str(), |count| *count += 1).await?;
    /// assert_eq!(count, Some(2));
    /// # Ok(()) });
    /// ```
    pub async fn update(
        &self,
        token: &str,
        mut change: impl FnMut(&mut T) + Send,
    ) -> Result<Option<T>, Error>
    where
        T: Send,
    {
        let change = |mut data: T| {
            change(&mut data);
            ready(Ok::<T, Error>(data))
        };
        change_by(self, token, change).await
    }
}

/// Changes the data of a session by a function that may wait and fail; then nothing is changed.
pub(crate) async fn change_by<T, E, F, Fut>(
    sessions: &Sessions<T>,
    token: &str,
    mut change: F,
) -> Result<Option<T>, E>
where
    T: Serialize + DeserializeOwned,
    E: From<Error>,
    F: FnMut(T) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let store = &sessions.store;
    store.settings.key()?;
    let Some(known) = Known::of_token(token) else {
        return Ok(None);
    };
    let begun = Instant::now();
    let limit = store.redis.timeout();
    let mut tries = 0_u32;
    loop {
        let Some(Found { record: old, .. }) = store.read(&known).await? else {
            return Ok(None);
        };
        let data = change(record::decode(&old.data)?).await?;
        let mut new = old.next();
        new.data = record::encode(&data)?;
        match store.swap(&known.place, &old, &new).await? {
            Swapped::Done => return Ok(Some(data)),
            Swapped::Gone => return Ok(None),
            Swapped::Other => {}
        }
        tries = tries.saturating_add(1);
        if begun.elapsed() >= limit {
            let message = "others changed the session each time it was to be changed here; it is as they left it";
            let error = Error::new(Kind::Timeout, message);
            return Err(error.with_outcome(tries, false, true, Safety::Write).into());
        }
        // The more there are, the further they go apart.
        let most = f64::from(tries.min(20)) * 0.005;
        clock::sleep(std::time::Duration::from_secs_f64(random::unit() * most)).await;
    }
}

impl Store {
    /// Replaces a record by the next one, if nobody else has.
    pub(super) async fn swap(
        &self,
        place: &Place,
        old: &Record,
        new: &Record,
    ) -> Result<Swapped, Error> {
        let hash = self.settings.hash(&place.tag);
        let text = new.text()?;
        let mut doubt: Option<Error> = None;
        let mut tries = 0;
        loop {
            let marks = self.has_marks();
            let run = SWAP.run::<i64>(&self.redis, &hash).arg(mode(marks));
            let run = run
                .arg(&place.field)
                .arg(&old.name)
                .arg(&new.name)
                .arg(&text);
            match run.await {
                Ok(1) => return Ok(Swapped::Done),
                Ok(done) => {
                    // Whether the change was in it before somebody else made his cannot be seen any more.
                    return match (doubt, done) {
                        (Some(error), _) => Err(error),
                        (None, 0) => Ok(Swapped::Other),
                        (None, _) => Ok(Swapped::Gone),
                    };
                }
                Err(error) if self.lacks(&error, marks) => {}
                // The same again: only one of the two can find the old record.
                Err(error) if error.is_ambiguous() && tries < 3 => {
                    tries += 1;
                    doubt = Some(error);
                }
                Err(error) => return Err(doubt.unwrap_or(error)),
            }
        }
    }
}
