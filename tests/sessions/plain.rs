//! The plain format, byte for byte, and the way out of it.

use futures_util::future::join_all;
use restis::{
    Redis, Sessions,
    session::{Plain, PlainSession},
};

use super::{SECOND, Text, Time, both, cost, is_valid, sessions, start};

const STORED: &str = r#"{"userId":"42","userAgent":"Fire\"fox","ipAddress":"::1"}"#;

fn migrating(redis: &Redis) -> Sessions<String> {
    sessions(redis).migrating(Plain::new(redis), |plain| {
        plain
            .rest
            .get("role")
            .map_or_else(String::new, ToString::to_string)
    })
}

#[tokio::test]
async fn it_is_read_and_written_as_it_is() {
    let (local, redis) = start().await;
    let plain = Plain::new(&redis);
    let session = PlainSession::new("42", "Fire\"fox", "::1");
    let (token, price) = cost(&local, plain.create(&session)).await;
    assert_eq!(price, (1, 1));
    let token = token.unwrap();
    let key = format!("session:{}", token.as_str());
    let stored: Option<String> = redis.get(&key).await.unwrap();
    assert_eq!(stored.as_deref(), Some(STORED));
    let left = redis.ttl(&key).await.unwrap().left().unwrap();
    assert!((604_790..=604_800).contains(&left));
    let (found, price) = cost(&local, plain.validate(token.as_str())).await;
    assert_eq!((found.unwrap(), price), (Some(session), (1, 1)));
    let (_, price) = cost(&local, plain.revoke(token.as_str())).await;
    assert_eq!(price, (1, 1));
    assert_eq!(plain.validate(token.as_str()).await.unwrap(), None);
    assert_eq!(plain.validate("").await.unwrap(), None);
    // As others wrote it.
    for (text, user) in [
        (r#"{"userId":42}"#, Some("42")),
        // As a double it would be another user's.
        (
            r#"{"userId":12345678901234567890123}"#,
            Some("12345678901234567890123"),
        ),
        (r#" {"ipAddress":null,"userId":"a","x":[1]} "#, Some("a")),
        (r#"{"userId":null}"#, None),
        ("secret", None),
    ] {
        redis.set("session:t", text).await.unwrap();
        let found = plain.validate("t").await;
        match user {
            Some(user) => assert_eq!(found.unwrap().unwrap().user_id, user),
            None => assert!(found.unwrap_err().is_decode()),
        }
    }
}

#[tokio::test]
async fn it_is_moved_once() {
    both(async |redis| {
        let sessions = migrating(&redis);
        let json = r#"{"userId":"42","userAgent":"Firefox","ipAddress":"::1","role":"admin"}"#;
        redis.set("session:old", json).ex(604_800).await.unwrap();
        let crowd = join_all((0..20).map(|_| sessions.validate("old").into_future())).await;
        let mut tokens = Vec::new();
        for session in crowd {
            let session = session.unwrap().unwrap();
            assert_eq!(session.user(), Some("42"));
            assert_eq!(session.data(), "\"admin\"");
            tokens.push(session.replaced_by().unwrap().as_str().to_owned());
        }
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(sessions.count("42").await.unwrap(), 1);
        let session = sessions.validate(&tokens[0]).await.unwrap().unwrap();
        assert!(session.replaced_by().is_none());
        // The old one is gone soon.
        let left = redis.pttl("session:old").await.unwrap().left().unwrap();
        assert!(left <= 10_000);
        // All at once means the old one, too.
        sessions.revoke_all("42").await.unwrap();
        assert!(!is_valid(&sessions, "old").await);
        assert!(!is_valid(&sessions, &tokens[0]).await);
        assert!(!is_valid(&sessions, "unknown").await);
    })
    .await;
}

#[tokio::test]
async fn logout_ends_both() {
    both(async |redis| {
        let sessions = migrating(&redis);
        redis.set("session:old", STORED).await.unwrap();
        sessions.revoke("old").await.unwrap();
        assert!(!is_valid(&sessions, "old").await);
        redis.set("session:old", STORED).await.unwrap();
        let session = sessions.validate("old").await.unwrap().unwrap();
        sessions.revoke("old").await.unwrap();
        assert!(!is_valid(&sessions, "old").await);
        assert!(!is_valid(&sessions, session.replaced_by().unwrap().as_str()).await);
    })
    .await;
}

#[tokio::test]
async fn what_else_is_in_it_stays_to_the_letter() {
    both(async |redis| {
        let stored = r#"{ "userId":7, "cart":[1.50, 12345678901234567890123] }"#;
        redis.set("session:old", stored).await.unwrap();
        let moved = migrating(&redis).validate("old").await.unwrap();
        assert_eq!(moved.unwrap().user(), Some("7"));
        let stays: String = redis.get("session:old").await.unwrap().unwrap();
        let as_it_was = stored.trim_end_matches('}');
        assert!(stays.starts_with(as_it_was), "{stays}");
        assert!(stays.contains("\"movedTo\":"), "{stays}");
    })
    .await;
}

#[tokio::test]
async fn moving_costs_once() {
    let (local, redis) = start().await;
    let sessions = migrating(&redis);
    for token in ["warm", "old"] {
        redis.set(format!("session:{token}"), STORED).await.unwrap();
        let (found, price) = cost(&local, sessions.validate(token).into_future()).await;
        let session = found.unwrap().unwrap();
        if token == "old" {
            assert_eq!(price, (3, 6));
        }
        let new = session.replaced_by().unwrap();
        let (_, price) = cost(&local, sessions.validate(new.as_str()).into_future()).await;
        assert_eq!(price, (1, 1));
    }
    let time = Time::new();
    let sessions = time.of(sessions);
    let issued = sessions.create("ada", &String::new()).await.unwrap();
    time.pass(SECOND);
    assert!(is_valid(&sessions, issued.text()).await);
}

#[tokio::test]
async fn to_move_one_gives_nobody_more_time() {
    both(async |redis| {
        let sessions = migrating(&redis);
        redis.set("session:old", STORED).ex(60).await.unwrap();
        let before = sessions_clock();
        let moved = sessions.validate("old").await.unwrap().unwrap();
        assert!((before + 50_000..=sessions_clock() + 60_000).contains(&moved.ends_at()));
        // One that never ended ends as all do.
        redis.set("session:ever", STORED).await.unwrap();
        let moved = sessions.validate("ever").await.unwrap().unwrap();
        assert!(moved.ends_at() >= before + 8 * 3_600_000);
    })
    .await;
}

fn sessions_clock() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn what_is_no_plain_token_costs_nothing() {
    let (local, redis) = start().await;
    let sessions = migrating(&redis);
    let refresh = sessions
        .create_refresh("ada", &String::new())
        .await
        .unwrap();
    redis.set("session:a:b", STORED).await.unwrap();
    let long = "a".repeat(4097);
    for token in ["", "a:b", "a b", "a\0", "a\n", &long, refresh.text()] {
        let (found, price) = cost(&local, sessions.validate(token).into_future()).await;
        assert_eq!(
            (found.unwrap().is_some(), price),
            (false, (0, 0)),
            "{token}"
        );
    }
    let plain = Plain::new(&redis);
    let (_, price) = cost(&local, plain.revoke("a:b")).await;
    assert_eq!(price, (0, 0));
}
