//! Sessions on Redis: who is logged in, on which devices, and an end to all of it at once.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::{Sessions, session::Cookie};
//!
//! # let key = [7; 32];
//! // let key = …; 32 random bytes or more, the same in all processes, kept like the database's token
//! let sessions = Sessions::new(&redis, key)
//!     .idle(Duration::from_secs(30 * 60))
//!     .absolute(Duration::from_secs(7 * 24 * 60 * 60));
//!
//! // At login:
//! let data = vec!["admin".to_owned()];
//! let issued = sessions.create("user-42", &data).user_agent("Firefox").ip("192.0.2.1").await?;
//! let set_cookie = Cookie::new("id").set(issued.token());
//!
//! // With each request:
//! # let token = issued.token().as_str();
//! let session = sessions.validate(token).await?.ok_or("please log in")?;
//! assert_eq!(session.user(), Some("user-42"));
//! assert_eq!(session.data(), &["admin"]);
//!
//! // At logout, and when the support desk is called:
//! sessions.revoke(token).await?;
//! sessions.revoke_all("user-42").await?;
//! # assert!(sessions.validate(token).await?.is_none());
//! # Ok(()) });
//! ```
//!
//! # What it keeps
//!
//! - **No secret at rest.** A token holds a secret of 256 random bits of the platform's secure source, behind where its
//!   session is. Redis has a keyed hash of it alone: who reads the database cannot log in with what he finds.
//! - **All at once.** The sessions of a user are the fields of one hash, whose name is a keyed hash of the user's id. To end
//!   them is to delete it: one command, and no session that is looked up after that is valid.
//! - **Nothing comes back.** Only [`create`](Sessions::create) and its like make a session. A change of one that was ended
//!   meanwhile finds nothing, and what makes one is not sent twice.
//! - **Nothing is made of what a caller sends.** A token that is not known is no session, and what has not the form of
//!   one costs no request.
//!
//! The idle time is counted by the server: each look-up begins it anew. Clocks are read for the absolute end, for renewal
//! and for the grace of what was rotated: whoever reads a session compares its end, by its maker's clock, with his own. A
//! clock that is wrong by a minute ends it a minute early or late. Where clocks differ by more than the grace, a refresh token
//! whose answer was lost counts as a replay.
//!
//! What reads from a replica, as a global Upstash database does far from its primary, is as far behind as the replica.
//!
//! When a session expires nobody is told: the REST API has no events for it.
//!
//! # Limits
//!
//! - A session that is being made when `revoke_all` returns may begin after it: store the new password first.
//! - Who has a token that was replaced can still end its session, or keep its idle time from passing.
//! - A session that is past its absolute end keeps its place of the cap until it is looked up or its idle time has passed.
//! - Without HGETEX what expired stays in a user's hash, unseen, until somebody lists or the hash itself expires.
//! - With another key all sessions end.
//! - Of a user agent 512 bytes are kept, of an address 128, up to the end of a character. A user's id may have 1,024 bytes; a longer one
//!   is an error with [`is_argument`](crate::Error::is_argument). The data of a session are as long as a request may be.
//! - Where the server evicts keys, the sessions of the user whose key is gone end. Nobody gets in by that, and a login is valid at once. A
//!   token of the [plain format](Plain) whose session is gone is refused, for [`grace`](Sessions::grace) at most; then it is unknown.
//!
//! # What OWASP asks for
//!
//! The requirements of the ASVS 5.0 that a store of sessions can meet, and the test in `tests/sessions` that shows each.
//! The others are the application's.
//!
//! | requirement | how | test |
//! |---|---|---|
//! | 3.3.1, 3.3.3 cookies are `Secure` and `__Host-` | [`Cookie`] | `lines` in `src/session/cookie.rs` |
//! | 3.3.2, 3.3.4 `SameSite` is said, `HttpOnly` | `Strict`, or [`lax`](Cookie::lax) | the same |
//! | 3.3.5 cookies have at most 4,096 bytes | a token has 89 | the same |
//! | 3.5.1 requests cannot be forged | [`csrf_token`](Sessions::csrf_token), bound to the session | `rest::forged_requests_are_told` |
//! | 7.1.2 a limit of sessions | [`cap`](Sessions::cap), kept to in one step | `life::a_crowd_is_kept_to_the_cap`; over four processes `of_200_logins_five_stay` in `tests/processes` |
//! | 7.2.1 verified by the server | [`validate`](Sessions::validate) looks each token up | `life::an_unknown_token_is_no_session` |
//! | 7.2.3 128 random bits or more | 256, of the platform's secure source | `tokens_are_read_as_they_are_written` in `src/session/secret.rs` |
//! | 7.2.4 a new token at login, the old one ends | [`rotate`](Sessions::rotate) | `life::a_planted_token_is_worth_nothing_after_login` |
//! | 7.3.1 idle timeout | [`idle`](Sessions::idle), 30 minutes | `life::an_unused_session_ends` |
//! | 7.3.2 absolute timeout | [`absolute`](Sessions::absolute), 8 hours | `life::every_session_ends`, `life::five_seconds_are_five_seconds` |
//! | 7.4.1 logout ends it at the server | [`revoke`](Sessions::revoke) | `life::a_session_is_what_was_stored`, `life::logout_ends_what_was_rotated` |
//! | 7.4.2, 7.4.5 all of a user's can be ended | [`revoke_all`](Sessions::revoke_all) | `cost::ten_thousand_end_at_once`, `life::nobody_is_let_in_after_all_have_ended` |
//! | 7.4.3 all others, after a change of factor | [`revoke_others`](Sessions::revoke_others) | `life::others_end` |
//! | 7.5.2 users see their sessions and end any | [`list`](Sessions::list), [`revoke_device`](Sessions::revoke_device) | `life::a_session_is_what_was_stored` |
//! | 10.4.5 a refresh token is used once, a replay ends its family | [`refresh`](Sessions::refresh) | `refresh::a_token_is_used_once`, `refresh::a_restored_backup_is_no_theft` |
//! | 10.4.8 refresh tokens end, however much they are used | [`absolute`](Sessions::absolute) | `refresh::a_family_is_a_session` |
//!
//! Of the Session Management Cheat Sheet: renewal (`life::a_secret_is_replaced`), ids in logs that are no secrets
//! ([`Session::id`]), address and browser as a sign of theft (`life::what_is_odd_is_told`).
//!
//! Source: [ASVS 5.0](https://github.com/OWASP/ASVS/tree/v5.0.0),
//! [Session Management](https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html).
//!
//! # Cost
//!
//! Round trips, and commands as they are billed; in brackets where the server has no HGETEX and HSETEX.
//!
//! | call | round trips | billed |
//! |---|---|---|
//! | [`create`](Sessions::create) | 1 | 1 (4 to 5) |
//! | the same with a [`cap`](Sessions::cap) | 1 (2) | 3; 5 if one is ended for it (6 to 7; 9 to 10) |
//! | [`validate`](Sessions::validate) | 1 | 1 (2); of what has not the form of a token, none |
//! | the same with [`touch_every`](Sessions::touch_every) | 1; 2 once in a while | 2 that read; then 1 more |
//! | [`update`](Sessions::update) | 2 | 4 (5); again where others changed it meanwhile |
//! | [`rotate`](Sessions::rotate) | 2 | 4 (5) |
//! | the same, [to a user](Rotate::user) | 2 | 5 (8 to 9) |
//! | [`refresh`](Sessions::refresh) | 1 | 3 (6 to 7) |
//! | [`revoke`](Sessions::revoke), [`revoke_device`](Sessions::revoke_device) | 1 | 1 |
//! | [`revoke_all`](Sessions::revoke_all), however many | 1 | 1 |
//! | [`revoke_others`](Sessions::revoke_others) | 2 | 4; 3 if there are none; 8 of more than 1,000 (5) |
//! | [`list`](Sessions::list), for each 750 to 1,000 sessions | 1 (2) | 3 (2, and 1 for each) |
//! | [`list_page`](Sessions::list_page) | 1 (2) | 3 (2, and 1 for each) |
//! | [`count`](Sessions::count), for each 10,000 sessions | 1 (2) | 2 (2, and 1 for each) |
//! | [`csrf_token`](Sessions::csrf_token), [`is_csrf_token`](Sessions::is_csrf_token) | 0 | 0 |
//!
//! What a user with many sessions costs: billed commands, and the CPU time of the server (`cargo xtask compare sessions`,
//! Valkey 9.1.2 on 2 cores that were busy otherwise).
//!
//! | | 1 session | 1,000 sessions | 100,000 sessions |
//! |---|---|---|---|
//! | [`validate`](Sessions::validate) | 1; 0.05 ms | 1; 0.03 ms | 1; 0.04 ms |
//! | [`count`](Sessions::count) | 2; 0.12 ms | 2; 0.95 ms | 20; 160 ms in 10 requests |
//! | [`list_page`](Sessions::list_page) of 100 | 3; 0.12 ms | 3; 0.29 ms | 3; 0.94 ms |
//! | [`list`](Sessions::list) | 3; 0.10 ms | 3; 2.7 ms | 385; 336 ms |
//! | [`revoke_others`](Sessions::revoke_others) | 3; 0.27 ms | 4; 1.5 ms | 8; 9.9 ms |
//! | [`revoke_all`](Sessions::revoke_all) | 1; 0.14 ms | 1; 0.53 ms | 1; 3.7 ms |
//! | memory | 512 B | 329 KB | 31 MB |

mod cookie;
mod create;
mod found;
mod plain;
mod record;
mod refresh;
mod revoke;
mod rotate;
mod secret;
mod settings;
mod store;
#[cfg(all(feature = "tower-sessions", not(target_arch = "wasm32")))]
mod tower;
mod update;
mod validate;

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::Serialize;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::plain::any_record;
#[cfg(all(feature = "tower-sessions", not(target_arch = "wasm32")))]
pub use self::tower::TowerStore;
pub(crate) use self::update::change_by;
pub use self::{
    cookie::Cookie,
    create::Create,
    found::{Anomaly, Device, DevicePage, Issued, Session, Verdict},
    plain::{Plain, PlainSession},
    refresh::{Refresh, Refreshed},
    rotate::Rotate,
    secret::Token,
    validate::Validate,
};
use self::{settings::Settings, store::Store};
use crate::Redis;

/// The sessions of a database, with data of the type `T` in each; `()` for none. Cheap to clone.
///
/// Its settings are methods that give it back: `Sessions::new(&redis, key).idle(MINUTES_30).absolute(DAYS_7)`. Making one
/// does no I/O, so it can be a global of a Worker. See the [module](self) for what it keeps, costs, and how it is used.
pub struct Sessions<T> {
    store: Store,
    plain: Option<plain::Migration>,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            plain: self.plain.clone(),
            marker: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("settings", &self.store.settings)
            .finish_non_exhaustive()
    }
}

/// Settings.
impl<T> Sessions<T> {
    /// Sessions under `sess:`, which end after 30 minutes without use and after 8 hours in any case.
    ///
    /// The key is 32 random bytes or more, the same in all processes; with a shorter one every call fails with
    /// [`is_config`](crate::Error::is_config). With another key the sessions that were made before are not valid any more.
    pub fn new(redis: &Redis, key: impl AsRef<[u8]>) -> Self {
        Self {
            store: Store::new(redis, key.as_ref()),
            plain: None,
            marker: PhantomData,
        }
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.store.settings));
        self
    }

    /// What stands before each key: `sess` by default.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|settings| settings.namespace = namespace.into())
    }

    /// After how long without use a session ends: 30 minutes by default, `None` does not end it.
    pub fn idle(self, idle: impl Into<Option<Duration>>) -> Self {
        let idle = idle.into();
        self.with(|settings| settings.idle = idle)
    }

    /// How much of the idle time may pass before a look-up begins it anew: nothing by default, and at most half of it.
    ///
    /// By default each look-up is one command that writes. Where writes cost more than reads, as in a database with replicas
    /// in several regions, each of which is billed for a write, this makes most look-ups a request of two commands that read:
    /// HGET and HPTTL. One in a while takes a second request, which writes. A session then ends up to this time earlier, counted
    /// from its last use.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Sessions, std::time::Duration};
    /// let sessions = Sessions::<()>::new(&redis, [7; 32])
    ///     .idle(Duration::from_secs(30 * 60))
    ///     .touch_every(Duration::from_secs(3 * 60));
    /// # let issued = sessions.create("ada", &()).await?;
    /// assert!(sessions.validate(issued.token().as_str()).await?.is_some());
    /// # Ok(()) });
    /// ```
    pub fn touch_every(self, time: Duration) -> Self {
        self.with(|settings| settings.touch = time)
    }

    /// How long a session lives at most, however much it is used: 8 hours by default.
    pub fn absolute(self, absolute: Duration) -> Self {
        self.with(|settings| settings.absolute = absolute)
    }

    /// After how long a session needs another secret, which [`Session::is_renewal_due`] says: never by default.
    pub fn renewal(self, renewal: impl Into<Option<Duration>>) -> Self {
        let renewal = renewal.into();
        self.with(|settings| settings.renewal = renewal)
    }

    /// For how long a refresh token that was used gives its successor again, for callers whose answer was lost, and a
    /// token of the [plain format](Plain) that was moved is still known: 10 s by default.
    pub fn grace(self, grace: Duration) -> Self {
        self.with(|settings| settings.grace = grace)
    }

    /// How many sessions a user may have: any number by default. Where one more begins, the one that was not used for the
    /// longest time ends, in the same step.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]).cap(1);
    /// let phone = sessions.create("ada", &()).await?;
    /// let desk = sessions.create("ada", &()).await?;
    /// assert!(sessions.validate(phone.token().as_str()).await?.is_none());
    /// assert!(sessions.validate(desk.token().as_str()).await?.is_some());
    /// # Ok(()) });
    /// ```
    pub fn cap(self, sessions: usize) -> Self {
        self.with(|settings| settings.cap = sessions)
    }

    /// Sets what happens to a session that is used from another user agent or address than it began with. Default: it is
    /// accepted.
    ///
    /// A hook that panics ends the session, as [`Verdict::Revoke`] does.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::{Sessions, session::Verdict};
    ///
    /// let sessions = Sessions::new(&redis, [7; 32]).on_anomaly(|odd| {
    ///     eprintln!("session {}: another browser: {}, address: {}", odd.session, odd.user_agent, odd.ip);
    ///     if odd.user_agent && odd.ip { Verdict::Revoke } else { Verdict::Accept }
    /// });
    /// let issued = sessions.create("ada", &()).user_agent("Firefox").ip("192.0.2.1").await?;
    /// let token = issued.token().as_str();
    /// let session = sessions.validate(token).user_agent("Firefox").ip("192.0.2.2").await?;
    /// assert!(session.is_some_and(|session| session.anomaly().is_some_and(|odd| odd.ip)));
    /// assert!(sessions.validate(token).user_agent("curl").ip("192.0.2.2").await?.is_none());
    /// # Ok(()) });
    /// ```
    pub fn on_anomaly(self, hook: impl Fn(&Anomaly) -> Verdict + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.hook = Some(Arc::new(hook)))
    }

    /// Another clock, which gives Unix milliseconds: for tests.
    pub fn clock(self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }
}

impl<T: Serialize> Sessions<T> {
    /// A new session of a user, to be awaited; what is known of the device is added before.
    ///
    /// Make one at each login, also where there is a session already: see [`rotate`](Self::rotate).
    ///
    /// It is not repeated when its answer is lost: [`is_ambiguous`](crate::Error::is_ambiguous). Then nobody has the
    /// token, and to call again is right.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// let issued = sessions.create("ada", &["admin"]).user_agent("Firefox").ip("192.0.2.1").await?;
    /// assert_eq!(issued.token().as_str().len(), 89);
    /// # Ok(()) });
    /// ```
    pub fn create(&self, user: impl fmt::Display, data: &T) -> Create<'_> {
        self.creation(Some(user.to_string()), data)
    }

    /// A session of nobody: what somebody has chosen before he logs in. It is in no list.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// let cart = sessions.create_anonymous(&3).await?;
    /// // At login the session goes on under another secret.
    /// let issued = sessions.rotate(cart.token().as_str()).user("ada").await?.ok_or("expired")?;
    /// assert!(sessions.validate(cart.token().as_str()).await?.is_none());
    /// let session = sessions.validate(issued.token().as_str()).await?.ok_or("none")?;
    /// assert_eq!((session.user(), session.data()), (Some("ada"), &3));
    /// # Ok(()) });
    /// ```
    pub fn create_anonymous(&self, data: &T) -> Create<'_> {
        self.creation(None, data)
    }

    fn creation(&self, user: Option<String>, data: &T) -> Create<'_> {
        Create {
            store: &self.store,
            user,
            data: record::encode(data),
            user_agent: None,
            ip: None,
            family: false,
        }
    }
}

impl<T> Sessions<T> {
    /// The session of a token, if it is valid, which begins its idle time anew; to be awaited.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// let issued = sessions.create("ada", &()).await?;
    /// assert!(sessions.validate(issued.token().as_str()).await?.is_some());
    /// assert!(sessions.validate("something else").await?.is_none()); // no request
    /// # Ok(()) });
    /// ```
    pub fn validate<'a>(&'a self, token: &'a str) -> Validate<'a, T> {
        Validate {
            sessions: self,
            token,
            user_agent: None,
            ip: None,
        }
    }

    /// A token that a form or script sends back with what it changes, so that a page of somebody else cannot: it belongs
    /// to the session of `token`, whichever secret that has by now, and ends with it.
    ///
    /// `None` if `token` has not the form of one. Whether it is valid is not asked.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Sessions;
    /// let sessions = Sessions::new(&redis, [7; 32]);
    /// let issued = sessions.create("ada", &()).await?;
    /// let token = issued.token().as_str();
    /// let csrf = sessions.csrf_token(token)?.ok_or("no token")?;
    /// assert!(sessions.is_csrf_token(token, &csrf)?);
    /// assert!(!sessions.is_csrf_token(token, "forged")?);
    /// # Ok(()) });
    /// ```
    pub fn csrf_token(&self, token: &str) -> Result<Option<String>, crate::Error> {
        let key = self.store.settings.key()?;
        let known = secret::Known::of_token(token);
        known.map(|known| key.csrf(&known.place.field)).transpose()
    }

    /// Whether `csrf` is one of [`csrf_token`](Self::csrf_token)'s for the session of `token`.
    pub fn is_csrf_token(&self, token: &str, csrf: &str) -> Result<bool, crate::Error> {
        let key = self.store.settings.key()?;
        let known = secret::Known::of_token(token);
        Ok(known.is_some_and(|known| key.is_csrf(&known.place.field, csrf)))
    }
}
