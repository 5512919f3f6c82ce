//! The level `fuzz`: every target of `fuzz/` for some seconds, from its corpus on.

use std::fs;

use crate::{
    error::{Context as _, Error, Result},
    process::Cmd,
    repo::Repo,
    tools::{self, Tool},
    ui,
};

const SECONDS: u32 = 5;
const LONG_SECONDS: u32 = 600;

pub(crate) fn run(repo: &Repo, long: bool) -> Result<()> {
    tools::ensure(repo, &[Tool::Fuzz])?;
    cargo_fuzz(repo, "build")
        .words("--sanitizer none")
        .step("building the fuzz targets")?;
    let seconds = if long { LONG_SECONDS } else { SECONDS };
    for target in targets(repo)? {
        // What is found goes here; the corpus in the repository grows by hand.
        let found = repo.join("target/fuzz-found").join(&target);
        fs::create_dir_all(&found).context(format!("make {}", found.display()))?;
        cargo_fuzz(repo, "run")
            .words("--sanitizer none")
            .arg(&target)
            .arg(&found)
            .arg(repo.join("fuzz/corpus").join(&target))
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .words("-max_len=4096 -print_final_stats=1")
            .step(&format!("fuzzing {target} for {seconds} s"))
            .map_err(|error| {
                error.hint(format!(
                    "Try what it found again: cd fuzz && cargo fuzz run -s none {target} artifacts/{target}/<file>"
                ))
            })?;
    }
    ui::note("no input broke a claim of src/fuzzing.rs");
    Ok(())
}

/// Without a sanitizer, since there is no unsafe code to watch: so it needs no nightly compiler.
fn cargo_fuzz(repo: &Repo, subcommand: &str) -> Cmd {
    Cmd::new(tools::bin(repo, "cargo-fuzz"))
        .arg("fuzz")
        .arg(subcommand)
        .env("CARGO_TARGET_DIR", repo.join("target/fuzz"))
        .dir(repo.root())
}

fn targets(repo: &Repo) -> Result<Vec<String>> {
    let folder = repo.join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).context(format!("read {}", folder.display()))?;
    let mut names: Vec<_> = files
        .flatten()
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            Some(name.strip_suffix(".rs")?.to_owned())
        })
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(Error::new(format!("{} has no target", folder.display())));
    }
    Ok(names)
}
