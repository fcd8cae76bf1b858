//! The page as its users see it: a real daemon, real load, and Chromium.

mod access;
mod alerts;
mod asking;
mod audit;
mod panels;
mod looks;
mod pictures;
mod report;
mod scene;
mod serving;
mod steering;
mod story;
mod units;
mod views;
mod watching;
mod words;
