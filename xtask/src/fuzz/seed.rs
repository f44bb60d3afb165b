//! The inputs that fuzzing starts from: every answer of the wire cases, as the target
//! `wire` reads them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::LARGEST_INPUT;
use crate::failure::Failure;

/// Writes each answer below `folder`, but for those that are only large.
pub(super) fn write_all(cases: &Path, folder: &Path) -> Result<(), Failure> {
    make_folder(folder)?;
    let entries = fs::read_dir(cases).map_err(|error| failed("read", cases, &error))?;
    for entry in entries {
        let case = entry.map_err(|error| failed("read", cases, &error))?.path();
        if !case.is_dir() {
            continue;
        }
        let file = case.join("case.json");
        let text = fs::read_to_string(&file).map_err(|error| failed("read", &file, &error))?;
        let seeds = seeds(&text).ok_or_else(|| failed("understand", &file, "no wire case"))?;
        let name = case.file_name().unwrap_or_default().to_string_lossy();
        for (number, seed) in seeds.iter().enumerate() {
            let path = folder.join(format!("{name}-{number}"));
            if seed.len() <= LARGEST_INPUT {
                fs::write(&path, seed).map_err(|error| failed("write", &path, &error))?;
            }
        }
    }
    Ok(())
}

pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| failed("make", folder, &error))
}

/// The answers of a case: the status, a header field a line, an empty line, the body.
fn seeds(case: &str) -> Option<Vec<Vec<u8>>> {
    let case: Value = serde_json::from_str(case).ok()?;
    case["answers"].as_array()?.iter().map(seed).collect()
}

fn seed(answer: &Value) -> Option<Vec<u8>> {
    let mut head = answer["status"].as_u64()?.to_string();
    for field in answer["headers"].as_array().into_iter().flatten() {
        head.push_str(&format!("\n{}:{}", field[0].as_str()?, field[1].as_str()?));
    }
    Some([head.as_bytes(), b"\n\n", &body(answer)?].concat())
}

fn body(answer: &Value) -> Option<Vec<u8>> {
    if let Some(base64) = answer.get("body_base64") {
        return STANDARD.decode(base64.as_str()?).ok();
    }
    if let Some(parts) = answer.get("body_parts") {
        let part = |part: &Value| {
            let times = usize::try_from(part["times"].as_u64()?).ok()?;
            Some(part["text"].as_str()?.repeat(times))
        };
        let parts: Option<String> = parts.as_array()?.iter().map(part).collect();
        return parts.map(String::into_bytes);
    }
    let text = answer.get("body").map_or(Some(""), Value::as_str)?;
    Some(text.as_bytes().to_vec())
}

fn failed(verb: &str, path: &Path, why: impl ToString) -> Failure {
    let (path, why) = (path.display(), why.to_string());
    Failure::failed(format!("cannot {verb} {path}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_its_status_its_fields_and_its_body() {
        let case = r#"{"answers":[
            {"status":200,"headers":[["A","b"],["C","d: e"]],"body":"{}"},
            {"status":503},
            {"status":200,"body_base64":"/w=="},
            {"status":200,"body_parts":[{"text":"ab","times":2},{"text":"c","times":1}]}]}"#;
        let expected = [
            &b"200\nA:b\nC:d: e\n\n{}"[..],
            b"503\n\n",
            b"200\n\n\xff",
            b"200\n\nababc",
        ];
        assert_eq!(seeds(case).unwrap(), expected);
        for wrong in [
            "",
            "{}",
            r#"{"answers":[{"body":""}]}"#,
            r#"{"answers":[{"status":200,"body_base64":"?"}]}"#,
        ] {
            assert_eq!(seeds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_wire_case_is_a_seed() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/wire");
        let folder = tempfile::tempdir().unwrap();
        write_all(&cases, folder.path()).unwrap();
        let cases = fs::read_dir(cases).unwrap().count();
        let seeds = fs::read_dir(folder.path()).unwrap().count();
        // A few have several answers, a few only large ones.
        assert!(seeds > cases / 2, "{seeds} of {cases}");
    }
}
