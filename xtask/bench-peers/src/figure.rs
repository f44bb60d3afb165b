//! What was measured, as lines of JSON on standard output.

use serde_json::json;

/// The result of a row: any failure ends the program with its text.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Prints one figure.
pub fn print(row: &str, subject: &str, value: f64, unit: &str) {
    println!(
        "{}",
        json!({"row": row, "subject": subject, "value": value, "unit": unit})
    );
}

/// Prints that something could not be measured, and why.
pub fn missing(row: &str, subject: &str, why: &str) {
    println!(
        "{}",
        json!({"row": row, "subject": subject, "missing": why})
    );
}
