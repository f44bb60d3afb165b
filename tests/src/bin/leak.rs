//! Logs the secret, under the watch that must not let it: the test of the watch.

use prove_token_tests::canary::SECRET;
use prove_token_tests::log;

fn main() {
    log::watch();
    tracing::trace!(secret = SECRET, "for the watch to find");
    println!("the watch let it pass");
}
