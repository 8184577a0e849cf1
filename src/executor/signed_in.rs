//! What a journey makes of its browser when somebody has signed in by it: a device of theirs.

use idflow_core::evidence::Proof;
use idflow_core::id::UserId;
use idflow_core::journey::{Ending, Journey, Phase};
use idflow_core::write::Write;
use idflow_engine::turn::EndSessions;
use idflow_store::{ReadSet, Wanted};

use crate::app::App;
use crate::devices::{Device, Standing, recognized};

/// Who has signed in to the end of a journey, with their standing where the commit does not change it.
pub(crate) struct SignedIn {
    user: UserId,
    standing: Option<Standing>,
}

impl SignedIn {
    /// Who has come to the end of a journey, having shown a factor in it.
    pub(crate) fn through(journey: &Journey) -> Option<Self> {
        let user =
            journey.user.filter(|_| matches!(journey.phase, Phase::Ended(Ending::Completed { .. })))?;
        let is_factor = |proof: &Proof| matches!(proof, Proof::Factor(_));
        let mut own = journey.evidence.iter().filter(|evidence| evidence.user == Some(user));
        own.any(|evidence| is_factor(&evidence.proof)).then_some(Self { user, standing: None })
    }

    /// The same of a journey that is about to be committed. Whoever becomes a user by it has had no other standing.
    pub(crate) fn by(
        journey: &Journey,
        writes: &[Write],
        ends: Option<EndSessions>,
        reads: &ReadSet,
    ) -> Option<Self> {
        let Self { user, .. } = Self::through(journey)?;
        let known = reads.user(&user).ok().flatten();
        let becomes_user = known.as_ref().is_some_and(|known| known.reserved.is_some());
        let changes = |write: &Write| match write {
            Write::SetPassword { ends_sessions, .. } => *ends_sessions && !becomes_user,
            Write::UpdateUser { .. } | Write::DeleteUser { .. } => true,
            Write::CreateUser { .. } | Write::ConfirmUser { .. } => false,
        };
        let is_changed = ends == Some(EndSessions::Person) || writes.iter().any(changes);
        let known = known.filter(|_| !is_changed);
        let standing = known.and_then(|known| Some(Standing::of(&known, reads.epoch(&user).ok()?)));
        Some(Self { user, standing })
    }

    /// The device that the browser is from now on: the same that it was, where it is known. One that cannot be made is no
    /// reason to refuse a sign-in.
    pub(crate) async fn device(self, app: &App, journey: &Journey, shown: &[String]) -> Option<Device> {
        let standing = if let Some(standing) = self.standing {
            standing
        } else {
            let reads = app.store.read(app.clock.now(), &Wanted::person(&self.user)).await.ok()?;
            Standing::of(&reads.user(&self.user).ok()??, reads.epoch(&self.user).ok()?)
        };
        let known = recognized(&app.keyring, &self.user, standing.epoch, shown);
        let id = known.unwrap_or_else(|| app.device_id(journey.id));
        Device::of(&app.keyring, &self.user, &standing, &id)
    }
}
