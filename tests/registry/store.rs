//! One suite for all homes of functions: in memory, in a file, in PostgreSQL.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nablad::store::{Asker, Condition, Entry, Error, Id, Reference, Registration, Store, Version, Versions};

use super::homes::{Home, homes, in_postgres, open};

/// The function of a letter.
pub(super) fn id(letter: &str) -> Id {
    Id([letter.as_bytes()[0]; 32])
}

fn text(letter: &str) -> Arc<[u8]> {
    letter.repeat(10).into_bytes().into()
}

pub(super) fn registration(owner: Option<&str>, letter: &str, name: Option<&str>) -> Registration {
    let (owner, name) = (owner.map(str::to_owned), name.map(str::to_owned));
    Registration { id: id(letter), text: text(letter), owner, name, description: None, public: None }
}

/// A function is a capital letter, everything else is a name.
fn reference(word: &str) -> Reference {
    if word.len() == 1 && word.as_bytes()[0].is_ascii_uppercase() { Reference::Id(id(word)) } else { Reference::of(word) }
}

/// An entry in a few words: version, function, names, and what is said of it.
pub(super) fn told(entry: &Entry) -> String {
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
        Error::Crowded { limit, asked, allowed } => format!("crowded {limit} {asked} of {allowed}"),
        other => other.to_string(),
    }
}

/// Does what a line says: `WHO VERB WHAT [as NAME] [public|private] [saying WORD] [if VERSION|present|absent|changed]`, where WHO is `-` for
/// nobody in particular, and has a `!` where he sees all.
pub(super) async fn run(store: &Store, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [who, verb, what, rest @ ..] = &words[..] else { panic!("{line}") };
    let all = who.ends_with('!');
    let owner = Some(who.trim_end_matches('!')).filter(|who| *who != "-");
    let asker = Asker { owner, all };
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
            let found = store.find(asker, &reference(what)).await;
            let peeked = store.peek(owner, &reference(what));
            let known = found.as_ref().ok().filter(|entry| entry.visible(owner.into())).map(|entry| entry.id);
            assert_eq!(peeked, known, "{line}: what was just found is known, and only to those who may call it");
            found.map(|entry| told(&entry))
        }
        "text" => store.text(id(what)).await.map(|text| String::from_utf8(text.to_vec()).unwrap()),
        "delete" => store.delete(asker, reference(what), condition).await.map(|()| "gone".to_owned()),
        "list" => {
            let (after, limit) = what.split_once('+').unwrap();
            let page = store.list(asker, after.parse().unwrap(), limit.parse().unwrap()).await;
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
            ("bob register B", "crowded store.functions 4 of 3"),
            ("- register D as d", "full store.functions 4 of 3"),
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
async fn nobody_fills_it_for_others() {
    for (functions, bytes, full) in [(1, 1000, "full store.functions_per_owner 2 of 1"), (9, 19, "full store.bytes_per_owner 20 of 19")] {
        for mut home in homes().await {
            home.settings.functions = 4;
            home.settings.functions_per_owner = functions;
            home.settings.bytes_per_owner = bytes;
            let store = open(&home).await;
            let table = [
                ("ann register A as a", "new 1.1 A a"),
                ("ann register B", full),
                ("ann replace B as b if absent", full),
                // what she has she may say more of
                ("ann register A as b public", "1.2 A a b public"),
                // a text that others have counts for each
                ("bob register A", "new 2.1 A"),
                ("bob register B", full),
                // who is nobody in particular has all there is
                ("- register A", "new 3.1 A"),
                ("- register B", "new 4.1 B"),
                ("- register C", "full store.functions 5 of 4"),
                // what others fill is not for him to empty
                ("cat register C", "crowded store.functions 5 of 4"),
                ("bob delete A", "gone"),
                ("cat register C", "new 5.1 C"),
                ("cat register A", full),
            ];
            check(&home, &store, &table).await;
            if home.name != "memory" {
                drop(store);
                check(&home, &open(&home).await, &[("ann register B", full), ("cat register B", full)]).await;
            }
        }
    }
}

#[tokio::test]
async fn who_sees_all_sees_and_deletes_what_is_nobody_s() {
    for home in homes().await {
        let store = open(&home).await;
        let table = [
            ("ann register F as f", "new 1.1 F f"),
            ("- register G as g", "new 2.1 G g"),
            ("bob register F", "new 3.1 F"),
            ("root find f", "missing"),
            ("root find F", "missing"),
            ("root list 0+9", ""),
            ("root delete g", "missing"),
            ("root! find f", "1.1 F f"),
            ("root! find F", "1.1 F f"),
            ("root! list 0+9", "1.1 F f, 2.1 G g, 3.1 F"),
            ("root! list 1+1", "2.1 G g …"),
            ("root! delete g if 2.2", "changed"),
            ("root! delete g", "gone"),
            ("- find G", "missing"),
            ("bob register F public", "3.2 F public"),
            // his own before what is public, and that before the rest
            ("root! find F", "3.2 F public"),
            ("root! register F", "new 4.1 F"),
            ("root! find F", "4.1 F"),
            ("root! delete F", "gone"),
            ("root! delete F", "gone"),
            ("bob find F", "missing"),
            ("root! delete F", "gone"),
            ("root! delete F", "missing"),
            ("ann text F", "missing"),
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
        for round in 0..8 {
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

const MANY: u8 = 24;

#[tokio::test]
async fn many_at_once_all_come_through() {
    for home in homes().await {
        let one = open(&home).await;
        let two = if home.name == "postgres" { open(&home).await } else { one.clone() };
        let mut running = Vec::new();
        for i in 0..MANY {
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
        assert_eq!(sequences, (1..=u64::from(MANY)).collect::<Vec<_>>(), "{}", home.name);
        for i in 0..MANY {
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
    let Some(mut home) = in_postgres().await else { return };
    let one = open(&home).await;
    // half of what is allowed, so that what is measured is not the machine
    home.settings.freshness_seconds = 0.4;
    let two = open(&home).await;
    home.settings.freshness_seconds = 1e6;
    let lasting = open(&home).await;
    run(&one, "- register F as f").await;
    assert_eq!(means(&lasting, "f").await, id("F"));
    for letter in ["G", "F", "G"] {
        means(&two, "f").await;
        let condition = Condition { matches: Some(Versions::Any), differs: None };
        one.replace(registration(None, letter, Some("f")), condition).await.unwrap();
        let begun = Instant::now();
        assert_eq!(means(&one, "f").await, id(letter), "one's own change is seen at once");
        while means(&two, "f").await != id(letter) {
            assert!(begun.elapsed() < Duration::from_secs(1), "not seen after a second");
            tokio::task::yield_now().await;
        }
        // while an answer is fresh nobody asks
        assert_eq!(means(&lasting, "f").await, id("F"));
    }
    run(&one, "- delete F").await;
    run(&one, "- delete G").await;
    let begun = Instant::now();
    while two.peek(None, &Reference::of("f")).is_some() {
        assert!(begun.elapsed() < Duration::from_secs(1), "not gone after a second");
        tokio::task::yield_now().await;
    }
    // what did not exist is asked for each time
    assert_eq!(run(&two, "- find new").await, "missing");
    run(&one, "- register F as new").await;
    assert_eq!(run(&two, "- find new").await, "3.1 F new");
}

/// A change takes from memory what it is about, and nothing else: who reads does not pay for those who register.
#[tokio::test]
async fn what_a_change_is_not_about_stays_known() {
    let Some(mut home) = in_postgres().await else { return };
    home.settings.freshness_seconds = 1e6;
    let store = open(&home).await;
    run(&store, "- register F as f").await;
    run(&store, "ann register P as p public").await;
    let known = |owner: Option<&str>, name: &str| store.peek(owner, &Reference::of(name));
    for line in ["- find f", "bob find p", "ann find p"] {
        run(&store, line).await;
    }
    for line in ["- register G as g", "bob register H as h", "- delete g", "ann register I"] {
        run(&store, line).await;
        assert_eq!((known(None, "f"), known(Some("bob"), "p"), known(Some("ann"), "p")), (Some(id("F")), Some(id("P")), Some(id("P"))));
    }
    run(&store, "- replace G as f if present").await;
    assert_eq!((known(None, "f"), known(Some("bob"), "p")), (None, Some(id("P"))));
    assert_eq!(means(&store, "f").await, id("G"));
    // what is not public any more is forgotten by all
    run(&store, "ann register P private").await;
    assert_eq!((known(Some("bob"), "p"), known(Some("ann"), "p"), known(None, "f")), (None, None, Some(id("G"))));
}
