//! Access control: ACL SETUSER and its kind, and the tokens of Upstash.

use std::{fmt, time::Duration};

use super::fields::Fields;
use crate::{Command, Error, FromReply, Redis, Reply, ReplyKind, ToArg, ToArgs};

/// The options of ACL CAT.
#[derive(Debug)]
pub struct AclCat(());

impl<T> Command<'_, T, AclCat> {
    /// The commands of this category in place of the categories.
    pub fn category(self, category: impl ToArg) -> Self {
        self.with(category)
    }
}

/// The options of ACL GENPASS.
#[derive(Debug)]
pub struct AclGenPass(());

impl<T> Command<'_, T, AclGenPass> {
    /// So many bits, 4 to a digit; without this, 256.
    pub fn bits(self, bits: u64) -> Self {
        self.with(bits)
    }
}

/// The options of ACL GENTOKEN.
#[derive(Debug)]
pub struct AclGenToken(());

impl<T> Command<'_, T, AclGenToken> {
    /// Wraps this password in place of one that the server makes. A weak one is an error.
    pub fn password(self, password: impl ToArg) -> Self {
        self.with(password)
    }
}

/// The options of ACL LOG.
#[derive(Debug)]
pub struct AclLog(());

impl<T> Command<'_, T, AclLog> {
    /// At most this many entries; without this, 10.
    pub fn count(self, count: u64) -> Self {
        self.with(count)
    }
}

/// What a user may do: see [`Redis::acl_getuser`]. What the server does not tell is empty.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AclUser {
    /// `on` or `off`, `nopass` and others.
    pub flags: Vec<String>,
    /// The SHA-256 of each password. `Debug` does not show them.
    pub passwords: Vec<String>,
    /// The commands, as rules in their order: `-@all +get`.
    pub commands: String,
    /// The patterns of keys: `~user:*`, `%R~other:*`.
    pub keys: Vec<String>,
    /// The patterns of channels: `&news:*`.
    pub channels: Vec<String>,
    /// More that the user may do, each on its own.
    pub selectors: Vec<AclSelector>,
}

impl fmt::Debug for AclUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AclUser")
            .field("flags", &self.flags)
            .field("commands", &self.commands)
            .field("keys", &self.keys)
            .field("channels", &self.channels)
            .field("selectors", &self.selectors)
            .finish_non_exhaustive()
    }
}

/// Commands with the keys and channels on which they may be used: see [`AclUser::selectors`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AclSelector {
    /// The commands, as rules in their order.
    pub commands: String,
    /// The patterns of keys.
    pub keys: Vec<String>,
    /// The patterns of channels.
    pub channels: Vec<String>,
}

/// Something that a user was not allowed: see [`Redis::acl_log`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AclLogEntry {
    /// How often it happened within 60 seconds.
    pub count: Option<u64>,
    /// What was not allowed: `command`, `key`, `channel`, `auth`.
    pub reason: Option<String>,
    /// Where: `toplevel`, `multi`, `lua`.
    pub context: Option<String>,
    /// The command, key or channel.
    pub object: Option<String>,
    /// The user.
    pub username: Option<String>,
    /// How long ago it happened.
    pub age: Option<Duration>,
    /// The connection, as CLIENT LIST shows it.
    pub client_info: Option<String>,
    /// A number that no other entry has until the server starts anew.
    pub entry_id: Option<u64>,
    /// When it happened first, a Unix time in milliseconds.
    pub timestamp_created: Option<u64>,
    /// When it happened last, a Unix time in milliseconds.
    pub timestamp_last_updated: Option<u64>,
}

/// Rules in one text, as servers since Redis 7 answer, or one by one.
fn rules(reply: Reply<'_>) -> Result<Vec<String>, Error> {
    if reply.kind() == ReplyKind::Array {
        return reply.read();
    }
    Ok(reply
        .text()?
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

impl FromReply for AclUser {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut user = Self::default();
        for field in Fields(reply).pairs()? {
            let (name, value) = field?;
            match &*name {
                "flags" => user.flags = value.read()?,
                "passwords" => user.passwords = value.read()?,
                "commands" => user.commands = value.read()?,
                "keys" => user.keys = rules(value)?,
                "channels" => user.channels = rules(value)?,
                "selectors" => user.selectors = value.read()?,
                _ => {}
            }
        }
        Ok(user)
    }
}

impl FromReply for AclSelector {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut selector = Self::default();
        for field in Fields(reply).pairs()? {
            let (name, value) = field?;
            match &*name {
                "commands" => selector.commands = value.read()?,
                "keys" => selector.keys = rules(value)?,
                "channels" => selector.channels = rules(value)?,
                _ => {}
            }
        }
        Ok(selector)
    }
}

impl FromReply for AclLogEntry {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut entry = Self::default();
        for field in Fields(reply).pairs()? {
            let (name, value) = field?;
            match &*name {
                "count" => entry.count = value.read()?,
                "reason" => entry.reason = value.read()?,
                "context" => entry.context = value.read()?,
                "object" => entry.object = value.read()?,
                "username" => entry.username = value.read()?,
                "age-seconds" => {
                    let seconds: f64 = value.read()?;
                    entry.age = Duration::try_from_secs_f64(seconds).ok();
                }
                "client-info" => entry.client_info = value.read()?,
                "entry-id" => entry.entry_id = value.read()?,
                "timestamp-created" => entry.timestamp_created = value.read()?,
                "timestamp-last-updated" => entry.timestamp_last_updated = value.read()?,
                _ => {}
            }
        }
        Ok(entry)
    }
}

impl Redis {
    /// The categories of commands, or with [`category`](Command::category) the commands of one.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.acl_cat().await?.contains(&"read".into()));
    /// assert!(redis.acl_cat().category("hash").await?.contains(&"hget".into()));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL CAT](https://redis.io/docs/latest/commands/acl-cat/).
    pub fn acl_cat(&self) -> Command<'_, Vec<String>, AclCat> {
        Command::new(self, "ACL").with("CAT")
    }

    /// Deletes users; gives how many there were. The user `default` cannot be deleted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.acl_deluser(["ada", "grace"]).await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL DELUSER](https://redis.io/docs/latest/commands/acl-deluser/).
    pub fn acl_deluser(&self, users: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ACL").with("DELUSER").with_all(users)
    }

    /// A password at random, in hexadecimal digits. No user gets it by this; on Upstash see
    /// [`acl_gentoken`](Self::acl_gentoken).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.acl_genpass().await?.len(), 64);
    /// assert_eq!(redis.acl_genpass().bits(32).await?.len(), 8);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL GENPASS](https://redis.io/docs/latest/commands/acl-genpass/).
    pub fn acl_genpass(&self) -> Command<'_, String, AclGenPass> {
        Command::new(self, "ACL").with("GENPASS")
    }

    /// A token for a user, who need not exist yet: [`acl_setuser`](Self::acl_setuser) takes it as
    /// `>token`, and a client as its token. Nothing is changed by this alone.
    ///
    /// Only Upstash has it, and takes no passwords but these.
    ///
    /// ```
    /// # restis_testing::recorded(&[
    /// #     (r#"["ACL","GENTOKEN","ada"]"#, r#""AX8kASQg""#),
    /// #     (r#"["ACL","SETUSER","ada","on",">AX8kASQg","+get","~*"]"#, r#""OK""#),
    /// # ], async |redis| {
    /// let token = redis.acl_gentoken("ada").await?;
    /// redis.acl_setuser("ada", ["on", &format!(">{token}"), "+get", "~*"]).await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL GENTOKEN](https://upstash.com/docs/redis/commands/server/acl-gentoken).
    pub fn acl_gentoken(&self, user: impl ToArg) -> Command<'_, String, AclGenToken> {
        Command::new(self, "ACL").with("GENTOKEN").with(user)
    }

    /// What a user may do; `None` if there is none of this name.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let user = redis.acl_getuser("default").await?;
    /// assert_eq!(user.map(|user| user.commands).as_deref(), Some("+@all"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL GETUSER](https://redis.io/docs/latest/commands/acl-getuser/).
    pub fn acl_getuser(&self, user: impl ToArg) -> Command<'_, Option<AclUser>> {
        Command::new(self, "ACL").with("GETUSER").with(user)
    }

    /// The rules of all users, as lines of an ACL file. The hashes of their passwords are in them.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.acl_list().await?[0].starts_with("user default on"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL LIST](https://redis.io/docs/latest/commands/acl-list/).
    pub fn acl_list(&self) -> Command<'_, Vec<String>> {
        Command::new(self, "ACL").with("LIST")
    }

    /// What users were not allowed of late, the latest first.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// for entry in redis.acl_log().count(5).await? {
    ///     println!("{:?} of {:?}, {:?} ago", entry.reason, entry.username, entry.age);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL LOG](https://redis.io/docs/latest/commands/acl-log/).
    pub fn acl_log(&self) -> Command<'_, Vec<AclLogEntry>, AclLog> {
        Command::new(self, "ACL").with("LOG")
    }

    /// Empties the log of [`acl_log`](Self::acl_log) (ACL LOG RESET).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.acl_log_reset().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL LOG](https://redis.io/docs/latest/commands/acl-log/).
    pub fn acl_log_reset(&self) -> Command<'_, ()> {
        Command::new(self, "ACL").with("LOG").with("RESET")
    }

    /// The token with which a client of this protocol is that user, by the user's password. A wrong
    /// one is an error with code `ERR`.
    ///
    /// Only Upstash has it.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["ACL","RESTTOKEN","ada","AX8kASQg"]"#, r#""AYNgAS2553feg6a2""#)], async |redis| {
    /// let token = redis.acl_resttoken("ada", "AX8kASQg").await?;
    /// let as_ada = restis::Redis::new("https://example.upstash.io", token)?;
    /// # drop(as_ada);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL RESTTOKEN](https://upstash.com/docs/redis/commands/server/acl-resttoken).
    pub fn acl_resttoken(&self, user: impl ToArg, password: impl ToArg) -> Command<'_, String> {
        Command::new(self, "ACL")
            .with("RESTTOKEN")
            .with(user)
            .with(password)
    }

    /// Makes a user, or changes one, by rules in their order. A rule that is none is an error with code `ERR`.
    ///
    /// Upstash takes passwords of [`acl_gentoken`](Self::acl_gentoken) only, no `nopass`, and leaves the user
    /// `default` as it is.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.acl_setuser("ada", ["on", "nopass", "+get", "~user:*"]).await?;
    /// let ada = redis.acl_getuser("ada").await?.unwrap_or_default();
    /// assert_eq!(ada.keys, ["~user:*"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL SETUSER](https://redis.io/docs/latest/commands/acl-setuser/).
    pub fn acl_setuser(&self, user: impl ToArg, rules: impl ToArgs) -> Command<'_, ()> {
        Command::new(self, "ACL")
            .with("SETUSER")
            .with(user)
            .with_all(rules)
    }

    /// The names of all users.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.acl_users().await?, ["default"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL USERS](https://redis.io/docs/latest/commands/acl-users/).
    pub fn acl_users(&self) -> Command<'_, Vec<String>> {
        Command::new(self, "ACL").with("USERS")
    }

    /// The name of the user whose token this client has.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.acl_whoami().await?, "default");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ACL WHOAMI](https://redis.io/docs/latest/commands/acl-whoami/).
    pub fn acl_whoami(&self) -> Command<'_, String> {
        Command::new(self, "ACL").with("WHOAMI")
    }
}
