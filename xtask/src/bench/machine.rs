//! Where and when something was measured.

use std::process::Command;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::process;

/// What a figure depends on beside the program.
#[derive(Debug)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    rustc: String,
    date: String,
}

impl Machine {
    /// The machine that this runs on, now.
    pub(crate) fn this() -> Result<Self, Failure> {
        let ask = |program: &str, arguments: &[&str]| {
            let answer = process::capture(Command::new(program).args(arguments));
            answer.map(|text| text.trim().to_owned())
        };
        let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Ok(Self {
            processor: processor(&processors).unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: ask("uname", &["-sr"])?,
            rustc: ask("rustc", &["-V"])?,
            date: ask("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])?,
        })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "kernel": self.kernel,
            "rustc": self.rustc,
            "date": self.date,
        })
    }
}

/// The model in Linux's list of processors.
fn processor(list: &str) -> Option<&str> {
    list.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == "model name")
        .map(|(_, model)| model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_found() {
        let list = "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n";
        assert_eq!(processor(list), Some("Some CPU @ 3 GHz"));
        assert_eq!(processor(""), None);
    }

    #[test]
    fn a_machine_says_when_and_with_what() {
        let json = Machine::this().unwrap().json();
        assert!(json["rustc"].as_str().unwrap().starts_with("rustc "));
        assert!(json["date"].as_str().unwrap().ends_with('Z'));
        assert!(json["cores"].as_u64().unwrap() >= 1);
    }
}
