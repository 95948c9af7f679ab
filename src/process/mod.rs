//! The process: its commands, its signals, its exit codes.
//!
//! The only place that reads the command line and the environment and writes to standard output; what the commands do is elsewhere.

pub mod allocator;
mod commands;
mod probe;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Sources};
use crate::service::Endpoint;
use crate::store::trust::{Trust, Trusted};

/// Differentiation as a service.
#[derive(Debug, Parser)]
#[command(name = "nablad", version, about, arg_required_else_help = true, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve HTTP until SIGTERM or SIGINT.
    Serve {
        /// A TOML file with settings.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Address and port to listen on; port 0 takes a free one.
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
    /// Answer one request without a server.
    Eval {
        #[arg(help = endpoints())]
        endpoint: String,
        /// The request's JSON body; - for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// A TOML file with settings.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Print the operator table as JSON.
    Ops,
    /// Print the effective settings as TOML.
    Config {
        /// A TOML file with settings.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Make an API key: print the key, and the line with its hash for the file of keys.
    Key {
        /// Who gets it: letters, digits, dots, dashes and underscores.
        name: String,
        /// What it is good for: evaluate, register and admin, with commas between them.
        #[arg(long, default_value = "evaluate")]
        scopes: String,
    },
    /// Exit with 0 if the server is ready, else with 1; for a container without a shell.
    Healthcheck {
        /// What to ask; without it, /readyz of the server with these settings on this machine.
        #[arg(long)]
        url: Option<String>,
        /// A PEM file of certificates: the server's must be among them or signed by one, and made out to the URL's host. Without it
        /// the certificate in the settings is trusted, whatever it is made out to.
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// A TOML file with settings.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// The names of all endpoints.
fn endpoints() -> String {
    let names = Endpoint::ALL.map(Endpoint::name);
    names.split_last().map_or_else(String::new, |(last, others)| format!("{} or {last}", others.join(", ")))
}

/// What a command ends with: a sentence for standard error where it failed.
type Outcome = Result<(), String>;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve { config, listen } => settings(config, listen).and_then(serve::serve),
        Command::Eval { endpoint, file, config } => settings(config, None).and_then(|config| commands::eval(&endpoint, &file, &config)),
        Command::Openapi => commands::print_json(&crate::api::openapi()),
        Command::Ops => commands::print_json(&crate::api::operators()),
        Command::Config { config } => settings(config, None).and_then(|config| commands::print(config.to_toml().as_bytes())),
        Command::Key { name, scopes } => commands::key(&name, &scopes),
        Command::Healthcheck { url, ca, config } => healthcheck(url, ca, config),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn healthcheck(url: Option<String>, ca: Option<PathBuf>, config: Option<PathBuf>) -> Outcome {
    let trusted = |path: &Path| Trusted::read(path).map_err(|why| format!("nablad: {why}"));
    match (url, ca) {
        (Some(url), None) if !url.starts_with("https://") => probe::healthcheck(&url, Trust::Anyone),
        (Some(url), Some(ca)) => probe::healthcheck(&url, Trust::Named(trusted(&ca)?)),
        (url, ca) => {
            let http = settings(config, None)?.http;
            let own = &http.tls_certificate;
            let url = url.unwrap_or_else(|| probe::own_url(if own.is_empty() { "http" } else { "https" }, &http.listen));
            let trust = match ca {
                Some(ca) => Trust::Named(trusted(&ca)?),
                None if !own.is_empty() => Trust::Whatever(trusted(Path::new(own))?),
                None if url.starts_with("https://") => {
                    return Err(format!("nablad: {url}: https takes --ca FILE, or settings that have http.tls_certificate"));
                }
                None => Trust::Anyone,
            };
            probe::healthcheck(&url, trust)
        }
    }
}

fn settings(file: Option<PathBuf>, listen: Option<String>) -> Result<Config, String> {
    let sources = Sources {
        file,
        // What is not Unicode cannot be a setting of ours.
        environment: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect(),
        flags: listen.into_iter().map(|listen| ("http.listen", listen)).collect(),
    };
    Config::load(sources).map_err(|error| format!("nablad: {error}"))
}
