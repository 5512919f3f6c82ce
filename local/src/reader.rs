//! The user of the server who may only read: what a read-only token may do is decided by the server, inside scripts too.

use std::time::Duration;

use crate::{
    backend::{Backend, Replies, Unavailable},
    error::Error,
    names, secret,
};

/// How its name begins.
const NAME: &str = "restis-local-reader-";

/// A connection as that user.
pub(crate) struct Reader {
    pub(crate) backend: Backend,
    name: String,
    /// The words of the command that creates it.
    create: Vec<String>,
}

impl Reader {
    /// Creates the user and logs in as it, if the server has users and lets us.
    pub(crate) async fn create(
        backend: &Backend,
        patience: Duration,
    ) -> Result<Option<Self>, Error> {
        let name = format!("{NAME}{}", secret::random()?);
        let password = secret::random()?;
        let powerful = names::POWERFUL
            .split_whitespace()
            .map(|name| format!("-{name}"));
        let login = format!(">{password}");
        let rules = ["on", &*login, "~*", "&*", "+@all", "-@write", "-@admin"];
        let create: Vec<String> = ["ACL", "SETUSER", &*name]
            .into_iter()
            .chain(rules)
            .map(str::to_owned)
            .chain(powerful)
            .collect();
        if !is_done(backend, &create).await {
            return Ok(None);
        }
        let Ok(reads) = backend.log_in(&name, &password, patience).await else {
            remove(backend, &name).await;
            return Ok(None);
        };
        Ok(Some(Self {
            backend: reads,
            name,
            create,
        }))
    }

    /// Sends what [`Backend::call`] sends. A server that was restarted has forgotten the user, who is created again.
    pub(crate) async fn call(
        &self,
        main: &Backend,
        payload: Vec<u8>,
        replies: usize,
    ) -> Result<Replies, Unavailable> {
        let answer = self.backend.call(payload.clone(), replies).await;
        match answer {
            Err(Unavailable::NotSent) if is_done(main, &self.create).await => {
                self.backend.call(payload, replies).await
            }
            answer => answer,
        }
    }

    /// Removes the user from a server that others use too.
    pub(crate) async fn forget(&self, main: &Backend) {
        remove(main, &self.name).await;
    }
}

/// Runs a command; whether the server answered OK.
async fn is_done(backend: &Backend, command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let answer = backend.ask(&words).await;
    answer.is_ok_and(|replies| replies.first().starts_with(b"+OK"))
}

async fn remove(backend: &Backend, name: &str) {
    let command = ["ACL", "DELUSER", name];
    let removed = backend.ask(&command);
    // A server that does not answer is left as it is.
    let _ = tokio::time::timeout(Duration::from_secs(2), removed).await;
}
