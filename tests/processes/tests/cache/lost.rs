//! Answers that are lost, and requests that are repeated: what was made once and deleted must not come back by it.

use std::time::Duration;

use restis_local::Fault;

use crate::{LOAD, scene, value};

/// The first process makes the version of the tag, and its answer is lost. Before it asks again, the second loads by that
/// version, and the third invalidates it.
#[tokio::test]
async fn a_repeated_request_does_not_bring_back_a_version_that_was_deleted() {
    for round in 0..10 {
        let scene = scene(3, |_| {}).await;
        let [makes, loads, invalidates] = &scene.caches[..] else {
            unreachable!()
        };
        let tags = ["news"];
        // The connections stand.
        for cache in &scene.caches {
            assert_eq!(cache.get("nothing", &[]).await.unwrap(), None);
        }
        let fault = Fault::drop_after().path("/pipeline");
        scene.server.local().inject(fault);
        let making = makes.set("other", "value", &tags);
        let redis = scene.server.client().unwrap();
        let others = async {
            let made = async || {
                let keys: Vec<String> = redis.keys("*tag*news").await.unwrap();
                Ok(!keys.is_empty())
            };
            restis_processes::until("the version", made).await.unwrap();
            scene.source.delay(LOAD * 2);
            let loading = loads.crowd("page", &tags, 1).await.unwrap();
            scene.source.begun(1).await.unwrap();
            scene.source.set("new");
            invalidates.invalidate_tag("news").await.unwrap();
            scene.source.delay(Duration::ZERO);
            loading
        };
        let (made, loading) = tokio::join!(making, others);
        made.unwrap();
        loading.all().await.unwrap();
        for cache in &scene.caches {
            assert_eq!(value(cache, "page", &tags).await, "new", "round {round}");
        }
    }
}
