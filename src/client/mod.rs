//! A typed async client: the wire's requests out, its answers and problems in.
//!
//! Calls that failed for want of capacity (429, 503), of a server (502) or of a connection that held are tried again, after a wait that grows and is random, so
//! that many clients do not come back at once; nothing else is. Every endpoint only reads, so that trying again is harmless.

mod retry;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::answer::{
    Answers, ChainAnswer, CheckAnswer, GradientAnswer, GraphAnswer, HessianAnswer, HessianMatrixAnswer, HvpAnswer, JacobianAnswer,
    JvpAnswer, MatrixAnswer, Rows, TaylorAnswer, ValueAnswer, VjpAnswer,
};
use crate::wire::function::{self as wire, Functions, Registered};
use crate::wire::info::{Health, Info};
use crate::wire::ops::Operators;
use crate::wire::problem::Problem;
use crate::wire::request::{
    ChainRequest, CheckRequest, DerivativeRequest, Form, GradientRequest, GraphRequest, HessianRequest, HvpRequest, JacobianRequest,
    JvpRequest, Points, RegisterRequest, ReplaceRequest, TaylorRequest, ValueRequest, VjpRequest,
};

pub use retry::Retries;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, and said why.
    #[error("{} ({}): {}", .0.title, .0.status, .0.detail)]
    Problem(Box<Problem>),
    /// The base URL is none, or cannot have paths below it.
    #[error("not a base URL: {0:?}")]
    Url(String),
    /// The API key has a character that no header can have.
    #[error("the API key cannot stand in a header")]
    Key,
    /// The server could not be asked, or did not answer in time.
    #[error("cannot ask the server: {0}")]
    Transport(#[from] reqwest::Error),
    /// The request cannot be written as JSON.
    #[error("cannot write the request: {0}")]
    Request(serde_json::Error),
    /// The answer is not what this client reads.
    #[error("cannot read the answer (status {status}): {detail}")]
    Answer {
        /// Its status.
        status: u16,
        /// What is wrong with it.
        detail: String,
    },
}

/// The answer of `POST /jacobian`, by the form asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Jacobian {
    /// Blocks by output and input.
    Blocks(Answers<JacobianAnswer>),
    /// One matrix.
    Matrix(Answers<MatrixAnswer>),
}

/// The answer of `POST /hessian`, by the form asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Hessian {
    /// Blocks by two inputs.
    Blocks(Answers<HessianAnswer>),
    /// One matrix.
    Matrix(Answers<HessianMatrixAnswer>),
}

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct Builder {
    base: String,
    timeout: Duration,
    retries: Retries,
    /// What `Authorization` says; `Err` where the key cannot stand in a header.
    key: Result<Option<HeaderValue>, ()>,
}

impl Builder {
    /// The API key to send with every request.
    #[must_use]
    pub fn key(mut self, key: &str) -> Builder {
        // Sensitive: it is not shown where a builder or a client is.
        let value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| ());
        self.key = value.map(|mut value| {
            value.set_sensitive(true);
            Some(value)
        });
        self
    }

    /// The longest that one attempt may take; also told to the server as `Request-Timeout`. 30 s unless said otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.timeout = timeout;
        self
    }

    /// How often and after what waits to try again.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Builder {
        self.retries = retries;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// A base URL that is none; a key that no header can have; a system without the means for a client.
    pub fn build(self) -> Result<Client, Error> {
        let mut base = Url::parse(&self.base).map_err(|_| Error::Url(self.base.clone()))?;
        if base.cannot_be_a_base() {
            return Err(Error::Url(self.base));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = self.key.map_err(|()| Error::Key)? {
            headers.insert(AUTHORIZATION, key);
        }
        let http = reqwest::Client::builder().timeout(self.timeout).default_headers(headers).build()?;
        Ok(Client { http, base, timeout: self.timeout, retries: self.retries })
    }
}

/// A client of one server; clones share its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    timeout: Duration,
    retries: Retries,
}

impl Client {
    /// A client of the server at that URL, e.g. `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new(base: &str) -> Result<Client, Error> {
        Client::builder(base).build()
    }

    /// A client to be made otherwise than usual.
    pub fn builder(base: &str) -> Builder {
        Builder { base: base.to_owned(), timeout: Duration::from_secs(30), retries: Retries::default(), key: Ok(None) }
    }

    /// `POST /value`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn value(&self, request: &ValueRequest) -> Result<Answers<ValueAnswer>, Error> {
        self.evaluate("value", request, request.points.as_ref()).await
    }

    /// `POST /gradient`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn gradient(&self, request: &GradientRequest) -> Result<Answers<GradientAnswer>, Error> {
        self.evaluate("gradient", request, request.points.as_ref()).await
    }

    /// `POST /jacobian`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn jacobian(&self, request: &JacobianRequest) -> Result<Jacobian, Error> {
        match request.form.unwrap_or_default() {
            Form::Blocks => self.evaluate("jacobian", request, request.points.as_ref()).await.map(Jacobian::Blocks),
            Form::Matrix => self.evaluate("jacobian", request, request.points.as_ref()).await.map(Jacobian::Matrix),
        }
    }

    /// `POST /jvp`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn jvp(&self, request: &JvpRequest) -> Result<Answers<JvpAnswer>, Error> {
        self.evaluate("jvp", request, request.points.as_ref()).await
    }

    /// `POST /vjp`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn vjp(&self, request: &VjpRequest) -> Result<Answers<VjpAnswer>, Error> {
        self.evaluate("vjp", request, request.points.as_ref()).await
    }

    /// `POST /hessian`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn hessian(&self, request: &HessianRequest) -> Result<Hessian, Error> {
        match request.form.unwrap_or_default() {
            Form::Blocks => self.evaluate("hessian", request, request.points.as_ref()).await.map(Hessian::Blocks),
            Form::Matrix => self.evaluate("hessian", request, request.points.as_ref()).await.map(Hessian::Matrix),
        }
    }

    /// `POST /hvp`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn hvp(&self, request: &HvpRequest) -> Result<Answers<HvpAnswer>, Error> {
        self.evaluate("hvp", request, request.points.as_ref()).await
    }

    /// `POST /taylor`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn taylor(&self, request: &TaylorRequest) -> Result<Answers<TaylorAnswer>, Error> {
        self.evaluate("taylor", request, request.points.as_ref()).await
    }

    /// `POST /chain`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn chain(&self, request: &ChainRequest) -> Result<Answers<ChainAnswer>, Error> {
        self.evaluate("chain", request, request.points.as_ref()).await
    }

    /// `POST /check`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn check(&self, request: &CheckRequest) -> Result<CheckAnswer, Error> {
        read(&self.post("check", request).await?)
    }

    /// `POST /derivative`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn derivative(&self, request: &DerivativeRequest) -> Result<GraphAnswer, Error> {
        read(&self.post("derivative", request).await?)
    }

    /// `POST /graph`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn graph(&self, request: &GraphRequest) -> Result<GraphAnswer, Error> {
        read(&self.post("graph", request).await?)
    }

    /// `POST /functions`: the function that is now registered.
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn register(&self, request: &RegisterRequest) -> Result<Registered, Error> {
        read(&self.post("functions", request).await?)
    }

    /// `PUT /functions/{name}`: makes the name mean the function, if it means that of this `ETag` now, or nothing.
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn replace(&self, name: &str, etag: Option<&str>, request: &ReplaceRequest) -> Result<Registered, Error> {
        let body = serde_json::to_vec(request).map_err(Error::Request)?;
        let condition = etag.map(|etag| (IF_MATCH, etag));
        read(&self.call(Method::PUT, &function(name), Some(body), condition).await?.0)
    }

    /// `GET /functions`: the page at the cursor, or the first.
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn functions(&self, limit: Option<usize>, cursor: Option<&str>) -> Result<Functions, Error> {
        let limit = limit.map(|limit| format!("limit={limit}"));
        // a cursor that was answered is nothing but letters and digits
        let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
        let query: Vec<String> = limit.into_iter().chain(cursor).collect();
        read(&self.get(&format!("functions?{}", query.join("&"))).await?)
    }

    /// `GET /functions/{id or name}`: the function and its `ETag`.
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn function(&self, reference: &str) -> Result<(wire::Function, String), Error> {
        let (body, etag) = self.call(Method::GET, &function(reference), None, None).await?;
        Ok((read(&body)?, etag.unwrap_or_default()))
    }

    /// `DELETE /functions/{id or name}`, if it is in the state of this `ETag`, or in any.
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn delete(&self, reference: &str, etag: Option<&str>) -> Result<(), Error> {
        let condition = etag.map(|etag| (IF_MATCH, etag));
        self.call(Method::DELETE, &function(reference), None, condition).await.map(|_| ())
    }

    /// `GET /ops`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn ops(&self) -> Result<Operators, Error> {
        read(&self.get("ops").await?)
    }

    /// `GET /info`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn info(&self) -> Result<Info, Error> {
        read(&self.get("info").await?)
    }

    /// `GET /livez`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn livez(&self) -> Result<Health, Error> {
        read(&self.get("livez").await?)
    }

    /// `GET /readyz`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn readyz(&self) -> Result<Health, Error> {
        read(&self.get("readyz").await?)
    }

    /// `GET /openapi.json`
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn openapi(&self) -> Result<serde_json::Value, Error> {
        read(&self.get("openapi.json").await?)
    }

    async fn evaluate<T: Rows + DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
        points: Option<&Points>,
    ) -> Result<Answers<T>, Error> {
        let answer = self.post(path, request).await?;
        // The request says which of the two the answer is, so that nothing has to be read twice.
        match points {
            Some(Points::Rows(_)) => read::<T::Results>(&answer).map(|rows| Answers::Rows(T::results(rows))),
            Some(Points::Columns(_)) | None => read(&answer).map(Answers::One),
        }
    }

    async fn post(&self, path: &str, request: &impl Serialize) -> Result<Vec<u8>, Error> {
        let body = serde_json::to_vec(request).map_err(Error::Request)?;
        self.call(Method::POST, path, Some(body), None).await.map(|(body, _)| body)
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.call(Method::GET, path, None, None).await.map(|(body, _)| body)
    }

    /// The body of an answer, and its `ETag`.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        condition: Option<(HeaderName, &str)>,
    ) -> Result<(Vec<u8>, Option<String>), Error> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const TOO_MANY_REQUESTS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
        const BAD_GATEWAY: StatusCode = StatusCode::BAD_GATEWAY;
        const SERVICE_UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        let url = self.base.join(path).map_err(|_| Error::Url(self.base.to_string()))?;
        let body = body.map(bytes::Bytes::from);
        let mut attempt = 0;
        loop {
            let mut request = self.http.request(method.clone(), url.clone()).header(ACCEPT, JSON);
            if let Some(body) = &body {
                request =
                    request.header(CONTENT_TYPE, JSON).header("request-timeout", self.timeout.as_secs_f64().to_string()).body(body.clone());
            }
            if let Some((name, value)) = &condition {
                request = request.header(name, *value);
            }
            let (outcome, told) = match request.send().await {
                Ok(response) => {
                    let status = response.status();
                    let told = retry_after(&response);
                    let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
                    match answer(response).await {
                        Err(error) if matches!(status, TOO_MANY_REQUESTS | BAD_GATEWAY | SERVICE_UNAVAILABLE) => (error, told),
                        Err(Error::Transport(error)) if !error.is_timeout() => (Error::Transport(error), None),
                        outcome => return outcome.map(|body| (body, etag)),
                    }
                }
                Err(error) if !error.is_timeout() && (error.is_connect() || error.is_request()) => (Error::Transport(error), None),
                Err(error) => return Err(Error::Transport(error)),
            };
            let Some(wait) = self.retries.wait(attempt, told) else {
                return Err(outcome);
            };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }
}

/// The path of a registered function.
fn function(reference: &str) -> String {
    let segment = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    format!("functions/{}", reference.bytes().map(segment).collect::<String>())
}

/// The answer's bytes, or the problem that it is.
async fn answer(response: Response) -> Result<Vec<u8>, Error> {
    let status = response.status();
    let body = response.bytes().await?;
    if status.is_success() {
        return Ok(body.into());
    }
    match serde_json::from_slice(&body) {
        Ok(problem) => Err(Error::Problem(Box::new(problem))),
        Err(error) => Err(Error::Answer { status: status.as_u16(), detail: format!("no problem: {error}") }),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Answer { status: 200, detail: error.to_string() })
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
