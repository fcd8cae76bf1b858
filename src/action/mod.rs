//! What a run does to the world beside its load: commands, requests and signals, journaled, so that what was begun is ended.
