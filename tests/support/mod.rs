//! A server in this process on a free port, and the plainest of clients.

pub(crate) mod sweep;
pub(crate) mod unrolled;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nablad::api;
use nablad::service::{self, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server. Dropped, it is told to stop and not waited for.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(api::Settings::default()).await
    }

    pub(crate) async fn with(settings: api::Settings) -> Server {
        Server::of(settings, Service::start(service::Settings { workers: 1, ..service::Settings::default() })).await
    }

    /// A server with keys, certificates or traces.
    pub(crate) async fn set_up(setup: api::Setup) -> Server {
        Server::of(setup, Service::start(service::Settings { workers: 1, ..service::Settings::default() })).await
    }

    /// A server in front of that service.
    pub(crate) async fn of(setup: impl Into<api::Setup>, service: Service) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(api::run(listener, service, setup.into(), async {
            let _ = stopped.await;
        }));
        Server { address, http: reqwest::Client::new(), stop: Some(stop), running }
    }

    /// The JSON answer to a request's body, whatever its status.
    pub(crate) async fn post(&self, path: &str, body: &serde_json::Value) -> serde_json::Value {
        let sent = self.http.post(self.url(path)).body(body.to_string()).send().await.unwrap();
        serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap()
    }

    /// The answer to a request with those headers and those bytes.
    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.ask("POST", path, headers, body).await
    }

    /// The answer to a request of any kind.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), self.url(path)).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What comes back on a connection of its own for these bytes, until the server closes it or 3 s are over.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that refuses early may close before all is written.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) {
        drop(self.stop);
        tokio::time::timeout(Duration::from_secs(10), self.running).await.expect("the server stops").unwrap().unwrap();
    }
}

/// Asks until it holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What else comes on a connection, until it closes or 3 s are over.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
