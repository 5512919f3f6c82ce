//! Every task of this repository, as `cargo xtask <task>`: the demo, the tests, the npm package, the size check, the
//! benches, the Worker. It needs Rust and, for the parts that are JavaScript or a real server, npm and Python's pip; everything else
//! it gets by itself.

#[cfg(not(unix))]
compile_error!("the tasks start Unix servers and process groups: on Windows run them in WSL");

mod args;
mod bench;
mod claims;
mod compare;
mod debian;
mod demo;
mod error;
mod fuzz;
mod lint;
mod npm;
mod package;
mod process;
mod pypi;
mod repo;
mod server;
mod size;
mod supply;
mod test;
mod tools;
mod ui;
mod worker;

use std::process::ExitCode;

use args::Task;
use repo::Repo;

fn main() -> ExitCode {
    let invocation = match args::parse(std::env::args().skip(1)) {
        Ok(invocation) => invocation,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    ui::set_verbose(invocation.verbose);
    let outcome = process::stop_children_on_signals().and_then(|()| run(&invocation.task));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> error::Result<()> {
    let repo = Repo::find()?;
    match task {
        Task::Help => {
            print!("{}", args::HELP);
            Ok(())
        }
        Task::Demo => demo::run(&repo),
        Task::Test { levels, long } => test::run(&repo, levels, *long),
        Task::Pkg => package::build(&repo),
        Task::Size => size::run(&repo),
        Task::Bench => bench::run(&repo),
        Task::Soak => bench::soak(&repo),
        Task::Compare(what) => compare::run(&repo, what),
        Task::Worker => worker::serve(&repo),
        Task::WorkerBuild => worker::build(&repo),
        Task::Tools => tools::install_all(&repo),
    }
}
