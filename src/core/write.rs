//! Side writes: they travel in the same conditional batch as the journey's record.

use crate::id::UserId;
use crate::secret::PasswordHash;
use crate::user::User;

/// A record written together with a journey's step.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Creates a user. Refuses the batch when the value of one of `unique` attributes is taken in the directory.
    CreateUser {
        /// The new user.
        user: User,
        /// Attributes whose normalized value identifies a user.
        unique: Vec<String>,
    },
    /// Replaces a user's attributes and state. Refuses the batch when the user changed since `previous`.
    UpdateUser {
        /// The new content.
        user: User,
        /// The content it was derived from.
        previous: User,
        /// Attributes whose normalized value identifies a user.
        unique: Vec<String>,
    },
    /// Makes a user of a reservation; of a user it makes nothing new. Refuses the batch when somebody else has one of
    /// the names by now, or has reserved it earlier and this sign-up has not proven it.
    ConfirmUser {
        /// Who.
        user: UserId,
        /// The addresses that the sign-up has proven.
        addresses: Vec<String>,
    },
    /// Removes a user with everything to sign in with. Sessions, grants and journeys of before are worth nothing, and the
    /// id never names anybody again. Refuses the batch when the user changed since `previous`.
    DeleteUser {
        /// The user as they were.
        previous: User,
    },
    /// Sets or replaces a password hash. It makes a user of a reservation.
    SetPassword {
        /// Whose.
        user: UserId,
        /// The new hash.
        hash: PasswordHash,
        /// Whether the user's other sessions, grants and journeys end (checklist P-11); false for a rehash.
        ends_sessions: bool,
    },
}

impl Write {
    /// Whether it gives this user something to sign in with.
    pub fn is_credential_of(&self, id: UserId) -> bool {
        match self {
            Self::SetPassword { user, .. } => *user == id,
            Self::CreateUser { .. }
            | Self::ConfirmUser { .. }
            | Self::UpdateUser { .. }
            | Self::DeleteUser { .. } => false,
        }
    }
}
