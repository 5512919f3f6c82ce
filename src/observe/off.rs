//! Nobody watches: types that cannot be made, so that nothing of it is linked.

use crate::{client::Call, error::Error};

#[derive(Clone)]
pub(crate) enum Hook {}

#[derive(Clone)]
pub(crate) enum Telemetry {}

impl Telemetry {
    pub(crate) fn headers(&self) -> std::iter::Empty<(&'static str, &str)> {
        match *self {}
    }
}

pub(crate) struct Watch;

impl Watch {
    pub(crate) fn begin(_: Option<&Hook>, _: &Call, _: u32) -> Self {
        Self
    }

    pub(crate) fn answered(self, _: usize) {}

    pub(crate) fn failed(self, _: usize, _: bool, _: impl FnOnce() -> Error) {}
}
