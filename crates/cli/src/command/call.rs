//! `prove-token call`: one API operation, with the token.

mod dispatch;
mod next;
mod request;

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use prove_token::transport::{Body, BodyLimit};
use prove_token::{AccessToken, Clock as _, ErrorKind, SystemClock};
use prove_token_config::Target;

use self::dispatch::Dispatch;
use super::{Context, Run};
use crate::answer::Shown;
use crate::api;
use crate::args::{CacheFlags, ProfileFlags, Takes};
use crate::failure::Failure;
use crate::session::{Session, Wish};

/// The most that is sent as a body, in bytes.
const LARGEST_BODY: u64 = 16 * 1024 * 1024;

/// The most that is read of an answer, in bytes.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// Without `--timeout`, a token and an answer together have this long.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The HTTP method; without it GET, or POST if there is data. Then the path
    /// below the profile's API base, such as /v3/start
    #[arg(value_name = "[METHOD] PATH", num_args = 1..=2, required = true)]
    target: Vec<String>,
    /// The request body: JSON, @FILE or - for standard input
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,
    /// A request header, such as "Accept: application/json"
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = request::header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Print the status and the headers of the answer, too
    #[arg(short, long)]
    include: bool,
    /// Wait and try again when the API asks for it (status 429 or 503 with Retry-After),
    /// as long as --timeout allows
    #[arg(long)]
    retry: bool,
    /// After a success, print the steps that the answer names as commands to run next
    #[arg(long)]
    follow_next: bool,
    #[command(flatten)]
    cache: CacheFlags,
    #[command(flatten)]
    flags: ProfileFlags,
}

impl Run for CallArgs {
    fn takes(&self) -> Takes {
        Takes::ALL
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let (method, path) = self.target()?;
        let body = self.body()?;
        let limit = context.global.timeout.unwrap_or(LIMIT);
        let session = Session::start(&self.flags, Some(limit), context)?;
        let base = session
            .profile
            .api_base
            .clone()
            .ok_or_else(|| no_base(&session.profile.name))?;
        let uri = request::uri(&base, path)?;
        let wish = Wish::from(self.cache);
        let dispatch = Dispatch {
            session: &session,
            console: &context.console,
            request: self.request(method, uri, body.clone()),
            wish,
            retries_until: self.retry.then(|| SystemClock.now().boot + limit),
        };
        let kept = session.kept_token(wish)?;
        let (answer, tokens) = session.run(dispatch.send(kept))?;
        let shown = Shown {
            include: self.include,
            terminal: context.console.stdout_is_terminal(),
        };
        let values: Vec<_> = tokens.iter().map(AccessToken::value).collect();
        context.console.result(shown.render(&answer, &values))?;
        let caller = api::Caller {
            base: &base,
            token: tokens.last(),
            is_prove: !matches!(session.profile.target, Target::Custom),
            waits: self.retry,
        };
        if let Some(failure) = api::failure(&answer, &caller) {
            return Err(failure);
        }
        if self.follow_next {
            let steps = next::steps(answer.body().expose_secret(), &body, &context.global);
            steps.iter().for_each(|step| context.console.notice(step));
        }
        Ok(())
    }
}

fn no_base(profile: &str) -> Failure {
    Failure::new(
        ErrorKind::Configuration,
        format!("the profile {profile} has no API base to call"),
    )
    .hint("set api_base in the profile, next to token_endpoint")
}

impl CallArgs {
    fn target(&self) -> Result<(Method, &str), Failure> {
        match self.target.as_slice() {
            [path] if self.data.is_some() => Ok((Method::POST, path)),
            [path] => Ok((Method::GET, path)),
            [method, path] => match Method::from_bytes(method.to_ascii_uppercase().as_bytes()) {
                Ok(method) => Ok((method, path)),
                Err(_) => Err(Failure::usage("the method is not an HTTP method")
                    .hint("write it as prove-token call POST /v3/start -d '{…}'")),
            },
            _ => Err(Failure::usage(
                "a call has a path, and a method before it if need be",
            )),
        }
    }

    fn body(&self) -> Result<Bytes, Failure> {
        let Some(data) = &self.data else {
            return Ok(Bytes::new());
        };
        if data == "-" {
            if self.flags.client_secret_stdin {
                return Err(Failure::usage(
                    "standard input cannot be both the data and the client secret",
                )
                .hint("give the data as @FILE, or the secret by --client-secret-file"));
            }
            return read("standard input", io::stdin().lock());
        }
        let Some(path) = data.strip_prefix('@') else {
            return Ok(Bytes::from(data.clone().into_bytes()));
        };
        let name = Path::new(path).display().to_string();
        let file = std::fs::File::open(path)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {}", words(&error))))?;
        read(&name, file)
    }

    fn request(&self, method: Method, uri: Uri, body: Bytes) -> Request<Body> {
        let has_body = !body.is_empty();
        let mut request = Request::new(Body::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.extensions_mut().insert(BodyLimit(LARGEST_ANSWER));
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request::add(headers, &self.headers);
        request
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        kind => kind.to_string(),
    }
}

fn read(name: &str, source: impl Read) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    source
        .take(LARGEST_BODY + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {}", words(&error))))?;
    if bytes.len() as u64 > LARGEST_BODY {
        return Err(Failure::usage(format!("{name} is larger than 16 MiB")));
    }
    Ok(Bytes::from(bytes))
}
