//! Which database: the one of the command line, else the one of the environment.

use restis::{Builder, Redis};

use crate::error::{Error, Result};

const PAIRS: [(&str, &str); 2] = [
    ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
    ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
];

/// A URL and its token, of which the client says what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    url: Option<String>,
    token: Option<String>,
}

impl Target {
    pub(crate) fn of(url: Option<String>, token: Option<String>) -> Result<Self> {
        Self::from(url, token, |name| std::env::var(name).ok())
    }

    fn from(
        url: Option<String>,
        token: Option<String>,
        var: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let pairs = PAIRS.map(|(url, token)| (var(url), var(token)));
        // A token goes to no other URL than its own.
        let token = match (&url, token) {
            (Some(url), None) => {
                let own = pairs
                    .iter()
                    .find(|(its, token)| its.as_ref() == Some(url) && token.is_some());
                let alone = pairs
                    .iter()
                    .find(|(its, token)| its.is_none() && token.is_some());
                let (_, token) = own.or(alone).ok_or_else(|| {
                    Error::usage(
                        "--url needs the token of its database: set UPSTASH_REDIS_REST_TOKEN and unset \
                         UPSTASH_REDIS_REST_URL, or give --token",
                    )
                })?;
                token.clone()
            }
            (_, token) => token,
        };
        if url.is_some() {
            return Ok(Self { url, token });
        }
        let whole = |pair: &&(Option<String>, Option<String>)| {
            pair.0.is_some() && (token.is_some() || pair.1.is_some())
        };
        let (url, own) = pairs.iter().find(whole).cloned().unwrap_or_default();
        Ok(Self {
            url,
            token: token.or(own),
        })
    }

    pub(crate) fn client(&self, settings: impl FnOnce(Builder) -> Builder) -> Result<Redis> {
        let builder = match (&self.url, &self.token) {
            (Some(url), Some(token)) => Redis::builder().url(url).token(token),
            // It says which variables it looked for.
            _ => Builder::from_env(),
        };
        Ok(settings(builder).build()?)
    }

    /// The host, for the prompt.
    pub(crate) fn host(&self) -> &str {
        let url = self.url.as_deref().unwrap_or_default();
        let (_, rest) = url.split_once("://").unwrap_or(("", url));
        let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
        let (_, host) = host.rsplit_once('@').unwrap_or(("", host));
        host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, token: &str, vars: &[(&str, &str)]) -> Result<(String, String)> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let var = |wanted: &str| {
            let (_, value) = vars.iter().find(|(name, _)| *name == wanted)?;
            Some((*value).to_owned())
        };
        let target = Target::from(some(url), some(token), var)?;
        Ok((
            target.url.unwrap_or_default(),
            target.token.unwrap_or_default(),
        ))
    }

    fn both(url: &str, token: &str) -> (String, String) {
        (url.to_owned(), token.to_owned())
    }

    const UPSTASH: [(&str, &str); 2] = [
        ("UPSTASH_REDIS_REST_URL", "https://a"),
        ("UPSTASH_REDIS_REST_TOKEN", "of-a"),
    ];

    #[test]
    fn the_environment() {
        assert_eq!(target("", "", &UPSTASH).unwrap(), both("https://a", "of-a"));
        let kv = [
            ("KV_REST_API_URL", "https://k"),
            ("KV_REST_API_TOKEN", "of-k"),
        ];
        assert_eq!(target("", "", &kv).unwrap(), both("https://k", "of-k"));
        // Half a pair is none.
        let mixed = [("UPSTASH_REDIS_REST_URL", "https://a"), kv[0], kv[1]];
        assert_eq!(target("", "", &mixed).unwrap(), both("https://k", "of-k"));
        assert_eq!(target("", "", &[]).unwrap(), both("", ""));
    }

    #[test]
    fn a_token_goes_to_its_own_url_only() {
        assert_eq!(
            target("https://a", "", &UPSTASH).unwrap(),
            both("https://a", "of-a")
        );
        assert_eq!(
            target("https://b", "", &UPSTASH[1..]).unwrap(),
            both("https://b", "of-a")
        );
        let refused = target("https://b", "", &UPSTASH).unwrap_err().to_string();
        assert!(refused.contains("--token"), "{refused}");
        assert!(!refused.contains("of-a"), "{refused}");
        assert_eq!(
            target("https://b", "of-b", &UPSTASH).unwrap(),
            both("https://b", "of-b")
        );
    }

    #[test]
    fn another_token() {
        assert_eq!(
            target("", "read-only", &UPSTASH).unwrap(),
            both("https://a", "read-only")
        );
    }

    #[test]
    fn the_host() {
        let target = |url: &str| Target {
            url: Some(url.to_owned()),
            token: None,
        };
        assert_eq!(target("https://eu1.upstash.io").host(), "eu1.upstash.io");
        assert_eq!(
            target("http://u:p@127.0.0.1:8079/x").host(),
            "127.0.0.1:8079"
        );
    }
}
