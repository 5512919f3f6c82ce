//! A server that evicts: any key may be gone at any time. Nobody gets in by that, nothing comes back, and whoever logs in again is
//! in at once.

use std::collections::HashSet;

use restis::{
    Redis,
    session::{Plain, PlainSession, Refresh},
};

use super::{SECOND, Text, both, is_valid, sessions};

/// Deletes any key of sessions.
async fn evict(redis: &Redis, random: &mut fastrand::Rng) {
    let keys: Vec<String> = redis.keys("sess*").await.unwrap();
    if let Some(key) = random.choice(&keys) {
        redis.del(key).await.unwrap();
    }
}

#[tokio::test]
async fn evicted_keys_let_nobody_in_and_lock_nobody_out() {
    both(async |redis| {
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let sessions = sessions::<u64>(&redis)
                .cap(4)
                .grace(std::time::Duration::ZERO);
            // The tokens that were given out and not ended, and those by which nobody may get in any more.
            let (mut tokens, mut ended) = (Vec::<String>::new(), HashSet::new());
            let mut refresh: Option<String> = None;
            for step in 0..60 {
                match random.u8(0..8) {
                    0 | 1 => evict(&redis, &mut random).await,
                    2 => {
                        let issued = sessions.create("ada", &step).await.unwrap();
                        let session = sessions.validate(issued.text()).await.unwrap();
                        let session = session.expect("whoever logs in is in at once");
                        assert_eq!((session.user(), *session.data()), (Some("ada"), step));
                        tokens.push(issued.text().to_owned());
                    }
                    3 => {
                        let issued = sessions.create_refresh("ada", &step).await.unwrap();
                        refresh = Some(issued.text().to_owned());
                    }
                    4 => {
                        if let Some(token) = refresh.take() {
                            refresh = match sessions.refresh(&token).await.unwrap() {
                                Refresh::Rotated(next) => {
                                    assert_eq!(next.session().user(), Some("ada"));
                                    Some(next.token().as_str().to_owned())
                                }
                                // It was evicted. That is no theft.
                                Refresh::Unknown => None,
                                Refresh::Reused { .. } => panic!("nobody has used it before"),
                                other => panic!("{other:?}"),
                            };
                        }
                    }
                    5 => {
                        if let Some(token) = random.choice(&tokens) {
                            sessions.revoke(token).await.unwrap();
                            ended.insert(token.clone());
                        }
                    }
                    6 if random.u8(0..4) == 0 => {
                        sessions.revoke_all("ada").await.unwrap();
                        ended.extend(tokens.iter().cloned());
                        refresh = None;
                    }
                    _ => {
                        if let Some(old) = random.choice(&tokens).cloned() {
                            let next = sessions.rotate(&old).await.unwrap();
                            ended.insert(old);
                            tokens.extend(next.map(|next| next.text().to_owned()));
                        }
                    }
                }
                for token in &tokens {
                    if !is_valid(&sessions, token).await {
                        ended.insert(token.clone());
                    } else {
                        assert!(!ended.contains(token), "seed {seed}, step {step}");
                    }
                }
                let count = sessions.count("ada").await.unwrap();
                assert!(count <= 4, "{count}");
                assert_eq!(sessions.list("ada").await.unwrap().len(), count);
            }
            sessions.revoke_all("ada").await.unwrap();
        }
    })
    .await;
}

/// A plain session that was moved ends with the one that took its place: the next login is at once, and the plain token is
/// forgotten after the grace.
#[tokio::test]
async fn evicted_session_is_not_moved_a_second_time() {
    both(async |redis| {
        let plain = Plain::new(&redis);
        let sessions = sessions::<u32>(&redis)
            .grace(SECOND)
            .migrating(plain.clone(), |_| 7);
        let token = plain
            .create(&PlainSession::new("ada", "a", "1"))
            .await
            .unwrap();
        let moved = sessions.validate(token.as_str()).await.unwrap().unwrap();
        let next = moved.replaced_by().unwrap().as_str().to_owned();
        for key in redis.keys::<String>("sess:*").await.unwrap() {
            redis.del(key).await.unwrap();
        }
        assert!(!is_valid(&sessions, token.as_str()).await);
        assert!(!is_valid(&sessions, &next).await);
        let issued = sessions.create("ada", &1).await.unwrap();
        assert!(is_valid(&sessions, issued.text()).await);
        let key = format!("session:{}", token.as_str());
        super::until(async || redis.exists(&key).await.unwrap() == 0).await;
        assert!(!is_valid(&sessions, token.as_str()).await);
        sessions.revoke_all("ada").await.unwrap();
    })
    .await;
}
