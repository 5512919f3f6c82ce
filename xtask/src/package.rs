//! The npm package's wasm: wasm-pack over the binding crate, made small by binaryen.

use std::{env, fs, path::PathBuf};

use crate::{
    error::Result,
    npm,
    process::Cmd,
    repo::Repo,
    tools::{self, Tool},
};

/// Builds pkg/wasm.
pub(crate) fn build(repo: &Repo) -> Result<()> {
    tools::ensure_wasm_target()?;
    tools::ensure(repo, &[Tool::WasmPack, Tool::WasmBindgen])?;
    npm::ensure(repo)?;
    // No download: wasm-bindgen and wasm-opt are the ones on PATH. The flags of wasm-opt stand in pkg/Cargo.toml.
    let build = Cmd::new(tools::bin(repo, "wasm-pack"))
        .words("build --release --target web --out-name restis --out-dir wasm")
        .words("--no-pack --no-gitignore --mode no-install")
        .arg(repo.join("pkg"))
        .env("CARGO_ENCODED_RUSTFLAGS", without_paths(repo))
        .dir(repo.root());
    npm::on_path(repo, build)?.step("building pkg/wasm with wasm-pack")
}

/// Panics carry the names of source files: those of this machine are nobody's business, and long.
///
/// The flags are parted by a unit separator, as Cargo takes them from CARGO_ENCODED_RUSTFLAGS: a path may hold spaces.
fn without_paths(repo: &Repo) -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let sources = home.map(|home| home.join("registry/src"));
    let registries = sources.iter().flat_map(fs::read_dir).flatten().flatten();
    registries
        .map(|registry| registry.path())
        .chain([repo.root().to_owned()])
        .map(|folder| format!("--remap-path-prefix={}=", folder.display()))
        .collect::<Vec<_>>()
        .join("\u{1f}")
}
