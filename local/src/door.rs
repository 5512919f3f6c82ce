//! Admission: which requests are let in, by their `Host`, their `Origin` and their token.
//!
//! Every page that a developer has open can send requests to this machine. A browser sends a form or a `fetch` in mode
//! `no-cors` without asking first, so CORS headers protect answers and not the data. Browsers state where a request comes
//! from in `Origin` and `Sec-Fetch-Site`, which no page can change: requests from other sites are refused by them. A name
//! that resolves to 127.0.0.1 (DNS rebinding) makes a foreign page look like our own; `Host` gives it away.

use std::net::IpAddr;

use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderName, HeaderValue},
    http::{request::Parts, uri::Authority},
};

use crate::{request, rules::Access};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The `Host`s that are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// This machine under its own names.
    Loopback,
    /// These, and the name or address that was asked for.
    And(String),
    /// Any: it listens on all addresses, whose names are not known.
    Any,
}

impl Hosts {
    /// What a host to listen on opens.
    pub(crate) fn of(host: &str) -> Self {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => Self::Any,
            _ if is_loopback(bare) => Self::Loopback,
            _ => Self::And(bare.to_ascii_lowercase()),
        }
    }

    fn serve(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match self {
            Self::Any => true,
            Self::Loopback => is_loopback(bare),
            Self::And(name) => is_loopback(bare) || bare.eq_ignore_ascii_case(name),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    // Browsers resolve all names below localhost to this machine without asking a name server (RFC 6761).
    name == "localhost"
        || name.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Who is let in.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) hosts: Hosts,
    /// Origins of other sites that may send requests; `*` is all.
    pub(crate) origins: Vec<String>,
    pub(crate) token: String,
    pub(crate) read_only_token: Option<String>,
    /// Whether `_token` in the query is a token.
    pub(crate) token_in_url: bool,
}

/// Why a request is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) &'static str);

const FOREIGN_HOST: Refused = Refused(
    StatusCode::FORBIDDEN,
    "ERR this Host is not served; use localhost or 127.0.0.1, or name the host with --host",
);
const FOREIGN_ORIGIN: Refused = Refused(
    StatusCode::FORBIDDEN,
    "ERR requests from pages of other sites are refused; start restis-local with --allow-origin and the page's origin to allow them",
);

impl Door {
    /// Whether the request may come in at all, and the origin that may read the answer.
    pub(crate) fn admit(&self, head: &Parts) -> Result<Option<HeaderValue>, Refused> {
        let authority = self.authority(head)?;
        let mut origins = head.headers.get_all(header::ORIGIN).iter();
        let origin = origins.next();
        if origins.next().is_some() {
            return Err(FOREIGN_ORIGIN);
        }
        if let Some(origin) = origin {
            let own = authority.as_ref().is_some_and(|authority| {
                let origin = origin.as_bytes().strip_prefix(b"http://");
                origin.is_some_and(|origin| origin.eq_ignore_ascii_case(authority.as_bytes()))
            });
            if self.allows(origin) {
                return Ok(Some(origin.clone()));
            }
            if !own {
                return Err(FOREIGN_ORIGIN);
            }
        }
        let mut sites = head.headers.get_all(SEC_FETCH_SITE).iter();
        let home = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
        if sites.all(home) || self.origins.iter().any(|allowed| allowed == "*") {
            return Ok(origin.cloned());
        }
        Err(FOREIGN_ORIGIN)
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|allowed| {
            allowed == "*" || origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes())
        })
    }

    /// The host and port that the request names, if they are served.
    fn authority(&self, head: &Parts) -> Result<Option<String>, Refused> {
        let mut named = head.headers.get_all(header::HOST).iter();
        let (host, more) = (named.next(), named.next());
        if more.is_some() || host.is_none() {
            return Err(Refused(
                StatusCode::BAD_REQUEST,
                "ERR the request needs one Host",
            ));
        }
        let host = host.map(|host| {
            let text = host.to_str().ok();
            text.and_then(|text| text.parse::<Authority>().ok())
        });
        // A target written as a whole URL is what counts, and both must be served.
        for authority in [
            host.as_ref(),
            head.uri.authority().cloned().map(Some).as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            let authority = authority.as_ref().ok_or(FOREIGN_HOST)?;
            if authority.as_str().contains('@') || !self.hosts.serve(authority.host()) {
                return Err(FOREIGN_HOST);
            }
        }
        let whole = head.uri.authority().cloned().or(host.flatten());
        Ok(whole.map(|authority| authority.as_str().to_owned()))
    }

    /// What the token of a request allows.
    pub(crate) fn access(&self, headers: &HeaderMap, query: Option<&str>) -> Option<Access> {
        let allowed = |token: &[u8]| {
            // Both are compared, whichever it is: the time tells nothing of either.
            let full = same(token, self.token.as_bytes());
            let reads = self.read_only_token.as_deref();
            let reads = reads.is_some_and(|reads| same(token, reads.as_bytes()));
            match (full, reads) {
                (true, _) => Some(Access::Full),
                (false, true) => Some(Access::ReadOnly),
                (false, false) => None,
            }
        };
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let (scheme, token) = value.as_bytes().split_first_chunk::<7>()?;
            return allowed(token).filter(|_| scheme.eq_ignore_ascii_case(b"Bearer "));
        }
        if !self.token_in_url {
            return None;
        }
        let (_, token) = request::query_pairs(query).find(|(name, _)| &**name == b"_token")?;
        allowed(&token?)
    }
}

/// Whether two tokens are the same, in a time that depends on their lengths alone.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one
        .iter()
        .zip(other)
        .fold(0, |found, (one, other)| found | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

/// Lets a page of this origin read the answer.
pub(crate) fn share(headers: &mut HeaderMap, origin: Option<HeaderValue>, preflight: bool) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    headers
        .entry(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        .or_insert(origin);
    headers
        .entry(header::ACCESS_CONTROL_EXPOSE_HEADERS)
        .or_insert(HeaderValue::from_static("upstash-sync-token, restis-ran"));
    if preflight {
        headers.insert(PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use hyper::Request;

    use super::*;

    fn door(hosts: Hosts, origins: &[&str]) -> Door {
        Door {
            hosts,
            origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
            token: "full".to_owned(),
            read_only_token: Some("reads".to_owned()),
            token_in_url: false,
        }
    }

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn status(door: &Door, uri: &str, headers: &[(&str, &str)]) -> u16 {
        match door.admit(&head(uri, headers)) {
            Ok(_) => 200,
            Err(Refused(status, _)) => status.as_u16(),
        }
    }

    #[test]
    fn only_hosts_of_this_machine_are_served() {
        let door = door(Hosts::of("127.0.0.1"), &[]);
        for (host, expected) in [
            ("localhost", 200),
            ("LOCALHOST:8079", 200),
            ("127.0.0.1:8079", 200),
            ("127.9.9.9", 200),
            ("[::1]:8079", 200),
            ("attacker.example", 403),
            ("localhost.attacker.example", 403),
            ("127.0.0.1.attacker.example:8079", 403),
            ("localhost.", 403),
            ("10.0.0.7:8079", 403),
            ("[::2]", 403),
            ("2130706433", 403),
            ("a@localhost", 403),
            ("localhost, attacker.example", 403),
            ("", 403),
        ] {
            assert_eq!(status(&door, "/", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(&door, "/", &[("host", "redis.localhost:80")]), 200);
        assert_eq!(status(&door, "/", &[]), 400);
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(status(&door, "/", &twice), 400);
        let whole = "http://attacker.example/del/k";
        assert_eq!(status(&door, whole, &[("host", "localhost")]), 403);
        let whole = "http://localhost/del/k";
        assert_eq!(status(&door, whole, &[("host", "attacker.example")]), 403);
        assert_eq!(status(&door, whole, &[("host", "localhost")]), 200);
    }

    #[test]
    fn the_host_to_listen_on_opens_its_own_name() {
        let named = door(Hosts::of("Redis.Internal"), &[]);
        assert_eq!(status(&named, "/", &[("host", "redis.internal:80")]), 200);
        assert_eq!(status(&named, "/", &[("host", "localhost")]), 200);
        assert_eq!(status(&named, "/", &[("host", "other.internal")]), 403);
        for all in ["0.0.0.0", "::", "[::]"] {
            let all = door(Hosts::of(all), &[]);
            assert_eq!(status(&all, "/", &[("host", "any.example")]), 200);
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let closed = door(Hosts::Loopback, &[]);
        let host = ("host", "localhost:8079");
        for (name, value, expected) in [
            ("origin", "http://localhost:8079", 200),
            ("origin", "http://localhost:3000", 403),
            ("origin", "https://localhost:8079", 403),
            ("origin", "http://127.0.0.1:8079", 403),
            ("origin", "https://attacker.example", 403),
            ("origin", "null", 403),
            ("origin", "", 403),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "anything", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "none", 200),
        ] {
            let headers = [host, (name, value)];
            assert_eq!(status(&closed, "/", &headers), expected, "{name}: {value}");
        }
        let two = [
            host,
            ("origin", "http://localhost:8079"),
            ("origin", "null"),
        ];
        assert_eq!(status(&closed, "/", &two), 403);
        let open = door(Hosts::Loopback, &["https://app.example"]);
        for (value, expected) in [
            ("https://app.example", 200),
            ("https://app.example.attacker.example", 403),
            ("http://app.example", 403),
        ] {
            let headers = [host, ("origin", value), ("sec-fetch-site", "cross-site")];
            assert_eq!(status(&open, "/", &headers), expected, "{value}");
        }
        // A navigation carries no Origin, so that an allowed origin does not open it.
        let navigation = [host, ("sec-fetch-site", "cross-site")];
        assert_eq!(status(&open, "/del/k", &navigation), 403);
        let all = door(Hosts::Loopback, &["*"]);
        assert_eq!(status(&all, "/", &[host, ("origin", "null")]), 200);
        assert_eq!(status(&all, "/", &navigation), 200);
    }

    #[test]
    fn tokens_are_compared_whole() {
        let mut door = door(Hosts::Loopback, &[]);
        for (value, expected) in [
            ("Bearer full", Some(Access::Full)),
            ("bearer reads", Some(Access::ReadOnly)),
            ("Bearer ful", None),
            ("Bearer fulls", None),
            ("Bearer ", None),
            ("Basic full", None),
        ] {
            let head = head("/", &[("authorization", value)]);
            assert_eq!(door.access(&head.headers, None), expected, "{value}");
        }
        let none = HeaderMap::new();
        assert_eq!(door.access(&none, Some("_token=full")), None);
        door.token_in_url = true;
        assert_eq!(door.access(&none, Some("_token=full")), Some(Access::Full));
    }
}
