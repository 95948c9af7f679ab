//! A typed async client: the wire's requests out, its answers and problems in.
//!
//! Calls that failed for want of capacity (429, 503) or of a connection are tried again, after a wait that grows and is random, so
//! that many clients do not come back at once; nothing else is. Every endpoint only reads, so that trying again is harmless.

mod retry;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::answer::{
    Answers, ChainAnswer, CheckAnswer, GradientAnswer, GraphAnswer, HessianAnswer, HessianMatrixAnswer, HvpAnswer, JacobianAnswer,
    JvpAnswer, MatrixAnswer, Rows, TaylorAnswer, ValueAnswer, VjpAnswer,
};
use crate::wire::info::{Health, Info};
use crate::wire::ops::Operators;
use crate::wire::problem::Problem;
use crate::wire::request::{
    ChainRequest, CheckRequest, DerivativeRequest, Form, GradientRequest, GraphRequest, HessianRequest, HvpRequest, JacobianRequest,
    JvpRequest, Points, TaylorRequest, ValueRequest, VjpRequest,
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
        self.call(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.call(Method::GET, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Vec<u8>, Error> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let url = self.base.join(path).map_err(|_| Error::Url(self.base.to_string()))?;
        let body = body.map(bytes::Bytes::from);
        let mut attempt = 0;
        loop {
            let mut request = self.http.request(method.clone(), url.clone()).header(ACCEPT, JSON);
            if let Some(body) = &body {
                request =
                    request.header(CONTENT_TYPE, JSON).header("request-timeout", self.timeout.as_secs_f64().to_string()).body(body.clone());
            }
            let (outcome, told) = match request.send().await {
                Ok(response) => {
                    let status = response.status();
                    let told = retry_after(&response);
                    match answer(response).await {
                        Err(error) if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => (error, told),
                        outcome => return outcome,
                    }
                }
                Err(error) if error.is_connect() => (Error::Transport(error), None),
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
