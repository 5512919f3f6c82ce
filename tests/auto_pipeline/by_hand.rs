//! Commands, a server and an executor that are moved by hand, one step at a time.
//!
//! The executor polls a command only if its waker was called, unless told to, so a wake-up that is missing shows as a
//! command that never ends.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use restis::{
    Builder, Error, Redis, Retry,
    transport::{Request, Response, TransportError},
};

/// Lets commands make their timers, which never end: time stands still.
pub fn with_time<R>(test: impl FnOnce() -> R) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _entered = runtime.enter();
    test()
}

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Answer,
    /// Too few entries.
    Short,
    Interrupted,
}

/// One request as the server sees it.
pub struct Asked {
    /// The last word of each command.
    pub ids: Vec<usize>,
    pub writes: bool,
    pub is_batch: bool,
    pub end: Option<End>,
    /// It was answered, or given up.
    pub is_over: bool,
    pub waker: Option<Waker>,
}

/// A server that answers a request when it is told to.
#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<Vec<Asked>>>);

/// The answer of one request, or its end.
struct Pending(Server, usize);

impl Server {
    pub fn client(&self, settings: impl FnOnce(Builder) -> Builder) -> Redis {
        let server = self.clone();
        let builder = Redis::builder()
            .url("https://mock.example")
            .token("token")
            .retry(Retry::never())
            .auto_pipelining(true)
            .transport(move |request: Request| server.ask(&request));
        settings(builder).build().unwrap()
    }

    pub fn ask(
        &self,
        request: &Request,
    ) -> impl Future<Output = Result<Response, TransportError>> + Send + use<> {
        let is_batch = request.url().ends_with("/pipeline");
        let commands: Vec<Vec<String>> = match is_batch {
            true => serde_json::from_slice(request.body()).unwrap(),
            false => vec![serde_json::from_slice(request.body()).unwrap()],
        };
        let ids = commands.iter().map(|words| words.last().unwrap().parse());
        let mut asked = self.asked();
        asked.push(Asked {
            ids: ids.map(Result::unwrap).collect(),
            writes: commands.iter().any(|words| words[0] != "ECHO"),
            is_batch,
            end: None,
            is_over: false,
            waker: None,
        });
        Pending(self.clone(), asked.len() - 1)
    }

    /// All requests up to now; also where an assertion has failed.
    pub fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a request.
    pub fn end(&self, index: usize, end: End) {
        let waker = {
            let mut asked = self.asked();
            asked[index].end.get_or_insert(end);
            asked[index].waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Those that wait for an end.
    pub fn open(&self) -> Vec<usize> {
        let asked = self.asked();
        let open = asked.iter().enumerate();
        open.filter(|(_, asked)| asked.end.is_none() && !asked.is_over)
            .map(|(index, _)| index)
            .collect()
    }

    /// The commands of each request.
    pub fn sent(&self) -> Vec<Vec<usize>> {
        let asked = self.asked();
        asked.iter().map(|asked| asked.ids.clone()).collect()
    }

    pub fn has_sent(&self, id: usize) -> bool {
        self.sent().iter().any(|ids| ids.contains(&id))
    }
}

impl Future for Pending {
    type Output = Result<Response, TransportError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut asked = self.0.asked();
        let asked = &mut asked[self.1];
        let Some(end) = asked.end else {
            asked.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        asked.is_over = true;
        let entries: Vec<_> = asked
            .ids
            .iter()
            .skip(usize::from(end == End::Short))
            .map(|id| format!(r#"{{"result":{id}}}"#))
            .collect();
        Poll::Ready(match end {
            End::Interrupted => Err(TransportError::interrupted("reset")),
            _ if asked.is_batch => Ok(Response::new(200, format!("[{}]", entries.join(",")))),
            _ if end == End::Short => Ok(Response::new(200, "[]")),
            _ => Ok(Response::new(200, entries.concat())),
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.asked()[self.1].is_over = true;
    }
}

/// Whether a command was woken.
#[derive(Default)]
pub struct Woken(pub AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The commands, with what became of them.
pub struct Executor<'a> {
    pub redis: &'a Redis,
    pub server: &'a Server,
    pub tasks: Vec<Task<'a>>,
    pub limit: Option<usize>,
    /// What gathers without a limit: the requests, with their commands and what these have in common.
    pub lane: Vec<(Option<usize>, Vec<usize>)>,
    /// Commands of the same turn, which ends when nothing gathers any more, keep their order.
    pub turn: usize,
    /// The commands in the order in which they were polled first.
    pub seated: Vec<usize>,
    /// The requests whose order has been looked at.
    pub checked: usize,
}

type Command<'a> = Pin<Box<dyn Future<Output = Result<usize, Error>> + 'a>>;

pub struct Task<'a> {
    pub command: Option<Command<'a>>,
    pub woken: Arc<Woken>,
    pub is_write: bool,
    pub is_alone: bool,
    /// Only those that say the same share a request.
    pub terms: Option<usize>,
    pub turn: Option<usize>,
    pub end: Option<Result<usize, Error>>,
    /// It was dropped when it had not been sent.
    pub must_not_be_sent: bool,
}

/// What kind of command it is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Read,
    Write,
    /// Repeated otherwise, so it has a request of its own in its turn.
    OwnRead,
    OwnWrite,
    Alone,
}

impl<'a> Executor<'a> {
    pub fn new(redis: &'a Redis, server: &'a Server) -> Self {
        Self {
            redis,
            server,
            tasks: Vec::new(),
            limit: None,
            lane: Vec::new(),
            turn: 0,
            seated: Vec::new(),
            checked: 0,
        }
    }

    /// Commands that are polled once, and then until nothing moves.
    pub fn begin<const N: usize>(&mut self, kinds: [Kind; N]) {
        for kind in kinds {
            let id = self.start(kind);
            self.poll(id);
        }
        self.settle(0);
    }

    /// Makes a command; it is not polled yet.
    pub fn start(&mut self, kind: Kind) -> usize {
        let id = self.tasks.len();
        let is_write = matches!(kind, Kind::Write | Kind::OwnWrite);
        let name = if is_write { "INCRBY" } else { "ECHO" };
        // Each of those that leave on their own is told from the one before by its patience.
        let own = Duration::from_secs(20 + id as u64);
        let command = self.redis.command(name).arg(id).query::<usize>();
        let command = match kind {
            Kind::OwnRead | Kind::OwnWrite => command.attempt_timeout(own),
            Kind::Alone => command.alone(),
            Kind::Read | Kind::Write => command,
        };
        self.tasks.push(Task {
            command: Some(Box::pin(command.into_future())),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            is_write,
            is_alone: matches!(kind, Kind::Alone),
            terms: matches!(kind, Kind::OwnRead | Kind::OwnWrite).then_some(id),
            turn: None,
            end: None,
            must_not_be_sent: false,
        });
        id
    }

    /// Polls one, whether it was woken or not.
    pub fn poll(&mut self, id: usize) {
        let task = &mut self.tasks[id];
        let Some(command) = &mut task.command else {
            return;
        };
        task.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&task.woken));
        if let Poll::Ready(end) = command.as_mut().poll(&mut Context::from_waker(&waker)) {
            task.command = None;
            task.end = Some(end);
        }
        let (terms, is_new) = (task.terms, task.turn.is_none());
        task.turn.get_or_insert(self.turn);
        if is_new {
            self.seated.push(id);
        }
        match self.lane.last_mut() {
            _ if task.is_alone || self.limit.is_some() => {}
            Some((known, gate)) if is_new && *known == terms => gate.push(id),
            _ if is_new => self.lane.push((terms, vec![id])),
            _ => {
                // Polled again, it leaves with all that came before.
                let gate = self.lane.iter().position(|(_, gate)| gate.contains(&id));
                self.lane.drain(..gate.map_or(0, |gate| gate + 1));
                self.turn += usize::from(gate.is_some() && self.lane.is_empty());
            }
        }
        // With more a turn may end in its middle, when a request that waited with the first of it may leave.
        if self.limit.is_none_or(|limit| limit == 1) {
            self.check_order();
        }
    }

    pub fn give_up(&mut self, id: usize) {
        if self.tasks[id].command.take().is_some() {
            self.tasks[id].must_not_be_sent = !self.server.has_sent(id);
            for (_, gate) in &mut self.lane {
                gate.retain(|seated| *seated != id);
            }
            let gathering = self.lane.len();
            self.lane.retain(|(_, gate)| !gate.is_empty());
            self.turn += usize::from(gathering > 0 && self.lane.is_empty());
        }
    }

    /// Where one of two commands of a turn writes, the second leaves with the first or after its end.
    pub fn check_order(&mut self) {
        let asked = self.server.asked();
        let place = |id: usize| self.seated.iter().position(|seated| *seated == id);
        for (index, request) in asked.iter().enumerate().skip(self.checked) {
            for later in &request.ids {
                let task = &self.tasks[*later];
                for earlier in self.seated.iter().take(place(*later).unwrap()) {
                    let before = &self.tasks[*earlier];
                    let free = !before.is_write && !task.is_write;
                    if free || before.is_alone || task.is_alone || before.turn != task.turn {
                        continue;
                    }
                    let gone = before.command.is_none();
                    let sent = asked.iter().position(|asked| asked.ids.contains(earlier));
                    let kept = match sent {
                        Some(sent) => sent == index || asked[sent].is_over,
                        None => gone,
                    };
                    assert!(kept, "{later} overtook {earlier}");
                }
            }
        }
        self.checked = asked.len();
    }

    /// Polls those that were woken, one after the other, until none is. `order` is where to begin.
    pub fn settle(&mut self, order: usize) {
        let count = self.tasks.len();
        let mut idle = 0;
        for id in (0..count).cycle().skip(order) {
            let task = &self.tasks[id];
            let woken = task.command.is_some() && task.woken.0.load(Ordering::SeqCst);
            idle = if woken { 0 } else { idle + 1 };
            if woken {
                self.poll(id);
            }
            if idle > count {
                break;
            }
        }
    }

    pub fn value(&self, id: usize) -> Option<usize> {
        Some(*self.tasks[id].end.as_ref()?.as_ref().unwrap())
    }
}
