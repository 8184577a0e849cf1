//! `2 │ journey id` → the journey. Changes with every step; absent from its deadline on.

use idflow_core::journey::Journey;
use idflow_core::time::Timestamp;

use super::{Kind, Record};

impl Record for Journey {
    const KIND: Kind = Kind::Journey;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.deadline)
    }
}
