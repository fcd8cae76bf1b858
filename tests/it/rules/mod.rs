//! Rule files and their unit tests: exact messages, and what promtool says of the same files.

mod bad_files;
mod cases;
mod check;
mod unit_tests;
