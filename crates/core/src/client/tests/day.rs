//! A simulated day: a fleet that started together, two outages and a brown-out.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use tokio::time::Instant;

use super::*;
use crate::testing::answer;
use crate::transport::{Body, Sending, Transport};

const CLIENTS: usize = 1000;
const HOUR: u64 = 3600;

/// Every client is asked once in so many seconds. (Once a second would be the same
/// renewals, and sixty times as many reads of fresh tokens.)
const READ_EVERY: u64 = 60;

/// From when to when, in seconds of the day, the endpoint is down; and when every second
/// request fails, and each takes 5 s.
/// The second outage begins when most of the fleet is about to renew.
const OUTAGES: [(u64, u64); 2] = [(5 * HOUR, 5 * HOUR + 600), (38_000, 38_000 + 1800)];
const BROWN_OUT: (u64, u64) = (17 * HOUR, 18 * HOUR);

/// The endpoint of all clients.
#[derive(Clone, Debug)]
struct Endpoint {
    started: Instant,
    /// Requests in each second of the day.
    seconds: Arc<Mutex<Vec<u32>>>,
    requests: Arc<AtomicU64>,
    granted: Arc<AtomicU64>,
}

impl Endpoint {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            seconds: Arc::new(Mutex::new(vec![0; 25 * HOUR as usize])),
            requests: Arc::default(),
            granted: Arc::default(),
        }
    }

    fn is_down(&self) -> bool {
        let now = self.started.elapsed().as_secs();
        OUTAGES.iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    /// Whether a call may fail: the outage outlives the life that a token has left when
    /// its renewal is due (less a read and the guard), or was over less than 5 s ago.
    fn excuses(&self) -> bool {
        let now = self.started.elapsed().as_secs();
        let outlives = 720 - READ_EVERY - 10;
        let mut outages = OUTAGES.iter();
        outages.any(|(from, to)| (from + outlives..to + 5).contains(&now))
    }

    fn is_brown(&self) -> bool {
        (BROWN_OUT.0..BROWN_OUT.1).contains(&self.started.elapsed().as_secs())
    }
}

impl Transport for Endpoint {
    fn send(&self, _: http::Request<Body>) -> Sending<'_> {
        let second = self.started.elapsed().as_secs() as usize;
        self.seconds.lock().unwrap()[second] += 1;
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if self.is_brown() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            if self.is_down() || (self.is_brown() && number.is_multiple_of(2)) {
                return Ok(answer(503, ""));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let token = self.granted.fetch_add(1, Ordering::Relaxed);
            let body = format!(
                r#"{{"access_token":"t{token}","token_type":"Bearer","expires_in":{HOUR}}}"#
            );
            Ok(answer(200, &body))
        })
    }
}

/// What came of the day's calls.
#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    failed: u64,
    /// Failed though a live token was possible.
    failed_without_need: u64,
    /// Served below the guard or past the end.
    late: u64,
}

/// Uses `client` all day.
async fn use_it(client: TokenClient, endpoint: Endpoint, number: u64) -> Tally {
    let mut tally = Tally::default();
    // They are started together, and used at different moments.
    let mut next = endpoint.started + Duration::from_millis(number * 19 % (READ_EVERY * 1000));
    client.access_token().await.unwrap();
    while endpoint.started.elapsed() < Duration::from_secs(24 * HOUR) {
        tokio::time::sleep_until(next).await;
        next += Duration::from_secs(READ_EVERY);
        tally.calls += 1;
        match client.access_token().await {
            Ok(token) => tally.late += u64::from(token.expires_in() < Duration::from_secs(10)),
            Err(_) => {
                tally.failed += 1;
                tally.failed_without_need += u64::from(!endpoint.excuses());
            }
        }
    }
    tally
}

#[tokio::test(start_paused = true)]
async fn a_day_of_a_fleet() {
    let endpoint = Endpoint::new();
    let clock = TestClock::new();
    let mut fleet = JoinSet::new();
    for number in 0..CLIENTS {
        let client = builder(&Script::default(), &clock).transport(endpoint.clone());
        let client = client.build().unwrap();
        fleet.spawn(use_it(client, endpoint.clone(), number as u64));
    }
    let mut day = Tally::default();
    for tally in fleet.join_all().await {
        day.calls += tally.calls;
        day.failed += tally.failed;
        day.failed_without_need += tally.failed_without_need;
        day.late += tally.late;
    }
    let seconds = endpoint.seconds.lock().unwrap();
    // After the start, where all ask at once because all were started at once.
    let peak = seconds[60..].iter().max().copied().unwrap();
    let requests = endpoint.requests.load(Ordering::Relaxed);
    let granted = endpoint.granted.load(Ordering::Relaxed);
    // Each renews with 720 s and, on average, 150 s of jitter left.
    let optimum = CLIENTS as u64 * (24 * HOUR) / (HOUR - 720 - 150);
    println!(
        "{CLIENTS} clients, a day: {granted} tokens, where the optimum is {optimum}, by \
         {requests} requests; {peak} in the busiest second; of {} calls {} failed, {} of \
         them without need; {} tokens served late",
        day.calls, day.failed, day.failed_without_need, day.late,
    );
    assert_eq!(day.late, 0);
    assert_eq!(day.failed_without_need, 0);
    assert!(granted < optimum * 11 / 10, "{granted} tokens");
    // In the second outage all clients try: first as those who hold a token, then, with
    // every call, as those who have none. An attempt that fails is made three times.
    assert!(requests < optimum * 4, "{requests} requests");
    assert!(peak <= 250, "{peak} requests in one second");
}
