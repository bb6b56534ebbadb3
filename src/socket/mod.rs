//! The socket types.

mod base;
mod dealer;
mod pull;
mod push;
mod rep;
mod req;
mod router;

pub use base::IntoEndpoint;
pub use dealer::Dealer;
pub use pull::Pull;
pub use push::Push;
pub use rep::Rep;
pub use req::Req;
pub use router::Router;
