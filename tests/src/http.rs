//! An HTTP/1.1 server that sends exactly the bytes it is told to, right or wrong.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use prove_token::Endpoint;

use crate::canary::TOKEN;
use crate::listener::{Connection, Listener};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counts from 0 over all connections.
    pub number: usize,
    /// The connection it came on, counted from 0.
    pub connection: usize,
    /// The request line and the header fields, without the empty line.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Request {
    /// The values of a header field, whatever the case of its name.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1);
        fields
            .filter_map(|line| line.split_once(':'))
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Another request may follow.
    KeepOpen,
    /// It is closed, after everything was sent.
    Close,
    /// It stays open, but nothing is answered any more.
    Hold,
}

/// A server over plain HTTP on loopback.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request by `answer`, which writes to the connection. An error
    /// of writing closes the connection: the client may have seen enough.
    pub fn start(
        answer: impl Fn(&Request, &mut Connection) -> io::Result<Then> + Send + Sync + 'static,
    ) -> Self {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let recorder = Arc::clone(&requests);
        let listener = Listener::start(move |mut connection| {
            while let Ok(Some(request)) = read_request(&mut connection) {
                let request = record(&recorder, request, connection.number());
                match answer(&request, &mut connection) {
                    Ok(Then::KeepOpen) => {}
                    Ok(Then::Close) => return connection.finish(),
                    Ok(Then::Hold) => return connection.hold(),
                    Err(_) => return,
                }
            }
        });
        Self { listener, requests }
    }

    /// Answers each request with the next of these bytes; the last are repeated.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn playing(answers: Vec<Vec<u8>>, then: Then) -> Self {
        assert!(!answers.is_empty(), "a server needs an answer");
        Self::start(move |request, connection| {
            let last = answers.len() - 1;
            connection.write_all(&answers[request.number.min(last)])?;
            Ok(then)
        })
    }

    /// The address of the token endpoint.
    ///
    /// # Panics
    ///
    /// Never: a loopback address is an endpoint.
    pub fn endpoint(&self) -> Endpoint {
        let address = format!("http://{}/token", self.listener.authority());
        address.parse().expect("a loopback address is an endpoint")
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }
}

/// An answer with its length.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Test\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The body of a good token answer, with this lifetime in seconds.
pub fn token_body(expires_in: u32) -> String {
    format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":{expires_in}}}"#)
}

/// A good token answer, with this lifetime in seconds.
pub fn granted(expires_in: u32) -> Vec<u8> {
    let json = [("Content-Type", "application/json")];
    answer(200, &json, &token_body(expires_in))
}

fn record(recorder: &Mutex<Vec<Request>>, read: (String, String), connection: usize) -> Request {
    let mut requests = recorder.lock().unwrap_or_else(PoisonError::into_inner);
    let request = Request {
        number: requests.len(),
        connection,
        head: read.0,
        body: read.1,
    };
    requests.push(request.clone());
    request
}

/// Head and body of the next request; `None` at the end of the connection.
///
/// # Errors
///
/// If the connection breaks, or what comes is not a request with a length.
pub fn read_request(from: &mut impl Read) -> io::Result<Option<(String, String)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if from.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    head.truncate(head.len() - 4);
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())
        .map_err(io::Error::other)?;
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    Ok(Some((head, body)))
}
