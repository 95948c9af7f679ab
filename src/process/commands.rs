//! The commands that answer and end.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;

use super::Outcome;
use crate::api::keys::generate;
use crate::config::Config;
use crate::service::{Endpoint, Service};
use crate::wire::problem::Problem;

/// Writes to standard output; a reader that has left is no fault.
pub(super) fn print(text: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("nablad: cannot write: {error}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn print_json(value: &impl Serialize) -> Outcome {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| format!("nablad: {error}"))?;
    text.push(b'\n');
    print(&text)
}

/// Makes an API key. The line can go straight into a file: what is not for it is a comment.
pub(super) fn key(name: &str, scopes: &str) -> Outcome {
    let (key, line) = generate(name, scopes).map_err(|reason| format!("nablad: {reason}"))?;
    print(format!("# The key, which is kept nowhere: give it to its owner and delete this line.\n# {key}\n{line}\n").as_bytes())
}

/// Answers the request in `file` as the endpoint of that name would.
pub(super) fn eval(endpoint: &str, file: &Path, config: &Config) -> Outcome {
    let Some(endpoint) = Endpoint::from_name(endpoint) else {
        let names: Vec<&str> = Endpoint::ALL.into_iter().map(Endpoint::name).collect();
        return Err(format!("nablad: there is no endpoint {endpoint:?}; there are {}", names.join(", ")));
    };
    let body = read(file, config.http.body_bytes).map_err(|error| format!("nablad: cannot read {}: {error}", file.display()))?;
    match Service::start(config.service()).answer_blocking(endpoint, &body) {
        Ok(mut answer) => {
            answer.push(b'\n');
            print(&answer)
        }
        Err(failure) => Err(serde_json::to_string_pretty(&Problem::of(failure, "eval")).unwrap_or_default()),
    }
}

fn read(file: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let bound = (most as u64).saturating_add(1);
    if file == Path::new("-") {
        io::stdin().lock().take(bound).read_to_end(&mut body)?;
    } else {
        std::fs::File::open(file)?.take(bound).read_to_end(&mut body)?;
    }
    if body.len() > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("the body is larger than http.body_bytes, {most}")));
    }
    Ok(body)
}
