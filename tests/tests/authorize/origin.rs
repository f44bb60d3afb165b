//! A token goes to the origin that it is for, and to no other: directly, by a
//! redirect, or in a replay.

use std::io::Write as _;

use http::Method;
use prove_token::{Endpoint, TokenClient};
use prove_token_emulator::Emulator;
use prove_token_tests::http::{Server, Then, answer};
use prove_token_tests::{client, emulator};

use super::stack::{Stack, authorizations, base};

fn issuer() -> Emulator {
    emulator::builder().start().unwrap()
}

fn tokens(issuer: &Emulator) -> TokenClient {
    client::client(emulator::endpoint(issuer))
}

fn playing(answers: &[Vec<u8>]) -> Server {
    Server::playing(answers.to_vec(), Then::KeepOpen)
}

fn ok() -> Vec<u8> {
    answer(200, &[], "")
}

fn unauthorized() -> Vec<u8> {
    answer(401, &[], "")
}

/// reqwest, with its defaults for redirects.
fn following(tokens: TokenClient, api: &Endpoint) -> Stack {
    Stack::reqwest(tokens, api, reqwest::Client::builder())
}

#[tokio::test]
async fn another_origin_gets_no_token() {
    let issuer = issuer();
    for kind in 0..2 {
        let (api, other) = (playing(&[ok()]), playing(&[unauthorized()]));
        let stack = &Stack::both(|| tokens(&issuer), &base(&api))[kind];
        let by_name = base(&api).as_str().replace("127.0.0.1", "localhost");
        for elsewhere in [base(&other).as_str(), &by_name] {
            let url = format!("{elsewhere}/v3/start");
            stack.post(&url, "{}").await.unwrap();
        }
        assert_eq!(authorizations(&other), ["-"], "{stack:?}");
        assert_eq!(
            authorizations(&api),
            ["-"],
            "another name is another origin"
        );
        stack
            .post(&format!("{}/v3", base(&api)), "{}")
            .await
            .unwrap();
        assert!(authorizations(&api)[1].starts_with("Bearer ey"));
    }
    assert_eq!(issuer.token_requests(), 2, "one a client, and no renewal");
}

/// To the API, the token is the only credential; elsewhere the caller's own is none
/// of our business.
#[tokio::test]
async fn the_token_replaces_what_the_caller_has_set() {
    let issuer = issuer();
    for kind in 0..2 {
        let (api, other) = (playing(&[ok()]), playing(&[ok()]));
        let stack = &Stack::both(|| tokens(&issuer), &base(&api))[kind];
        for server in [&api, &other] {
            let own = Some("Basic b3du");
            let url = base(server).to_string();
            stack.send(Method::GET, &url, "", own).await.unwrap();
        }
        assert!(
            authorizations(&api)[0].starts_with("Bearer ey"),
            "{stack:?}"
        );
        assert_eq!(authorizations(&other), ["Basic b3du"]);
    }
}

#[tokio::test]
async fn a_redirect_takes_no_token_to_another_origin() {
    let issuer = issuer();
    for status in [301, 302, 303, 307, 308] {
        for by_name in [false, true] {
            let other = playing(&[unauthorized()]);
            let mut target = base(&other).to_string();
            if by_name {
                target = target.replace("127.0.0.1", "localhost");
            }
            let moved = answer(status, &[("Location", &format!("{target}/there"))], "");
            // The first answer has the request replayed, so that the replay is
            // what is redirected.
            let api = playing(&[unauthorized(), moved]);
            let stack = following(tokens(&issuer), &base(&api));
            let url = format!("{}/here", base(&api));
            assert_eq!(stack.post(&url, "{}").await.unwrap(), 401);
            assert_eq!(authorizations(&other), ["-"], "{status} {target}");
            assert_eq!(api.requests().len(), 2);
        }
    }
}

/// What another origin thinks of a token that it did not get means nothing.
#[tokio::test]
async fn a_rejection_by_another_origin_rejects_no_token() {
    let issuer = issuer();
    let other = playing(&[unauthorized()]);
    let moved = answer(307, &[("Location", base(&other).as_str())], "");
    let api = playing(&[moved]);
    let stack = following(tokens(&issuer), &base(&api));
    for method in [Method::GET, Method::POST, Method::GET] {
        let answered = stack.send(method, base(&api).as_str(), "", None).await;
        assert_eq!(answered.unwrap(), 401);
    }
    assert_eq!(api.requests().len(), 3, "nothing is replayed");
    assert_eq!(issuer.token_requests(), 1, "and nothing is renewed");
}

/// On the same port, another name is another origin as well.
#[tokio::test]
async fn a_redirect_to_another_name_of_the_host_takes_no_token() {
    let issuer = issuer();
    let api = Server::start(|request, connection| {
        let host = request
            .header("host")
            .concat()
            .replace("127.0.0.1", "localhost");
        let moved = answer(307, &[("Location", &format!("http://{host}/there"))], "");
        connection.write_all(if request.number == 0 {
            &moved
        } else {
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        })?;
        Ok(Then::KeepOpen)
    });
    let stack = following(tokens(&issuer), &base(&api));
    assert_eq!(stack.post(base(&api).as_str(), "{}").await.unwrap(), 200);
    let seen = authorizations(&api);
    assert!(seen[0].starts_with("Bearer ey"));
    assert_eq!(seen[1..], ["-"]);
}

/// What the first answer of a redirect stands for has been done: to do it again could
/// do harm.
#[tokio::test]
async fn what_was_redirected_is_replayed_only_if_it_is_safe() {
    let issuer = issuer();
    for (method, status, requests) in [(Method::POST, 401, 2), (Method::GET, 200, 4)] {
        let moved = answer(303, &[("Location", "/there")], "");
        let api = playing(&[moved.clone(), unauthorized(), moved, ok()]);
        let stack = following(tokens(&issuer), &base(&api));
        let renewals = issuer.token_requests();
        let url = format!("{}/here#fragment", base(&api));
        let answered = stack.send(method.clone(), &url, "", None).await.unwrap();
        assert_eq!(answered, status, "{method}");
        assert_eq!(api.requests().len(), requests, "{method}");
        // The token was rejected all the same: the next request has another one.
        stack.send(Method::GET, &url, "", None).await.unwrap();
        assert_eq!(issuer.token_requests() - renewals, 2, "{method}");
        let seen = authorizations(&api);
        assert_eq!(seen[0], seen[1], "within the origin, reqwest keeps it");
        assert_ne!(seen[1], seen[2]);
    }
}

/// A fragment is not sent, so it makes no difference.
#[tokio::test]
async fn a_fragment_prevents_no_replay() {
    let issuer = issuer();
    let api = playing(&[unauthorized(), ok()]);
    let stack = following(tokens(&issuer), &base(&api));
    let url = format!("{}/here?a=b%20c&d=\"#fragment", base(&api));
    let Stack::Reqwest(client) = &stack else {
        panic!("{stack:?}");
    };
    let answer = client.post(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(api.requests().len(), 2);
}
