//! Connecting through a SOCKS 5 proxy (RFC 1928; with a user name and password, RFC 1929).

use tokio::net::TcpStream;
use tokio_socks::Error;
use tokio_socks::tcp::Socks5Stream;
use zmtp_core::auth::Secret;
use zmtp_core::mechanism::plain::CredentialTooLong;

use super::error::{DialErrorKind, Failure};
use crate::endpoint::{Endpoint, EndpointError, Host, TcpAddress, TcpEndpoint};

/// A SOCKS 5 proxy. It resolves the names of hosts, and sees all that is not encrypted: CURVE keeps
/// secrets from it, NULL and PLAIN do not.
///
/// ```
/// use transport::net::{SocksProxy, TransportOptions};
///
/// let mut options = TransportOptions::default();
/// options.socks_proxy = Some(SocksProxy::new("proxy.example:1080")?);
/// # Ok::<(), transport::endpoint::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksProxy {
    endpoint: TcpEndpoint,
    login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Login {
    username: String,
    password: Secret,
}

impl SocksProxy {
    /// The proxy at `address`: host and port, written as behind `tcp://` (`ZMQ_SOCKS_PROXY`).
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn new(address: &str) -> Result<Self, EndpointError> {
        let endpoint: Endpoint = format!("tcp://{address}").parse()?;
        endpoint.check_connect()?;
        let Endpoint::Tcp(endpoint) = endpoint else { unreachable!("it begins with tcp://") };
        Ok(Self { endpoint, login: None })
    }

    /// Logs in, if the proxy wants that (`ZMQ_SOCKS_USERNAME`, `ZMQ_SOCKS_PASSWORD`). Both are sent as
    /// they are: whoever listens on the way to the proxy learns them.
    ///
    /// # Errors
    /// [`CredentialTooLong`] for more than 255 octets.
    pub fn with_login(mut self, username: &str, password: &str) -> Result<Self, CredentialTooLong> {
        if username.len() > 255 || password.len() > 255 {
            return Err(CredentialTooLong);
        }
        let (username, password) = (username.to_owned(), Secret::new(password.into()));
        self.login = Some(Login { username, password });
        Ok(self)
    }

    /// Where the proxy is, to be reached from `source` if there is one.
    pub(super) fn endpoint(&self, source: Option<&TcpAddress>) -> TcpEndpoint {
        match source {
            Some(source) => self.endpoint.clone().with_source(source.clone()),
            None => self.endpoint.clone(),
        }
    }

    /// Asks the proxy at the other end of `stream` for a connection to `target`.
    pub(super) async fn pass(
        &self,
        stream: TcpStream,
        target: &TcpAddress,
    ) -> Result<TcpStream, Failure<DialErrorKind>> {
        let host = match target.host() {
            Host::Name(name) => name.as_str().to_owned(),
            Host::V4(ip) => ip.to_string(),
            Host::V6(ip, None) => ip.to_string(),
            // An interface of this machine means nothing to another one.
            Host::Any | Host::V6(_, Some(_)) => return Err(DialErrorKind::Resolve.into()),
        };
        let target = (host.as_str(), target.port());
        let passed = match &self.login {
            None => Socks5Stream::connect_with_socket(stream, target).await,
            Some(Login { username, password }) => {
                let password = std::str::from_utf8(password.expose()).unwrap_or_default();
                Socks5Stream::connect_with_password_and_socket(stream, target, username, password)
                    .await
            }
        };
        passed.map(Socks5Stream::into_inner).map_err(failure)
    }
}

fn failure(error: Error) -> Failure<DialErrorKind> {
    let kind = match error {
        Error::Io(error) => {
            let cause = Some(error.into());
            return Failure { kind: DialErrorKind::Proxy("broke the connection"), cause };
        }
        // What the proxy says of the host behind it.
        Error::ConnectionRefused => DialErrorKind::Refused,
        Error::HostUnreachable | Error::NetworkUnreachable => DialErrorKind::Unreachable,
        Error::TtlExpired => DialErrorKind::TimedOut,
        Error::ConnectionNotAllowedByRuleset => {
            DialErrorKind::Proxy("does not allow this connection")
        }
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => {
            DialErrorKind::Proxy("wants another login")
        }
        Error::PasswordAuthFailure(_) | Error::InvalidAuthValues(_) => {
            DialErrorKind::Proxy("refused the user name or password")
        }
        Error::GeneralSocksServerFailure => DialErrorKind::Proxy("failed"),
        Error::CommandNotSupported | Error::AddressTypeNotSupported => {
            DialErrorKind::Proxy("cannot make such connections")
        }
        _ => DialErrorKind::Proxy("does not speak SOCKS 5"),
    };
    kind.into()
}
