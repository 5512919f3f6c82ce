//! Answers that are larger than the client's limit: reading stops there, whatever the length in their head says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use restis::{Error, Redis, Retry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const LIMIT: usize = 1024 * 1024;

/// A server that answers every request with this head and then with bytes that never end, unless there is a limit to
/// them. Returns its address, and how many bytes of bodies it could write and how many requests it read.
async fn flood(head: &'static str, body: usize) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (written, requests) = (Arc::default(), Arc::default());
    let counted = (Arc::clone(&written), Arc::clone(&requests));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (written, requests) = (Arc::clone(&counted.0), Arc::clone(&counted.1));
            tokio::spawn(answer(stream, head, body, written, requests));
        }
    });
    (url, written, requests)
}

async fn answer(
    mut stream: TcpStream,
    head: &str,
    body: usize,
    written: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
) {
    let mut request = [0; 4096];
    while !matches!(stream.read(&mut request).await, Ok(0) | Err(_)) {
        requests.fetch_add(1, Ordering::Relaxed);
        let head = format!("HTTP/1.1 {head}\r\n\r\n");
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        let chunk = [&b"4000\r\n"[..], &[b' '; 0x4000], b"\r\n"].concat();
        let plain = vec![b' '; 0x4000];
        let piece = if head.contains("chunked") {
            &chunk
        } else {
            &plain
        };
        let mut left = body;
        while left > 0 {
            if stream.write_all(piece).await.is_err() {
                return;
            }
            written.fetch_add(piece.len(), Ordering::Relaxed);
            left = left.saturating_sub(0x4000);
        }
    }
}

fn client(url: &str) -> Redis {
    Redis::builder()
        .url(url)
        .token("token")
        .max_response_bytes(LIMIT)
        .retry(Retry::times(3).backoff(Duration::from_millis(1), Duration::from_millis(1)))
        .build()
        .unwrap()
}

#[track_caller]
fn is_over_the_limit(error: &Error, ambiguous: bool) {
    assert!(error.is_decode() && !error.is_retryable(), "{error:?}");
    assert_eq!(
        (error.is_ambiguous(), error.attempts()),
        (ambiguous, 1),
        "{error:?}"
    );
    assert!(error.to_string().contains("max_response_bytes"), "{error}");
}

#[tokio::test]
async fn endless_answer_is_given_up_at_the_limit() {
    for head in [
        "200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked",
        "200 OK\r\ncontent-type: application/json\r\nconnection: close",
        "200 OK\r\ncontent-type: application/octet-stream\r\nconnection: close",
    ] {
        let (url, written, requests) = flood(head, usize::MAX).await;
        let redis = client(&url);
        is_over_the_limit(&redis.get::<String>("k").await.unwrap_err(), false);
        is_over_the_limit(&redis.incr("k").await.unwrap_err(), true);
        let batch = redis.pipeline((redis.get::<String>("k"), redis.incr("k")));
        is_over_the_limit(&batch.await.unwrap_err(), true);
        // What the sockets hold comes on top.
        assert!(
            written.load(Ordering::Relaxed) < 3 * (LIMIT + 16 * 1024 * 1024),
            "{head}"
        );
        assert_eq!(requests.load(Ordering::Relaxed), 3, "{head}");
    }
}

#[tokio::test]
async fn length_over_the_limit_is_enough() {
    let (url, written, _) = flood("200 OK\r\ncontent-length: 1048577", 0).await;
    is_over_the_limit(&client(&url).get::<String>("k").await.unwrap_err(), false);
    assert_eq!(written.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn endless_page_of_a_gateway_is_what_its_status_says() {
    let (url, _, requests) = flood("502 Bad Gateway\r\nconnection: close", usize::MAX).await;
    let error = client(&url).get::<String>("k").await.unwrap_err();
    assert!(error.is_http() && error.status() == Some(502), "{error:?}");
    assert_eq!(requests.load(Ordering::Relaxed), 4);
    let error = client(&url).incr("k").await.unwrap_err();
    assert!(error.is_ambiguous() && error.attempts() == 1, "{error:?}");
}
