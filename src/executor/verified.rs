//! Which addresses of a user are proven: those to which a mailed code was answered, and who may be called by one.

use std::collections::BTreeMap;

use idflow_core::evidence::{Evidence, Proof};
use idflow_core::id::UserId;
use idflow_core::journey::Journey;
use idflow_core::name::is_same;
use idflow_core::time::Timestamp;
use idflow_core::user::User;
use idflow_core::write::Write;
use idflow_store::ReadSet;

use crate::app::Unavailable;
use crate::configuration::Directory;

/// Adds to a commit that the user has proven an address, where the account does not say so yet. It is written once and
/// costs no look: the user was read for the step.
pub(crate) fn note(
    directories: &BTreeMap<String, Directory>,
    journey: &Journey,
    writes: &mut Vec<Write>,
    reads: &ReadSet,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let Some(id) = journey.user else { return Ok(()) };
    let proven = proven(journey, id, writes);
    if proven.is_empty() {
        return Ok(());
    }
    let Some(previous) = current(id, writes, reads)? else { return Ok(()) };
    // A name that reads as an address may be one that somebody took who never read its mails.
    let addresses =
        directories.get(&previous.directory).map(|directory| &directory.addresses[..]).unwrap_or_default();
    let is_of_address = |name: &String| addresses.is_empty() || addresses.contains(name);
    let is_news = |(name, value): &(&String, &serde_json::Value)| {
        let is_proven = |text| proven.iter().any(|address| is_same(address, text));
        is_of_address(name) && !previous.verified.contains(name) && value.as_str().is_some_and(is_proven)
    };
    let news: Vec<String> =
        previous.attributes.iter().filter(is_news).map(|(name, _)| name.clone()).collect();
    if !news.is_empty() {
        let verified = previous.verified.iter().cloned().chain(news).collect();
        let user = User { verified, updated: now, ..previous.clone() };
        writes.push(Write::UpdateUser { user, previous, unique: Vec::new() });
    }
    Ok(())
}

/// Whether a new user would be found by an address that they have not shown to read, as their user name. Whose
/// address it is could have no account, and who has one could be found out (checklist E-1).
pub(crate) fn takes_an_address(directory: &Directory, user: &User) -> bool {
    directory.identifiers.iter().any(|name| user.may_have_anothers_address(name, &directory.addresses))
}

/// The same of a user who is called otherwise from now on, by what is new of it.
pub(crate) fn takes_an_address_anew(directory: &Directory, user: &User, previous: &User) -> bool {
    let mut new = directory.identifiers.iter().filter(|name| user.text(name) != previous.text(name));
    new.any(|name| user.may_have_anothers_address(name, &directory.addresses))
}

/// Whether who has shown this, and then gives an account a password, has shown no more of it than to read mail at what it
/// is called: that was anybody's to choose before there was a rule, and whoever did may still be in it.
pub(crate) fn rests_on_a_name(directory: &Directory, user: &User, shown: &[Evidence]) -> bool {
    let is_shown = |evidence: &Evidence| match &evidence.proof {
        Proof::Factor(_) | Proof::Created => evidence.user == Some(user.id),
        proof => {
            let mut own = directory.addresses.iter().filter_map(|name| user.text(name));
            own.any(|address| proof.is_of_address(address))
        }
    };
    takes_an_address(directory, user) && !shown.iter().any(is_shown)
}

/// The addresses that say something of this account: those proven since the user was named. One that was proven before
/// counts only for who makes the account theirs by a new password; whoever prepared it may still hold the old one.
fn proven<'j>(journey: &'j Journey, id: UserId, writes: &[Write]) -> Vec<&'j str> {
    let takes_over = writes
        .iter()
        .any(|write| matches!(write, Write::SetPassword { user, ends_sessions: true, .. } if *user == id));
    let counts = |owner: Option<UserId>| owner == Some(id) || takes_over && owner.is_none();
    let of_user = journey.evidence.iter().filter(|evidence| counts(evidence.user));
    of_user.filter_map(|evidence| evidence.proof.mail_address()).collect()
}

/// The user as this commit leaves them.
fn current(id: UserId, writes: &[Write], reads: &ReadSet) -> Result<Option<User>, Unavailable> {
    let written = writes.iter().rev().find_map(|write| match write {
        Write::CreateUser { user, .. } | Write::UpdateUser { user, .. } if user.id == id => Some(user),
        _ => None,
    });
    match written {
        Some(user) => Ok(Some(user.clone())),
        None => Ok(reads.user(&id)?),
    }
}
