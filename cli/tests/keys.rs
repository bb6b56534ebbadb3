//! `keygen` and `public-key`.

mod support;

use support::{Place, run, run_with_input};

#[test]
fn keygen_writes_both_halves_and_keeps_the_secret_one_to_its_owner() {
    let place = Place::new("keygen");
    let made = run(&["keygen", "alice", "--dir", place.dir(), "--meta", "email=a@b.c"]).exits(0);
    let public = std::fs::read_to_string(place.path("alice.key")).unwrap();
    let secret = std::fs::read_to_string(place.path("alice.key_secret")).unwrap();
    assert!(public.contains("email = \"a@b.c\"") && !public.contains("secret-key"));
    let key = secret.lines().find_map(|line| line.trim().strip_prefix("secret-key = ")).unwrap();
    let key = key.trim_matches('"');
    assert_eq!(key.len(), 40);
    assert!(!made.out.contains(key) && !made.err.contains(key), "the secret is not shown");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.path("alice.key_secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let derived = run(&["public-key", &place.path("alice.key_secret")]).exits(0).out;
    assert!(public.contains(derived.trim()));
    let piped = run_with_input(&["public-key", "-"], &secret).exits(0).out;
    assert_eq!(piped, derived);
    let bare = run_with_input(&["public-key", "-"], key).exits(0).out;
    assert_eq!(bare, derived);
}

#[test]
fn keygen_replaces_nothing_unless_told() {
    let place = Place::new("replace");
    place.keys("alice");
    let before = std::fs::read(place.path("alice.key_secret")).unwrap();
    run(&["keygen", "alice", "--dir", place.dir()]).exits(2).says("alice.key");
    assert_eq!(std::fs::read(place.path("alice.key_secret")).unwrap(), before);
    run(&["keygen", "alice", "--dir", place.dir(), "--force"]).exits(0);
    assert_ne!(std::fs::read(place.path("alice.key_secret")).unwrap(), before);
}

#[test]
fn keygen_as_json_gives_a_pair_that_belongs_together() {
    let made = run(&["keygen", "--json"]).exits(0);
    let pair: serde_json::Value = serde_json::from_str(&made.out).unwrap();
    let (public, secret) = (&pair["public-key"], &pair["secret-key"]);
    let derived = run_with_input(&["public-key", "-"], secret.as_str().unwrap()).exits(0).out;
    assert_eq!(derived.trim(), public.as_str().unwrap());
}

#[test]
fn bad_files_are_named_with_their_line() {
    let place = Place::new("bad");
    let (public, secret) = place.keys("alice");
    run(&["public-key", &public]).exits(2).says("alice.key").says("secret");
    run(&["public-key", &place.path("nobody")]).exits(2).says("nobody");
    let short = place.write("short", "metadata\ncurve\n    public-key = \"abc\"\n");
    run(&["public-key", &short]).exits(2).says("short").says("line 3");
    run(&["keygen", "bob", "--dir", place.dir(), "--meta", "novalue"]).exits(2).says("KEY=VALUE");
    run(&["keygen", "../bob", "--dir", place.dir()]).exits(2);
    let bare = place.write("bare", "\n\ntoo-short\n");
    run(&["public-key", &bare]).exits(2).says("bare, line 3").says("40 characters");
    run_with_input(&["public-key", "-"], "metadata\n   x\n").exits(2).says("input, line 2");
    #[cfg(unix)]
    for file in [&secret, &place.write("key", &"0".repeat(40))] {
        support::set_mode(file, 0o644);
        run(&["public-key", file]).exits(2).says("644").says("chmod 600");
    }
}
