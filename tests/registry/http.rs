//! The registry over HTTP: every route, every header, every refusal.

use std::sync::Arc;
use std::time::SystemTime;

use nablad::client::Client;
use nablad::service::{Service, Settings};
use nablad::store::{self, Store};
use nablad::wire::problem::{Problem, Slug};
use nablad::wire::request::{Function, GradientRequest, RegisterRequest, ReplaceRequest};
use nablad::{api, client};
use serde_json::{Value, json};

use crate::support::{Answer, Server};

const SURFACE: &str = r#"{"formula": "x^2 * sin(y)", "name": "surface", "description": "over the plane"}"#;

fn read(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[track_caller]
fn is_problem(answer: &Answer, slug: Slug) -> Problem {
    let problem: Problem = serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    assert_eq!((answer.status, problem.slug()), (slug.status(), Some(slug)), "{answer:?}");
    assert_eq!(header(answer, "content-type"), "application/problem+json");
    problem
}

#[tokio::test]
async fn a_function_from_its_registration_to_its_end() {
    let server = Server::start().await;
    let made = server.send("/functions", &[], SURFACE).await;
    assert_eq!((made.status, header(&made, "location")), (201, "/functions/surface"), "{made:?}");
    let answer = read(&made);
    let id = answer["id"].as_str().unwrap();
    assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let scalar = |name: &str| json!({"name": name, "shape": []});
    assert_eq!(answer["name"], "surface");
    assert_eq!(answer["inputs"], json!([scalar("x"), scalar("y")]));
    assert_eq!(answer["outputs"], json!([scalar("f")]));
    assert_eq!(answer["cost"]["nodes"], 3);
    assert_eq!(answer.as_object().unwrap().len(), 5);

    let again = server.send("/functions", &[], SURFACE).await;
    assert_eq!((again.status, read(&again), header(&again, "etag")), (200, answer.clone(), header(&made, "etag")));

    let (by_name, by_id) = (server.get("/functions/surface").await, server.get(&format!("/functions/{id}")).await);
    assert_eq!((by_name.status, read(&by_name)), (200, read(&by_id)));
    assert_eq!(header(&by_name, "etag"), header(&made, "etag"));
    let shown = read(&by_name);
    assert_eq!((&shown["names"], &shown["description"], &shown["public"]), (&json!(["surface"]), &json!("over the plane"), &json!(false)));
    assert_eq!((&shown["inputs"], &shown["outputs"], &shown["cost"]), (&answer["inputs"], &answer["outputs"], &answer["cost"]));
    let created = shown["created"].as_str().unwrap();
    assert!(created.starts_with("20") && created.ends_with('Z') && created.len() == 24, "{created}");
    // what is shown can be sent
    let point = json!({"x": 3, "y": 0.5});
    let sent = server.post("/gradient", &json!({"graph": shown["graph"], "at": point})).await;
    assert_eq!(sent, server.post("/functions/surface/gradient", &json!({"at": point})).await);
    assert_eq!(sent["gradient"], json!({"x": 2.876553231625218, "y": 7.898243057013355}));

    let page = read(&server.get("/functions").await);
    let mut facts = shown.as_object().unwrap().clone();
    facts.retain(|field, _| ["id", "name", "names", "description", "public", "created"].contains(&field.as_str()));
    assert_eq!(page, json!({"functions": [facts], "next": null}));

    let gone = server.ask("DELETE", "/functions/surface", &[], "").await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    for path in ["/functions/surface".to_owned(), format!("/functions/{id}")] {
        is_problem(&server.get(&path).await, Slug::NotFound);
        is_problem(&server.ask("DELETE", &path, &[], "").await, Slug::NotFound);
        is_problem(&server.send(&format!("{path}/value"), &[], r#"{"at": {"x": 1, "y": 1}}"#).await, Slug::NotFound);
    }
    let problem = is_problem(&server.send("/value", &[], r#"{"function": "surface", "at": {"x": 1, "y": 1}}"#).await, Slug::NotFound);
    assert_eq!(problem.errors[0].pointer, "/function");
    let stages = r#"{"stages": [{"formula": "x"}, {"function": "surface"}], "at": {"x": 1}}"#;
    assert_eq!(is_problem(&server.send("/chain", &[], stages).await, Slug::NotFound).errors[0].pointer, "/stages/1/function");
    assert_eq!(read(&server.get("/functions").await), json!({"functions": [], "next": null}));
}

#[tokio::test]
async fn names_are_one_function_s_until_they_are_replaced() {
    let server = Server::start().await;
    let first = server.send("/functions", &[], SURFACE).await;
    let taken = is_problem(&server.send("/functions", &[], r#"{"formula": "x + y", "name": "surface"}"#).await, Slug::NameTaken);
    assert_eq!(taken.errors[0].pointer, "/name");
    assert!(taken.errors[0].hint.as_ref().unwrap().contains("PUT /functions/surface"));
    // what was refused left nothing behind
    assert_eq!(read(&server.get("/functions").await)["functions"].as_array().unwrap().len(), 1);

    let put = async |headers: &[(&str, &str)], body: &str| server.ask("PUT", "/functions/surface", headers, body).await;
    let other = r#"{"formula": "x + y"}"#;
    is_problem(&put(&[], other).await, Slug::NameTaken);
    is_problem(&put(&[("if-match", "\"0-0\"")], other).await, Slug::PreconditionFailed);
    is_problem(&put(&[("if-match", "\"something else\"")], other).await, Slug::PreconditionFailed);
    is_problem(&put(&[("if-match", &format!("W/{}", header(&first, "etag")))], other).await, Slug::PreconditionFailed);
    is_problem(&put(&[("if-none-match", "*")], other).await, Slug::PreconditionFailed);
    is_problem(&put(&[("if-match", "surface")], other).await, Slug::BadRequest);
    let list = format!("\"1\", {}", header(&first, "etag"));
    let second = put(&[("if-match", &list)], other).await;
    assert_eq!((second.status, header(&second, "location")), (200, "/functions/surface"), "{second:?}");
    assert_ne!(header(&second, "etag"), header(&first, "etag"));
    is_problem(&put(&[("if-match", &list)], other).await, Slug::PreconditionFailed);
    assert_eq!(read(&server.get("/functions/surface").await)["id"], read(&second)["id"]);
    // the first is still there, by its id
    let id = read(&first)["id"].as_str().unwrap().to_owned();
    let value = server.post(&format!("/functions/{id}/value"), &json!({"at": {"x": 2, "y": 0}})).await;
    assert_eq!((value, read(&server.get(&format!("/functions/{id}")).await)["name"].clone()), (json!({"value": {"f": 0.0}}), Value::Null));

    // the same again changes nothing; a name that is free is given
    let same = put(&[], other).await;
    assert_eq!((same.status, header(&same, "etag")), (200, header(&second, "etag")));
    let new = server.ask("PUT", "/functions/sum.2", &[("if-none-match", "*")], other).await;
    assert_eq!((new.status, header(&new, "location")), (201, "/functions/sum.2"), "{new:?}");
    assert_eq!(read(&server.get("/functions/surface").await)["names"], json!(["surface", "sum.2"]));
    is_problem(&server.ask("PUT", "/functions/nobody", &[("if-match", "*")], other).await, Slug::PreconditionFailed);

    let deleted = |reference: &str, tag: &str| {
        let (path, tag) = (format!("/functions/{reference}"), tag.to_owned());
        let server = &server;
        async move { server.ask("DELETE", &path, &[("if-match", &tag)], "").await }
    };
    is_problem(&deleted("surface", header(&first, "etag")).await, Slug::PreconditionFailed);
    assert_eq!(deleted("surface", header(&server.get("/functions/surface").await, "etag")).await.status, 204);
    is_problem(&server.get("/functions/surface").await, Slug::NotFound);
    assert_eq!(read(&server.get("/functions/sum.2").await)["names"], json!(["sum.2"]));
    assert_eq!(deleted("sum.2", "*").await.status, 204);

    // a name in another alphabet, escaped in paths
    let greek = server.send("/functions", &[], r#"{"formula": "x", "name": "θ"}"#).await;
    assert_eq!(header(&greek, "location"), "/functions/%CE%B8");
    assert_eq!(server.get("/functions/%CE%B8").await.status, 200);
}

#[tokio::test]
async fn a_function_that_is_known_already_is_not_sent() {
    let server = Server::start().await;
    let tag = header(&server.send("/functions", &[], SURFACE).await, "etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let get = async |name: &str, value: &str| server.ask("GET", "/functions/surface", &[(name, value)], "").await;
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let answer = get("if-none-match", &known).await;
        assert_eq!((answer.status, header(&answer, "etag"), answer.text.as_str()), (304, tag.as_str(), ""), "{known}");
    }
    assert_eq!(get("if-none-match", "\"x\"").await.status, 200);
    assert_eq!(get("if-match", &tag).await.status, 200);
    is_problem(&get("if-match", "\"x\"").await, Slug::PreconditionFailed);
    is_problem(&get("if-none-match", "x").await, Slug::BadRequest);
    let head = server.ask("HEAD", "/functions/surface", &[], "").await;
    assert_eq!((head.status, head.text.as_str(), header(&head, "etag")), (200, "", tag.as_str()));
    // whatever is said of it changes its tag, and what is said of nothing does not
    server.send("/functions", &[], r#"{"formula": "x^2 * sin(y)"}"#).await;
    assert_eq!(get("if-none-match", &tag).await.status, 304);
    server.send("/functions", &[], r#"{"formula": "x^2 * sin(y)", "public": true}"#).await;
    assert_eq!(get("if-none-match", &tag).await.status, 200);
}

#[tokio::test]
async fn pages_follow_one_another() {
    let server = Server::start().await;
    for i in 0..7 {
        server.post("/functions", &json!({"formula": format!("x + {i}"), "name": format!("f{i}")})).await;
    }
    let names = |page: &Value| -> Vec<String> {
        page["functions"].as_array().unwrap().iter().map(|function| function["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = read(&server.get("/functions?limit=3").await);
    assert_eq!(names(&first), ["f0", "f1", "f2"]);
    let next = first["next"].as_str().unwrap().to_owned();
    // meanwhile some go and others come
    for i in [1, 2, 3] {
        assert_eq!(server.ask("DELETE", &format!("/functions/f{i}"), &[], "").await.status, 204);
    }
    server.post("/functions", &json!({"formula": "x + 7", "name": "f7"})).await;
    let second = read(&server.get(&format!("/functions?cursor={next}&limit=3")).await);
    assert_eq!(names(&second), ["f4", "f5", "f6"]);
    let third = read(&server.get(&format!("/functions?cursor={}", second["next"].as_str().unwrap())).await);
    assert_eq!((names(&third), &third["next"]), (vec!["f7".to_owned()], &Value::Null));

    for (query, word) in [
        ("limit=0", "from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=-1", "\"-1\""),
        ("limit=many", "\"many\""),
        ("limit=", "limit"),
        ("cursor=", "cursor"),
        ("cursor=1", "\"1\""),
        ("cursor=%00", "cursor"),
        ("curser=1", "curser"),
        ("limit=1&limit=2", "limit"),
    ] {
        let problem = is_problem(&server.get(&format!("/functions?{query}")).await, Slug::InvalidRequest);
        assert!(problem.detail.contains(word), "{query}: {}", problem.detail);
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_as_everywhere() {
    let settings = store::Settings { functions: 2, description_bytes: 10, ..store::Settings::default() };
    let store = Store::in_memory(&settings, Arc::new(SystemTime::now));
    let server = Server::of(api::Settings::default(), Service::with(Settings { workers: 1, ..Settings::default() }, store)).await;
    /// A body, its problem, and the pointer of each fault.
    type Case = (&'static str, Slug, &'static [&'static str]);
    let table: [Case; 19] = [
        ("", Slug::MalformedJson, &[]),
        ("{", Slug::MalformedJson, &[]),
        ("[]", Slug::InvalidRequest, &[""]),
        ("{}", Slug::InvalidRequest, &[""]),
        (r#"{"formula": "x", "graph": {"inputs": ["x"], "outputs": ["x"]}}"#, Slug::InvalidRequest, &[""]),
        (r#"{"formula": "x", "function": "f"}"#, Slug::InvalidRequest, &[""]),
        (r#"{"function": 1}"#, Slug::InvalidRequest, &["/function"]),
        (r#"{"function": "f", "inputs": ["x"]}"#, Slug::InvalidRequest, &["/inputs"]),
        (r#"{"function": "nothing"}"#, Slug::NotFound, &["/function"]),
        (r#"{"function": "no name"}"#, Slug::NotFound, &["/function"]),
        (r#"{"formula": "x", "at": {"x": 1}}"#, Slug::InvalidRequest, &["/at"]),
        (r#"{"formula": "x", "name": "a b", "description": "\u0000"}"#, Slug::InvalidRequest, &["/name", "/description"]),
        (r#"{"formula": "x", "name": null, "public": 1}"#, Slug::InvalidRequest, &["/name", "/public"]),
        (r#"{"formula": "x", "name": "x", "name": "y"}"#, Slug::MalformedJson, &["/name"]),
        (r#"{"formula": "x +"}"#, Slug::InvalidFormula, &["/formula"]),
        (
            r#"{"graph": {"inputs": ["x"], "nodes": [{"name": "y", "op": "sine", "args": ["x"]}], "outputs": ["y"]}}"#,
            Slug::InvalidGraph,
            &["/graph/nodes/0/op"],
        ),
        (
            r#"{"formula": "a + b", "inputs": [{"name": "a", "shape": [2]}, {"name": "b", "shape": [3]}]}"#,
            Slug::ShapeMismatch,
            &["/formula"],
        ),
        (r#"{"formula": "x", "description": "longer than it may be"}"#, Slug::LimitExceeded, &[]),
        (r#"{"formula": "reshape(x, shape=[2])"}"#, Slug::ShapeMismatch, &["/formula"]),
    ];
    for (body, slug, pointers) in table {
        let problem = is_problem(&server.send("/functions", &[], body).await, slug);
        let found: Vec<&str> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(found, pointers, "{body}: {problem:?}");
    }
    let long = format!(r#"{{"formula": "x", "name": "{}"}}"#, "n".repeat(129));
    let id = format!(r#"{{"formula": "x", "name": "{}"}}"#, "a".repeat(64));
    for body in [long, id] {
        assert_eq!(is_problem(&server.send("/functions", &[], body).await, Slug::InvalidRequest).errors[0].pointer, "/name");
    }
    let put = |path: &'static str, body: &'static str| server.ask("PUT", path, &[], body);
    is_problem(&put("/functions/a%20b", r#"{"formula": "x"}"#).await, Slug::InvalidRequest);
    is_problem(&put("/functions/a", r#"{"formula": "x", "name": "a"}"#).await, Slug::InvalidRequest);
    for path in ["/functions/a%20b", "/functions/%00", "/functions/%ff", "/functions/nothing"] {
        is_problem(&server.get(path).await, Slug::NotFound);
        is_problem(&server.ask("DELETE", path, &[], "").await, Slug::NotFound);
        is_problem(&server.send(&format!("{path}/value"), &[], "{}").await, Slug::NotFound);
    }
    assert_eq!(read(&server.get("/functions").await)["functions"], json!([]), "nothing of all this was registered");

    server.send("/functions", &[], SURFACE.replace("over the plane", "").as_str()).await;
    // of a function that the path names, the body says nothing
    for field in [r#""formula": "x""#, r#""graph": {}"#, r#""function": "surface""#, r#""inputs": []"#, r#""outputs": []"#] {
        let body = format!(r#"{{"at": {{"x": 1, "y": 1}}, {field}}}"#);
        let pointer = format!("/{}", field.split('"').nth(1).unwrap());
        let problem = is_problem(&server.send("/functions/surface/gradient", &[], body).await, Slug::InvalidRequest);
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    let bad = is_problem(&server.send("/functions/surface/value", &[], r#"{"at": {"x": [1], "z": 2}}"#).await, Slug::InvalidPoint);
    let found: Vec<&str> = bad.errors.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(found, ["/at/x", "/at/z", "/at"], "{bad:?}");
    let vector = server.send("/functions", &[], r#"{"formula": "[x, x]", "name": "vector"}"#).await;
    assert_eq!(vector.status, 201, "{vector:?}");
    assert_eq!(
        is_problem(&server.send("/functions/vector/gradient", &[], r#"{"at": {"x": 1}}"#).await, Slug::NotDifferentiable).errors[0].pointer,
        ""
    );
    let by_body = server.send("/gradient", &[], r#"{"function": "vector", "at": {"x": 1}}"#).await;
    assert_eq!(is_problem(&by_body, Slug::NotDifferentiable).errors[0].pointer, "/function");
    let full = is_problem(&server.send("/functions", &[], r#"{"formula": "x"}"#).await, Slug::LimitExceeded);
    assert_eq!((full.limit.as_deref(), full.asked, full.allowed), (Some("store.functions"), Some(3.0), Some(2.0)));

    for (method, path, allow) in [
        ("DELETE", "/functions", "GET,HEAD,POST"),
        ("POST", "/functions/surface", "DELETE,GET,HEAD,PUT"),
        ("GET", "/functions/surface/value", "POST"),
    ] {
        let answer = server.ask(method, path, &[], "").await;
        is_problem(&answer, Slug::MethodNotAllowed);
        let mut allowed: Vec<&str> = header(&answer, "allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow);
    }
    is_problem(&server.send("/functions/surface/chain", &[], "{}").await, Slug::NotFound);
    is_problem(&server.ask("GET", "/functions", &[("accept", "text/html")], "").await, Slug::NotAcceptable);
    is_problem(&server.ask("GET", "/functions/surface", &[("accept", "text/html")], "").await, Slug::NotAcceptable);
    is_problem(&server.send("/functions", &[("content-type", "text/plain")], SURFACE).await, Slug::UnsupportedMediaType);
}

/// A server with two owners and someone who may only evaluate; the headers of each.
async fn owned() -> (Server, [String; 3]) {
    let keys = [("ann", "evaluate,register"), ("bob", "evaluate,register"), ("eve", "evaluate")];
    let made = keys.map(|(name, scopes)| api::keys::generate(name, scopes).unwrap());
    let list = made.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>().join(";");
    let settings = api::keys::Settings { list, ..api::keys::Settings::default() };
    let setup = api::Setup::load(api::Settings::default(), &settings, &Default::default()).unwrap();
    (Server::set_up(setup).await, made.map(|(key, _)| format!("Bearer {key}")))
}

#[tokio::test]
async fn owners_have_functions_of_their_own() {
    let (server, [ann, bob, eve]) = owned().await;
    let ask = async |who: &str, method: &str, path: &str, body: &str| server.ask(method, path, &[("authorization", who)], body).await;
    let made = ask(&ann, "POST", "/functions", r#"{"formula": "x^2", "name": "private"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = read(&made)["id"].as_str().unwrap().to_owned();
    let shared = ask(&ann, "POST", "/functions", r#"{"formula": "x^3", "name": "shared", "public": true}"#).await;
    assert_eq!(shared.status, 201, "{shared:?}");
    let at = r#"{"at": {"x": 2}}"#;
    // evaluated by her, so that its program is there, and not for others
    assert_eq!(ask(&ann, "POST", "/functions/private/value", at).await.text, r#"{"value":{"f":4.0}}"#);
    for who in [&bob, &eve] {
        for reference in ["private", &id] {
            let path = format!("/functions/{reference}");
            is_problem(&ask(who, "GET", &path, "").await, Slug::NotFound);
            is_problem(&ask(who, "POST", &format!("{path}/value"), at).await, Slug::NotFound);
            let body = format!(r#"{{"function": "{reference}", "at": {{"x": 2}}}}"#);
            is_problem(&ask(who, "POST", "/value", &body).await, Slug::NotFound);
            let body = format!(r#"{{"stages": [{{"function": "{reference}"}}], "at": {{"x": 2}}}}"#);
            is_problem(&ask(who, "POST", "/chain", &body).await, Slug::NotFound);
        }
        assert_eq!(ask(who, "POST", "/functions/shared/value", at).await.text, r#"{"value":{"f":8.0}}"#);
        let listed = read(&ask(who, "GET", "/functions", "").await);
        assert_eq!(listed["functions"].as_array().unwrap().len(), 1, "{listed}");
    }
    is_problem(&ask(&bob, "DELETE", "/functions/private", "").await, Slug::NotFound);
    is_problem(&ask(&bob, "DELETE", "/functions/shared", "").await, Slug::Forbidden);
    is_problem(&ask(&bob, "PUT", "/functions/shared", r#"{"formula": "x^3"}"#).await, Slug::Forbidden);
    is_problem(&ask(&bob, "PUT", "/functions/private", r#"{"formula": "x^2"}"#).await, Slug::NameTaken);
    is_problem(&ask(&bob, "POST", "/functions", r#"{"formula": "x", "name": "private"}"#).await, Slug::NameTaken);
    // who may not register changes nothing
    is_problem(&ask(&eve, "POST", "/functions", r#"{"formula": "x"}"#).await, Slug::Forbidden);
    is_problem(&ask(&eve, "DELETE", "/functions/shared", "").await, Slug::Forbidden);
    is_problem(&server.get("/functions").await, Slug::Unauthorized);

    // the same function of two owners is two, of one id
    let his = ask(&bob, "POST", "/functions", r#"{"formula": "x^2", "name": "his"}"#).await;
    assert_eq!((his.status, read(&his)["id"].as_str()), (201, Some(id.as_str())));
    let names = async |who: &str| read(&ask(who, "GET", &format!("/functions/{id}"), "").await)["names"].clone();
    assert_eq!((names(&ann).await, names(&bob).await), (json!(["private"]), json!(["his"])));
    assert_eq!(ask(&ann, "DELETE", &format!("/functions/{id}"), "").await.status, 204);
    is_problem(&ask(&ann, "GET", "/functions/private", "").await, Slug::NotFound);
    assert_eq!(ask(&bob, "POST", "/functions/his/value", at).await.text, r#"{"value":{"f":4.0}}"#);
}

/// What one owner registered says nothing to another who registers the same.
#[tokio::test]
async fn inner_names_are_nobody_s() {
    let (server, [ann, bob, _]) = owned().await;
    let ask = async |who: &str, method: &str, path: &str, body: &str| server.ask(method, path, &[("authorization", who)], body).await;
    let hers = r#"{"graph": {"inputs": ["x"], "nodes": [{"name": "alpha_signal", "op": "sin", "args": ["x"]},
        {"name": "secret_a", "op": "exp", "args": ["alpha_signal"]}], "outputs": [{"name": "f", "value": "secret_a"}]}}"#;
    let made = read(&ask(&ann, "POST", "/functions", hers).await);
    let path = format!("/functions/{}", made["id"].as_str().unwrap());
    let hers = read(&ask(&ann, "GET", &path, "").await);
    assert_eq!(read(&ask(&bob, "POST", "/functions", r#"{"formula": "exp(sin(x))"}"#).await), made);
    let his = read(&ask(&bob, "GET", &path, "").await);
    assert_eq!(his["graph"], hers["graph"]);
    let text = his.to_string() + &ask(&bob, "POST", &format!("{path}/graph"), "{}").await.text;
    assert!(!text.contains("alpha_signal") && !text.contains("secret_a"), "{text}");
    let diagnosed = ask(&bob, "POST", &format!("{path}/value"), r#"{"at": {"x": "Infinity"}, "diagnostics": true}"#).await;
    assert!(diagnosed.text.contains("n1") && !diagnosed.text.contains("alpha_signal"), "{diagnosed:?}");
}

/// A registry has room for each: who has used up his share is told so, and who finds it full of others' is told to come again. An admin
/// makes room, and looks after what belongs to nobody.
#[tokio::test]
async fn nobody_fills_the_registry_for_others() {
    let keys =
        [("ann", "evaluate,register"), ("bob", "evaluate,register"), ("cat", "evaluate,register"), ("root", "evaluate,register,admin")];
    let made = keys.map(|(name, scopes)| api::keys::generate(name, scopes).unwrap());
    let list = made.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>().join(";");
    let settings = api::keys::Settings { list, ..api::keys::Settings::default() };
    let settings_of_store = store::Settings { functions: 3, functions_per_owner: 1, ..store::Settings::default() };
    let store = Store::in_memory(&settings_of_store, Arc::new(SystemTime::now));
    let service = Service::with(Settings { workers: 1, ..Settings::default() }, store);
    // before there were keys
    let open = Server::of(api::Settings::default(), service.clone()).await;
    assert_eq!(open.send("/functions", &[], r#"{"formula": "x^9", "name": "orphan"}"#).await.status, 201);
    let setup = api::Setup::load(api::Settings::default(), &settings, &Default::default()).unwrap();
    let server = Server::of(setup, service).await;
    let [ann, bob, cat, root] = made.map(|(key, _)| format!("Bearer {key}"));
    let ask = async |who: &str, method: &str, path: &str, body: &str| server.ask(method, path, &[("authorization", who)], body).await;
    assert_eq!(ask(&ann, "POST", "/functions", r#"{"formula": "x", "name": "hers"}"#).await.status, 201);
    let full = is_problem(&ask(&ann, "POST", "/functions", r#"{"formula": "x + 1"}"#).await, Slug::LimitExceeded);
    assert_eq!((full.limit.as_deref(), full.asked, full.allowed), (Some("store.functions_per_owner"), Some(2.0), Some(1.0)));
    assert_eq!(ask(&bob, "POST", "/functions", r#"{"formula": "x"}"#).await.status, 201);
    let crowded = ask(&cat, "POST", "/functions", r#"{"formula": "x"}"#).await;
    is_problem(&crowded, Slug::Overloaded);
    assert_eq!(header(&crowded, "retry-after"), "60");

    // an admin sees all of them, and nobody else does
    let seen = async |who: &str| read(&ask(who, "GET", "/functions", "").await)["functions"].as_array().unwrap().len();
    assert_eq!((seen(&root).await, seen(&ann).await, seen(&cat).await), (3, 1, 0));
    assert_eq!(ask(&root, "GET", "/functions/orphan", "").await.status, 200);
    is_problem(&ask(&ann, "GET", "/functions/orphan", "").await, Slug::NotFound);
    is_problem(&ask(&ann, "DELETE", "/functions/orphan", "").await, Slug::NotFound);
    assert_eq!(ask(&root, "DELETE", "/functions/orphan", "").await.status, 204);
    assert_eq!(ask(&cat, "POST", "/functions", r#"{"formula": "x"}"#).await.status, 201);
    assert_eq!(ask(&root, "DELETE", "/functions/hers", "").await.status, 204);
    is_problem(&ask(&ann, "GET", "/functions/hers", "").await, Slug::NotFound);
    // without keys nobody is an admin: there everybody is one, and nobody sees what is an owner's
    assert_eq!(read(&open.get("/functions").await)["functions"], json!([]));
}

#[tokio::test]
async fn the_client_s_calls() {
    let server = Server::start().await;
    let client = Client::new(&server.url("")).unwrap();
    let request = RegisterRequest::new("x^2 * sin(y)").name("θ-surface").description("over the plane").public(true);
    let made = client.register(&request).await.unwrap();
    let (function, etag) = client.function("θ-surface").await.unwrap();
    assert_eq!((&function.id, function.names.as_slice(), function.public), (&made.id, ["θ-surface".to_owned()].as_slice(), true));
    assert_eq!(function.graph.inputs.len(), 2);
    let gradient = client.gradient(&GradientRequest::new(Function::registered(&made.id)).at("x", 3.0).at("y", 0.5)).await.unwrap();
    assert_eq!(gradient.one().unwrap().gradient["x"].data, [2.876553231625218]);
    let other = ReplaceRequest::new(function.graph);
    assert_eq!(client.replace("θ-surface", None, &other).await.unwrap(), made);
    let third = client.replace("θ-surface", Some(&etag), &ReplaceRequest::new("x + y")).await.unwrap();
    assert_ne!(third.id, made.id);
    let stale = client.delete("θ-surface", Some(&etag)).await.unwrap_err();
    assert!(matches!(&stale, client::Error::Problem(problem) if problem.slug() == Some(Slug::PreconditionFailed)), "{stale:?}");
    let page = client.functions(Some(1), None).await.unwrap();
    assert_eq!((page.functions.len(), page.functions[0].id.as_str()), (1, made.id.as_str()));
    let page = client.functions(None, page.next.as_deref()).await.unwrap();
    assert_eq!((page.functions[0].id.as_str(), page.next), (third.id.as_str(), None));
    client.delete(&made.id, None).await.unwrap();
    client.delete("θ-surface", None).await.unwrap();
    assert_eq!(client.functions(None, None).await.unwrap().functions, []);
}

/// A draining server takes no registrations, and says so.
#[tokio::test]
async fn a_server_that_ends_takes_nothing_on() {
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let server = Server::of(api::Settings::default(), service.clone()).await;
    service.drain();
    for (method, path) in
        [("POST", "/functions"), ("GET", "/functions"), ("GET", "/functions/f"), ("DELETE", "/functions/f"), ("POST", "/functions/f/value")]
    {
        let answer = server.ask(method, path, &[], SURFACE).await;
        is_problem(&answer, Slug::ShuttingDown);
        assert_eq!(header(&answer, "retry-after"), "1");
    }
}
