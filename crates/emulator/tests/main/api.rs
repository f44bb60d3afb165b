//! Operations called with one token.

use prove_token_emulator::Emulator;
use serde_json::Value;

use crate::client::{operation, start_with, token};

/// Calls operations with one token.
pub(crate) struct Api {
    pub(crate) emulator: Emulator,
    pub(crate) token: String,
}

impl Api {
    pub(crate) fn new() -> Self {
        let emulator = start_with(|builder| builder.rate_limit(0));
        let token = token(&emulator);
        Self { emulator, token }
    }

    pub(crate) fn call(&self, line: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = operation(&self.emulator, &self.token, line, &body);
        (answer.status, answer.json())
    }

    /// The body of an answer that must be a 200.
    pub(crate) fn ok(&self, line: &str, body: &Value) -> Value {
        let (status, answer) = self.call(line, body);
        assert_eq!(status, 200, "{line}: {answer}");
        answer
    }

    /// Status and code of a refusal.
    pub(crate) fn refused(&self, line: &str, body: &Value) -> (u16, u64) {
        let (status, answer) = self.call(line, body);
        (status, answer["code"].as_u64().unwrap_or_default())
    }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}
