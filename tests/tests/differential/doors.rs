//! The sockets that are knocked at: libzmq in another process, ironhouse in this one.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use curve::{KeyPair, SecretKey};
use fuzz_targets::common::secrets;
use ironhouse::error::Disconnect;
use ironhouse::{Event, Monitor, Options, Rep, Router, Security, ServerSecurity};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::{Done, Fallible, rt};

/// Where to knock, by name.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    endpoints: BTreeMap<String, String>,
    /// Ours say why they turn somebody away.
    rules: Option<Rules>,
}

impl Doors {
    /// The endpoint of this name.
    pub(crate) fn endpoint(&self, name: &str) -> &str {
        self.endpoints.get(name).expect("a door of this name")
    }

    /// By which rule the one at this address was turned away here, if that is said; asked for while the
    /// connection is still open, so that no other one can have the same address.
    pub(crate) async fn rule(&self, endpoint: &str, address: SocketAddr) -> Option<&'static str> {
        let key = (endpoint.to_owned(), address.to_string());
        let look = || self.rules.as_ref()?.lock().expect("no panic").remove(&key);
        match self.rules {
            Some(_) => Some(rt::until_some("the reason of a refusal", look).await),
            None => None,
        }
    }
}

/// The rules that were broken, by the endpoint and the address of who broke them.
type Rules = Arc<Mutex<HashMap<(String, String), &'static str>>>;

/// The process with the sockets of libzmq.
pub(crate) struct Theirs {
    child: Child,
    pub(crate) doors: Doors,
}

impl Theirs {
    pub(crate) fn open() -> Fallible<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_libzmq_doors"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut doors = Doors::default();
        for line in BufReader::new(output).lines().take(4) {
            let line = line?;
            let (name, endpoint) = line.split_once(' ').ok_or("two words")?;
            doors.endpoints.insert(name.to_owned(), endpoint.to_owned());
        }
        Ok(Self { child, doors })
    }

    /// It must have lived until now.
    pub(crate) fn close(mut self) -> Done {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("libzmq ended: {status}").into());
        }
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Sockets of ironhouse.
pub(crate) struct Ours {
    pub(crate) doors: Doors,
    rules: Rules,
}

impl Ours {
    pub(crate) async fn open() -> Fallible<Self> {
        let server = KeyPair::from_secret(SecretKey::from_bytes(secrets::SERVER));
        let judge = Judge::accept("anybody");
        let plain = ServerSecurity::plain().with_authenticator(judge.clone());
        let curve = ServerSecurity::curve(server).with_authenticator(judge);
        let rules = Rules::default();
        let doors = Doors { rules: Some(rules.clone()), ..Doors::default() };
        let mut house = Self { doors, rules };
        house.rep("null-rep", Security::null()).await?;
        house.rep("plain-rep", plain).await?;
        house.rep("curve-rep", curve).await?;
        house.router("null-router").await?;
        Ok(house)
    }

    async fn rep(&mut self, name: &str, security: Security) -> Done {
        let rep = Arc::new(Rep::new(Options::new().security(security))?);
        self.watch(rep.monitor());
        self.opened(name, rep.bind("tcp://127.0.0.1:*").await?);
        tokio::spawn(async move {
            while let Ok(message) = rep.recv().await {
                // Whoever asked may have left.
                _ = rep.send(message).await;
            }
        });
        Ok(())
    }

    async fn router(&mut self, name: &str) -> Done {
        let router = Arc::new(Router::new(Options::new())?);
        self.watch(router.monitor());
        self.opened(name, router.bind("tcp://127.0.0.1:*").await?);
        tokio::spawn(async move {
            while let Ok(message) = router.recv().await {
                _ = router.send(message).await;
            }
        });
        Ok(())
    }

    fn opened(&mut self, name: &str, endpoint: impl ToString) {
        self.doors.endpoints.insert(name.to_owned(), endpoint.to_string());
    }

    fn watch(&self, mut monitor: Monitor) {
        let rules = self.rules.clone();
        tokio::spawn(async move {
            while let Some(event) = monitor.next_event().await {
                let (endpoint, address, error) = match &event {
                    Event::HandshakeFailed { endpoint, address, error } => {
                        (endpoint, address, error)
                    }
                    Event::Disconnected {
                        endpoint,
                        address,
                        cause: Disconnect::Protocol(error),
                        ..
                    } => (endpoint, address, error),
                    _ => continue,
                };
                let rule = error.rule().id;
                let key = (endpoint.to_string(), address.to_string());
                rules.lock().expect("no panic").insert(key, rule);
            }
        });
    }
}
