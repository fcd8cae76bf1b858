//! What is asked of databases and services after the load, and during it.
