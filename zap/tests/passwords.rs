//! Files of passwords and of their hashes.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

use support::{Place, plain, set_mode, wait};
use zap::{Answer, PasswordFault, Passwords, Policy, Provider, Verdict, decide, decide_patiently};
use zmtp_core::auth::{AuthRequest, AuthStatus, Secret};

/// The password of every user below. What libxcrypt 4.4 and OpenSSL 3 make of it.
const PASSWORD: &str = "open sesame";
const HASHED: [(&str, &str); 4] = [
    ("bcrypt", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.vTdnMkpWk2uFGdD13bbQkt9V3Bbgxl."),
    (
        "sha512",
        "$6$abcdefgh$CkjGkP7IIgZVUCNlt.Vi53LOYJLXZ5KzdpzEYCj01XGruA1hxZYJqccTU2zz68oJwAGsd1iPty5F7dHIatUTy/",
    ),
    (
        "rounds",
        "$6$rounds=1234$salt$HSiVH2.eP7FM0gR2aM1fQeTy0ei6YLHpPiuD45C6bnbmiEBHL87lr79sJSkPHq5x7wt.2e7U0onBTPBC6XwZC.",
    ),
    ("sha256", "$5$abcdefgh$FWXdh6oXOJQkX7oAcP02d0Gnxjct6ra8Fwv29U9RIN2"),
];
/// A vector of the reference implementation of Argon2, for another password.
const ARGON2ID: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

/// There is one pool of threads in a process, and one of the tests keeps it busy.
fn pool() -> MutexGuard<'static, ()> {
    static POOL: Mutex<()> = Mutex::new(());
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn file() -> String {
    let lines = HASHED.iter().map(|(user, hash)| format!("{user}:{hash}\n"));
    lines.collect::<String>() + "argon:" + ARGON2ID + "\nclear=a:b=c\nmarked:{PLAIN}=:\n"
}

#[test]
fn hashes_of_other_programs_are_understood() {
    let users = Passwords::parse(file().as_bytes()).unwrap();
    let known = HASHED.iter().map(|(user, _)| (*user, PASSWORD));
    let known = known.chain([("argon", "password"), ("clear", "a:b=c"), ("marked", "=:")]);
    for (user, password) in known {
        let found = users.verify(user.as_bytes(), &secret(password));
        assert_eq!(found.unwrap().as_str(), user);
        for wrong in ["", "open sesame ", "Open sesame", "{PLAIN}=:", "a"] {
            assert_eq!(users.verify(user.as_bytes(), &secret(wrong)), None, "{user}");
        }
        assert_eq!(users.verify(b"nobody", &secret(password)), None);
    }
}

/// What takes a while is not done where it is asked for, and `decide` does not wait for it.
#[test]
fn hashes_are_computed_elsewhere() {
    let _pool = pool();
    let mut policy = Policy::new();
    policy.configure_plain("*", Passwords::parse(file().as_bytes()).unwrap()).unwrap();
    let good = plain("bcrypt", PASSWORD);
    assert_eq!(decide(&policy, &good).status(), AuthStatus::TemporaryError);
    assert_eq!(decide(&policy, &plain("clear", "a:b=c")).status(), AuthStatus::Success);
    let decide = |request| wait(decide_patiently(&policy, request, SystemTime::now())).status();
    assert_eq!(decide(&good), AuthStatus::Success);
    assert_eq!(decide(&plain("bcrypt", "wrong")), AuthStatus::Failure);
}

/// An unknown user costs a hash as well, and the same one each time.
#[test]
fn unknown_users_take_as_long_as_known_ones() {
    let _pool = pool();
    let users = Passwords::parse(format!("jo:{ARGON2ID}\n").as_bytes()).unwrap();
    for user in ["jo", "nobody", "anybody"] {
        let answer = users.judge(&plain(user, "wrong"), SystemTime::now());
        let Answer::Later(verdict) = answer else { panic!("{user}: {answer:?} at once") };
        assert_eq!(wait(verdict), Verdict::Abstain("Invalid credentials"));
    }
    let clear = Passwords::parse(b"jo=secret\n").unwrap();
    let answer = clear.judge(&plain("nobody", "wrong"), SystemTime::now());
    assert!(matches!(answer, Answer::Now(Verdict::Abstain(_))), "{answer:?}");
}

/// More than can wait are told to come again; those that gave up take no time.
#[test]
fn too_many_passwords_at_once_are_for_later() {
    let _pool = pool();
    let slow = HASHED[0].1.replace("$05$", "$12$");
    let users = Passwords::parse(format!("jo:{slow}\n").as_bytes()).unwrap();
    let ask = || users.judge(&plain("jo", PASSWORD), SystemTime::now());
    let mut waiting = Vec::new();
    let busy = loop {
        match ask() {
            Answer::Later(verdict) => waiting.push(verdict),
            Answer::Now(verdict) => break verdict,
            answer @ Answer::Blocks(_) => panic!("{answer:?}"),
        }
        assert!(waiting.len() < 1000, "the queue has no end");
    };
    assert_eq!(busy, Verdict::not_now("Too many passwords to check"));
    drop(waiting);
    let freed = (0..10_000).find_map(|_| match ask() {
        Answer::Later(verdict) => Some(verdict),
        _ => {
            thread::sleep(std::time::Duration::from_millis(10));
            None
        }
    });
    assert_eq!(wait(freed.expect("room again")), Verdict::Abstain("Invalid credentials"));
}

/// The peer that is in stays while its hash stays, and no hash is computed for that.
#[test]
fn a_peer_that_is_in_is_known_by_its_entry() {
    let provider = |text: &str| Passwords::parse(text.as_bytes()).unwrap();
    let users = provider(&file());
    let retained = |user: &str, password: &str| {
        let credentials = users.retain(&plain(user, password)).expect("a known user");
        AuthRequest { credentials, ..plain(user, password) }
    };
    for (user, password) in [("bcrypt", PASSWORD), ("clear", "a:b=c")] {
        let kept = retained(user, password);
        assert!(!format!("{kept:?}").contains(password));
        let still = |users: &Passwords| match users.judge(&kept, SystemTime::now()) {
            Answer::Now(Verdict::Accept(_)) => true,
            Answer::Now(Verdict::Abstain(_)) => false,
            answer => panic!("{answer:?}"),
        };
        assert!(still(&users) && still(&provider(&file())), "{user}");
        assert!(!still(&provider("other=x\n")), "{user}");
        let changed = file().replace("$CkjG", "$Ckjg").replace("a:b=c", "a:b=d");
        let changed = changed.replace("vTdnM", "vTdnN");
        assert!(!still(&provider(&changed)), "{user}");
    }
    assert!(users.retain(&plain("nobody", "x")).is_none());
}

#[test]
fn what_is_no_hash_is_named_by_line_and_never_shown() {
    use PasswordFault::{Blanks, Cost, Hash, Line, Scheme, Twice, Unmarked};
    let bcrypt = HASHED[0].1;
    let lines = [
        ("jo:hunter2".to_owned(), Unmarked),
        ("jo:$9$hunter2".into(), Unmarked),
        (format!("jo:$6${}", "hunter2".repeat(100)), Unmarked),
        ("jo".into(), Line),
        ("jo:".into(), Line),
        ("jo:{PLAIN}".into(), Line),
        ("jo:{PLAIN} hunter2".into(), Blanks),
        ("jo:$apr1$hunter2$x".into(), Scheme("Apache MD5 ($apr1$)")),
        ("jo:{SHA}hunter2".into(), Scheme("SHA-1 without salt ({SHA})")),
        ("jo:$argon2i$v=19$hunter2".into(), Scheme("argon2i")),
        ("jo:$2b$05$hunter2".into(), Hash("bcrypt")),
        ("jo:$6$salt$hunter2".into(), Hash("SHA-crypt")),
        ("jo:$6$rounds=x$salt$hunter2".into(), Hash("SHA-crypt")),
        (HASHED[3].1.replace("$5$", "jo:$6$"), Hash("SHA-crypt")),
        ("jo:$argon2id$v=19$m=256,t=2,p=1$hunter2".into(), Hash("argon2id")),
        (bcrypt.replace("$2b$05", "jo:$2b$31"), Cost("bcrypt")),
        (HASHED[2].1.replace("$6$rounds=1234", "jo:$6$rounds=999999999"), Cost("SHA-crypt")),
        (ARGON2ID.replace("$argon2id$v=19$m=256", "jo:$argon2id$v=19$m=2000000"), Cost("argon2id")),
        (format!("jo:{bcrypt}\njo:{ARGON2ID}"), Twice),
    ];
    for (text, fault) in lines {
        let error = Passwords::parse(format!("# first\n{text}").as_bytes()).unwrap_err();
        assert_eq!(error.what, fault, "{text}");
        assert_eq!(error.line, Some(if fault == Twice { 3 } else { 2 }));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn clear_text_needs_leave() {
    let place = Place::new();
    let path = place.write("users", format!("jo:{ARGON2ID}\nsam=hunter2\n"));
    assert_eq!(Passwords::load(&path).unwrap().len(), 2);
    let error = Passwords::load_hashed(&path).unwrap_err();
    assert_eq!((error.line, error.what), (Some(2), PasswordFault::ClearText));
    set_mode(&path, 0o604);
    #[cfg(unix)]
    assert_eq!(Passwords::load(&path).unwrap_err().what, PasswordFault::Exposed(0o604));
    std::fs::write(&path, format!("jo:{ARGON2ID}\n")).unwrap();
    let users = Passwords::load_hashed(&path).unwrap();
    std::fs::write(&path, "jo=hunter2\n").unwrap();
    let error = users.reload().expect("a file").unwrap_err();
    assert!(error.to_string().contains("line 1: a password in clear text"), "{error}");
}
