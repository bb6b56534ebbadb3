//! No secret is in anything that leaves the house while files are read, watched, broken and read again:
//! records at every level, events, JSON lines, `Debug`, errors, explanations, differences.

mod support;

use std::fmt::{Debug, Display};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, SystemTime};

use support::{Place, Said, plain, wait};
use zap::{
    Authenticator, Certificate, JsonLines, Passwords, Policy, Reload, Watch, decide_patiently,
};
use zmtp_core::auth::{AuthRequest, AuthStatus, Authenticator as _};

/// What no peer and no file may make us say.
const SECRETS: [&str; 8] = [
    "open-sesame",
    "open-barley",
    "half-written-word",
    "inline-in-the-policy",
    "$2b$04$PU8wDfDG7wB7PCM4TzjPluW1ryIdhF1Jq5dFe3qkvvWHKPr3fUCxK",
    "PU8wDfDG7wB7PCM4TzjPlu",
    "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
    "D:)Q[IlAW!ahhC2ac:9*",
];
const HASH: &str = SECRETS[4];
const SECRET_KEY: &str = SECRETS[6];

/// Everything of the whole process, the thread that watches included.
fn listen() -> Said {
    let said = Said::default();
    tracing::subscriber::set_global_default(said.subscriber()).unwrap();
    said
}

impl Said {
    fn debug(&self, value: impl Debug) {
        self.text(format!("{value:?} {value:#?}"));
    }

    fn text(&self, text: impl Display) {
        writeln!(self.clone(), "{text}").unwrap();
    }
}

fn certificate(directory: &Path, name: &str, key: u8, secret: bool) {
    let public = z85::encode([key; 32]);
    let secret =
        if secret { format!("    secret-key = \"{SECRET_KEY}\"\n") } else { String::new() };
    let text = format!("metadata\ncurve\n    public-key = \"{public}\"\n{secret}");
    fs::write(directory.join(name), text).unwrap();
}

fn policy(extra: &str) -> String {
    format!(
        "[stores.team]\ncertificates = \"keys\"\n[stores.staff]\npasswords = \"users\"\nclear_text = true\n\
         [stores.hashed]\npasswords = \"hashes\"\n[domains.\"*\"]\ncurve = [\"team\"]\n\
         plain = [\"staff\", \"hashed\"]\n{extra}"
    )
}

/// The next reading that has problems, or none.
fn reload(told: &Receiver<Reload>, said: &Said, problems: bool) {
    loop {
        let reload = told.recv_timeout(Duration::from_secs(20)).expect("something to be told");
        said.debug(&reload);
        reload.problems.iter().for_each(|problem| said.text(problem));
        if reload.problems.is_empty() != problems {
            return;
        }
    }
}

// hostile: R9
#[test]
fn no_secret_leaves_the_house() {
    let said = listen();
    let place = Place::new();
    let keys = place.path().join("keys");
    fs::create_dir(&keys).unwrap();
    certificate(&keys, "jo.key", 1, false);
    certificate(&keys, "careless.key", 2, true);
    certificate(&keys, "jo.key_secret", 1, true);
    place.write("users", "jo=open-sesame\n");
    place.write("hashes", format!("sam:{HASH}\n"));
    let file = place.write("policy.toml", policy(""));

    let (before, problems) = Policy::check(&file);
    said.debug((&before, &problems));
    let judge = Authenticator::from(before.clone().unwrap());
    judge.tell(JsonLines::new(said.clone()));
    let (tell, told) = sync_channel(1000);
    let note = said.clone();
    judge.tell(move |event: &Arc<zap::AuthEvent>| note.debug(event));
    let watch = Watch::new().tell(move |reload| _ = tell.try_send(reload.clone()));
    let watching = judge.watch(watch).unwrap();

    // Right and wrong passwords, of clear text and of hashes, and peers that are in.
    let ask = |request: AuthRequest| {
        let request = Arc::new(request);
        let decision = wait(judge.authenticate(request.clone()));
        said.debug((
            &request,
            &decision,
            wait(decide_patiently(&judge.policy(), &request, SystemTime::now())),
        ));
        let kept = judge.retain(&request);
        said.debug(&kept);
        said.debug(wait(judge.authenticate_again(kept)));
        decision.status()
    };
    assert_eq!(ask(plain("jo", "open-sesame")), AuthStatus::Success);
    assert_eq!(ask(plain("jo", "open-barley")), AuthStatus::Failure);
    assert_eq!(ask(plain("sam", "open-barley")), AuthStatus::Failure);
    assert_eq!(ask(plain("nobody", "open-sesame")), AuthStatus::Failure);

    // Files that are broken on the line with the secret, and whole again.
    for (name, broken, whole) in [
        ("users", "jo=open-sesame\nhalf-written-word".to_owned(), "jo=open-barley\n".to_owned()),
        ("hashes", format!("sam:{}\n", &HASH[..40]), format!("sam:{HASH}\n# kept\n")),
        ("hashes", "sam=open-sesame\n".to_owned(), format!("sam:{HASH}\n")),
        ("policy.toml", policy("plain = \"inline-in-the-policy\"\n"), policy("# well\n")),
        ("policy.toml", policy("[stores.a]\nany_key = \"inline-in-the-policy\"\n"), policy("")),
        (
            "policy.toml",
            policy("[stores.a]\npasswords = { sam = \"inline-in-the-policy\" }\n"),
            policy("# well\n"),
        ),
        (
            "policy.toml",
            policy("[limits]\noff = [\"inline-in-the-policy, expected it\"]\n"),
            policy(""),
        ),
        ("policy.toml", policy("[stores.\"inline-in"), policy("# well\n")),
        (
            "policy.toml",
            policy(&format!("[stores.a.keys]\n\"{SECRET_KEY} \" = \"robot\"\n")),
            policy(""),
        ),
    ] {
        place.write(name, broken);
        reload(&told, &said, true);
        let (policy, problems) = Policy::check(&file);
        said.debug((&policy, &problems));
        problems.iter().for_each(|problem| said.text(problem));
        place.write(name, whole);
        reload(&told, &said, false);
    }
    certificate(&keys, "new.key", 3, true);
    reload(&told, &said, false);

    assert_eq!(ask(plain("jo", "open-barley")), AuthStatus::Success);
    let after = judge.policy();
    let differences = before.unwrap().differences(&after);
    assert!(!differences.is_empty());
    said.debug(&differences);
    said.debug((&judge, &watching, after.left_out(), Passwords::load(place.path().join("users"))));
    said.debug(Certificate::load_secret(keys.join("jo.key_secret"), zap::Exposure::Allow));

    let all = said.all();
    for part in ["users, line 2", "careless.key", "policy.toml, line", "hashes, line 1", "refused"]
    {
        assert!(all.contains(part), "{part} is not in {all}");
    }
    for secret in SECRETS {
        let octets = format!("{:?}", secret.as_bytes());
        for form in [secret, octets.trim_matches(['[', ']'])] {
            let at = all.find(form);
            assert!(
                at.is_none(),
                "{secret} in {}",
                &all[at.unwrap_or(0).saturating_sub(200)..][..400]
            );
        }
    }
}
