//! What runs do to the world beside their load, also across a crash.

mod chaos;
mod crash;
mod hooks;
mod journal;
