//! What the server counts of itself, for Prometheus: one set a server, made at its start and handed on.
//!
//! Two places count: the layer around all routes ([`Route::begin`], [`Metrics::refused`]) and the service at the end of a request's
//! work ([`Metrics::worked`]). What is a state and no event (workers, memory, the cache) is asked for when somebody reads, as
//! [`Vitals`]. Counting costs a few atomic additions a request; nothing here decides anything.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prometheus::core::{AtomicF64, AtomicU64, GenericCounter, GenericGauge};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// The media type of what [`Metrics::text`] writes.
pub const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The status that stands for a client that hung up before its answer.
pub const GONE: &str = "499";

/// Bounds of the histograms, in seconds: from what a warm request takes to the longest deadline.
const SECONDS: [f64; 18] = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The counters. A handle: clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
    refused: IntCounterVec,
    queued: Histogram,
    computed: Histogram,
    points: IntCounter,
    flops: GenericCounter<AtomicF64>,
    hits: IntCounter,
    misses: IntCounter,
    gauges: Gauges,
}

#[derive(Debug)]
struct Gauges {
    connections: Gauge,
    workers: Gauge,
    busy: Gauge,
    waiting: Gauge,
    memory: Gauge,
    memory_most: Gauge,
    cache: Gauge,
    resident: Gauge,
    ready: Gauge,
}

type Gauge = GenericGauge<AtomicU64>;

/// How the server is just now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vitals {
    /// Connections that are open.
    pub connections: u64,
    /// Worker threads.
    pub workers: u64,
    /// Those that work.
    pub busy: u64,
    /// Pieces of work that were taken on and are not done.
    pub waiting: u64,
    /// Bytes of bodies, points, results and answers in memory.
    pub memory: u64,
    /// The most that these may be.
    pub memory_most: u64,
    /// Bytes of compiled programs that are kept.
    pub cache: u64,
    /// Whether the server takes work.
    pub ready: bool,
}

/// What the work of one request was.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Whether its program was known; `None` where it needed none.
    pub hit: Option<bool>,
    /// How long it waited for workers.
    pub queued: Duration,
    /// How long workers, or the thread it arrived on, worked at it.
    pub computed: Duration,
    /// Points that were evaluated.
    pub points: u64,
    /// Floating-point operations that this was estimated to take.
    pub flops: f64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Counters that start at 0.
    ///
    /// # Panics
    /// Never: the names below are well-formed and different.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let set = Set(&registry);
        let counters = Counters {
            requests: set.counters("nablad_http_requests_total", "Requests by route, method and status.", &["route", "method", "status"]),
            seconds: set.histograms(
                "nablad_http_request_duration_seconds",
                "From a request's head to the beginning of its answer, by route.",
                &["route"],
            ),
            in_flight: set.gauge("nablad_http_requests_in_flight", "Requests whose answer is not there yet."),
            refused: set.counters("nablad_refusals_total", "Answers that are problems, by the slug of the problem.", &["reason"]),
            queued: set
                .histogram("nablad_queue_duration_seconds", "How long the work of a request waited for workers, where it needed one."),
            computed: set.histogram("nablad_compute_duration_seconds", "How long the work of a request ran, summed over workers."),
            points: set.counter("nablad_points_total", "Points that were evaluated."),
            flops: set.register(GenericCounter::new("nablad_flops_total", "Estimated floating-point operations of what was evaluated.")),
            hits: set.counter("nablad_cache_hits_total", "Requests whose compiled program was known."),
            misses: set.counter("nablad_cache_misses_total", "Requests whose function had to be compiled."),
            gauges: Gauges {
                connections: set.gauge("nablad_http_connections", "Open connections."),
                workers: set.gauge("nablad_workers", "Worker threads."),
                busy: set.gauge("nablad_workers_busy", "Worker threads that work."),
                waiting: set.gauge("nablad_queue_requests", "Pieces of work that were taken on and are not done."),
                memory: set.gauge("nablad_bytes_in_flight", "Bytes of bodies, points, results and answers in memory."),
                memory_most: set.gauge("nablad_bytes_in_flight_limit", "The most bytes that may be in flight."),
                cache: set.gauge("nablad_cache_bytes", "Bytes of compiled programs that are kept."),
                resident: set.gauge("process_resident_memory_bytes", "Resident memory of the process."),
                ready: set.gauge("nablad_ready", "1 where the server takes work, else 0."),
            },
            registry: registry.clone(),
        };
        let about = Opts::new("nablad_build_info", "The version that runs.").const_label("version", env!("CARGO_PKG_VERSION"));
        set.register(Gauge::with_opts(about)).set(1);
        let start = set.register(prometheus::Gauge::new("process_start_time_seconds", "When the process started, since 1970."));
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()));
        Metrics(Arc::new(counters))
    }

    /// What is counted of one route.
    pub fn route(&self, name: &str) -> Route {
        Route { name: name.into(), seconds: self.0.seconds.with_label_values(&[name]), counters: Arc::clone(&self.0) }
    }

    /// What came was no request that could be read, and was answered with that status.
    pub fn unreadable(&self, status: u16) {
        self.0.requests.with_label_values(&["other", "other", &status.to_string()]).inc();
    }

    /// A problem was answered.
    pub fn refused(&self, reason: &str) {
        self.0.refused.with_label_values(&[reason]).inc();
    }

    /// The work of a request has come to its end, good or not.
    pub fn worked(&self, work: &Work) {
        let counters = &*self.0;
        match work.hit {
            Some(true) => counters.hits.inc(),
            Some(false) => counters.misses.inc(),
            None => {}
        }
        if work.queued > Duration::ZERO {
            counters.queued.observe(work.queued.as_secs_f64());
        }
        counters.computed.observe(work.computed.as_secs_f64());
        counters.points.inc_by(work.points);
        if work.flops > 0.0 && work.flops.is_finite() {
            counters.flops.inc_by(work.flops);
        }
    }

    /// Everything in Prometheus' text format, with how the server is just now.
    pub fn text(&self, vitals: &Vitals) -> String {
        let gauges = &self.0.gauges;
        for (gauge, value) in [
            (&gauges.connections, vitals.connections),
            (&gauges.workers, vitals.workers),
            (&gauges.busy, vitals.busy),
            (&gauges.waiting, vitals.waiting),
            (&gauges.memory, vitals.memory),
            (&gauges.memory_most, vitals.memory_most),
            (&gauges.cache, vitals.cache),
            (&gauges.resident, resident_bytes()),
            (&gauges.ready, u64::from(vitals.ready)),
        ] {
            gauge.set(value);
        }
        TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_default()
    }
}

/// What is counted of one route.
#[derive(Debug, Clone)]
pub struct Route {
    name: Arc<str>,
    seconds: Histogram,
    counters: Arc<Counters>,
}

impl Route {
    /// The template of its path.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// A request has come; it counts as [`GONE`] unless it is ended with a status.
    pub fn begin(&self, method: &'static str) -> Request<'_> {
        self.counters.in_flight.inc();
        Request { route: self, method, begun: Instant::now(), status: None }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Request<'r> {
    route: &'r Route,
    method: &'static str,
    begun: Instant,
    status: Option<u16>,
}

impl Request<'_> {
    /// When it came.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// The answer is there.
    pub fn end(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let Counters { in_flight, requests, .. } = &*self.route.counters;
        in_flight.dec();
        self.route.seconds.observe(self.begun.elapsed().as_secs_f64());
        let digits = self.status.map(|status| [100, 10, 1].map(|place| b'0' + (status / place % 10) as u8));
        let status = digits.as_ref().and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or(GONE);
        requests.with_label_values(&[&*self.route.name, self.method, status]).inc();
    }
}

/// Makes counters and puts them into a registry. Names are constants above, so nothing here fails.
struct Set<'r>(&'r Registry);

impl Set<'_> {
    fn register<C: prometheus::core::Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let made = made.expect("the names of metrics are well-formed");
        self.0.register(Box::new(made.clone())).expect("the names of metrics are different");
        made
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauge<P: prometheus::core::Atomic + 'static>(&self, name: &str, help: &str) -> GenericGauge<P> {
        self.register(GenericGauge::new(name, help))
    }

    fn histogram(&self, name: &str, help: &str) -> Histogram {
        self.register(Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec())))
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        self.register(HistogramVec::new(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()), labels))
    }
}

/// Resident memory of this process, where the system says it as Linux does; else 0.
fn resident_bytes() -> u64 {
    const PAGE: u64 = 4096;
    let pages = || std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<u64>().ok();
    pages().unwrap_or(0) * PAGE
}
