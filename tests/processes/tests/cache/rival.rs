//! BentoCache, as the comparison plays it: it has to be played right for the comparison to say anything.

use std::{
    env,
    path::{Path, PathBuf},
};

use restis_processes::cache::Kind;

use crate::{LOAD, MINUTE, later, scene_of, value};

fn bento() -> Kind {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js");
    let package = folder.join("node_modules/bentocache/package.json");
    assert!(
        package.is_file(),
        "bentocache is not in tests/js: `cargo xtask test native` gets it, and runs this test"
    );
    Kind::node(node(&folder), folder.join("bento.mjs"))
}

fn node(folder: &Path) -> PathBuf {
    if let Some(named) = env::var_os("RESTIS_NODE22").filter(|name| !name.is_empty()) {
        return named.into();
    }
    let installed = ["node22-linux-x64", "node22-linux-arm64"]
        .map(|package| folder.join("node_modules").join(package).join("bin/node"));
    let found = installed.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| "node".into())
}

#[tokio::test]
async fn it_is_a_cache_that_two_processes_share() {
    let scene = scene_of(&bento(), 2, |_| {}).await;
    let [here, elsewhere] = &scene.caches[..] else {
        unreachable!()
    };
    scene.source.delay(LOAD);
    let crowd = here.crowd("page", &["news"], 100).await.unwrap();
    let crowd = crowd.all().await.unwrap();
    assert_eq!(
        (crowd.values["old"], crowd.loads, crowd.statuses["found"]),
        (100, 1, 99)
    );
    assert!(crowd.p50 >= 200, "{crowd:?}");
    scene.source.delay(std::time::Duration::ZERO);
    scene.source.set("new");
    assert_eq!(value(elsewhere, "page", &["news"]).await, "old");
    assert_eq!(scene.source.counts().begun, 1);
    elsewhere.invalidate_tag("news").await.unwrap();
    assert_eq!(here.get("page", &["news"]).await.unwrap(), None);
    assert_eq!(value(here, "page", &["news"]).await, "new");
    elsewhere.set("page", "set", &[]).await.unwrap();
    assert_eq!(value(here, "page", &["news"]).await, "set");
    elsewhere.update("page", "updated", &[]).await.unwrap();
    assert_eq!(scene.source.counts().written, 1);
    assert_eq!(
        here.get("page", &[]).await.unwrap().as_deref(),
        Some("updated")
    );
    elsewhere.delete("page").await.unwrap();
    assert_eq!(here.get("page", &[]).await.unwrap(), None);
    here.set("page", "again", &[]).await.unwrap();
    elsewhere.clear().await.unwrap();
    assert_eq!(here.get("page", &[]).await.unwrap(), None);
    assert!(here.sweep("*").await.is_err());
}

#[tokio::test]
async fn it_serves_what_is_stale_by_its_own_options() {
    let mut scene = scene_of(&bento(), 1, |settings| {
        settings.stale_if_error = Some(10 * MINUTE);
        settings.error_backoff = Some(1_000);
    })
    .await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    later(&mut scene, MINUTE + 100).await;
    scene.source.fail(true);
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    assert_eq!(scene.source.counts().begun, 2);
    scene.source.fail(false);
    scene.source.set("new");
    // It waits for the loader, once its backoff has ended.
    later(&mut scene, 2_000).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "new");

    let stale = scene.caches[0].reopen(|settings| settings.swr = Some(10 * MINUTE));
    stale.await.unwrap();
    later(&mut scene, 2 * MINUTE).await;
    scene.source.set("newer");
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "new");
    scene.source.ended(3).await.unwrap();
}
