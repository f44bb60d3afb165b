//! An API of raw bytes: it notes what comes, and answers what it is told to.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The request line.
    pub(crate) line: String,
    /// With lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The values of all headers of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of the one header of this name.
    #[track_caller]
    pub(crate) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {self:?}");
        all[0]
    }
}

/// What its server does with a request: the bytes to answer with, and none to hang up.
type Answer = dyn Fn(usize, &Seen) -> Vec<u8> + Send + Sync;

/// An API that runs as long as the test.
pub(crate) struct Upstream {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Upstream {
    /// One that answers each request by `answer`, which is given its number.
    pub(crate) fn start(answer: impl Fn(usize, &Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let answer: Arc<Answer> = Arc::new(answer);
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let noted = Arc::clone(&seen);
        Self::of(seen, move |stream| {
            let mut reader = BufReader::new(stream);
            while let Some(request) = read(&mut reader) {
                let number = {
                    let mut noted = noted.lock().unwrap();
                    noted.push(request.clone());
                    noted.len()
                };
                let bytes = answer(number, &request);
                if bytes.is_empty() || reader.get_mut().write_all(&bytes).is_err() {
                    break;
                }
            }
        })
    }

    /// One that does with each connection what `serve` does.
    pub(crate) fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::of(Arc::default(), serve)
    }

    fn of(seen: Arc<Mutex<Vec<Seen>>>, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (serve, connections) = (Arc::new(serve), Arc::<Mutex<usize>>::default());
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                *count.lock().unwrap() += 1;
                let (stream, serve) = (stream.unwrap(), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream));
            }
        });
        Self {
            port,
            seen,
            connections,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The one request so far.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// An answer with this status and body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

/// The next request of a connection; `None` at its end.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: Vec<_> = lines[1..]
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        })
        .collect();
    let header = |name: &str| headers.iter().find(|(given, _)| given == name);
    let mut body = Vec::new();
    if let Some((_, length)) = header("content-length") {
        body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).ok()?;
    } else if header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(&line(reader)?, 16).unwrap();
            let mut chunk = vec![0; size];
            reader.read_exact(&mut chunk).ok()?;
            body.extend(chunk);
            assert_eq!(line(reader)?, "", "no trailers");
            if size == 0 {
                break;
            }
        }
    }
    Some(Seen {
        line: lines.remove(0),
        headers,
        body,
    })
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    let line = line.strip_suffix(b"\r\n")?;
    Some(String::from_utf8(line.to_vec()).unwrap())
}

/// The head of the request on a connection, byte by byte, so that what comes behind is
/// still to be read.
pub(crate) fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// An end of a thread's work, to be waited for.
pub(crate) fn told<T>() -> (impl Fn(T) + Send + Sync, Receiver<T>)
where
    T: Send,
{
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let tell = move |value| drop(sender.lock().unwrap().send(value));
    (tell, receiver)
}
