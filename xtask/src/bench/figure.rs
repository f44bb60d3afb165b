//! What the measuring program says: one line of JSON for each figure.

use serde_json::Value;

use crate::failure::Failure;

/// Everything that was measured in this run.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Figure>);

/// One subject of one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    pub(crate) row: String,
    pub(crate) subject: String,
    pub(crate) result: Measured,
}

/// A value with its unit, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measured {
    Value { value: f64, unit: String },
    Missing(String),
}

impl Figures {
    /// Takes up the lines that measuring a row printed.
    pub(crate) fn read(&mut self, lines: &str) -> Result<(), Failure> {
        for line in lines.lines() {
            let figure = parse(line).ok_or_else(|| {
                Failure::failed(format!("the measuring program printed no figure: {line}"))
            })?;
            self.0.push(figure);
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> &[Figure] {
        &self.0
    }

    /// What came of a subject in a row; `None` if nothing was said about it.
    pub(crate) fn find(&self, row: &str, subject: &str) -> Option<&Measured> {
        let found = self.0.iter().rev();
        let mut found = found.filter(|figure| figure.row == row && figure.subject == subject);
        found.next().map(|figure| &figure.result)
    }
}

fn parse(line: &str) -> Option<Figure> {
    let json: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let result = match text("missing") {
        Some(why) => Measured::Missing(why),
        None => Measured::Value {
            value: json["value"].as_f64()?,
            unit: text("unit")?,
        },
    };
    Some(Figure {
        row: text("row")?,
        subject: text("subject")?,
        result,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_figures() {
        let mut figures = Figures::default();
        let lines = "{\"row\":\"1\",\"subject\":\"a\",\"value\":2.5,\"unit\":\"ns\"}\n\
                     {\"row\":\"1\",\"subject\":\"b\",\"missing\":\"no such program\"}\n";
        figures.read(lines).unwrap();
        let value = Measured::Value {
            value: 2.5,
            unit: "ns".to_owned(),
        };
        assert_eq!(figures.find("1", "a"), Some(&value));
        let missing = Measured::Missing("no such program".to_owned());
        assert_eq!(figures.find("1", "b"), Some(&missing));
        assert_eq!(figures.find("2", "a"), None);
    }

    #[test]
    fn a_line_that_is_no_figure_is_named() {
        for line in ["warning: x", "{}", r#"{"row":"1","subject":"a"}"#] {
            let failure = Figures::default().read(line).unwrap_err();
            assert!(failure.to_string().contains(line), "{failure}");
        }
    }
}
