//! What each call costs, counted at the server: the table in the docs of the module.

use restis::session::Refresh;

use super::{SECOND, Text, cost, old, sessions, start};

#[tokio::test]
async fn of_each_call() {
    let (local, redis) = start().await;
    let sessions = sessions::<u32>(&redis);
    // The first run of a script sends its text.
    for _ in 0..2 {
        let capped = sessions.clone().cap(2);
        let (issued, price) = cost(&local, sessions.create("ada", &1).into_future()).await;
        let token = issued.unwrap();
        let token = token.text();
        assert_eq!(price, (1, 1));
        let (found, price) = cost(&local, sessions.validate(token).into_future()).await;
        assert_eq!((found.unwrap().is_some(), price), (true, (1, 1)));
        let (found, price) = cost(&local, sessions.validate("no token").into_future()).await;
        assert_eq!((found.unwrap().is_some(), price), (false, (0, 0)));
        let (_, price) = cost(&local, async { sessions.csrf_token(token) }).await;
        assert_eq!(price, (0, 0));
        sessions.update(token, |_| {}).await.unwrap();
        let (done, price) = cost(&local, sessions.update(token, |count| *count += 1)).await;
        assert_eq!((done.unwrap(), price), (Some(2), (2, 4)));
        let rotated = sessions.rotate(token).await.unwrap().unwrap();
        let (rotated, price) = cost(&local, sessions.rotate(rotated.text()).into_future()).await;
        assert_eq!(price, (2, 1 + 4));
        let token = rotated.unwrap().unwrap();
        let token = token.text();
        let (rotated, price) =
            cost(&local, sessions.rotate(token).grace(SECOND).into_future()).await;
        assert_eq!(price, (2, 1 + 4));
        let token = rotated.unwrap().unwrap();
        sessions.list("ada").await.unwrap();
        let (devices, price) = cost(&local, sessions.list("ada")).await;
        assert_eq!((devices.unwrap().len(), price), (1, (1, 3)));
        let (count, price) = cost(&local, sessions.count("ada")).await;
        assert_eq!((count.unwrap(), price), (1, (1, 3)));
        sessions.revoke_others(token.text()).await.unwrap();
        let (_, price) = cost(&local, sessions.revoke_others(token.text())).await;
        assert_eq!(price, (2, 3));
        sessions.create("ada", &1).await.unwrap();
        let (_, price) = cost(&local, sessions.revoke_others(token.text())).await;
        assert_eq!(price, (2, 4));
        let (_, price) = cost(&local, sessions.revoke(token.text())).await;
        assert_eq!(price, (1, 1));
        capped.create("bob", &1).await.unwrap();
        let (_, price) = cost(&local, capped.create("bob", &1).into_future()).await;
        assert_eq!(price, (1, 3));
        let (_, price) = cost(&local, capped.create("bob", &1).into_future()).await;
        assert_eq!(price, (1, 5));
        capped.revoke_all("bob").await.unwrap();
        let family = sessions.create_refresh("eve", &1).await.unwrap();
        let next = sessions.refresh(family.text()).await.unwrap();
        let Refresh::Rotated(next) = next else {
            panic!()
        };
        let (_, price) = cost(&local, sessions.refresh(next.token().as_str())).await;
        assert_eq!(price, (1, 3));
        sessions.revoke_all("eve").await.unwrap();
        sessions.revoke_all("ada").await.unwrap();
    }
}

#[tokio::test]
async fn without_fields_that_expire() {
    let (local, _) = start().await;
    let redis = old(&local);
    let sessions = sessions::<u32>(&redis);
    let issued = sessions.create("ada", &1).await.unwrap();
    let (found, price) = cost(&local, sessions.validate(issued.text()).into_future()).await;
    assert_eq!((found.unwrap().is_some(), price), (true, (1, 2)));
    let (_, price) = cost(&local, sessions.revoke_all("ada")).await;
    assert_eq!(price, (1, 1));
    let (found, price) = cost(&local, sessions.validate(issued.text()).into_future()).await;
    assert_eq!((found.unwrap().is_some(), price), (false, (1, 2)));
}

/// 10,000 sessions end by one command, whichever the layout.
#[tokio::test]
async fn ten_thousand_end_at_once() {
    let (local, redis) = start().await;
    let sessions = sessions::<u32>(&redis);
    let mut tokens = Vec::new();
    for _ in 0..100 {
        let create = || async { sessions.create("ada", &1).await.unwrap() };
        let made = futures_util::future::join_all((0..100).map(|_| create()));
        tokens.extend(made.await);
    }
    assert_eq!(sessions.count("ada").await.unwrap(), 10_000);
    let (_, price) = cost(&local, sessions.revoke_all("ada")).await;
    assert_eq!(price, (1, 1));
    assert_eq!(sessions.count("ada").await.unwrap(), 0);
    for token in tokens.iter().step_by(100) {
        assert!(!super::is_valid(&sessions, token.text()).await);
    }
}
