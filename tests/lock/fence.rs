//! Fencing tokens: of sets of names that overlap, in any order, and where their counters are evicted.

use restis::{Lock, Redis, Script};
use restis_local::Fault;
use restis_testing::start;

use super::{cost, held};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A resource that accepts only numbers that are higher than all before.
async fn accepts(redis: &Redis, name: &str, fence: u64) -> bool {
    let resource = Script::new(
        "if tonumber(ARGV[1]) <= tonumber(redis.call('GET', KEYS[1]) or 0) then return 0 end
         redis.call('SET', KEYS[1], ARGV[1])
         return 1",
    );
    let key = format!("resource:{name}");
    resource.run(redis, key).arg(fence).await.unwrap()
}

#[tokio::test]
async fn order_of_the_names_does_not_lower_the_fence() {
    let (_local, redis) = start().await.unwrap();
    let mut last = None;
    for names in [["a", "b"], ["b", "a"], ["b", "c"], ["c", "a"]] {
        for _ in 0..3 {
            let mine = held(&Lock::all(&redis, names).fenced()).await;
            assert!(mine.fence() > last, "{names:?}");
            last = mine.fence();
            mine.release().await.unwrap();
        }
    }
    let single = held(&Lock::new(&redis, "b").fenced()).await;
    assert!(single.fence() > last);
}

/// Each resource behind a name accepts every holder of any set with that name, since its number is the highest so far.
#[tokio::test]
async fn overlapping_sets_have_growing_fences() {
    let (_local, redis) = start().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(7);
    for round in 0..300 {
        let mut names = NAMES.to_vec();
        dice.shuffle(&mut names);
        names.truncate(dice.usize(1..=NAMES.len()));
        // A counter is evicted now and then.
        if dice.u8(0..4) == 0 {
            let counter = format!("{}:fence", dice.choice(NAMES).unwrap());
            redis.del(counter).await.unwrap();
        }
        let mine = held(&Lock::all(&redis, names.iter().copied()).fenced()).await;
        for name in &names {
            assert!(
                accepts(&redis, name, mine.fence().unwrap()).await,
                "round {round}: {names:?}"
            );
        }
        assert!(mine.release().await.unwrap());
    }
}

/// Where a counter is ahead of the server's clock, as behind one that was set back, it goes on counting.
#[tokio::test]
async fn fence_grows_where_the_counter_is_ahead_of_the_clock() {
    let (_local, redis) = start().await.unwrap();
    let ahead = 8_000_000_000_000_000_u64;
    redis.set("a:fence", ahead).await.unwrap();
    let one = held(&Lock::new(&redis, "a").fenced()).await;
    assert_eq!(one.fence(), Some(ahead + 1));
    one.release().await.unwrap();
    let two = held(&Lock::all(&redis, ["b", "a"]).fenced()).await;
    assert_eq!(two.fence(), Some(ahead + 2));
    two.release().await.unwrap();
    let other = held(&Lock::new(&redis, "b").fenced()).await;
    assert_eq!(other.fence(), Some(ahead + 3));
}

#[tokio::test]
async fn lost_answer_of_several_names_returns_the_fence_that_was_given() {
    let (local, redis) = start().await.unwrap();
    let lock = Lock::all(&redis, ["a", "b"]).fenced();
    held(&lock).await.release().await.unwrap();
    local.inject(Fault::drop_after());
    let mine = held(&lock).await;
    for counter in ["a:fence", "b:fence"] {
        let counted: Option<u64> = redis.get(counter).await.unwrap();
        assert_eq!(mine.fence(), counted);
        // It outlives any lease of a usual length.
        let left = redis.pttl(counter).await.unwrap().left().unwrap();
        assert!(left > 6 * 24 * 60 * 60 * 1000, "{left}");
    }
}

#[tokio::test]
async fn same_name_twice_is_one_name() {
    let (local, redis) = start().await.unwrap();
    let lock = Lock::all(&redis, ["a", "b", "a"]);
    held(&lock).await.release().await.unwrap();
    let (mine, price) = cost(&local, held(&lock)).await;
    assert_eq!(price, (1, 4));
    assert!(mine.release().await.unwrap());
    let fenced = Lock::all(&redis, ["a", "b"]).fenced();
    held(&fenced).await.release().await.unwrap();
    let (_mine, price) = cost(&local, held(&fenced)).await;
    assert_eq!(price, (1, 3 + 2 * 2));
}

#[tokio::test]
async fn names_of_counters_are_refused() {
    let (_local, redis) = start().await.unwrap();
    for lock in [
        Lock::new(&redis, "a:fence"),
        Lock::all(&redis, ["b", "a:fence"]).fenced(),
        Lock::all(&redis, (0..1001).map(|number| number.to_string())),
    ] {
        let error = lock.try_acquire().await.unwrap_err();
        assert!(error.is_argument(), "{error}");
    }
    let most = Lock::all(&redis, (0..1000).map(|number| number.to_string())).fenced();
    let mine = held(&most).await;
    assert!(mine.extend(super::SECOND).await.unwrap());
    assert!(mine.release().await.unwrap());
}
