//! Which requests are let in at all: those of programs, and of pages that were allowed.
//!
//! A browser sends requests for any page that is open in it, to this machine as well, with the address
//! the page knows and without asking. It says so: `Origin` and `Sec-Fetch-Site` name where a request comes
//! from, and a page cannot change them. A page whose host name was pointed at this machine (DNS rebinding)
//! shows in `Host`.

use std::net::IpAddr;

use hyper::{
    Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    http::request::Parts,
};

use crate::{answer::Answer, error::Error, http::JSON, reply};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Whether anything of a request was run.
pub(crate) const RAN: HeaderName = HeaderName::from_static("restis-ran");

/// The rules of admission.
#[derive(Debug)]
pub(crate) struct Door {
    /// The host that was chosen to listen on.
    host: Box<str>,
    origins: Vec<String>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Origin,
    Host,
    NoHost,
}

impl Door {
    pub(crate) fn new(host: &str, origins: &[String]) -> Result<Self, Error> {
        let origins = origins.iter().map(|given| {
            let origin = given.strip_suffix('/').unwrap_or(given);
            let host = origin.split_once("://").map(|(_, host)| host);
            let is_origin = host.is_some_and(|host| {
                !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ',', ' '])
            });
            if origin == "*" || is_origin {
                return Ok(origin.to_ascii_lowercase());
            }
            Err(Error::new(
                "--allow-origin takes an origin, such as http://localhost:3000, or * for every page",
            ))
        });
        Ok(Self {
            host: bare(host).to_ascii_lowercase().into(),
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// Lets a request in, and gives the origin that may read the answer, if it came from one.
    pub(crate) fn admit(&self, head: &Parts) -> Result<Option<HeaderValue>, Refusal> {
        let mut hosts = head.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::NoHost);
        };
        let host = host.to_str().map_err(|_| Refusal::Host)?;
        let target = head.uri.authority().map(|authority| authority.as_str());
        if !self.is_here(host) || !target.is_none_or(|target| self.is_here(target)) {
            return Err(Refusal::Host);
        }
        let any = self.origins.iter().any(|allowed| allowed == "*");
        let mut origins = head.headers.get_all(header::ORIGIN).iter();
        let origin = origins.next();
        if origins.next().is_some() {
            return Err(Refusal::Origin);
        }
        if let Some(origin) = origin {
            let text = origin.to_str().map_err(|_| Refusal::Origin)?;
            let own = text
                .strip_prefix("http://")
                .is_some_and(|rest| rest.eq_ignore_ascii_case(host));
            let allowed = any
                || self
                    .origins
                    .iter()
                    .any(|allowed| allowed.eq_ignore_ascii_case(text));
            if allowed {
                return Ok(Some(origin.clone()));
            }
            if !own {
                return Err(Refusal::Origin);
            }
        }
        let mut sites = head.headers.get_all(SEC_FETCH_SITE).iter();
        if any || sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none")) {
            return Ok(origin.cloned());
        }
        Err(Refusal::Origin)
    }

    /// Whether a `Host` names this machine itself, or what was chosen to listen on.
    fn is_here(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        let name = name.to_ascii_lowercase();
        if is_loopback(&name) || *name == *self.host {
            return true;
        }
        // Addresses are not names, so no name server can point them here.
        let everywhere = self.host.parse::<IpAddr>();
        everywhere.is_ok_and(|host| host.is_unspecified()) && name.parse::<IpAddr>().is_ok()
    }
}

/// An address without the brackets of IPv6.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// The name in a `Host`, if what follows it is a port.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = port.is_empty() || port.starts_with(':');
    (is_port && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// Whether a host, in small letters and without a port, is this machine for itself alone.
pub(crate) fn is_loopback(name: &str) -> bool {
    let name = bare(name);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Compares without telling by its time where two tokens differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one
        .iter()
        .zip(other)
        .fold(0, |seen, (one, other)| seen | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

/// The answer to a request that is not let in.
pub(crate) fn refuse(why: Refusal) -> Response<Answer> {
    let (status, text) = match why {
        Refusal::Origin => (
            StatusCode::FORBIDDEN,
            "ERR this request comes from a page of another origin; start restis-local with --allow-origin and that origin to let it in",
        ),
        Refusal::Host => (
            StatusCode::FORBIDDEN,
            "ERR the Host of this request is not this machine; use localhost or 127.0.0.1, or start restis-local with --host",
        ),
        Refusal::NoHost => (StatusCode::BAD_REQUEST, "ERR a request has one Host header"),
    };
    let mut out = Vec::new();
    reply::error(&mut out, text);
    let mut response = Response::new(Answer::Full(Some(out.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(RAN, HeaderValue::from_static("no"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    // Its body is not read.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Lets the page of `origin` read an answer.
pub(crate) fn share(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        let allowed = headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        allowed.or_insert(origin);
        let exposed = headers.entry(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        exposed.or_insert(HeaderValue::from_static("upstash-sync-token, restis-ran"));
    }
}
