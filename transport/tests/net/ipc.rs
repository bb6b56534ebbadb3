//! Unix domain sockets.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use super::*;

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("net-{}-{name}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> String {
    format!("ipc://{}", path.display())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// What a server that was killed leaves behind.
fn abandon(path: &Path) -> std::io::Result<()> {
    drop(UnixListener::bind(path)?);
    assert!(is_socket(path));
    Ok(())
}

#[tokio::test]
async fn a_path_is_bound_and_cleaned_up() -> TestResult {
    let directory = Directory::new("path")?;
    let path = directory.join("socket");
    let listener = bind(&text(&path)).await?;
    assert_eq!(listener.local().to_string(), text(&path));
    assert!(is_socket(&path));
    let both = connect(&listener).await?;
    assert_eq!(both.accepted.local_addr()?.as_ref(), Some(listener.local()));
    assert_eq!(both.dialled.local_addr()?, None);
    drop(listener);
    assert!(!path.exists());
    Ok(())
}

#[tokio::test]
async fn both_sides_learn_the_process_of_the_other() -> TestResult {
    let directory = Directory::new("credentials")?;
    let listener = bind(&text(&directory.join("socket"))).await?;
    let both = connect(&listener).await?;
    let myself = fs::metadata(&directory.0)?;
    let expected = PeerAddress::Process {
        uid: myself.uid(),
        gid: myself.gid(),
        pid: cfg!(target_os = "linux").then(std::process::id),
    };
    assert_eq!((&both.client, &both.server), (&expected, &expected));
    Ok(())
}

#[tokio::test]
async fn a_relative_path_is_relative() -> TestResult {
    let name = format!("net-{}.sock", std::process::id());
    let listener = bind(&format!("ipc://{name}")).await?;
    assert!(is_socket(Path::new(&name)));
    connect(&listener).await?;
    drop(listener);
    assert!(!Path::new(&name).exists());
    Ok(())
}

#[tokio::test]
async fn a_wildcard_is_a_new_path_in_a_private_directory() -> TestResult {
    let (one, two) = (bind("ipc://*").await?, bind("ipc://*").await?);
    assert_ne!(one.local(), two.local());
    one.local().check_connect()?;
    connect(&one).await?;
    let Endpoint::Ipc(local) = one.local().clone() else { panic!("{}", one.local()) };
    let path = local.path().expect("a path");
    let directory = path.parent().expect("a directory");
    assert_eq!(fs::metadata(directory)?.permissions().mode() & 0o777, 0o700);
    drop(one);
    assert!(!directory.exists());
    let error = dial_error("ipc://*", &options()).await;
    assert!(matches!(error.kind(), DialErrorKind::Invalid(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn abstract_names_leave_no_file() -> TestResult {
    let name = format!("ipc://@net-{}", std::process::id());
    let listener = match bind(&name).await {
        Err(error) if cfg!(not(target_os = "linux")) => {
            assert!(matches!(error.kind(), BindErrorKind::Unsupported(_)), "{error}");
            return Ok(());
        }
        other => other?,
    };
    assert_eq!(listener.local().to_string(), name);
    assert!(!Path::new(name.trim_start_matches("ipc://")).exists());
    let both = connect(&listener).await?;
    assert_eq!(both.accepted.local_addr()?, Some(endpoint(&name)));
    assert_eq!(bind_error(&name).await, BindErrorKind::AddressInUse);
    drop(listener);
    assert_eq!(dial_error_kind(&name).await, DialErrorKind::Refused);
    bind(&name).await?;
    Ok(())
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced() -> TestResult {
    let directory = Directory::new("stale")?;
    let path = directory.join("socket");
    abandon(&path)?;
    assert_eq!(dial_error_kind(&text(&path)).await, DialErrorKind::Refused);
    let listener = bind(&text(&path)).await?;
    connect(&listener).await?;
    Ok(())
}

#[tokio::test]
async fn a_live_socket_is_left_alone() -> TestResult {
    let directory = Directory::new("live")?;
    let path = directory.join("socket");
    let live = bind(&text(&path)).await?;
    let error = bind(&text(&path)).await.expect_err("in use");
    assert_eq!(*error.kind(), BindErrorKind::AddressInUse);
    assert!(error.to_string().contains(&text(&path)), "{error}");
    // What asked whether it lives is there to be accepted, and gone.
    drop(live.accept().await?);
    connect(&live).await?;
    Ok(())
}

/// One that accepts nothing and has its backlog full cannot be reached, and lives all the same.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_busy_socket_is_left_alone_and_waited_for() -> TestResult {
    let directory = Directory::new("busy")?;
    let path = directory.join("socket");
    let busy = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    busy.bind(&socket2::SockAddr::unix(&path)?)?;
    busy.listen(0)?;
    let waiting = dial(&endpoint(&text(&path)), &options()).await?;
    assert_eq!(bind_error(&text(&path)).await, BindErrorKind::AddressInUse);

    let mut short = options();
    short.connect_timeout = Duration::from_millis(100);
    assert_eq!(*dial_error(&text(&path), &short).await.kind(), DialErrorKind::TimedOut);
    let (options, name) = (options(), endpoint(&text(&path)));
    let (accepted, dialled) = tokio::join!(
        tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(50));
            busy.accept().map(|accepted| (busy, accepted))
        }),
        dial(&name, &options)
    );
    dialled?;
    drop((accepted??, waiting));
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() -> TestResult {
    let directory = Directory::new("file")?;
    let path = directory.join("notes.txt");
    fs::write(&path, "precious")?;
    let link = directory.join("link");
    std::os::unix::fs::symlink(directory.join("nowhere"), &link)?;
    for path in [&path, &link, &directory.0] {
        let error = bind(&text(path)).await.expect_err("not a socket");
        assert_eq!(*error.kind(), BindErrorKind::NotASocket, "{error}");
    }
    assert_eq!(fs::read_to_string(&path)?, "precious");
    assert!(fs::symlink_metadata(&link)?.is_symlink());

    let datagrams = directory.join("datagrams");
    let _other = UnixDatagram::bind(&datagrams)?;
    assert_eq!(bind_error(&text(&datagrams)).await, BindErrorKind::AddressInUse);
    assert!(is_socket(&datagrams));
    Ok(())
}

#[tokio::test]
async fn a_path_that_was_taken_over_is_left_to_the_new_owner() -> TestResult {
    let directory = Directory::new("taken-over")?;
    let path = directory.join("socket");
    let first = bind(&text(&path)).await?;
    fs::remove_file(&path)?;
    let second = bind(&text(&path)).await?;
    drop(first);
    assert!(is_socket(&path));
    connect(&second).await?;
    // Nor is a plain file removed that somebody put there.
    fs::remove_file(&path)?;
    fs::write(&path, "precious")?;
    drop(second);
    assert_eq!(fs::read_to_string(&path)?, "precious");
    Ok(())
}

/// Servers that start at once over a socket left behind: one gets it, and can be reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_servers_that_race_for_a_path_one_wins() -> TestResult {
    let directory = Directory::new("race")?;
    for round in 0..20 {
        let path = directory.join(&format!("socket-{round}"));
        abandon(&path)?;
        let bind_it = || {
            let text = text(&path);
            tokio::spawn(async move { bind(&text).await })
        };
        let racers: Vec<_> = (0..6).map(|_| bind_it()).collect();
        let mut winners = Vec::new();
        for racer in racers {
            match racer.await? {
                Ok(listener) => winners.push(listener),
                Err(error) => assert_eq!(*error.kind(), BindErrorKind::AddressInUse, "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let (stream, _) = dial(&endpoint(&text(&path)), &options()).await?;
        stream.try_write(b"x")?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_paths_are_told() -> TestResult {
    let directory = Directory::new("missing")?;
    let path = directory.join("no/such/socket");
    let error = bind(&text(&path)).await.expect_err("no directory");
    assert_eq!(*error.kind(), BindErrorKind::NoSuchPath);
    assert!(error.to_string().contains("create it first"), "{error}");
    assert_eq!(dial_error_kind(&text(&path)).await, DialErrorKind::NoSuchPath);
    fs::write(directory.join("file"), "")?;
    let below_a_file = text(&directory.join("file/socket"));
    assert_eq!(bind_error(&below_a_file).await, BindErrorKind::NoSuchPath);
    assert_eq!(dial_error_kind(&below_a_file).await, DialErrorKind::NoSuchPath);
    Ok(())
}

/// The system has the last word on who may write where: it is asked, and we must say the same.
#[tokio::test]
async fn a_forbidden_directory_is_told() -> TestResult {
    let directory = Directory::new("forbidden")?;
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o500))?;
    let probe = UnixListener::bind(directory.join("probe"));
    let ours = bind(&text(&directory.join("socket"))).await;
    match (probe, ours) {
        (Err(system), Err(error)) => {
            assert_eq!(system.kind(), std::io::ErrorKind::PermissionDenied);
            assert_eq!(*error.kind(), BindErrorKind::PermissionDenied);
        }
        (Ok(_), Ok(_)) => {}
        (system, ours) => panic!("the system says {system:?}, we say {ours:?}"),
    }
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o700))?;
    Ok(())
}

#[tokio::test]
async fn the_longest_path_works() -> TestResult {
    let directory = Directory::new("long")?;
    let longest = if cfg!(target_os = "linux") { 107 } else { 103 };
    let room = longest - directory.0.as_os_str().len() - 1;
    let listener = bind(&text(&directory.join(&"p".repeat(room)))).await?;
    connect(&listener).await?;
    let too_long = text(&directory.join(&"p".repeat(room + 1)));
    match too_long.parse::<Endpoint>() {
        Ok(_) => assert_eq!(bind_error(&too_long).await, BindErrorKind::PathTooLong),
        Err(error) => assert!(error.to_string().ends_with("at most 107 octets"), "{error}"),
    }
    Ok(())
}
