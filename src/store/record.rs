//! What is kept of a function, and what can be said about it: plain data.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a function is called by its content: a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(pub [u8; 32]);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Id {
    type Err = ();

    /// Reads 64 hexadecimal digits in lower case, as an id is written.
    fn from_str(text: &str) -> Result<Id, ()> {
        let digits = text.as_bytes();
        let mut id = [0; 32];
        if digits.len() != 2 * id.len() {
            return Err(());
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(()),
        };
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Id(id))
    }
}

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Id, &'static str> {
        text.parse().map_err(|()| "an id is 64 hexadecimal digits")
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.to_string()
    }
}

/// How a function is referred to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By its content.
    Id(Id),
    /// By a name, which may come to mean another function.
    Name(String),
}

impl Reference {
    /// What a text refers to: no name looks like an id.
    pub fn of(text: &str) -> Reference {
        text.parse().map_or_else(|()| Reference::Name(text.to_owned()), Reference::Id)
    }
}

/// Which state of which entry: no two states that ever were have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// The entry.
    pub sequence: u64,
    /// Its state.
    pub revision: u64,
}

/// An owner's function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the order of registration. Never given twice.
    pub sequence: u64,
    /// How often it has changed.
    pub revision: u64,
    /// The function.
    pub id: Id,
    /// Whose it is; `None` where callers are not told apart.
    pub owner: Option<String>,
    /// Its names, the oldest first.
    pub names: Vec<String>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Whether others see it.
    pub public: bool,
    /// When it was registered, in milliseconds of Unix time.
    pub created: u64,
    /// Bytes of its text.
    pub bytes: u64,
}

impl Entry {
    /// Its state.
    pub fn version(&self) -> Version {
        Version { sequence: self.sequence, revision: self.revision }
    }

    /// Bytes that the entry takes in memory, about.
    pub fn bytes_of_facts(&self) -> usize {
        let texts = [&self.owner, &self.description].into_iter().flatten().map(String::len);
        size_of::<Entry>() + texts.chain(self.names.iter().map(|name| size_of::<String>() + name.len())).sum::<usize>()
    }

    /// Whether he sees it.
    pub fn visible(&self, asker: Asker<'_>) -> bool {
        self.public || asker.all || self.owner.as_deref() == asker.owner
    }
}

/// Who asks for a function, or for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker<'a> {
    /// Whose functions are his own; `None` where callers are not told apart.
    pub owner: Option<&'a str>,
    /// Whether he sees and may delete those of others, too, and those that are nobody's.
    pub all: bool,
}

impl<'a> From<Option<&'a str>> for Asker<'a> {
    fn from(owner: Option<&'a str>) -> Asker<'a> {
        Asker { owner, all: false }
    }
}

/// A function to be registered. What is `None` stays as it was where the owner has the function already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The function.
    pub id: Id,
    /// Its text.
    pub text: Arc<[u8]>,
    /// Whose it is to be.
    pub owner: Option<String>,
    /// A name for it.
    pub name: Option<String>,
    /// What is said of it.
    pub description: Option<String>,
    /// Whether others see it.
    pub public: Option<bool>,
}

/// What must hold for a change to be made. By default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// That it is there, in one of these states.
    pub matches: Option<Versions>,
    /// That it is not there in any of these states.
    pub differs: Option<Versions>,
}

/// States of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Whichever.
    Any,
    /// One of these.
    OneOf(Vec<Version>),
}

impl Versions {
    fn has(&self, found: Option<Version>) -> bool {
        match self {
            Versions::Any => found.is_some(),
            Versions::OneOf(versions) => found.is_some_and(|found| versions.contains(&found)),
        }
    }
}

impl Condition {
    /// Whether it holds of what is there.
    pub fn holds(&self, found: Option<Version>) -> bool {
        self.matches.as_ref().is_none_or(|versions| versions.has(found))
            && !self.differs.as_ref().is_some_and(|versions| versions.has(found))
    }
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The function as it is now.
    pub entry: Entry,
    /// Of a registration: whether the owner did not have the function before; of a replacement: whether the name was new.
    pub created: bool,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The functions, in order.
    pub entries: Vec<Entry>,
    /// Whether there are more behind them.
    pub more: bool,
}
