//! The size budget of the npm package: wasm and JavaScript of the client alone, minified, gzip.

use std::{fs, path::Path};

use crate::{
    error::{Context as _, Error, Result},
    npm::{self, Node},
    package,
    process::Cmd,
    repo::Repo,
    ui,
};

/// 50 KB of gzip.
const BUDGET: u64 = 50 * 1024;

/// The most it may weigh until it meets the budget. DESIGN.md has the reason for each time that it was raised.
const CEILING: u64 = 59_900;

/// Builds the package and measures what a Worker loads of it.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    package::build(repo)?;
    let out = repo.join("target/size");
    fs::create_dir_all(&out).context("make target/size")?;
    let bundle = out.join("restis.js");
    let node = npm::node(repo, Node::V22)?;
    // What a program loads that imports the client, as COMPARE.md measures others.
    let program = out.join("program.js");
    fs::write(
        &program,
        "export { Redis } from \"../../pkg/workerd.js\";\n",
    )
    .context(format!("write {}", program.display()))?;
    Cmd::new(&node)
        .arg(npm::module(repo, "esbuild/bin/esbuild"))
        .arg(&program)
        .words("--bundle --minify --format=esm --platform=neutral --external:*.wasm --log-level=warning")
        .arg(format!("--outfile={}", bundle.display()))
        .dir(repo.root())
        .step("minifying the JavaScript with esbuild")?;

    let mut files = Vec::new();
    for file in [&repo.join("pkg/wasm/restis_bg.wasm"), &bundle] {
        files.push(measure(&node, file)?);
    }
    print!("\n{}", table(&files));
    for (door, module) in [
        ("restis/queue loads", "queue"),
        ("restis/helpers has a module of", "helpers"),
    ] {
        let found = measure(&node, &repo.join(format!("pkg/wasm/{module}_bg.wasm")))?;
        ui::note(&format!(
            "{door} {} bytes, {} by gzip",
            found.raw, found.gzip
        ));
    }
    let total = files.iter().map(|file| file.gzip).sum();
    ui::note(&check(total)?);
    Ok(())
}

/// A file and what it weighs.
#[derive(Debug)]
struct Measured {
    name: String,
    raw: u64,
    gzip: u64,
}

fn measure(node: &Path, file: &Path) -> Result<Measured> {
    let script = "const data = require('node:fs').readFileSync(process.argv[1]);\
                  console.log(data.length, require('node:zlib').gzipSync(data, { level: 9 }).length)";
    let text = Cmd::new(node).args(["-e", script]).arg(file).output()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let (Some(Ok(raw)), Some(Ok(gzip))) = (numbers.next(), numbers.next()) else {
        return Err(Error::new(format!(
            "cannot read the size of {} from: {text}",
            file.display()
        )));
    };
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Measured { name, raw, gzip })
}

fn table(files: &[Measured]) -> String {
    let row = |name: &str, raw: &str, gzip: &str| format!("  {name:<24}{raw:>10}{gzip:>10}\n");
    let mut text = row("client alone, bytes", "raw", "gzip -9");
    let (mut raw, mut gzip) = (0, 0);
    for file in files {
        text += &row(&file.name, &file.raw.to_string(), &file.gzip.to_string());
        raw += file.raw;
        gzip += file.gzip;
    }
    text += &row("together", &raw.to_string(), &gzip.to_string());
    text + &row("budget", "", &BUDGET.to_string())
}

/// What there is to say of a weight; an error above the ceiling.
fn check(total: u64) -> Result<String> {
    if total <= BUDGET {
        return Ok("within the budget".into());
    }
    let over = format!("{} bytes over the budget of {BUDGET}", total - BUDGET);
    if total <= CEILING {
        return Ok(format!("{over}, and not over the ceiling of {CEILING}"));
    }
    Err(Error::new(format!(
        "{over} and {} over the ceiling of {CEILING}: find what grew with `twiggy top pkg/wasm/restis_bg.wasm`.",
        total - CEILING
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_holds_to_the_byte() {
        let said = |total| check(total).unwrap_or_else(|error| error.to_string());
        assert_eq!(said(BUDGET), "within the budget");
        assert!(said(BUDGET + 7).starts_with("7 bytes over the budget of 51200, and not over"));
        assert!(check(CEILING).is_ok());
        assert!(check(CEILING + 1).is_err());
        assert!(said(CEILING + 1).contains(&format!("and 1 over the ceiling of {CEILING}: find")));
    }

    #[test]
    fn the_table_adds_up() {
        let file = |name: &str, raw, gzip| Measured {
            name: name.into(),
            raw,
            gzip,
        };
        let text = table(&[file("a.wasm", 80_000, 38_000), file("a.js", 9_000, 3_500)]);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert!(rows.contains(&vec!["a.wasm", "80000", "38000"]), "{text}");
        assert!(rows.contains(&vec!["together", "89000", "41500"]), "{text}");
        assert!(rows.contains(&vec!["budget", "51200"]), "{text}");
    }
}
