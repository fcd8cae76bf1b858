//! Faults on a timeline, and how long the target takes to recover from them. Pure.
