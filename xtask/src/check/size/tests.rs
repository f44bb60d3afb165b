use super::*;

const EXCEPTED: &[Exception] = &[Exception {
    file: "crates/a/src/a.rs",
    function: "long",
    reason: "one table",
}];

fn function(name: &str, lines: usize) -> String {
    format!("fn {name}() {{\n{}}}\n", "    call();\n".repeat(lines))
}

fn measured(file: &str, text: &str, exceptions: &[Exception]) -> Findings {
    let mut findings = Findings::default();
    findings.measure(file, text, exceptions);
    findings
}

#[test]
fn forty_lines_pass_and_one_more_fails() {
    let file = "crates/a/src/a.rs";
    assert_eq!(measured(file, &function("f", 40), &[]), Findings::default());
    let found = measured(file, &function("f", 41), &[]);
    assert_eq!(
        found.problems,
        ["crates/a/src/a.rs:1: fn f has 41 lines, at most 40; split it"]
    );
}

#[test]
fn an_exception_excuses_its_function_up_to_the_hard_stop() {
    let file = "crates/a/src/a.rs";
    let found = measured(file, &function("long", 75), EXCEPTED);
    assert_eq!(found.problems, [""; 0]);
    assert_eq!(
        found.warnings,
        ["crates/a/src/a.rs:1: fn long has 75 lines: one table"]
    );

    assert_eq!(
        measured(file, &function("long", 76), EXCEPTED)
            .problems
            .len(),
        1
    );
    assert_eq!(
        measured(file, &function("other", 41), EXCEPTED)
            .problems
            .len(),
        1
    );
    assert_eq!(
        measured("crates/b/src/a.rs", &function("long", 41), EXCEPTED)
            .problems
            .len(),
        1
    );
}

#[test]
fn an_exception_that_nothing_needs_fails() {
    let mut findings = measured("crates/a/src/a.rs", &function("long", 40), EXCEPTED);
    findings.refuse_unused(EXCEPTED);
    assert_eq!(
        findings.problems,
        ["crates/a/src/a.rs: the exception for fn long is not needed"]
    );
}

#[test]
fn a_test_function_is_warned_about_and_then_refused() {
    let module = |lines| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function("t", lines));
    for (file, text) in [
        ("crates/a/src/a.rs", module(41)),
        ("crates/a/src/a/tests.rs", function("t", 41)),
        ("crates/a/tests/a.rs", function("t", 41)),
        ("tests/tests/a.rs", function("t", 41)),
    ] {
        let found = measured(file, &text, &[]);
        assert_eq!(
            (found.problems.len(), found.warnings.len()),
            (0, 1),
            "{file}"
        );
    }
    assert_eq!(
        measured("tests/tests/a.rs", &function("t", 76), &[])
            .problems
            .len(),
        1
    );
}

#[test]
fn four_hundred_lines_pass_and_one_more_fails() {
    let file = "crates/a/src/a.rs";
    assert_eq!(
        measured(file, &"// x\n".repeat(400), &[]),
        Findings::default()
    );
    assert_eq!(
        measured(file, &"// x\n".repeat(401), &[]).problems,
        ["crates/a/src/a.rs: 401 lines without its unit tests, at most 400; split it"]
    );
}

#[test]
fn unit_tests_do_not_count_and_other_tests_do() {
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    // x\n".repeat(300)
    );
    let text = format!("{}{tests}", "// x\n".repeat(400));
    assert_eq!(
        measured("crates/a/src/a.rs", &text, &[]),
        Findings::default()
    );

    let long = "// x\n".repeat(401);
    assert_eq!(
        measured("crates/a/src/a/tests.rs", &long, &[]),
        Findings::default()
    );
    assert_eq!(
        measured("crates/a/tests/tests.rs", &long, &[])
            .problems
            .len(),
        1
    );
    assert_eq!(measured("tests/src/lib.rs", &long, &[]).problems.len(), 1);
}

#[test]
fn rust_files_are_found_at_any_depth() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["b/c.rs", "a.rs", "a.txt", "target/x.rs", ".hidden/x.rs"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let mut files = Vec::new();
    collect(folder.path(), &mut files).unwrap();
    assert_eq!(
        files,
        [folder.path().join("a.rs"), folder.path().join("b/c.rs")]
    );
}
