//! What holds whatever a node does.

mod calls;
mod data;
mod ends;
mod evidence;
mod faults;
mod limits;
mod orders;
mod posts;
mod step;
mod visitor;
