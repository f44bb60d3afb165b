//! `prove-token call`: one API operation, with the token.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use prove_token::transport::{Body, Transport};
use prove_token::{AccessToken, Endpoint, ErrorKind};

use super::Context;
use crate::api;
use crate::args::ProfileFlags;
use crate::failure::Failure;
use crate::session::Session;

/// The most that is sent as a body, in bytes.
const LARGEST_BODY: u64 = 16 * 1024 * 1024;

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
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Print the status and the headers of the answer, too
    #[arg(short, long)]
    include: bool,
    #[command(flatten)]
    flags: ProfileFlags,
}

pub(crate) fn run(args: &CallArgs, context: &Context) -> Result<(), Failure> {
    let (method, path) = args.target()?;
    let body = args.body()?;
    let mut session = Session::start(&args.flags, context)?;
    session.limit_to(LIMIT);
    let base = session
        .profile
        .api_base
        .clone()
        .ok_or_else(|| no_base(&session.profile.name))?;
    let uri = uri(&base, path)?;
    let token = session.access_token()?;
    let request = args.request(method, uri, body, &token)?;
    let (answer, token) = session.run(send(&session, request, token))?;
    context
        .console
        .trace(&format!("< status {}", answer.status()));
    let shown = api::Shown {
        include: args.include,
        pretty: context.console.stdout_is_terminal(),
    };
    context
        .console
        .result(shown.render(&answer, token.value()))?;
    match api::failure(&answer, &base, &token) {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

/// Sends the request; once more with a new token if the API rejects this one.
async fn send(
    session: &Session,
    request: Request<Body>,
    token: AccessToken,
) -> Result<(Response<Body>, AccessToken), Failure> {
    let again = request.clone();
    let answer = dispatch(session, request).await?;
    if !api::rejects_token(&answer) {
        return Ok((answer, token));
    }
    session.client.invalidate(&token);
    let token = session.client.access_token().await?;
    let mut again = again;
    again
        .headers_mut()
        .insert(AUTHORIZATION, token.authorization_header());
    Ok((dispatch(session, again).await?, token))
}

async fn dispatch(session: &Session, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let host = request
        .uri()
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let answer = session
        .transport
        .send(request)
        .await
        .map_err(|error| api::unreachable(&host, &error))?;
    if answer.body().is_cut_off() {
        return Err(Failure::new(
            ErrorKind::Protocol,
            format!("the answer of {host} is larger than 32 MiB"),
        ));
    }
    Ok(answer)
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
            return read("standard input", std::io::stdin().lock());
        }
        let Some(path) = data.strip_prefix('@') else {
            return Ok(Bytes::from(data.clone().into_bytes()));
        };
        let name = Path::new(path).display().to_string();
        let file = std::fs::File::open(path)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {}", error.kind())))?;
        read(&name, file)
    }

    fn request(
        &self,
        method: Method,
        uri: Uri,
        body: Bytes,
        token: &AccessToken,
    ) -> Result<Request<Body>, Failure> {
        let has_body = !body.is_empty();
        let mut request = Request::new(Body::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(AUTHORIZATION, token.authorization_header());
        Ok(request)
    }
}

fn read(name: &str, source: impl Read) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    source
        .take(LARGEST_BODY + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {}", error.kind())))?;
    if bytes.len() as u64 > LARGEST_BODY {
        return Err(Failure::usage(format!("{name} is larger than 16 MiB")));
    }
    Ok(Bytes::from(bytes))
}

/// `path` below `base`. The token goes to the profile's own API and nowhere
/// else, so anything that could lead away is refused.
fn uri(base: &Endpoint, path: &str) -> Result<Uri, Failure> {
    let refuse = |problem: &str| {
        Err(Failure::usage(format!("the path {problem}"))
            .hint(format!("write it below {base}, such as /v3/start")))
    };
    if path.contains("://") || path.starts_with("//") || path.contains(['\\', '#', '@']) {
        return refuse("is not a plain path");
    }
    let (plain, query) = path.split_once('?').unwrap_or((path, ""));
    let joined = match base.join(plain) {
        Ok(joined) => joined,
        Err(_) => return refuse("is not a plain path"),
    };
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    match format!("{joined}{query}").parse::<Uri>() {
        Ok(uri) => Ok(uri),
        Err(_) => refuse("has a query that is not encoded"),
    }
}

/// `Name: value`, except for the headers that are not the caller's to set.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as \"Name: value\"")?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| "the name is not a header name")?;
    if name == AUTHORIZATION || name == HOST {
        return Err(format!("{name} is set by the command itself"));
    }
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| "the value is not a header value")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stays_below_the_base() {
        let base: Endpoint = "https://api.example.com/base".parse().unwrap();
        for (path, expected) in [
            ("/v3/start", "https://api.example.com/base/v3/start"),
            ("v3/start", "https://api.example.com/base/v3/start"),
            (
                "/v3/fetch?id=1&x=%20",
                "https://api.example.com/base/v3/fetch?id=1&x=%20",
            ),
        ] {
            assert_eq!(uri(&base, path).ok().unwrap().to_string(), expected);
        }
        for bad in [
            "https://evil.example/x",
            "//evil.example/x",
            "/@evil.example",
            "/a/../../b",
            "/%2e%2e/b",
            "/a\\b",
            "/a#b",
            "/a b",
            "/a?b c",
        ] {
            assert_eq!(
                uri(&base, bad).err().map(|failure| failure.exit_code()),
                Some(2),
                "{bad}"
            );
        }
    }

    #[test]
    fn headers() {
        assert!(header("X-Test: 1").is_ok());
        for bad in [
            "X-Test",
            "authorization: Bearer x",
            "Host: x",
            "a b: c",
            ": x",
        ] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
