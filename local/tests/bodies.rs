//! Bodies of many requests at once. In a file of its own, since another test measures the memory of its process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Rest, until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// With a token too: bodies that come and do not end have 256 MB together.
#[tokio::test]
async fn bodies_of_all_requests_are_bounded_together() {
    let rest = Rest::new().await;
    let part = vec![b' '; 9 * 1024 * 1024];
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer local\r\ncontent-length: 10000000\r\n\r\n",
        rest.address()
    );
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(rest.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // One that is refused is closed before all of it is written.
        let _ = stream.write_all(&part).await;
        held.push(stream);
    }
    let mut refused = 0;
    for stream in &mut held {
        let mut answer = [0; 1024];
        let read = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut answer));
        if let Ok(Ok(length)) = read.await
            && answer[..length].starts_with(b"HTTP/1.1 503")
        {
            refused += 1;
            let text = String::from_utf8_lossy(&answer[..length]).to_lowercase();
            assert!(text.contains("restis-ran: no"), "{text}");
        }
    }
    assert!(refused >= 1, "{refused}");
    // When they are gone, there is room again.
    drop(held);
    let large = "x".repeat(9 * 1024 * 1024);
    until("there is room", async || {
        rest.post("/set/k", large.clone()).await.0 == 200
    })
    .await;
}
