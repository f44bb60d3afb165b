//! What a run says in the end: a table for people, JSON for comparing runs.

use serde_json::{Value, json};

use super::figure::{Figures, Measured};
use super::goal::{Goal, Limit, Verdict};
use super::machine::Machine;

const HEADINGS: [&str; 7] = ["row", "what", "ours", "peer", "ratio", "goal", "result"];

/// One line for each goal.
pub(crate) fn table(verdicts: &[Verdict<'_>]) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(verdicts.iter().map(cells));
    aligned(&lines)
}

/// The goals alone.
pub(crate) fn listing(goals: &[Goal]) -> String {
    let line = |goal: &Goal| {
        let [row, what, goal_text] = [goal.row, goal.what, &goal_text(goal)].map(str::to_owned);
        let against = match goal.peers {
            [] => String::new(),
            peers => format!("against {}", peers.join(", ")),
        };
        [row, what, goal_text, against]
    };
    let lines: Vec<_> = goals.iter().map(line).collect();
    aligned(&lines).trim_end().to_owned()
}

/// Everything: the machine, each figure, each verdict.
pub(crate) fn json(machine: &Machine, figures: &Figures, verdicts: &[Verdict<'_>]) -> Value {
    let figure = |figure: &super::figure::Figure| {
        let (row, subject) = (&figure.row, &figure.subject);
        match &figure.result {
            Measured::Value { value, unit } => {
                json!({"row": row, "subject": subject, "value": value, "unit": unit})
            }
            Measured::Missing(why) => json!({"row": row, "subject": subject, "missing": why}),
        }
    };
    json!({
        "machine": machine.json(),
        "figures": figures.all().iter().map(figure).collect::<Vec<_>>(),
        "goals": verdicts.iter().map(verdict_json).collect::<Vec<_>>(),
    })
}

fn verdict_json(verdict: &Verdict<'_>) -> Value {
    let goal = verdict.goal;
    let judged = verdict.judged.as_ref().ok();
    json!({
        "row": goal.row,
        "what": goal.what,
        "goal": goal_text(goal),
        "hard": goal.is_hard,
        "ours": judged.map(|judged| judged.ours.0),
        "unit": judged.map(|judged| judged.ours.1.clone()),
        "peer": judged.and_then(|judged| judged.peer).map(|(name, _)| name),
        "peer_value": judged.and_then(|judged| judged.peer).map(|(_, value)| value),
        "reached": judged.map(|judged| judged.reached),
        "met": verdict.is_met(),
        "not_measured": verdict.judged.as_ref().err(),
    })
}

fn cells(verdict: &Verdict<'_>) -> [String; 7] {
    let goal = verdict.goal;
    let (ours, peer, ratio) = match &verdict.judged {
        Err(_) => Default::default(),
        Ok(judged) => {
            let (value, unit) = &judged.ours;
            let shown = |value: f64| format!("{} {unit}", figure_text(value));
            let peer = judged.peer.map_or_else(String::new, |(name, value)| {
                format!("{} {name}", shown(value))
            });
            let ratio = judged
                .peer
                .map_or_else(String::new, |_| format!("{:.2}×", judged.reached));
            (shown(*value), peer, ratio)
        }
    };
    let result = match (&verdict.judged, verdict.is_met()) {
        (Err(why), _) => format!("not measured: {why}"),
        (Ok(_), Some(true)) => "met".to_owned(),
        (Ok(_), _) => "MISSED".to_owned(),
    };
    let [row, what] = [goal.row, goal.what].map(str::to_owned);
    [row, what, ours, peer, ratio, goal_text(goal), result]
}

fn goal_text(goal: &Goal) -> String {
    let limit = match goal.limit {
        Limit::Ratio(most) => format!("≤ {most}×"),
        Limit::Faster(least) => format!("≥ {least}× faster"),
        Limit::Value(most) => format!("≤ {most}"),
        Limit::Exactly(value) => format!("{value}"),
    };
    let hard = if goal.is_hard { "H " } else { "" };
    format!("{hard}{limit}")
}

/// Three digits, or all of those before the point.
fn figure_text(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// Columns as wide as their widest cell.
fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths);
        let padded: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::goal::GOALS;

    #[test]
    fn a_table_has_a_line_for_each_goal() {
        let verdicts = [
            Verdict::for_test(&GOALS[0], Some(9.5)),
            Verdict::for_test(&GOALS[0], Some(2.0)),
            Verdict::for_test(&GOALS[0], None),
        ];
        let table = table(&verdicts);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        for part in ["10 ns", "95 ns peer", "9.50×", "H ≥ 8× faster", "met"] {
            assert!(lines[1].contains(part), "{part} in {}", lines[1]);
        }
        assert!(lines[2].ends_with("MISSED"));
        assert!(lines[3].ends_with("not measured: the machine is busy"));
        let column = |line: &str| line.split("H ≥").next().unwrap().chars().count();
        assert_eq!(column(lines[1]), column(lines[3]));
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(
            [1.0, 1.234, 12.34, 1234.5].map(figure_text),
            ["1", "1.23", "12.3", "1234"]
        );
    }

    #[test]
    fn json_says_what_was_met() {
        let mut figures = Figures::default();
        let line = r#"{"row":"1","subject":"a","value":2.5,"unit":"ns"}"#;
        figures.read(line).unwrap();
        let verdicts = [
            Verdict::for_test(&GOALS[0], Some(9.5)),
            Verdict::for_test(&GOALS[0], None),
        ];
        let json = json(&Machine::this().unwrap(), &figures, &verdicts);
        assert_eq!(json["figures"][0]["value"], 2.5);
        assert_eq!(json["goals"][0]["met"], true);
        assert_eq!(json["goals"][0]["reached"], 9.5);
        assert_eq!(json["goals"][1]["met"], Value::Null);
        assert_eq!(json["goals"][1]["not_measured"], "the machine is busy");
    }

    #[test]
    fn the_listing_names_the_peers() {
        assert!(listing(&GOALS).contains("google-cloud-auth"));
    }
}
