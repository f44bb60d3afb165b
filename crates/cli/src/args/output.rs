//! A result for people, or for machines.

use clap::{Args, ValueEnum};

/// For which of the two a result is printed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct OutputFlags {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TextOrJson {
    #[default]
    Text,
    Json,
}

impl OutputFlags {
    /// Whether it is for machines.
    pub(crate) fn is_json(self) -> bool {
        self.json || self.output == TextOrJson::Json
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use crate::args::Cli;

    /// `check` for each command that has no other ones below it.
    fn each(command: &Command, check: &mut impl FnMut(&Command)) {
        match command.has_subcommands() {
            false => check(command),
            true => command
                .get_subcommands()
                .for_each(|below| each(below, check)),
        }
    }

    #[test]
    fn one_way_to_ask_for_json_and_one_place_in_the_help() {
        let mut cli = Cli::command();
        cli.build();
        let mut with_json = Vec::new();
        each(&cli, &mut |command| {
            let find = |id: &str| command.get_arguments().find(|arg| arg.get_id() == id);
            let Some(output) = find("output") else {
                return;
            };
            let name = command.get_name();
            assert_eq!(output.get_help_heading(), None, "{name}");
            let values = output.get_possible_values();
            if values
                .iter()
                .map(|value| value.get_name())
                .eq(["text", "json"])
            {
                assert!(find("json").is_some(), "{name}");
                with_json.push(name.to_owned());
            }
        });
        let expected = [
            "status", "inspect", "show", "validate", "list", "show", "doctor",
        ];
        assert_eq!(with_json, expected);
    }
}
