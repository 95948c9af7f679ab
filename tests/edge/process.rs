//! The binary: its commands, its first line, its signals, its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};

fn nablad(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nablad"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = nablad(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads no input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn commands() {
    let table: [(&[&str], &str, i32, &str, &str); 11] = [
        (&["--version"], "", 0, concat!("nablad ", env!("CARGO_PKG_VERSION")), ""),
        (&["--help"], "", 0, "healthcheck", ""),
        (&["openapi"], "", 0, "\"openapi\": \"3.1.0\"", ""),
        (&["ops"], "", 0, "\"ops\"", ""),
        (&["config"], "", 0, "listen = \"127.0.0.1:8080\"", ""),
        (&["eval", "value", "-"], "{\"formula\": \"x^2\", \"at\": {\"x\": 3}}", 0, "{\"value\":", ""),
        (&["eval", "value"], "{", 1, "", "/problems/malformed-json"),
        (&["eval", "nothing"], "", 1, "", "gradient"),
        (&["eval", "--help"], "", 0, "taylor", ""),
        (&["serve", "--listen", "127.0.0.1:0", "--config", "/nowhere.toml"], "", 1, "", "/nowhere.toml"),
        (&["serve", "--listen", "nowhere"], "", 1, "", "http.listen = \"nowhere\""),
    ];
    for (arguments, input, code, out, err) in table {
        let (status, stdout, stderr) = run(arguments, input);
        assert_eq!(status, Some(code), "{arguments:?}: {stderr}");
        assert!(stdout.contains(out), "{arguments:?}: {stdout}");
        assert!(stderr.contains(err), "{arguments:?}: {stderr}");
    }
    let (_, help, _) = run(&["eval", "--help"], "");
    for endpoint in nablad::service::Endpoint::ALL {
        assert!(help.contains(endpoint.name()), "{help}");
    }
}

#[test]
fn serve_until_a_signal() {
    for signal in ["TERM", "INT"] {
        let mut child = nablad(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.strip_prefix("nablad listening on ").unwrap().trim();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        assert_eq!(run(&["healthcheck", "--url", &format!("{url}/readyz")], "").0, Some(0));
        assert_eq!(run(&["healthcheck", "--url", &format!("{url}/nowhere")], "").0, Some(1));
        let killed = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", child.id())).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(run(&["healthcheck", "--url", &format!("{url}/readyz")], "").0, Some(1));
        let mut more = String::new();
        out.read_to_string(&mut more).unwrap();
        assert_eq!(more, "", "logs go to standard error");
        let mut logs = String::new();
        child.stderr.take().unwrap().read_to_string(&mut logs).unwrap();
        for line in logs.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }
}
