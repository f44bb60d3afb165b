//! What is different, in words.

use prove_token_config::Identity;

use super::*;

fn caller(name: &str, hash: u8) -> Caller {
    let profiles = vec!["local".to_owned()];
    Caller::new(name, Identity::KeyHash([hash; 32]), profiles)
}

#[test]
fn callers_are_told_apart_by_name() {
    let old = [caller("a", 1), caller("b", 2), caller("c", 3)];
    let mut changed = caller("b", 2);
    changed.rate_limit = Some(5);
    let new = [caller("d", 4), changed, caller("a", 1)];
    assert_eq!(
        callers_changed(&old, &new),
        ["caller d added", "caller b changed", "caller c removed"]
    );
    assert!(callers_changed(&old, &old).is_empty());
    // Another key of the same caller.
    assert_eq!(
        callers_changed(&[caller("a", 1)], &[caller("a", 9)]),
        ["caller a changed"]
    );
}

#[tokio::test]
async fn a_service_without_a_steward_says_so() {
    let (reloader, requests) = Reloader::new();
    drop(requests);
    let failure = reloader.reload().await.unwrap_err();
    assert_eq!(failure.message(), "the service is ending");
}
