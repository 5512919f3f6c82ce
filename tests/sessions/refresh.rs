//! Refresh tokens: one successor each, and an end to the family when one comes back.

use futures_util::future::join_all;
use restis::{
    Sessions,
    session::{Refresh, Refreshed},
};

use super::{HOUR, SECOND, Text, Time, both, is_valid, old, sessions, start};

fn rotated<T: std::fmt::Debug>(refresh: Refresh<T>) -> Box<Refreshed<T>> {
    match refresh {
        Refresh::Rotated(next) => next,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_used_once() {
    both(async |redis| {
        let time = Time::new();
        let sessions = time.of(sessions::<u32>(&redis));
        let family = sessions
            .create_refresh("ada", &7)
            .user_agent("Firefox")
            .await
            .unwrap();
        let mut tokens = vec![family.text().to_owned()];
        for _ in 0..20 {
            let next = sessions.refresh(tokens.last().unwrap()).await.unwrap();
            let next = rotated(next);
            assert_eq!(
                (next.session().user(), next.session().data()),
                (Some("ada"), &7)
            );
            assert_eq!(next.session().user_agent(), Some("Firefox"));
            tokens.push(next.token().as_str().to_owned());
            time.pass(SECOND * 11);
        }
        assert_eq!(sessions.list("ada").await.unwrap().len(), 1);
        // None of them is a session.
        assert!(!is_valid(&sessions, tokens.last().unwrap()).await);
        // A replay ends the family, and only that.
        let other = sessions.create_refresh("ada", &8).await.unwrap();
        let replayed = sessions.refresh(&tokens[19]).await.unwrap();
        assert!(matches!(replayed, Refresh::Reused { .. }), "{replayed:?}");
        // Whoever asks hears whose it was, also the thief whose answer was lost, and the holder of the newest.
        for token in &tokens {
            match sessions.refresh(token).await.unwrap() {
                Refresh::Reused { user, id, .. } => {
                    assert_eq!((user.as_deref(), &*id), (Some("ada"), family.id()));
                }
                other => panic!("{other:?}"),
            }
        }
        let newest = tokens.last().unwrap();
        assert_eq!(sessions.revoke_others(newest).await.unwrap(), None);
        assert_eq!(sessions.list("ada").await.unwrap().len(), 1);
        // It is forgotten with a logout, as it would be by itself.
        sessions.revoke(newest).await.unwrap();
        let found = sessions.refresh(newest).await.unwrap();
        assert!(matches!(found, Refresh::Unknown));
        rotated(sessions.refresh(other.text()).await.unwrap());
    })
    .await;
}

/// The same token twice, one after the other or at the same time, has one successor.
#[tokio::test]
async fn a_retry_gives_the_same() {
    both(async |redis| {
        let time = Time::new();
        let sessions = time.of(sessions::<u32>(&redis));
        let family = sessions.create_refresh("ada", &7).await.unwrap();
        let crowd = join_all((0..20).map(|_| sessions.refresh(family.text()))).await;
        let tokens = crowd.into_iter().map(|next| rotated(next.unwrap()));
        let tokens: Vec<String> = tokens
            .map(|next| next.token().as_str().to_owned())
            .collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        // Also where the successor was used already.
        let second = rotated(sessions.refresh(&tokens[0]).await.unwrap());
        time.pass(SECOND * 10);
        let again = rotated(sessions.refresh(family.text()).await.unwrap());
        assert_eq!(again.token().as_str(), tokens[0]);
        let again = rotated(sessions.refresh(&tokens[0]).await.unwrap());
        assert_eq!(again.token().as_str(), second.token().as_str());
        time.pass(SECOND);
        let replayed = sessions.refresh(family.text()).await.unwrap();
        assert!(matches!(replayed, Refresh::Reused { .. }));
    })
    .await;
}

/// A token that is newer than what is stored, since somebody brought back an older state: no theft, and nothing ends.
#[tokio::test]
async fn a_restored_backup_is_no_theft() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let family = sessions.create_refresh("ada", &7).await.unwrap();
        let (tag, _) = family.text().split_once('.').unwrap();
        let (hash, field) = (format!("sess:{tag}"), family.id());
        let backup: String = redis.hget(&hash, field).await.unwrap().unwrap();
        let first = rotated(sessions.refresh(family.text()).await.unwrap());
        redis.hset(&hash, (field, &backup)).await.unwrap();
        let found = sessions.refresh(first.token().as_str()).await.unwrap();
        assert!(matches!(found, Refresh::Unknown), "{found:?}");
        rotated(sessions.refresh(family.text()).await.unwrap());
    })
    .await;
}

/// One that was made where fields do not expire is refreshed by a process that knows that they do, and the other way round.
#[tokio::test]
async fn the_record_says_where_its_time_is() {
    let (local, redis) = start().await;
    let sets: [Sessions<u32>; 2] = [sessions(&redis), sessions(&old(&local))];
    for [maker, other] in [[&sets[0], &sets[1]], [&sets[1], &sets[0]]] {
        // Each knows its server.
        for sessions in &sets {
            sessions.create("bob", &1).await.unwrap();
        }
        let family = maker.create_refresh("ada", &7).await.unwrap();
        let (tag, _) = family.text().split_once('.').unwrap();
        let mark = format!("sess:{tag}:{}", family.id());
        redis.pexpire(&mark, 30_000).await.unwrap();
        let next = rotated(other.refresh(family.text()).await.unwrap());
        // Whoever refreshes it gives it time where it has its time.
        let left = redis.pttl(&mark).await.unwrap().left();
        assert!(left.is_none_or(|left| left > 60_000), "{left:?}");
        let next = rotated(maker.refresh(next.token().as_str()).await.unwrap());
        rotated(other.refresh(next.token().as_str()).await.unwrap());
        assert_eq!(maker.count("ada").await.unwrap(), 1);
        assert_eq!(other.count("ada").await.unwrap(), 1);
        maker.revoke_all("ada").await.unwrap();
    }
}

#[tokio::test]
async fn a_family_is_a_session() {
    both(async |redis| {
        let time = Time::new();
        let sessions = time.of(sessions::<u32>(&redis)).absolute(HOUR);
        let family = sessions.create_refresh("ada", &7).await.unwrap();
        let next = rotated(sessions.refresh(family.text()).await.unwrap());
        sessions.revoke_all("ada").await.unwrap();
        let found = sessions.refresh(next.token().as_str()).await.unwrap();
        assert!(matches!(found, Refresh::Unknown));
        let family = sessions.create_refresh("ada", &7).await.unwrap();
        // Logout with the newest token, or with any of them.
        sessions.revoke(family.text()).await.unwrap();
        let found = sessions.refresh(family.text()).await.unwrap();
        assert!(matches!(found, Refresh::Unknown));
        let family = sessions.create_refresh("ada", &7).await.unwrap();
        time.pass(HOUR);
        let found = sessions.refresh(family.text()).await.unwrap();
        assert!(matches!(found, Refresh::Unknown));
        assert_eq!(sessions.count("ada").await.unwrap(), 0);
    })
    .await;
}
