//! Functions that grow: long chains, shared nodes, doubled calls. Cost follows what was sent, never the number of paths through it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nablad::service::Limits;

use super::{Trial, graph};

/// What takes next to nothing stays under this, on a busy machine too.
const QUICKLY: Duration = Duration::from_secs(10);

/// A daemon of its own, whose memory can be told from that of the tests.
struct Daemon {
    child: Child,
    url: String,
}

impl Daemon {
    fn start() -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nablad"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("nablad listening on ").unwrap().trim().to_owned();
        Daemon { child, url }
    }

    /// The most memory it ever had, where the system tells.
    fn most_bytes(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_chain_of_a_million_nodes() {
    let daemon = Daemon::start();
    let client = reqwest::Client::new();
    // As many nodes as are allowed, the input counted; one more at the end.
    let mut nodes = String::with_capacity(48 << 20);
    for i in 1..=999_998 {
        let comma = if i == 1 { "" } else { "," };
        nodes += &format!(r#"{comma}{{"name":"n{i}","op":"sin","args":["n{}"]}}"#, i - 1);
    }
    let long = graph(r#""n0""#, &nodes, r#""n999998""#, r#","at":{"n0":1}"#);
    nodes += r#",{"name":"m","op":"cos","args":["n0"]},{"name":"n","op":"exp","args":["m"]}"#;
    let longer = graph(r#""n0""#, &nodes, r#""n999998","n""#, r#","at":{"n0":1}"#);
    drop(nodes);
    let size = long.len();
    for (number, (path, body, refused)) in
        [("/value", &longer, true), ("/value", &long, false), ("/gradient", &long, false)].into_iter().enumerate()
    {
        let begun = Instant::now();
        let response = client.post(format!("{}{path}", daemon.url)).body(body.clone()).send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        // The deadline is the server's own, 10 s, and the body was on its way before.
        let clear = if refused { status == 422 && text.contains("limits.nodes") } else { matches!(status, 200 | 504) };
        assert!(clear, "{path}: {status} {text}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{path}: {status} after {:?}", begun.elapsed());
        // Something new, right after: compiled, run and answered.
        let begun = Instant::now();
        let body = format!(r#"{{"formula":"x^3 + {number}","at":{{"x":2}}}}"#);
        let response = client.post(format!("{}/gradient", daemon.url)).body(body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}: {}", response.text().await.unwrap());
        assert!(begun.elapsed() < QUICKLY, "{path}: {:?}", begun.elapsed());
    }
    if let Some(most) = daemon.most_bytes() {
        assert!(most < 64 * size, "{most} bytes for a body of {size}");
    }
}

#[tokio::test]
async fn sharing_costs_what_was_sent() {
    let trial = Trial::start().await;
    let begun = Instant::now();
    for op in ["add", "multiply", "maximum", "subtract", "hypot", "atan2", "pow"] {
        let depth = 1000;
        let nodes: Vec<String> = (1..=depth).map(|i| format!(r#"{{"name":"n{i}","op":"{op}","args":["n{0}","n{0}"]}}"#, i - 1)).collect();
        // In order, in reverse order, and as what is sent back.
        let reversed: Vec<String> = nodes.iter().rev().cloned().collect();
        for nodes in [nodes.join(","), reversed.join(",")] {
            let body = |rest: &str| graph(r#""n0""#, &nodes, r#""n1000""#, rest);
            for (path, rest) in [
                ("/value", r#","at":{"n0":1}"#),
                ("/gradient", r#","at":{"n0":1}"#),
                ("/gradient", r#","at":{"n0":1},"mode":"forward""#),
                ("/jvp", r#","at":{"n0":1},"tangent":{"n0":1}"#),
                ("/hessian", r#","at":{"n0":1}"#),
                ("/hessian", r#","at":{"n0":1},"mode":"reverse""#),
                ("/hvp", r#","at":{"n0":1},"vector":{"n0":1}"#),
                ("/taylor", r#","at":{"n0":1},"direction":{"n0":1},"order":4"#),
                ("/value", r#","points":{"n0":[1,2,"NaN"]}"#),
                ("/graph", ""),
            ] {
                let answer = trial.answered(path, body(rest)).await;
                if op == "multiply" && path == "/value" && rest.contains("at") {
                    assert_eq!(answer["value"]["n1000"], 1.0);
                }
            }
        }
    }
    let formula: String = (1..=1000).map(|i| format!("n{i} = n{0} * n{0}\n", i - 1)).collect();
    for x in [1.0, 2.0] {
        let body = serde_json::json!({"formula": format!("n0 = x\n{formula}"), "at": {"x": x}}).to_string();
        let value = trial.answered("/gradient", body).await["value"]["n1000"].clone();
        assert_eq!(value, if x == 1.0 { serde_json::json!(1.0) } else { serde_json::json!("Infinity") });
    }
    assert!(begun.elapsed() < 2 * QUICKLY, "{:?}", begun.elapsed());
    trial.end().await;
}

#[tokio::test]
async fn calls_that_double_are_refused_by_their_number() {
    let call = |depth: usize, body: &dyn Fn(usize) -> String| {
        let mut functions = vec![r#""f0":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"sin","args":["u"]}}]}"#.to_owned()];
        functions.extend((1..=depth).map(|k| format!(r#""f{k}":{{"inputs":["u"],"outputs":[{{"name":"y","value":{}}}]}}"#, body(k - 1))));
        format!(
            r#"{{"graph":{{"inputs":["x"],"outputs":[{{"name":"y","value":{{"op":"call","function":"f{depth}","args":["x"]}}}}],"functions":{{{}}}}},"at":{{"x":1}}}}"#,
            functions.join(",")
        )
    };
    let different = |k: usize| {
        format!(
            r#"{{"op":"multiply","args":[{{"op":"call","function":"f{k}","args":["u"]}},{{"op":"call","function":"f{k}","args":[{{"op":"add","args":["u",{}]}}]}}]}}"#,
            k + 1
        )
    };
    let same = |k: usize| {
        let call = format!(r#"{{"op":"call","function":"f{k}","args":["u"]}}"#);
        format!(r#"{{"op":"add","args":[{call},{call}]}}"#)
    };
    let nested = |k: usize| format!(r#"{{"op":"call","function":"f{k}","args":[{{"op":"call","function":"f{k}","args":["u"]}}]}}"#);
    let trial = Trial::with(Limits { nodes: 100_000, ..Limits::default() }).await;
    let begun = Instant::now();
    for body in [call(60, &different), call(60, &nested), call(900, &different)] {
        trial.exceeds("/value", body.as_str(), "limits.nodes", 100_001.0).await;
        trial.exceeds("/gradient", body.as_str(), "limits.nodes", 100_001.0).await;
    }
    // Twice the same call is one value; counted once or as often as it is written, it ends soon.
    let sent = trial.server.send("/value", &[], call(60, &same)).await;
    assert!(sent.status == 200 || sent.text.contains("limits.nodes"), "{} {}", sent.status, sent.text);
    // What is written with constants alone grows as well.
    let constant = call(60, &different).replace(r#""args":["x"]"#, r#""args":[1]"#);
    trial.exceeds("/value", constant, "limits.nodes", 100_001.0).await;
    // A call of a call of a call is none of this.
    let line = |k: usize| format!(r#"{{"op":"call","function":"f{k}","args":["u"]}}"#);
    assert_eq!(trial.answered("/value", call(990, &line)).await["value"]["y"], 1f64.sin());
    assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());
    trial.end().await;
}

#[tokio::test]
async fn a_series_is_refused_before_its_graph_takes_the_memory() {
    let trial = Trial::start().await;
    let terms: Vec<String> = (0..12_000).map(|i| format!("sin(x*{i}+exp(cos(x+{i})))")).collect();
    let body = format!(r#"{{"formula":"{}","at":{{"x":1}},"direction":{{"x":1}},"order":10}}"#, terms.join("+"));
    trial.exceeds("/taylor", body.as_str(), "limits.nodes", 2e6).await;
    // The same function as far as its tangent is within what is allowed.
    trial.answered("/taylor", body.replace(r#""order":10"#, r#""order":1"#)).await;
    trial.end().await;
}

#[tokio::test]
async fn wide_functions_cost_what_was_sent() {
    let trial = Trial::start().await;
    let begun = Instant::now();
    let n = 20_000;
    // One operator of many arguments, many inputs, many outputs.
    let inputs: Vec<String> = (0..n).map(|i| format!("\"x{i}\"")).collect();
    let at: Vec<String> = (0..n).map(|i| format!("\"x{i}\":{i}")).collect();
    let (inputs, at) = (inputs.join(","), at.join(","));
    let body = graph(&inputs, &format!(r#"{{"name":"s","op":"add","args":[{inputs}]}}"#), r#""s""#, &format!(r#","at":{{{at}}}"#));
    let answer = trial.answered("/gradient", body).await;
    assert_eq!(answer["value"]["s"], (n * (n - 1) / 2) as f64);
    assert_eq!(answer["gradient"]["x19999"], 1.0);
    let body = graph(&inputs, "", &inputs, &format!(r#","at":{{{at}}}"#));
    assert_eq!(trial.answered("/value", body.as_str()).await["value"]["x19999"], 19_999.0);
    trial.exceeds("/jacobian", body, "limits.derivative_cells", 4e8).await;
    // Many operators of many arguments: every sum reads all there is.
    let sums: Vec<String> = (0..200)
        .map(|i| format!(r#"{{"name":"s{i}","value":{{"op":"multiply","args":[{i},{{"op":"add","args":[{inputs}]}}]}}}}"#))
        .collect();
    let body = graph(&inputs, "", &sums[..20].join(","), &format!(r#","at":{{{at}}}"#));
    trial.answered("/value", body).await;
    assert!(begun.elapsed() < 2 * QUICKLY, "{:?}", begun.elapsed());
    trial.end().await;
}
