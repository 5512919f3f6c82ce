//! What a caller gets: a session that is valid, one in a list, and what is odd about its user.

use std::fmt;

use super::{record::Head, secret::Token};

/// A session whose token was valid.
///
/// `Debug` shows neither the user nor anything else of it.
pub struct Session<T> {
    pub(super) id: String,
    pub(super) head: Head,
    pub(super) data: T,
    pub(super) renewal_due: bool,
    pub(super) anomaly: Option<Anomaly>,
    pub(super) replaced_by: Option<Token>,
}

impl<T> Session<T> {
    /// Its name in lists, logs and [`revoke_device`](super::Sessions::revoke_device): a hash, by which nobody gets in.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who is logged in; `None` for a session of nobody.
    pub fn user(&self) -> Option<&str> {
        self.head.user.as_deref()
    }

    /// What was stored with it.
    pub fn data(&self) -> &T {
        &self.data
    }

    /// What was stored with it, taken out.
    pub fn into_data(self) -> T {
        self.data
    }

    /// When it began, in Unix milliseconds by the clock of whoever made it.
    pub fn created_at(&self) -> u64 {
        self.head.created
    }

    /// When it ends however much it is used, in Unix milliseconds by the same clock.
    pub fn ends_at(&self) -> u64 {
        self.head.end
    }

    /// Of the browser or device, as it was when the session began: its first 512 bytes.
    pub fn user_agent(&self) -> Option<&str> {
        self.head.user_agent.as_deref()
    }

    /// The address it began at.
    pub fn ip(&self) -> Option<&str> {
        self.head.ip.as_deref()
    }

    /// Its secret is older than the [`renewal`](super::Sessions::renewal) time: call
    /// [`rotate`](super::Sessions::rotate) and hand out the new token.
    pub fn is_renewal_due(&self) -> bool {
        self.renewal_due
    }

    /// What is other than when the session began, where [`Validate`](super::Validate) was told of the request.
    pub fn anomaly(&self) -> Option<&Anomaly> {
        self.anomaly.as_ref()
    }

    /// The token to hand out in place of the one that was read, which was of the [plain format](super::Plain).
    pub fn replaced_by(&self) -> Option<&Token> {
        self.replaced_by.as_ref()
    }
}

impl<T> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("created_at", &self.head.created)
            .field("ends_at", &self.head.end)
            .field("renewal_due", &self.renewal_due)
            .finish_non_exhaustive()
    }
}

/// A session that was made, or got another secret: its token is for its holder.
#[derive(Clone)]
pub struct Issued {
    pub(super) id: String,
    pub(super) token: Token,
}

impl Issued {
    /// What its holder keeps.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// As [`Session::id`].
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

/// One session in the list of a user's.
#[derive(Clone)]
pub struct Device {
    pub(super) id: String,
    pub(super) head: Head,
    pub(super) last_seen: u64,
}

impl Device {
    /// As [`Session::id`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the session began, in Unix milliseconds.
    pub fn created_at(&self) -> u64 {
        self.head.created
    }

    /// When it was last used, in Unix milliseconds: by how long the server still keeps it. Without an idle time that is
    /// not known, and it is when it got its secret.
    pub fn last_seen(&self) -> u64 {
        self.last_seen
    }

    /// When it ends however much it is used, in Unix milliseconds.
    pub fn ends_at(&self) -> u64 {
        self.head.end
    }

    /// As it was when the session began.
    pub fn user_agent(&self) -> Option<&str> {
        self.head.user_agent.as_deref()
    }

    /// The address it began at.
    pub fn ip(&self) -> Option<&str> {
        self.head.ip.as_deref()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("created_at", &self.head.created)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

/// A page of a user's sessions, from [`list_page`](super::Sessions::list_page).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DevicePage {
    /// The sessions, the one that was used last first.
    pub devices: Vec<Device>,
    /// Where the next page begins; `None` after the last one.
    pub cursor: Option<String>,
}

/// What is other about a request than when its session began. Users travel and browsers are updated: it is a sign, and
/// no proof.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anomaly {
    /// As [`Session::id`].
    pub session: String,
    /// The user agent is another one.
    pub user_agent: bool,
    /// The address is another one.
    pub ip: bool,
}

impl fmt::Debug for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anomaly")
            .field("user_agent", &self.user_agent)
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}

/// What becomes of a request that is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The session is valid, and says what is odd.
    Accept,
    /// The session ends, and the request has none.
    Revoke,
}
