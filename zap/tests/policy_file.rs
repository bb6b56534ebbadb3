//! Policies as files: what may stand there, what is wrong and where, and what two say differently.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use support::{Place, curve, ip, plain, request};
use zap::{Authenticator, BanRules, Certificate, DifferenceKind, Existing, Policy, Rate, decide};
use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, Domain, Secret, UserId};
use zmtp_core::wire::greeting::MechanismName;

/// A directory with policies.
struct House(Place);

impl House {
    fn new() -> Self {
        let place = Place::new();
        std::fs::create_dir(place.path().join("keys")).unwrap();
        Self(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        self.0.write(name, text)
    }

    fn policy(&self, text: &str) -> PathBuf {
        self.write("policy.toml", text)
    }

    /// The problems of a policy: line, whether it is an error, and words.
    fn problems(&self, text: &str) -> Vec<(Option<usize>, bool, String)> {
        let (policy, problems) = Policy::check(self.policy(text));
        assert_eq!(policy.is_none(), problems.iter().any(|problem| problem.is_error));
        problems.into_iter().map(|it| (it.line, it.is_error, it.text)).collect()
    }

    /// Insists on one problem at one line that says this.
    #[track_caller]
    fn only(&self, text: &str, line: usize, is_error: bool, says: &str) {
        let problems = self.problems(text);
        let [(at, severity, words)] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((*at, *severity), (Some(line), is_error), "{words}");
        assert!(words.contains(says), "{words}");
    }
}

fn asked(address: &str, domain: &str, request: AuthRequest) -> AuthRequest {
    AuthRequest { domain: Domain::new(domain).unwrap(), address: ip(address), ..request }
}

fn verdict(policy: &Policy, request: &AuthRequest) -> Result<String, String> {
    match decide(policy, request).verdict {
        AuthDecision::Accept { user_id, .. } => {
            Ok(user_id.as_ref().map_or("", UserId::as_str).to_owned())
        }
        AuthDecision::Refuse { text, .. } => Err(text.to_string()),
    }
}

const WHOLE: &str = r#"
[limits]
off = ["all"]
per_source = { per_second = 5, burst = 7 }
bans = { after = 3, within = "1m", first = "10s", longest = "1h 30m" }
exempt = ["inproc"]

[addresses]
allow = ["192.0.2.0/24", "10.0.0.0/8"]
deny = ["192.0.2.66"]

[listeners."tcp://*:9*"]
deny = ["10.1.0.0/16"]

[stores.team]
certificates = "keys"
[stores.robots.keys]
"Xq/JV4}L[t*1Y!O>Y4zxR.s4kwXP^SJT*dIHR{C$" = "robot-1"
[stores.staff]
passwords = "users"
clear_text = true
[stores.kerberos]
principals = { allow = ["*@EXAMPLE.ORG"], deny = ["evil@*"] }
[stores.anybody]
any_key = true

[domains.lab]
allow = ["192.0.2.0/25"]
curve = ["team", "robots"]
plain = ["staff"]
gssapi = ["kerberos"]
null = "anonymous"
[domains."*"]
curve = ["anybody"]
"#;

fn whole(place: &House) -> String {
    let mut jo = Certificate::new([1; 32]);
    jo.set("user-id", "jo").unwrap();
    jo.save(place.path("keys"), "jo", Existing::Replace).unwrap();
    place.write("users", "admin=sesame\n");
    let robot = z85::encode([2; 32]);
    WHOLE.replace("Xq/JV4}L[t*1Y!O>Y4zxR.s4kwXP^SJT*dIHR{C$", &robot)
}

#[test]
fn a_policy_file_says_all_that_a_program_can_say() {
    let place = House::new();
    let path = place.policy(&whole(&place));
    let (policy, problems) = Policy::check(&path);
    assert_eq!(problems, []);
    let policy = policy.unwrap();
    let limits = &policy.limits;
    assert_eq!((limits.all, limits.per_source), (None, Some(Rate { per_second: 5, burst: 7 })));
    let bans = BanRules {
        after: 3,
        within: Duration::from_secs(60),
        first: Duration::from_secs(10),
        longest: Duration::from_secs(5400),
    };
    assert_eq!(limits.bans, Some(bans));
    assert_eq!(limits.exempt.rules().len(), 1);

    let gssapi = |name: &str| request(Credentials::Other(vec![Secret::new(name.into())]));
    let cases = [
        ("192.0.2.7", "lab", curve(1), Ok("jo")),
        ("192.0.2.7", "lab", curve(2), Ok("robot-1")),
        ("192.0.2.7", "lab", curve(3), Err("Unknown key")),
        ("192.0.2.7", "lab", plain("admin", "sesame"), Ok("admin")),
        ("192.0.2.7", "lab", plain("admin", "barley"), Err("Invalid credentials")),
        ("192.0.2.7", "lab", gssapi("jo@EXAMPLE.ORG"), Ok("jo@EXAMPLE.ORG")),
        ("192.0.2.7", "lab", gssapi("evil@EXAMPLE.ORG"), Err("Principal denied")),
        ("192.0.2.7", "lab", request(Credentials::Null), Ok("anonymous")),
        ("192.0.2.7", "office", request(Credentials::Null), Err("Unknown domain")),
        ("192.0.2.66", "lab", curve(1), Err("Address denied")),
        ("192.0.2.200", "lab", curve(1), Err("Address not allowed")),
        ("10.1.2.3", "office", curve(3), Err("Address denied")),
        ("198.51.100.7", "office", curve(3), Err("Address not allowed")),
    ];
    for (address, domain, presented, expected) in cases {
        let request = asked(address, domain, presented);
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(verdict(&policy, &request), expected, "{request:?}");
    }
    let any = verdict(&policy, &asked("10.2.0.1", "office", curve(3)));
    assert_eq!(any, Ok(z85::encode([3; 32])));
    let sources = [path, place.path("keys"), place.path("users")];
    assert!(sources.iter().all(|path| policy.sources().contains(path)), "{:?}", policy.sources());
    let rule = decide(&policy, &asked("192.0.2.66", "lab", curve(1)));
    assert_eq!(rule.rule().unwrap().to_string(), "deny 192.0.2.66 (line 10)");
}

/// Who only wrote of addresses lets the others in; who wrote of domains has said who comes in.
#[test]
fn a_file_that_names_domains_lets_null_in_only_where_it_says_so() {
    let place = House::new();
    let load = |text: &str| Policy::load(place.policy(text)).unwrap();
    let null = |policy: &Policy, domain: &str| {
        verdict(policy, &asked("192.0.2.7", domain, request(Credentials::Null)))
    };
    let addresses = load("[addresses]\ndeny = [\"192.0.2.8\"]\n");
    assert_eq!(null(&addresses, "lab"), Ok("anonymous".into()));
    let closed = load("[domains.lab]\nallow = [\"192.0.2.7\"]\n");
    let curve = load("[stores.x]\nany_key = true\n[domains.lab]\ncurve = [\"x\"]\n");
    for policy in [&closed, &curve] {
        assert_eq!(null(policy, "lab"), Err("Unknown domain".into()));
        assert_eq!(null(policy, "office"), Err("Unknown domain".into()));
    }
    let open = load("[domains.lab]\nnull = \"guest\"\n");
    assert_eq!((null(&open, "lab"), null(&open, "office").is_err()), (Ok("guest".into()), true));

    let [null, by_key] = [MechanismName::NULL, MechanismName::CURVE];
    let lets_in = |policy: &Policy| (policy.lets_in(null), policy.lets_in(by_key));
    assert_eq!(lets_in(&addresses), (true, false));
    assert_eq!(lets_in(&closed), (false, false));
    assert_eq!(lets_in(&curve), (false, true));
    assert_eq!(lets_in(&open), (true, false));
    let shown: Vec<_> = addresses.differences(&open).iter().map(ToString::to_string).collect();
    let gone = [
        "- domain \"*\", NULL: anyone as anonymous",
        "- domain \"*\", NULL: asks anyone as anonymous",
    ];
    assert_eq!(shown[1..3], gone);
    let said = load("[addresses]\ndeny = [\"192.0.2.8\"]\n[domains.\"*\"]\nnull = \"anonymous\"\n");
    assert_eq!(addresses.differences(&said), [], "said or not");
}

/// A request of 27/ZAP does not tell where its peer came in; no rule is passed by for that.
#[test]
fn rules_for_listeners_keep_out_who_came_in_nobody_knows_where() {
    let place = House::new();
    let rules = "[listeners.\"tcp://*:9000\"]\ndeny = [\"192.0.2.8\"]\n";
    let policy = Policy::load(place.policy(rules)).unwrap();
    let told = request(Credentials::Null);
    let untold = AuthRequest { listener: "".into(), ..told.clone() };
    assert_eq!(verdict(&policy, &told), Ok("anonymous".into()));
    assert_eq!(verdict(&policy, &untold), Err("Listener not told".into()));
    assert_eq!(policy.listeners().collect::<Vec<_>>(), ["tcp://*:9000"]);
}

/// The order of listeners decides which rules count, so another order is a difference.
#[test]
fn the_order_of_listeners_is_a_fact() {
    let place = House::new();
    let load = |text: &str| Policy::load(place.policy(text)).unwrap();
    let narrow = "[listeners.\"tcp://*:9000\"]\ndeny = [\"192.0.2.7\"]\n";
    let wide = "[listeners.\"tcp://1*\"]\nallow = [\"192.0.2.7\"]\n";
    let (old, new) = (load(&format!("{narrow}{wide}")), load(&format!("{wide}{narrow}")));
    let null =
        AuthRequest { listener: "tcp://192.0.2.1:9000".into(), ..request(Credentials::Null) };
    assert_eq!((verdict(&old, &null).is_ok(), verdict(&new, &null).is_ok()), (false, true));
    let shown: Vec<_> = old.differences(&new).iter().map(ToString::to_string).collect();
    let facts =
        ["+ listeners: tcp://1*, then tcp://*:9000", "- listeners: tcp://*:9000, then tcp://1*"];
    let mut facts = facts.to_vec();
    facts.sort_by_key(|fact| fact[2..].to_owned());
    assert_eq!(shown, facts);
}

/// What must never be put in force: an error that names file and line, and the policy stays away.
#[test]
fn what_cannot_be_meant_is_an_error_at_load() {
    let place = House::new();
    let clear = place.write("clear", "admin=hunter2\n");
    let twice = place.write("twice", "admin:{PLAIN}hunter2\n# again\nadmin:{PLAIN}hunter3\n");
    place.write("other", "admin=hunter3\n");
    let two = "[stores.a]\npasswords = \"clear\"\nclear_text = true\n[stores.b]\n\
               passwords = \"other\"\nclear_text = true\n[domains.lab]\nplain = [\"a\", \"b\"]\n";
    let of = |file: &str, leave: &str| {
        let store = format!("[stores.a]\n{leave}\npasswords = \"{file}\"\n");
        store + "[domains.lab]\nplain = [\"a\"]\n"
    };
    let leave = "clear_text = true";
    let key = z85::encode([2; 32]);
    let keys = format!("[stores.a.keys]\n\"{key}\" = \"jo\"\n\"{key}\" = \"sam\"\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&clear, mode(0o600)).unwrap();
        std::fs::set_permissions(&twice, mode(0o600)).unwrap();
        std::fs::set_permissions(place.path("other"), mode(0o600)).unwrap();
        let world = place.write("world", "admin=hunter2\n");
        std::fs::set_permissions(world, mode(0o604)).unwrap();
    }
    let cases = [
        ("[addresses]\ndeny = [\"10.0.0.0/33\"]\n".to_owned(), 2, "10.0.0.0/33"),
        ("[addresses]\ndeny = []\ndenny = []\n".into(), 3, "unknown field `denny`"),
        (of("twice", leave), 3, "twice, line 3: this user stands here for the second time"),
        (two.into(), 8, "disagree: password of admin"),
        (keys, 3, "duplicate key"),
        #[cfg(unix)]
        (of("world", leave), 3, "world: its mode 604 lets others at the passwords"),
        (of("clear", ""), 3, "clear, line 1: a password in clear text"),
    ];
    for (text, line, says) in cases {
        let path = place.policy(&text);
        let error = Policy::load(&path).expect_err(says);
        let [problem] = error.0.as_slice() else { panic!("{error}") };
        assert_eq!((&problem.file, problem.line, problem.is_error), (&path, Some(line), true));
        let shown = error.to_string();
        let place = format!("{}, line {line}: error: ", path.display());
        assert!(shown.starts_with(&place) && shown.contains(says), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

/// The file is read again as a whole, or not at all; then its stores are.
#[test]
fn a_policy_file_is_read_again() {
    let place = House::new();
    let path = place.policy("[addresses]\ndeny = [\"192.0.2.7\"]\n");
    let judge = Authenticator::from(Policy::load(&path).unwrap());
    let denied = Err("Address denied".to_owned());
    let null = request(Credentials::Null);
    assert_eq!(verdict(&judge.policy(), &null), denied);
    place.policy("[addresses]\ndeny = [192]\n");
    let problems = judge.reload();
    assert!(problems[0].to_string().contains("policy.toml, line 2: error: "), "{problems:?}");
    assert_eq!(verdict(&judge.policy(), &null), denied);
    // Being written, perhaps: an empty policy would let in everybody who speaks NULL.
    place.policy("# to be continued\n[limits]\n");
    let problems = judge.reload();
    assert!(
        problems[0].to_string().contains("policy.toml: it names no domain any more"),
        "{problems:?}"
    );
    assert_eq!(verdict(&judge.policy(), &null), denied);
    place.policy("[domains.\"*\"]\nnull = \"anonymous\"\n");
    assert_eq!(judge.reload(), []);
    assert_eq!(verdict(&judge.policy(), &null), Ok("anonymous".into()));
}

/// Nobody stays in because somebody broke another file: what can be read counts.
#[test]
fn a_broken_policy_file_does_not_keep_a_lost_key_alive() {
    let place = House::new();
    let jo = Certificate::new([1; 32]).save(place.path("keys"), "jo", Existing::Keep).unwrap();
    place.write("users", "admin=sesame\n");
    let text = "[stores.team]\ncertificates = \"keys\"\n[stores.staff]\npasswords = \"users\"\n\
                clear_text = true\n[domains.\"*\"]\ncurve = [\"team\"]\nplain = [\"staff\"]\n";
    let path = place.policy(text);
    let judge = Authenticator::from(Policy::load(&path).unwrap());
    let asked = |request| verdict(&judge.policy(), &request);
    assert!(asked(curve(1)).is_ok() && asked(plain("admin", "sesame")).is_ok());
    place.write("users", "admin\n");
    std::fs::remove_file(jo.public).unwrap();
    let problems = judge.reload();
    assert_eq!(problems.len(), 1, "said once: {problems:?}");
    assert!(problems[0].to_string().contains("users, line 1"), "{problems:?}");
    assert_eq!(asked(curve(1)), Err("Unknown key".into()));
    assert!(asked(plain("admin", "sesame")).is_ok());
}

#[test]
fn errors_and_warnings_name_their_line() {
    let place = House::new();
    place.write("users", "admin=hunter2\n");
    place.write("more", "admin=hunter3\n");
    place.write("broken", "admin=a\nadmin\n");
    let (error, warning) = (true, false);
    let any = "[domains.a]\nnull = \"\"\n";

    place.only("[adresses]\n", 1, error, "unknown field `adresses`");
    place.only("[addresses]\nallow = []\nforbid = []\n", 3, error, "unknown field `forbid`");
    place.only("[limits]\nbans = { after = 1 }\n", 2, error, "missing field");
    let short = "within = \"soon\", first = \"1s\", longest = \"1s\"";
    let short = format!("[limits]\nbans = {{ after = 1, {short} }}\n");
    place.only(&short, 2, error, "expected a duration");
    place.only("[limits]\noff = [\"everything\"]\n", 2, error, "expected one of `per_source`");
    place.only("[addresses\n", 1, error, "");
    place.only("a = 1\na = 2\n", 2, error, "duplicate key");
    place.only(
        "[addresses]\nallow = [\n  \"10.0.0.0/8\",\n  \"10.0.0.1/8\",\n]\n",
        4,
        error,
        "bits are set",
    );
    let twice = "[addresses]\nallow = [\"10.0.0.0/8\",\n\"10.0.0.0/8\"]\n";
    place.only(twice, 3, warning, "again");
    let both = "[addresses]\nallow = [\"10.0.0.0/8\"]\n\ndeny = [\"10.0.0.0/8\"]\n";
    place.only(both, 4, error, "opposite");
    place.only("[domains.a]\nallow = [\"10.0.0.0/8\"]\n", 1, warning, "names no mechanism");
    let shadow = "[listeners.\"tcp://*\"]\n[listeners.\"tcp://*:9000\"]\ndeny = [\"private\"]\n";
    place.only(shadow, 2, warning, "never count: the listener \"tcp://*\" stands before");
    let narrow =
        "[listeners.\"tcp://?:9000\"]\n[listeners.\"tcp://*:9000\"]\ndeny = [\"private\"]\n";
    assert_eq!(place.problems(narrow), []);
    place.only("[domains.a]\ncurve = [\n\"team\"]\n", 3, error, "no store \"team\"");
    place.only("[stores.x]\nany_key = true\n", 1, warning, "no domain names the store \"x\"");
    let store = |said: &str, mechanism: &str| {
        format!("[stores.x]\n{said}\n[domains.a]\nnull = \"\"\n{mechanism} = [\"x\"]\n")
    };
    place.only(&store("", "curve"), 1, error, "expected one of");
    let two = store("any_key = true\npasswords = \"users\"", "curve");
    place.only(&two, 1, error, "expected one of");
    place.only(&store("any_key = true", "plain"), 5, error, "is for curve, not for plain");
    place.only(&store("certificates = \"keys\"", "curve"), 2, warning, "nobody");
    place.only(&store("certificates = \"nowhere\"", "curve"), 2, error, "nowhere");
    place.only(
        &store("passwords = \"users\"", "plain"),
        2,
        error,
        "line 1: a password in clear text",
    );
    let broken = store("clear_text = true\npasswords = \"broken\"", "plain");
    place.only(&broken, 3, error, "broken, line 2: expected USER=PASSWORD");
    place.only(&store("keys = { short = \"jo\" }", "curve"), 2, error, "40 characters");
    let empty = store("principals = { allow = [\"\"] }", "gssapi");
    place.only(&empty, 2, error, "principal rule");
    let answers = "[stores.x]\npasswords = \"users\"\nclear_text = true\n[stores.y]\n\
                   passwords = \"more\"\nclear_text = true\n[domains.a]\nplain = [\"x\", \"y\"]\n";
    place.only(answers, 8, error, "\"x\" and \"y\" disagree: password of admin");
    place.write("more", "admin=hunter2\nother=x\n");
    assert_eq!(place.problems(answers), [], "the same answer twice is one answer");

    place.write("keys/bad.key", "curve\n    public-key = \"hunter2\"\n");
    let problems = place.problems(&store("certificates = \"keys\"", "curve"));
    assert!(problems[0].2.contains("bad.key, line 2"), "{problems:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = place.policy(any);
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, mode(0o620)).unwrap();
        let (_, problems) = Policy::check(&path);
        assert!(problems[0].text.contains("chmod go-w"), "{problems:?}");
        std::fs::set_permissions(&path, mode(0o600)).unwrap();
        std::fs::set_permissions(place.path("users"), mode(0o640)).unwrap();
        let group = store("clear_text = true\npasswords = \"users\"", "plain");
        place.only(&group, 3, warning, "users: its mode 640 lets others at the passwords");
    }
    let error = Policy::load(place.path("absent.toml")).unwrap_err();
    assert!(error.to_string().contains("absent.toml: error: "), "{error}");
}

#[test]
fn differences_show_facts_and_no_secrets() {
    let place = House::new();
    let old = Policy::load(place.policy(&whole(&place))).unwrap();
    assert_eq!(old.differences(&old), []);
    place.write("users", "admin=hunter2\nsam=oats\n");
    let text = whole(&place);
    place.write("users", "admin=hunter2\nsam=oats\n");
    let text = text
        .replace("\"192.0.2.66\"", "\"192.0.2.67\"")
        .replace("per_second = 5", "per_second = 6")
        .replace("[\"team\", \"robots\"]", "[\"robots\"]\n# team");
    let text = text.replace("curve = [\"anybody\"]", "curve = [\"anybody\", \"team\"]");
    let new = Policy::load(place.policy(&text)).unwrap();
    let differences = old.differences(&new);
    let shown: Vec<_> = differences.iter().map(ToString::to_string).collect();
    let key = z85::encode([1; 32]);
    let store = format!("certificates in {}", place.path("keys").display());
    assert_eq!(
        shown,
        [
            "- addresses: deny 192.0.2.66".to_owned(),
            "+ addresses: deny 192.0.2.67".into(),
            "- domain \"*\", CURVE: asks any key".into(),
            "+ domain \"*\", CURVE: asks any key, then ".to_owned() + &store,
            format!("+ domain \"*\", CURVE: key {key} is jo"),
            format!("- domain \"lab\", CURVE: asks {store}, then keys"),
            "+ domain \"lab\", CURVE: asks keys".into(),
            format!("- domain \"lab\", CURVE: key {key} is jo"),
            "~ domain \"lab\", PLAIN: password of admin".into(),
            "+ domain \"lab\", PLAIN: password of sam".into(),
            "- limits: per source 5 a second, 7 at once".into(),
            "+ limits: per source 6 a second, 7 at once".into(),
        ]
    );
    assert_eq!(differences[8].kind, DifferenceKind::Changed);
    assert!(!format!("{shown:?}").contains("hunter2") && !format!("{new:?}").contains("hunter2"));
}
