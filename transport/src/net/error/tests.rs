use std::io;

use super::*;

fn kind_of(error: io::Error) -> AcceptErrorKind {
    AcceptError::new(error).kind()
}

#[test]
fn accept_errors_say_what_to_do() {
    for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
        let error = AcceptError::new(io::Error::from_raw_os_error(code));
        assert_eq!(error.kind(), AcceptErrorKind::Exhausted, "{error}");
        assert!(error.is_exhaustion() && !error.is_fatal());
        assert_eq!(error.cause().code(), Some(code));
    }
    // Those that accept(2) names.
    for code in [
        libc::ECONNABORTED,
        libc::ECONNRESET,
        libc::EINTR,
        libc::EAGAIN,
        libc::EPERM,
        libc::EPROTO,
        libc::ENOPROTOOPT,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::ETIMEDOUT,
        #[cfg(target_os = "linux")]
        libc::ENONET,
    ] {
        let error = io::Error::from_raw_os_error(code);
        assert_eq!(kind_of(error), AcceptErrorKind::Connection, "{code}");
    }
    for code in [libc::EBADF, libc::EINVAL, libc::ENOTSOCK, libc::EFAULT, libc::EOPNOTSUPP] {
        let error = io::Error::from_raw_os_error(code);
        assert_eq!(kind_of(error), AcceptErrorKind::Fatal, "{code}");
    }
}

#[test]
fn errors_of_the_system_have_kinds() {
    type Both = (i32, BindErrorKind, DialErrorKind);
    let table: [Both; 13] = [
        (libc::EADDRINUSE, BindErrorKind::AddressInUse, DialErrorKind::NotAvailable),
        (libc::EADDRNOTAVAIL, BindErrorKind::NotAvailable, DialErrorKind::NotAvailable),
        (libc::EACCES, BindErrorKind::PermissionDenied, DialErrorKind::PermissionDenied),
        (libc::EPERM, BindErrorKind::PermissionDenied, DialErrorKind::PermissionDenied),
        (libc::ENOENT, BindErrorKind::NoSuchPath, DialErrorKind::NoSuchPath),
        (libc::ENOTDIR, BindErrorKind::NoSuchPath, DialErrorKind::NoSuchPath),
        (libc::ENAMETOOLONG, BindErrorKind::PathTooLong, DialErrorKind::PathTooLong),
        (libc::EMFILE, BindErrorKind::Exhausted, DialErrorKind::Exhausted),
        (libc::EROFS, BindErrorKind::PermissionDenied, DialErrorKind::Other),
        (libc::EHOSTUNREACH, BindErrorKind::Other, DialErrorKind::Unreachable),
        (libc::ECONNREFUSED, BindErrorKind::Other, DialErrorKind::Refused),
        (libc::ETIMEDOUT, BindErrorKind::Other, DialErrorKind::TimedOut),
        (
            libc::EAFNOSUPPORT,
            BindErrorKind::Other,
            DialErrorKind::Unsupported("addresses of that kind"),
        ),
    ];
    for (code, bind, dial) in table {
        let error = || io::Error::from_raw_os_error(code);
        assert_eq!(Failure::<BindErrorKind>::from(error()).kind, bind, "{code}");
        assert_eq!(Failure::<DialErrorKind>::from(error()).kind, dial, "{code}");
    }
    let error = SetupError::of("device")(io::Error::from_raw_os_error(libc::EPERM));
    assert_eq!(Failure::<BindErrorKind>::from(error).kind, BindErrorKind::Option("device"));
}

#[test]
fn errors_name_the_endpoint_and_the_cause() {
    let endpoint = "tcp://127.0.0.1:80".parse().expect("an endpoint");
    let system = || io::Error::from_raw_os_error(libc::EACCES);
    let error = Failure::<BindErrorKind>::from(system()).at(&endpoint);
    assert_eq!(error, error.clone());
    assert_eq!(error.endpoint(), &endpoint);
    assert_eq!(error.cause().map(OsError::kind), Some(io::ErrorKind::PermissionDenied));
    let text = error.to_string();
    assert!(
        text.starts_with("cannot bind tcp://127.0.0.1:80: permission denied; choose"),
        "{text}"
    );
    assert!(text.ends_with(&system().to_string()), "{text}");

    let address = "127.0.0.1:80".parse().ok();
    let refused = || Failure::<DialErrorKind>::from(DialErrorKind::Refused);
    assert_eq!(
        refused().at(&endpoint, address).to_string(),
        "cannot connect to tcp://127.0.0.1:80: nobody listens there; start the server or correct \
         the endpoint"
    );
    let named = "tcp://localhost:80".parse().expect("an endpoint");
    let text = refused().at(&named, address).to_string();
    assert!(text.starts_with("cannot connect to tcp://localhost:80 at 127.0.0.1:80: "), "{text}");
}

#[test]
fn what_no_attempt_can_change_is_permanent() {
    let no_family = || DialErrorKind::Unsupported("addresses of that kind");
    for (text, kind, permanent) in [
        ("tcp://[::1]:80", no_family(), true),
        // It may come to stand for another one.
        ("tcp://localhost:80", no_family(), false),
        ("ipc://name", DialErrorKind::Unsupported("Unix domain sockets"), true),
        ("ipc://name", DialErrorKind::PathTooLong, true),
        ("tcp://127.0.0.1:80", DialErrorKind::Option("device"), true),
        ("tcp://[::1]:0;127.0.0.1:80", DialErrorKind::NotAvailable, true),
        ("tcp://127.0.0.1:0;[::1]:80", DialErrorKind::NotAvailable, true),
        ("tcp://127.0.0.2:0;127.0.0.1:80", DialErrorKind::NotAvailable, false),
        ("tcp://eth9:0;127.0.0.1:80", DialErrorKind::Resolve, false),
        ("tcp://127.0.0.1:80", DialErrorKind::Refused, false),
        ("tcp://127.0.0.1:80", DialErrorKind::Exhausted, false),
    ] {
        let endpoint = text.parse().expect("an endpoint");
        let error = Failure::<DialErrorKind>::from(kind).at(&endpoint, None);
        assert_eq!(error.is_permanent(), permanent, "{error}");
    }
}
