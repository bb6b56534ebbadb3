//! Files that are read again when they change, as the system reports it and without its help.

mod support;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{slice, thread};

use support::{Place, curve, plain, request, set_mode};
use zap::{Authenticator, Certificate, Existing, KeySet, Policy, Reload, Watch, Watching, decide};
use zmtp_core::auth::{AuthRequest, AuthStatus, Credentials};
use zmtp_core::wire::greeting::MechanismName;

/// What every change takes at most.
const BOUND: Duration = Duration::from_secs(1);
/// When a test gives up, on a machine that does a lot besides.
const LATE: Duration = Duration::from_secs(20);
/// Long enough for a change to count, if it did.
const WHILE: Duration = Duration::from_millis(900);

/// By what the system reports alone, and without it.
fn both(test: impl Fn(Watch) + Sync) {
    thread::scope(|scope| {
        scope.spawn(|| test(Watch::new().every(Duration::from_secs(3600))));
        scope.spawn(|| test(Watch::new().polling()));
    });
}

/// Waits for something.
#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LATE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}

/// An authenticator that watches, and what it tells.
struct House {
    authenticator: Authenticator,
    told: Receiver<Reload>,
    watching: Option<Watching>,
}

impl House {
    fn new(authenticator: Authenticator, watch: Watch) -> Self {
        let (tell, told) = sync_channel(1000);
        let watch = watch.tell(move |reload| _ = tell.try_send(reload.clone()));
        let before = authenticator.generation();
        let watching = Some(authenticator.watch(watch).unwrap());
        until("the first reading", || authenticator.generation() > before);
        // And perhaps one more, if somebody wrote meanwhile.
        thread::sleep(Duration::from_millis(20));
        Self { authenticator, told, watching }
    }

    fn admits(&self, request: &AuthRequest) -> bool {
        decide(&self.authenticator.policy(), request).status() == AuthStatus::Success
    }

    #[track_caller]
    fn comes_to_admit(&self, request: &AuthRequest, admitted: bool) {
        until(&format!("{request:?} admitted: {admitted}"), || self.admits(request) == admitted);
    }

    /// What it tells next.
    #[track_caller]
    fn tells(&self) -> Reload {
        self.told.recv_timeout(LATE).expect("something to be told")
    }

    /// Nothing is read again.
    #[track_caller]
    fn rests(&self) {
        let generation = self.authenticator.generation();
        thread::sleep(WHILE);
        assert_eq!(self.authenticator.generation(), generation, "{:?}", self.told.try_recv());
    }
}

/// Puts the public half in its place in one step.
fn certificate(directory: &Path, key: u8) {
    let name = format!("client-{key}");
    Certificate::new([key; 32]).save(directory, &name, Existing::Replace).unwrap();
}

fn key_house(place: &Place, watch: Watch) -> House {
    let keys = place.path().join("keys");
    fs::create_dir(&keys).unwrap();
    certificate(&keys, 1);
    House::new(Authenticator::new().configure_curve("*", keys.as_path()).unwrap(), watch)
}

/// As editors do it: another file takes the name.
fn replace(place: &Place, name: &str, content: &str) {
    let next = place.write(".next", content);
    fs::rename(next, place.path().join(name)).unwrap();
}

#[test]
fn a_key_comes_and_goes_with_its_file() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let keys = place.path().join("keys");
        assert!(house.admits(&curve(1)) && !house.admits(&curve(2)));
        certificate(&keys, 2);
        house.comes_to_admit(&curve(2), true);
        let told = house.tells();
        assert_eq!((told.changed, told.problems), (vec![keys.clone()], vec![]));
        fs::remove_file(keys.join("client-1.key")).unwrap();
        house.comes_to_admit(&curve(1), false);
        assert!(house.admits(&curve(2)));
    });
}

/// Each kind of change within the documented second, on a machine that has the time for it: that it
/// takes longer now and then is the machine, that it takes longer as a rule is not.
#[test]
fn a_change_takes_less_than_a_second() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let keys = place.path().join("keys");
        let mut took: Vec<_> = (2..7)
            .map(|key| {
                certificate(&keys, key);
                until("a key", || house.admits(&curve(key)))
            })
            .collect();
        took.sort();
        assert!(took[2] < BOUND, "{took:?}");
    });
}

#[test]
fn what_holds_what_it_held_is_not_read() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let file = place.path().join("keys/client-1.key");
        let content = fs::read(&file).unwrap();
        fs::write(&file, &content).unwrap();
        fs::write(place.path().join("keys/.hidden.key"), &content).unwrap();
        fs::write(place.path().join("keys/client-1.key_secret"), "no certificate").unwrap();
        fs::write(place.path().join("something else"), "beside").unwrap();
        house.rests();
        assert_eq!(house.told.try_recv().ok(), None);
    });
}

#[test]
fn a_password_is_another_when_its_line_is() {
    both(|watch| {
        let place = Place::new();
        let file = place.write("users", "jo=sesame\nsam=oats\n");
        let authenticator = Authenticator::new().configure_plain_file("*", &file).unwrap();
        let house = House::new(authenticator, watch);
        // In place, with the same length.
        fs::write(&file, "jo=barley\nsam=oats\n").unwrap();
        house.comes_to_admit(&plain("jo", "barley"), true);
        assert!(!house.admits(&plain("jo", "sesame")) && house.admits(&plain("sam", "oats")));
        // And by another file of that name.
        replace(&place, "users", "jo=barley\n");
        house.comes_to_admit(&plain("sam", "oats"), false);
        assert!(house.admits(&plain("jo", "barley")));
    });
}

/// Half-written, gone, or not to be read: nobody comes in by it and nobody is put out, and when it can
/// be read again it counts.
#[test]
fn a_broken_file_changes_nothing_until_it_is_whole() {
    both(|watch| {
        let place = Place::new();
        let file = place.write("users", "jo=sesame\n");
        let authenticator = Authenticator::new().configure_plain_file("*", &file).unwrap();
        let house = House::new(authenticator, watch);
        fs::write(&file, "jo=barley\nsam").unwrap();
        let told = house.tells();
        assert_eq!(told.changed, slice::from_ref(&file));
        let problem = told.problems[0].to_string();
        assert!(problem.contains("users, line 2: ") && !problem.contains("sam"), "{problem}");
        assert!(house.admits(&plain("jo", "sesame")) && !house.admits(&plain("jo", "barley")));

        fs::remove_file(&file).unwrap();
        assert!(house.tells().problems[0].to_string().contains("users: "));
        assert!(house.admits(&plain("jo", "sesame")));

        place.write("users", "jo=barley\nsam=oats\n");
        house.comes_to_admit(&plain("sam", "oats"), true);
        assert_eq!(house.tells().problems, []);
        assert!(!house.admits(&plain("jo", "sesame")));
    });
}

/// Permissions may be what is wrong with a file.
#[cfg(unix)]
#[test]
fn permissions_are_a_change() {
    both(|watch| {
        let place = Place::new();
        let file = place.write("users", "jo=sesame\n");
        let authenticator = Authenticator::new().configure_plain_file("*", &file).unwrap();
        let house = House::new(authenticator, watch);
        set_mode(&file, 0o644);
        assert!(house.tells().problems[0].to_string().contains("chmod 600"));
        set_mode(&file, 0o600);
        assert_eq!(house.tells().problems, []);
    });
}

/// A bad certificate is left out, and named; the others count.
#[test]
fn a_bad_certificate_leaves() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let keys = place.path().join("keys");
        certificate(&keys, 2);
        house.comes_to_admit(&curve(2), true);
        _ = house.tells();
        // In one step: a file that is written in its place is seen without content first, now and then.
        let new = place.path().join("new");
        fs::write(&new, "metadata\ncurve\n    public-key = \"short\"\n").unwrap();
        fs::rename(&new, keys.join("client-1.key")).unwrap();
        house.comes_to_admit(&curve(1), false);
        assert!(house.admits(&curve(2)));
        let told = house.tells();
        assert_eq!((told.left_out.len(), told.problems.len()), (1, 0), "{told:?}");
        assert!(told.left_out[0].contains("client-1.key, line 3: "), "{told:?}");
    });
}

/// The links of mounted volumes: everything changes when one hidden link does.
#[cfg(unix)]
#[test]
fn links_are_followed() {
    use std::os::unix::fs::symlink;
    both(|watch| {
        let place = Place::new();
        let volume = place.path().join("volume");
        let fill = |name: &str, key: u8, users: &str| {
            fs::create_dir_all(volume.join(name)).unwrap();
            certificate(&volume.join(name), key);
            let from = volume.join(name).join(format!("client-{key}.key"));
            fs::rename(from, volume.join(name).join("client.key")).unwrap();
            fs::write(volume.join(name).join("users"), users).unwrap();
            set_mode(&volume.join(name).join("users"), 0o600);
        };
        fill("..one", 1, "jo=sesame\n");
        symlink("..one", volume.join("..data")).unwrap();
        symlink("..data/client.key", volume.join("client.key")).unwrap();
        symlink("..data/users", volume.join("users")).unwrap();
        let elsewhere = place.path().join("users");
        symlink(volume.join("users"), &elsewhere).unwrap();
        let authenticator = Authenticator::new()
            .configure_curve("*", volume.as_path())
            .unwrap()
            .configure_plain_file("*", &elsewhere)
            .unwrap();
        let house = House::new(authenticator, watch);
        assert!(house.admits(&curve(1)) && house.admits(&plain("jo", "sesame")));

        fill("..two", 2, "jo=barley\n");
        symlink("..two", volume.join("..next")).unwrap();
        fs::rename(volume.join("..next"), volume.join("..data")).unwrap();
        house.comes_to_admit(&curve(2), true);
        house.comes_to_admit(&plain("jo", "barley"), true);
        assert!(!house.admits(&curve(1)) && !house.admits(&plain("jo", "sesame")));

        // What a link in the directory leads to may change where it lies.
        fill("..two", 3, "jo=barley\n");
        house.comes_to_admit(&curve(3), true);
        assert!(!house.admits(&curve(2)));
    });
}

/// Nobody is put out because a directory is gone for a while; what is there then counts.
#[test]
fn a_directory_is_made_anew() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let keys = place.path().join("keys");
        fs::rename(&keys, place.path().join("old")).unwrap();
        assert!(house.tells().problems[0].to_string().contains("keys: "));
        assert!(house.admits(&curve(1)));
        fs::create_dir(&keys).unwrap();
        certificate(&keys, 2);
        house.comes_to_admit(&curve(2), true);
        house.comes_to_admit(&curve(1), false);
        // The new directory is watched as the old one was.
        certificate(&keys, 3);
        house.comes_to_admit(&curve(3), true);
    });
}

/// No change is too remote to be seen by looking from time to time.
#[test]
fn a_directory_is_replaced_with_all_that_is_above_it() {
    let (place, next) = (Place::new(), Place::new());
    let house = key_house(&place, Watch::new());
    fs::create_dir(next.path().join("keys")).unwrap();
    certificate(&next.path().join("keys"), 4);
    let away = place.path().with_extension("away");
    fs::rename(place.path(), &away).unwrap();
    fs::rename(next.path(), place.path()).unwrap();
    house.comes_to_admit(&curve(4), true);
    assert!(!house.admits(&curve(1)));
    fs::remove_dir_all(away).unwrap();
    certificate(&place.path().join("keys"), 5);
    house.comes_to_admit(&curve(5), true);
}

#[test]
fn a_policy_file_and_all_that_it_names_is_watched() {
    both(|watch| {
        let place = Place::new();
        for name in ["keys", "more"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        certificate(&place.path().join("keys"), 1);
        let text = |extra: &str| {
            format!(
                "[stores.team]\ncertificates = \"keys\"\n[domains.\"*\"]\ncurve = [\"team\"]\n{extra}"
            )
        };
        let file = place.write("policy.toml", text(""));
        let house = House::new(Policy::load(&file).unwrap().into(), watch);
        assert!(house.admits(&curve(1)));

        fs::write(&file, text("[addresses]\ndeny = [\"192.0.2.7\"]\n")).unwrap();
        house.comes_to_admit(&curve(1), false);
        fs::write(&file, text("")).unwrap();
        house.comes_to_admit(&curve(1), true);
        certificate(&place.path().join("keys"), 2);
        house.comes_to_admit(&curve(2), true);

        // It names another directory from now on.
        replace(&place, "policy.toml", &text("").replace("\"keys\"", "\"more\""));
        house.comes_to_admit(&curve(1), false);
        certificate(&place.path().join("more"), 3);
        house.comes_to_admit(&curve(3), true);
    });
}

/// What a file says that is broken, or being written, is not what anybody meant.
#[test]
fn a_broken_policy_file_neither_opens_nor_keeps_a_lost_key_alive() {
    both(|watch| {
        let place = Place::new();
        let keys = place.path().join("keys");
        fs::create_dir(&keys).unwrap();
        certificate(&keys, 1);
        certificate(&keys, 2);
        let text = "[stores.team]\ncertificates = \"keys\"\n[domains.lab]\ncurve = [\"team\"]\nnull = \"guest\"\n";
        let file = place.write("policy.toml", text);
        let house = House::new(Policy::load(&file).unwrap().into(), watch);
        let stranger = request(Credentials::Null);
        let in_lab = |key: u8| AuthRequest {
            domain: zmtp_core::auth::Domain::new("lab").unwrap(),
            ..curve(key)
        };
        assert!(house.admits(&in_lab(1)) && !house.admits(&stranger));

        fs::write(&file, "").unwrap();
        let told = house.tells();
        assert!(told.problems[0].to_string().contains("names no domain any more"), "{told:?}");
        assert!(house.admits(&in_lab(1)) && !house.admits(&stranger));
        fs::write(
            &file,
            format!(
                "[addresses]\nallow = [\"192.0.2.7\"]\n{}",
                text.split("[domains").next().unwrap()
            ),
        )
        .unwrap();
        assert!(house.tells().problems[0].to_string().contains("names no domain any more"));
        assert!(house.admits(&in_lab(1)) && !house.admits(&stranger));

        fs::write(&file, text.replace("curve =", "curv =")).unwrap();
        let told = house.tells();
        assert!(told.problems[0].to_string().contains("policy.toml, line 4: error: "), "{told:?}");
        fs::remove_file(keys.join("client-1.key")).unwrap();
        house.comes_to_admit(&in_lab(1), false);
        assert!(house.admits(&in_lab(2)) && !house.admits(&stranger));

        fs::write(&file, text.replace("guest", "visitor")).unwrap();
        until("no problems", || house.tells().problems.is_empty());
        assert!(house.admits(&in_lab(2)) && !house.admits(&stranger));
    });
}

/// What a broken policy misses may come later, where nobody watches yet.
#[test]
fn what_could_not_be_read_is_tried_again() {
    both(|watch| {
        let place = Place::new();
        let text = |users: &str| {
            format!(
                "[stores.staff]\npasswords = \"{users}\"\nclear_text = true\n[domains.\"*\"]\nplain = [\"staff\"]\n"
            )
        };
        place.write("users", "jo=sesame\n");
        let file = place.write("policy.toml", text("users"));
        let house = House::new(Policy::load(&file).unwrap().into(), watch);
        fs::create_dir(place.path().join("far")).unwrap();
        fs::write(&file, text("far/users")).unwrap();
        assert!(house.tells().problems[0].to_string().contains("far/users"));
        let generation = house.authenticator.generation();
        thread::sleep(WHILE * 2);
        assert_eq!(
            house.authenticator.generation(),
            generation,
            "no change, so nobody is judged again"
        );
        place.write("far/users", "jo=barley\n");
        house.comes_to_admit(&plain("jo", "barley"), true);
        assert_eq!(house.tells().problems, []);
    });
}

/// A program that cannot apply rules for listeners must not get them later.
#[test]
fn a_policy_that_does_not_fit_is_not_put_in_force() {
    let place = Place::new();
    let file = place.write("policy.toml", "[domains.lab]\nnull = \"guest\"\n");
    let watch = Watch::new().only_if(|policy| match policy.lets_in(MechanismName::GSSAPI) {
        true => Err("there is no GSSAPI here".to_owned()),
        false => Ok(()),
    });
    let house = House::new(Policy::load(&file).unwrap().into(), watch);
    let gssapi = "[stores.k]\nprincipals = { allow = [\"*\"] }\n[domains.\"*\"]\nnull = \"\"\ngssapi = [\"k\"]\n";
    fs::write(&file, gssapi).unwrap();
    let problem = house.tells().problems[0].to_string();
    assert!(problem.ends_with("policy.toml: there is no GSSAPI here"), "{problem}");
    assert!(!house.admits(&request(Credentials::Null)));
    fs::write(&file, gssapi.replace("gssapi = [\"k\"]", "")).unwrap();
    house.comes_to_admit(&request(Credentials::Null), true);
}

/// A directory in which something is written all the time is read nevertheless.
#[test]
fn a_busy_directory_is_read() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let keys = place.path().join("keys");
        let stop = Arc::new(Mutex::new(false));
        let busy = {
            let (keys, stop) = (keys.clone(), stop.clone());
            thread::spawn(move || {
                for key in (100..200).cycle() {
                    if *stop.lock().unwrap() {
                        break;
                    }
                    certificate(&keys, key);
                    thread::sleep(Duration::from_millis(10));
                }
            })
        };
        thread::sleep(Duration::from_millis(50));
        certificate(&keys, 2);
        house.comes_to_admit(&curve(2), true);
        fs::remove_file(keys.join("client-2.key")).unwrap();
        house.comes_to_admit(&curve(2), false);
        *stop.lock().unwrap() = true;
        busy.join().unwrap();
    });
}

/// Between reading a policy and watching its files, time passes.
#[test]
fn what_changed_before_the_watching_counts() {
    both(|watch| {
        let place = Place::new();
        let file = place.write("users", "jo=sesame\n");
        let authenticator = Authenticator::new().configure_plain_file("*", &file).unwrap();
        place.write("users", "jo=barley\n");
        let house = House::new(authenticator, watch);
        house.comes_to_admit(&plain("jo", "barley"), true);
    });
}

/// A policy that is put in force later is watched from then on, and the earlier one no longer.
#[test]
fn a_later_policy_is_watched() {
    both(|watch| {
        let place = Place::new();
        let house = key_house(&place, watch);
        let mut policy = Policy::new();
        let users = place.write("users", "jo=sesame\n");
        policy.configure_plain_file("*", &users).unwrap();
        policy.configure_curve("*", KeySet::from_iter([[9; 32]])).unwrap();
        house.authenticator.set_policy(policy);
        fs::write(&users, "jo=barley\n").unwrap();
        house.comes_to_admit(&plain("jo", "barley"), true);
        assert!(house.admits(&curve(9)));
        until("the news to be told", || house.told.try_recv().is_err());
        certificate(&place.path().join("keys"), 2);
        house.rests();
    });
}

#[test]
fn the_watch_ends_with_its_guard() {
    both(|watch| {
        let place = Place::new();
        let mut house = key_house(&place, watch);
        drop(house.watching.take());
        certificate(&place.path().join("keys"), 2);
        house.rests();
        assert!(!house.admits(&curve(2)));
        assert!(house.authenticator.reload().is_empty());
        assert!(house.admits(&curve(2)));
    });
}
