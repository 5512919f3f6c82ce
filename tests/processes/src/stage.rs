//! The player's end of the lines: reads requests, answers each when it is done.

use std::{
    future::Future,
    io::{self, Write as _},
};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::error::{Context as _, Result};

/// Answers requests until the driver goes.
///
/// Each line of the input is `{"id":1,"do":"…",…}`, and is handled in a task of its own. The line that answers it is
/// `{"id":1,"answer":…}` or `{"id":1,"error":"…"}`.
pub async fn play<F>(handle: impl Fn(Value) -> F) -> Result<()>
where
    F: Future<Output = Result<Value>> + Send + 'static,
{
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.context("the driver's words")? {
        let request: Value = serde_json::from_str(&line).context("the driver's words")?;
        let id = request.get("id").cloned().unwrap_or_default();
        let answer = handle(request);
        tokio::spawn(async move {
            let line = match answer.await {
                Ok(answer) => json!({ "id": id, "answer": answer }),
                Err(error) => json!({ "id": id, "error": error.to_string() }),
            };
            // One that cannot be written has nobody who would read it.
            let mut output = io::stdout().lock();
            let _ = writeln!(output, "{line}").and_then(|()| output.flush());
        });
    }
    Ok(())
}
