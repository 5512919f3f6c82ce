//! Connections that do not come about: refused ports, and handshakes that fail.

use std::time::Duration;

use restis::{Redis, Retry};

use crate::{Outcome, start};

#[tokio::test]
async fn a_connection_that_is_refused_is_tried_again_and_said_so() -> Outcome {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await?
        .local_addr()?
        .port();
    let quick = Retry::times(2).backoff(Duration::from_millis(1), Duration::from_millis(1));
    let redis = Redis::builder()
        .url(format!("http://127.0.0.1:{port}"))
        .token("t")
        .retry(quick)
        .build()?;
    let error = redis.incr("n").await.unwrap_err();
    assert!(
        error.is_connect() && !error.is_tls() && !error.is_ambiguous() && error.is_retryable(),
        "{error}"
    );
    assert_eq!(error.attempts(), 3);
    assert!(error.to_string().contains("refused"), "{error}");
    Ok(())
}

#[tokio::test]
async fn tls_against_a_port_that_does_not_speak_it_is_a_tls_error() -> Outcome {
    let (local, _) = start().await;
    let redis = Redis::new(local.url().replace("http://", "https://"), local.token())?;
    let error = redis.get::<String>("k").await.unwrap_err();
    assert!(
        error.is_tls() && error.is_connect() && !error.is_retryable(),
        "{error:?}"
    );
    assert_eq!(error.attempts(), 1);
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_a_tls_error() -> Outcome {
    use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, rustls::pki_types::PrivateKeyDer};

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // The client turns away, so this ends in an error.
        acceptor.accept(stream).await.is_err()
    });
    let redis = Redis::new(format!("https://localhost:{port}"), "secret-token")?;
    let error = redis.incr("n").await.unwrap_err();
    assert!(
        error.is_tls() && error.is_connect() && !error.is_ambiguous(),
        "{error:?}"
    );
    assert_eq!(error.attempts(), 1);
    assert!(server.await?);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_handshake_is_no_tls_error() -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let closer = tokio::spawn(async move {
        let mut accepted = 0;
        while accepted < 2 {
            drop(listener.accept().await);
            accepted += 1;
        }
        accepted
    });
    let quick = Retry::times(1).backoff(Duration::from_millis(1), Duration::from_millis(1));
    let redis = Redis::builder()
        .url(format!("https://127.0.0.1:{port}"))
        .token("t")
        .retry(quick)
        .build()?;
    let error = redis.incr("n").await.unwrap_err();
    assert!(
        error.is_connect() && !error.is_tls() && !error.is_ambiguous(),
        "{error:?}"
    );
    assert_eq!((closer.await?, error.attempts()), (2, 2));
    Ok(())
}
