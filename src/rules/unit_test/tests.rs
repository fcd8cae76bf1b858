//! Unit tests of rules: what is read, what passes and what fails.
