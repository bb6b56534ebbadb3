use crate::{Context, Error, Socket, SocketType};
use std::thread::{self, JoinHandle};

const ENDPOINT: &str = "inproc://zeromq.zap.01";

/// What the server sockets of a context ask before they let a client in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZapRequest {
    /// The frames as they have come: version, request id, domain, address, routing id, mechanism
    /// and then the credentials.
    pub frames: Vec<Vec<u8>>,
}

impl ZapRequest {
    /// A frame as text, empty if it is missing.
    fn text(&self, index: usize) -> String {
        let frame = self.frames.get(index).map_or(&[][..], Vec::as_slice);
        String::from_utf8_lossy(frame).into_owned()
    }

    /// The ZAP domain of the server socket.
    #[must_use]
    pub fn domain(&self) -> String {
        self.text(2)
    }

    /// The client's address.
    #[must_use]
    pub fn address(&self) -> String {
        self.text(3)
    }

    /// The routing id of the server socket: libzmq does not ask about the client's.
    #[must_use]
    pub fn routing_id(&self) -> &[u8] {
        self.frames.get(4).map_or(&[], Vec::as_slice)
    }

    /// The security mechanism: `NULL`, `PLAIN` or `CURVE`.
    #[must_use]
    pub fn mechanism(&self) -> String {
        self.text(5)
    }

    /// Nothing for NULL, user name and password for PLAIN, the 32 bytes of the client's public
    /// key for CURVE.
    #[must_use]
    pub fn credentials(&self) -> &[Vec<u8>] {
        self.frames.get(6..).unwrap_or_default()
    }

    /// The frames of a well-formed reply to this request.
    #[must_use]
    pub fn reply(
        &self,
        status: &str,
        text: &str,
        user_id: &str,
        metadata: &[(&str, &str)],
    ) -> Vec<Vec<u8>> {
        let request_id = self.frames.get(1).cloned().unwrap_or_default();
        let mut properties = Vec::new();
        for (name, value) in metadata {
            let name_size = u8::try_from(name.len()).expect("a name of up to 255 bytes");
            let value_size = u32::try_from(value.len()).expect("a value of up to 4 GiB");
            properties.push(name_size);
            properties.extend(name.as_bytes());
            properties.extend(value_size.to_be_bytes());
            properties.extend(value.as_bytes());
        }
        vec![b"1.0".to_vec(), request_id, status.into(), text.into(), user_id.into(), properties]
    }

    /// Lets the client in, as `user_id`.
    #[must_use]
    pub fn accept(&self, user_id: &str) -> Vec<Vec<u8>> {
        self.reply("200", "OK", user_id, &[])
    }

    /// Keeps the client out.
    #[must_use]
    pub fn deny(&self) -> Vec<Vec<u8>> {
        self.reply("400", "denied", "", &[])
    }
}

/// A thread that answers the ZAP requests of a context, until this is dropped.
#[derive(Debug)]
pub struct ZapHandler {
    context: Context,
    thread: Option<JoinHandle<()>>,
}

impl ZapHandler {
    /// Lets `answer` make the frames of each reply; they need not make up a valid one.
    ///
    /// # Errors
    ///
    /// A context has room for one handler at a time.
    pub fn start<F>(context: &Context, mut answer: F) -> Result<Self, Error>
    where
        F: FnMut(&ZapRequest) -> Vec<Vec<u8>> + Send + 'static,
    {
        let socket = context.socket(SocketType::Rep)?;
        socket.rcvtimeo(-1)?.bind(ENDPOINT)?;
        let thread = thread::spawn(move || {
            // Any error means that the context is being shut down.
            let _ = serve(&socket, &mut answer);
            // Closing alone would free the endpoint too, but only some time later.
            let _ = socket.unbind(ENDPOINT);
        });
        Ok(Self { context: context.clone(), thread: Some(thread) })
    }
}

/// Answers requests until one comes that has a single frame, as only [`ZapHandler`] sends it.
fn serve(
    socket: &Socket,
    answer: &mut impl FnMut(&ZapRequest) -> Vec<Vec<u8>>,
) -> Result<(), Error> {
    loop {
        let frames = socket.recv_multipart()?;
        if frames.len() == 1 {
            return Ok(());
        }
        socket.send_multipart(answer(&ZapRequest { frames }))?;
    }
}

impl Drop for ZapHandler {
    fn drop(&mut self) {
        // Kept open until the thread is gone. It fails if the context has been shut down, but then
        // so does the thread's socket.
        let _stop = self.context.socket(SocketType::Req).and_then(|socket| {
            socket.connect(ENDPOINT)?;
            socket.send([], 0)?;
            Ok(socket)
        });
        if let Some(thread) = self.thread.take() {
            // Whoever has panicked in there has already said so.
            let _ = thread.join();
        }
    }
}
