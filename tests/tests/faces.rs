//! The faces of a socket have the same calls, as their source says: asynchronous and blocking, typed and
//! chosen at run time, whole and in halves. And every call that can be dropped says what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ironhouse_tests::Done;

const TYPES: [&str; 11] =
    ["Req", "Rep", "Dealer", "Router", "Pub", "Sub", "XPub", "XSub", "Push", "Pull", "Pair"];

/// What is called otherwise on a thread: streams are iterators, and a sink is a loop around `send`.
const OTHERWISE: [(&str, &str); 5] = [
    ("sink", "send"),
    ("into_sink", "send"),
    ("stream", "messages"),
    ("into_stream", "into_messages"),
    ("run", "run_proxy"),
];

/// What an [`ironhouse::AnySocket`] needs another call for: the type is an argument of it.
const NEW: (&str, &str) = ("new", "of_type");

type Calls = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files below a directory of the workspace.
fn files(below: &str) -> std::io::Result<Vec<PathBuf>> {
    let (mut found, mut places) = (Vec::new(), vec![root().join(below)]);
    while let Some(place) = places.pop() {
        if place.is_dir() {
            for entry in fs::read_dir(place)? {
                places.push(entry?.path());
            }
        } else if place.extension().is_some_and(|it| it == "rs") {
            found.push(place);
        }
    }
    Ok(found)
}

/// A file without its comments.
fn code(path: &Path) -> std::io::Result<String> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    Ok(lines.fold(String::new(), |code, line| code + line + "\n"))
}

/// The names of all public functions in a piece of code.
fn public(code: &str) -> Calls {
    let mut found = Calls::new();
    for line in code.lines() {
        let Some(rest) = line.trim_start().strip_prefix("pub ") else { continue };
        let rest = rest.trim_start_matches("const ").trim_start_matches("async ");
        let name = rest.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
        found.extend(name.map(str::to_owned));
    }
    found
}

/// An item that has a body: what stands before the brace, and what in it.
struct Block {
    head: String,
    body: String,
}

/// The items with bodies at the outermost level, and macros that are called there.
fn blocks(code: &str) -> Vec<Block> {
    let (mut found, mut head, mut body, mut depth) = (Vec::new(), String::new(), String::new(), 0);
    for letter in code.chars() {
        match letter {
            '{' | '(' if depth > 0 => depth += 1,
            '{' => depth = 1,
            '(' if head.trim_end().ends_with('!') => depth = 1,
            '}' | ')' if depth > 0 => depth -= 1,
            ';' if depth == 0 => head.clear(),
            _ => {}
        }
        if depth > 0 {
            body.push(letter);
        } else if body.is_empty() {
            head.push(letter);
        } else {
            let (head, body) = (std::mem::take(&mut head), std::mem::take(&mut body));
            found.push(Block { head: head.trim().to_owned(), body });
        }
    }
    found
}

/// One face: what each type can do there.
#[derive(Default)]
struct Face(BTreeMap<String, Calls>);

impl Face {
    fn of(&self, name: &str) -> Calls {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn add(&mut self, name: &str, calls: &Calls) {
        self.0.entry(name.to_owned()).or_default().extend(calls.iter().cloned());
    }

    /// Reads code in which macros are named before they are called. `of_impl` says whom the calls of an
    /// `impl` are for.
    fn read(files: &[PathBuf], of_impl: impl Fn(&str) -> Vec<String>) -> std::io::Result<Self> {
        let mut all = Vec::new();
        for file in files {
            all.extend(blocks(&code(file)?));
        }
        let mut macros = BTreeMap::new();
        for block in &all {
            if let Some((_, name)) = block.head.rsplit_once("macro_rules! ") {
                macros.insert(name.trim().to_owned(), block.body.clone());
            }
        }
        let mut face = Self::default();
        for block in &all {
            if let Some(name) = block.head.strip_suffix('!').and_then(last_word) {
                let calls = expand(name, &macros);
                for word in block.body[1..].split(',').map(str::trim) {
                    if !TYPES.contains(&word) && word != "AnySocket" {
                        break;
                    }
                    face.add(word, &calls);
                }
            } else if let Some(at) =
                block.head.find("impl").filter(|_| !block.head.contains(" for "))
            {
                for name in of_impl(&block.head[at..]) {
                    face.add(&name, &public(&block.body));
                }
            }
        }
        Ok(face)
    }
}

fn last_word(head: &str) -> Option<&str> {
    head.split_whitespace().next_back()
}

/// The functions that a macro makes, with those of other macros in it.
fn expand(name: &str, macros: &BTreeMap<String, String>) -> Calls {
    let Some(body) = macros.get(name) else { return Calls::new() };
    let mut calls = public(body);
    for other in macros.keys().filter(|other| *other != name) {
        if body.contains(&format!("{other}!($name")) {
            calls.extend(expand(other, macros));
        }
    }
    calls
}

fn asynchronous() -> std::io::Result<Face> {
    let mut sources = files("src/socket")?;
    sources.extend(["src/split.rs", "src/monitor.rs", "src/stream.rs"].map(|it| root().join(it)));
    sources
        .extend([root().join("src/proxy/mod.rs"), root().join("transport/src/engine/connect.rs")]);
    let mut face = Face::read(&sources, |head| {
        let name = head.rsplit(' ').next().unwrap_or_default();
        vec![name.split('<').next().unwrap_or_default().to_owned()]
    })?;
    // One type, and nothing else in the file.
    face.add("AnySocket", &public(&code(&root().join("src/any.rs"))?));
    Ok(face)
}

fn blocking(asynchronous: &Face) -> std::io::Result<Face> {
    let who_can = |call: &str| -> Vec<String> {
        let all =
            TYPES.iter().chain(&["AnySocket"]).filter(|it| asynchronous.of(it).contains(call));
        all.map(ToString::to_string).collect()
    };
    Face::read(&files("src/blocking")?, |head| {
        let (_, of) = head.rsplit_once(' ').unwrap_or_default();
        let Some(inner) = of.strip_prefix("Socket<").map(|it| it.trim_end_matches('>')) else {
            return vec![of.split('<').next().unwrap_or_default().to_owned()];
        };
        match head.strip_prefix("impl<S: ").and_then(|it| it.split('>').next()) {
            None => vec![inner.to_owned()],
            Some("Sends") => who_can("send"),
            Some("Receives") => who_can("recv"),
            Some("TwoWay") => TYPES
                .map(str::to_owned)
                .into_iter()
                .filter(|it| who_can("split").contains(it))
                .collect(),
            Some("crate::Socket") => who_can("bind"),
            Some("crate::Socket + FromOptions") => TYPES.map(str::to_owned).to_vec(),
            Some(other) => panic!("who is {other}?"),
        }
    })
}

fn otherwise(call: &str) -> &str {
    OTHERWISE.iter().find(|(name, _)| *name == call).map_or(call, |(_, other)| other)
}

#[track_caller]
fn covers(what: &str, given: &Calls, asked: &Calls) {
    let missing: Vec<_> = asked.iter().filter(|call| !given.contains(*call)).collect();
    assert!(missing.is_empty(), "{what} lacks {missing:?}");
}

/// The other tests compare nothing if nothing is found.
#[test]
fn the_calls_of_each_type_are_found() -> Done {
    let face = asynchronous()?;
    for (name, some) in [
        ("Push", &["new", "bind", "connect", "close", "send", "try_send", "sink"][..]),
        ("Pull", &["monitor", "unbind", "recv", "recv_timeout", "into_stream"]),
        ("Pub", &["send_timeout", "dropped", "subscriptions"]),
        ("XPub", &["grant", "revoke", "try_send_to", "recv", "send", "dropped", "split"]),
        ("Sub", &["subscribe", "unsubscribe", "subscriptions", "recv"]),
        ("Router", &["connect_with_routing_id", "split", "disconnect"]),
        ("SendHalf", &["send", "into_sink", "reunite"]),
        ("Monitor", &["next", "next_event", "into_stream"]),
        ("Connecting", &["ready", "endpoint"]),
        ("Proxy", &["run", "capture"]),
    ] {
        covers(name, &face.of(name), &some.iter().map(ToString::to_string).collect());
    }
    assert!(!face.of("Push").contains("recv") && !face.of("Pub").contains("grant"));
    assert!(!face.of("Req").contains("split"));
    let blocking = blocking(&face)?;
    assert!(!blocking.of("Push").contains("recv") && !blocking.of("Pub").contains("grant"));
    assert!(!blocking.of("Req").contains("split") && blocking.of("Pair").contains("split"));
    Ok(())
}

#[test]
fn threads_can_do_what_tasks_can() -> Done {
    let face = asynchronous()?;
    let blocking = blocking(&face)?;
    for name in TYPES.iter().chain(&["AnySocket", "SendHalf", "RecvHalf"]) {
        let calls = face.of(name);
        let asked = calls.iter().map(|call| match (*name, call.as_str()) {
            ("AnySocket", "new") => NEW.1.to_owned(),
            (_, call) => otherwise(call).to_owned(),
        });
        covers(&format!("blocking::{name}"), &blocking.of(name), &asked.collect());
    }
    // A monitor is an iterator there.
    let asked = face.of("Monitor").into_iter().filter(|it| it != "next" && it != "into_stream");
    covers("blocking::Monitor", &blocking.of("Monitor"), &asked.collect());
    covers("blocking::Connecting", &blocking.of("Connecting"), &face.of("Connecting"));

    // What waits and belongs to no socket.
    let mut waits = Calls::new();
    for file in files("src")? {
        let code = code(&file)?;
        let free = code.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        waits.extend(free.filter_map(|rest| rest.split(['(', '<']).next()).map(str::to_owned));
    }
    assert!(waits.contains("poll"), "{waits:?}");
    waits.insert(otherwise("run").to_owned());
    covers("blocking", &public(&code(&root().join("src/blocking/mod.rs"))?), &waits);
    Ok(())
}

#[test]
fn a_type_that_is_chosen_at_run_time_can_do_what_it_can() -> Done {
    let face = asynchronous()?;
    for name in TYPES {
        covers(&format!("AnySocket, as a {name}"), &face.of("AnySocket"), &face.of(name));
    }
    Ok(())
}

#[test]
fn halves_can_do_what_the_whole_can() -> Done {
    let face = asynchronous()?;
    let common: Calls = face.of("Push").intersection(&face.of("Pull")).cloned().collect();
    for (half, whole) in [("SendHalf", "Push"), ("RecvHalf", "Pull")] {
        let asked: Calls = face.of(whole).difference(&common).cloned().collect();
        assert!(asked.len() > 3, "{asked:?}");
        covers(half, &face.of(half), &asked);
        // And all else through the whole.
        assert!(face.of(half).contains("as_socket"));
    }
    Ok(())
}

/// Everything public that waits, or gives something that waits, says what dropping it does.
#[test]
fn every_future_says_what_dropping_it_does() -> Done {
    let mut found = 0;
    let mut sources = files("src")?;
    sources.extend(files("zap/src")?);
    sources.push(root().join("transport/src/engine/connect.rs"));
    for file in sources {
        let text = fs::read_to_string(&file)?;
        let (mut docs, mut lines) = (String::new(), text.lines().peekable());
        while let Some(line) = lines.next() {
            let line = line.trim();
            if line.starts_with("///") {
                docs.push_str(line);
            } else if line.starts_with("pub ") && line.contains("fn ") {
                let mut signature = line.to_owned();
                while !signature.ends_with(['{', ';', '}']) {
                    signature.push_str(lines.next().unwrap_or("{").trim());
                }
                let plain = signature.split("where").next().unwrap_or_default();
                let gives = plain.rsplit_once("->").map_or("", |(_, gives)| gives);
                let waits = ["Sink<", "Stream<", "Future<"].iter().any(|it| gives.contains(it));
                if waits || signature.contains("async fn ") {
                    found += 1;
                    let says = docs.contains("ancel safe");
                    assert!(says, "{}: {signature}: what if it is dropped?", file.display());
                }
                docs.clear();
            } else if !line.starts_with('#') && !line.starts_with("//") {
                docs.clear();
            }
        }
    }
    assert!(found > 30, "only {found} futures found");
    Ok(())
}
