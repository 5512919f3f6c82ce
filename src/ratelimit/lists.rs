//! Who is always let through, and who never: by name, address or network.

use std::{collections::HashSet, net::IpAddr};

use ipnet::IpNet;

use crate::Error;

/// Names, and networks of addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    names: HashSet<String>,
    networks: Vec<IpNet>,
    is_wrong: bool,
}

impl List {
    /// Adds an address, a network in CIDR notation, or a name.
    pub(super) fn add(&mut self, entry: &str) {
        if let Some(network) = network(entry) {
            self.networks.push(network);
        } else if entry
            .split_once('/')
            .is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok())
        {
            self.is_wrong = true;
        } else {
            self.names.insert(entry.to_owned());
        }
    }

    /// Whether it is in it: the name itself, or all of its network.
    pub(super) fn has(&self, id: &str) -> Result<bool, Error> {
        if self.is_wrong {
            return Err(Error::argument(
                "an entry of a list begins like a network and is none: write it as 192.0.2.0/24 or 2001:db8::/32",
            ));
        }
        if self.names.contains(id) {
            return Ok(true);
        }
        if self.networks.is_empty() {
            return Ok(false);
        }
        let found = network(id);
        Ok(found.is_some_and(|found| self.networks.iter().any(|net| net.contains(&found))))
    }
}

/// What an address or network is, with the IPv4 addresses that are written as IPv6.
fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    text.parse().ok()
}

/// Whom a limit by address is for: the address itself, or the /64 of an IPv6 one, since who has one of these has 2⁶⁴.
///
/// ```
/// use restis::ratelimit::visitor;
///
/// assert_eq!(visitor("192.0.2.1".parse()?), "192.0.2.1");
/// assert_eq!(visitor("2001:db8::1234:5:6:7".parse()?), "2001:db8::/64");
/// assert_eq!(visitor("::ffff:192.0.2.1".parse()?), "192.0.2.1");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn visitor(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(entries: &[&str], id: &str) -> bool {
        let mut list = List::default();
        for entry in entries {
            list.add(entry);
        }
        list.has(id).unwrap_or_else(|error| {
            assert!(error.is_argument());
            true
        })
    }

    #[test]
    fn names_addresses_and_networks() {
        let list = ["ada", "192.0.2.0/24", "10.0.0.7", "2001:db8::/32", "a/b"];
        for id in [
            "ada",
            "192.0.2.0",
            "192.0.2.255",
            "::ffff:192.0.2.9",
            "10.0.0.7",
            "2001:db8:1::1",
            "2001:db8:1:2::/64",
            "192.0.2.128/25",
            "a/b",
        ] {
            assert!(has(&list, id), "{id}");
        }
        for id in [
            "ad",
            "adam",
            "192.0.3.0",
            "10.0.0.8",
            "10.0.0.0/8",
            "2001:db9::1",
            "2001::/16",
            "",
        ] {
            assert!(!has(&list, id), "{id}");
        }
    }

    #[test]
    fn a_network_that_is_none_is_said() {
        let mut list = List::default();
        list.add("10.0.0.0/33");
        let error = list.has("ada").err();
        assert!(error.is_some_and(|error| error.is_argument()));
    }
}
