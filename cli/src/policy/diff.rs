//! `policy diff`: what a second policy says otherwise than a first one.

use std::path::PathBuf;

use anstyle::Style;
use clap::Args;
use serde_json::json;
use zap::DifferenceKind;

use super::read;
use crate::exit::{Class, Failure};
use crate::output::{BAD, GOOD, NOTE, harmless, line, styled};

/// Say what one policy file allows and forbids otherwise than another.
///
/// Prints a line for each fact: + if only the new policy has it, - if only the old one has it, ~ if both
/// have it but a secret or a property behind it is another. Compared is what the files and the stores
/// that they name come to, not how they are written. No password, hash or secret is ever printed.
///
/// Exit codes: 0 they say the same; 1 they differ; 2 usage, or a policy that cannot be used.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The policy file as it was
    old: PathBuf,
    /// The policy file as it will be
    new: PathBuf,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let read = |file| read(file).inspect_err(|failure| failure.tell_scripts(arguments.json));
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let differences = old.differences(&new);
    if arguments.json {
        let difference = |it: &zap::Difference| {
            let (_, _, kind) = shown(it.kind);
            json!({ "kind": kind, "text": it.text })
        };
        line(json!({
            "same": differences.is_empty(),
            "differences": differences.iter().map(difference).collect::<Vec<_>>(),
        }));
    } else {
        for it in &differences {
            let (style, sign, _) = shown(it.kind);
            line(styled(style, format_args!("{sign} {}", harmless(&it.text))));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(Failure::shown(Class::Different)) }
}

const fn shown(kind: DifferenceKind) -> (Style, char, &'static str) {
    match kind {
        DifferenceKind::Added => (GOOD, '+', "added"),
        DifferenceKind::Removed => (BAD, '-', "removed"),
        DifferenceKind::Changed => (NOTE, '~', "changed"),
    }
}
