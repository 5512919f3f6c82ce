//! The npm package's wasm: wasm-pack over the binding crate, made small by binaryen.

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
    Cmd::new(tools::bin(repo, "wasm-pack"))
        .words("build --release --target web --no-pack --no-gitignore --mode no-install --out-dir wasm")
        .arg(repo.join("pkg"))
        .env("PATH", npm::search_path(repo)?)
        .dir(repo.root())
        .step("building pkg/wasm with wasm-pack")
}
