//! What can be switched off under every step of a journey: its application and its revision. Its user is judged with
//! the look at the user.

use idflow_core::block::BlockTarget;
use idflow_core::digest::Digest;
use idflow_core::journey::Purpose;
use idflow_store::{ReadSet, StoreError, Wanted};

/// The switches of one try of a step.
pub(crate) struct Switches {
    targets: Vec<BlockTarget>,
    may_assume: bool,
}

impl Switches {
    /// The switches of a journey on this revision, in the try after so many others.
    pub(crate) fn of(digest: Digest, purpose: &Purpose, tries_before: u32) -> Self {
        let client = match purpose {
            Purpose::Authorize(request) => Some(BlockTarget::Client(request.client_id.clone())),
            // Nobody is kept from signing out.
            Purpose::EndSession(_) | Purpose::Standalone { .. } => None,
        };
        let targets = client.into_iter().chain([BlockTarget::Revision(digest)]).collect();
        Self { targets, may_assume: tries_before == 0 }
    }

    pub(crate) fn wanted(&self) -> impl Iterator<Item = Wanted> {
        self.targets.iter().map(Wanted::block)
    }

    /// For a step that has asked nothing and so done nothing: its commit demands that nothing is switched off, which
    /// spares a round trip. Once a commit was refused, somebody looks.
    pub(crate) async fn is_any_off_or_assume(&self, reads: &mut ReadSet) -> Result<bool, StoreError> {
        if self.may_assume {
            self.targets.iter().for_each(|target| reads.assume_on(target));
        } else {
            reads.more(&self.wanted().collect::<Vec<_>>()).await?;
        }
        self.is_any_off(reads)
    }

    pub(crate) fn is_any_off(&self, reads: &ReadSet) -> Result<bool, StoreError> {
        for target in &self.targets {
            if reads.is_blocked(target)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
