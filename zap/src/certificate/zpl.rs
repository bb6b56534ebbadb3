//! Lines of 4/ZPL: names and values whose depth is their indentation.

use super::{CertificateError, CertificateFault};

/// One property: `name = value` or a bare name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Property<'a> {
    pub(super) line: usize,
    pub(super) depth: usize,
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// Whether `c` may stand in a name (4/ZPL, "Specification").
pub(super) const fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_' | '@' | '.' | '&' | '+' | '/')
}

/// The properties of a text, without comments and empty lines.
pub(super) fn properties(
    text: &str,
) -> impl Iterator<Item = Result<Property<'_>, CertificateError>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    text.lines().enumerate().filter_map(|(index, line)| {
        let number = index + 1;
        match property(number, line) {
            Ok(property) => property.map(Ok),
            Err(fault) => Some(Err(CertificateError::at(number, fault))),
        }
    })
}

fn property(line: usize, text: &str) -> Result<Option<Property<'_>>, CertificateFault> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(CertificateFault::Control);
    }
    let content = text.trim_start_matches(' ');
    let indent = text.len() - content.len();
    if is_end(content) {
        return Ok(None);
    }
    if !indent.is_multiple_of(4) || content.starts_with('\t') {
        return Err(CertificateFault::Indent);
    }
    let (name, rest) =
        content.split_at(content.find(|c| !is_name_char(c)).unwrap_or(content.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let value = match rest.strip_prefix('=') {
        Some(rest) => value(rest),
        None if is_end(rest) => "",
        None => return Err(CertificateFault::Property),
    };
    if name.is_empty() {
        return Err(CertificateFault::Property);
    }
    Ok(Some(Property { line, depth: indent / 4, name, value }))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Whether nothing but a comment follows.
fn is_end(text: &str) -> bool {
    let text = text.trim_start_matches(BLANKS);
    text.is_empty() || text.starts_with('#')
}

/// The value behind an equals sign: what stands in quotes, or all up to a comment. A quote that is
/// not closed, or is followed by more text, is part of an unquoted value.
fn value(text: &str) -> &str {
    let text = text.trim_matches(BLANKS);
    let quoted = ['"', '\''].iter().find_map(|quote| {
        let (inner, tail) = text.strip_prefix(*quote)?.split_once(*quote)?;
        is_end(tail).then_some(inner)
    });
    quoted.unwrap_or_else(|| {
        text.split_once('#').map_or(text, |(value, _)| value.trim_end_matches(BLANKS))
    })
}
