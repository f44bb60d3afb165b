//! The same client for threads without an async runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::task::unconstrained;

use crate::client::TokenClientBuilder;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::request::AccessTokenRequest;
use crate::token::AccessToken;

/// A [`TokenClient`](crate::TokenClient) whose calls block the calling thread while
/// they wait for the server; a token from the cache costs no wait.
///
/// Cheap to clone, for any number of threads; it shares the cache and the requests
/// of the client it is made from, so the two may be used side by side.
///
/// It starts no runtime and needs none. Inside one it works as well, but holds up the
/// thread it is called on, as any blocking call does. Only the one thread that drives
/// the runtime given to [`TokenClientBuilder::runtime`](crate::TokenClientBuilder::runtime)
/// must not call it: nobody would then run the request that it waits for.
///
/// ```no_run
/// use prove_token::{ClientSecret, Environment, TokenClient};
/// # fn example(secret: ClientSecret) -> Result<(), prove_token::Error> {
/// let client = TokenClient::builder(Environment::UatUs)
///     .credentials("my-client-id", secret)
///     .build_blocking()?;
/// let token = client.access_token()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TokenClient(crate::TokenClient);

impl TokenClient {
    /// Asks by `client`.
    pub fn new(client: crate::TokenClient) -> Self {
        Self(client)
    }

    /// A usable token: from the cache, or else from the server.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::access_token`](crate::TokenClient::access_token).
    pub fn access_token(&self) -> Result<AccessToken, Error> {
        wait(self.0.access_token())
    }

    /// A usable token for `request`.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::access_token_with`](crate::TokenClient::access_token_with).
    pub fn access_token_with(&self, request: &AccessTokenRequest) -> Result<AccessToken, Error> {
        wait(self.0.access_token_with(request))
    }

    /// A new token, always from the server; the cache is neither read nor written.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request_access_token`](crate::TokenClient::request_access_token).
    pub fn request_access_token(&self, request: &AccessTokenRequest) -> Result<AccessToken, Error> {
        wait(self.0.request_access_token(request))
    }

    /// Says that an API rejected `token` (status 401), so that it is not handed
    /// out again. Returns at once.
    pub fn invalidate(&self, token: &AccessToken) {
        self.0.invalidate(token);
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> &Endpoint {
        self.0.token_endpoint()
    }
}

impl From<crate::TokenClient> for TokenClient {
    fn from(client: crate::TokenClient) -> Self {
        Self::new(client)
    }
}

impl TokenClientBuilder {
    /// As [`build`](Self::build), for threads without an async runtime.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_blocking(self) -> Result<TokenClient, Error> {
        self.build().map(TokenClient::new)
    }
}

/// Runs `future` to its end, parking the thread between polls.
fn wait<T>(future: impl Future<Output = T>) -> T {
    // Inside a Tokio task, the task's budget would run out and never be renewed: to
    // renew it, the task would have to return.
    let mut future = pin!(unconstrained(future));
    // A cached token needs no waker, so none is made for it.
    let mut context = Context::from_waker(Waker::noop());
    if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
        return output;
    }
    let parked = Arc::new(Parked {
        thread: thread::current(),
        is_woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&parked));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        parked.park();
    }
}

/// A thread that waits. The flag tells its waking from others: a thread may be
/// unparked by anybody, for any reason.
struct Parked {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Parked {
    fn park(&self) {
        while !self.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;
    use crate::testing::{Act, HOUR, ID, SECRET, Script, endpoint};
    use crate::{ClientSecret, TokenClient as AsyncClient};

    /// Only a defect takes so long.
    const NEVER: Duration = Duration::from_secs(60);

    fn builder(script: &Script) -> TokenClientBuilder {
        AsyncClient::builder(endpoint())
            .credentials(ID, ClientSecret::new(SECRET).unwrap())
            .transport(script.clone())
    }

    fn client(script: &Script) -> TokenClient {
        builder(script).build_blocking().unwrap()
    }

    fn value(client: &TokenClient) -> String {
        client.access_token().unwrap().value().to_owned()
    }

    #[test]
    fn many_threads_cost_one_request() {
        let script = Script::granting(HOUR);
        let client = client(&script);
        let start = Barrier::new(16);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (start.wait(), value(&client)));
            }
        });
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn every_call_is_the_async_client_s() {
        let script = Script::granting(HOUR);
        let shared = builder(&script).build().unwrap();
        let client = TokenClient::from(shared.clone());
        let token = client.access_token().unwrap();
        wait(shared.access_token()).unwrap();
        assert_eq!(script.requests(), 1, "one cache for both");
        client.invalidate(&token);
        wait(shared.access_token()).unwrap();
        assert_eq!(script.requests(), 2);
        let request = AccessTokenRequest::new().audience("a");
        client.access_token_with(&request).unwrap();
        client.access_token_with(&request).unwrap();
        assert_eq!(script.requests(), 3);
        client.request_access_token(&request).unwrap();
        assert_eq!(script.requests(), 4);
        assert_eq!(client.token_endpoint(), shared.token_endpoint());
    }

    #[test]
    fn errors_arrive() {
        let client = client(&Script::new([Act::Answer(403, "")]));
        let error = client.access_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestRejected);
    }

    /// Runs `work` on a thread of its own, so that a call that never returns fails.
    fn watched(work: impl FnOnce() + Send + 'static) {
        let (done, ended) = mpsc::channel();
        let worker = thread::spawn(move || (work(), done.send(())).0);
        let in_time = ended.recv_timeout(NEVER);
        assert_ne!(in_time, Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
        worker.join().unwrap();
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    }

    #[test]
    fn it_works_inside_a_runtime() {
        watched(|| {
            let client = client(&Script::granting(HOUR));
            runtime().block_on(async { value(&client) });
        });
    }

    /// A task that has done much before is told by Tokio to return first.
    #[test]
    fn it_works_inside_a_task_whose_budget_is_used_up() {
        watched(|| {
            let client = client(&Script::granting(HOUR));
            let used_up = std::future::poll_fn(move |context| {
                while let Poll::Ready(step) = tokio::task::coop::poll_proceed(context) {
                    step.made_progress();
                }
                Poll::Ready(value(&client))
            });
            let runtime = runtime();
            runtime.block_on(runtime.spawn(used_up)).unwrap();
        });
    }

    #[test]
    fn only_its_own_waker_wakes_it() {
        let is_due = Arc::new(AtomicBool::new(false));
        let parked = Arc::new(Parked {
            thread: thread::current(),
            is_woken: AtomicBool::new(false),
        });
        // Somebody else's, left over: to park returns at once.
        thread::current().unpark();
        let waker = thread::spawn({
            let (parked, is_due) = (Arc::clone(&parked), Arc::clone(&is_due));
            move || {
                is_due.store(true, Ordering::SeqCst);
                parked.wake();
            }
        });
        parked.park();
        assert!(is_due.load(Ordering::SeqCst));
        waker.join().unwrap();
    }
}
