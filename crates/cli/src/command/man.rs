//! `prove-token man`.

use std::path::{Path, PathBuf};

use clap::Args;
use prove_token::ErrorKind;

use super::{Context, Run};
use crate::failure::Failure;
use crate::manual::{Page, pages};
use crate::printable::printable;

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command to print the page of, such as: config show
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder, for a package
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, conflicts_with = "command")]
    dir: Option<PathBuf>,
}

impl Run for ManArgs {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let pages = pages();
        if let Some(folder) = &self.dir {
            return write(&pages, folder, context);
        }
        let Some(page) = pages.iter().find(|page| page.is_of(&self.command)) else {
            let names: Vec<_> = pages.iter().skip(1).map(Page::command).collect();
            return Err(Failure::usage("there is no such command")
                .hint(format!("there are: {}", names.join(", "))));
        };
        context.console.result(page.text())?;
        if context.console.stdout_is_terminal() {
            context
                .console
                .notice("to read it as a page: prove-token man | man -l -");
        }
        Ok(())
    }
}

fn write(pages: &[Page], folder: &Path, context: &Context) -> Result<(), Failure> {
    let refuse = |path: &Path, error: std::io::Error| {
        let path = printable(&path.to_string_lossy());
        Failure::new(
            ErrorKind::Internal,
            format!("cannot write {path}: {}", error.kind()),
        )
        .hint("name a folder that you can write to; it is made if there is none")
    };
    std::fs::create_dir_all(folder).map_err(|error| refuse(folder, error))?;
    let mut written = String::new();
    for page in pages {
        let path = folder.join(page.file_name());
        std::fs::write(&path, page.text()).map_err(|error| refuse(&path, error))?;
        written.push_str(&format!("{}\n", path.display()));
    }
    context.console.result(written)
}
