use super::*;

fn segment(pattern: &str, path: &str) -> Option<String> {
    match_path(pattern, path)
}

#[test]
fn paths_match_whole_segments() {
    assert_eq!(segment("/v3/start", "/v3/start"), Some(String::new()));
    assert_eq!(segment("/v3/start", "/v3/start/"), None);
    assert_eq!(segment("/v3/start", "/v3/starts"), None);
    assert_eq!(segment("/v3/start", "/v3"), None);
    assert_eq!(segment("/v3/start", "/V3/start"), None);
    assert_eq!(segment("/a/{id}", "/a/x%20y"), Some("x y".into()));
    assert_eq!(segment("/a/{id}", "/a/"), None);
    assert_eq!(segment("/a/{id}/b", "/a/x/c"), None);
}

#[test]
fn a_row_is_found_by_method_and_path() {
    let found = |method, path| find(&method, path).map(|found| found.operation.path);
    assert_eq!(
        found(Method::GET, "/v3/identity/42"),
        Some("/v3/identity/{proveId}")
    );
    assert_eq!(
        found(Method::POST, "/v3/identity/batch"),
        Some("/v3/identity/batch")
    );
    assert_eq!(found(Method::GET, "/v3/start"), None);
    assert_eq!(found(Method::POST, "/v3/token"), None);
}

#[test]
fn no_row_hides_another() {
    for operation in TABLE {
        let path = operation.path.replace(['{', '}'], "");
        let found = find(&operation.method, &path).map(|found| found.operation.path);
        assert_eq!(found, Some(operation.path));
    }
}

#[test]
fn the_test_user_is_known_in_every_spelling() {
    for number in [
        "2001001695",
        "+12001001695",
        "12001001695",
        "(200) 100-1695",
    ] {
        assert!(is_test_user(number), "{number}");
    }
    for number in ["2001001686", "", "1", "442001001695"] {
        assert!(!is_test_user(number), "{number}");
    }
}

#[test]
fn media_types_lose_their_parameters() {
    assert_eq!(
        media_type(Some(" application/json ; charset=utf-8")),
        "application/json"
    );
    assert_eq!(media_type(None), "");
}
