//! The demo: the quickstart against a real server on this machine, with no account, and what it cost.

use std::path::Path;

use crate::{
    error::Result,
    process::Cmd,
    repo::Repo,
    server::{self, Local, Pages, RealServer},
    tools, ui,
};

pub(crate) fn run(repo: &Repo) -> Result<()> {
    ui::heading("1 of 4: a real server");
    let server = server::any(repo)?;
    ui::note(&format!("{server} ({})", server.path.display()));

    ui::heading("2 of 4: building restis-local and the quickstart");
    let messages = Cmd::cargo("build")
        .words("-p restis-local --bin restis-local -p restis --example quickstart")
        .arg("--message-format=json-render-diagnostics")
        .dir(repo.root())
        .captured_step("cargo build (about 2 minutes the first time)")?;
    let local = server::executable(&messages, "restis-local")?;
    let quickstart = server::executable(&messages, "quickstart")?;

    ui::heading("3 of 4: the REST API of Upstash, on this machine");
    let local = Local::start(&local, &server, Pages::None)?;

    ui::heading("4 of 4: examples/quickstart.rs");
    let (requests, billed) = (local.stat("requests")?, local.stat("billed")?);
    local
        .exported_to(Cmd::new(quickstart).dir(repo.root()))
        .shown()?;
    let requests = local.stat("requests")?.saturating_sub(requests);
    let billed = local.stat("billed")?.saturating_sub(billed);

    println!(
        "\nThat took {}, {} as Upstash bills them.",
        counted(requests, "request"),
        counted(billed, "command")
    );
    let serve = serve_command(repo.root(), &server);
    println!(
        "Next: read and change examples/quickstart.rs. Or keep a server running with\n  {serve}\ncopy the two \
         lines it prints, and start a program of your own. With the URL and the token of a database at Upstash in \
         those\ntwo variables, the same program runs there."
    );
    Ok(())
}

/// How to start restis-local by hand before the same server.
fn serve_command(root: &Path, server: &RealServer) -> String {
    let serve = "cargo run -p restis-local";
    let on_path = server
        .path
        .file_name()
        .and_then(|name| tools::on_path(&name.to_string_lossy()));
    if on_path.as_ref() == Some(&server.path) {
        return serve.to_owned();
    }
    let path = server.path.strip_prefix(root).unwrap_or(&server.path);
    format!("RESTIS_SERVER={} {serve}", path.display())
}

fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_server_unless_it_is_found_by_itself() {
        let root = Path::new("/home/ada/restis");
        let fetched = RealServer {
            path: root.join("target/tools/valkey-server"),
            version: "Valkey 9.1.2".to_owned(),
        };
        let expected = "RESTIS_SERVER=target/tools/valkey-server cargo run -p restis-local";
        assert_eq!(serve_command(root, &fetched), expected);
        let found = RealServer {
            path: tools::on_path("sh").unwrap_or_default(),
            ..fetched
        };
        assert_eq!(serve_command(root, &found), "cargo run -p restis-local");
    }

    #[test]
    fn counts_as_people_do() {
        assert_eq!(counted(0, "request"), "0 requests");
        assert_eq!(counted(1, "request"), "1 request");
        assert_eq!(counted(12, "command"), "12 commands");
    }
}
