//! The npm package's wasm: wasm-pack over the binding crate, made small by binaryen.

use std::{collections::HashMap, env, fs, path::PathBuf};

use serde_json::Value;

use crate::{
    error::{Context as _, Error, Result},
    npm::{self, Node},
    process::Cmd,
    repo::Repo,
    tools::{self, Tool},
};

/// The modules of the package: the folder of the binding crate, and what the module is called.
const MODULES: [(&str, &str); 3] = [
    ("pkg", "restis"),
    ("pkg/helpers", "helpers"),
    ("pkg/queue", "queue"),
];

/// std built along, made small and without the words of its panics: a tenth of the module.
const STD: &str = "-Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size";

/// Builds pkg/wasm.
pub(crate) fn build(repo: &Repo) -> Result<()> {
    tools::ensure_wasm_target()?;
    tools::ensure_rust_src()?;
    tools::ensure(repo, &[Tool::WasmPack, Tool::WasmBindgen])?;
    npm::ensure(repo)?;
    for (folder, name) in MODULES {
        // No download: wasm-bindgen and wasm-opt are the ones on PATH. The flags of wasm-opt stand in the Cargo.toml.
        let build = Cmd::new(tools::bin(repo, "wasm-pack"))
            .words("build --release --target web --no-pack --no-gitignore --mode no-install --out-name")
            .arg(name)
            .arg("--out-dir")
            .arg(repo.join("pkg/wasm"))
            .arg(repo.join(folder))
            .arg("--")
            .words(STD)
            // The compiler that builds everything else, with leave to use what STD and flags() name.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags(repo))
            .dir(repo.root());
        npm::on_path(repo, build)?
            .step(&format!("building pkg/wasm/{name}_bg.wasm with wasm-pack"))?;
        finish(repo, name)?;
    }
    Ok(())
}

/// Gives what the module and its glue call each other one letter, and has futures woken by a promise.
///
/// wasm-bindgen ends each name in a hash, which no compression makes smaller: 2 KB of gzip in the two files.
fn finish(repo: &Repo, name: &str) -> Result<()> {
    let module = repo.join(format!("pkg/wasm/{name}_bg.wasm"));
    let renamed = Cmd::new(npm::node(repo, Node::V22)?)
        .arg(npm::module(repo, "binaryen/bin/wasm-opt"))
        // Control flow laid out anew and made small again, twice over: nearly 600 bytes of gzip less than one run of all passes.
        .words("--flatten --rereloop -Oz -Oz -Oz --flatten --rereloop -Oz -Oz -Oz")
        .words("--minify-imports-and-exports-and-modules --strip-target-features")
        .arg(&module)
        .arg("-o")
        .arg(&module)
        .output()?;
    let names = Names::read(&renamed).context("read the names that wasm-opt gave")?;
    let glue = repo.join(format!("pkg/wasm/{name}.js"));
    let text = fs::read_to_string(&glue).context(format!("read {}", glue.display()))?;
    let text = wake_by_promise(&names.rename(&text, name)?)?;
    fs::write(&glue, text).context(format!("write {}", glue.display()))
}

/// Has the executor of wasm-bindgen-futures go on by a promise that is settled, in place of `queueMicrotask`.
///
/// That one costs workerd 5 µs each time and a promise 0.5, and an awaited command has five.
fn wake_by_promise(glue: &str) -> Result<String> {
    const CALL: &str = "queueMicrotask(";
    let Some((before, after)) = glue.split_once(CALL) else {
        // A module without futures.
        return Ok(glue.to_owned());
    };
    if after.contains(CALL) {
        return Err(Error::new(
            "what wasm-bindgen wrote calls queueMicrotask in another place than its executor: look whether that can be \
             replaced as well.",
        ));
    }
    Ok(format!(
        "{before}SETTLED.then({after}\nconst SETTLED = Promise.resolve();\n"
    ))
}

/// The new name for each old one.
#[derive(Debug)]
struct Names {
    imports: HashMap<String, String>,
    exports: HashMap<String, String>,
}

impl Names {
    /// Reads `{ "imports": [[module, old, new]], "exports": [[old, new]] }`.
    fn read(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let pairs = |kind: &str| -> Option<HashMap<String, String>> {
            let rows = json.get(kind)?.as_array()?.iter();
            rows.map(|row| match row.as_array()?.as_slice() {
                [.., old, new] => Some((old.as_str()?.to_owned(), new.as_str()?.to_owned())),
                _ => None,
            })
            .collect()
        };
        Some(Self {
            imports: pairs("imports")?,
            exports: pairs("exports")?,
        })
    }

    /// The glue with the new names. An import stands there as `name: function`, an export as `wasm.name`.
    fn rename(&self, glue: &str, name: &str) -> Result<String> {
        // The module's name for what it imports from, as wasm-bindgen writes it.
        let imported = format!("\"./{name}_bg.js\"");
        let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '$';
        let (mut text, mut rest, mut imports) = (String::new(), glue, 0);
        while let Some(start) = rest.find(is_part) {
            let (before, word) = rest.split_at(start);
            let (word, after) =
                word.split_at(word.find(|char| !is_part(char)).unwrap_or(word.len()));
            text += before;
            let new = if text.ends_with("wasm.") {
                self.exports.get(word)
            } else if after.starts_with(": function") {
                imports += 1;
                self.imports.get(word)
            } else {
                None
            };
            text += new.map_or(word, String::as_str);
            rest = after;
        }
        text += rest;
        // Every module of imports has this name now, so there may be one only.
        if imports != self.imports.len() || text.matches(&imported).count() != 1 {
            return Err(Error::new(format!(
                "pkg/wasm/{name}.js is not written as finish in xtask/src/package.rs expects"
            )));
        }
        Ok(text.replace(&imported, "a"))
    }
}

/// A panic is a trap and nothing else. Nobody would see its words, and they carry the names of source files: those of this
/// machine are nobody's business.
///
/// The flags are parted by a unit separator, as Cargo takes them from CARGO_ENCODED_RUSTFLAGS: a path may hold spaces.
fn flags(repo: &Repo) -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let sources = home.map(|home| home.join("registry/src"));
    let registries = sources.iter().flat_map(fs::read_dir).flatten().flatten();
    let paths = registries
        .map(|registry| registry.path())
        .chain([repo.root().to_owned()])
        .map(|folder| format!("--remap-path-prefix={}=", folder.display()));
    ["-Zunstable-options", "-Cpanic=immediate-abort"]
        .into_iter()
        .map(str::to_owned)
        .chain(paths)
        .collect::<Vec<_>>()
        .join("\u{1f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn futures_go_on_by_a_promise() {
        let glue = "j: function(arg0) {\n    queueMicrotask(arg0);\n},";
        let woken = wake_by_promise(glue).unwrap();
        assert!(woken.contains("    SETTLED.then(arg0);"), "{woken}");
        assert!(woken.ends_with("const SETTLED = Promise.resolve();\n"));
        assert_eq!(wake_by_promise("no futures").unwrap(), "no futures");
        assert!(wake_by_promise(&glue.repeat(2)).is_err());
    }

    #[test]
    fn the_glue_gets_the_modules_new_names() {
        let names = Names::read(
            r#"{ "imports": [["./restis_bg.js", "__wbg_now_0f", "a"], ["./restis_bg.js", "__wbg_now_1", "b"]],
                 "exports": [["memory", "ca"], ["__wbg_now", "da"]] }"#,
        )
        .unwrap();
        let glue = "{ __wbg_now_1: function(a) { wasm.memory.buffer; wasm.__wbg_now(wasmModule, wasm); },\
                    __wbg_now_0f: function() { __wbg_now(memory); } }, \"./restis_bg.js\": import0";
        assert_eq!(
            names.rename(glue, "restis").unwrap(),
            "{ b: function(a) { wasm.ca.buffer; wasm.da(wasmModule, wasm); },\
             a: function() { __wbg_now(memory); } }, a: import0"
        );
        for odd in [
            "",
            "\"./restis_bg.js\": import0",
            "__wbg_now_1: function(a) {}",
        ] {
            assert!(names.rename(odd, "restis").is_err(), "{odd}");
        }
        assert!(Names::read("{}").is_none());
    }
}
