//! The socket types.

mod base;
mod dealer;
mod pair;
mod publisher;
mod pull;
mod push;
mod rep;
mod req;
mod router;
mod sub;
mod traffic;
mod xpub;
mod xsub;

pub use base::IntoEndpoint;
pub use dealer::Dealer;
pub use pair::Pair;
pub use publisher::Pub;
pub use pull::Pull;
pub use push::Push;
pub use rep::Rep;
pub use req::Req;
pub use router::Router;
pub use sub::Sub;
pub use xpub::XPub;
pub use xsub::XSub;
