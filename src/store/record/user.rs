//! `4 │ user id` → the user.

use idflow_core::time::Timestamp;
use idflow_core::user::User;

use super::{Kind, Record};

impl Record for User {
    const KIND: Kind = Kind::User;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        None
    }
}
