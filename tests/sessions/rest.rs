//! What is at rest: no secret, no user in a key, and nothing that another key's sessions would be let in by.

use restis::{Sessions, session::Refresh};

use super::{KEY, Text, both, is_valid, sessions};

/// All keys and all they hold.
async fn dump(redis: &restis::Redis) -> String {
    let mut all = String::new();
    for key in redis.keys::<String>("*").await.unwrap() {
        all.push_str(&key);
        all.push('\n');
        let kind: String = redis.command("TYPE").arg(&key).query().await.unwrap();
        let held = match &*kind {
            "hash" => format!("{:?}", redis.hgetall::<String>(&key).await.unwrap()),
            _ => redis.get::<String>(&key).await.unwrap().unwrap_or_default(),
        };
        all.push_str(&held);
        all.push('\n');
    }
    all
}

/// A thousand sessions, rotated and refreshed: neither a token nor the secret in it is in the database.
#[tokio::test]
async fn no_secret_is_at_rest() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let mut tokens = Vec::new();
        for number in 0..1_000 {
            let issued = sessions.create(number % 10, &number).await.unwrap();
            tokens.push(issued.text().to_owned());
            if number % 10 == 0 {
                let rotated = sessions.rotate(issued.text()).await.unwrap().unwrap();
                tokens.push(rotated.text().to_owned());
                let family = sessions.create_refresh("ada", &number).await.unwrap();
                let next = sessions.refresh(family.text()).await.unwrap();
                let Refresh::Rotated(next) = next else {
                    panic!()
                };
                tokens.push(family.text().to_owned());
                tokens.push(next.token().as_str().to_owned());
            }
        }
        let dump = dump(&redis).await;
        assert!(dump.len() > 100_000);
        for token in &tokens {
            let secret = token.rsplit('.').next().unwrap();
            assert_eq!(secret.len(), 43);
            assert!(!dump.contains(secret));
            if token.split('.').count() == 4 {
                assert!(!dump.contains(token.split('.').nth(1).unwrap()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_cannot_be_read_from_a_key() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        sessions.create("ada@example.com", &1).await.unwrap();
        for key in redis.keys::<String>("*").await.unwrap() {
            assert!(!key.contains("ada"), "{key}");
        }
    })
    .await;
}

/// What `revoke_all` would not find is not let in.
#[tokio::test]
async fn another_key_has_other_sessions() {
    both(async |redis| {
        let before = sessions::<u32>(&redis);
        let after = Sessions::<u32>::new(&redis, [8; 32]);
        let issued = before.create("ada", &1).await.unwrap();
        assert!(!is_valid(&after, issued.text()).await);
        assert!(is_valid(&before, issued.text()).await);
        let family = before.create_refresh("ada", &1).await.unwrap();
        let found = after.refresh(family.text()).await.unwrap();
        assert!(matches!(found, Refresh::Unknown));
    })
    .await;
}

#[tokio::test]
async fn a_short_key_is_a_mistake() {
    both(async |redis| {
        let sessions = Sessions::<u32>::new(&redis, &KEY[1..]);
        assert!(sessions.create("ada", &1).await.unwrap_err().is_config());
        assert!(sessions.validate("a").await.unwrap_err().is_config());
        assert!(sessions.revoke_all("ada").await.unwrap_err().is_config());
        assert!(sessions.csrf_token("a").unwrap_err().is_config());
        assert!(sessions.refresh("a").await.unwrap_err().is_config());
    })
    .await;
}

/// What somebody else has written there is an error that says nothing of it, and nobody is let in.
#[tokio::test]
async fn what_cannot_be_read_lets_nobody_in() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let issued = sessions.create("ada", &1).await.unwrap();
        let keys = redis.keys::<String>("sess:*").await.unwrap();
        let hash = keys.iter().min_by_key(|key| key.len()).unwrap();
        redis.hset(hash, (issued.id(), "secret")).await.unwrap();
        let error = sessions.validate(issued.text()).await.unwrap_err();
        assert!(error.is_decode() && !format!("{error:?} {error}").contains("secret"));
        // Of another shape.
        let other = Sessions::<Vec<String>>::new(&redis, KEY).namespace("other");
        let issued = other.create("ada", &vec!["secret".into()]).await.unwrap();
        let wrong = Sessions::<u32>::new(&redis, KEY).namespace("other");
        let error = wrong.validate(issued.text()).await.unwrap_err();
        assert!(error.is_decode() && !format!("{error:?} {error}").contains("secret"));
    })
    .await;
}

#[tokio::test]
async fn forged_requests_are_told() {
    both(async |redis| {
        let sessions = sessions::<u32>(&redis);
        let mine = sessions.create("ada", &1).await.unwrap();
        let yours = sessions.create("ada", &1).await.unwrap();
        let csrf = sessions.csrf_token(mine.text()).unwrap().unwrap();
        assert!(sessions.is_csrf_token(mine.text(), &csrf).unwrap());
        assert!(!sessions.is_csrf_token(yours.text(), &csrf).unwrap());
        // A form that is open goes on to work when the secret is renewed.
        let rotated = sessions.rotate(mine.text()).await.unwrap().unwrap();
        assert!(sessions.is_csrf_token(rotated.text(), &csrf).unwrap());
        // What was known before a login is worth nothing after it.
        let nobody = sessions.create_anonymous(&1).await.unwrap();
        let before = sessions.csrf_token(nobody.text()).unwrap().unwrap();
        let login = sessions.rotate(nobody.text()).user("eve").await;
        let login = login.unwrap().unwrap();
        assert!(!sessions.is_csrf_token(login.text(), &before).unwrap());
        assert_eq!(sessions.csrf_token("x").unwrap(), None);
    })
    .await;
}
