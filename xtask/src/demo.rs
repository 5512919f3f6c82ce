//! The demo: the quickstart against a real server on this machine, with no account, and what it cost.

use crate::{
    error::Result,
    process::Cmd,
    repo::Repo,
    server::{self, Local},
    ui,
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
    let local = Local::start(&local, &server)?;

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
    println!(
        "Next: read and change examples/quickstart.rs, or keep a server running with `cargo run -p restis-local`,\n\
         copy the two lines it prints, and start your own program. The same program runs against Upstash when the\n\
         two variables are those of a database there."
    );
    Ok(())
}

fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_people_do() {
        assert_eq!(counted(0, "request"), "0 requests");
        assert_eq!(counted(1, "request"), "1 request");
        assert_eq!(counted(12, "command"), "12 commands");
    }
}
