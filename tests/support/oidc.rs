//! The smallest honest relying party: code flow with PKCE for a public client.

use std::io::Result;

use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::browser::{Arrival, Browser};
use crate::http::{Request, Response};

/// The pair of RFC 7636, appendix B: what is tested here is the provider, not this client's chance.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A public client of one provider.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// The provider's origin.
    pub issuer: String,
    pub client: String,
    pub redirect: String,
}

impl RelyingParty {
    /// A browser that stops where it is sent back to this client.
    pub fn browser(&self) -> Browser {
        Browser::stopping_at(&self.redirect)
    }

    /// The address that begins a sign-in.
    pub fn authorize_url(&self, state: &str) -> String {
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", "openid profile email")
            .append_pair("state", state)
            .append_pair("nonce", state)
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .finish();
        format!("{}/oauth2/authorize?{query}", self.issuer)
    }

    /// Opens the sign-in in `browser`.
    pub fn begin(&self, browser: &mut Browser, state: &str) -> Result<Arrival> {
        browser.open(&self.authorize_url(state))
    }

    /// Redeems the code in `callback`; sent over `browser`'s connections, so that proxies of it count here too.
    pub fn redeem(&self, browser: &mut Browser, callback: &Url) -> Result<Response> {
        let code = callback.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
        let body = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code.unwrap_or_default())
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("client_id", &self.client)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let url = Url::parse(&format!("{}/oauth2/token", self.issuer)).expect("an issuer");
        let headers = vec![("Content-Type", "application/x-www-form-urlencoded".to_owned())];
        browser.client.send(&Request { method: "POST", url: &url, headers, body: body.as_bytes() })
    }

    /// Redeems the code and returns the tokens; panics with the answer when there are none.
    pub fn tokens(&self, browser: &mut Browser, callback: &Url) -> Value {
        let answer = self.redeem(browser, callback).expect("the token endpoint answers");
        let tokens = answer.json();
        assert!(tokens["id_token"].is_string(), "no tokens for {callback}: {} {tokens}", answer.status);
        tokens
    }
}
