//! Ways to write a function.
