//! Sessions over four processes: the cap, changes and ends that meet.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test, not an API")]

use std::process::Command;

use restis_processes::{Player, Server};
use serde_json::{Value, json};

const PROCESSES: usize = 4;

struct Desk {
    server: Server,
    clerks: Vec<Player>,
}

impl Desk {
    async fn start() -> Self {
        let server = Server::start().await.unwrap();
        let clerk = |_| Player::start(Command::new(env!("CARGO_BIN_EXE_clerk"))).unwrap();
        Self {
            server,
            clerks: (0..PROCESSES).map(clerk).collect(),
        }
    }

    fn request(&self, what: &str, session: &str, times: usize) -> Value {
        json!({
            "do": what,
            "url": self.server.url(),
            "token": self.server.token(),
            "cap": 5,
            "user": "ada",
            "session": session,
            "times": times,
        })
    }

    async fn ask(&self, clerk: usize, what: &str, session: &str) -> Value {
        let request = self.request(what, session, 1);
        let clerk = self.clerks.get(clerk % PROCESSES).unwrap();
        clerk.ask(&request).await.unwrap()
    }

    /// All clerks at the same time.
    async fn all(&self, what: &str, session: &str, times: usize) -> Vec<Value> {
        let mut asked = Vec::new();
        for clerk in &self.clerks {
            let request = self.request(what, session, times);
            asked.push(clerk.begin(&request).await.unwrap());
        }
        let mut answers = Vec::new();
        for asked in asked {
            answers.push(asked.answer().await.unwrap());
        }
        answers
    }

    async fn login(&self) -> String {
        let tokens = self.ask(0, "login", "").await;
        tokens.get(0).unwrap().as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn of_200_logins_five_stay() {
    let desk = Desk::start().await;
    let tokens = desk.all("login", "", 50).await;
    let tokens: Vec<&str> = tokens
        .iter()
        .flat_map(|tokens| tokens.as_array().unwrap())
        .map(|token| token.as_str().unwrap())
        .collect();
    assert_eq!(tokens.len(), 200);
    let mut live = 0;
    for token in tokens {
        live += u32::from(!desk.ask(1, "look", token).await.is_null());
    }
    assert_eq!(live, 5);
}

#[tokio::test]
async fn of_100_changes_none_is_lost() {
    let desk = Desk::start().await;
    let session = desk.login().await;
    desk.all("add", &session, 25).await;
    assert_eq!(desk.ask(2, "look", &session).await, json!(100));
}

/// One process ends all, and what another looks up after that is not there: 1,000 times.
#[tokio::test]
async fn who_is_ended_here_is_not_let_in_there() {
    let desk = Desk::start().await;
    for round in 0..250 {
        let session = desk.login().await;
        let change = desk.clerks.get(1).unwrap();
        let change = change
            .begin(&desk.request("add", &session, 1))
            .await
            .unwrap();
        desk.ask(round, "end", "").await;
        let found = desk.all("look", &session, 1).await;
        assert!(found.iter().all(Value::is_null), "{round}: {found:?}");
        change.answer().await.unwrap();
        assert!(desk.ask(round, "look", &session).await.is_null());
    }
}
