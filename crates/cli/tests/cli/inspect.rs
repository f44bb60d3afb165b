use crate::harness::run;

#[test]
fn a_token_of_the_emulator_is_read_in_words() {
    let token = run(&["token", "--environment", "emulator"])
        .outcome()
        .success();
    let text = run(&["inspect"]).stdin(&token).outcome().success();
    for words in [
        "HS256",
        "client_id",
        "exp  expires in ",
        "iat  issued",
        "signature was not checked",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let json = run(&["inspect", "-o", "json", token.trim_end()])
        .outcome()
        .success();
    assert!(json.contains("\"signature_verified\":false"), "{json}");
    let signature = token.trim_end().rsplit('.').next().unwrap();
    assert!(!text.contains(signature) && !json.contains(signature));
}

#[test]
fn what_is_no_jwt_is_not_repeated() {
    let words = run(&["inspect"]).stdin("canary").outcome().failure(9);
    assert!(words.contains("not a JWT: it has 1 part\n"), "{words}");
    let words = run(&["inspect"])
        .stdin(&"canary.".repeat(10_000))
        .outcome()
        .failure(2);
    assert!(words.contains("longer than 64 KiB"), "{words}");
}
