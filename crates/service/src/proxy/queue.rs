//! Whose turn it is at an API that takes so many requests in a second.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prove_token::{Error, ErrorKind};
use tokio::sync::Mutex as Turnstile;

use crate::ready::ready_now;

/// The longest that a request waits for its turn, in its caller's row and at the window.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The requests that wait, in a row for each caller.
///
/// The window is first come, first served: whoever asks most would have it, and the others
/// what is left. So one request of each row waits there, and the rows take turns.
#[derive(Debug, Default)]
pub(super) struct Rows(Mutex<BTreeMap<String, Weak<Turnstile<()>>>>);

impl Rows {
    /// Waits until a request of `caller` gets through the `window`; says whether it had to
    /// wait.
    ///
    /// # Errors
    ///
    /// Those of the window, and `RateLimited` if it takes too long.
    pub(super) async fn admit<W>(&self, caller: &str, window: impl Fn() -> W) -> Result<bool, Error>
    where
        W: Future<Output = Result<(), Error>>,
    {
        if let Some(admitted) = ready_now(window()).await {
            return admitted.map(|()| false);
        }
        let row = self.row(caller);
        let turn = async {
            let _first = row.lock().await;
            window().await
        };
        let admitted = tokio::time::timeout(LONGEST_WAIT, turn).await;
        admitted.map_err(|_| too_many())??;
        Ok(true)
    }

    fn row(&self, caller: &str) -> Arc<Turnstile<()>> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get(caller).and_then(Weak::upgrade) {
            return row;
        }
        rows.retain(|_, row| row.strong_count() > 0);
        let row = Arc::<Turnstile<()>>::default();
        rows.insert(caller.to_owned(), Arc::downgrade(&row));
        row
    }
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::RateLimited,
        "more requests of this caller are waiting than this server takes",
    )
    .with_hint("ask for less at a time; the limit is the server's, set as rate_limit here")
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::sync::Semaphore;

    use super::*;

    type Waiting<'w> = Pin<Box<dyn Future<Output = Result<bool, Error>> + 'w>>;

    async fn is_admitted(waiting: &mut Waiting<'_>) -> bool {
        let outcome = ready_now(waiting.as_mut()).await;
        outcome.is_some_and(|outcome| outcome.unwrap())
    }

    #[tokio::test]
    async fn callers_take_turns() {
        let (rows, window) = (Rows::default(), Semaphore::new(1));
        let window = &window;
        let through = || async {
            window.acquire().await.expect("it is open").forget();
            Ok(())
        };
        let ask = |caller| -> Waiting<'_> { Box::pin(rows.admit(caller, through)) };
        assert!(!ask("eager").await.unwrap(), "nobody has to wait yet");
        let mut eager = [ask("eager"), ask("eager"), ask("eager")];
        for waiting in &mut eager {
            assert!(!is_admitted(waiting).await);
        }
        let mut modest = ask("modest");
        assert!(!is_admitted(&mut modest).await);
        let [first, second, third] = &mut eager;

        window.add_permits(1);
        assert!(is_admitted(first).await, "it was there before");
        assert!(!is_admitted(second).await);
        window.add_permits(1);
        assert!(!is_admitted(second).await && is_admitted(&mut modest).await);
        window.add_permits(2);
        assert!(is_admitted(second).await && is_admitted(third).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_is_too_long_is_told_so() {
        let rows = Rows::default();
        let blocked = || std::future::pending::<Result<(), Error>>();
        let (first, second) = tokio::join!(rows.admit("a", blocked), rows.admit("a", blocked));
        for outcome in [first, second] {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::RateLimited);
        }
        drop(rows.row("b"));
        drop(rows.row("c"));
        assert_eq!(rows.0.lock().unwrap().len(), 1, "who is gone is forgotten");
    }
}
