//! What is kept of series is what was there.
