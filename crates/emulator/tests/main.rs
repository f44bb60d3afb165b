//! The emulator over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;

use prove_token_emulator::Emulator;

#[test]
fn the_tutorial_works() {
    let emulator = Emulator::builder().start().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", emulator.port())).unwrap();
    let body = "grant_type=client_credentials&client_id=emulator-client-id&client_secret=emulator-client-secret";
    write!(stream, "POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
}
