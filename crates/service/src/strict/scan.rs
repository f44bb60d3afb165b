//! Where requests begin and end, byte by byte, as far as that is beyond doubt.

/// The longest line whose content matters. Longer ones are of other headers.
const LONGEST: usize = 64;

/// What hyper takes nowhere in a head, nor in place of the end of a line behind it.
const SPOILT: u8 = 0;

/// Watches the bytes of a connection, and spoils the first line that is ambiguous.
#[derive(Debug, Default)]
pub(super) struct Scan {
    place: Place,
    /// The beginning of a line whose end is yet to come.
    begun: Begun,
    /// How the body of the head under way is framed, as far as was read.
    framing: Framing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    RequestLine,
    Header,
    /// A body, or the rest of a chunk: so many bytes, and then that.
    Data(u64, After),
    ChunkSize,
    /// The end of line behind a chunk.
    ChunkEnd,
    Trailer,
    /// Behind what was spoilt: hyper reads no more.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Request,
    ChunkEnd,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framing {
    #[default]
    None,
    Length(u64),
    Chunked,
}

/// A request that two servers may read differently.
#[derive(Debug)]
struct Ambiguous;

impl Scan {
    /// Looks at the next bytes.
    pub(super) fn pass(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let taken = match &mut self.place {
                Place::End => return,
                Place::Data(left, after) => {
                    let taken = usize::try_from(*left).map_or(bytes.len(), |n| n.min(bytes.len()));
                    *left -= taken as u64;
                    if *left == 0 {
                        self.place = match after {
                            After::Request => Place::RequestLine,
                            After::ChunkEnd => Place::ChunkEnd,
                        };
                    }
                    taken
                }
                _ => self.take_line(bytes),
            };
            bytes = bytes.get_mut(taken..).unwrap_or_default();
        }
    }

    /// Takes what there is of a line, its end included.
    fn take_line(&mut self, bytes: &mut [u8]) -> usize {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.begun.push(bytes);
            return bytes.len();
        };
        let (content, rest) = bytes.split_at_mut(end);
        let spoils = match self.begun.length {
            // Almost every line is whole, and needs no copy.
            0 => self.pass_line(Line::of(content)),
            _ => {
                let mut begun = std::mem::take(&mut self.begun);
                begun.push(content);
                self.pass_line(begun.line())
            }
        };
        if spoils && let Some(line_feed) = rest.first_mut() {
            *line_feed = SPOILT;
        }
        end + 1
    }

    /// Goes on behind `line`; whether its end is to be spoilt.
    fn pass_line(&mut self, line: Line<'_>) -> bool {
        // hyper refuses a bare line feed there itself, but not all that it may be made.
        let is_bare = !line.is_ended() && self.place == Place::ChunkSize;
        self.place = self.judge(line).unwrap_or(Place::End);
        self.place == Place::End && !is_bare
    }

    /// What comes behind `line`.
    fn judge(&mut self, line: Line<'_>) -> Result<Place, Ambiguous> {
        if !line.is_ended() {
            return Err(Ambiguous);
        }
        match self.place {
            // Empty lines before a request are none of it (RFC 9112 §2.2).
            Place::RequestLine if line.is_empty() => Ok(Place::RequestLine),
            Place::RequestLine => {
                self.framing = Framing::None;
                Ok(Place::Header)
            }
            Place::Header if line.is_empty() => Ok(match self.framing {
                Framing::None | Framing::Length(0) => Place::RequestLine,
                Framing::Length(length) => Place::Data(length, After::Request),
                Framing::Chunked => Place::ChunkSize,
            }),
            Place::Header => self.header(line).map(|()| Place::Header),
            Place::ChunkSize => Ok(match chunk_size(line.content())? {
                0 => Place::Trailer,
                size => Place::Data(size, After::ChunkEnd),
            }),
            Place::ChunkEnd if line.is_empty() => Ok(Place::ChunkSize),
            Place::Trailer if line.is_empty() => Ok(Place::RequestLine),
            Place::Trailer => Ok(Place::Trailer),
            _ => Err(Ambiguous),
        }
    }

    /// Takes note of a header that says where the body ends: there may be one.
    fn header(&mut self, line: Line<'_>) -> Result<(), Ambiguous> {
        let content = line.content();
        match content.first() {
            Some(b' ' | b'\t') => return Err(Ambiguous),
            Some(b'C' | b'c' | b'T' | b't') => {}
            _ => return Ok(()),
        }
        let Some(colon) = content.iter().position(|byte| *byte == b':') else {
            return Ok(());
        };
        let (name, value) = content.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let framing = match name {
            name if name.eq_ignore_ascii_case(b"content-length") => {
                Framing::Length(number(value, 10)?)
            }
            name if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                match value.eq_ignore_ascii_case(b"chunked") {
                    true => Framing::Chunked,
                    false => return Err(Ambiguous),
                }
            }
            _ => return Ok(()),
        };
        if self.framing != Framing::None || line.length > LONGEST {
            return Err(Ambiguous);
        }
        self.framing = framing;
        Ok(())
    }
}

/// The digits at the beginning; extensions are nobody's business.
fn chunk_size(line: &[u8]) -> Result<u64, Ambiguous> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit());
    let (digits, rest) = line.split_at(end.unwrap_or(line.len()));
    match rest.first() {
        None | Some(b';' | b' ' | b'\t') => number(digits, 16),
        _ => Err(Ambiguous),
    }
}

/// At most 16 digits and nothing else: no sign, which Rust's parser would take.
fn number(digits: &[u8], radix: u32) -> Result<u64, Ambiguous> {
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(is_digit) {
        return Err(Ambiguous);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| Ambiguous)?;
    u64::from_str_radix(digits, radix).map_err(|_| Ambiguous)
}

/// A line without its line feed.
#[derive(Clone, Copy, Debug)]
struct Line<'l> {
    /// Its beginning: all of it, if it is not too long.
    start: &'l [u8],
    length: usize,
    last: Option<u8>,
}

impl<'l> Line<'l> {
    fn of(content: &'l [u8]) -> Self {
        Self {
            start: content.get(..LONGEST).unwrap_or(content),
            length: content.len(),
            last: content.last().copied(),
        }
    }

    /// Whether there is a carriage return before the line feed.
    fn is_ended(&self) -> bool {
        self.last == Some(b'\r')
    }

    /// Its beginning, without the carriage return.
    fn content(&self) -> &'l [u8] {
        let end = self.length.saturating_sub(1).min(LONGEST);
        self.start.get(..end).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.length == 1
    }
}

/// As much of a line as came so far.
#[derive(Debug)]
struct Begun {
    start: [u8; LONGEST],
    length: usize,
    last: Option<u8>,
}

impl Default for Begun {
    fn default() -> Self {
        Self {
            start: [0; LONGEST],
            length: 0,
            last: None,
        }
    }
}

impl Begun {
    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.start.get_mut(self.length..) {
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
        }
        self.length = self.length.saturating_add(bytes.len());
        self.last = bytes.last().copied().or(self.last);
    }

    fn line(&self) -> Line<'_> {
        Line {
            start: self.start.get(..self.length).unwrap_or(&self.start),
            length: self.length,
            last: self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a connection with these bytes is spoilt, however they are cut up.
    fn is_spoilt(bytes: &[u8]) -> bool {
        let spoilt = |step: usize| {
            let mut scan = Scan::default();
            for piece in bytes.to_vec().chunks_mut(step) {
                scan.pass(piece);
            }
            scan.place == Place::End
        };
        let whole = spoilt(bytes.len());
        for step in 1..9 {
            assert_eq!(spoilt(step), whole, "{step} bytes at a time");
        }
        whole
    }

    fn head(lines: &str) -> Vec<u8> {
        format!("POST / HTTP/1.1\nHost: localhost\n{lines}\n\n")
            .replace('\n', "\r\n")
            .into_bytes()
    }

    #[test]
    fn what_can_be_read_in_one_way_passes() {
        let long = "x".repeat(5000);
        for lines in [
            "A: b".to_owned(),
            "Content-Length: 0".to_owned(),
            "content-length:  5 \n\n12345GET / HTTP/1.1\nA: b".to_owned(),
            format!("A: {long}\nContent-Length: 3\n\n\nx\nGET / HTTP/1.1"),
            "TRANSFER-encoding: Chunked\n\n3;a=b\nabc\na\n0123456789\n0\nX: y".to_owned(),
            "Transfer-Encoding: chunked\n\n0\n\nGET / HTTP/1.1\nContent-Length: 2\n\n\n".to_owned(),
        ] {
            assert!(!is_spoilt(&head(&lines)), "{lines}");
        }
        assert!(!is_spoilt(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_spoilt() {
        let long = "0".repeat(100);
        for lines in [
            "Content-Length: 5\nTransfer-Encoding: chunked".to_owned(),
            "Transfer-Encoding: chunked\nContent-Length: 5".to_owned(),
            "Content-Length: 5\nContent-Length: 5".to_owned(),
            "Content-Length: 5\nContent-Length: 6".to_owned(),
            "Content-Length: 5, 5".to_owned(),
            "Content-Length: +5".to_owned(),
            "Content-Length: 0x5".to_owned(),
            "Content-Length: ".to_owned(),
            format!("Content-Length: {long}5"),
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked".to_owned(),
            "Transfer-Encoding: gzip, chunked".to_owned(),
            "Transfer-Encoding: identity".to_owned(),
            "Transfer-Encoding: xchunked".to_owned(),
            "Transfer-Encoding:\n chunked".to_owned(),
            "A: b\n c".to_owned(),
            "Transfer-Encoding: chunked\n\n-1".to_owned(),
            "Transfer-Encoding: chunked\n\n11111111111111111".to_owned(),
            "Transfer-Encoding: chunked\n\n3\nabcd".to_owned(),
            "Content-Length: 1\n\nxGET / HTTP/1.1\nContent-Length: 1\nContent-Length: 1".to_owned(),
        ] {
            assert!(is_spoilt(&head(&lines)), "{lines}");
        }
        for bytes in [
            &b"GET / HTTP/1.1\n"[..],
            b"\n",
            b"GET / HTTP/1.1\r\nA: b\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n",
        ] {
            assert!(is_spoilt(bytes));
        }
    }

    /// The byte that is changed is the end of the line that is at fault.
    #[test]
    fn nothing_before_the_fault_is_touched() {
        let mut bytes = head("Content-Length: 1\nContent-Length: 1");
        let before = bytes.clone();
        Scan::default().pass(&mut bytes);
        let changed: Vec<_> = (0..bytes.len())
            .filter(|i| bytes[*i] != before[*i])
            .collect();
        assert_eq!(changed, [before.len() - 3]);
        assert_eq!(bytes[changed[0]], SPOILT);
    }
}
