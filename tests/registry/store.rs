//! One suite for all homes of functions: in memory, in a file, in PostgreSQL.
//!
//! PostgreSQL is at the URL in `NABLAD_TEST_POSTGRES`, where every test makes a schema of its own; without it those cases are left out
//! and say so. `.ci/run` always sets it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nablad::store::{Clock, Condition, Entry, Error, Id, Reference, Registration, Settings, Store, Version, Versions};

/// A home, empty, and gone with this.
struct Home {
    name: &'static str,
    settings: Settings,
    file: Option<PathBuf>,
    /// Of a database, which connections have as their application's name, too.
    schema: String,
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn number() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn in_file() -> Home {
    let file = std::env::temp_dir().join(format!("nablad-store-{}.redb", number()));
    let settings = Settings { url: format!("file:{}", file.display()), ..Settings::default() };
    Home { name: "file", settings, file: Some(file), schema: String::new() }
}

/// A schema of its own in the PostgreSQL of the tests.
async fn in_postgres() -> Option<Home> {
    let Ok(url) = std::env::var("NABLAD_TEST_POSTGRES") else {
        // past the test's own capture, which would swallow it
        let _ = writeln!(std::io::stderr(), "SKIPPED: PostgreSQL, for want of NABLAD_TEST_POSTGRES=postgres://…");
        return None;
    };
    let schema = format!("test_{}", number());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("the PostgreSQL of the tests");
    let connection = tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{mark}application_name={schema}&options=-c%20search_path%3D{schema}%20-c%20synchronous_commit%3Doff");
    Some(Home { name: "postgres", settings: Settings { url, connections: 4, ..Settings::default() }, file: None, schema })
}

async fn homes() -> Vec<Home> {
    let memory = Home { name: "memory", settings: Settings::default(), file: None, schema: String::new() };
    [memory, in_file()].into_iter().chain(in_postgres().await).collect()
}

/// Second after second, whatever time it is.
fn clock() -> Clock {
    let seconds = AtomicU64::new(1);
    Arc::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.fetch_add(1, Ordering::Relaxed)))
}

async fn open(home: &Home) -> Store {
    Store::open(&home.settings, clock()).await.unwrap_or_else(|error| panic!("{}: {error}", home.name))
}

/// The function of a letter.
fn id(letter: &str) -> Id {
    Id([letter.as_bytes()[0]; 32])
}

fn text(letter: &str) -> Arc<[u8]> {
    letter.repeat(10).into_bytes().into()
}

fn registration(owner: Option<&str>, letter: &str, name: Option<&str>) -> Registration {
    let (owner, name) = (owner.map(str::to_owned), name.map(str::to_owned));
    Registration { id: id(letter), text: text(letter), owner, name, description: None, public: None }
}

/// A function is a capital letter, everything else is a name.
fn reference(word: &str) -> Reference {
    if word.len() == 1 && word.as_bytes()[0].is_ascii_uppercase() { Reference::Id(id(word)) } else { Reference::of(word) }
}

/// An entry in a few words: version, function, names, and what is said of it.
fn told(entry: &Entry) -> String {
    let mut text = format!("{}.{} {}", entry.sequence, entry.revision, char::from(entry.id.0[0]));
    entry.names.iter().for_each(|name| write!(text, " {name}").unwrap());
    if entry.public {
        text.push_str(" public");
    }
    if let Some(description) = &entry.description {
        write!(text, " {description:?}").unwrap();
    }
    text
}

fn failed(error: &Error) -> String {
    match error {
        Error::NameTaken(name) => format!("taken {name}"),
        Error::Missing => "missing".to_owned(),
        Error::NotOwner => "not yours".to_owned(),
        Error::Changed => "changed".to_owned(),
        Error::Full { limit, asked, allowed } => format!("full {limit} {asked} of {allowed}"),
        other => other.to_string(),
    }
}

/// Does what a line says: `WHO VERB WHAT [as NAME] [public|private] [saying WORD] [if VERSION|present|absent|changed]`, where WHO is `-` for
/// nobody in particular.
async fn run(store: &Store, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [who, verb, what, rest @ ..] = &words[..] else { panic!("{line}") };
    let owner = Some(*who).filter(|who| *who != "-");
    let mut wanted = registration(owner, what, None);
    let mut condition = Condition::default();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match *word {
            "public" => wanted.public = Some(true),
            "private" => wanted.public = Some(false),
            "as" => wanted.name = rest.next().map(|name| (*name).to_owned()),
            "saying" => wanted.description = Some(rest.next().map_or_else(String::new, |word| (*word).to_owned())),
            "if" => match *rest.next().unwrap() {
                "present" => condition.matches = Some(Versions::Any),
                "absent" => condition.differs = Some(Versions::Any),
                version => {
                    let (sequence, revision) = version.trim_start_matches('!').split_once('.').unwrap();
                    let version_of = Version { sequence: sequence.parse().unwrap(), revision: revision.parse().unwrap() };
                    let versions = Some(Versions::OneOf(vec![version_of]));
                    if version.starts_with('!') { condition.differs = versions } else { condition.matches = versions }
                }
            },
            _ => panic!("{line}: {word}"),
        }
    }
    let outcome = match *verb {
        "register" => {
            store.register(wanted).await.map(|outcome| (if outcome.created { "new " } else { "" }).to_owned() + &told(&outcome.entry))
        }
        "replace" => {
            let outcome = store.replace(wanted, condition).await;
            outcome.map(|outcome| (if outcome.created { "new " } else { "" }).to_owned() + &told(&outcome.entry))
        }
        "find" => {
            let found = store.find(owner, &reference(what)).await;
            let peeked = store.peek(owner, &reference(what));
            assert_eq!(peeked, found.as_ref().ok().map(|entry| entry.id), "{line}: what was just found is known");
            found.map(|entry| told(&entry))
        }
        "text" => store.text(id(what)).await.map(|text| String::from_utf8(text.to_vec()).unwrap()),
        "delete" => store.delete(owner, reference(what), condition).await.map(|()| "gone".to_owned()),
        "list" => {
            let (after, limit) = what.split_once('+').unwrap();
            let page = store.list(owner, after.parse().unwrap(), limit.parse().unwrap()).await;
            page.map(|page| {
                let entries: Vec<String> = page.entries.iter().map(told).collect();
                entries.join(", ") + if page.more { " …" } else { "" }
            })
        }
        _ => panic!("{line}"),
    };
    outcome.unwrap_or_else(|error| failed(&error))
}

/// Goes through a table of lines and what they come to.
async fn check(home: &Home, store: &Store, table: &[(&str, &str)]) {
    for (line, expected) in table {
        assert_eq!(run(store, line).await, *expected, "{}: {line}", home.name);
    }
}

#[tokio::test]
async fn functions_and_their_names() {
    for home in homes().await {
        let store = open(&home).await;
        let table = [
            ("- find F", "missing"),
            ("- find f", "missing"),
            ("- text F", "missing"),
            ("- list 0+9", ""),
            ("- register F", "new 1.1 F"),
            ("- register F", "1.1 F"),
            ("- text F", "FFFFFFFFFF"),
            ("- register F as f", "1.2 F f"),
            ("- register F as f", "1.2 F f"),
            ("- register F as g saying good", "1.3 F f g \"good\""),
            ("- register F public", "1.4 F f g public \"good\""),
            ("- register F private saying", "1.5 F f g"),
            ("- register G as f", "taken f"),
            ("- find G", "missing"),
            ("- register G as h", "new 2.1 G h"),
            ("- find f", "1.5 F f g"),
            ("- find F", "1.5 F f g"),
            ("- find h", "2.1 G h"),
            ("- list 0+9", "1.5 F f g, 2.1 G h"),
            // a name among several goes alone, the last with its function
            ("- delete f if 1.4", "changed"),
            ("- delete f if !1.5", "changed"),
            ("- delete f if 1.5", "gone"),
            ("- find f", "missing"),
            ("- find F", "1.6 F g"),
            ("- delete g", "gone"),
            ("- find F", "missing"),
            ("- text F", "missing"),
            ("- delete F", "missing"),
            ("- delete g", "missing"),
            // what is gone leaves its number behind, and its name free
            ("- register H as f", "new 3.1 H f"),
            ("- register F as g", "new 4.1 F g"),
            ("- delete H if present", "gone"),
            ("- list 0+9", "2.1 G h, 4.1 F g"),
            // the last number, too
            ("- delete F", "gone"),
            ("- register H", "new 5.1 H"),
        ];
        check(&home, &store, &table).await;
    }
}

#[tokio::test]
async fn names_that_come_to_mean_another_function() {
    for home in homes().await {
        let store = open(&home).await;
        let table = [
            ("- replace F as f if present", "changed"),
            ("- replace F as f if 1.1", "changed"),
            ("- replace F as f if absent", "new 1.1 F f"),
            ("- replace F as f if absent", "changed"),
            ("- replace F as f", "1.1 F f"),
            ("- replace G as f", "taken f"),
            ("- replace G as f if !9.9", "taken f"),
            ("- replace G as f if 9.9", "changed"),
            ("- find G", "missing"),
            ("- replace G as f if 1.1 saying next", "2.1 G f \"next\""),
            // what the name meant is still there, by its id
            ("- find F", "1.2 F"),
            ("- find f", "2.1 G f \"next\""),
            ("- replace H as f if 1.1", "changed"),
            ("- register G as g", "2.2 G f g \"next\""),
            ("- replace F as f if 2.2", "1.3 F f"),
            ("- find G", "2.3 G g \"next\""),
            ("- replace F as f if present public", "1.4 F f public"),
            ("- list 0+9", "1.4 F f public, 2.3 G g \"next\""),
        ];
        check(&home, &store, &table).await;
    }
}

#[tokio::test]
async fn owners_see_their_own_and_what_is_public() {
    for home in homes().await {
        let store = open(&home).await;
        let table = [
            ("ann register F as f", "new 1.1 F f"),
            ("bob find f", "missing"),
            ("bob find F", "missing"),
            ("- find F", "missing"),
            ("bob list 0+9", ""),
            ("bob delete f", "missing"),
            ("bob register G as f", "taken f"),
            ("bob replace G as f", "taken f"),
            ("bob replace F as f if present", "taken f"),
            // the same function, another's
            ("bob register F", "new 2.1 F"),
            ("bob find F", "2.1 F"),
            ("ann find F", "1.1 F f"),
            ("ann list 0+9", "1.1 F f"),
            ("ann delete F", "gone"),
            ("bob text F", "FFFFFFFFFF"),
            ("ann find F", "missing"),
            ("bob register F as f public", "2.2 F f public"),
            ("ann find F", "2.2 F f public"),
            ("- find f", "2.2 F f public"),
            ("ann delete f", "not yours"),
            ("ann delete F", "not yours"),
            ("ann replace F as f if present", "not yours"),
            ("ann register G as g", "new 3.1 G g"),
            ("- register H", "new 4.1 H"),
            ("ann list 0+9", "2.2 F f public, 3.1 G g"),
            ("- list 0+9", "2.2 F f public, 4.1 H"),
            // one's own before another's
            ("ann register F as mine", "new 5.1 F mine"),
            ("ann find F", "5.1 F mine"),
            ("bob find F", "2.2 F f public"),
            ("bob register F private", "2.3 F f"),
            ("- find F", "missing"),
            ("bob delete F", "gone"),
            ("ann text F", "FFFFFFFFFF"),
        ];
        check(&home, &store, &table).await;
    }
}

#[tokio::test]
async fn pages() {
    for home in homes().await {
        let store = open(&home).await;
        for letter in ["A", "B", "C", "D", "E"] {
            let owner = if letter == "C" { "bob" } else { "-" };
            run(&store, &format!("{owner} register {letter}")).await;
        }
        let table = [
            ("- list 0+2", "1.1 A, 2.1 B …"),
            ("- list 2+2", "4.1 D, 5.1 E"),
            ("- list 2+1", "4.1 D …"),
            ("- list 5+2", ""),
            ("- list 18446744073709551615+2", ""),
            ("- list 0+0", " …"),
            ("- delete B", "gone"),
            ("- register F", "new 6.1 F"),
            // the next page is the same whatever came and went
            ("- list 2+2", "4.1 D, 5.1 E …"),
        ];
        check(&home, &store, &table).await;
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_and_no_more() {
    for mut home in homes().await {
        home.settings.functions = 3;
        home.settings.bytes = 20;
        home.settings.names = 2;
        home.settings.description_bytes = 4;
        let store = open(&home).await;
        let table = [
            ("- register A as a", "new 1.1 A a"),
            ("- register A as b", "1.2 A a b"),
            ("- register A as c", "full store.names 3 of 2"),
            ("- register A as a saying longer", "full store.description_bytes 6 of 4"),
            ("- register B", "new 2.1 B"),
            ("- register C", "full store.bytes 30 of 20"),
            // the same text again takes no more of it
            ("bob register A", "new 3.1 A"),
            ("bob register B", "full store.functions 4 of 3"),
            ("- replace A as c if absent", "full store.names 3 of 2"),
            ("- find A", "1.2 A a b"),
            ("- delete A", "gone"),
            ("- register C", "full store.bytes 30 of 20"),
            ("bob delete A", "gone"),
            ("- register C", "new 4.1 C"),
        ];
        check(&home, &store, &table).await;
    }
}

#[tokio::test]
async fn what_is_kept_is_there_when_it_is_opened_again() {
    for home in homes().await {
        if home.name == "memory" {
            continue;
        }
        let store = open(&home).await;
        let table = [
            ("ann register F as f public saying good", "new 1.1 F f public \"good\""),
            ("- register G as g", "new 2.1 G g"),
            ("- register H as h", "new 3.1 H h"),
            ("- replace H as g if 2.1", "3.2 H h g"),
            ("- delete G", "gone"),
            ("- register I", "new 4.1 I"),
            ("- delete I", "gone"),
        ];
        check(&home, &store, &table).await;
        let before = store.list(Some("ann"), 0, 9).await.unwrap();
        drop(store);
        let store = open(&home).await;
        assert_eq!(store.list(Some("ann"), 0, 9).await.unwrap(), before, "{}", home.name);
        assert_eq!(before.entries[0].created, 1000, "by the clock that was handed in");
        let table = [
            ("- list 0+9", "1.1 F f public \"good\", 3.2 H h g"),
            ("- text F", "FFFFFFFFFF"),
            ("- text G", "missing"),
            ("- find g", "3.2 H h g"),
            ("bob register X as h", "taken h"),
            ("- register X", "new 5.1 X"),
        ];
        check(&home, &store, &table).await;
    }
}

#[tokio::test]
async fn of_two_who_want_a_name_one_gets_it() {
    for home in homes().await {
        let one = open(&home).await;
        // in a database another server's
        let two = if home.name == "postgres" { open(&home).await } else { one.clone() };
        for round in 0..20 {
            let name = format!("n{round}");
            let (left, right) = (registration(None, "L", Some(&name)), registration(None, "R", Some(&name)));
            let (left, right) = tokio::join!(tokio::spawn(register(one.clone(), left)), tokio::spawn(register(two.clone(), right)));
            let outcomes = [left.unwrap(), right.unwrap()];
            let taken = outcomes.iter().filter(|outcome| **outcome == Err(Error::NameTaken(name.clone()))).count();
            assert!(taken == 1 && outcomes.iter().filter(|outcome| outcome.is_ok()).count() == 1, "{}: {outcomes:?}", home.name);
            let winner = outcomes.into_iter().find_map(Result::ok).unwrap();
            for store in [&one, &two] {
                assert_eq!(store.find(None, &Reference::Name(name.clone())).await.unwrap().id, winner, "{}", home.name);
            }
            two.delete(None, Reference::Name(name), Condition::default()).await.unwrap();
        }
    }
}

async fn register(store: Store, registration: Registration) -> Result<Id, Error> {
    store.register(registration).await.map(|outcome| outcome.entry.id)
}

#[tokio::test]
async fn many_at_once_all_come_through() {
    for home in homes().await {
        let one = open(&home).await;
        let two = if home.name == "postgres" { open(&home).await } else { one.clone() };
        let mut running = Vec::new();
        for i in 0..40_u8 {
            let store = if i % 2 == 0 { one.clone() } else { two.clone() };
            let name = format!("f{i}");
            let wanted = Registration { id: Id([i; 32]), text: vec![i; 100].into(), name: Some(name), ..registration(None, "A", None) };
            running.push(tokio::spawn(register(store, wanted)));
        }
        for task in running {
            task.await.unwrap().unwrap_or_else(|error| panic!("{}: {error}", home.name));
        }
        let page = two.list(None, 0, 100).await.unwrap();
        let sequences: Vec<u64> = page.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, (1..=40).collect::<Vec<_>>(), "{}", home.name);
        for i in 0..40_u8 {
            assert_eq!(one.text(Id([i; 32])).await.unwrap()[..], [i; 100], "{}", home.name);
        }
    }
}

/// What a server does for every request: what it knows, else what it asks.
async fn means(store: &Store, name: &str) -> Id {
    let reference = Reference::of(name);
    match store.peek(None, &reference) {
        Some(id) => id,
        None => store.find(None, &reference).await.unwrap().id,
    }
}

#[tokio::test]
async fn other_servers_see_a_change_within_a_second() {
    let Some(home) = in_postgres().await else { return };
    let (one, two) = (open(&home).await, open(&home).await);
    run(&one, "- register F as f").await;
    let mut letters = ["G", "F"].into_iter().cycle();
    let mut reads = 0_u32;
    for _ in 0..2 {
        let now = means(&two, "f").await;
        let letter = letters.next().unwrap();
        let wanted = registration(None, letter, Some("f"));
        one.replace(wanted, Condition { matches: Some(Versions::Any), differs: None }).await.unwrap();
        assert_eq!(means(&one, "f").await, id(letter), "one's own change is seen at once");
        let begun = Instant::now();
        while means(&two, "f").await == now {
            reads += 1;
            assert!(begun.elapsed() < Duration::from_secs(1), "not seen after a second");
            tokio::task::yield_now().await;
        }
        assert_eq!(means(&two, "f").await, id(letter));
    }
    assert!(reads > 1000, "most of the time nobody asks: {reads}");
    run(&one, "- delete F").await;
    run(&one, "- delete G").await;
    let begun = Instant::now();
    while two.peek(None, &Reference::of("f")).is_some() || two.find(None, &Reference::of("f")).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(1), "not gone after a second");
    }
    // what did not exist is asked for again each time
    assert_eq!(run(&two, "- find new").await, "missing");
    run(&one, "- register F as new").await;
    assert_eq!(run(&two, "- find new").await, "3.1 F new");
}

#[tokio::test]
async fn files_that_are_none_of_ours_or_torn_are_told() {
    let home = in_file();
    let file = home.file.clone().unwrap();
    let store = open(&home).await;
    for letter in ["A", "B", "C", "D"] {
        let wanted =
            Registration { text: letter.repeat(5000).into_bytes().into(), ..registration(None, letter, Some(&letter.to_lowercase())) };
        store.register(wanted).await.unwrap();
    }
    // a file belongs to one server at a time
    let second = Store::open(&home.settings, clock()).await.err().unwrap();
    assert!(matches!(&second, Error::Unavailable(why) if why.contains("another process has it open") && why.contains("redb")), "{second}");
    let all = store.list(None, 0, 9).await.unwrap();
    drop(store);
    let good = std::fs::read(&file).unwrap();

    let mut files: HashMap<String, Vec<u8>> = HashMap::new();
    files.insert("text".into(), b"these are my functions".to_vec());
    files.insert("zeros".into(), vec![0; 100_000]);
    for tenth in 1..10 {
        files.insert(format!("the first {tenth} tenths"), good[..good.len() * tenth / 10].to_vec());
    }
    for (i, place) in (0..good.len()).step_by(good.len() / 40).enumerate() {
        let mut torn = good.clone();
        let end = (place + 512).min(good.len());
        torn[place..end].fill(if i % 2 == 0 { 0 } else { 0xff });
        files.insert(format!("512 bytes lost at {place}"), torn);
    }
    let (mut told, mut unharmed) = (0, 0);
    for (what, bytes) in files {
        std::fs::write(&file, &bytes).unwrap();
        match Store::open(&home.settings, clock()).await {
            // what was lost was no part of it
            Ok(store) => {
                assert_eq!(store.list(None, 0, 9).await.unwrap(), all, "{what}");
                for letter in ["A", "B", "C", "D"] {
                    assert_eq!(store.text(id(letter)).await.unwrap()[..], *letter.repeat(5000).as_bytes(), "{what}");
                }
                unharmed += 1;
            }
            Err(error) => {
                assert!(matches!(&error, Error::Damaged(why) if why.contains(file.to_str().unwrap())), "{what}: {error}");
                told += 1;
            }
        }
    }
    assert!(told >= 12 && unharmed >= 3, "{told} told, {unharmed} unharmed");

    // another program's, and another version's
    type Table = redb::TableDefinition<'static, &'static str, u64>;
    for (table, key, value, word) in [("accounts", "x", 1, "accounts"), ("nablad", "form", 99, "form 99")] {
        std::fs::remove_file(&file).unwrap();
        let database = redb::Database::create(&file).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(Table::new(table)).unwrap().insert(key, value).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let error = Store::open(&home.settings, clock()).await.err().unwrap();
        assert!(matches!(&error, Error::Damaged(why) if why.contains(word)), "{error}");
    }
    let nowhere = Settings { url: "file:/nowhere/at/all.redb".to_owned(), ..Settings::default() };
    let error = Store::open(&nowhere, clock()).await.err().unwrap();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("/nowhere/at/all.redb")), "{error}");
}

#[tokio::test]
async fn databases_that_cannot_be_used_are_told() {
    for (url, word) in [
        ("postgres://nobody@127.0.0.1:1/none", "postgres://nobody@127.0.0.1:1/none"),
        ("postgres://me:secret@127.0.0.1:1/none", "postgres://me:***@127.0.0.1:1/none"),
        ("postgres://h:port/none", "store.url"),
    ] {
        let settings = Settings { url: url.to_owned(), ..Settings::default() };
        let error = Store::open(&settings, clock()).await.err().unwrap().to_string();
        assert!(error.contains(word) && !error.contains("secret"), "{error}");
    }
    let Some(home) = in_postgres().await else { return };
    drop(open(&home).await);
    let (client, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("INSERT INTO nablad_schema VALUES (99)").await.unwrap();
    let error = Store::open(&home.settings, clock()).await.err().unwrap();
    assert!(matches!(&error, Error::Damaged(why) if why.contains("version 99")), "{error}");
}

#[tokio::test]
async fn connections_that_break_are_made_anew() {
    let Some(home) = in_postgres().await else { return };
    let store = open(&home).await;
    run(&store, "- register F as f").await;
    let (client, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let begun = Instant::now();
    for _ in 0..5 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = $1";
        assert!(!client.query(end, &[&home.schema]).await.unwrap().is_empty());
        // a change that was under way is not done twice, so the first may be refused; never the reading, never for long
        loop {
            match store.register(registration(None, "F", Some("f"))).await {
                Ok(outcome) => break assert_eq!(told(&outcome.entry), "1.1 F f"),
                Err(Error::Unavailable(_)) => assert!(begun.elapsed() < Duration::from_secs(10)),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(run(&store, "- find f").await, "1.1 F f");
    }
}
