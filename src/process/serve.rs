//! `nablad serve`: settings in, a listening server until a signal, exit code 0.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::{Outcome, allocator, commands};
use crate::api::Setup;
use crate::config::Config;
use crate::service::Service;
use crate::store::{Settings, Store};
use crate::{api, telemetry};

/// Serves until SIGTERM or SIGINT, and what was in flight then to its end.
pub(super) fn serve(config: Config) -> Outcome {
    telemetry::start(&config.log);
    allocator::settle();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("nablad-io")
        .build()
        .map_err(|error| format!("nablad: cannot start: {error}"))?;
    let outcome = runtime.block_on(listen(config));
    // Whatever still runs has been told to stop and is not waited for.
    runtime.shutdown_background();
    outcome
}

async fn listen(config: Config) -> Outcome {
    let address = &config.http.listen;
    let setup = Setup::load(config.http.clone(), &config.keys, &config.traces).map_err(|reason| format!("nablad: {reason}"))?;
    let cannot = |error: std::io::Error| format!("nablad: cannot listen on http.listen = {address:?}: {error}");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let shutdown = signals()?;
    let store = Store::open(&config.store, Arc::new(SystemTime::now)).await;
    let store = store.map_err(|error| format!("nablad: cannot open store.url = {:?}: {error}", Settings::masked(&config.store.url)))?;
    reload_at_hangup(setup.reload())?;
    let service = Service::with(config.service(), store);
    let scheme = if setup.is_encrypted() { "https" } else { "http" };
    commands::print(format!("nablad listening on {scheme}://{bound}\n").as_bytes())?;
    tracing::info!(address = %bound, workers = service.workers(), version = env!("CARGO_PKG_VERSION"), "listening");
    match setup.keys() {
        Some(keys) => tracing::info!(keys, "requests take an API key"),
        None if bound.ip().is_loopback() => {}
        None => tracing::warn!(
            address = %bound,
            "ANYONE WHO REACHES THIS ADDRESS MAY USE THIS SERVER: no API keys are configured (keys.file or keys.list; `nablad key` makes one)"
        ),
    }
    api::run(listener, service, setup, shutdown).await.map_err(|error| format!("nablad: {error}"))?;
    tracing::info!("stopped");
    Ok(())
}

/// At each SIGHUP keys and certificates are read again.
fn reload_at_hangup(reload: Arc<Notify>) -> Outcome {
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| format!("nablad: cannot wait for signals: {error}"))?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            reload.notify_one();
        }
    });
    Ok(())
}

/// Resolves at the first SIGTERM or SIGINT.
fn signals() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("nablad: cannot wait for signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
