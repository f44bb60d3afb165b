//! Plays an answer on a bare socket, as badly as the fault asks.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Delivery, Stage};

/// What to do with a connection that the HTTP server gave up.
pub(crate) struct Play {
    /// The whole answer; unused by deliveries that send nothing.
    pub(crate) answer: Bytes,
    pub(crate) delivery: Delivery,
    pub(crate) hold: bool,
}

/// Ends with the connection. Errors of the socket end the play: the client went
/// away, which is what faults are for.
pub(crate) async fn play(mut stream: TcpStream, play: Play) {
    let Play {
        answer,
        delivery,
        hold,
    } = play;
    let head = head_length(&answer);
    let sent = match delivery {
        Delivery::Whole => stream.write_all(&answer).await,
        Delivery::Drip { bytes, every } => drip(&mut stream, &answer, bytes, every).await,
        Delivery::HeadersThenSilence => stream.write_all(&answer[..head]).await,
        Delivery::Reset(Stage::Headers) => stream.write_all(&answer[..head / 2]).await,
        Delivery::Reset(Stage::Body) => {
            let half = head + (answer.len() - head) / 2;
            stream.write_all(&answer[..half]).await
        }
        Delivery::Silence | Delivery::Close | Delivery::Reset(_) => Ok(()),
    };
    if sent.is_err() {
        return;
    }
    match delivery {
        Delivery::Silence | Delivery::HeadersThenSilence => wait_for_close(stream).await,
        Delivery::Whole | Delivery::Drip { .. } if hold => wait_for_close(stream).await,
        Delivery::Reset(_) => reset(&stream),
        Delivery::Whole | Delivery::Drip { .. } | Delivery::Close => {
            // A client that already left needs no farewell.
            let _ = stream.shutdown().await;
        }
    }
}

/// Makes the coming close a reset: without lingering, the kernel sends RST in
/// place of FIN.
pub(crate) fn reset(stream: &TcpStream) {
    // Refused only for a socket that is already gone, which needs no reset.
    let _ = stream.set_zero_linger();
}

async fn drip(
    stream: &mut TcpStream,
    answer: &[u8],
    bytes: usize,
    every: Duration,
) -> std::io::Result<()> {
    for (index, piece) in answer.chunks(bytes).enumerate() {
        if index > 0 {
            tokio::time::sleep(every).await;
        }
        stream.write_all(piece).await?;
    }
    Ok(())
}

/// Reads and forgets until the client closes, so that its close is noticed.
async fn wait_for_close(mut stream: TcpStream) {
    let mut sink = [0; 1024];
    while matches!(stream.read(&mut sink).await, Ok(1..)) {}
}

/// Length of the header section with its empty line; of everything, if there is
/// no empty line.
fn head_length(answer: &[u8]) -> usize {
    answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map_or(answer.len(), |position| position + 4)
}

#[cfg(test)]
mod tests {
    use super::head_length;

    #[test]
    fn the_head_ends_at_the_empty_line() {
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\n\r\n{}"), 19);
        assert_eq!(head_length(b"no head at all"), 14);
    }
}
