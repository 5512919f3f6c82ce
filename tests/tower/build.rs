//! Finds the test cases that tower-sessions publishes with its sources, so that they are run as they are.

use std::{env, error::Error, fs, path::PathBuf, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    let metadata = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked"])
        // What other platforms use is not downloaded for it.
        .args(["--filter-platform", &env::var("TARGET")?])
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    if !metadata.status.success() {
        return Err(String::from_utf8_lossy(&metadata.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let packages = metadata
        .get("packages")
        .and_then(serde_json::Value::as_array);
    let word = |package: &serde_json::Value, name| {
        let word = package.get(name).and_then(serde_json::Value::as_str);
        word.map(str::to_owned)
    };
    let manifest = packages
        .into_iter()
        .flatten()
        .filter(|package| word(package, "name").is_some_and(|name| name == "tower-sessions"))
        .find_map(|package| word(package, "manifest_path"))
        .ok_or("tower-sessions is not among the packages")?;
    let cases = PathBuf::from(manifest)
        .with_file_name("tests")
        .join("common/mod.rs");
    let line = format!("#[path = {cases:?}]\npub mod common;\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("cases.rs"), line)?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", cases.display());
    Ok(())
}
