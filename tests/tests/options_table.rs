//! `docs/options.md` names every option of libzmq, and nothing that does not exist; nor does
//! `docs/from-libzmq.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ironhouse_tests::Done;
use libzmq_reference::HEADER;

/// The names of all options in `zmq.h`: what is defined in a section that calls itself so.
fn options() -> BTreeSet<&'static str> {
    let mut in_section = false;
    let mut found = BTreeSet::new();
    for line in HEADER.lines() {
        if let Some(title) = line.strip_prefix("/*").filter(|title| !title.starts_with("**")) {
            in_section = title.to_lowercase().contains("options");
        } else if let Some(rest) = line.strip_prefix("#define ").filter(|_| in_section) {
            found.extend(rest.split_whitespace().next().filter(|name| name.starts_with("ZMQ_")));
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The rows of the table: option, and the other cells.
fn rows() -> std::io::Result<BTreeMap<String, Vec<String>>> {
    let text = fs::read_to_string(root().join("docs/options.md"))?;
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `ZMQ_")) {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        let name = cells.next().unwrap_or_default().trim_matches('`').to_owned();
        let cells: Vec<_> = cells.collect();
        assert_eq!(cells.len(), 3, "{line}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
        assert!(rows.insert(name, cells).is_none(), "twice: {line}");
    }
    Ok(rows)
}

/// All that the library crates define in public.
fn public() -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut places = ["src", "transport/src", "zap/src", "curve/src", "zmtp-core/src"]
        .map(|it| root().join(it))
        .to_vec();
    while let Some(place) = places.pop() {
        if place.is_dir() {
            for entry in fs::read_dir(place)? {
                places.push(entry?.path());
            }
            continue;
        }
        for line in fs::read_to_string(place)?.lines() {
            // Functions, types, fields and variants: whatever begins a line.
            let mut name = line.trim_start();
            for word in
                ["pub ", "const ", "async ", "fn ", "mod ", "struct ", "enum ", "trait ", "type "]
            {
                name = name.strip_prefix(word).unwrap_or(name);
            }
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            names.insert(name[..end].to_owned());
        }
    }
    Ok(names)
}

#[test]
fn every_option_of_libzmq_has_its_row() -> Done {
    let (options, rows) = (options(), rows()?);
    assert!(options.len() > 120 && options.contains("ZMQ_NORM_PUSH"), "{options:?}");
    let missing: Vec<_> = options.iter().filter(|name| !rows.contains_key(**name)).collect();
    assert!(missing.is_empty(), "docs/options.md lacks {missing:?}");
    let unknown: Vec<_> = rows.keys().filter(|name| !options.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "zmq.h has no {unknown:?}");
    Ok(())
}

/// A row names what there is here, or says why there is nothing.
#[test]
fn every_name_in_the_table_exists() -> Done {
    let (rows, public) = (rows()?, public()?);
    let text = fs::read_to_string(root().join("docs/options.md"))?;
    for (option, cells) in rows {
        let named = cells[0].trim_matches('`').split("::").all(|part| public.contains(part));
        assert!(cells[0] == "none" || named, "{option}: {} does not exist", cells[0]);
        assert!(cells[0] != "none" || cells[2] != "the same", "{option}: why not?");
    }
    for name in
        text.split('`').skip(1).step_by(2).filter(|name| name.contains("::") && !name.contains('<'))
    {
        let missing = name.split("::").find(|part| !public.contains(*part));
        assert_eq!(missing, None, "{name} does not exist");
    }
    Ok(())
}

/// What the guide names that is not ours: of the language, of tokio, and of libzmq.
const NOT_OURS: [&str; 17] = [
    "Display",
    "Duration",
    "EFSM",
    "ENOTSUP",
    "FromStr",
    "Send",
    "Sync",
    "ZMQ_RCVHWM",
    "from_utf8",
    "net",
    "select",
    "server_key",
    "set_rcvhwm",
    "std",
    "str",
    "tokio",
    "zmq_ctx_term",
];

/// Code in the text of the guide, and in the columns of its tables that say what is here. Its examples
/// are compiled with the documentation of the crate.
#[test]
fn every_name_in_the_guide_exists() -> Done {
    let public = public()?;
    let text = fs::read_to_string(root().join("docs/from-libzmq.md"))?;
    let (mut in_example, mut found) = (false, 0);
    for line in text.lines() {
        in_example ^= line.starts_with("```");
        let ours = match line.starts_with('|') {
            true => line.trim_matches('|').rsplit_once(" | ").map_or("", |(_, here)| here),
            false => line,
        };
        for code in ours.split('`').skip(1).step_by(2).filter(|_| !in_example) {
            for (name, is_name) in words(code) {
                found += usize::from(is_name);
                let exists =
                    public.contains(name) || NOT_OURS.contains(&name) || name == "ironhouse";
                assert!(exists || !is_name, "{name} does not exist: `{code}`");
            }
        }
    }
    assert!(found > 80, "only {found} names found");
    Ok(())
}

/// The words in a piece of code, and whether they name something: they are called, qualified or written
/// as nothing else is.
fn words(code: &str) -> Vec<(&str, bool)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some(begin) = rest.find(|c: char| c.is_alphabetic()) {
        let before = &rest[..begin];
        let word = &rest[begin..];
        let end = word.find(|c: char| !is_part(c)).unwrap_or(word.len());
        let after = &word[end..];
        let is_text = before.ends_with('"') || after.starts_with("://");
        let is_name = after.starts_with('(')
            || after.starts_with("::")
            || before.ends_with("::")
            || word[..end].contains('_')
            || word[..end].starts_with(char::is_uppercase);
        found.push((&word[..end], is_name && !is_text));
        rest = after;
    }
    found
}

/// Whoever adds an option adds it here too.
#[test]
fn every_option_of_ours_is_in_the_table() -> Done {
    let text = fs::read_to_string(root().join("docs/options.md"))?;
    let mut files = vec![root().join("src/options.rs")];
    for entry in fs::read_dir(root().join("src/options"))? {
        files.push(entry?.path());
    }
    let mut count = 0;
    for file in files {
        for line in fs::read_to_string(file)?.lines() {
            let Some(rest) = line.strip_prefix("    pub fn ") else { continue };
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if rest.contains("mut self") {
                count += 1;
                assert!(text.contains(&format!("`Options::{name}`")), "no row names {name}");
            }
        }
    }
    assert!(count > 40, "only {count} options found");
    Ok(())
}
