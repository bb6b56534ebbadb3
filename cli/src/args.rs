//! Arguments that several commands take.

use std::time::Duration;

use clap::Args;
use ironhouse::{Endpoint, SocketType};

use crate::exit::Failure;
use crate::security::{not_inproc, reachable};

/// Where a socket goes: exactly one of the two.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Place {
    /// Listens here, for example at tcp://127.0.0.1:5555, tcp://*:* or ipc:///tmp/here
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) bind: Option<Endpoint>,
    /// Connects to here, again and again until somebody listens
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) connect: Option<Endpoint>,
}

impl Place {
    /// Insists on a place that another process can meet this one at.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.bind.as_ref().map_or(Ok(()), not_inproc)?;
        self.connect.as_ref().map_or(Ok(()), reachable)
    }
}

/// A time that is more than nothing and up to a day.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(time) if time > 0.0 && time <= 86_400.0 => Ok(Duration::from_secs_f64(time)),
        _ => Err("expected a number of seconds above 0 and up to 86400".to_owned()),
    }
}

/// A type by its name, in any case.
pub(crate) fn socket_type(text: &str) -> Result<SocketType, String> {
    SocketType::from_property(text.to_ascii_uppercase().as_bytes()).ok_or_else(|| {
        format!("expected one of {}", SocketType::ALL.map(SocketType::as_str).join(", "))
    })
}
