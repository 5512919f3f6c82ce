//! How sessions begin and end: timeouts, the cap, rotation, and changes that meet.

use std::time::Duration;

use futures_util::future::join_all;
use restis::{Redis, Sessions, session::Verdict};

use super::{HOUR, KEY, SECOND, Text, Time, both, is_valid, old, sessions, start, until};

#[tokio::test]
async fn a_session_is_what_was_stored() {
    both(async |redis| {
        let sessions = sessions::<Vec<String>>(&redis);
        let data = vec!["\n \"é".to_owned()];
        let issued = sessions
            .create("user 42", &data)
            .user_agent("Fire\nfox")
            .ip("::1")
            .await
            .unwrap();
        let session = sessions.validate(issued.text()).await.unwrap().unwrap();
        assert_eq!(session.user(), Some("user 42"));
        assert_eq!(session.data(), &data);
        assert_eq!(session.user_agent(), Some("Fire\nfox"));
        assert_eq!(session.ip(), Some("::1"));
        assert_eq!(session.id(), issued.id());
        assert_eq!(session.ends_at() - session.created_at(), 8 * 3_600_000);
        let shown = format!("{session:?} {issued:?} {sessions:?}");
        for secret in ["user 42", "fox", "::1", issued.text(), issued.id()] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let devices = sessions.list("user 42").await.unwrap();
        assert_eq!(devices.len(), 1);
        assert_eq!(devices[0].id(), issued.id());
        assert_eq!(devices[0].user_agent(), Some("Fire\nfox"));
        assert!(devices[0].last_seen() >= devices[0].created_at());
        // Who is somebody else has none of it.
        assert_eq!(sessions.count("user 4").await.unwrap(), 0);
        sessions
            .revoke_device("user 42", issued.id())
            .await
            .unwrap();
        assert!(!is_valid(&sessions, issued.text()).await);
        sessions.revoke(issued.text()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_unused_session_ends() {
    both(async |redis| {
        let sessions = sessions::<()>(&redis).idle(Duration::from_millis(1_000));
        let used = sessions.create("ada", &()).await.unwrap();
        let unused = sessions.create("ada", &()).await.unwrap();
        let begun = std::time::Instant::now();
        until(async || {
            assert!(is_valid(&sessions, used.text()).await);
            sessions.count("ada").await.unwrap() == 1
        })
        .await;
        assert!(begun.elapsed() >= Duration::from_millis(900));
        assert!(!is_valid(&sessions, unused.text()).await);
        assert!(is_valid(&sessions, used.text()).await);
        // Nothing is left behind.
        until(async || {
            let mut keys = redis.scan().matching("sess*").stream::<String>();
            keys.next().await.is_none() || !some_key_stays(&redis).await
        })
        .await;
    })
    .await;
}

async fn some_key_stays(redis: &Redis) -> bool {
    let mut keys = redis.scan().matching("sess*").stream::<String>();
    while let Some(key) = keys.next().await {
        if redis.ttl(key.unwrap()).await.unwrap().left().is_none() {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn every_session_ends() {
    both(async |redis| {
        let time = Time::new();
        let sessions = time.of(sessions::<()>(&redis)).absolute(HOUR);
        let issued = sessions.create("ada", &()).await.unwrap();
        time.pass(HOUR - SECOND);
        assert!(is_valid(&sessions, issued.text()).await);
        time.pass(SECOND);
        assert_eq!(sessions.count("ada").await.unwrap(), 0);
        assert!(!is_valid(&sessions, issued.text()).await);
        // It was taken away, and a clock that is set back does not bring it back.
        let earlier = Time::new().of(sessions.clone());
        assert!(!is_valid(&earlier, issued.text()).await);
    })
    .await;
}

/// By the server's own time: used all the time, it ends at its absolute end.
#[tokio::test]
async fn five_seconds_are_five_seconds() {
    let (_local, redis) = start().await;
    let sessions = sessions::<()>(&redis).idle(SECOND * 2).absolute(SECOND * 5);
    let begun = std::time::Instant::now();
    let issued = sessions.create("ada", &()).await.unwrap();
    let unused = sessions.create("ada", &()).await.unwrap();
    // When it was seen for the last time, and when it was missed: its end is between them, however slow the machine is.
    let (mut used, mut idle) = (
        (Duration::ZERO, Duration::ZERO),
        (Duration::ZERO, Duration::ZERO),
    );
    let mut is_there = true;
    while is_there {
        let asked = begun.elapsed();
        is_there = is_valid(&sessions, issued.text()).await;
        match is_there {
            true => used.0 = asked,
            false => used.1 = begun.elapsed(),
        }
        let asked = begun.elapsed();
        let devices = sessions.list("ada").await.unwrap();
        match devices.iter().any(|device| device.id() == unused.id()) {
            true => idle.0 = asked,
            false if idle.1.is_zero() => idle.1 = begun.elapsed(),
            false => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let near = |(seen, missed): (Duration, Duration), wanted: Duration| {
        let much = Duration::from_millis(200);
        seen < wanted + much && missed > wanted - much
    };
    assert!(near(used, SECOND * 5), "{used:?}");
    assert!(near(idle, SECOND * 2), "{idle:?}");
}

#[tokio::test]
async fn without_idle_time_it_lives_to_its_end() {
    both(async |redis| {
        let sessions = sessions::<()>(&redis).idle(None).absolute(SECOND);
        let issued = sessions.create("ada", &()).await.unwrap();
        assert!(is_valid(&sessions, issued.text()).await);
        until(async || !is_valid(&sessions, issued.text()).await).await;
    })
    .await;
}

#[tokio::test]
async fn the_least_used_makes_room() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis).cap(3);
        let mut tokens = Vec::new();
        for number in 0..3 {
            tokens.push(sessions.create("ada", &number).await.unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let others = sessions.create("bob", &9).await.unwrap();
        assert!(is_valid(&sessions, tokens[0].text()).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
        let fourth = sessions.create("ada", &3).await.unwrap();
        let mut valid = Vec::new();
        for token in tokens.iter().chain([&fourth, &others]) {
            valid.push(is_valid(&sessions, token.text()).await);
        }
        assert_eq!(valid, [true, false, true, true, true]);
        assert_eq!(sessions.count("ada").await.unwrap(), 3);
        // Who logs in by rotation takes a place, too.
        let nobody = sessions.create_anonymous(&4).await.unwrap();
        let login = sessions.rotate(nobody.text()).user("ada").await.unwrap();
        assert!(is_valid(&sessions, login.unwrap().text()).await);
        assert_eq!(sessions.count("ada").await.unwrap(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_crowd_is_kept_to_the_cap() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis).cap(5);
        let login = || async { sessions.create("ada", &1).await.unwrap() };
        let tokens = join_all((0..60).map(|_| login())).await;
        assert_eq!(sessions.count("ada").await.unwrap(), 5);
        let mut valid = 0;
        for token in &tokens {
            valid += u32::from(is_valid(&sessions, token.text()).await);
        }
        assert_eq!(valid, 5);
    })
    .await;
}

#[tokio::test]
async fn a_secret_is_replaced() {
    both(async |redis| {
        let time = Time::new();
        let sessions = time.of(sessions::<u32>(&redis)).renewal(HOUR);
        let first = sessions.create("ada", &1).await.unwrap();
        time.pass(HOUR);
        let session = sessions.validate(first.text()).await.unwrap().unwrap();
        assert!(session.is_renewal_due());
        let rotate = || sessions.rotate(first.text()).grace(SECOND * 30);
        let second = rotate().await.unwrap().unwrap();
        // Who asks at the same time has no second one, and goes on with the old one.
        assert!(rotate().await.unwrap().is_none());
        let old = sessions.validate(first.text()).await.unwrap().unwrap();
        assert!(!old.is_renewal_due() && old.id() == second.id());
        // What is changed with the old one is changed.
        let changed = sessions.update(first.text(), |count| *count += 1).await;
        assert_eq!(changed.unwrap(), Some(2));
        let new = sessions.validate(second.text()).await.unwrap().unwrap();
        assert!(!new.is_renewal_due() && new.created_at() == old.created_at());
        assert_eq!(sessions.count("ada").await.unwrap(), 1);
        time.pass(SECOND * 30);
        assert!(!is_valid(&sessions, first.text()).await);
        // Without grace the old one is gone at once.
        let third = sessions.rotate(second.text()).await.unwrap().unwrap();
        assert!(!is_valid(&sessions, second.text()).await);
        assert!(sessions.rotate(second.text()).await.unwrap().is_none());
        let session = sessions.validate(third.text()).await.unwrap().unwrap();
        assert_eq!((session.user(), session.data()), (Some("ada"), &2));
        // Logout with the new one ends the old one, too.
        let fourth = sessions.rotate(third.text()).grace(SECOND * 30);
        let fourth = fourth.await.unwrap().unwrap();
        assert!(is_valid(&sessions, third.text()).await);
        sessions.revoke(fourth.text()).await.unwrap();
        assert!(!is_valid(&sessions, third.text()).await);
        assert!(!is_valid(&sessions, fourth.text()).await);
        assert_eq!(session.ends_at(), old.created_at() + 8 * 3_600_000);
    })
    .await;
}

#[tokio::test]
async fn a_planted_token_is_worth_nothing_after_login() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let planted = sessions.create_anonymous(&1).await.unwrap();
        let session = sessions.validate(planted.text()).await.unwrap().unwrap();
        assert_eq!(session.user(), None);
        let login = sessions.rotate(planted.text()).user("ada").await.unwrap();
        assert!(!is_valid(&sessions, planted.text()).await);
        let login = login.unwrap();
        let session = sessions.validate(login.text()).await.unwrap().unwrap();
        assert_eq!((session.user(), session.data()), (Some("ada"), &1));
        assert_eq!(sessions.count("ada").await.unwrap(), 1);
    })
    .await;
}

/// What a caller sends never becomes a session, whatever is done with it.
#[tokio::test]
async fn an_unknown_token_is_no_session() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let elsewhere = Sessions::<u32>::new(&redis, KEY).namespace("other");
        let unknown = elsewhere.create("ada", &1).await.unwrap();
        let unknown = unknown.text();
        for _ in 0..2 {
            assert!(!is_valid(&sessions, unknown).await);
            assert_eq!(sessions.update(unknown, |_| {}).await.unwrap(), None);
            assert!(
                sessions
                    .rotate(unknown)
                    .user("ada")
                    .await
                    .unwrap()
                    .is_none()
            );
            assert_eq!(sessions.revoke_others(unknown).await.unwrap(), None);
            sessions.revoke(unknown).await.unwrap();
        }
        assert_eq!(sessions.count("ada").await.unwrap(), 0);
        let keys: Vec<String> = redis.keys("sess*").await.unwrap();
        assert_eq!(keys, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn no_change_is_lost() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let issued = sessions.create("ada", &0).await.unwrap();
        let add = || sessions.update(issued.text(), |count| *count += 1);
        let done = join_all((0..100).map(|_| add())).await;
        assert!(done.into_iter().all(|done| done.unwrap().is_some()));
        let session = sessions.validate(issued.text()).await.unwrap().unwrap();
        assert_eq!(session.data(), &100);
    })
    .await;
}

/// A change keeps the time a session has.
#[tokio::test]
async fn a_change_does_not_make_it_live_on() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis).idle(Duration::from_millis(500));
        let issued = sessions.create("ada", &0).await.unwrap();
        sessions
            .update(issued.text(), |count| *count += 1)
            .await
            .unwrap();
        until(async || sessions.count("ada").await.unwrap() == 0).await;
        assert_eq!(sessions.update(issued.text(), |_| {}).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn others_end() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let mut tokens = Vec::new();
        for number in 0..4 {
            tokens.push(sessions.create("ada", &number).await.unwrap());
        }
        let bob = sessions.create("bob", &0).await.unwrap();
        let ended = sessions.revoke_others(tokens[2].text()).await.unwrap();
        assert_eq!(ended, Some(3));
        for (number, token) in tokens.iter().enumerate() {
            assert_eq!(is_valid(&sessions, token.text()).await, number == 2);
        }
        assert!(is_valid(&sessions, bob.text()).await);
    })
    .await;
}

/// A look-up that begins after `revoke_all` has returned lets nobody in, in 1,000 races.
#[tokio::test]
async fn nobody_is_let_in_after_all_have_ended() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        for round in 0..500 {
            let issued = sessions.create("ada", &round).await.unwrap();
            let token = issued.text();
            let end = async {
                sessions.revoke_all("ada").await.unwrap();
                assert!(!is_valid(&sessions, token).await);
            };
            let change = async {
                let _ = sessions.update(token, |count| *count += 1).await.unwrap();
            };
            let (_, moved, _) = tokio::join!(end, sessions.rotate(token).into_future(), change);
            if let Some(moved) = moved.unwrap() {
                // It moved before all ended, and ended with them; or it was asked for after that, and found nothing.
                assert!(!is_valid(&sessions, moved.text()).await);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_odd_is_told() {
    let (_local, redis) = start().await;
    let sessions = sessions::<u32>(&redis);
    let issued = sessions
        .create("ada", &1)
        .user_agent("a")
        .ip("1")
        .await
        .unwrap();
    let token = issued.text();
    for (user_agent, ip, odd) in [
        ("a", "1", None),
        ("b", "1", Some((true, false))),
        ("a", "2", Some((false, true))),
        ("b", "2", Some((true, true))),
    ] {
        let look = sessions.validate(token).user_agent(user_agent).ip(ip);
        let session = look.await.unwrap().unwrap();
        let found = session.anomaly().map(|found| (found.user_agent, found.ip));
        assert_eq!(found, odd);
    }
    let strict = sessions.clone().on_anomaly(|_| Verdict::Revoke);
    assert!(strict.validate(token).ip("1").await.unwrap().is_some());
    assert!(strict.validate(token).ip("2").await.unwrap().is_none());
    assert!(!is_valid(&sessions, token).await);
}

/// One process has learned that fields do not expire, and another that they do: a server that was upgraded meanwhile.
#[tokio::test]
async fn both_layouts_side_by_side() {
    let (local, redis) = start().await;
    let new: Sessions<u32> = Sessions::new(&redis, KEY);
    let old: Sessions<u32> = Sessions::new(&super::old(&local), KEY);
    let marked = old.create("ada", &1).await.unwrap();
    let plain = new.create("ada", &2).await.unwrap();
    for sessions in [&old, &new, &old] {
        for (issued, data) in [(&marked, 1), (&plain, 2)] {
            let session = sessions.validate(issued.token().as_str()).await.unwrap();
            assert_eq!(session.unwrap().data(), &data);
        }
    }
    old.revoke_all("ada").await.unwrap();
    for issued in [&marked, &plain] {
        assert!(
            new.validate(issued.token().as_str())
                .await
                .unwrap()
                .is_none()
        );
    }
}

/// A token that was planted, or used before, has no say in whose others end.
#[tokio::test]
async fn only_who_is_valid_ends_the_others() {
    let (_local, redis) = start().await;
    let sessions: Sessions<u32> = Sessions::new(&redis, KEY);
    let first = sessions.create("ada", &1).await.unwrap();
    let grace = SECOND * 30;
    let renewed = sessions.rotate(first.token().as_str()).grace(grace).await;
    let renewed = renewed.unwrap().unwrap();
    sessions.create("ada", &2).await.unwrap();
    // In its grace it is the session that stays.
    let ended = sessions
        .revoke_others(first.token().as_str())
        .await
        .unwrap();
    assert_eq!(ended, Some(1));
    assert!(
        sessions
            .validate(renewed.token().as_str())
            .await
            .unwrap()
            .is_some()
    );
    let family = sessions.create_refresh("ada", &3).await.unwrap();
    sessions.refresh(family.token().as_str()).await.unwrap();
    let ended = sessions
        .revoke_others(family.token().as_str())
        .await
        .unwrap();
    assert_eq!(ended, None);
}

/// Whoever logs out with a token that another tab has replaced a moment ago is logged out, and so is a device by the id
/// that a list gave before.
#[tokio::test]
async fn logout_ends_what_was_rotated() {
    both(async |redis| {
        let sessions: Sessions<u32> = Sessions::new(&redis, KEY);
        for by_id in [false, true] {
            let first = sessions.create("ada", &1).await.unwrap();
            let second = sessions.rotate(first.text()).grace(SECOND * 30);
            let second = second.await.unwrap().unwrap();
            assert_eq!(first.id(), second.id());
            match by_id {
                true => sessions.revoke_device("ada", first.id()).await.unwrap(),
                false => sessions.revoke(first.text()).await.unwrap(),
            }
            assert!(!is_valid(&sessions, first.text()).await);
            assert!(!is_valid(&sessions, second.text()).await);
            assert_eq!(sessions.count("ada").await.unwrap(), 0);
        }
    })
    .await;
}

/// The id in a token is no secret: with another secret behind it, it lets nobody in and changes nothing.
#[tokio::test]
async fn a_token_with_another_secret_is_none() {
    both(async |redis| {
        let sessions: Sessions<u32> = Sessions::new(&redis, KEY);
        let (mine, other) = (
            sessions.create("ada", &1).await.unwrap(),
            sessions.create("ada", &2).await.unwrap(),
        );
        let (place, _) = mine.text().rsplit_once('.').unwrap();
        let (_, secret) = other.text().rsplit_once('.').unwrap();
        let forged = format!("{place}.{secret}");
        assert!(!is_valid(&sessions, &forged).await);
        assert_eq!(sessions.update(&forged, |n| *n += 1).await.unwrap(), None);
        assert!(sessions.rotate(&forged).await.unwrap().is_none());
        assert_eq!(sessions.revoke_others(&forged).await.unwrap(), None);
        let session = sessions.validate(mine.text()).await.unwrap().unwrap();
        assert_eq!(session.data(), &1);
    })
    .await;
}

/// Where a session may be unused for longer than it lives, the one that was looked up last is not the newest for ever.
#[tokio::test]
async fn a_long_idle_time_keeps_the_order_of_use() {
    let (_local, redis) = start().await;
    let sessions: Sessions<u32> = Sessions::new(&redis, KEY);
    let sessions = sessions.cap(2).idle(HOUR * 24).absolute(HOUR);
    let first = sessions.create("ada", &1).await.unwrap();
    assert!(is_valid(&sessions, first.text()).await);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let second = sessions.create("ada", &2).await.unwrap();
    sessions.create("ada", &3).await.unwrap();
    assert!(!is_valid(&sessions, first.text()).await);
    assert!(is_valid(&sessions, second.text()).await);
}

/// What is no session, or one of a later version, hides no other from its user.
#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_other() {
    both(async |redis| {
        let sessions: Sessions<u32> = Sessions::new(&redis, KEY);
        let issued = sessions.create("ada", &1).await.unwrap();
        let (tag, _) = issued.text().split_once('.').unwrap();
        redis
            .hset(format!("sess:{tag}"), ("x", "9 what"))
            .await
            .unwrap();
        assert_eq!(sessions.list("ada").await.unwrap().len(), 1);
        assert_eq!(sessions.count("ada").await.unwrap(), 1);
    })
    .await;
}

/// Without fields that expire, what has expired is taken away by whoever lists.
#[tokio::test]
async fn a_list_takes_away_what_has_expired() {
    let (local, redis) = start().await;
    let sessions: Sessions<u32> = Sessions::new(&old(&local), KEY);
    let short = sessions.clone().idle(Duration::from_millis(50));
    let lasting = sessions.create("ada", &1).await.unwrap();
    short.create("ada", &2).await.unwrap();
    until(async || sessions.count("ada").await.unwrap() == 1).await;
    let (tag, _) = lasting.text().split_once('.').unwrap();
    assert_eq!(redis.hlen(format!("sess:{tag}")).await.unwrap(), 1);
    // A process of a server that has HPTTL alone, or has learned the rest since, sees the same.
    let newer: Sessions<u32> = Sessions::new(&redis, KEY);
    short.create("ada", &3).await.unwrap();
    until(async || newer.list("ada").await.unwrap().len() == 1).await;
    assert!(is_valid(&newer, lasting.text()).await);
}

#[tokio::test]
async fn a_login_leaves_nothing_to_the_old_token() {
    let (_local, redis) = start().await;
    let sessions: Sessions<u32> = Sessions::new(&redis, KEY);
    let planted = sessions.create_anonymous(&1).await.unwrap();
    let planted = planted.token().as_str();
    let with_grace = sessions.rotate(planted).user("ada").grace(SECOND).await;
    assert!(with_grace.unwrap_err().is_argument());
    let ada = sessions.rotate(planted).user("ada").await.unwrap().unwrap();
    assert!(sessions.validate(planted).await.unwrap().is_none());
    // Nor does what is hers become another's.
    let taken = sessions.rotate(ada.token().as_str()).user("bob").await;
    assert!(taken.unwrap_err().is_argument());
    assert!(
        sessions
            .validate(ada.token().as_str())
            .await
            .unwrap()
            .is_some()
    );
}
