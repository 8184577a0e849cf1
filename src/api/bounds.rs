//! Types that exist only in schemas: each stands for a bounded string and carries its pattern.
//!
//! A field is a plain `String` in Rust and names one of these with `#[schemars(with = "…")]`, so that the
//! bound and its message are written once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use serde_json::Value;

use crate::name;

/// Any text of 1 to `MAX` characters.
pub struct Text<const MAX: u32>;

/// A name that expressions can use: lowerCamelCase, at most 63 characters, no word that YAML 1.1 or CEL reserves.
pub struct Name;

/// The name of an object that becomes part of other names: a DNS label of at most 63 characters.
pub struct Label;

/// The name of any namespaced object: a DNS subdomain of at most 253 characters.
pub struct ObjectName;

/// A length of time such as `20m`, `1h30m` or `500ms` (GEP-2257, the largest unit first).
pub struct Duration;

/// A BCP 47 language tag such as `en` or `pt-BR`.
pub struct Locale;

/// The 64 lower-case hexadecimal digits of a SHA-256 digest.
pub struct Sha256;

/// An IPv4 or IPv6 range in CIDR notation.
pub struct Cidr;

/// A host name, `*.` and a host name, or an IP address.
pub struct Host;

/// Processor time as Kubernetes writes it, for example `500m` or `2`.
pub struct Cores;

/// Bytes as Kubernetes writes them, for example `64Mi` or `10Gi`.
pub struct Bytes;

/// A sender of mail: an address, or a name and an address (RFC 5322).
pub struct MailSender;

/// The value of an HTTP header.
pub struct HeaderValue;

/// A colour as `#rrggbb`.
pub struct Colour;

/// A moment as RFC 3339 writes it.
pub struct Moment;

/// What a value must look like, by the pattern that refuses others. A field's own documentation says what it is for.
pub fn words(pattern: &str) -> Option<&'static str> {
    static WORDS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let text = |schema: &Schema, key: &str| schema.get(key).and_then(Value::as_str).map(str::to_owned);
        let all = all();
        all.iter()
            .filter_map(|schema| Some((text(schema, "pattern")?, text(schema, "description")?)))
            .collect()
    });
    WORDS.get(pattern).map(String::as_str)
}

/// An address, or a name and an address in angle brackets; a name with a comma in quotes. No part holds a character that
/// begins another part or another line.
fn mail_sender() -> String {
    const CONTROL: &str = r"\x00-\x1f\x7f";
    const SPECIAL: &str = r#""(),:;<>@\[\]\\"#;
    let atom = format!(r"[^\s{SPECIAL}{CONTROL}.]+");
    let label = r"[\pL\pN]([\pL\pN-]*[\pL\pN])?";
    let address = format!(r"{atom}(\.{atom})*@{label}(\.{label})*");
    let quoted = format!(r#""[^"\\{CONTROL}]*" ?"#);
    let plain = format!("[^{SPECIAL}{CONTROL}]*");
    format!("^({address}|({quoted}|{plain})<{address}>)$")
}

macro_rules! schema {
    ($($name:ident => $body:tt),+ $(,)?) => {
        /// Every form.
        fn all() -> Vec<Schema> {
            vec![$(json_schema!($body)),+]
        }
        $(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($body)
            }
        }
    )+};
}

schema! {
    Name => {
        "type": "string", "minLength": 1, "maxLength": 63, "pattern": name::LOWER_CAMEL_CASE,
        "description": "A name in lowerCamelCase, at most 63 characters.",
        "x-kubernetes-validations": [{ "rule": name::not_reserved("self"), "message": name::RESERVED_MESSAGE }]
    },
    Label => {
        "type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "description": "A name of at most 63 lower-case letters, digits and `-`."
    },
    ObjectName => {
        "type": "string", "minLength": 1, "maxLength": 253,
        "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "description": "The name of an object: at most 253 lower-case letters, digits, `-` and `.`."
    },
    Duration => {
        "type": "string", "minLength": 2, "maxLength": 27,
        "pattern": "^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?([0-9]{1,5}ms)?$",
        "description": "A length of time such as `20m` or `1h30m`."
    },
    Locale => {
        "type": "string", "minLength": 2, "maxLength": 35, "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        "description": "A language such as `en` or `pt-BR`."
    },
    Sha256 => {
        "type": "string", "minLength": 64, "maxLength": 64, "pattern": "^[0-9a-f]{64}$",
        "description": "A SHA-256 digest in 64 hexadecimal digits."
    },
    Cidr => {
        "type": "string", "minLength": 4, "maxLength": 43, "pattern": "^[0-9a-fA-F:.]+/[0-9]{1,3}$",
        "description": "A range of addresses such as `10.0.0.0/8` or `fd00::/8`; one address is `10.1.2.3/32`."
    },
    Host => {
        "type": "string", "minLength": 1, "maxLength": 253,
        "pattern": "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$|^[0-9a-f:]*:[0-9a-f:.]*$",
        "description": "A host such as `api.example.com`, all below one such as `*.example.com`, or an address."
    },
    Cores => {
        "type": "string", "minLength": 1, "maxLength": 20,
        "pattern": "^[0-9]{1,12}(\\.[0-9]{1,3})?m?$",
        "description": "Processor time above zero such as `500m` for half a core, or `2`.",
        "x-kubernetes-validations": [{ "rule": "self.matches('[1-9]')", "message": "an amount of nothing: write one above zero" }]
    },
    Bytes => {
        "type": "string", "minLength": 1, "maxLength": 20,
        "pattern": "^[0-9]{1,12}((\\.[0-9]{1,3})?(k|M|G|T|Ki|Mi|Gi|Ti))?$",
        "description": "An amount of bytes above zero such as `64Mi` or `10Gi`.",
        "x-kubernetes-validations": [{ "rule": "self.matches('[1-9]')", "message": "an amount of nothing: write one above zero" }]
    },
    MailSender => {
        "type": "string", "minLength": 3, "maxLength": 320,
        "pattern": mail_sender(),
        "description": "A mail address such as `no-reply@acme.example` or `Acme <no-reply@acme.example>`; a name with a comma in quotes."
    },
    HeaderValue => {
        "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[!-~\\x{80}-\\x{10FFFF}]([\\t -~\\x{80}-\\x{10FFFF}]*[!-~\\x{80}-\\x{10FFFF}])?$",
        "description": "A header's value: one line without control characters, and no space at its ends."
    },
    Moment => { "type": "string", "format": "date-time", "maxLength": 40 },
    Colour => {
        "type": "string", "minLength": 7, "maxLength": 7, "pattern": "^#[0-9A-Fa-f]{6}$",
        "description": "A colour such as `#0f5257`, in quotes."
    },
}

impl<const MAX: u32> JsonSchema for Text<MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX })
    }
}
