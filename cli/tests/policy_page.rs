//! The page about policy files says what the parser knows, no less and no more.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::{Place, run};

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md");
    std::fs::read_to_string(page).expect("the page")
}

fn example(page: &str) -> &str {
    let (_, example) = page.split_once("```toml\n").expect("an example");
    example.split_once("```").expect("an end").0
}

fn problems(place: &Place, text: &str) -> serde_json::Value {
    let file = place.write("policy.toml", text);
    run(&["policy", "check", "--json", &file]).json()["problems"].clone()
}

#[test]
fn the_example_can_be_used_as_it_stands() {
    let place = Place::new("page-example");
    place.keys("jo");
    place.authorized("keys", &["jo"]);
    let hash = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.vTdnMkpWk2uFGdD13bbQkt9V3Bbgxl.";
    place.write("users", &format!("admin:{hash}\n"));
    let found = problems(&place, example(&page()));
    assert_eq!(found, serde_json::json!([]));
}

/// What the parser expected in the place of a key that it does not know.
fn known(place: &Place, begin: &str, end: &str) -> BTreeSet<String> {
    let found = problems(place, &format!("{begin}nonsense = 1{end}\n"));
    let text = found[0]["text"].as_str().expect("a problem");
    let (_, expected) = text.split_once("expected ").unwrap_or_else(|| panic!("{begin}: {text}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_parser_has_its_row() {
    let (place, page) = (Place::new("page-keys"), page());
    let top = known(&place, "", "");
    let sections: BTreeSet<_> =
        ["limits", "addresses", "listeners", "stores", "domains"].map(str::to_owned).into();
    assert_eq!(top, sections);
    let tables = [
        ("[limits]\n", ""),
        ("[limits]\nall = { ", " }"),
        ("[limits]\nbans = { ", " }"),
        ("[addresses]\n", ""),
        ("[listeners.\"tcp://*\"]\n", ""),
        ("[stores.x]\n", ""),
        ("[stores.x]\nremember = { ", " }"),
        ("[stores.x]\nprincipals = { ", " }"),
        ("[domains.x]\n", ""),
    ];
    let mut keys = BTreeSet::new();
    for (begin, end) in tables {
        let known = known(&place, begin, end);
        assert!(known.len() > 1, "{begin}: {known:?}");
        for key in known {
            assert!(page.contains(&format!("`{key}`")), "{key} of {begin} is not in the page");
            keys.insert(key);
        }
    }
    for section in &sections {
        assert!(page.contains(&format!("`[{section}")), "{section}");
    }
    // And no more: what begins a row is a key.
    let (_, rows) = page.split_once("## Keys").expect("a part about keys");
    let (rows, _) = rows.split_once("## Commands").expect("an end of it");
    for row in rows.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (named, _) = row.split_once(" | ").expect("a second column");
        for key in named.trim_end_matches('`').split("`, `") {
            assert!(keys.contains(key), "the parser does not know {key}");
        }
    }
    // Every row and every section stands in the example.
    for key in &keys {
        let shown = example(&page).contains(&format!("{key} ="))
            || example(&page).contains(&format!(".{key}]"));
        assert!(shown || key == "all", "{key} is not in the example");
    }
}

/// Defaults, as far as they are values: without a file's own words it says what the page says.
#[test]
fn the_defaults_are_those_of_the_page() {
    let (place, page) = (Place::new("page-defaults"), page());
    let empty = place.write("empty.toml", "");
    let said = place.write(
        "said.toml",
        "[limits]\nper_source = { per_second = 20, burst = 100 }\n\
         all = { per_second = 2000, burst = 4000 }\n\
         bans = { after = 20, within = \"1m\", first = \"30s\", longest = \"1h\" }\n\
         exempt = [\"loopback\", \"unix\", \"inproc\"]\n\
         [domains.\"*\"]\nnull = \"anonymous\"\n",
    );
    let same = run(&["policy", "diff", &empty, &said]).exits(0);
    assert_eq!(same.out, "");
    for words in [
        "20 a second, 100 at once",
        "2,000 a second, 4,000 at once",
        "20 times within 1 min; 30 s, up to 1 h",
    ] {
        assert!(page.contains(words), "{words}");
    }
}
