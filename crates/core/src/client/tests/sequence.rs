//! Any sequence of calls, answers, clock steps, rejections and cancellations, with and
//! without a store that others share.

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::clock::Clock as _;
use crate::testing::{MemoryStore, answer};
use crate::transport::{Body, Sending, Transport};
use crate::{AccessTokenRequest, RenewalPolicy, RetryPolicy};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Call(Call),
    /// Time passes for everybody.
    Pass(u64),
    /// The machine sleeps.
    Suspend(u64),
    /// The wall clock is set, by seconds.
    SetWall(i64),
    /// An API rejects the last token of a key.
    Reject(usize),
    Forget(usize),
    Reset,
    CredentialsChanged,
    /// The store breaks, or works again.
    Store(bool),
    /// Somebody damages what is stored.
    Damage,
}

#[derive(Clone, Debug)]
struct Call {
    key: usize,
    client: usize,
    min_validity: u64,
    max_wait_ms: u64,
    force: bool,
    /// Given up after so long.
    cancelled_after_ms: Option<u64>,
}

/// What the server answers, and after how long.
#[derive(Clone, Debug)]
enum Reply {
    Grant { expires_in: String },
    Same,
    Status(u16, Option<&'static str>),
    Garbage,
    Hang,
}

fn reply() -> impl Strategy<Value = (Reply, u64)> {
    let life = prop_oneof![
        Just(r#","expires_in":3600"#.to_owned()),
        Just(r#","expires_in":300"#.to_owned()),
        Just(r#","expires_in":20"#.to_owned()),
        Just(r#","expires_in":1"#.to_owned()),
        Just(r#","expires_in":0"#.to_owned()),
        Just(r#","expires_in":1e20"#.to_owned()),
        Just(String::new()),
    ];
    let reply = prop_oneof![
        6 => life.prop_map(|expires_in| Reply::Grant { expires_in }),
        1 => Just(Reply::Same),
        1 => prop_oneof![Just(401), Just(403), Just(500), Just(503)]
            .prop_map(|status| Reply::Status(status, None)),
        1 => prop_oneof![Just("0"), Just("3"), Just("120"), Just("soon")]
            .prop_map(|after| Reply::Status(429, Some(after))),
        1 => Just(Reply::Garbage),
        1 => Just(Reply::Hang),
    ];
    let delay = prop_oneof![3 => Just(0_u64), 2 => 1..400_u64, 1 => 400..12_000_u64];
    (reply, delay)
}

fn step() -> impl Strategy<Value = Step> {
    let call = (
        0..KEYS,
        0..CLIENTS,
        prop_oneof![3 => Just(0_u64), 1 => 0..4000_u64],
        prop_oneof![3 => Just(30_000_u64), 1 => 0..3000_u64],
        prop::bool::weighted(0.1),
        prop::option::weighted(0.2, 0..2000_u64),
    );
    let call = call.prop_map(
        |(key, client, min_validity, max_wait_ms, force, cancelled_after_ms)| {
            Step::Call(Call {
                key,
                client,
                min_validity,
                max_wait_ms,
                force,
                cancelled_after_ms,
            })
        },
    );
    prop_oneof![
        12 => call,
        4 => (0..4000_u64).prop_map(Step::Pass),
        1 => (0..8000_u64).prop_map(Step::Suspend),
        1 => (-8000..8000_i64).prop_map(Step::SetWall),
        1 => (0..KEYS).prop_map(Step::Reject),
        1 => (0..KEYS).prop_map(Step::Forget),
        1 => Just(Step::Reset),
        1 => Just(Step::CredentialsChanged),
        1 => any::<bool>().prop_map(Step::Store),
        1 => Just(Step::Damage),
    ]
}

const KEYS: usize = 4;
const CLIENTS: usize = 2;

/// A server that plays `replies` over and over, and says for whom each token is.
#[derive(Clone)]
struct Server(Arc<Mutex<Play>>);

struct Play {
    replies: Vec<(Reply, u64)>,
    requests: usize,
    aloft: usize,
    most_aloft: usize,
    /// The last token of each audience.
    last: std::collections::HashMap<String, String>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

/// Counts down even where the request is dropped.
struct Aloft(Server);

impl Drop for Aloft {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().aloft -= 1;
    }
}

impl Server {
    fn begin(&self, body: &str) -> (Reply, u64, String, Option<String>) {
        let audience = body.split("audience=").nth(1).unwrap();
        let audience = audience.split('&').next().unwrap().to_owned();
        let mut play = self.0.lock().unwrap();
        let (reply, delay) = play.replies[play.requests % play.replies.len()].clone();
        play.requests += 1;
        play.aloft += 1;
        play.most_aloft = play.most_aloft.max(play.aloft);
        let new = format!("k{audience}.n{}", play.requests);
        let last = play.last.get(&audience).cloned();
        (reply, delay, new, last)
    }

    fn granted(&self, token: &str) -> String {
        let audience = token[1..].split('.').next().unwrap().to_owned();
        let mut play = self.0.lock().unwrap();
        play.last.insert(audience, token.to_owned());
        token.to_owned()
    }
}

impl Transport for Server {
    fn send(&self, request: http::Request<Body>) -> Sending<'_> {
        let body = String::from_utf8(request.body().expose_secret().to_vec()).unwrap();
        Box::pin(async move {
            let (reply, delay, new, last) = self.begin(&body);
            let _aloft = Aloft(self.clone());
            tokio::time::sleep(Duration::from_millis(delay)).await;
            let token = |token: &str, rest: &str| {
                let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer"{rest}}}"#);
                Ok(answer(200, &body))
            };
            match reply {
                Reply::Grant { expires_in } => token(&self.granted(&new), &expires_in),
                Reply::Same => token(&last.unwrap_or(new), r#","expires_in":600"#),
                Reply::Status(status, retry_after) => {
                    let mut answer = answer(status, "");
                    if let Some(after) = retry_after {
                        let after = after.parse().unwrap();
                        answer.headers_mut().insert("retry-after", after);
                    }
                    Ok(answer)
                }
                Reply::Garbage => Ok(answer(200, "<html>")),
                Reply::Hang => std::future::pending().await,
            }
        })
    }
}

/// Everything that a sequence runs in.
struct World {
    server: Server,
    clock: TestClock,
    store: MemoryStore,
    clients: Vec<TokenClient>,
    last: Arc<Mutex<Vec<Option<AccessToken>>>>,
}

impl World {
    fn new(replies: Vec<(Reply, u64)>, has_store: bool) -> Self {
        let server = Server(Arc::new(Mutex::new(Play {
            replies,
            requests: 0,
            aloft: 0,
            most_aloft: 0,
            last: Default::default(),
        })));
        let (clock, store) = (TestClock::new(), MemoryStore::default());
        let clients = (0..CLIENTS).map(|number| {
            let client = builder(&Script::default(), &clock)
                .transport(server.clone())
                // Fewer than there are keys.
                .max_tokens(3)
                .keep_warm(number == 1);
            match has_store {
                true => client.store(store.clone()).build().unwrap(),
                false => client.build().unwrap(),
            }
        });
        Self {
            clients: clients.collect(),
            server,
            clock,
            store,
            last: Arc::new(Mutex::new(vec![None; KEYS])),
        }
    }

    fn request(key: usize) -> AccessTokenRequest {
        AccessTokenRequest::new().audience(key.to_string())
    }

    /// Starts a call, and judges it when it ends.
    fn call(&self, call: Call) -> tokio::task::JoinHandle<()> {
        let client = self.clients[call.client].clone();
        let last = Arc::clone(&self.last);
        let clock = self.clock.clone();
        let options = CallOptions::new()
            .min_validity(Duration::from_secs(call.min_validity))
            .max_wait(Duration::from_millis(call.max_wait_ms))
            .force(call.force);
        tokio::spawn(async move {
            let request = Self::request(call.key);
            let work = client.access_token_with_options(Some(&request), options);
            let started = tokio::time::Instant::now();
            let limit = call.cancelled_after_ms.map(Duration::from_millis);
            let outcome = match limit {
                Some(limit) => tokio::time::timeout(limit, work).await.ok(),
                None => Some(work.await),
            };
            let waited = started.elapsed();
            // A deadline by a clock that is suspended may come early, never late.
            let longest = Duration::from_millis(call.max_wait_ms);
            assert!(
                waited <= longest + Duration::from_millis(1),
                "{waited:?} of {longest:?}"
            );
            if let Some(Ok(token)) = outcome {
                let owner = format!("k{}.", call.key);
                assert!(
                    token.value().starts_with(&owner),
                    "{} for {owner}",
                    token.value()
                );
                judge_life(&token, &clock);
                last.lock().unwrap()[call.key] = Some(token);
            }
        })
    }
}

fn judge_life(token: &AccessToken, clock: &TestClock) {
    let (life, left) = (token.lifetime(), token.data().life().remaining(clock.now()));
    let guard = RenewalPolicy::default()
        .boundaries(life, Duration::ZERO)
        .guard;
    assert!(left > guard, "{left:?} of {life:?} left");
    assert!(life <= Duration::from_secs(86_400));
}

/// Runs `work` on a runtime of its own.
fn on_paused_time(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work);
}

async fn play(steps: Vec<Step>, replies: Vec<(Reply, u64)>, has_store: bool) {
    let world = World::new(replies, has_store);
    let mut calls = Vec::new();
    for step in steps {
        match step {
            Step::Call(call) => calls.push(world.call(call)),
            Step::Pass(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Step::Suspend(seconds) => world.clock.suspend(Duration::from_secs(seconds)),
            Step::SetWall(seconds) => world.clock.set_wall(|wall| {
                let by = Duration::from_secs(seconds.unsigned_abs());
                *wall = if seconds < 0 { *wall - by } else { *wall + by };
            }),
            Step::Reject(key) => {
                let token = world.last.lock().unwrap()[key].clone();
                token
                    .iter()
                    .for_each(|token| world.clients[0].invalidate(token));
            }
            Step::Forget(key) => {
                // A store that is broken says so.
                let _ = world.clients[0].forget(Some(&World::request(key)));
            }
            Step::Reset => world.clients[0].reset(),
            Step::CredentialsChanged => world.clients[1].credentials_changed(),
            Step::Store(is_broken) => world.store.set_broken(is_broken),
            Step::Damage => world.store.alter(|entry| entry[70] ^= 1),
        }
        // Yields, so that calls overlap with what follows.
        tokio::task::yield_now().await;
    }
    for call in calls {
        call.await.unwrap();
    }
    let play = world.server.0.lock().unwrap();
    assert!(
        play.most_aloft <= 4 * CLIENTS,
        "{} at once",
        play.most_aloft
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// No token past its end by either clock or below the guard, none of another key,
    /// no call beyond its limit, whatever happens.
    #[test]
    fn any_sequence_is_served_by_the_rules(
        steps in prop::collection::vec(step(), 1..60),
        replies in prop::collection::vec(reply(), 1..20),
        has_store in any::<bool>(),
    ) {
        on_paused_time(play(steps, replies, has_store));
    }

    /// While a usable token is held, no call fails, whatever the server does.
    #[test]
    fn a_live_token_is_never_out_of_reach(
        replies in prop::collection::vec(reply(), 1..20),
        reads in prop::collection::vec((0..200_u64, prop::bool::weighted(0.1)), 1..80),
    ) {
        on_paused_time(async {
            // A token that is granted replaces the one at hand, be it shorter: none is.
            let hour = || Reply::Grant { expires_in: r#","expires_in":3600"#.to_owned() };
            let long = replies.into_iter().map(|(reply, delay)| match reply {
                Reply::Grant { .. } => (hour(), delay),
                other => (other, delay),
            });
            let world = World::new([(hour(), 0)].into_iter().chain(long).collect(), false);
            let request = World::request(0);
            let client = &world.clients[0];
            let first = client.access_token_with(&request).await.unwrap();
            let mut held = first;
            for (pause, force) in reads {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                let options = CallOptions::new().force(force);
                let was_live = held.data().is_usable(world.clock.now());
                let outcome = client.access_token_with_options(Some(&request), options).await;
                // It may end while a forced call waits; then the call may fail.
                let is_live = held.data().is_usable(world.clock.now());
                assert!(outcome.is_ok() || !was_live || !is_live, "{outcome:?}");
                held = outcome.unwrap_or(held);
            }
        });
    }

    /// Flights keep to the pauses of the policy, and attempts to theirs.
    #[test]
    fn requests_stay_within_the_policy(
        status in prop_oneof![Just(401_u16), Just(403), Just(429), Just(503)],
        attempts in 1..4_u32,
        reads in 1..3000_u32,
    ) {
        on_paused_time(async {
            let script = Script::new([Act::AnswerWith(status, "x-none", "", "")]);
            let client = builder(&script, &TestClock::new())
                .retry(RetryPolicy::default().attempts(attempts))
                .build()
                .unwrap();
            for _ in 0..reads {
                client.access_token().await.unwrap_err();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let seconds = f64::from(reads) / 10.0;
            let is_terminal = status < 429;
            // The shortest pauses there can be: 0.8, 1.6, then 3.2 s; 1, 2, 4 … 60 s.
            let flights = match is_terminal {
                true => 7.0 + seconds / 60.0,
                false => 3.0 + seconds / 3.2,
            };
            let per_flight = if is_terminal { 1.0 } else { f64::from(attempts) };
            let requests = script.requests() as f64;
            assert!(requests <= flights.ceil() * per_flight, "{requests} in {seconds} s");
        });
    }
}
