//! The demo target over real sockets, by clients that share no code with it.
