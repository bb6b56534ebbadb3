//! The text of an endpoint.

use transport::Endpoint;

use crate::common::heap;

/// What parses is displayed as text that parses to the same; nothing panics, nothing is guessed.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match heap::bounded(text.len(), 0, || text.parse::<Endpoint>()) {
        Ok(endpoint) => {
            let shown = endpoint.to_string();
            assert_eq!(shown.parse(), Ok(endpoint.clone()), "{shown:?}");
            assert!(["tcp://", "ipc://", "inproc://"].iter().any(|it| text.starts_with(it)));
            assert!(!text.contains('\0'));
            for error in [endpoint.check_bind().err(), endpoint.check_connect().err()] {
                assert_printable(error);
            }
        }
        Err(error) => assert_printable(Some(error)),
    }
}

fn assert_printable(error: Option<transport::endpoint::EndpointError>) {
    let shown = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(!shown.contains(char::is_control), "unescaped: {shown:?}");
}
