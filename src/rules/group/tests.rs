//! Groups on a store in memory, tick by tick.
