//! The page as its users see it: a real daemon, real load, and Chromium.

mod serving;
