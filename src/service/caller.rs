//! Who asks for something, and what they may ask for. The edge finds it out; the service only looks at it.

use std::sync::Arc;

use crate::store::Asker;

/// A right that a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To have functions evaluated, and to read registered ones.
    Evaluate,
    /// To register, replace and delete functions.
    Register,
    /// To look at the server's own state, and after the functions of all owners.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 3] = [Scope::Evaluate, Scope::Register, Scope::Admin];

    /// Its name in key files and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Evaluate => "evaluate",
            Scope::Register => "register",
            Scope::Admin => "admin",
        }
    }

    /// The scope of a name.
    pub fn from_name(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// All of them.
    pub const ALL: Scopes = Scopes(Scope::Evaluate.bit() | Scope::Register.bit() | Scope::Admin.bit());

    /// Whether that one is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Who asks. Clones are the same caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    owner: Option<Arc<str>>,
    scopes: Scopes,
}

impl Caller {
    /// Anyone at all, with every right: whoever asks a server that has no keys.
    pub const ANYONE: Caller = Caller { owner: None, scopes: Scopes::ALL };

    /// The one whose key has that name and those rights.
    pub fn known(owner: Arc<str>, scopes: Scopes) -> Caller {
        Caller { owner: Some(owner), scopes }
    }

    /// The name of who owns what this caller registers; `None` where callers are not told apart.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The same name, shared.
    pub(super) fn shared_owner(&self) -> Option<Arc<str>> {
        self.owner.clone()
    }

    /// Who asks the store of functions. An admin sees all of it; but where callers are not told apart nobody does, because there
    /// everybody is one.
    pub(super) fn asker(&self) -> Asker<'_> {
        Asker { owner: self.owner(), all: self.owner.is_some() && self.may(Scope::Admin) }
    }

    /// Whether the caller may do that.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }
}

impl Default for Caller {
    fn default() -> Caller {
        Caller::ANYONE
    }
}
