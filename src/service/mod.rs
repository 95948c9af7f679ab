//! Use cases: from the bytes of a request to the bytes of its answer.
