//! Setting a key where there is none, so that a lost answer is not a lost key.

use std::time::Duration;

use crate::{
    Error, Redis, Safety,
    clock::{self, Instant},
};

/// How often it is asked what became of an attempt whose answer was lost.
const MAX_ASKED: u32 = 3;
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of it.
pub(crate) enum Taken {
    /// It is set, by a request that began then.
    Since(Instant),
    /// It was set before, and has this long left, where that was asked for.
    Before(Option<Duration>),
}

/// Sets `key` to `value`, which nobody else sets, for so many milliseconds. `hinted` asks how long another's has left, which
/// is billed too.
pub(crate) async fn take(
    redis: &Redis,
    key: &str,
    value: &str,
    millis: u64,
    hinted: bool,
) -> Result<Taken, Error> {
    let mut begun = Instant::now();
    let mut doubt: Option<Error> = None;
    let mut asked = 0;
    loop {
        if doubt.is_some() {
            // Whose it is now says what became of the request.
            match redis.get::<String>(key).await {
                Ok(Some(holder)) if holder == value => return Ok(Taken::Since(begun)),
                Ok(Some(_)) => return Ok(Taken::Before(None)),
                Ok(None) => begun = Instant::now(),
                Err(error) => {
                    asked += 1;
                    if asked >= MAX_ASKED {
                        return Err(doubt.unwrap_or(error));
                    }
                    clock::sleep(PAUSE).await;
                    continue;
                }
            }
        }
        let set = redis.set(key, value).px(millis).nx();
        let set = set.safety(Safety::Write);
        let done = match hinted {
            true => match redis.pipeline((set, redis.pttl(key))).await {
                Ok((Ok(done), left)) => Ok((done, left?.left().map(Duration::from_millis))),
                Ok((Err(error), _)) | Err(error) => Err(error),
            },
            false => set.await.map(|done| (done, None)),
        };
        match done {
            Ok((true, _)) => return Ok(Taken::Since(begun)),
            Ok((false, left)) => return Ok(Taken::Before(left)),
            Err(error) if error.is_ambiguous() => {
                asked += 1;
                if asked >= MAX_ASKED {
                    return Err(error);
                }
                doubt = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
}
