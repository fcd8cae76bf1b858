//! The daemon as a user meets it: a process of its own, real load, real crashes.

mod access;
mod crash;
mod life;
mod plans;
mod recorded;
