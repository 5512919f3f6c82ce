//! The line that hands a token to a browser.

use std::time::Duration;

use super::secret::Token;
use crate::clock;

/// A cookie that only this host sets and reads, over HTTPS, out of reach of scripts and other sites.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::{Sessions, session::Cookie};
///
/// let sessions = Sessions::new(&redis, [7; 32]);
/// let issued = sessions.create("ada", &()).await?;
/// let cookie = Cookie::new("id");
/// let set_cookie = cookie.set(issued.token());
/// # let token = issued.token().as_str();
/// assert_eq!(set_cookie, format!("__Host-id={token}; Secure; HttpOnly; SameSite=Strict; Path=/"));
/// let header = format!("theme=dark; __Host-id={token}");
/// assert_eq!(cookie.read(&header), Some(token));
/// # Ok(()) });
/// ```
///
/// Source: [Session Management](https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html#cookies).
#[derive(Clone, Debug)]
pub struct Cookie {
    name: String,
    lax: bool,
    max_age: Option<u64>,
}

impl Cookie {
    /// `new("id")` is the cookie `__Host-id`, which lasts as long as the browser is open. What a name cannot have is left
    /// out.
    pub fn new(name: &str) -> Self {
        let allowed =
            |char: &char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*char);
        let name: String = name.chars().filter(allowed).collect();
        Self {
            name: format!("__Host-{name}"),
            lax: false,
            max_age: None,
        }
    }

    /// `SameSite=Lax` in place of `Strict`: who follows a link from another site is logged in.
    pub fn lax(mut self) -> Self {
        self.lax = true;
        self
    }

    /// How long the browser keeps it, in whole seconds: the absolute time of the sessions, as a rule.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(clock::whole_seconds(age));
        self
    }

    /// The value of `Set-Cookie` that hands out a token.
    pub fn set(&self, token: &Token) -> String {
        self.line(token.as_str(), self.max_age)
    }

    /// The value of `Set-Cookie` that takes it back.
    pub fn clear(&self) -> String {
        self.line("", Some(0))
    }

    fn line(&self, value: &str, age: Option<u64>) -> String {
        let name = &self.name;
        let site = if self.lax { "Lax" } else { "Strict" };
        let line = format!("{name}={value}; Secure; HttpOnly; SameSite={site}; Path=/");
        match age {
            Some(age) => format!("{line}; Max-Age={age}"),
            None => line,
        }
    }

    /// The token in the value of a request's `Cookie`, if there is one; none if the name is there twice, since one of
    /// them was planted.
    pub fn read<'a>(&self, header: &'a str) -> Option<&'a str> {
        // No other white space than a header's own: a name that begins with some is another name, which a neighbour's
        // domain may set, and browsers do not hold to the rules of the prefix.
        let pairs = header.split(';').map(|pair| pair.trim_matches([' ', '\t']));
        let mut values = pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name == self.name && !value.is_empty()).then_some(value)
        });
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::secret::Known;

    #[test]
    fn lines() {
        let token = Known::new(None).unwrap().token();
        let value = token.as_str();
        let cookie = Cookie::new("id").lax().max_age(Duration::from_secs(60));
        assert_eq!(
            cookie.set(&token),
            format!("__Host-id={value}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=60")
        );
        assert_eq!(
            Cookie::new("i\r\nd; ").clear(),
            "__Host-id=; Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
        );
        // ASVS 3.3.5.
        assert!(cookie.set(&token).len() < 4096);
    }

    #[test]
    fn reading() {
        let cookie = Cookie::new("id");
        for (header, found) in [
            ("", None),
            ("__Host-id", None),
            ("__Host-id=", None),
            ("id=a", None),
            ("x__Host-id=a", None),
            ("__Host-id=a", Some("a")),
            ("a=b;__Host-id=c=d ; e=f", Some("c=d")),
            ("__Host-id=; __Host-id=b", Some("b")),
            ("__Host-id=a; __Host-id=b", None),
            ("\u{2000}__Host-id=a", None),
            ("\u{a0}__Host-id=a; __Host-id=b", Some("b")),
            ("\u{85}__Host-id=a", None),
            ("\u{b}__Host-id=a", None),
            ("a=b;\t__Host-id=c", Some("c")),
        ] {
            assert_eq!(cookie.read(header), found, "{header}");
        }
    }
}
