//! Where credentials are kept: passwords, keys and directories of certificates.

mod certificates;
mod keys;
mod passwords;

pub use certificates::CertificateStore;
#[cfg(feature = "watch")]
pub(crate) use certificates::is_secret;
pub use keys::KeySet;
pub(crate) use keys::key_user_id;
pub use passwords::{PasswordError, PasswordFault, Passwords};
