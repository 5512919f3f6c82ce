//! URL and token as people paste them: what is wrong is said with the name of the variable and the fix.

use crate::{error::Error, find};

/// A setting, and where it came from.
pub(crate) struct Setting {
    value: Option<String>,
    /// What a person calls it: the variable, or the parameter.
    name: &'static str,
    /// Where it can be set, for the message that it is missing.
    fix: String,
}

impl Setting {
    pub(crate) fn missing(name: &'static str, setter: &str) -> Self {
        Self {
            value: None,
            name,
            fix: format!("set it with {setter}"),
        }
    }

    pub(crate) fn given(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            name,
            fix: String::new(),
        }
    }

    /// The value, free of what a paste brings along.
    fn get(&self) -> Result<&str, Error> {
        let Self { value, name, fix } = self;
        let value = value.as_deref().filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Error::config(format!("{name} is missing: {fix}")))?;
        let wrong = |what: &str| Err(Error::config(format!("{name} {what}")));
        if value.trim_ascii() != value {
            return wrong("begins or ends with whitespace or a newline: trim it where you set it");
        }
        if value.bytes().any(|byte| byte.is_ascii_whitespace()) {
            return wrong("has whitespace in its middle: copy it again, in one piece");
        }
        if has(value, b"\"'") {
            return wrong("has quotes in it: leave them out; a .env file may need none");
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("has a character that is not plain ASCII: copy it again");
        }
        Ok(value)
    }
}

/// The URL and the token of the first pair of variables that is whole: those of two databases do not mix.
pub(crate) fn lookup(var: impl Fn(&str) -> Option<String>) -> (Setting, Setting) {
    const PAIRS: [(&str, &str); 2] = [
        ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
        ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
    ];
    let read = |name: &'static str| Setting {
        value: var(name).filter(|value| !value.is_empty()),
        name,
        fix: fix(name),
    };
    let [first, second] = PAIRS.map(|(url, token)| (read(url), read(token)));
    let set = |pair: &(Setting, Setting)| {
        u8::from(pair.0.value.is_some()) + u8::from(pair.1.value.is_some())
    };
    if set(&second) > set(&first) {
        second
    } else {
        first
    }
}

/// What to do about a variable that is missing.
fn fix(name: &str) -> String {
    let other = match name {
        "UPSTASH_REDIS_REST_URL" => " (or KV_REST_API_URL with its token)",
        "UPSTASH_REDIS_REST_TOKEN" => " (or KV_REST_API_TOKEN with its URL)",
        _ => "",
    };
    if cfg!(target_arch = "wasm32") {
        return format!(
            "set it{other} as a variable or secret of the Worker and hand its env to Redis::from_vars; wasm has no \
             environment of its own"
        );
    }
    format!(
        "export it{other}: the database's REST tab has the line to copy, and without an account restis-local prints one"
    )
}

/// That this build can speak TLS by itself.
pub(crate) fn tls() -> Result<(), Error> {
    let built_in = cfg!(any(
        target_arch = "wasm32",
        feature = "rustls",
        feature = "rustls-no-provider",
        feature = "native-tls"
    ));
    if built_in {
        return Ok(());
    }
    Err(Error::config(
        "the URL begins with https:// and restis was built without TLS: turn on its feature rustls or native-tls, or \
         supply a transport",
    ))
}

/// The token, ready for the Authorization header.
pub(crate) fn token(setting: &Setting) -> Result<&str, Error> {
    let value = setting.get()?;
    let name = setting.name;
    if find::find(value.as_bytes(), "://").is_some() {
        return Err(Error::config(format!(
            "{name} is a URL: the token is the other of the two values"
        )));
    }
    Ok(value)
}

/// The URL without a slash at its end. The value itself is never quoted: it may hold a password.
pub(crate) fn url(setting: &Setting, plain_http: bool) -> Result<String, Error> {
    let value = setting.get()?;
    let name = setting.name;
    let wrong = |what: &str| Err(Error::config(format!("{name} {what}")));
    let Some((scheme, rest)) = find::split(value, "://") else {
        return wrong("is not a URL: it begins with https://");
    };
    let scheme = scheme.to_ascii_lowercase();
    match &*scheme {
        "https" | "http" => {}
        "redis" | "rediss" => {
            return wrong("is the address for TCP: copy the REST URL, which begins with https://");
        }
        _ => return wrong("has a scheme that is not HTTP: it begins with https://"),
    }
    let end = rest.bytes().position(|byte| b"/?#".contains(&byte));
    let (authority, mut path) = end
        .and_then(|end| rest.split_at_checked(end))
        .unwrap_or((rest, ""));
    if has(path, b"?#") {
        return wrong(
            "has a query or fragment: leave out what follows the ? or #; the token has a setting of its own",
        );
    }
    let mut segments = path.as_bytes().split(|byte| *byte == b'/');
    if has(path, b"\\") || segments.any(|segment| matches!(segment, b"." | b"..")) {
        return wrong("has a backslash, or . or .. in its path: copy it again");
    }
    if has(authority, b"@") {
        return wrong(
            "has a user or password in it: leave out what stands before the @; the token has a setting of its own",
        );
    }
    let Some(host) = host(authority) else {
        return wrong("has no valid host and port: it looks like https://name.upstash.io");
    };
    if scheme == "http" && !plain_http && !is_loopback(host) {
        return wrong(
            "is plain http:// to another machine, where the token could be read on the way: use https://, or permit it \
             with Builder::allow_plain_http",
        );
    }
    while let Some(shorter) = path.strip_suffix('/') {
        path = shorter;
    }
    Ok(format!("{scheme}://{authority}{path}"))
}

/// Whether any of these ASCII characters is in the text.
fn has(text: &str, any: &[u8]) -> bool {
    text.bytes().any(|byte| any.contains(&byte))
}

/// The host of `host`, `host:port` or `[v6]:port`, if it looks like one.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = find::split(rest, "]")?;
            let valid = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
            (has(host, b":") && host.bytes().all(valid)).then_some(())?;
            (
                host,
                port.strip_prefix(':').or(port.is_empty().then_some(""))?,
            )
        }
        None => {
            let (host, port) = find::split(authority, ":").unwrap_or((authority, ""));
            is_name(host).then_some(())?;
            (host, port)
        }
    };
    let no_port = port.is_empty() && !authority.ends_with(':');
    // `parse` takes a sign too.
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    (no_port || is_port && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(host)
}

/// Labels of letters, digits and hyphens. One that ends in a number is an IPv4 address or nothing.
fn is_name(host: &str) -> bool {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &[u8]| {
        !label.is_empty()
            && label.iter().copied().all(valid)
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut labels = host.as_bytes().split(|byte| *byte == b'.');
    let last = labels.clone().next_back().unwrap_or_default();
    let numeric = last.first().is_some_and(u8::is_ascii_digit)
        && (last.iter().all(u8::is_ascii_digit) || last.starts_with(b"0x"));
    labels.all(label) && (!numeric || ipv4(host).is_some())
}

/// The first byte of an IPv4 address. Written out, because `std::net`'s parser is 1 KB of wasm.
fn ipv4(host: &str) -> Option<u8> {
    let mut parts = host.as_bytes().split(|byte| *byte == b'.').map(|part| {
        let plain = part.len() == 1 || !part.starts_with(b"0");
        let digits = part.iter().map(|digit| char::from(*digit).to_digit(10));
        let number = digits.into_iter().try_fold(0u32, |number, digit| {
            Some(number.saturating_mul(10).saturating_add(digit?))
        })?;
        u8::try_from(number)
            .ok()
            .filter(|_| plain && !part.is_empty())
    });
    let first = parts.next()??;
    for _ in 0..3 {
        parts.next()??;
    }
    parts.next().is_none().then_some(first)
}

/// This machine, by any of its names: what is sent there cannot be read on the way.
pub(crate) fn is_loopback(host: &str) -> bool {
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = inside.unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || host == "::1" || ipv4(host) == Some(127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let ok = |value: &str| url(&Setting::given("url", value), false).unwrap();
        assert_eq!(ok("https://a.upstash.io"), "https://a.upstash.io");
        assert_eq!(ok("https://a.upstash.io/"), "https://a.upstash.io");
        assert_eq!(
            ok("HTTPS://a.upstash.io:8443/base/path/"),
            "https://a.upstash.io:8443/base/path"
        );
        for local in [
            "http://localhost:8079",
            "http://LocalHost",
            "http://127.0.0.1:1",
            "http://127.9.8.7",
            "http://[::1]:8079",
        ] {
            assert_eq!(ok(local).to_ascii_lowercase(), local.to_ascii_lowercase());
        }
        assert!(url(&Setting::given("url", "http://redis-rest:80"), true).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_and_never_quoted() {
        for (value, word) in [
            ("", "missing"),
            ("secret", "https://"),
            ("https://secret.io\n", "newline"),
            (" https://secret.io", "whitespace"),
            ("https://sec ret.io", "whitespace"),
            ("\"https://secret.io\"", "quotes"),
            ("https://sécret.io", "ASCII"),
            ("redis://default:secret@host:6379", "REST URL"),
            ("rediss://secret", "REST URL"),
            ("ftp://secret", "https://"),
            ("https://", "host"),
            ("https:///secret", "host"),
            ("https://secret:", "host"),
            ("https://secret:99999", "host"),
            ("https://secret:0", "host"),
            ("https://secret:+9271", "host"),
            ("https://[::1]:+9271", "host"),
            ("http://127.0.0.1:+9271", "host"),
            ("https://sec$ret", "host"),
            ("https://[secret]", "host"),
            ("https://256.256.256.256", "host"),
            ("https://1.2.3.4.5", "host"),
            ("https://0x1", "host"),
            ("https://secret..io", "host"),
            ("https://secret.-", "host"),
            ("https://host.io/secret\\b", "backslash"),
            ("https://host.io/secret/../b", ".."),
            ("https://user:secret@host.io", "@"),
            ("https://host.io/?_token=secret", "query"),
            ("https://host.io#secret", "fragment"),
            ("http://secret.io", "allow_plain_http"),
            ("http://127.0.0.1.secret.io", "allow_plain_http"),
            ("http://localhost.secret.io", "allow_plain_http"),
        ] {
            let error = url(&Setting::given("THE_NAME", value), false).unwrap_err();
            assert!(error.is_config());
            let text = format!("{error} {error:?}");
            assert!(
                text.contains("THE_NAME") && text.contains(word),
                "{value}: {text}"
            );
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn tokens() {
        assert_eq!(
            token(&Setting::given("token", "AbC-_=09")).unwrap(),
            "AbC-_=09"
        );
        for (value, word) in [
            ("", "missing"),
            ("secret ", "whitespace"),
            ("secret\r\n", "newline"),
            ("Bearer secret", "whitespace"),
            ("'secret'", "quotes"),
            ("secret\u{200b}", "ASCII"),
            ("https://secret.io", "URL"),
        ] {
            let text = format!(
                "{:?}",
                token(&Setting::given("THE_NAME", value)).unwrap_err()
            );
            assert!(
                text.contains("THE_NAME") && text.contains(word),
                "{value}: {text}"
            );
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn variables_in_their_order() {
        let var = |set: Vec<(&'static str, &'static str)>| {
            move |name: &str| {
                set.iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.to_string())
            }
        };
        let read = |set| {
            let (url, token) = lookup(var(set));
            url.get()
                .map(str::to_owned)
                .and_then(|url| Ok((url, token.get()?.to_owned())))
        };
        let pair = |url: &str, token: &str| (url.to_owned(), token.to_owned());
        let upstash = ("UPSTASH_REDIS_REST_URL", "up");
        let kv = [("KV_REST_API_URL", "kv"), ("KV_REST_API_TOKEN", "kt")];
        let [kv_url, kv_token] = kv;
        let up_token = ("UPSTASH_REDIS_REST_TOKEN", "ut");
        assert_eq!(
            read(vec![kv_url, kv_token, upstash, up_token]).unwrap(),
            pair("up", "ut")
        );
        assert_eq!(
            read(vec![kv_url, kv_token, ("UPSTASH_REDIS_REST_URL", "")]).unwrap(),
            pair("kv", "kt")
        );
        // Halves of two databases are not a pair.
        assert_eq!(
            read(vec![kv_url, kv_token, upstash]).unwrap(),
            pair("kv", "kt")
        );
        let error = read(vec![kv_token, upstash]).unwrap_err().to_string();
        assert!(
            error.starts_with("UPSTASH_REDIS_REST_TOKEN is missing"),
            "{error}"
        );
        let error = read(vec![kv_url]).unwrap_err().to_string();
        assert!(error.starts_with("KV_REST_API_TOKEN is missing"), "{error}");
        let error = read(vec![]).unwrap_err().to_string();
        assert!(
            error.contains("UPSTASH_REDIS_REST_URL") && error.contains("KV_REST_API_URL"),
            "{error}"
        );
    }
}
