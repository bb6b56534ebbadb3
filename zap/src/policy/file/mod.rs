//! A policy as a file of TOML, for commands and programs.

mod form;
mod problem;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use tracing::{info, warn};
use zmtp_core::auth::UserId;
use zmtp_core::wire::greeting::MechanismName;

use form::{Form, Limit, Rules, Store, Text};
pub use problem::{PolicyError, PolicyProblem};
use problem::{Problems, without_value};

use super::{Policy, domain};
use crate::address::AddressRules;
use crate::file::{self, FileFault};
use crate::gate::{BanRules, GateLimits, Rate};
use crate::platform;
use crate::provider::{
    AnyKey, Anyone, Principals, Provider, Remember, Remembering, Statement, covers,
};
use crate::store::{CertificateStore, KeySet, PasswordError, PasswordFault, Passwords};

/// Largest file that is read.
const MAX_FILE: u32 = 16 * 1024 * 1024;

impl Policy {
    /// Reads a policy file; see [`check`](Self::check) for what may stand there. Warnings are logged.
    ///
    /// # Errors
    /// [`PolicyError`] with everything that is wrong, by file and line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        let path = path.as_ref();
        let (policy, problems) = Self::check(path);
        let (errors, warnings): (Vec<_>, Vec<_>) = problems.into_iter().partition(|it| it.is_error);
        for problem in warnings {
            warn!(%problem, "policy");
        }
        let policy = policy.filter(|_| errors.is_empty()).ok_or(PolicyError(errors))?;
        info!(file = %path.display(), "loaded a policy");
        Ok(policy)
    }

    /// Reads a policy file, and says what is wrong with it and what is worth a second look. There is no
    /// policy if there is an error.
    ///
    /// ```toml
    /// # All of it may be left out. Paths begin at the directory of this file.
    /// [limits]                        # defaults: see GateLimits
    /// off = ["all"]                   # per_source, all, bans
    /// per_source = { per_second = 20, burst = 100 }
    /// bans = { after = 20, within = "1m", first = "30s", longest = "1h" }
    /// exempt = ["loopback", "unix", "inproc"]
    ///
    /// [addresses]                     # of every peer; rules: see AddressRules
    /// allow = ["192.0.2.0/24"]
    /// deny = ["192.0.2.66"]
    ///
    /// [listeners."tcp://*:9000"]      # of peers of these endpoints; * stands for any text
    /// deny = ["private"]
    ///
    /// [stores.team]
    /// certificates = "keys"           # a directory: see CertificateStore
    /// [stores.robots.keys]            # or keys and their users
    /// "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7" = "robot-1"
    /// [stores.staff]
    /// passwords = "users"             # or a file: see Passwords
    /// clear_text = false              # whether it may hold passwords in clear text
    /// remember = { accepted = "1m", refused = "5s" }
    /// [stores.kerberos]
    /// principals = { allow = ["*@EXAMPLE.ORG"] }   # or rules: see Principals
    /// [stores.anybody]
    /// any_key = true                  # or every key
    ///
    /// [domains.lab]                   # "*": all that have no entry of their own
    /// allow = ["10.0.0.0/8"]
    /// curve = ["team", "robots"]      # asked in turn
    /// plain = ["staff"]
    /// gssapi = ["kerberos"]
    /// null = "anonymous"              # who everybody is that speaks NULL; "" is nobody
    /// ```
    ///
    /// A file that names a domain lets nobody in under NULL but where a domain says so.
    #[must_use]
    pub fn check(path: impl AsRef<Path>) -> (Option<Self>, Vec<PolicyProblem>) {
        let path = path.as_ref();
        let mut problems = Problems::new(path, "");
        let (content, system) = match file::read(path, MAX_FILE) {
            Ok(read) => read,
            Err(fault) => {
                problems.add(None, true, fault.to_string());
                return (None, problems.found);
            }
        };
        let Ok(text) = std::str::from_utf8(&content) else {
            problems.add(None, true, FileFault::NotText.to_string());
            return (None, problems.found);
        };
        let mut problems = Problems::new(path, text);
        if platform::writable_by_others(&system) {
            let text = "others may write this file, and so let themselves in; run chmod go-w";
            problems.add(None, false, text.to_owned());
        }
        let form: Form = match toml::from_str(text) {
            Ok(form) => form,
            Err(error) => {
                let line = error.span().map(|span| problems.line(span.start));
                problems.add(line, true, without_value(error.message()).to_owned());
                return (None, problems.found);
            }
        };
        let mut policy = Builder { path, problems, policy: Self::new() }.build(form);
        let errors = policy.problems.found.iter().any(|problem| problem.is_error);
        policy.policy.file = Some(path.into());
        policy.problems.found.sort_by_key(|problem| (problem.line, !problem.is_error));
        ((!errors).then_some(policy.policy), policy.problems.found)
    }
}

/// A policy of which some entries are understood.
struct Builder<'a> {
    path: &'a Path,
    problems: Problems<'a>,
    policy: Policy,
}

/// A store, and which mechanism may ask it.
struct Named {
    at: usize,
    mechanism: &'static str,
    provider: Arc<dyn Provider>,
    used: bool,
}

/// What was said of somebody, and by which store.
type Spoken = BTreeMap<String, (String, Statement)>;

impl Builder<'_> {
    fn build(mut self, form: Form) -> Self {
        self.policy.limits = self.limits(form.limits);
        self.policy.addresses = self.rules(form.addresses);
        let mut listeners: Vec<_> = form.listeners.into_iter().collect();
        listeners.sort_by_key(|(name, _)| name.span().start);
        for (name, rules) in listeners {
            self.look_for_shadows(&name);
            *self.policy.listener_addresses(name.get_ref()) = self.rules(rules);
        }
        let mut stores = BTreeMap::new();
        for (name, store) in form.stores {
            let at = name.span().start;
            if let Some((mechanism, provider)) = self.store(at, store) {
                let named = Named { at, mechanism, provider, used: false };
                stores.insert(name.into_inner(), Some(named));
            } else {
                // It is there, only broken.
                stores.insert(name.into_inner(), None);
            }
        }
        if !form.domains.is_empty() {
            self.policy.refuse_null();
        }
        for (name, entry) in form.domains {
            self.domain(&name, entry, &mut stores);
        }
        for (name, store) in &stores {
            if let Some(Named { at, used: false, .. }) = store {
                self.problems.warning(*at, format_args!("no domain names the store \"{name}\""));
            }
        }
        self
    }

    /// Of two listeners that an endpoint fits, the first one counts.
    fn look_for_shadows(&mut self, name: &Text) {
        let text = name.get_ref();
        // A ? covers no *.
        let wider =
            |first: &&str| covers(first, text) && !(first.contains('?') && text.contains('*'));
        let shadow = self.policy.listeners().find(wider).map(str::to_owned);
        if let Some(first) = shadow {
            let text = format!(
                "these rules never count: the listener \"{first}\" stands before and covers it"
            );
            self.problems.warning(name.span().start, text);
        }
    }

    fn limits(&mut self, form: form::Limits) -> GateLimits {
        let mut limits = GateLimits::default();
        let rate = |rate: form::Rate| Rate { per_second: rate.per_second, burst: rate.burst };
        if let Some(set) = form.per_source {
            limits.per_source = Some(rate(set));
        }
        if let Some(set) = form.all {
            limits.all = Some(rate(set));
        }
        if let Some(form::Bans { after, within, first, longest }) = form.bans {
            limits.bans = Some(BanRules { after, within, first, longest });
        }
        for limit in form.off {
            match limit {
                Limit::PerSource => limits.per_source = None,
                Limit::All => limits.all = None,
                Limit::Bans => limits.bans = None,
            }
        }
        if let Some(allow) = form.exempt {
            limits.exempt = self.rules(Rules { allow, deny: Vec::new() });
        }
        limits
    }

    /// A table of rules, in which two rules for the same network are one too many.
    fn rules(&mut self, form: Rules) -> AddressRules {
        let mut rules = AddressRules::new();
        let allow = form.allow.into_iter().map(|rule| (true, rule));
        for (allows, rule) in allow.chain(form.deny.into_iter().map(|rule| (false, rule))) {
            let (at, line) = (rule.span().start, self.problems.line(rule.span().start));
            match rules.insert(allows, rule.get_ref(), Some(line)) {
                Ok(replaced) => {
                    for other in replaced {
                        let text =
                            format!("\"{}\" stands here again after \"{other}\"", rule.get_ref());
                        if other.allows == allows {
                            self.problems.warning(at, text);
                        } else {
                            self.problems.error(at, text + ", which says the opposite");
                        }
                    }
                }
                Err(error) => self.problems.error(at, error),
            }
        }
        rules
    }

    fn store(&mut self, at: usize, form: Store) -> Option<(&'static str, Arc<dyn Provider>)> {
        let Store { certificates, passwords, clear_text, keys, any_key, principals, remember } =
            form;
        let clear_text_of_nothing = clear_text && passwords.is_none();
        let (mechanism, provider): (_, Option<Arc<dyn Provider>>) =
            match (certificates, passwords, keys, any_key, principals) {
                (Some(directory), None, None, false, None) => {
                    ("curve", self.certificates(&directory))
                }
                (None, Some(file), None, false, None) => {
                    ("plain", self.passwords(&file, clear_text))
                }
                (None, None, Some(keys), false, None) => ("curve", self.keys(keys)),
                (None, None, None, true, None) => ("curve", Some(Arc::new(AnyKey))),
                (None, None, None, false, Some(rules)) => ("gssapi", self.principals(rules)),
                _ => {
                    let text =
                        "expected one of certificates, keys, any_key = true, passwords, principals";
                    self.problems.error(at, text);
                    return None;
                }
            };
        if clear_text_of_nothing {
            self.problems.error(at, "clear_text says something of passwords only");
        }
        let provider = provider?;
        let provider = match remember {
            Some(form::Remember { accepted, refused }) => {
                Arc::new(Remembering::new(provider, Remember { accepted, refused }))
            }
            None => provider,
        };
        Some((mechanism, provider))
    }

    fn certificates(&mut self, directory: &Text) -> Option<Arc<dyn Provider>> {
        let at = directory.span().start;
        match CertificateStore::load(self.resolve(directory)) {
            Ok(store) => {
                for problem in store.problems() {
                    self.problems.warning(at, problem);
                }
                self.look_at_size(at, store.keys().len());
                Some(Arc::new(store))
            }
            Err(error) => {
                self.problems.error(at, error);
                None
            }
        }
    }

    fn passwords(&mut self, file: &Text, clear_text: bool) -> Option<Arc<dyn Provider>> {
        let path = self.resolve(file);
        let users = if clear_text { Passwords::load(&path) } else { Passwords::load_hashed(&path) };
        let at = file.span().start;
        let users = users.map_err(|error| self.problems.error(at, error)).ok()?;
        if let Some(mode) = std::fs::metadata(&path).ok().as_ref().and_then(platform::exposed_mode)
        {
            let exposed = PasswordError::new(PasswordFault::Exposed(mode)).in_file(&path);
            self.problems.warning(at, exposed);
        }
        self.look_at_size(at, users.len());
        Some(Arc::new(users))
    }

    fn look_at_size(&mut self, at: usize, size: usize) {
        if size == 0 {
            self.problems.warning(at, "nobody stands here");
        }
    }

    fn keys(&mut self, keys: BTreeMap<Text, String>) -> Option<Arc<dyn Provider>> {
        let mut set = KeySet::new();
        for (text, user) in keys {
            let at = text.span().start;
            let key = z85::decode(text.get_ref()).ok().and_then(|key| key.try_into().ok());
            match (key, UserId::new(&user)) {
                (None, _) => self.problems.error(at, "expected a key of 40 characters of Z85"),
                (_, None) => self.problems.error(at, "a user id has at most 255 octets"),
                (Some(key), Some(user)) if user.is_empty() => set.insert(key),
                (Some(key), Some(user)) => set.insert_as(key, user),
            }
        }
        Some(Arc::new(set))
    }

    fn principals(&mut self, rules: Rules) -> Option<Arc<dyn Provider>> {
        let mut principals = Principals::new();
        let allow = rules.allow.into_iter().map(|rule| (true, rule));
        for (allows, rule) in allow.chain(rules.deny.into_iter().map(|rule| (false, rule))) {
            let before = principals.clone();
            let text = rule.get_ref();
            let after = if allows { principals.allow(text) } else { principals.deny(text) };
            principals = after.unwrap_or_else(|error| {
                self.problems.error(rule.span().start, error);
                before
            });
        }
        Some(Arc::new(principals))
    }

    fn resolve(&self, path: &Text) -> std::path::PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path.get_ref())
    }

    fn domain(
        &mut self,
        name: &Text,
        entry: form::Domain,
        stores: &mut BTreeMap<String, Option<Named>>,
    ) {
        let at = name.span().start;
        if domain(name.get_ref()).is_err() {
            return self.problems.error(at, "a domain has at most 255 octets");
        }
        let form::Domain { allow, deny, null, plain, curve, gssapi } = entry;
        if null.is_none() && plain.is_empty() && curve.is_empty() && gssapi.is_empty() {
            self.problems.warning(at, "this domain lets nobody in: it names no mechanism");
        }
        if !allow.is_empty() || !deny.is_empty() {
            let rules = self.rules(Rules { allow, deny });
            if let Ok(table) = self.policy.domain_addresses(name.get_ref()) {
                *table = rules;
            }
        }
        if let Some(user) = null {
            match UserId::new(user.get_ref()) {
                Some(id) => {
                    let user_id = (!id.is_empty()).then_some(id);
                    self.add(name, MechanismName::NULL, Arc::new(Anyone(user_id)));
                }
                None => self.problems.error(user.span().start, "a user id has at most 255 octets"),
            }
        }
        self.chain(name, "plain", MechanismName::PLAIN, plain, stores);
        self.chain(name, "curve", MechanismName::CURVE, curve, stores);
        self.chain(name, "gssapi", MechanismName::GSSAPI, gssapi, stores);
    }

    /// The stores that one mechanism asks in a domain.
    fn chain(
        &mut self,
        name: &Text,
        key: &'static str,
        mechanism: MechanismName,
        chain: Vec<Text>,
        stores: &mut BTreeMap<String, Option<Named>>,
    ) {
        let mut spoken = Spoken::new();
        let alone = chain.len() == 1;
        for store in chain {
            let at = store.span().start;
            let named = match stores.get_mut(store.get_ref()) {
                Some(Some(named)) => named,
                Some(None) => continue,
                None => {
                    self.problems
                        .error(at, format_args!("there is no store \"{}\"", store.get_ref()));
                    continue;
                }
            };
            named.used = true;
            if named.mechanism != key {
                let text = format!(
                    "the store \"{}\" is for {}, not for {key}",
                    store.get_ref(),
                    named.mechanism
                );
                self.problems.error(at, text);
                continue;
            }
            let said = if alone { Vec::new() } else { named.provider.statements() };
            for fact in said {
                let subject = fact.text.split(" is ").next().unwrap_or_default().to_owned();
                let (first, known) = spoken
                    .entry(subject)
                    .or_insert_with(|| (store.get_ref().clone(), fact.clone()));
                if *known != fact {
                    let text = format!(
                        "the stores \"{first}\" and \"{}\" disagree: {}, {}",
                        store.get_ref(),
                        known.text,
                        fact.text
                    );
                    self.problems.error(at, text);
                }
            }
            let provider = named.provider.clone();
            self.add(name, mechanism, provider);
        }
    }

    fn add(
        &mut self,
        name: &Spanned<String>,
        mechanism: MechanismName,
        provider: Arc<dyn Provider>,
    ) {
        // The name was looked at.
        _ = self.policy.add_provider(name.get_ref(), mechanism, provider);
    }
}
