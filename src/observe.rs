//! What can be watched of a request: the report a hook gets, the span of `tracing`, and the headers that tell the
//! service which client this is. Each is off unless asked for; spans are a feature of their own.

#[cfg(not(feature = "observe"))]
mod off;
#[cfg(feature = "observe")]
mod report;
#[cfg(feature = "observe")]
mod settings;
#[cfg(feature = "observe")]
mod telemetry;
#[cfg(feature = "tracing")]
pub(crate) mod trace;

#[cfg(not(feature = "observe"))]
pub(crate) use off::{Hook, Telemetry, Watch};
#[cfg(feature = "observe")]
pub(crate) use report::{Hook, Watch};
#[cfg(feature = "observe")]
pub use report::{RequestKind, RequestReport};
#[cfg(feature = "observe")]
pub(crate) use telemetry::Telemetry;

#[cfg(any(feature = "observe", feature = "tracing"))]
mod of_call {
    use std::borrow::Cow;

    use crate::{
        client::{Call, Endpoint},
        safety,
        wire::json::Value,
    };

    /// The name of what is no command word, and may be somebody's data.
    const OTHER: &str = "_OTHER";

    fn members(call: &Call) -> impl Iterator<Item = Value<'_>> {
        let batch = Value::parse(&call.body).and_then(Value::elements);
        batch.into_iter().flatten()
    }

    /// How many commands are in it.
    pub(super) fn commands(call: &Call) -> u64 {
        if !call.is_batch() {
            return 1;
        }
        members(call).fold(0, |count, _| count + 1)
    }

    /// Its name by OpenTelemetry's convention for Redis: `GET`; for several commands `PIPELINE` or `MULTI`, with the
    /// command behind it if all are the same. A batch of one command is that command.
    pub(super) fn operation(call: &Call) -> Cow<'static, str> {
        let form = match call.endpoint {
            Endpoint::Pipeline => "PIPELINE",
            Endpoint::MultiExec => "MULTI",
            Endpoint::Command | Endpoint::Path(_) => {
                return call.name().unwrap_or(Cow::Borrowed(OTHER));
            }
        };
        let mut names = members(call).map(|command| safety::name(command).unwrap_or(OTHER.into()));
        let Some(first) = names.next() else {
            return form.into();
        };
        match names.next() {
            None => first,
            Some(second) if second == first && names.all(|name| name == first) => {
                format!("{form} {first}").into()
            }
            Some(_) => form.into(),
        }
    }
}
