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
    let build = Cmd::new(tools::bin(repo, "wasm-pack"))
        .words("build --release --target web --out-name restis --out-dir wasm")
        .words("--no-pack --no-gitignore --mode no-install")
        .arg(repo.join("pkg"))
        .dir(repo.root());
    npm::on_path(repo, build)?.step("building pkg/wasm with wasm-pack")
}
