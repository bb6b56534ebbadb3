//! `policy check`, `policy diff` and `policy explain`.

mod support;

use support::{Place, Run, run, run_with_input, run_with_variable};

/// A policy with stores of every kind, and what they name.
fn lab(place: &Place) -> String {
    place.keys("jo");
    place.authorized("keys", &["jo"]);
    place.write("users", "admin=hunter2\n");
    let text = r#"[limits]
per_source = { per_second = 5, burst = 7 }

[addresses]
allow = ["192.0.2.0/24", "unix:uid=7"]
deny = ["192.0.2.66"]

[stores.team]
certificates = "keys"

[stores.staff]
passwords = "users"
clear_text = true

[stores.realm]
principals = { allow = ["*@EXAMPLE.ORG"] }

[domains.lab]
curve = ["team"]
plain = ["staff"]
gssapi = ["realm"]
[domains.global]
null = "guest"
"#;
    place.write("lab.toml", text)
}

fn check(arguments: &[&str]) -> Run {
    run(&[&["policy", "check"], arguments].concat())
}

#[test]
fn a_good_policy_passes_the_check() {
    let place = Place::new("policy-good");
    let file = lab(&place);
    let checked = check(&[&file]).exits(0).hides("hunter2");
    assert_eq!(checked.out, format!("{file}: good, no error, no warning\n"));
    assert_eq!(checked.err, "");
    let json = check(&[&file, "--json", "--strict"]).exits(0).json();
    assert_eq!(
        (&json["ok"], &json["errors"], &json["file"]),
        (&true.into(), &0.into(), &file.into())
    );
}

#[test]
fn errors_and_warnings_stand_under_each_other_with_their_line() {
    let place = Place::new("policy-bad");
    let text = "[stores.x]\nany_key = true\n\n\n\n\n\n\n[domains.a]\ncurve = [\"no\\u001bne\"]\n";
    let file = place.write("bad.toml", text);
    let checked = check(&[&file]).exits(2);
    let expected = format!(
        "{file}:1   warning  no domain names the store \"x\"\n\
         {file}:10  error    there is no store \"no\\u{{1b}}ne\"\n\
         {file}: not good, 1 error, 1 warning\n"
    );
    assert_eq!((checked.out, checked.err), (expected, String::new()));
    let coloured = run_with_variable(&["policy", "check", &file], "CLICOLOR_FORCE", "1").exits(2);
    assert!(coloured.out.contains("\u{1b}["), "{}", coloured.out);

    let json = check(&[&file, "--json"]).exits(2).json();
    let [warning, error] = json["problems"].as_array().unwrap().as_slice() else {
        panic!("{json}")
    };
    assert_eq!((&warning["line"], &warning["severity"]), (&1.into(), &"warning".into()));
    assert_eq!((&error["line"], &error["severity"]), (&10.into(), &"error".into()));
    assert_eq!(
        (&json["ok"], &json["errors"], &json["warnings"]),
        (&false.into(), &1.into(), &1.into())
    );
}

#[test]
fn warnings_are_errors_for_the_strict() {
    let place = Place::new("policy-strict");
    let file = place.write("policy.toml", "[stores.x]\nany_key = true\n");
    check(&[&file]).exits(0).says(": good, no error, 1 warning");
    check(&[&file, "--strict"]).exits(2).says(": not good, no error, 1 warning");
    check(&[&place.path("absent.toml")]).exits(2).says("absent.toml").says("error");
}

#[test]
fn policies_that_differ_show_facts_and_no_secrets() {
    let place = Place::new("policy-diff");
    let file = lab(&place);
    let same = run(&["policy", "diff", &file, &file]).exits(0);
    assert_eq!((same.out, same.err), (String::new(), String::new()));
    assert_eq!(run(&["policy", "diff", &file, &file, "--json"]).exits(0).json()["same"], true);

    let text = std::fs::read_to_string(&file).unwrap();
    place.write("more", "admin=hunter3\nsam=oats\n");
    let text = text.replace("192.0.2.66", "192.0.2.68").replace("= \"users\"", "= \"more\"");
    let text = text.replace("burst = 7", "burst = 8");
    let new = place.write("new.toml", &text);
    let diff = ["policy", "diff", &file, &new];
    let differ = run(&diff).exits(1).hides("hunter").hides("oats");
    let (users, more) = (place.path("users"), place.path("more"));
    let expected = format!(
        "- addresses: deny 192.0.2.66\n\
         + addresses: deny 192.0.2.68\n\
         + domain \"lab\", PLAIN: asks passwords in {more}\n\
         - domain \"lab\", PLAIN: asks passwords in {users}\n\
         ~ domain \"lab\", PLAIN: password of admin\n\
         + domain \"lab\", PLAIN: password of sam\n\
         - limits: per source 5 a second, 7 at once\n\
         + limits: per source 5 a second, 8 at once\n"
    );
    assert_eq!((differ.out, differ.err), (expected, String::new()));
    assert!(run_with_variable(&diff, "CLICOLOR_FORCE", "1").exits(1).out.contains("\u{1b}["));
    let json = run(&[&diff[..], &["--json"]].concat()).exits(1).hides("hunter").json();
    assert_eq!(json["same"], false);
    assert_eq!(json["differences"][4]["kind"], "changed");
    assert_eq!(json["differences"][4]["text"], "domain \"lab\", PLAIN: password of admin");

    let bad = place.write("bad.toml", "[adresses]\n");
    let broken = run(&["policy", "diff", &file, &bad]).exits(2);
    assert!(broken.err.starts_with(&format!("{bad}:1  error    unknown field")), "{broken:?}");
    let failed = run(&["policy", "diff", &file, &bad, "--json"]).exits(2).json();
    assert_eq!(failed["failed"]["exit_code"], 2);
}

fn explain<'a>(file: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["policy", "explain", file][..], flags].concat()
}

#[test]
fn a_decision_is_explained_step_by_step() {
    let place = Place::new("policy-explain");
    let file = lab(&place);
    let jo = place.path("jo.key");
    let lab = ["--domain", "lab", "--mechanism", "CURVE", "--key", &jo];
    let at = |address| explain(&file, &[&lab[..], &["--address", address]].concat());
    let key = jo_key(&jo);

    let accepted = run(&at("192.0.2.7")).exits(0);
    let words: Vec<_> = accepted.out.lines().collect();
    let keys = place.path("keys");
    let expected = [
        "source    pass     limits are not applied".to_owned(),
        "request   pass     mechanism and credentials fit".into(),
        "address   pass     rules for all: allow 192.0.2.0/24 (line 5)".into(),
        "domain    pass     entry \"lab\"".into(),
        format!("provider  pass     certificates in {keys}: accepted by {keys}/jo.key"),
        format!("identity  pass     user {key}"),
        format!("let in  CURVE in the domain \"lab\": 200, as {key}"),
    ];
    assert_eq!(words, expected);

    let denied = run(&at("192.0.2.66:5000")).exits(3);
    assert!(denied.out.contains("address   refuse   rules for all: deny 192.0.2.66 (line 6)"));
    denied.says("refused  CURVE in the domain \"lab\": 400, Address denied");
    run(&at("198.51.100.7")).exits(3).says("no rule covers it");
    run(&at("unix:uid=7,gid=8")).exits(0).says("allow unix:uid=7");
    run(&at("inproc")).exits(3);
    run(&at("::ffff:192.0.2.7")).exits(0);
    let text = std::fs::read_to_string(&file).unwrap();
    let listening = place.write(
        "listening.toml",
        &format!("{text}[listeners.\"tcp://*:9000\"]\ndeny = [\"192.0.2.67\"]\n"),
    );
    let from = [&lab[..], &["--address", "192.0.2.67"]].concat();
    let listener = |at| [&from[..], &["--listener", at]].concat();
    run(&explain(&listening, &listener("tcp://192.0.2.1:9000"))).exits(3).says("rules of listener");
    run(&explain(&listening, &listener("tcp://192.0.2.1:9001"))).exits(0);
    run(&explain(&listening, &from)).exits(2).says("--listener");

    // Under its other name, and for scripts.
    let json = [&["explain", "--policy", &file, "--json", "--address", "192.0.2.7"], &lab[..]];
    let json = run(&json.concat()).exits(0).json();
    assert_eq!((&json["status"], &json["user"]), (&"200".into(), &key.into()));
    let step = &json["steps"][2];
    assert_eq!((&step["step"], &step["went"]), (&"address".into(), &"pass".into()));
    let stranger = ["--key", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "--domain", "lab"];
    let from = ["--mechanism", "curve", "--address", "192.0.2.7", "--json"];
    let json = run(&explain(&file, &[&stranger[..], &from].concat())).exits(3).json();
    assert_eq!((&json["status"], &json["text"]), (&"400".into(), &"Unknown key".into()));
    assert_eq!((&json["accepted"], &json["user"]), (&false.into(), &serde_json::Value::Null));
}

fn jo_key(file: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let key = text.lines().find_map(|line| line.trim().strip_prefix("public-key = "));
    key.unwrap().trim_matches('"').to_owned()
}

#[test]
fn passwords_are_explained_without_standing_on_the_command_line() {
    let place = Place::new("policy-explain-plain");
    let file = lab(&place);
    let flags = ["--mechanism", "plain", "--address", "192.0.2.7", "--domain", "lab"];
    let flags = [&flags[..], &["--user", "admin"]].concat();
    let from_input = [&flags[..], &["--password-file", "-"]].concat();
    run_with_input(&explain(&file, &from_input), "hunter2\n").exits(0).hides("hunter2");
    let wrong = run_with_input(&explain(&file, &from_input), "hunter3\n").exits(3);
    wrong.says("users: Invalid credentials").hides("hunter");
    let from_variable = explain(&file, &flags);
    run_with_variable(&from_variable, "IRONHOUSE_PLAIN_PASSWORD", "hunter2").exits(0);
    run(&from_variable).exits(2).says("--password-file");
}

#[test]
fn the_other_mechanisms_are_explained_as_well() {
    let place = Place::new("policy-explain-others");
    let file = lab(&place);
    let from =
        |flags: &[&str]| run(&explain(&file, &[&["--address", "192.0.2.7"], flags].concat()));
    from(&["--mechanism", "null"]).exits(0).says("as guest");
    from(&["--mechanism", "null", "--domain", "lab"]).exits(3).says("Unknown domain");
    let principal = ["--mechanism", "gssapi", "--domain", "lab", "--user"];
    from(&[&principal[..], &["jo@EXAMPLE.ORG"]].concat()).exits(0).says("as jo@EXAMPLE.ORG");
    from(&[&principal[..], &["jo@EXAMPLE.COM"]].concat()).exits(3);
    from(&["--mechanism", "null", "--user", "jo"]).exits(2).says("NULL presents nothing");
    from(&["--mechanism", "curve"]).exits(2).says("--key");
    from(&["--mechanism", "plain"]).exits(2).says("--user");
    from(&["--mechanism", "curve", "--key", "short"]).exits(2).says("--key: no file");
    let nowhere = ["--mechanism", "null", "--address", "localhost"];
    run(&explain(&file, &nowhere)).exits(2).says("host names are not looked up");
    let bad = place.write("bad.toml", "[domains.a]\nnul = \"\"\n");
    let null = ["--mechanism", "null", "--address", "inproc", "--json"];
    let failed = run(&explain(&bad, &null)).exits(2).says("bad.toml:2");
    assert_eq!(failed.json()["failed"]["exit_code"], 2);
}

/// What must never be put in force: an error that names file and line, and every command keeps away.
#[cfg(unix)]
#[test]
fn what_cannot_be_meant_is_refused_with_its_line() {
    let place = Place::new("policy-refused");
    place.write("clear", "admin=hunter2\n");
    place.write("twice", "admin=hunter2\nadmin=hunter3\n");
    support::set_mode(&place.write("world", "admin=hunter2\n"), 0o604);
    let of = |file: &str, leave: bool| {
        let store = format!("[stores.a]\npasswords = \"{file}\"\nclear_text = {leave}\n");
        store + "[domains.lab]\nplain = [\"a\"]\n"
    };
    for (text, line, says) in [
        ("[addresses]\ndeny = [\"10.0.0.0/33\"]\n".to_owned(), 2, "10.0.0.0/33"),
        ("[addresses]\ndenny = []\n".into(), 2, "unknown field `denny`"),
        (of("twice", true), 2, "twice, line 2: this user stands here for the second time"),
        (of("world", true), 2, "mode 604 lets others at the passwords"),
        (of("clear", false), 2, "clear, line 1: a password in clear text"),
    ] {
        let file = place.write("policy.toml", &text);
        let at = format!("{file}:{line}  error    ");
        let checked = check(&[&file]).exits(2).says(says).hides("hunter");
        assert!(checked.out.starts_with(&at), "{checked:?}");
        let bind = ["--bind", "ipc://*", "--policy", &file];
        let others = [&["echo"][..], &["recv", "--type", "pull"], &["zap", "serve"]];
        for command in others.map(|command| [command, &bind].concat()) {
            let refused = run(&command).exits(2).says(says).hides("hunter");
            assert!(refused.err.starts_with(&at), "{refused:?}");
        }
    }
}
