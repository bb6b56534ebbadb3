//! Who must stay out does stay out, and both sides say why: ironhouse and libzmq 4.3.5 under each
//! mechanism, in both roles, over each transport, whoever binds.
//!
//! One table per way of being refused. Each row is tried in every place; what libzmq's monitor tells
//! and what ironhouse tells, in its monitor and from `ready`, is compared with the row.

use std::time::Duration;

use ironhouse::auth::{AuthStatus, Refusal};
use ironhouse::{
    AnySocket, Authenticator, Event, KeySet, Limits, Options, Passwords, Reconnect, Security,
    ServerSecurity, SocketType,
};
use ironhouse_tests::judge::{Judge, REASON, number};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::mechanisms::{self, Mechanism};

use ironhouse_tests::place::{self, Meeting, Place};
use ironhouse_tests::theirs::{self, Setup, setup};
use ironhouse_tests::watch::{self, Fault, Their, fault_of};
use ironhouse_tests::{Done, rt};
use libzmq_reference as zmq;
use zmq::consts::*;
use zmtp_core::error::{BoxName, Incompatible, Kind, Misbehaved, Stage};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::reason::ErrorReason;

/// What libzmq says when the other side closed without a word.
const PEER_CLOSED: Their = Their::no_detail(32);

const REFUSALS: [Refusal; 3] = [Refusal::Temporary, Refusal::Failure, Refusal::Internal];

/// One way of being refused.
struct Row {
    name: String,
    /// Ours, and the type of its socket.
    security: Security,
    ours: SocketType,
    /// Theirs, and the type of its socket.
    set: Setup,
    theirs: SocketType,
    /// What their ZAP handler answers, if it is asked at all.
    zap: AuthStatus,
    /// What we must say; where timing decides, one of these.
    faults: Vec<Fault>,
    /// What they must say.
    their: Their,
    /// Whether we never try again.
    is_final: bool,
}

impl Row {
    fn new(name: impl Into<String>, security: Security, set: Setup) -> Self {
        Self {
            name: name.into(),
            security,
            ours: SocketType::DEALER,
            set,
            theirs: SocketType::DEALER,
            zap: AuthStatus::Success,
            faults: Vec::new(),
            their: PEER_CLOSED,
            is_final: false,
        }
    }

    /// We say this.
    fn ours(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// They say that.
    fn theirs(self, their: Their) -> Self {
        Self { their, ..self }
    }

    fn zap(self, zap: AuthStatus) -> Self {
        Self { zap, ..self }
    }

    fn finally(self) -> Self {
        Self { is_final: true, ..self }
    }
}

/// Our authenticator's refusal.
fn denied(status: Refusal) -> Fault {
    let kind = Kind::Denied { status, text: REASON.into() };
    Fault::local(Stage::Authentication, kind, "ZAP-25")
}

/// Their handler's refusal, which arrives where another command was due.
fn reported(status: AuthStatus, stage: Stage) -> Fault {
    Fault::peer(stage, Kind::ReportedByPeer(ErrorReason::new(status.code())), "ZMTP-ERROR-02")
}

fn timed_out(stage: Stage) -> Fault {
    Fault::peer(stage, Kind::TimedOut, "ZMTP-SEC-05")
}

/// With a deadline that is soon over where it is waited for, and far away elsewhere.
fn options(row: &Row) -> Options {
    let waited_for = row.faults.iter().any(|fault| fault.kind == Kind::TimedOut);
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = if waited_for { Duration::from_millis(1500) } else { rt::LATE };
    let second = Duration::from_secs(1);
    let reconnect = Reconnect { interval: second, max_interval: second };
    Options::new().security(row.security.clone()).limits(limits).reconnect(reconnect)
}

async fn try_row(row: &Row, place: Place) -> Done {
    let what = format!("{}: {} of ours, {place}", row.name, row.ours);
    let context = theirs::context();
    let status = row.zap.code();
    let _zap = zmq::ZapHandler::start(&context, move |request| {
        request.reply(status, "the test says so", "user", &[])
    })?;
    let ours = AnySocket::new(row.ours, options(row))?;
    let theirs = context.socket(theirs::socket_type(row.theirs))?;
    theirs.handshake_ivl(20_000)?;
    let mut meeting = Meeting::arrange(place, ours, theirs, &row.set).await?;

    let Meeting { our_events, connecting, endpoint, .. } = &mut meeting;
    let refusal = async {
        match connecting {
            Some(connecting) => Some(watch::refusal(&what, connecting).await),
            None => None,
        }
    };
    let (error, refusal) = tokio::join!(watch::failure(&what, our_events), refusal);
    let fault = Fault::from(&error);
    assert!(row.faults.contains(&fault), "{what}: expected {:#?}, we say {error:?}", row.faults);
    if let Some(failure) = refusal {
        // From the call that awaits the connection, in the same words.
        assert_eq!(fault_of(&failure), fault, "{what}: ready");
        assert_eq!(failure.is_final, row.is_final, "{what}: final, says {failure:?}");
        assert_eq!(failure.endpoint, *endpoint, "{what}");
        // And the monitor says whether there will be another attempt.
        let again = watch::event(&what, our_events, |event| match event {
            Event::Retrying { .. } => Some(true),
            Event::Stopped { .. } => Some(false),
            _ => None,
        });
        assert_eq!(again.await, !row.is_final, "{what}: tries again");
    }
    watch::theirs(&what, &meeting.their_events, row.their);
    meeting.end().await
}

/// Tries every row in every place, some at a time, as many of them have to wait.
fn try_all(rows: Vec<Row>) -> Done {
    let tries: Vec<_> = rows.iter().flat_map(|row| place::ALL.map(|place| (row, place))).collect();
    rt::all_at_once(&tries, |(row, place)| rt::run(try_row(row, *place)))
}

fn nothing() -> Setup {
    setup(|_| Ok(()))
}

// PLAIN-08, PLAIN-19, ZMTP-ERROR-01, ZMTP-ERROR-04, ZAP-25, ZAP-26
// hostile: P2
#[test]
fn plain_servers_of_ours_refuse_and_say_so_in_either_spelling() -> Done {
    let mut rows = Vec::new();
    for status in REFUSALS {
        for misspelt in [false, true] {
            let server = if misspelt {
                ServerSecurity::plain_with_misspelt_error()
            } else {
                ServerSecurity::plain()
            };
            let security = server.with_authenticator(Judge::refuse(status));
            let their = match (status, misspelt) {
                // Nothing is sent: they may try again.
                (Refusal::Temporary, _) => PEER_CLOSED,
                // libzmq does not know the correct form.
                (_, false) => Their::protocol(ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
                (_, true) => Their::auth(number(status.status())),
            };
            let set = setup(|socket| socket.plain_username("u")?.plain_password("p").map(drop));
            let name = format!("PLAIN server of ours says {status}, misspelt: {misspelt}");
            rows.push(Row::new(name, security, set).ours(denied(status)).theirs(their));
        }
    }
    try_all(rows)
}

// PLAIN-08, ZAP-25
// hostile: P2, P6
#[test]
fn a_wrong_password_and_an_unknown_user_are_refused_alike() -> Done {
    let mut rows = Vec::new();
    for (user, password) in [("admin", "battery staple"), ("nobody", "correct horse")] {
        let users = Passwords::from_pairs([("admin", "correct horse")])?;
        let judge = Authenticator::new().configure_plain("*", users)?;
        let security = ServerSecurity::plain_with_misspelt_error().with_authenticator(judge);
        let set =
            setup(move |socket| socket.plain_username(user)?.plain_password(password).map(drop));
        let text = "Invalid credentials".into();
        let kind = Kind::Denied { status: Refusal::Failure, text };
        rows.push(
            Row::new(format!("{user} with {password}"), security, set)
                .ours(Fault::local(Stage::Authentication, kind, "ZAP-25"))
                .theirs(Their::auth(400)),
        );
    }
    try_all(rows)
}

// PLAIN-19, ZMTP-ERROR-02, ZMTP-ERROR-03, ZMTP-ERROR-05
// hostile: P2, Z5
#[test]
fn plain_clients_of_ours_understand_their_misspelt_refusal() -> Done {
    let mut rows = Vec::new();
    for status in REFUSALS.map(Refusal::status) {
        let security = Security::plain_client("admin", "wrong")?;
        let set = setup(|socket| socket.plain_server(true).map(drop));
        let row = Row::new(format!("PLAIN server of theirs says {status}"), security, set)
            .zap(status)
            .theirs(Their::auth(number(status)));
        rows.push(match status {
            // libzmq says nothing, and keeps the connection or closes it.
            AuthStatus::TemporaryError => {
                row.ours(timed_out(Stage::Welcome)).ours(Fault::closed(Stage::Welcome))
            }
            _ => row.ours(reported(status, Stage::Welcome)).finally(),
        });
    }
    try_all(rows)
}

// CURVEZMQ-30, CURVEZMQ-47, CURVEZMQ-48, ZAP-25, ZAP-26
#[test]
fn curve_servers_of_ours_refuse_by_status() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let mut rows = Vec::new();
    for status in REFUSALS {
        let security =
            ServerSecurity::curve(server.pair()).with_authenticator(Judge::refuse(status));
        let (keys, key) = (client.clone(), server.public());
        let set = setup(move |socket| keys.present(socket, &key));
        let their = match status {
            Refusal::Temporary => PEER_CLOSED,
            _ => Their::auth(number(status.status())),
        };
        let name = format!("CURVE server of ours says {status}");
        rows.push(Row::new(name, security, set).ours(denied(status)).theirs(their));
    }
    try_all(rows)
}

// CURVEZMQ-29, CURVEZMQ-30, CURVEZMQ-48, ZAP-26
#[test]
fn an_unknown_key_is_refused() -> Done {
    let (server, known, unknown) = (Keys::new(), Keys::new(), Keys::new());
    let keys = KeySet::from_iter([*known.public().as_bytes()]);
    let judge = Authenticator::new().configure_curve("*", keys)?;
    let security = ServerSecurity::curve(server.pair()).with_authenticator(judge);
    let key = server.public();
    let kind = Kind::Denied { status: Refusal::Failure, text: "Unknown key".into() };
    try_all(vec![
        Row::new("unknown key", security, setup(move |socket| unknown.present(socket, &key)))
            .ours(Fault::local(Stage::Authentication, kind, "ZAP-25"))
            .theirs(Their::auth(400)),
    ])
}

// CURVEZMQ-50, ZMTP-ERROR-02, ZMTP-ERROR-03, ZMTP-ERROR-05
// hostile: Z5
#[test]
fn curve_clients_of_ours_learn_the_status() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let mut rows = Vec::new();
    for status in REFUSALS.map(Refusal::status) {
        let security = Security::curve_client(client.pair(), server.public())?;
        let keys = server.clone();
        let set = setup(move |socket| keys.serve(socket));
        let row = Row::new(format!("CURVE server of theirs says {status}"), security, set)
            .zap(status)
            .theirs(Their::auth(number(status)));
        rows.push(match status {
            AuthStatus::TemporaryError => {
                row.ours(timed_out(Stage::Ready)).ours(Fault::closed(Stage::Ready))
            }
            _ => row.ours(reported(status, Stage::Ready)).finally(),
        });
    }
    try_all(rows)
}

// CURVEZMQ-02, CURVEZMQ-09, ZMTP-ERROR-05
// hostile: C1
#[test]
fn a_wrong_server_key_ends_at_hello_without_a_word() -> Done {
    let (server, other, client) = (Keys::new(), Keys::new(), Keys::new());
    let (keys, key) = (client.clone(), other.public());
    let serve = server.clone();
    try_all(vec![
        Row::new(
            "their client has the wrong server key",
            ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u")),
            setup(move |socket| keys.present(socket, &key)),
        )
        .ours(Fault::peer(Stage::Hello, Kind::Unopenable(BoxName::Hello), "CURVEZMQ-09"))
        .theirs(PEER_CLOSED),
        Row::new(
            "our client has the wrong server key",
            Security::curve_client(client.pair(), other.public())?,
            setup(move |socket| serve.serve(socket)),
        )
        .ours(Fault::closed(Stage::Welcome))
        .theirs(Their::protocol(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)),
    ])
}

// NULL-09, NULL-13, ZMTP-ERROR-02, ZMTP-ERROR-03, ZAP-25, ZAP-26, ZAP-34
#[test]
fn null_with_a_domain_is_refused_by_status() -> Done {
    let mut rows = Vec::new();
    for status in REFUSALS {
        let security = Security::null_with_authenticator("ours", Judge::refuse(status))?;
        let their = match status {
            Refusal::Temporary => PEER_CLOSED,
            _ => Their::auth(number(status.status())),
        };
        let name = format!("NULL, our domain, {status}");
        rows.push(Row::new(name, security, nothing()).ours(denied(status)).theirs(their));

        let status = status.status();
        let set = setup(|socket| socket.zap_domain("theirs").map(drop));
        let row = Row::new(format!("NULL, their domain, {status}"), Security::null(), set)
            .zap(status)
            .theirs(Their::auth(number(status)));
        rows.push(match status {
            // Closed or left hanging, depending on whose message came first.
            AuthStatus::TemporaryError => {
                row.ours(Fault::closed(Stage::Ready)).ours(timed_out(Stage::Ready))
            }
            _ => row.ours(reported(status, Stage::Ready)).finally(),
        });
    }
    try_all(rows)
}

// ZMTP-MECH-01, ZMTP-MECH-03, ZMTP-GREETING-14, ZMTP-SEC-02
// hostile: G4
#[test]
fn different_mechanisms_part_at_the_greeting() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let judge = || Judge::accept("u");
    let ours: [(MechanismName, &str, Security); 5] = [
        (MechanismName::NULL, "NULL", Security::null()),
        (MechanismName::PLAIN, "PLAIN client", Security::plain_client("u", "p")?),
        (MechanismName::PLAIN, "PLAIN server", ServerSecurity::plain().with_authenticator(judge())),
        (
            MechanismName::CURVE,
            "CURVE client",
            Security::curve_client(client.pair(), server.public())?,
        ),
        (
            MechanismName::CURVE,
            "CURVE server",
            ServerSecurity::curve(server.pair()).with_authenticator(judge()),
        ),
    ];
    let theirs = |server: Keys, client: Keys| -> [(MechanismName, &'static str, Setup); 5] {
        let key = server.public();
        [
            (MechanismName::NULL, "NULL", nothing()),
            (
                MechanismName::PLAIN,
                "PLAIN client",
                setup(|socket| socket.plain_username("u")?.plain_password("p").map(drop)),
            ),
            (
                MechanismName::PLAIN,
                "PLAIN server",
                setup(|socket| socket.plain_server(true).map(drop)),
            ),
            (
                MechanismName::CURVE,
                "CURVE client",
                setup(move |socket| client.present(socket, &key)),
            ),
            (MechanismName::CURVE, "CURVE server", setup(move |socket| server.serve(socket))),
        ]
    };
    let mut rows = Vec::new();
    for (our_mechanism, our_name, security) in ours {
        for (their_mechanism, their_name, set) in theirs(server.clone(), client.clone()) {
            if our_mechanism == their_mechanism {
                continue;
            }
            let kind = Incompatible::Mechanism { ours: our_mechanism, theirs: their_mechanism };
            rows.push(
                Row::new(
                    format!("{our_name} of ours, {their_name} of theirs"),
                    security.clone(),
                    set,
                )
                .ours(Fault::peer(Stage::Mechanism, kind, "ZMTP-MECH-01"))
                // When all of our greeting arrives at once, libzmq closes before the rest of its own
                // leaves, or all of it.
                .ours(Fault::closed(Stage::Greeting))
                .ours(Fault::closed(Stage::Mechanism))
                .theirs(Their::protocol(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)),
            );
        }
    }
    try_all(rows)
}

// ZMTP-MECH-07, ZMTP-CMD-08, ZMTP-SEC-05
#[test]
fn two_clients_or_two_servers_of_one_mechanism_part() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let unexpected = || Fault::peer(Stage::Welcome, Misbehaved::UnexpectedCommand, "ZMTP-CMD-08");
    let their_unexpected = Their::protocol(ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    let (a, b, key) = (client.clone(), server.clone(), server.public());
    let plain_server = ServerSecurity::plain().with_authenticator(Judge::accept("u"));
    let curve_server = ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u"));
    try_all(vec![
        Row::new(
            "two PLAIN clients",
            Security::plain_client("u", "p")?,
            setup(|socket| socket.plain_username("u")?.plain_password("p").map(drop)),
        )
        .ours(unexpected())
        .theirs(their_unexpected),
        Row::new(
            "two CURVE clients",
            Security::curve_client(client.pair(), server.public())?,
            setup(move |socket| a.present(socket, &key)),
        )
        .ours(unexpected())
        .theirs(their_unexpected),
        // libzmq never claims to be a server, so that nobody knows and both wait.
        Row::new(
            "two PLAIN servers",
            plain_server,
            setup(|socket| socket.plain_server(true).map(drop)),
        )
        .ours(timed_out(Stage::Hello)),
        Row::new("two CURVE servers", curve_server, setup(move |socket| b.serve(socket)))
            .ours(timed_out(Stage::Hello)),
    ])
}

// ZMTP-SOCKTYPE-02, ZMTP-SOCKTYPE-05, ZMTP-SOCKTYPE-06, ZMTP-SOCKTYPE-07, ZMTP-SOCKTYPE-08,
// ZMTP-SOCKTYPE-09, ZMTP-SOCKTYPE-10, ZMTP-SOCKTYPE-11, ZMTP-SOCKTYPE-12
// hostile: M6
#[test]
fn socket_types_that_do_not_fit_are_refused() -> Done {
    let rows = illegal_pairs().into_iter().map(|(ours, theirs)| {
        let row = Row::new(format!("{theirs} of theirs"), Security::null(), nothing())
            .ours(does_not_fit(Stage::Ready, ours, theirs))
            .theirs(Their::DISCONNECTED);
        Row { ours, theirs, ..row }
    });
    try_all(rows.collect())
}

/// Whoever learns the type of the other first refuses, which is the server.
// ZMTP-SOCKTYPE-02, CURVE-11
#[test]
fn socket_types_that_do_not_fit_are_refused_encrypted_too() -> Done {
    let mechanisms = mechanisms::curve()?;
    let tries: Vec<_> = illegal_pairs().into_iter().zip(place::ALL.into_iter().cycle()).collect();
    rt::all_at_once(&tries, |((ours, theirs), place)| {
        let [as_server, as_client] = &mechanisms;
        for (mechanism, fault, their) in [
            (as_server, does_not_fit(Stage::Initiate, *ours, *theirs), Their::DISCONNECTED),
            (as_client, Fault::closed(Stage::Ready), Their::DISCONNECTED),
        ] {
            let Mechanism { name, security, set } = mechanism;
            let row =
                Row::new(format!("{theirs} of theirs, {name}"), security.clone(), set.clone());
            let row = row.ours(fault).theirs(their);
            let row = Row { ours: *ours, theirs: *theirs, ..row };
            rt::run(try_row(&row, *place))?;
        }
        Ok(())
    })
}

fn illegal_pairs() -> Vec<(SocketType, SocketType)> {
    let all = SocketType::ALL.into_iter();
    let pairs = all.flat_map(|ours| SocketType::ALL.map(|theirs| (ours, theirs)));
    let illegal: Vec<_> = pairs.filter(|(ours, theirs)| !ours.accepts(*theirs)).collect();
    assert_eq!(illegal.len(), 11 * 11 - 21);
    illegal
}

/// Their type does not go with ours.
fn does_not_fit(stage: Stage, ours: SocketType, theirs: SocketType) -> Fault {
    let rule = match ours {
        SocketType::REQ => "ZMTP-SOCKTYPE-05",
        SocketType::REP => "ZMTP-SOCKTYPE-06",
        SocketType::DEALER => "ZMTP-SOCKTYPE-07",
        SocketType::ROUTER => "ZMTP-SOCKTYPE-08",
        SocketType::PUB | SocketType::XPUB => "ZMTP-SOCKTYPE-09",
        SocketType::SUB | SocketType::XSUB => "ZMTP-SOCKTYPE-10",
        SocketType::PUSH | SocketType::PULL => "ZMTP-SOCKTYPE-11",
        SocketType::PAIR => "ZMTP-SOCKTYPE-12",
    };
    let kind = Incompatible::SocketType { ours, theirs: Some(theirs) };
    Fault::peer(stage, kind, rule)
}
