//! A user with very many sessions, texts of any length, and hooks that fail.

use std::collections::HashSet;

use restis::{
    Redis,
    session::{Issued, Plain, PlainSession, Verdict},
};

use super::{HOUR, SECOND, Text, both, cost, is_valid, old, sessions, start};

/// Puts so many copies of a session beside it, each with a field of its own.
async fn fill(redis: &Redis, issued: &Issued, copies: usize) {
    let (tag, _) = issued.text().split_once('.').unwrap();
    let hash = format!("sess:{tag}");
    let script = "local record = redis.call('HGET', KEYS[1], ARGV[1])
        for copy = tonumber(ARGV[2]), tonumber(ARGV[3]) do
            redis.call('HSETEX', KEYS[1], 'PX', 1800000, 'FIELDS', 1, string.format('copy-of-a-session-%d', copy), record)
        end
        return 1";
    for begin in (0..copies).step_by(10_000) {
        let end = (begin + 10_000).min(copies) - 1;
        let eval = redis.command("EVAL").arg(script).arg(1).arg(&hash);
        let eval = eval.arg(issued.id()).arg(begin).arg(end);
        assert_eq!(eval.query::<u32>().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn hundred_thousand_sessions_are_counted_listed_and_ended() {
    const COPIES: usize = 100_000;
    let (local, redis) = start().await;
    let sessions = sessions::<String>(&redis);
    // Data that no list has to carry: 100 MB of them.
    let data = "x".repeat(1000);
    let issued = sessions
        .create("ada", &data)
        .user_agent("Firefox")
        .ip("192.0.2.1")
        .await
        .unwrap();
    fill(&redis, &issued, COPIES).await;

    // The first time the script is sent.
    sessions.count("nobody").await.unwrap();
    let (count, (requests, billed)) = cost(&local, sessions.count("ada")).await;
    assert_eq!(count.unwrap(), COPIES + 1);
    assert!(requests <= 11, "{requests}");
    assert_eq!(billed, requests * 2);

    let (mut cursor, mut found, mut pages) = (None, HashSet::new(), 0);
    loop {
        let page = sessions.list_page("ada", cursor.as_deref(), 5_000);
        let page = page.await.unwrap();
        found.extend(page.devices.iter().map(|device| device.id().to_owned()));
        assert!(page.devices.len() <= 10_000, "{}", page.devices.len());
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), COPIES + 1);
    assert!(pages <= 21, "{pages}");
    assert_eq!(sessions.list("ada").await.unwrap().len(), COPIES + 1);

    assert!(is_valid(&sessions, issued.text()).await);
    let stranger = sessions.create("bob", &data).await.unwrap();
    let ended = sessions.revoke_others(issued.text()).await.unwrap();
    assert_eq!(ended, Some(COPIES as u64));
    assert_eq!(sessions.count("ada").await.unwrap(), 1);
    assert!(is_valid(&sessions, issued.text()).await);
    assert!(is_valid(&sessions, stranger.text()).await);
    // The one that stays still ends by itself.
    let devices = sessions.list("ada").await.unwrap();
    assert!(devices[0].last_seen() > devices[0].created_at() - 1000);
    let short = sessions.clone().idle(SECOND / 20);
    assert!(is_valid(&short, issued.text()).await);
    // Validating it would start its idle time again.
    super::until(async || sessions.count("ada").await.unwrap() == 0).await;
    assert!(!is_valid(&short, issued.text()).await);

    let issued = sessions.create("ada", &data).await.unwrap();
    fill(&redis, &issued, COPIES).await;
    let (_, price) = cost(&local, sessions.revoke_all("ada")).await;
    assert_eq!(price, (1, 1));
    assert_eq!(sessions.count("ada").await.unwrap(), 0);
    assert!(!is_valid(&sessions, issued.text()).await);
}

/// By either layout the sessions that stay and end are the same.
#[tokio::test]
async fn thousands_of_others_end() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let made = (0..2_500).map(|_| async { sessions.create("ada", &1).await.unwrap() });
        let mut made = made.collect::<Vec<_>>().into_iter();
        let mut issued = Vec::new();
        while let chunk = made.by_ref().take(100).collect::<Vec<_>>()
            && !chunk.is_empty()
        {
            issued.extend(futures_util::future::join_all(chunk).await);
        }
        assert_eq!(sessions.count("ada").await.unwrap(), 2_500);
        assert_eq!(sessions.list("ada").await.unwrap().len(), 2_500);
        let stays = issued[7].text();
        let ended = sessions.revoke_others(stays).await.unwrap();
        assert_eq!(ended, Some(2_499));
        assert!(is_valid(&sessions, stays).await);
        for ended in [0, 6, 8, 2_499] {
            assert!(!is_valid(&sessions, issued[ended].text()).await);
        }
        assert_eq!(sessions.count("ada").await.unwrap(), 1);
        // One that has ended ends no others.
        let other = sessions.create("ada", &1).await.unwrap();
        assert_eq!(
            sessions.revoke_others(issued[0].text()).await.unwrap(),
            None
        );
        assert!(is_valid(&sessions, other.text()).await);
    })
    .await;
}

#[tokio::test]
async fn pages_that_cannot_be_are_refused() {
    let (_local, redis) = start().await;
    let sessions = sessions::<u32>(&redis);
    for cursor in ["", "x", "-1", "1 MATCH *", "184467440737095516160"] {
        let page = sessions.list_page("ada", Some(cursor), 1).await;
        assert!(page.unwrap_err().is_argument());
    }
    let page = sessions.list_page("ada", None, 0).await;
    assert!(page.unwrap_err().is_argument());
    let page = sessions.list_page("ada", None, u32::MAX).await.unwrap();
    assert!(page.devices.is_empty() && page.cursor.is_none());
}

#[tokio::test]
async fn long_texts_are_cut_and_compared_as_they_are_kept() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis).on_anomaly(|_| Verdict::Revoke);
        let agent = "é".repeat(30_000);
        let ip = "1".repeat(60_000);
        let create = sessions.create("ada", &1).user_agent(&*agent).ip(&*ip);
        let issued = create.await.unwrap();
        let token = issued.text();
        let session = sessions.validate(token).user_agent(&agent).ip(&ip).await;
        let session = session.unwrap().unwrap();
        assert_eq!(session.user_agent(), Some(&*"é".repeat(256)));
        assert_eq!(session.ip(), Some(&*"1".repeat(128)));
        assert!(session.anomaly().is_none());
        let (tag, _) = token.split_once('.').unwrap();
        let stored = redis.hvals::<String>(format!("sess:{tag}")).await.unwrap();
        assert!(stored[0].len() < 1_200, "{}", stored[0].len());
        let look = sessions.validate(token).user_agent("another").await;
        assert!(look.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn user_whose_id_is_too_long_is_refused() {
    let (local, redis) = start().await;
    let sessions = sessions::<u32>(&redis);
    let most = "u".repeat(1024);
    let issued = sessions.create(&most, &1).await.unwrap();
    assert!(is_valid(&sessions, issued.text()).await);
    let nobody = sessions.create_anonymous(&1).await.unwrap();
    let more = format!("{most}u");
    let refused = async {
        assert!(sessions.create(&more, &1).await.unwrap_err().is_argument());
        let login = sessions.rotate(nobody.text()).user(&more);
        assert!(login.await.unwrap_err().is_argument());
    };
    let (_, price) = cost(&local, refused).await;
    assert_eq!(price, (0, 0));
}

#[tokio::test]
async fn hook_that_panics_ends_the_session() {
    let (_local, redis) = start().await;
    let sessions = sessions::<u32>(&redis);
    let issued = sessions.create("ada", &1).ip("1").await.unwrap();
    let strict = sessions.clone().on_anomaly(|_| panic!("a hook"));
    let token = issued.text();
    assert!(strict.validate(token).ip("1").await.unwrap().is_some());
    assert!(strict.validate(token).ip("2").await.unwrap().is_none());
    assert!(!is_valid(&sessions, token).await);
}

/// What has expired, or is past its absolute end, is in no count, by either layout.
#[tokio::test]
async fn count_and_pages_have_only_what_is_valid() {
    let (local, redis) = start().await;
    for redis in [redis, old(&local)] {
        let time = super::Time::new();
        let sessions = time.of(sessions::<u32>(&redis)).absolute(HOUR);
        let short = sessions.clone().idle(SECOND / 20);
        sessions.create("ada", &1).await.unwrap();
        short.create("ada", &1).await.unwrap();
        super::until(async || sessions.count("ada").await.unwrap() == 1).await;
        let page = sessions.list_page("ada", None, 10).await.unwrap();
        assert_eq!(page.devices.len(), 1);
        time.pass(HOUR);
        sessions.create("ada", &1).await.unwrap();
        assert_eq!(sessions.count("ada").await.unwrap(), 1);
        let page = sessions.list_page("ada", None, 10).await.unwrap();
        assert_eq!(page.devices.len(), 1);
        sessions.revoke_all("ada").await.unwrap();
    }
}

#[tokio::test]
async fn plain_session_is_cut_where_it_is_made_and_where_it_is_moved() {
    let (_local, redis) = start().await;
    let plain = Plain::new(&redis);
    let long = PlainSession::new("ada", "é".repeat(30_000), "1".repeat(60_000));
    let token = plain.create(&long).await.unwrap();
    let found = plain.validate(token.as_str()).await.unwrap().unwrap();
    assert_eq!((found.user_agent.len(), found.ip_address.len()), (512, 128));
    // One that another service made is as long as it likes.
    let json =
        serde_json::json!({"userId": "ada", "userAgent": "x".repeat(60_000), "ipAddress": "1"});
    redis.set("session:other", json.to_string()).await.unwrap();
    let sessions = sessions::<u32>(&redis).migrating(plain, |_| 1);
    let moved = sessions
        .validate("other")
        .user_agent(&"x".repeat(60_000))
        .await;
    let moved = moved.unwrap().unwrap();
    assert_eq!(moved.user_agent().map(str::len), Some(512));
    assert!(moved.anomaly().is_none());
}
