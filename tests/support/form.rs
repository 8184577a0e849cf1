//! The forms and links of a page, read from its HTML as a browser without script would submit them.

/// One form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is posted, as written; empty means the page itself.
    pub action: String,
    /// Fields with the value they would be sent with.
    pub fields: Vec<Field>,
    /// Boxes that are not ticked: a browser posts nothing of them.
    pub boxes: Vec<Field>,
    /// Submit buttons that have a name, as name and value.
    pub buttons: Vec<(String, String)>,
}

/// One field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub value: String,
    /// The `autocomplete` tokens, which say what the field is for.
    pub purpose: String,
    /// Whether a person sees it and may change it.
    pub editable: bool,
}

impl Form {
    /// Fills a field. Panics when the form has none of this name, because a person could not fill it either.
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|field| field.name == name);
        let field = field.unwrap_or_else(|| panic!("the form has no field {name}"));
        value.clone_into(&mut field.value);
        self
    }

    /// Ticks a box. Panics when the form has none of this name that is not ticked.
    pub fn tick(mut self, name: &str) -> Self {
        let at = self.boxes.iter().position(|field| field.name == name);
        let field = self.boxes.remove(at.unwrap_or_else(|| panic!("the form has no box {name}")));
        self.fields.push(field);
        self
    }

    /// Presses the button `action=value`. Panics when there is none.
    pub fn press(mut self, value: &str) -> Self {
        let button = self.buttons.iter().find(|(_, own)| own == value).cloned();
        let button = button.unwrap_or_else(|| panic!("no button {value}, only {:?}", self.buttons));
        self.fields.push(Field { name: button.0, value: button.1, purpose: String::new(), editable: false });
        self
    }

    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    pub fn has_button(&self, value: &str) -> bool {
        self.buttons.iter().any(|(_, own)| own == value)
    }

    /// The body a browser would post, `application/x-www-form-urlencoded`.
    pub fn encoded(&self) -> String {
        let pairs = self.fields.iter().map(|field| (&field.name, &field.value));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

/// All forms of a page, in order.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    for tag in tags(html) {
        match (tag.name.as_str(), inside) {
            ("form", _) => {
                inside = true;
                let action = tag.get("action").unwrap_or_default();
                forms.push(Form { action, fields: Vec::new(), boxes: Vec::new(), buttons: Vec::new() });
            }
            ("/form", _) => inside = false,
            (_, true) => add_control(forms.last_mut().expect("inside a form"), &tag),
            _ => {}
        }
    }
    forms
}

/// The target of the first link whose text contains `text`.
pub fn link(html: &str, text: &str) -> Option<String> {
    let (open, close) = ("<a", "</a>");
    html.match_indices(open).find_map(|(start, _)| {
        let element = html[start..].split(close).next()?;
        let (_, label) = element.split_once('>')?;
        label.contains(text).then(|| tags(element).into_iter().next()?.get("href")).flatten()
    })
}

fn add_control(form: &mut Form, tag: &Tag) {
    let Some(name) = tag.get("name") else { return };
    let kind = tag.get("type").unwrap_or_default();
    let value = tag.get("value");
    let editable = kind != "hidden" && !tag.has("readonly");
    let purpose = tag.get("autocomplete").unwrap_or_default();
    let field = |name, value| Field { name, value, purpose, editable };
    match (tag.name.as_str(), kind.as_str()) {
        ("button", "" | "submit") | ("input", "submit") => {
            form.buttons.push((name, value.unwrap_or_default()));
        }
        ("input", "checkbox" | "radio") if !tag.has("checked") => {
            form.boxes.push(field(name, value.unwrap_or_else(|| "on".into())));
        }
        ("input", "checkbox" | "radio") => {
            form.fields.push(field(name, value.unwrap_or_else(|| "on".into())));
        }
        ("select" | "input" | "textarea", _) => form.fields.push(field(name, value.unwrap_or_default())),
        _ => {}
    }
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| unescape(value))
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Every tag of the page outside script and style, whose text is not markup.
fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let (tag, after) = read_tag(rest);
        rest = after;
        if matches!(tag.name.as_str(), "script" | "style")
            && let Some(end) = rest.find(&format!("</{}", tag.name))
        {
            rest = &rest[end..];
        }
        found.push(tag);
    }
    found
}

fn read_tag(text: &str) -> (Tag, &str) {
    let end = text.find(|letter: char| letter.is_whitespace() || letter == '>').unwrap_or(text.len());
    let mut tag = Tag { name: text[..end].to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = text[end..].trim_start();
    while !rest.is_empty() && !rest.starts_with('>') {
        let end =
            rest.find(|letter: char| letter.is_whitespace() || "=>".contains(letter)).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches('/').to_ascii_lowercase();
        let (value, after) = read_value(&rest[end..]);
        if !name.is_empty() {
            tag.attributes.push((name, value));
        }
        rest = after.trim_start();
    }
    (tag, rest)
}

fn read_value(text: &str) -> (String, &str) {
    let Some(text) = text.strip_prefix('=') else { return (String::new(), text) };
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        let inner = &text[1..];
        let end = inner.find(quote).unwrap_or(inner.len());
        return (inner[..end].to_owned(), inner.get(end + 1..).unwrap_or(""));
    }
    let end = text.find(|letter: char| letter.is_whitespace() || letter == '>').unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

/// Undoes the character references that our own templates produce.
pub fn unescape(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
    ];
    // The ampersand comes last, or text that shows an escape would be unescaped twice.
    named.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><script>if (a<b) "<form>"</script>
        <a class="x" href="/help?a=1&amp;b=2"><span>Get help</span></a>
        <form method="post" action="/j/1">
          <input type="hidden" name="token" value="a&quot;b">
          <input name=email autofocus required><input type="checkbox" name="keep" value="yes"/>
          <button name="action" value="next">Go on</button>
        </form>
        <form action=""><button type="button" name="show">Show</button></form>"#;

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let form = forms(PAGE).remove(0).fill("email", "a b@example.com").press("next");
        assert_eq!(form.action, "/j/1");
        assert_eq!(form.encoded(), "token=a%22b&email=a+b%40example.com&action=next");
    }

    #[test]
    fn a_button_that_does_not_submit_is_none() {
        assert_eq!(forms(PAGE).len(), 2);
        assert!(!forms(PAGE)[1].has_button(""));
    }

    #[test]
    fn a_link_is_found_by_its_text() {
        assert_eq!(link(PAGE, "Get help").as_deref(), Some("/help?a=1&b=2"));
        assert_eq!(link(PAGE, "Nothing"), None);
    }
}
