//! Long bodies through the proxy: in bounded memory, and no longer than both sides want.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::harness::{KEY, Service, Setup, emulator};
use crate::upstream::{Upstream, head, told};

const GIB: u64 = 1024 * 1024 * 1024;

/// So much more than before a service may take for streams, in KiB.
const MOST_MEMORY: u64 = 16 * 1024;

/// What should come at once must come in this time.
const PATIENCE: Duration = Duration::from_secs(20);

fn write(stream: &mut impl Write, mut length: u64) -> std::io::Result<()> {
    let block = vec![b'x'; 256 * 1024];
    while length > 0 {
        let part = length.min(block.len() as u64);
        stream.write_all(&block[..part as usize])?;
        length -= part;
    }
    Ok(())
}

/// How many bytes come before the end.
fn count(stream: &mut impl Read) -> u64 {
    let mut block = vec![0; 256 * 1024];
    let mut count = 0;
    loop {
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return count,
            Ok(read) => count += read as u64,
        }
    }
}

/// A connection on which a request to the API begins.
fn begin(service: &Service, method: &str, more: &str) -> TcpStream {
    let mut stream = service.tcp();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} /proxy/local/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
         Connection: close\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_gibibyte_goes_each_way_in_bounded_memory() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::raw(|mut stream| {
        let head = head(&mut stream);
        let length = match head.contains("content-length: ") {
            true => GIB,
            false => 0,
        };
        assert_eq!(count(&mut (&mut stream).take(length)), length);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let _ = write(&mut stream, GIB);
    });
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    drop(service.get("/v1/token/local"));
    let before = service.memory("VmRSS");
    let mut stream = begin(&service, "POST", &format!("Content-Length: {GIB}\r\n"));
    write(&mut stream, GIB).unwrap();
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(count(&mut stream), GIB);
    let grown = service.memory("VmHWM").saturating_sub(before);
    assert!(grown <= MOST_MEMORY, "{grown} KiB for 2 GiB");
}

/// Readers that stand still must not make the service collect what they do not take.
#[test]
fn slow_readers_cost_little_memory() {
    const READERS: usize = 64;
    let emulator = emulator().start().unwrap();
    let (tell, written) = told();
    let api = Upstream::raw(move |mut stream| {
        head(&mut stream);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // The API fills all buffers there are, and then its own patience ends.
        stream
            .set_write_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        let mut sent = 0u64;
        while stream.write_all(&[b'x'; 64 * 1024]).is_ok() {
            sent += 64;
        }
        tell(sent);
    });
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    drop(service.get("/v1/token/local"));
    let before = service.memory("VmRSS");
    let streams: Vec<_> = (0..READERS).map(|_| begin(&service, "GET", "")).collect();
    for _ in &streams {
        let sent = written.recv_timeout(PATIENCE).unwrap();
        assert!(sent < 512 * 1024, "{sent} KiB went nowhere");
    }
    let grown = service.memory("VmHWM").saturating_sub(before);
    assert!(grown <= MOST_MEMORY, "{grown} KiB for {READERS} readers");
}

#[test]
fn a_caller_that_goes_away_takes_its_request_along() {
    let emulator = emulator().start().unwrap();
    let ((begins, begun), (tell, ended)) = (told(), told());
    let api = Upstream::raw(move |mut stream| {
        let head = head(&mut stream);
        begins(());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        if head.starts_with("GET /down") {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            tell(write(&mut stream, GIB).is_err());
        } else {
            // While there is no answer yet, and while the body comes.
            tell(count(&mut stream) < GIB);
        }
    });
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let waiting = begin(&service, "GET", "");
    begun.recv_timeout(PATIENCE).unwrap();
    drop(waiting);
    assert!(ended.recv_timeout(PATIENCE).unwrap(), "before an answer");

    let mut upload = begin(&service, "POST", &format!("Content-Length: {GIB}\r\n"));
    write(&mut upload, 1024 * 1024).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    drop(upload);
    assert!(ended.recv_timeout(PATIENCE).unwrap(), "within its body");

    let mut chunked = begin(&service, "POST", "Transfer-Encoding: chunked\r\n");
    chunked.write_all(b"5\r\nhello\r\n").unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    chunked.shutdown(Shutdown::Write).unwrap();
    assert!(ended.recv_timeout(PATIENCE).unwrap(), "within its chunks");

    let mut download = service.tcp();
    let request = format!(
        "GET /proxy/local/down HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    );
    download.write_all(request.as_bytes()).unwrap();
    download.read_exact(&mut [0; 1024]).unwrap();
    drop(download);
    assert!(ended.recv_timeout(PATIENCE).unwrap(), "within the answer");
}

/// A caller must not take a part for the whole.
#[test]
fn an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole() {
    let emulator = emulator().start().unwrap();
    let (break_off, told_to) = channel();
    let told_to = Mutex::new(told_to);
    let api = Upstream::raw(move |mut stream| {
        let framing = match head(&mut stream).starts_with("GET") {
            true => "Content-Length: 100\r\n\r\nhalf",
            false => "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        };
        let answer = format!("HTTP/1.1 200 OK\r\n{framing}");
        stream.write_all(answer.as_bytes()).unwrap();
        told_to.lock().unwrap().recv().unwrap();
    });
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    for method in ["GET", "DELETE"] {
        let mut stream = begin(&service, method, "");
        let mut answer = head(&mut stream).into_bytes();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
        // The half has come before it turns out to be one.
        let mut byte = [0];
        while !answer.ends_with(b"half") {
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        break_off.send(()).unwrap();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}

/// The body need not be whole before the API gets and answers it.
#[test]
fn both_ways_stream_at_once() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::raw(|mut stream| {
        head(&mut stream);
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(answer).unwrap();
        let mut chunk = [0; 8];
        while stream.read_exact(&mut chunk).is_ok() {
            stream.write_all(&chunk).unwrap();
        }
    });
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let mut stream = begin(&service, "POST", "Transfer-Encoding: chunked\r\n");
    head(&mut stream);
    for chunk in [b"3\r\none\r\n", b"3\r\ntwo\r\n"] {
        stream.write_all(chunk).unwrap();
        let mut back = [0; 8];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, chunk);
    }
}
