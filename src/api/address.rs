//! How an address must be written to be the one that browsers send.
//!
//! They leave the scheme's own port away, write a host in lower case and ASCII, and escape everything else. Issuers,
//! origins and redirect URIs are compared character by character, so that another spelling would never match: nobody
//! could sign in, and nothing would say why.

/// The scheme's own port is not written out.
pub(crate) const NO_OWN_PORT: &str = "!self.matches('^(https://[^/?#]*:443|http://[^/?#]*:80)([/?#]|$)')";

/// What is answered when it is.
pub(crate) const NO_OWN_PORT_MESSAGE: &str =
    "browsers leave the scheme's own port away, so that this would never match: delete :443 (of http: :80)";

/// A port is one that there is, without zeros before it.
pub(crate) const REAL_PORT: &str = "!self.matches('^[a-z]+://[^/?#]*:(0[0-9]*|[0-9]{6,}|6553[6-9]|655[4-9][0-9]|65[6-9][0-9]{2}|6[6-9][0-9]{3}|[7-9][0-9]{4})([/?#]|$)')";

/// What is answered when it is not.
pub(crate) const REAL_PORT_MESSAGE: &str = "a port is a number from 1 to 65535, without a zero before it";

/// A host is in lower case and ASCII, and no user stands before it.
pub(crate) const PLAIN_HOST: &str = "!self.matches('^https?://[^/?#]*[^a-z0-9._:/?#\\\\[\\\\]-]')";

/// What is answered when it is not.
pub(crate) const PLAIN_HOST_MESSAGE: &str = "browsers write a host in lower case and ASCII, so that this would never match: write it in small letters, an international name as xn--…, and no user before it";

/// Everything is printable ASCII, and no backslash.
pub(crate) const ESCAPED: &str = "self.matches('^[!-~]*$') && !self.contains('\\\\')";

/// What is answered when it is not.
pub(crate) const ESCAPED_MESSAGE: &str = "browsers escape everything but printable ASCII, so that this would never match: write other characters as %XX, for example é as %C3%A9";
