//! The request (RFC 6749 §4.4.2, §2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use zeroize::Zeroizing;

use crate::credentials::{ClientAuthentication, ClientId, ClientSecret};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::request::AccessTokenRequest;
use crate::transport::Body;

const AGENT: &str = concat!("prove-token/", env!("CARGO_PKG_VERSION"));

/// The HTTP request that asks `endpoint` for a token. Every field appears once.
pub(crate) fn encode(
    endpoint: &Endpoint,
    authentication: ClientAuthentication,
    client_id: &ClientId,
    secret: &ClientSecret,
    request: &AccessTokenRequest,
) -> Result<Request<Body>, Error> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    let basic = match authentication {
        ClientAuthentication::RequestBody => {
            form.append_pair("client_id", client_id.as_str());
            form.append_pair("client_secret", secret.expose_secret());
            None
        }
        ClientAuthentication::Basic => Some(basic(
            &percent(client_id.as_str()),
            &percent(secret.expose_secret()),
        )?),
        ClientAuthentication::BasicRaw => Some(basic(client_id.as_str(), secret.expose_secret())?),
    };
    append_request(&mut form, request);
    let uri: Uri = endpoint
        .as_str()
        .parse()
        .map_err(|_| Error::new(ErrorKind::Internal, "an endpoint is not a URI"))?;
    let mut http = Request::new(Body::new(form.finish()));
    *http.method_mut() = Method::POST;
    *http.uri_mut() = uri;
    let headers = http.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // An encoded answer could unfold to any size; none is asked for.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if let Some(basic) = basic {
        headers.insert(AUTHORIZATION, basic);
    }
    Ok(http)
}

fn append_request(form: &mut Serializer<'_, String>, request: &AccessTokenRequest) {
    if !request.scope.is_empty() {
        form.append_pair("scope", &request.scope.to_string());
    }
    if let Some(audience) = &request.audience {
        form.append_pair("audience", audience);
    }
    if let Some(resource) = &request.resource {
        form.append_pair("resource", resource);
    }
    for (name, value) in &request.parameters {
        form.append_pair(name, value);
    }
}

/// `application/x-www-form-urlencoded`, as RFC 6749 §2.3.1 wants it inside
/// Basic: a space becomes `+`.
fn percent(text: &str) -> Zeroizing<String> {
    Zeroizing::new(byte_serialize(text.as_bytes()).collect())
}

fn basic(id: &str, secret: &str) -> Result<HeaderValue, Error> {
    if id.contains(':') {
        return Err(Error::new(
            ErrorKind::Configuration,
            "the client id holds a colon, which raw HTTP Basic cannot carry",
        )
        .with_hint("use client_secret_basic or client_secret_post"));
    }
    let pair = Zeroizing::new(format!("{id}:{secret}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text)
        .map_err(|_| Error::new(ErrorKind::Internal, "base64 is not a header value"))?;
    header.set_sensitive(true);
    Ok(header)
}
