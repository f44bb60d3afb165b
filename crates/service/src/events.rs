//! News of profiles, for whoever wants to hear them: without tokens, and never waiting
//! for a reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::{broadcast, watch};

/// So many news may wait for a reader; one that is further behind is given up.
const BACKLOG: usize = 64;

/// Readers at a time, of all callers: each holds a connection, and they need those as well.
const MOST_READERS: usize = 128;

/// The edition after which there are no others.
const LAST: u64 = u64::MAX;

/// Something that happened to the token of a profile.
#[derive(Debug)]
pub(crate) struct News {
    /// Counts from 1 in this process.
    pub(crate) number: u64,
    pub(crate) profile: Arc<str>,
    /// A word of the code.
    pub(crate) kind: &'static str,
    /// An object; it holds no secret.
    pub(crate) facts: Value,
}

/// Where news are told.
#[derive(Debug)]
pub(crate) struct Newsroom {
    next: AtomicU64,
    sender: broadcast::Sender<Arc<News>>,
    readers: Arc<AtomicUsize>,
    /// Counts what ends every stream: a reload, the end.
    edition: watch::Sender<u64>,
}

/// Hears all news from its beginning on.
#[derive(Debug)]
pub(crate) struct Reader {
    news: broadcast::Receiver<Arc<News>>,
    edition: Edition,
    readers: Arc<AtomicUsize>,
}

/// What is heard until it is over.
#[derive(Debug)]
struct Edition {
    number: u64,
    current: watch::Receiver<u64>,
}

/// Why there are no more news for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMore {
    /// It did not keep up.
    TooSlow,
    /// The service ends, or who may hear what is decided anew.
    Over,
}

impl Default for Newsroom {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(1),
            sender: broadcast::Sender::new(BACKLOG),
            readers: Arc::default(),
            edition: watch::Sender::new(0),
        }
    }
}

impl Newsroom {
    pub(crate) fn tell(&self, profile: &Arc<str>, kind: &'static str, facts: Value) {
        let news = News {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            profile: Arc::clone(profile),
            kind,
            facts,
        };
        // Nobody may be there.
        let _ = self.sender.send(Arc::new(news));
    }

    /// A reader of the edition `number`, if there is room for one.
    pub(crate) fn read(&self, number: u64) -> Option<Reader> {
        let taken = self.readers.fetch_add(1, Ordering::Relaxed);
        let current = self.edition.subscribe();
        let reader = Reader {
            news: self.sender.subscribe(),
            edition: Edition { number, current },
            readers: Arc::clone(&self.readers),
        };
        (taken < MOST_READERS).then_some(reader)
    }

    /// The number of the edition that is told now. Who asks for it before it is looked who
    /// may hear what, and then reads that edition, hears nothing of a later one.
    pub(crate) fn number(&self) -> u64 {
        *self.edition.borrow()
    }

    /// The number of the last news.
    pub(crate) fn last(&self) -> u64 {
        self.next.load(Ordering::Relaxed) - 1
    }

    pub(crate) fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }

    /// Ends what every reader hears.
    pub(crate) fn close(&self) {
        self.edition
            .send_modify(|edition| *edition = edition.saturating_add(1));
    }

    /// Ends what every reader hears, and whatever another would.
    pub(crate) fn end(&self) {
        self.edition.send_replace(LAST);
    }

    /// Ends when what is heard now does.
    pub(crate) async fn over(&self) {
        let current = self.edition.subscribe();
        let number = *current.borrow();
        Edition { number, current }.over().await;
    }
}

impl Edition {
    /// It may be cancelled.
    async fn over(&mut self) {
        let is_over = |now: &u64| *now != self.number || *now == LAST;
        // Who tells it is gone: nothing comes any more.
        let _ = self.current.wait_for(is_over).await;
    }
}

impl Reader {
    /// The next news. It may be cancelled.
    pub(crate) async fn next(&mut self) -> Result<Arc<News>, NoMore> {
        tokio::select! {
            biased;
            () = self.edition.over() => Err(NoMore::Over),
            news = self.news.recv() => news.map_err(|error| match error {
                broadcast::error::RecvError::Lagged(_) => NoMore::TooSlow,
                broadcast::error::RecvError::Closed => NoMore::Over,
            }),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tell(newsroom: &Newsroom, count: usize) {
        for _ in 0..count {
            newsroom.tell(&"a".into(), "renewed", json!({}));
        }
    }

    fn read(newsroom: &Newsroom) -> Option<Reader> {
        newsroom.read(newsroom.number())
    }

    #[tokio::test]
    async fn who_was_let_in_before_it_was_decided_anew_hears_nothing() {
        let newsroom = Newsroom::default();
        let number = newsroom.number();
        newsroom.close();
        let mut late = newsroom.read(number).unwrap();
        tell(&newsroom, 1);
        assert_eq!(late.next().await.unwrap_err(), NoMore::Over);
    }

    #[tokio::test]
    async fn a_reader_hears_in_order_what_comes_after_it() {
        let newsroom = Newsroom::default();
        tell(&newsroom, 1);
        let mut reader = read(&newsroom).unwrap();
        tell(&newsroom, 2);
        assert_eq!(reader.next().await.unwrap().number, 2);
        assert_eq!(reader.next().await.unwrap().number, 3);
        newsroom.close();
        assert_eq!(reader.next().await.unwrap_err(), NoMore::Over);
        let mut reader = read(&newsroom).unwrap();
        tell(&newsroom, 1);
        assert_eq!(reader.next().await.unwrap().number, 4);
        newsroom.end();
        assert_eq!(reader.next().await.unwrap_err(), NoMore::Over);
        let mut late = read(&newsroom).unwrap();
        assert_eq!(late.next().await.unwrap_err(), NoMore::Over);
    }

    #[tokio::test]
    async fn who_does_not_keep_up_is_given_up() {
        let newsroom = Newsroom::default();
        let mut reader = read(&newsroom).unwrap();
        tell(&newsroom, BACKLOG + 1);
        assert_eq!(reader.next().await.unwrap_err(), NoMore::TooSlow);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let newsroom = Newsroom::default();
        let readers: Vec<_> = (0..MOST_READERS)
            .map(|_| read(&newsroom).unwrap())
            .collect();
        assert!(read(&newsroom).is_none());
        assert_eq!(newsroom.readers(), MOST_READERS);
        drop(readers);
        assert!(read(&newsroom).is_some());
    }
}
