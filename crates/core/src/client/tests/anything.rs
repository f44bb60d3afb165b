//! Anything may happen: random answers and delays, callers that give up, tokens
//! that are rejected, a wall clock that is set back. What must hold then.

use std::sync::Mutex;

use super::*;
use crate::testing::answer;
use crate::transport::{Body, Sending, Transport};

/// A generator that repeats itself for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

/// A server without any manners.
#[derive(Clone)]
struct Server(Arc<Mutex<Seen>>);

struct Seen {
    dice: Dice,
    requests: u64,
    aloft: usize,
    most_aloft: usize,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Seen {
            dice: Dice(seed),
            requests: 0,
            aloft: 0,
            most_aloft: 0,
        })))
    }

    /// How long the next answer takes, its status, and its body.
    fn decide(&self) -> (Duration, u16, String) {
        let mut seen = self.0.lock().unwrap();
        seen.requests += 1;
        seen.aloft += 1;
        seen.most_aloft = seen.most_aloft.max(seen.aloft);
        let longest = if seen.dice.one_in(3) { 12_000 } else { 100 };
        let delay = Duration::from_millis(seen.dice.below(longest));
        let (status, name) = match seen.dice.below(8) {
            0 => (503, 0),
            1 => (401, 0),
            2 => (429, 0),
            // The same token as before.
            3 => (200, 0),
            _ => (200, seen.requests),
        };
        let life = [3, 20, 40, 300, 3600][(seen.requests % 5) as usize];
        let body =
            format!(r#"{{"access_token":"t{name}","token_type":"Bearer","expires_in":{life}}}"#);
        (delay, status, body)
    }
}

impl Transport for Server {
    fn send(&self, _: http::Request<Body>) -> Sending<'_> {
        /// Counts down even where the request is dropped.
        struct Aloft<'a>(&'a Server);
        impl Drop for Aloft<'_> {
            fn drop(&mut self) {
                self.0.0.lock().unwrap().aloft -= 1;
            }
        }
        Box::pin(async move {
            let (delay, status, body) = self.decide();
            let _aloft = Aloft(self);
            tokio::time::sleep(delay).await;
            Ok(answer(status, &body))
        })
    }
}

async fn ask(client: TokenClient, gives_up: bool, rejects: bool) {
    let began = tokio::time::Instant::now();
    let outcome = match gives_up {
        true => tokio::time::timeout(Duration::from_millis(300), client.access_token())
            .await
            .ok(),
        false => Some(client.access_token().await),
    };
    // Three flights of 25 s at the most, should each token end before it arrives.
    assert!(
        began.elapsed() <= Duration::from_secs(80),
        "{:?}",
        began.elapsed()
    );
    if let Some(Ok(token)) = outcome {
        let life = token.lifetime();
        let guard = (life / 20)
            .clamp(Duration::from_millis(500), Duration::from_secs(10))
            .min(life / 2);
        assert!(
            token.expires_in() > guard,
            "{:?} of {life:?}",
            token.expires_in()
        );
        if rejects {
            client.invalidate(&token);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_flight_no_ended_token_and_every_caller_ends() {
    for seed in 1..=60 {
        let server = Server::new(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut dice = Dice(seed * 77_777 + 1);
        let clock = TestClock::new();
        let client = builder(&Script::default(), &clock)
            .transport(server.clone())
            .build()
            .unwrap();
        let started = tokio::time::Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..400 {
            callers.spawn(ask(client.clone(), dice.one_in(4), dice.one_in(23)));
            match dice.below(5) {
                0 => tokio::time::sleep(Duration::from_secs(dice.below(60))).await,
                1 => tokio::time::sleep(Duration::from_millis(dice.below(3000))).await,
                _ => tokio::task::yield_now().await,
            }
            if dice.one_in(97) {
                clock.set_wall(|wall| *wall -= Duration::from_secs(50));
            }
        }
        callers.join_all().await;
        let seen = server.0.lock().unwrap();
        assert_eq!(seen.most_aloft, 1, "seed {seed}");
        let seconds = started.elapsed().as_secs();
        assert!(
            seen.requests < seconds,
            "seed {seed}: {} requests in {seconds} s",
            seen.requests
        );
    }
}
