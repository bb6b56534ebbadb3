//! What may stand in a policy file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// A name or value, and where it stands.
pub(super) type Text = Spanned<String>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Form {
    pub(super) limits: Limits,
    pub(super) addresses: Rules,
    pub(super) listeners: BTreeMap<Text, Rules>,
    pub(super) stores: BTreeMap<Text, Store>,
    pub(super) domains: BTreeMap<Text, Domain>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) off: Vec<Limit>,
    pub(super) per_source: Option<Rate>,
    pub(super) all: Option<Rate>,
    pub(super) bans: Option<Bans>,
    pub(super) exempt: Option<Vec<Text>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    PerSource,
    All,
    Bans,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    pub(super) per_second: u32,
    pub(super) burst: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bans {
    pub(super) after: u32,
    #[serde(deserialize_with = "duration")]
    pub(super) within: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) first: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) longest: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rules {
    pub(super) allow: Vec<Text>,
    pub(super) deny: Vec<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Store {
    /// A directory.
    pub(super) certificates: Option<Text>,
    /// A file.
    pub(super) passwords: Option<Text>,
    pub(super) clear_text: bool,
    /// Users of keys.
    pub(super) keys: Option<BTreeMap<Text, String>>,
    pub(super) any_key: bool,
    pub(super) principals: Option<Rules>,
    pub(super) remember: Option<Remember>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remember {
    #[serde(deserialize_with = "duration")]
    pub(super) accepted: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) refused: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Domain {
    pub(super) allow: Vec<Text>,
    pub(super) deny: Vec<Text>,
    /// The user that everybody is who speaks NULL.
    pub(super) null: Option<Text>,
    /// Names of stores.
    pub(super) plain: Vec<Text>,
    pub(super) curve: Vec<Text>,
    pub(super) gssapi: Vec<Text>,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|_| serde::de::Error::custom("expected a duration such as \"90s\" or \"2h\""))
}
