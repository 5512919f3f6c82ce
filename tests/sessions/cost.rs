//! What each call costs, counted at the server: the table in the docs of the module.

use restis::session::Refresh;

use super::{SECOND, Text, cost, is_valid, old, sessions, start};

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
        assert_eq!(price, (2, 1 + 3));
        let token = rotated.unwrap().unwrap();
        let token = token.text();
        let (rotated, price) =
            cost(&local, sessions.rotate(token).grace(SECOND).into_future()).await;
        assert_eq!(price, (2, 1 + 3));
        let token = rotated.unwrap().unwrap();
        sessions.list("ada").await.unwrap();
        let (devices, price) = cost(&local, sessions.list("ada")).await;
        assert_eq!((devices.unwrap().len(), price), (1, (1, 3)));
        sessions.count("ada").await.unwrap();
        let (count, price) = cost(&local, sessions.count("ada")).await;
        assert_eq!((count.unwrap(), price), (1, (1, 2)));
        let (page, price) = cost(&local, sessions.list_page("ada", None, 10)).await;
        assert_eq!((page.unwrap().devices.len(), price), (1, (1, 3)));
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
        let nobody = sessions.create_anonymous(&1).await.unwrap();
        sessions.rotate(nobody.text()).user("may").await.unwrap();
        let nobody = sessions.create_anonymous(&1).await.unwrap();
        let login = sessions.rotate(nobody.text()).user("may");
        let (login, price) = cost(&local, login.into_future()).await;
        assert_eq!((login.unwrap().is_some(), price), (true, (2, 1 + 4)));
        sessions.revoke_all("may").await.unwrap();
        sessions.revoke_all("eve").await.unwrap();
        sessions.revoke_all("ada").await.unwrap();
    }
}

#[tokio::test]
async fn where_each_look_up_does_not_write() {
    let (local, redis) = start().await;
    for (redis, often, seldom) in [(redis, (1, 2), (2, 3)), (old(&local), (1, 2), (2, 3))] {
        let sessions = sessions::<u32>(&redis).idle(SECOND * 4);
        let lazy = sessions.clone().touch_every(SECOND);
        let issued = sessions.create("ada", &1).await.unwrap();
        assert!(is_valid(&sessions, issued.text()).await);
        let begun = std::time::Instant::now();
        let (found, price) = cost(&local, lazy.validate(issued.text()).into_future()).await;
        assert_eq!((found.unwrap().is_some(), price), (true, often));
        // After the second has passed, one look-up writes.
        let mut writes = 0;
        while begun.elapsed() < SECOND * 6 {
            let (found, price) = cost(&local, lazy.validate(issued.text()).into_future()).await;
            assert!(found.unwrap().is_some());
            assert!(price == often || price == seldom, "{price:?}");
            writes += u32::from(price == seldom);
            tokio::time::sleep(SECOND / 10).await;
        }
        assert!((4..=6).contains(&writes), "{writes}");
        sessions.revoke_all("ada").await.unwrap();
        assert!(!is_valid(&lazy, issued.text()).await);
    }
}

/// The brackets of that table.
#[tokio::test]
async fn without_fields_that_expire() {
    let (local, _) = start().await;
    let redis = old(&local);
    let sessions = sessions::<u32>(&redis);
    // The first run of a script sends its text.
    for _ in 0..2 {
        let capped = sessions.clone().cap(2);
        sessions.create("ada", &1).await.unwrap();
        sessions.revoke_all("ada").await.unwrap();
        let (first, price) = cost(&local, sessions.create("ada", &1).into_future()).await;
        assert_eq!(price, (1, 5));
        first.unwrap();
        let (issued, price) = cost(&local, sessions.create("ada", &1).into_future()).await;
        assert!(price == (1, 4) || price == (1, 5), "{price:?}");
        let issued = issued.unwrap();
        let (found, price) = cost(&local, sessions.validate(issued.text()).into_future()).await;
        assert_eq!((found.unwrap().is_some(), price), (true, (1, 2)));
        sessions.update(issued.text(), |_| {}).await.unwrap();
        let (done, price) = cost(&local, sessions.update(issued.text(), |n| *n += 1)).await;
        assert_eq!((done.unwrap(), price), (Some(2), (2, 5)));
        let (rotated, price) = cost(&local, sessions.rotate(issued.text()).into_future()).await;
        assert_eq!(price, (2, 5));
        let token = rotated.unwrap().unwrap();
        sessions.list("ada").await.unwrap();
        let (devices, price) = cost(&local, sessions.list("ada")).await;
        assert_eq!((devices.unwrap().len(), price), (2, (2, 2 + 2)));
        sessions.count("ada").await.unwrap();
        let (count, price) = cost(&local, sessions.count("ada")).await;
        assert_eq!((count.unwrap(), price), (2, (2, 2 + 2)));
        sessions.revoke_others(token.text()).await.unwrap();
        sessions.create("ada", &1).await.unwrap();
        let (_, price) = cost(&local, sessions.revoke_others(token.text())).await;
        assert_eq!(price, (2, 5));
        let (_, price) = cost(&local, sessions.revoke(token.text())).await;
        assert_eq!(price, (1, 1));

        capped.create("bob", &1).await.unwrap();
        let (_, price) = cost(&local, capped.create("bob", &1).into_future()).await;
        assert!(price == (2, 6) || price == (2, 7), "{price:?}");
        let (_, price) = cost(&local, capped.create("bob", &1).into_future()).await;
        assert!(price == (2, 9) || price == (2, 10), "{price:?}");
        capped.revoke_all("bob").await.unwrap();

        let family = sessions.create_refresh("eve", &1).await.unwrap();
        let next = sessions.refresh(family.text()).await.unwrap();
        let Refresh::Rotated(next) = next else {
            panic!()
        };
        let (_, price) = cost(&local, sessions.refresh(next.token().as_str())).await;
        assert!(price == (1, 6) || price == (1, 7), "{price:?}");
        let nobody = sessions.create_anonymous(&1).await.unwrap();
        sessions.rotate(nobody.text()).user("may").await.unwrap();
        let nobody = sessions.create_anonymous(&1).await.unwrap();
        let login = sessions.rotate(nobody.text()).user("may");
        let (login, price) = cost(&local, login.into_future()).await;
        assert!(login.unwrap().is_some());
        assert!(price == (2, 8) || price == (2, 9), "{price:?}");
        let (_, price) = cost(&local, sessions.revoke_all("may")).await;
        assert_eq!(price, (1, 1));
        let (found, price) = cost(&local, sessions.validate(issued.text()).into_future()).await;
        assert_eq!((found.unwrap().is_some(), price), (false, (1, 2)));
        sessions.revoke_all("eve").await.unwrap();
        sessions.revoke_all("ada").await.unwrap();
    }
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
        assert!(!is_valid(&sessions, token.text()).await);
    }
}
