//! The harness: every kind, every example, every wrong thing. Nothing moves that should not.
//!
//! A kind's file supplies its examples as data; what is tried on them stands here and knows no kind.

mod answers;
mod documentation;
mod example;
mod inputs;
mod outside;
mod ownership;
mod pages;
mod person;
mod provenance;
mod quickstart;
mod record;
mod reference;
mod scenarios;
mod stage;
mod world;

pub(crate) use example::Example;
