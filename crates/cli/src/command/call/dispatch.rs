//! Sending the request of a call: with the token, again with a new one if the API
//! rejects that, and again after a pause that the API asked for.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Request, Response};
use prove_token::authorize::rejects_token;
use prove_token::transport::Body;
use prove_token::{AccessToken, Clock as _, ErrorKind, SystemClock};

use crate::api;
use crate::console::Console;
use crate::failure::Failure;
use crate::report;
use crate::session::{Session, Wish};
use crate::times;

/// A server that asks to come back at once is given a moment all the same.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);

/// One call, to be sent.
pub(super) struct Dispatch<'a> {
    pub(super) session: &'a Session,
    pub(super) console: &'a Console,
    pub(super) request: Request<Body>,
    pub(super) wish: Wish,
    /// By the boot clock, until when a pause that the API asks for may last; `None` if
    /// none is made.
    pub(super) retries_until: Option<Duration>,
}

impl Dispatch<'_> {
    /// The answer, and the tokens that were used for it, the last of them for this one.
    pub(super) async fn send(
        &self,
        kept: Option<AccessToken>,
    ) -> Result<(Response<Body>, Vec<AccessToken>), Failure> {
        let token = match kept {
            Some(token) => token,
            None => self.session.obtain(self.wish).await?,
        };
        let answer = self.send_with(&token).await?;
        if !rejects_token(answer.status(), answer.headers()) {
            return Ok((answer, vec![token]));
        }
        let renewed = self.session.replace(&token, self.wish).await?;
        if renewed.value() == token.value() {
            return Ok((answer, vec![token]));
        }
        let answer = self.send_with(&renewed).await?;
        Ok((answer, vec![token, renewed]))
    }

    /// As often as the API asks to wait and there is time to.
    async fn send_with(&self, token: &AccessToken) -> Result<Response<Body>, Failure> {
        loop {
            let mut request = self.request.clone();
            let header = token.authorization_header();
            request.headers_mut().insert(AUTHORIZATION, header);
            let answer = self.send_once(request).await?;
            let Some(wait) = api::asks_to_wait(&answer).filter(|wait| self.has_time(*wait)) else {
                return Ok(answer);
            };
            let wait = wait.max(SHORTEST_WAIT);
            self.console.notice(&format!(
                "the API answered with status {}: trying again in {}",
                answer.status().as_u16(),
                times::brief(wait)
            ));
            SystemClock.sleep(wait).await;
        }
    }

    fn has_time(&self, wait: Duration) -> bool {
        let then = SystemClock.now().boot + wait.max(SHORTEST_WAIT);
        self.retries_until.is_some_and(|until| then < until)
    }

    async fn send_once(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let host = request.uri().authority().map(ToString::to_string);
        let host = host.unwrap_or_default();
        report::api_request(self.console, request.method(), request.uri());
        let sent = self.session.send(request).await?;
        let answer = sent.map_err(|error| api::unreachable(&host, &error))?;
        report::api_answer(self.console, answer.status());
        if answer.body().is_cut_off() {
            return Err(Failure::new(
                ErrorKind::Protocol,
                format!("the answer of {host} is larger than 32 MiB"),
            ));
        }
        Ok(answer)
    }
}
