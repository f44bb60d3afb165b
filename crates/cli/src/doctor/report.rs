//! The findings as lines for people and as one object for machines.

use anstyle::{AnsiColor, Style};
use prove_token_config::Outcome;
use serde_json::{Value, json};

use super::{Finding, Section, Status};
use crate::screen::Page;

const GOOD: Style = AnsiColor::Green.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const NOT_TRIED: Style = Style::new().dimmed();
const NAME: Style = Style::new().bold();

/// The width of the longest subject.
const SUBJECT: usize = 13;

/// The sections of a report on a page. Marks differ without their colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report(pub(crate) Page);

impl Report {
    /// A section, with an empty line at its end.
    pub(crate) fn text(self, section: &Section) -> String {
        let name = match &section.profile {
            Some(name) => format!("profile {name}"),
            None => "no profile".to_owned(),
        };
        let mut text = format!("{NAME}{name}{NAME:#}\n");
        for finding in &section.findings {
            self.line(finding, &mut text);
        }
        text.push_str(&format!("  sent: {}\n\n", sent(section)));
        text
    }

    fn line(self, finding: &Finding, text: &mut String) {
        let (mark, style) = self.mark(finding.status);
        let subject = finding.check.subject;
        let head = format!("  {style}{mark}{style:#} {subject:SUBJECT$}  ");
        let indent = 2 + mark.chars().count() + 1 + SUBJECT + 2;
        self.0.paragraph(&head, indent, &finding.sentence, text);
        if let Some(remedy) = &finding.remedy {
            let arrow = if self.0.unicode { "\u{2192}" } else { "->" };
            let head = format!("{:indent$}{arrow} ", "");
            let indent = indent + arrow.chars().count() + 1;
            self.0.paragraph(&head, indent, remedy, text);
        }
    }

    fn mark(self, status: Status) -> (&'static str, Style) {
        let (unicode, ascii, style) = match status {
            Status::Good => ("\u{2713}", "[ok]", GOOD),
            Status::Warning => ("!", "[!] ", WARNING),
            Status::Failed(_) => ("\u{2717}", "[x] ", FAILED),
            Status::NotTried => ("\u{2013}", "[-] ", NOT_TRIED),
        };
        match self.0.unicode {
            true => (unicode, style),
            false => (ascii, style),
        }
    }
}

fn sent(section: &Section) -> String {
    let origin = section.origin.as_deref().unwrap_or_default();
    match section.token_requests {
        0 => "no token request".to_owned(),
        1 => format!("1 token request, to {origin}"),
        many => format!("{many} token requests, to {origin}"),
    }
}

/// How many checks there are, and how many of them failed.
pub(crate) fn count(sections: &[Section]) -> (usize, usize) {
    let findings = || sections.iter().flat_map(|section| &section.findings);
    let failed = findings().filter(|finding| matches!(finding.status, Status::Failed(_)));
    (findings().count(), failed.count())
}

/// All sections as one object.
pub(crate) fn json(sections: &[Section]) -> Value {
    let exit_code = sections
        .iter()
        .find_map(Section::failure)
        .map_or(0, |(_, kind)| Outcome::of(kind).exit_code);
    let findings = sections.iter().flat_map(|section| &section.findings);
    json!({
        "status": worst(findings),
        "exit_code": exit_code,
        "profiles": sections.iter().map(object).collect::<Vec<_>>(),
    })
}

fn object(section: &Section) -> Value {
    json!({
        "profile": section.profile,
        "status": worst(section.findings.iter()),
        "token_requests": section.token_requests,
        "origin": section.origin,
        "findings": section.findings.iter().map(of_finding).collect::<Vec<_>>(),
    })
}

fn of_finding(finding: &Finding) -> Value {
    let mut object = json!({
        "id": finding.check.id,
        "status": finding.status.as_str(),
        "subject": finding.check.subject,
        "message": finding.sentence,
    });
    if let Status::Failed(kind) = finding.status {
        object["error"] = json!(kind.as_str());
    }
    if let Some(remedy) = &finding.remedy {
        object["remedy"] = json!(remedy);
    }
    object
}

fn worst<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> &'static str {
    let has = |status: &str| {
        findings
            .clone()
            .any(|finding| finding.status.as_str() == status)
    };
    ["failed", "warning"]
        .into_iter()
        .find(|status| has(status))
        .unwrap_or("ok")
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::super::finding::Check;
    use super::*;

    fn written(width: usize, unicode: bool) -> String {
        let check = Check::new("x", "secret's form");
        let finding = check
            .warning("it ends with white space, and begins with it")
            .remedy("copy it once more, and store it alone");
        let mut text = String::new();
        Report(Page { width, unicode }).line(&finding, &mut text);
        strip_str(&text).to_string()
    }

    #[test]
    fn further_lines_stand_below_the_first() {
        assert_eq!(
            written(48, true),
            "  ! secret's form  it ends with white space, and\n\
             \x20                  begins with it\n\
             \x20                  \u{2192} copy it once more, and\n\
             \x20                    store it alone\n"
        );
    }

    #[test]
    fn a_pipe_has_no_edge_and_a_narrow_terminal_breaks_by_itself() {
        let whole = "  [!]  secret's form  it ends with white space, and begins with it\n\
             \x20                     -> copy it once more, and store it alone\n";
        assert_eq!(written(usize::MAX, false), whole);
        assert_eq!(written(30, false), whole);
    }
}
