//! The requests that register functions.

use serde::Serialize;

use super::Function;
use crate::wire::graph::{Graph, Input};

request! {
    /// The body of `POST /functions`.
    RegisterRequest {
        /// A name for it. One that means another function already is refused.
        name: String,
        /// What to say of it. Where the function is there already, an absent description stays as it is, and an empty one goes.
        description: String,
        /// Whether others see it and may evaluate it. Default: as it is where the function is there already, else false.
        public: bool,
    }
}

request! {
    /// The body of `PUT /functions/{function}`.
    ReplaceRequest {
        /// What to say of it. Where the function is there already, an absent description stays as it is, and an empty one goes.
        description: String,
        /// Whether others see it and may evaluate it. Default: as it is where the function is there already, else false.
        public: bool,
    }
}

impl RegisterRequest {
    /// Under that name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> RegisterRequest {
        self.name = Some(name.into());
        self
    }
}

/// What both have in common.
macro_rules! says {
    ($($name:ident),*) => {$(
        impl $name {
            /// With that to be said of it.
            #[must_use]
            pub fn description(mut self, description: impl Into<String>) -> $name {
                self.description = Some(description.into());
                self
            }

            /// To be seen by others, or not.
            #[must_use]
            pub fn public(mut self, public: bool) -> $name {
                self.public = Some(public);
                self
            }
        }
    )*};
}

says!(RegisterRequest, ReplaceRequest);
