//! The hostile server as a program, for the tests in JavaScript: prints its address and serves until its input ends.

use std::io::Read as _;

use restis_testing::liar::Liar;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let liar = runtime.block_on(Liar::start())?;
    println!("{}", liar.url);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime.block_on(std::future::pending::<()>());
    Ok(())
}
