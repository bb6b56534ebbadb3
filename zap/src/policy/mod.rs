//! Who may come in, as data.

mod diff;
mod domains;
#[cfg(feature = "policy-file")]
mod file;
mod reload;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zmtp_core::auth::{AuthRequest, UserId};
use zmtp_core::wire::greeting::MechanismName;

pub use diff::{Difference, DifferenceKind};
pub use domains::DomainError;
pub(crate) use domains::{ANY_DOMAIN, Domains, domain};
#[cfg(feature = "policy-file")]
pub use file::{PolicyError, PolicyProblem};
pub(crate) use reload::Fits;

use crate::address::{AddressError, AddressRules};
use crate::certificate::CertificateError;
use crate::gate::GateLimits;
use crate::provider::{AnyKey, Anyone, CurveCallback, Principals, Provider, covers};
use crate::store::{CertificateStore, KeySet, PasswordError, Passwords};

/// Every key may come in, as in pyzmq.
pub const CURVE_ALLOW_ANY: CurveKeys = CurveKeys::AllowAny;

/// Who is who speaks NULL, unless the policy says otherwise; pyzmq's choice.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// Which keys may come in under CURVE.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CurveKeys {
    /// Every key: the server is authenticated, its clients are not.
    AllowAny,
    /// The keys of this set.
    Only(Arc<KeySet>),
    /// The keys of a directory, which can be read again.
    Stored(Arc<CertificateStore>),
}

impl From<KeySet> for CurveKeys {
    fn from(keys: KeySet) -> Self {
        Self::Only(Arc::new(keys))
    }
}

impl From<CertificateStore> for CurveKeys {
    fn from(store: CertificateStore) -> Self {
        Self::Stored(Arc::new(store))
    }
}

impl TryFrom<&Path> for CurveKeys {
    type Error = CertificateError;

    fn try_from(directory: &Path) -> Result<Self, CertificateError> {
        CertificateStore::load(directory).map(Self::from)
    }
}

impl TryFrom<&str> for CurveKeys {
    type Error = CertificateError;

    fn try_from(directory: &str) -> Result<Self, CertificateError> {
        Path::new(directory).try_into()
    }
}

impl TryFrom<PathBuf> for CurveKeys {
    type Error = CertificateError;

    fn try_from(directory: PathBuf) -> Result<Self, CertificateError> {
        directory.as_path().try_into()
    }
}

impl CurveKeys {
    fn into_provider(self) -> Arc<dyn Provider> {
        match self {
            Self::AllowAny => Arc::new(AnyKey),
            Self::Only(keys) => keys,
            Self::Stored(store) => store,
        }
    }
}

/// Something that cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The domain.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// An address rule.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A directory of certificates.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// A file of passwords.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}

impl From<Infallible> for ConfigError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A provider under its name.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) name: Arc<str>,
    pub(crate) provider: Arc<dyn Provider>,
}

/// Providers of one mechanism in one domain, in the order in which they are asked.
pub(crate) type Chain = Vec<Link>;

/// The user of a key.
type UserOfKey = dyn Fn(&[u8; 32]) -> Option<UserId> + Send + Sync;

/// Chooses the user of a key that may come in.
#[derive(Clone)]
pub(crate) struct NameKey(pub(crate) Arc<UserOfKey>);

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey(..)")
    }
}

/// What an authenticator decides by. What is not configured is refused, but for NULL.
///
/// A peer must pass the address rules for all, those of its listener and those of its domain, before
/// anybody looks at its credentials. Then the providers of its mechanism in its domain are asked in
/// turn, until one says yes or no.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Which addresses may come near at all.
    pub addresses: AddressRules,
    /// How often addresses may come near.
    pub limits: GateLimits,
    pub(crate) listeners: Vec<(Arc<str>, AddressRules)>,
    pub(crate) domain_addresses: Domains<AddressRules>,
    pub(crate) mechanisms: Vec<(MechanismName, Domains<Chain>)>,
    pub(crate) name_key: Option<NameKey>,
    pub(crate) file: Option<Arc<Path>>,
}

impl Policy {
    /// Lets in who speaks NULL, from anywhere, and nobody else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The address rules of one domain (`*`: of all without rules of their own).
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn domain_addresses(&mut self, name: &str) -> Result<&mut AddressRules, DomainError> {
        Ok(self.domain_addresses.entry(domain(name)?))
    }

    /// The address rules of one listener, or of all whose endpoints a pattern with `*` covers. The first
    /// that was named counts. Where there are any, a peer is refused of which nobody tells the listener:
    /// requests of 27/ZAP do not.
    pub fn listener_addresses(&mut self, endpoint: &str) -> &mut AddressRules {
        entry(&mut self.listeners, |known| &**known == endpoint, || endpoint.into())
    }

    /// The endpoints and patterns of those listeners that have address rules.
    pub fn listeners(&self) -> impl Iterator<Item = &str> {
        self.listeners.iter().map(|(pattern, _)| &**pattern)
    }

    pub(crate) fn rules_of_listener(&self, endpoint: &str) -> Option<&(Arc<str>, AddressRules)> {
        self.listeners.iter().find(|(pattern, _)| covers(pattern, endpoint))
    }

    /// Lets peers that speak NULL into `domain` (`*`: into all without entry) under this user id or
    /// without any. Until this is called, they come into every domain, as `anonymous`; afterwards only
    /// into those that were named.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_null(
        &mut self,
        domain: &str,
        user_id: Option<UserId>,
    ) -> Result<(), DomainError> {
        self.set_provider(domain, MechanismName::NULL, Arc::new(Anyone(user_id)))
    }

    /// Lets nobody in under NULL, but into the domains of which [`configure_null`](Self::configure_null)
    /// says so.
    pub fn refuse_null(&mut self) {
        let null = MechanismName::NULL;
        let _: &mut Domains<Chain> = entry(&mut self.mechanisms, |known| *known == null, || null);
    }

    /// Lets these users into `domain` (`*`: into all without entry) under PLAIN. The user id is the
    /// user name. Of two calls for one domain the later counts.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_plain(&mut self, domain: &str, users: Passwords) -> Result<(), DomainError> {
        self.set_provider(domain, MechanismName::PLAIN, Arc::new(users))
    }

    /// As [`configure_plain`](Self::configure_plain), from a file that can be read again.
    ///
    /// # Errors
    /// [`ConfigError`] with the file and line.
    pub fn configure_plain_file(
        &mut self,
        domain: &str,
        file: impl AsRef<Path>,
    ) -> Result<(), ConfigError> {
        Ok(self.configure_plain(domain, Passwords::load(file)?)?)
    }

    /// Lets the holders of these keys into `domain` (`*`: into all without entry) under CURVE: a
    /// [`KeySet`], a [`CertificateStore`], the path of a directory, or [`CURVE_ALLOW_ANY`]. The user id
    /// is the one of the certificate, or else the text of the key. Of two calls for one domain the later
    /// counts.
    ///
    /// # Errors
    /// [`ConfigError`] for a domain over 255 octets or a directory that cannot be read.
    pub fn configure_curve<K>(&mut self, domain: &str, keys: K) -> Result<(), ConfigError>
    where
        K: TryInto<CurveKeys, Error: Into<ConfigError>>,
    {
        let keys = keys.try_into().map_err(Into::into)?;
        Ok(self.set_provider(domain, MechanismName::CURVE, keys.into_provider())?)
    }

    /// Lets a function of domain and key, synchronous or not, or any [`Provider`] judge the keys in
    /// `domain` (`*`: in all without entry). Of two calls for one domain the later counts.
    ///
    /// A function that hangs holds up its own peer only, which is refused when the time for a decision
    /// is up (300). A synchronous one is called on threads of its own: 64 calls go on at once and
    /// 1,024 wait. When 64 hang for good, those who need this function are refused (300) until
    /// it is replaced; nobody else notices.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_curve_callback<K>(
        &mut self,
        domain: &str,
        callback: impl CurveCallback<K>,
    ) -> Result<(), DomainError> {
        self.set_provider(domain, MechanismName::CURVE, callback.into_provider())
    }

    /// Lets these principals into `domain` (`*`: into all without entry) under GSSAPI.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_gssapi(
        &mut self,
        domain: &str,
        principals: Principals,
    ) -> Result<(), DomainError> {
        self.set_provider(domain, MechanismName::GSSAPI, Arc::new(principals))
    }

    /// Chooses the user of each key that may come in; `None` leaves what was known.
    pub fn curve_user_id(
        &mut self,
        user_of: impl Fn(&[u8; 32]) -> Option<UserId> + Send + Sync + 'static,
    ) {
        self.name_key = Some(NameKey(Arc::new(user_of)));
    }

    /// Lets one provider alone judge what a mechanism presents in `domain` (`*`: in all without entry).
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn set_provider(
        &mut self,
        domain: &str,
        mechanism: MechanismName,
        provider: Arc<dyn Provider>,
    ) -> Result<(), DomainError> {
        self.chain(domain, mechanism)?.clear();
        self.add_provider(domain, mechanism, provider)
    }

    /// Lets one more provider judge, when those before it abstain.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn add_provider(
        &mut self,
        domain: &str,
        mechanism: MechanismName,
        provider: Arc<dyn Provider>,
    ) -> Result<(), DomainError> {
        let name = Cow::into_owned(provider.name()).into();
        self.chain(domain, mechanism)?.push(Link { name, provider });
        Ok(())
    }

    fn chain(&mut self, name: &str, mechanism: MechanismName) -> Result<&mut Chain, DomainError> {
        let name = domain(name)?;
        Ok(entry(&mut self.mechanisms, |known| *known == mechanism, || mechanism).entry(name))
    }

    pub(crate) fn chains(&self, mechanism: MechanismName) -> Option<&Domains<Chain>> {
        self.mechanisms.iter().find(|(known, _)| *known == mechanism).map(|(_, chains)| chains)
    }

    /// Whether anybody at all can come in under `mechanism`, whoever that is and into whichever domain.
    #[must_use]
    pub fn lets_in(&self, mechanism: MechanismName) -> bool {
        let unsaid = mechanism == MechanismName::NULL;
        self.chains(mechanism).map_or(unsaid, |chains| !chains.is_empty())
    }

    /// What to keep of a request while its peer is in: all but a password, if one provider alone
    /// judges it that can do without.
    #[must_use]
    pub fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        let chains = self.chains(request.mechanism);
        let kept = match chains.and_then(|chains| chains.get(&request.domain)) {
            Some((chain, _)) => match chain.as_slice() {
                [link] => link.provider.retain(request),
                _ => None,
            },
            None => None,
        };
        match kept {
            Some(credentials) => {
                Arc::new(AuthRequest { credentials, ..AuthRequest::clone(request) })
            }
            None => request.clone(),
        }
    }

    /// Gets ready to decide, so that no peer waits for that.
    pub(crate) fn prepare(&self) {
        let listeners = self.listeners.iter().map(|(_, rules)| rules);
        let domains = self.domain_addresses.iter().map(|(_, rules)| rules);
        let all = [&self.addresses, &self.limits.exempt].into_iter();
        all.chain(listeners).chain(domains).for_each(AddressRules::prepare);
    }

    fn providers(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        let chains = self.mechanisms.iter().flat_map(|(_, domains)| domains.iter());
        chains.flat_map(|(_, chain)| chain).map(|link| &link.provider)
    }

    /// The files and directories that this policy was read from, to watch.
    #[must_use]
    pub fn sources(&self) -> Vec<PathBuf> {
        let stores = self.providers().filter_map(|provider| provider.source());
        let mut sources: Vec<_> =
            self.file.as_deref().into_iter().chain(stores).map(Into::into).collect();
        sources.sort();
        sources.dedup();
        sources
    }

    /// What was left out of the sources because it is bad, by file and line.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let mut left_out: Vec<_> = self.providers().flat_map(|it| it.left_out()).collect();
        left_out.sort();
        left_out.dedup();
        left_out
    }
}

/// The value of the first key that `is` the one, or of a new one behind all.
fn entry<K, V: Default>(
    entries: &mut Vec<(K, V)>,
    is: impl Fn(&K) -> bool,
    key: impl FnOnce() -> K,
) -> &mut V {
    let at = entries.iter().position(|(known, _)| is(known)).unwrap_or_else(|| {
        entries.push((key(), V::default()));
        entries.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
    &mut entries[at].1
}
