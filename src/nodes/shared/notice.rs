//! A mail that tells somebody of what has become of their account, at the addresses that it had.

use idflow_core::effect::Mail;
use idflow_core::name::reads_as_address;
use idflow_core::user::User;
use idflow_core::view::Text;
use idflow_engine::context::Cx;
use idflow_flow::facts::ReferenceKind;
use idflow_flow::plan::Compiler;
use schemars::JsonSchema;
use serde::Deserialize;

/// A mail to the address of before.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoticeSetting {
    /// The Connection of kind smtp that sends the mail.
    #[schemars(length(min = 1, max = 253))]
    connection: String,
}

/// The same, compiled.
#[derive(Debug)]
pub struct Notice {
    connection: String,
    /// How the keys of its product texts begin.
    texts: &'static str,
}

impl Notice {
    /// Takes note of the Connection that the setting `notice` names.
    pub fn compile(compiler: &mut Compiler<'_>, setting: NoticeSetting, texts: &'static str) -> Self {
        let kind = ReferenceKind::SmtpConnection;
        Self { connection: compiler.connection("/notice/connection", kind, setting.connection), texts }
    }

    /// Tells the addresses that stand in these attributes.
    pub fn send<'n>(&self, cx: &mut Cx<'_>, of: &User, attributes: impl Iterator<Item = &'n String>) {
        let addresses = attributes.filter_map(|name| of.text(name).filter(|text| reads_as_address(text)));
        for to in addresses.map(str::to_owned).collect::<Vec<_>>() {
            let text = |part: &str| Text::product(format!("{}-{part}", self.texts));
            let mail = Mail {
                id: cx.effect_id(),
                connection: self.connection.clone(),
                to,
                subject: text("subject"),
                body: vec![text("body"), text("ignore")],
                code: None,
                locale: cx.locale().map(str::to_owned),
            };
            cx.mail(mail);
        }
    }
}
