//! Connecting through a SOCKS 5 proxy (`ZMQ_SOCKS_PROXY`).

use std::time::Duration;

use ironhouse::error::Disconnect;
use ironhouse::{Options, Pull, Push, SocksProxy};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::RawListener;
use ironhouse_tests::{Done, Fallible, rt, watch};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use transport::net::DialErrorKind;

/// What the proxy answers.
#[derive(Clone, Copy)]
struct Manners {
    /// The only user and password, if it wants any.
    login: Option<(&'static str, &'static str)>,
    /// What it says to the request: 0 is yes.
    reply: u8,
}

/// Serves one visitor. Gives the host and port that it wanted, as the octets of its request.
async fn serve(listener: &TcpListener, manners: Manners, to: &str) -> std::io::Result<Vec<u8>> {
    let (mut near, _) = listener.accept().await?;
    let [version, count] = read::<2>(&mut near).await?;
    assert_eq!(version, 5);
    let mut methods = vec![0; count.into()];
    near.read_exact(&mut methods).await?;
    match manners.login {
        None => {
            assert!(methods.contains(&0), "{methods:?}");
            near.write_all(&[5, 0]).await?;
        }
        Some(_) if !methods.contains(&2) => {
            near.write_all(&[5, 0xff]).await?;
            return Ok(Vec::new());
        }
        Some((user, password)) => {
            near.write_all(&[5, 2]).await?;
            assert_eq!(read::<1>(&mut near).await?, [1]);
            let seen = (text(&mut near).await?, text(&mut near).await?);
            let good = seen == (user.into(), password.into());
            near.write_all(&[1, u8::from(!good)]).await?;
            if !good {
                return Ok(Vec::new());
            }
        }
    }
    assert_eq!(read::<3>(&mut near).await?, [5, 1, 0]);
    let [kind] = read::<1>(&mut near).await?;
    let mut wanted = match kind {
        1 => read::<4>(&mut near).await?.to_vec(),
        3 => text(&mut near).await?,
        other => panic!("addresses of kind {other}"),
    };
    wanted.extend(read::<2>(&mut near).await?);
    near.write_all(&[5, manners.reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    if manners.reply == 0 {
        let mut far = TcpStream::connect(to).await?;
        tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
    }
    Ok(wanted)
}

async fn read<const N: usize>(stream: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).await?;
    Ok(octets)
}

/// Octets behind their number.
async fn text(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let [count] = read(stream).await?;
    let mut octets = vec![0; count.into()];
    stream.read_exact(&mut octets).await?;
    Ok(octets)
}

async fn proxy() -> Fallible<(TcpListener, SocksProxy)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = SocksProxy::new(&listener.local_addr()?.to_string())?;
    Ok((listener, proxy))
}

fn push(proxy: SocksProxy) -> Fallible<Push> {
    let options = Options::new().socks_proxy(proxy).linger(Duration::ZERO);
    Ok(Push::new(
        options.reconnect(ironhouse::Reconnect { interval: rt::LATE, max_interval: rt::LATE }),
    )?)
}

#[test]
fn a_connection_goes_through_the_proxy_which_resolves_the_name() -> Done {
    rt::run(async {
        for login in [None, Some(("user", "password"))] {
            let pull = Pull::new(Options::new())?;
            let endpoint = pull.bind(ANYWHERE).await?.to_string();
            let (listener, mut proxy) = proxy().await?;
            if let Some((user, password)) = login {
                proxy = proxy.with_login(user, password)?;
            }
            let push = push(proxy)?;
            // No resolver knows this one.
            push.connect("tcp://pull.invalid:5555")?;
            let manners = Manners { login, reply: 0 };
            let to = endpoint.trim_start_matches("tcp://");
            let wanted = rt::in_time("a visitor", serve(&listener, manners, to)).await?;
            assert_eq!(wanted, [&b"pull.invalid"[..], &5555_u16.to_be_bytes()].concat());
            push.send("through the proxy").await?;
            assert_eq!(rt::in_time("a message", pull.recv()).await?.first(), "through the proxy");
        }
        Ok(())
    })
}

#[test]
fn an_address_is_told_to_the_proxy_as_one() -> Done {
    rt::run(async {
        let (listener, proxy) = proxy().await?;
        let push = push(proxy)?;
        let mut connecting = push.connect("tcp://192.0.2.1:5555")?;
        let manners = Manners { login: None, reply: 5 };
        let wanted = rt::in_time("a visitor", serve(&listener, manners, "")).await?;
        assert_eq!(wanted, [192, 0, 2, 1, 0x15, 0xb3]);
        let failure = watch::refusal("refused", &mut connecting).await;
        let Disconnect::Unreachable(error) = failure.cause else { panic!("{failure:?}") };
        assert_eq!(*error.kind(), DialErrorKind::Refused, "as the proxy was told");
        Ok(())
    })
}

#[test]
fn what_the_proxy_says_is_told() -> Done {
    rt::run(async {
        let none = Manners { login: None, reply: 0 };
        let login = Some(("user", "password"));
        for (manners, known, says) in [
            (Manners { reply: 2, ..none }, None, "does not allow this connection"),
            (Manners { reply: 1, ..none }, None, "failed"),
            (Manners { login, ..none }, None, "wants another login"),
            (Manners { login, ..none }, Some("guess"), "refused the user name or password"),
        ] {
            let (listener, mut proxy) = proxy().await?;
            if let Some(password) = known {
                proxy = proxy.with_login("user", password)?;
            }
            assert!(!format!("{proxy:?}").contains("guess"), "{proxy:?}");
            let push = push(proxy)?;
            let mut connecting = push.connect("tcp://192.0.2.1:5555")?;
            rt::in_time(says, serve(&listener, manners, "")).await?;
            let failure = watch::refusal(says, &mut connecting).await;
            let Disconnect::Unreachable(error) = &failure.cause else { panic!("{failure:?}") };
            assert_eq!(*error.kind(), DialErrorKind::Proxy(says));
            assert!(failure.to_string().contains("192.0.2.1:5555"), "{failure}");
        }
        Ok(())
    })
}

#[test]
fn a_stranger_in_the_place_of_the_proxy_is_found_out() -> Done {
    rt::run(async {
        let stranger = RawListener::bind().await;
        let address = stranger.endpoint();
        let push = push(SocksProxy::new(address.trim_start_matches("tcp://"))?)?;
        let mut connecting = push.connect("tcp://192.0.2.1:5555")?;
        let mut raw = stranger.accept().await;
        raw.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let failure = watch::refusal("a stranger", &mut connecting).await;
        let Disconnect::Unreachable(error) = &failure.cause else { panic!("{failure:?}") };
        assert_eq!(*error.kind(), DialErrorKind::Proxy("does not speak SOCKS 5"));
        Ok(())
    })
}

/// A proxy that says nothing has no more time than a host.
#[test]
fn the_connect_timeout_covers_the_proxy() -> Done {
    rt::run(async {
        let stranger = RawListener::bind().await;
        let address = stranger.endpoint();
        let proxy = SocksProxy::new(address.trim_start_matches("tcp://"))?;
        let options = Options::new().socks_proxy(proxy);
        let push = Push::new(options.connect_timeout(Duration::from_millis(100)))?;
        let mut connecting = push.connect("tcp://192.0.2.1:5555")?;
        let _raw = stranger.accept().await;
        let failure = watch::refusal("silence", &mut connecting).await;
        let Disconnect::Unreachable(error) = &failure.cause else { panic!("{failure:?}") };
        assert_eq!(*error.kind(), DialErrorKind::TimedOut);
        Ok(())
    })
}

#[test]
fn what_no_proxy_can_be_is_an_error_at_the_call() {
    for address in ["", "proxy.example", "proxy.example:*", "*:1080", "socks5://host:1080"] {
        assert!(SocksProxy::new(address).is_err(), "{address}");
    }
    let proxy = SocksProxy::new("127.0.0.1:1080").expect("a proxy");
    proxy.clone().with_login(&"x".repeat(255), "").expect("just short enough");
    proxy.clone().with_login(&"x".repeat(256), "").expect_err("a user name too long");
    proxy.with_login("x", &"x".repeat(256)).expect_err("a password too long");
}
