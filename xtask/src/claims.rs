//! What restis promises about its dependencies, checked on the words of `cargo tree` and `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::{Context as _, Error, Result};

/// Crates that must not reach wasm32: an HTTP stack, a runtime, and URL tables that outweigh the client.
pub(crate) const NOT_ON_WASM: [&str; 4] = ["reqwest", "tokio", "url", "idna"];

/// The one feature restis asks of tokio.
const OF_TOKIO: [&str; 1] = ["time"];

/// A package of a dependency tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    name: String,
    version: String,
}

/// The packages of `cargo tree --prefix none --format {p}`.
pub(crate) fn packages(tree: &str) -> BTreeSet<Package> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?.to_owned();
            let version = words.next()?.strip_prefix('v')?.to_owned();
            Some(Package { name, version })
        })
        .collect()
}

/// Fails if one of `unwanted` is in the tree.
pub(crate) fn without(tree: &str, unwanted: &[&str]) -> Result<()> {
    let packages = packages(tree);
    if packages.is_empty() {
        return Err(Error::new(
            "cargo tree printed no package, so nothing was checked.",
        ));
    }
    let found: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| unwanted.contains(name))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "{} must not be in this tree.",
        found.join(", ")
    )))
}

/// Fails if restis itself asks more of tokio than its timer. What reqwest asks of it is reqwest's.
pub(crate) fn only_the_timer_of_tokio(metadata: &Value) -> Result<()> {
    let restis = package(metadata, "restis").context("find restis in cargo metadata")?;
    let mut asked = BTreeSet::new();
    for dependency in list(restis, "dependencies") {
        let normal = dependency.get("kind").is_none_or(Value::is_null);
        if !normal || text(dependency, "name") != Some("tokio") {
            continue;
        }
        if dependency
            .get("uses_default_features")
            .and_then(Value::as_bool)
            != Some(false)
        {
            asked.insert("default");
        }
        asked.extend(list(dependency, "features").filter_map(Value::as_str));
    }
    // A feature of restis may switch on one of tokio's as well.
    let features = restis.get("features").and_then(Value::as_object);
    for value in features.into_iter().flat_map(|features| features.values()) {
        let enabled = value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        asked.extend(enabled.filter_map(|name| {
            name.strip_prefix("tokio/")
                .or_else(|| name.strip_prefix("tokio?/"))
        }));
    }
    let more: Vec<&str> = asked
        .into_iter()
        .filter(|name| !OF_TOKIO.contains(name))
        .collect();
    if more.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "restis asks tokio for {}; of tokio it may ask for {} only.",
        more.join(", "),
        OF_TOKIO.join(", ")
    )))
}

/// Fails if restis brings tracing without being asked. That reqwest's own dependencies do is theirs.
pub(crate) fn tracing_is_a_choice(metadata: &Value) -> Result<()> {
    let restis = package(metadata, "restis").context("find restis in cargo metadata")?;
    let mut tracing = list(restis, "dependencies").filter(|dependency| {
        text(dependency, "name").is_some_and(|name| name.starts_with("tracing"))
            && dependency.get("kind").is_none_or(Value::is_null)
    });
    if !tracing.all(|dependency| dependency.get("optional").and_then(Value::as_bool) == Some(true))
    {
        return Err(Error::new("tracing must be optional."));
    }
    let features = restis.get("features").context("find the features")?;
    let mut left: Vec<&str> = vec!["default"];
    let mut seen = BTreeSet::new();
    while let Some(feature) = left.pop() {
        if feature.contains("tracing") {
            return Err(Error::new("the default features must not bring tracing."));
        }
        if seen.insert(feature) {
            left.extend(list(features, feature).filter_map(Value::as_str));
        }
    }
    Ok(())
}

/// The Rust version restis declares.
pub(crate) fn rust_version(metadata: &Value) -> Result<String> {
    package(metadata, "restis")
        .and_then(|package| text(package, "rust_version"))
        .map(str::to_owned)
        .context("find the rust-version of restis in its Cargo.toml")
}

/// Fails if a package of the tree declares a newer Rust than `limit`.
pub(crate) fn none_needs_newer_rust(tree: &str, metadata: &Value, limit: &str) -> Result<()> {
    let limit_number = version(limit).context(format!("read the version {limit}"))?;
    let declared: BTreeMap<(&str, &str), &str> = list(metadata, "packages")
        .filter_map(|package| {
            let key = (text(package, "name")?, text(package, "version")?);
            Some((key, text(package, "rust_version")?))
        })
        .collect();
    let newer: Vec<String> = packages(tree)
        .iter()
        .filter_map(|package| {
            let needs = *declared.get(&(package.name.as_str(), package.version.as_str()))?;
            (version(needs)? > limit_number)
                .then(|| format!("{} {} needs Rust {needs}", package.name, package.version))
        })
        .collect();
    if newer.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("restis promises Rust {limit}, but {}.", newer.join(", ")))
        .hint("Lock an older release with `cargo update -p <package> --precise <version>`, or raise rust-version."))
}

/// `1.88`, `1.88.0` or `1.88.0-beta.1` as numbers.
pub(crate) fn version(text: &str) -> Option<(u32, u32, u32)> {
    let (plain, _) = text.split_once('-').unwrap_or((text, ""));
    let mut numbers = plain.split('.').map(|number| number.parse().ok());
    let major = numbers.next()??;
    let minor = numbers.next().unwrap_or(Some(0))?;
    let patch = numbers.next().unwrap_or(Some(0))?;
    Some((major, minor, patch))
}

fn package<'a>(metadata: &'a Value, name: &str) -> Option<&'a Value> {
    list(metadata, "packages").find(|package| text(package, "name") == Some(name))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use serde_json::json;

    use super::*;

    const TREE: &str = "restis v0.1.0 (/home/ada/restis)\nbase64 v0.23.0\njs-sys v0.3.107\n\
                        serde_derive v1.0.228 (proc-macro)\njs-sys v0.3.107 (*)\n";

    #[test]
    fn a_tree_is_its_packages_each_once() {
        let names: Vec<String> = packages(TREE)
            .into_iter()
            .map(|package| package.name)
            .collect();
        assert_eq!(names, ["base64", "js-sys", "restis", "serde_derive"]);
    }

    #[test]
    fn an_unwanted_crate_is_found_by_its_whole_name() {
        without(TREE, &NOT_ON_WASM).unwrap();
        without(
            &format!("{TREE}tokio-macros v2.0.0\nurlencoding v2.1.3\n"),
            &NOT_ON_WASM,
        )
        .unwrap();
        let error = without(
            &format!("{TREE}url v2.5.8\ntokio v1.54.0 (*)\n"),
            &NOT_ON_WASM,
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "tokio, url must not be in this tree.");
    }

    #[test]
    fn an_empty_tree_proves_nothing() {
        assert!(without("", &NOT_ON_WASM).is_err());
    }

    fn restis(tokio: Value, features: Value) -> Value {
        json!({ "packages": [{ "name": "restis", "rust_version": "1.88", "dependencies": [tokio], "features": features }] })
    }

    #[test]
    fn tokio_may_bring_its_timer_and_nothing_else() {
        let timer = json!({ "name": "tokio", "kind": null, "uses_default_features": false, "features": ["time"] });
        let tests = json!({ "name": "tokio", "kind": "dev", "uses_default_features": true, "features": ["full"] });
        let rt = json!({ "name": "tokio", "kind": null, "uses_default_features": false, "features": ["time", "rt"] });
        let all =
            json!({ "name": "tokio", "kind": null, "uses_default_features": true, "features": [] });
        let plain = json!({ "default": ["rustls"], "rustls": ["reqwest/rustls"] });
        only_the_timer_of_tokio(&restis(timer.clone(), plain.clone())).unwrap();
        only_the_timer_of_tokio(&restis(tests, plain.clone())).unwrap();
        for (metadata, feature) in [
            (restis(rt, plain.clone()), "rt"),
            (restis(all, plain), "default"),
            (
                restis(
                    timer.clone(),
                    json!({ "blocking": ["tokio/rt-multi-thread"] }),
                ),
                "rt-multi-thread",
            ),
            (restis(timer, json!({ "blocking": ["tokio?/net"] })), "net"),
        ] {
            let error = only_the_timer_of_tokio(&metadata).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("restis asks tokio for {feature};")),
                "{error}"
            );
        }
    }

    #[test]
    fn tracing_comes_by_its_feature_only() {
        let tracing =
            |optional: bool| json!({ "name": "tracing", "kind": null, "optional": optional });
        let plain = json!({ "default": ["observe"], "observe": [], "tracing": ["dep:tracing"] });
        let chained =
            json!({ "default": ["observe"], "observe": ["tracing"], "tracing": ["dep:tracing"] });
        tracing_is_a_choice(&restis(tracing(true), plain.clone())).unwrap();
        assert!(tracing_is_a_choice(&restis(tracing(false), plain)).is_err());
        assert!(tracing_is_a_choice(&restis(tracing(true), chained)).is_err());
    }

    #[test]
    fn a_dependency_that_needs_a_newer_rust_is_named() {
        let mut metadata = restis(json!({}), json!({}));
        let more = json!([
            { "name": "base64", "version": "0.23.0", "rust_version": "1.88.0" },
            { "name": "js-sys", "version": "0.3.107", "rust_version": "1.77" },
            { "name": "worker", "version": "0.8.7", "rust_version": "1.91" },
            { "name": "serde_derive", "version": "1.0.228", "rust_version": null },
        ]);
        let packages = metadata
            .get_mut("packages")
            .unwrap()
            .as_array_mut()
            .unwrap();
        packages.extend(more.as_array().unwrap().iter().cloned());
        assert_eq!(rust_version(&metadata).unwrap(), "1.88");
        none_needs_newer_rust(TREE, &metadata, "1.88").unwrap();
        let error = none_needs_newer_rust(&format!("{TREE}worker v0.8.7\n"), &metadata, "1.88")
            .unwrap_err();
        let expected = "restis promises Rust 1.88, but worker 0.8.7 needs Rust 1.91.";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version("1.100") > version("1.88.0"));
        assert_eq!(version("1.88"), version("1.88.0"));
        assert_eq!(version("1.88.0-beta.1"), Some((1, 88, 0)));
        assert_eq!(version("stable"), None);
    }
}
