//! Handlers of 27/ZAP that are not the authenticator of the socket.

mod hostile;
mod house;
mod inproc;
mod remote;
mod serve;
