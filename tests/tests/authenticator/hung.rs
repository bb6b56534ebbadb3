//! Functions that hang hold up nobody but the peers they were asked about. All on one thread: whatever
//! blocks that, blocks the test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ironhouse::auth::{AuthRequest, Credentials, Refusal};
use ironhouse::zap::{Provider, provider_fn, sync_provider_fn};
use ironhouse::{
    Authenticator, Dealer, Endpoint, Event, Hub, Limits, Monitor, Options, Passwords, Policy,
    Reconnect, Router, Security, ServerSecurity,
};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::{Done, Fallible, rt, watch};
use zmtp_core::error::Kind;
use zmtp_core::wire::greeting::MechanismName;

const NEVER: Duration = Duration::from_secs(3600);

/// A function as provider, whose calls for users called `hang` do not return before the other end of the
/// channel is gone; and how many of these there are.
struct Function {
    provider: Arc<dyn Provider>,
    hung: Arc<AtomicUsize>,
    _end: Sender<()>,
}

fn hangs(request: &AuthRequest) -> bool {
    matches!(&request.credentials, Credentials::Plain { username, .. } if &username[..] == b"hang")
}

impl Function {
    /// One that blocks its thread.
    fn blocking() -> Self {
        let (end, hang): (_, Receiver<()>) = channel();
        let (hang, hung) = (Mutex::new(hang), Arc::new(AtomicUsize::new(0)));
        let count = hung.clone();
        let provider = sync_provider_fn("function", move |request| {
            if hangs(request) {
                count.fetch_add(1, Ordering::SeqCst);
                _ = hang.lock().map(|hang| hang.recv());
            }
            true
        });
        Self { provider: Arc::new(provider), hung, _end: end }
    }

    /// One whose future is never done.
    fn pending() -> Self {
        let (end, _) = channel();
        let hung = Arc::new(AtomicUsize::new(0));
        let count = hung.clone();
        let provider = provider_fn("function", move |request: Arc<AuthRequest>| {
            let count = count.clone();
            async move {
                if hangs(&request) {
                    count.fetch_add(1, Ordering::SeqCst);
                    std::future::pending::<()>().await;
                }
                true
            }
        });
        Self { provider: Arc::new(provider), hung, _end: end }
    }
}

/// Limits that leave all time to the authenticator.
fn patient() -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = NEVER;
    limits
}

struct Server {
    _socket: Router,
    events: Monitor,
    endpoint: Endpoint,
    hub: Hub,
}

impl Server {
    /// A server of PLAIN in some domain, with so much time for a decision.
    async fn new(policy: &Authenticator, domain: &str, limit: Duration) -> Fallible<Self> {
        let hub = Hub::new();
        let security = ServerSecurity::plain().domain(domain)?.with_authenticator(policy.clone());
        let options = Options::new().security(security).limits(patient()).hub(hub.clone());
        let socket = Router::new(options.authentication_limit(limit))?;
        let events = socket.monitor();
        let endpoint = socket.bind("inproc://hung").await?;
        Ok(Self { _socket: socket, events, endpoint, hub })
    }

    /// A client on its way, which tries once.
    fn client(&self, user: &str) -> Fallible<Dealer> {
        let security = Security::plain_client(user, "password")?;
        let reconnect = Reconnect { interval: NEVER, max_interval: NEVER };
        let options = Options::new().security(security).limits(patient()).reconnect(reconnect);
        let client = Dealer::new(options.hub(self.hub.clone()))?;
        client.connect(&self.endpoint)?;
        Ok(client)
    }

    /// The next so many handshakes succeed, and none fails.
    async fn lets_in(&mut self, mut clients: usize) {
        while clients > 0 {
            let outcome = watch::event("a decision", &mut self.events, |event| match event {
                Event::HandshakeSucceeded { .. } => Some(None),
                Event::HandshakeFailed { error, .. } => Some(Some(error.clone())),
                _ => None,
            });
            assert_eq!(outcome.await, None);
            clients -= 1;
        }
    }

    /// The next handshake that fails is refused for now.
    async fn is_late(&mut self) {
        let error = watch::failure("the end of the time", &mut self.events).await;
        let text = "The authenticator took too long".into();
        assert_eq!(error.kind, Kind::Denied { status: Refusal::Temporary, text });
    }
}

fn policy(function: &Function) -> Fallible<Authenticator> {
    let mut policy = Policy::new();
    policy.set_provider("*", MechanismName::PLAIN, function.provider.clone())?;
    Ok(policy.into())
}

/// How long it takes to let in 999 clients, beside one for whom the function hangs or without it.
async fn crowd(function: &Function, beside: bool) -> Fallible<Duration> {
    let mut server = Server::new(&policy(function)?, "lab", NEVER).await?;
    let mut clients = Vec::new();
    if beside {
        clients.push(server.client("hang")?);
        rt::until("the call that hangs", || function.hung.load(Ordering::SeqCst) == 1).await;
    }
    let begun = Instant::now();
    for number in 0..999 {
        clients.push(server.client(&format!("user {number}"))?);
        // The monitor keeps no more than 1,024 events.
        if number % 111 == 110 {
            server.lets_in(111).await;
        }
    }
    Ok(begun.elapsed())
}

/// All the others are decided while the one call hangs, whose time would be up in an hour.
// hostile: Z7
#[test]
fn one_call_that_hangs_among_1000_clients_delays_nobody_else() -> Done {
    for function in [Function::blocking, Function::pending] {
        rt::run_on_one_thread(async {
            let alone = crowd(&function(), false).await?;
            let beside = crowd(&function(), true).await?;
            println!("999 clients: {alone:?}, beside one that hangs: {beside:?}");
            assert!(beside < alone * 10 + Duration::from_secs(1), "{beside:?}, {alone:?} without");
            Done::Ok(())
        })?;
    }
    Ok(())
}

/// The one for whom it hangs is refused for now when the time is up.
#[test]
fn a_call_that_hangs_ends_with_300_when_its_time_is_up() -> Done {
    for function in [Function::blocking(), Function::pending()] {
        rt::run_on_one_thread(async {
            let mut server =
                Server::new(&policy(&function)?, "lab", Duration::from_millis(50)).await?;
            let _hangs = server.client("hang")?;
            server.is_late().await;
            let _other = server.client("user")?;
            server.lets_in(1).await;
            Done::Ok(())
        })?;
    }
    Ok(())
}

/// When all threads of a function hang, who needs it is refused for now; domains with other functions and
/// stores notice nothing, and when the calls return, all is well again.
#[test]
fn a_function_of_which_64_calls_hang_is_of_no_use_and_others_are() -> Done {
    rt::run_on_one_thread(async {
        let (hangs, other) = (Function::blocking(), Function::blocking());
        let mut policy = Policy::new();
        policy.set_provider("hangs", MechanismName::PLAIN, hangs.provider.clone())?;
        policy.set_provider("other", MechanismName::PLAIN, other.provider.clone())?;
        policy.configure_plain("users", Passwords::from_pairs([("user", "password")])?)?;
        let policy = Authenticator::from(policy);
        let limit = Duration::from_millis(300);
        let mut server = Server::new(&policy, "hangs", limit).await?;
        let mut clients = Vec::new();
        for _ in 0..64 {
            clients.push(server.client("hang")?);
        }
        for _ in 0..64 {
            server.is_late().await;
        }
        assert_eq!(hangs.hung.load(Ordering::SeqCst), 64);
        clients.push(server.client("user")?);
        server.is_late().await;
        for domain in ["other", "users"] {
            let mut beside = Server::new(&policy, domain, NEVER).await?;
            clients.push(beside.client("user")?);
            beside.lets_in(1).await;
        }
        drop(hangs);
        let mut server = Server::new(&policy, "hangs", NEVER).await?;
        clients.push(server.client("user")?);
        server.lets_in(1).await;
        Ok(())
    })
}

/// A future that is never done takes no thread, so that any number may hang.
#[test]
fn futures_that_hang_take_no_threads() -> Done {
    rt::run_on_one_thread(async {
        let function = Function::pending();
        let mut server = Server::new(&policy(&function)?, "lab", NEVER).await?;
        let mut clients = Vec::new();
        for _ in 0..200 {
            clients.push(server.client("hang")?);
        }
        rt::until("the calls", || function.hung.load(Ordering::SeqCst) == 200).await;
        clients.push(server.client("user")?);
        server.lets_in(1).await;
        Ok(())
    })
}

/// The function of domain and key that users of pyzmq know may block as well.
#[test]
fn a_callback_of_curve_may_block() -> Done {
    rt::run_on_one_thread(async {
        let (server_keys, evil, good) = (Keys::new(), Keys::new(), Keys::new());
        let (_end, hang): (Sender<()>, _) = channel();
        let (hang, asked) = (Mutex::new(hang), Arc::new(AtomicUsize::new(0)));
        let (count, evil_key) = (asked.clone(), *evil.pair().public().as_bytes());
        let policy = Authenticator::new().configure_curve_callback("*", move |_, key| {
            count.fetch_add(1, Ordering::SeqCst);
            if key == evil_key {
                _ = hang.lock().map(|hang| hang.recv());
            }
            true
        })?;
        policy.update(|policy| policy.limits.bans = None);
        let security = ServerSecurity::curve(server_keys.pair()).with_authenticator(policy);
        let server = Dealer::new(Options::new().security(security))?;
        let mut events = server.monitor();
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        let client = |keys: &Keys| -> Fallible<Dealer> {
            let server_key = *server_keys.pair().public();
            let security = Security::curve_client(keys.pair(), server_key)?;
            let client = Dealer::new(Options::new().security(security))?;
            client.connect(&endpoint)?;
            Ok(client)
        };
        let _evil = client(&evil)?;
        rt::until("the call that hangs", || asked.load(Ordering::SeqCst) == 1).await;
        let _good = client(&good)?;
        let peer = watch::success("the other", &mut events).await;
        assert_eq!(peer.verified.public_key, Some(*good.pair().public().as_bytes()));
        Ok(())
    })
}
