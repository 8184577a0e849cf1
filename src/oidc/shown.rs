//! A token that a client shows without saying what it is, to ask about it or to revoke it.

use idflow_core::grant::{Grant, GrantStage};
use idflow_core::id::GrantId;

use crate::client::{self, Client, Credentials};
use crate::endpoint::{Facts, Surroundings};
use crate::handle::{self, RefreshToken};
use crate::http::Incoming;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::tokens::{AccessToken, verify_access_token};

/// The parameters that count where a token is shown.
const KNOWN: &[&str] = &[client::ID, client::SECRET, client::ASSERTION, client::ASSERTION_TYPE, "token"];

/// A token, and who shows it.
#[derive(Debug, Clone)]
pub struct ShownBy {
    /// Who says to be the client.
    pub credentials: Credentials,
    /// The token.
    pub token: Shown,
}

impl ShownBy {
    /// Reads a request about a token.
    pub fn parse(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<Self, Refusal> {
        let form = incoming.form_parameters(KNOWN)?;
        let credentials = Credentials::parse(incoming.authorization, &form)?;
        Ok(Self { credentials, token: Shown::parse(&form, around)? })
    }
}

/// What the text turned out to be. `token_type_hint` saves servers a search that we need not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// An access token of ours that has not expired.
    Access(Box<AccessToken>),
    /// What can be a refresh token of ours.
    Refresh(RefreshToken),
    /// Nothing of ours.
    Unknown,
}

impl Shown {
    /// Reads the parameter `token`.
    fn parse(form: &Parameters, around: &Surroundings<'_>) -> Result<Self, Refusal> {
        let token = form.get("token").ok_or(Refusal::MissingTokenParameter)?;
        if let Ok(refresh) = token.parse() {
            return Ok(Self::Refresh(refresh));
        }
        let access = verify_access_token(around.provider, around.keys, token, around.now);
        Ok(access.map_or(Self::Unknown, |access| Self::Access(Box::new(access))))
    }

    /// The grant that it says it belongs to.
    pub fn grant_id(&self) -> Option<GrantId> {
        match self {
            Self::Access(token) => token.id().map(|id| id.grant),
            Self::Refresh(token) => Some(token.grant),
            Self::Unknown => None,
        }
    }

    /// The living grant that it was really issued for: whoever merely knows a grant's id has nothing. That it may have
    /// been exchanged for a successor does not matter here.
    pub fn grant<'a>(&self, facts: &Facts<'a>) -> Option<&'a Grant> {
        let grant = facts.grant.filter(|grant| Some(grant.id) == self.grant_id())?;
        let GrantStage::Refresh { code, .. } = &grant.stage else { return None };
        let is_genuine = match self {
            Self::Access(token) => token.client_id == grant.request.client_id,
            Self::Refresh(token) => code.matches(&handle::digest(&token.code)),
            Self::Unknown => false,
        };
        is_genuine.then_some(grant)
    }

    /// Whether it is an access token of a client that acts for nobody: no grant stands behind it.
    pub fn is_own_of(&self, client: &Client) -> bool {
        matches!(self, Self::Access(token) if token.id().is_none() && token.client_id == client.id)
    }
}
