//! Templates against their expected expansions.
