//! The findings as lines for people and as one object for machines.

use anstyle::{AnsiColor, Style};
use prove_token_config::{Env, Outcome};
use serde_json::{Value, json};

use super::{Finding, Section, Status};
use crate::screen::shows_unicode;

const GOOD: Style = AnsiColor::Green.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const NOT_TRIED: Style = Style::new().dimmed();
const NAME: Style = Style::new().bold();

/// The width of the longest subject.
const SUBJECT: usize = 13;

/// What stands in front of a line. The words differ as the marks do: colour is an
/// addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    /// For terminals and locales that have them.
    Unicode,
    /// For all others.
    Ascii,
}

impl Marks {
    /// By what the environment says of the terminal.
    pub(crate) fn of(env: &Env) -> Self {
        match shows_unicode(env) {
            true => Self::Unicode,
            false => Self::Ascii,
        }
    }

    fn mark(self, status: Status) -> (&'static str, Style) {
        let (unicode, ascii, style) = match status {
            Status::Good => ("\u{2713}", "[ok]", GOOD),
            Status::Warning => ("!", "[!] ", WARNING),
            Status::Failed(_) => ("\u{2717}", "[x] ", FAILED),
            Status::NotTried => ("\u{2013}", "[-] ", NOT_TRIED),
        };
        match self {
            Self::Unicode => (unicode, style),
            Self::Ascii => (ascii, style),
        }
    }

    /// Before a remedy.
    fn arrow(self) -> &'static str {
        match self {
            Self::Unicode => "\u{2192}",
            Self::Ascii => "->",
        }
    }
}

/// A section as text, with an empty line at its end.
pub(crate) fn text(section: &Section, marks: Marks) -> String {
    let name = match &section.profile {
        Some(name) => format!("profile {name}"),
        None => "no profile".to_owned(),
    };
    let mut text = format!("{NAME}{name}{NAME:#}\n");
    for finding in &section.findings {
        line(finding, marks, &mut text);
    }
    text.push_str(&format!("  sent: {}\n\n", sent(section)));
    text
}

fn line(finding: &Finding, marks: Marks, text: &mut String) {
    let (mark, style) = marks.mark(finding.status);
    let subject = finding.check.subject;
    text.push_str(&format!(
        "  {style}{mark}{style:#} {subject:SUBJECT$}  {}\n",
        finding.sentence
    ));
    if let Some(remedy) = &finding.remedy {
        let indent = mark.chars().count() + 3 + SUBJECT + 2;
        let arrow = marks.arrow();
        text.push_str(&format!("{:indent$}{arrow} {remedy}\n", ""));
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
