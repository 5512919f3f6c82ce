//! The headers by which the service can tell which client asks, where they are asked for.

use std::{
    env::{self, consts},
    sync::Arc,
};

/// What the headers say. Nothing of it is about the user's data.
#[derive(Clone)]
pub(crate) struct Telemetry(Arc<[(&'static str, String); 3]>);

impl Telemetry {
    pub(crate) fn new() -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let platform = if is_set("VERCEL") {
            "vercel"
        } else if is_set("AWS_REGION") {
            "aws"
        } else {
            "unknown"
        };
        Self(Arc::new([
            (
                "upstash-telemetry-sdk",
                concat!("restis@v", env!("CARGO_PKG_VERSION")).into(),
            ),
            ("upstash-telemetry-platform", platform.into()),
            // A program does not know which compiler made it.
            (
                "upstash-telemetry-runtime",
                format!("rust@{}-{}", consts::ARCH, consts::OS),
            ),
        ]))
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, &**value))
    }
}
