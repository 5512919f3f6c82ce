//! `restis monitor` and `restis subscribe`: what the server sends as it happens, until Ctrl-C.

use std::pin::pin;

use restis::{Bytes, Event, Gap, Message, MonitoredCommand, Pushed, Redis, Subscription};
use serde_json::json;

use crate::{
    error::Result,
    show::{self, Form},
    words::{quoted, safe},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Subscribe {
    /// The channels
    #[arg(required = true)]
    channels: Vec<String>,
    /// They are glob patterns
    #[arg(long)]
    pattern: bool,
}

pub(crate) async fn monitor(redis: &Redis, form: Form) -> Result<()> {
    let commands = redis.monitor().await?;
    show::note("every command the server runs, until Ctrl-C");
    all(commands, form, |command| monitored(command, form)).await
}

pub(crate) async fn subscribe(redis: &Redis, options: &Subscribe, form: Form) -> Result<()> {
    channels(redis, &options.channels, options.pattern, form).await
}

/// Messages of channels, or of patterns of channels.
pub(crate) async fn channels(
    redis: &Redis,
    channels: &[String],
    pattern: bool,
    form: Form,
) -> Result<()> {
    let messages = if pattern {
        redis.psubscribe::<Bytes>(channels).await?
    } else {
        redis.subscribe::<Bytes>(channels).await?
    };
    show::note("messages, until Ctrl-C");
    all(messages, form, |message| published(message, form)).await
}

async fn all<M: Pushed>(
    mut events: Subscription<M>,
    form: Form,
    show: impl Fn(&M) -> Result<()>,
) -> Result<()> {
    // One for the whole run: Ctrl-C would be lost while nothing listens for it.
    let mut stop = pin!(tokio::signal::ctrl_c());
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = &mut stop => return Ok(()),
        };
        match event {
            None => return Ok(()),
            Some(event) => match event? {
                Event::Message(message) => show(&message)?,
                Event::Gap(gap) => missed(&gap, form)?,
                _ => {}
            },
        }
    }
}

fn missed(gap: &Gap, form: Form) -> Result<()> {
    let milliseconds = u64::try_from(gap.silence.as_millis()).unwrap_or(u64::MAX);
    if form.is_json() {
        return show::line(
            &json!({ "gap": format!("{:?}", gap.reason), "silence_ms": milliseconds }),
        );
    }
    show::note(&format!(
        "reconnected: what came in {milliseconds} ms may have been missed"
    ));
    Ok(())
}

fn published(message: &Message<Bytes>, form: Form) -> Result<()> {
    match form {
        Form::Json => {
            let mut fields = json!({
                "channel": message.channel,
                "message": show::json_bytes(&message.payload),
            });
            if let (Some(fields), Some(pattern)) = (fields.as_object_mut(), &message.pattern) {
                fields.insert("pattern".to_owned(), pattern.as_str().into());
            }
            show::line(&fields)
        }
        Form::People => show::text(&format!(
            "{} {}",
            quoted(message.channel.as_bytes()),
            quoted(&message.payload)
        )),
        Form::Plain => form.bytes(&message.payload),
    }
}

fn monitored(command: &MonitoredCommand, form: Form) -> Result<()> {
    let time = command.time.as_secs_f64();
    if form.is_json() {
        let words: Vec<_> = command
            .words
            .iter()
            .map(|word| show::json_bytes(word))
            .collect();
        return show::line(&json!({
            "time": time,
            "database": command.database,
            "client": command.client,
            "command": words,
        }));
    }
    let words: Vec<_> = command.words.iter().map(|word| quoted(word)).collect();
    let (database, client) = (command.database, safe(&command.client));
    show::text(&format!(
        "{time:.6} [{database} {client}] {}",
        words.join(" ")
    ))
}
