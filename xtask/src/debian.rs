//! What only the system's package manager has: a browser with its driver, OpenSSL's headers, valgrind.

use std::{env, path::PathBuf};

use crate::{
    error::{Error, Result},
    process::Cmd,
    tools::on_path,
};

/// A browser and the driver that speaks WebDriver for it.
#[derive(Debug)]
pub(crate) struct Chromium {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Finds Chromium or Chrome and its driver, else installs Debian's.
pub(crate) fn chromium() -> Result<Chromium> {
    if let Some(found) = find_chromium() {
        return Ok(found);
    }
    install(&["chromium", "chromium-driver"])?;
    find_chromium().ok_or_else(|| {
        Error::new("chromium and chromium-driver are installed but not on PATH.")
            .hint("Put their folder on PATH, or set CHROME and CHROMEDRIVER to the two programs.")
    })
}

fn find_chromium() -> Option<Chromium> {
    let named = |variable: &str| env::var_os(variable).map(PathBuf::from);
    let browsers = [
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
    ];
    Some(Chromium {
        browser: named("CHROME").or_else(|| browsers.into_iter().find_map(on_path))?,
        driver: named("CHROMEDRIVER").or_else(|| on_path("chromedriver"))?,
    })
}

/// Sees to it that crates on OpenSSL compile.
pub(crate) fn openssl_headers() -> Result<()> {
    // Elsewhere these crates use the system's own TLS.
    if cfg!(not(target_os = "linux")) || Cmd::new("pkg-config").words("--exists openssl").succeeds()
    {
        return Ok(());
    }
    install(&["libssl-dev", "pkg-config"])
}

/// Sees to it that valgrind is there, which counts instructions.
pub(crate) fn valgrind() -> Result<()> {
    match on_path("valgrind") {
        Some(_) => Ok(()),
        None => install(&["valgrind"]),
    }
}

fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" and ");
    let as_root: &[&str] = if Cmd::new("sh").args(["-c", "test $(id -u) = 0"]).succeeds() {
        &[]
    } else if Cmd::new("sudo").words("-n true").succeeds() {
        &["sudo", "-n"]
    } else {
        return Err(Error::new(format!("{names} are missing.")).hint(format!(
            "Install them (Debian: apt-get install {}), then run the task again.",
            packages.join(" ")
        )));
    };
    if on_path("apt-get").is_none() {
        return Err(Error::new(format!(
            "{names} are missing, and there is no apt-get to get them with."
        ))
        .hint("Install them with this system's package manager, then run the task again."));
    }
    let apt = |words: &str| {
        Cmd::new("env")
            .args(as_root)
            .words("env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300")
            .words(words)
    };
    apt("update").step("reading the list of Debian's packages")?;
    apt("install --no-install-recommends")
        .args(packages)
        .step(&format!("installing {names} from Debian's packages (once)"))
}
