//! A cache as it is written in five minutes: GET, load, SET. What the protections are measured against.

use restis::Redis;
use restis_processes::{
    Error, Result,
    cache::{Open, Request},
};
use serde_json::{Value, json};

use crate::plays::{Loader, Plays, cannot};

/// How long values are kept where the driver does not say.
const TTL: u64 = 60_000;

pub(crate) struct Naive {
    redis: Redis,
    loader: Loader,
    ttl: u64,
    namespace: String,
}

impl Naive {
    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.namespace)
    }

    async fn read(&self, key: &str) -> Result<Option<String>> {
        self.redis.get(self.key(key)).await.map_err(words)
    }

    async fn write(&self, key: &str, value: &str) -> Result<()> {
        let set = self.redis.set(self.key(key), value).px(self.ttl);
        set.await.map_err(words)
    }
}

impl Plays for Naive {
    fn open(open: Open) -> Result<Self> {
        Ok(Self {
            redis: Redis::new(&open.url, &open.token).map_err(words)?,
            loader: Loader::of(&open),
            ttl: open.settings.ttl.unwrap_or(TTL),
            namespace: open
                .settings
                .namespace
                .unwrap_or_else(|| "naive".to_owned()),
        })
    }

    fn loader(&self) -> &Loader {
        &self.loader
    }

    async fn get_or_set(&self, key: &str, _tags: &[String]) -> Result<(String, String)> {
        if let Some(value) = self.read(key).await? {
            return Ok((value, "hit".to_owned()));
        }
        let value = self.loader.load(key).await?;
        self.write(key, &value).await?;
        Ok((value, "miss".to_owned()))
    }

    async fn other(&self, request: Request) -> Result<Value> {
        match request {
            Request::Get { key, .. } => Ok(json!(self.read(&key).await?)),
            Request::Set { key, value, .. } => {
                self.write(&key, &value).await?;
                Ok(Value::Null)
            }
            Request::Update { key, value, .. } => {
                self.loader.write(&key, &value).await?;
                self.write(&key, &value).await?;
                Ok(Value::Null)
            }
            Request::Delete { key } => {
                self.redis.del(self.key(&key)).await.map_err(words)?;
                Ok(Value::Null)
            }
            Request::Stats => Ok(json!({})),
            other => Err(cannot(&other)),
        }
    }
}

fn words(error: restis::Error) -> Error {
    Error::new(error.to_string())
}
