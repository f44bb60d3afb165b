//! The way through the configured proxy.

use prove_token::ErrorKind;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::finding::{Check, Finding};
use super::network::Host;

pub(super) const PROXY: Check = Check::new("network.proxy", "proxy");

/// The most that is read of a proxy's answer, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// Asks the proxy at `stream` for a way to `host`, as the transport does.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    proxy: &Host,
    host: &Host,
    stream: &mut S,
) -> Finding {
    let (asked, target) = (proxy.authority(), host.authority());
    let remedy = "check the address of the proxy, and whether it lets this host through";
    let status = match connect(&target, stream).await {
        Err(error) => {
            let sentence = format!("{asked} broke off: {}", error.kind());
            return PROXY.failed(ErrorKind::Connect, sentence).remedy(remedy);
        }
        Ok(status) => status,
    };
    match status {
        Some(200..=299) => PROXY.good(format!("{asked} opens the way to {target}")),
        Some(407) => PROXY
            .failed(ErrorKind::Connect, format!("{asked} wants a login (407)"))
            .remedy("use a proxy without a login, such as a local one that logs in for you"),
        Some(status) => PROXY
            .failed(
                ErrorKind::Connect,
                format!("{asked} refuses the way to {target} (status {status})"),
            )
            .remedy(remedy),
        None => PROXY
            .failed(
                ErrorKind::Connect,
                format!("{asked} does not answer as a proxy does"),
            )
            .remedy(remedy),
    }
}

/// The status of the answer; `None` if it is not HTTP.
async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    target: &str,
    stream: &mut S,
) -> std::io::Result<Option<u16>> {
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    // Byte by byte: what follows the empty line is of TLS.
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        head.push(stream.read_u8().await?);
    }
    Ok(status(&head))
}

fn status(head: &[u8]) -> Option<u16> {
    let head = std::str::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    words
        .next()
        .filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_found_or_there_is_none() {
        assert_eq!(status(b"HTTP/1.1 200 Connected\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407 \r\nX: y\r\n\r\n"), Some(407));
        for odd in [&b"SSH-2.0-x\r\n"[..], b"", b"HTTP/1.1 soon\r\n", b"\xff"] {
            assert_eq!(status(odd), None);
        }
    }
}
