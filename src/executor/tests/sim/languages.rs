//! The language that an application wishes, or a visitor chooses, holds for pages, mails and errors of that journey.

use http::header::ACCEPT_LANGUAGE;
use idflow_core::time::Span;
use idflow_test_support::form::link;

use crate::person::Person;
use crate::visitor::{Answer, Browser};
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

fn language(page: &Answer) -> &str {
    let (_, after) = page.body.split_once("<html lang=\"").unwrap_or_else(|| panic!("{}", page.body));
    after.split('"').next().unwrap()
}

/// The tenant whose sign-in speaks these languages.
fn speaking(locales: &str, welcome: &str) -> String {
    let texts = "texts: { welcome: { en: \"Welcome back\" } }";
    assert!(TENANT.contains(texts));
    TENANT.replacen(texts, &format!("locales: {locales}\n  texts: {{ welcome: {welcome} }}"), 1)
}

async fn step(world: &World, person: &mut Person, path: &str) -> Answer {
    let page = person.browser.get(world, path).await;
    let form = person.filled(world, &page);
    person.browser.post(world, &form.action.clone(), &form.encoded()).await;
    person.browser.get(world, path).await
}

/// Where the journey at a path stands, as it is stored.
async fn phase(world: &World, path: &str) -> String {
    let id: idflow_core::id::JourneyId = path.rsplit('/').next().unwrap().parse().unwrap();
    let wanted = idflow_store::Wanted::journey(&id);
    let reads = world.app().store.read(world.now(), &[wanted]).await.unwrap();
    serde_json::to_string(&reads.journey(&id).unwrap().unwrap().phase).unwrap()
}

#[tokio::test]
async fn an_applications_wish_holds_for_pages_mails_and_errors_of_that_journey_alone() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "&ui_locales=xx%20de-AT%20en").await;
    assert_eq!(language(&person.browser.get(&world, &path).await), "de");
    assert_eq!(language(&step(&world, &mut person, &path).await), "de");
    assert!(world.mails.all()[0].subject.contains("Code"), "{:?}", world.mails.all()[0].subject);
    assert!(world.mails.all()[0].text.contains("Minuten"), "{}", world.mails.all()[0].text);
    world.pass(Span::minutes(21));
    let expired = person.browser.get(&world, &path).await;
    assert!(language(&expired) == "de" && expired.body.contains("Neu beginnen"), "{}", expired.body);
    assert!(person.browser.cookies.keys().all(|name| !name.contains("language")), "a wish is not a choice");
    let other = person.browser.authorize(&world, "").await;
    assert_eq!(language(&person.browser.get(&world, &other).await), "en");
}

#[tokio::test]
async fn a_visitors_choice_holds_from_then_on_whatever_the_application_wishes() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "&ui_locales=en").await;
    let first = person.browser.get(&world, &path).await;
    let switch = link(&first.body, "Deutsch").unwrap();
    let switched = person.browser.get(&world, &switch).await;
    assert_eq!(language(&switched), "de");
    let form = person.filled(&world, &switched);
    let answer = person.browser.post(&world, &form.action, &form.encoded()).await;
    assert_eq!(answer.location(), Some(&*path));
    assert_eq!(language(&person.browser.get(&world, &path).await), "de");
    assert!(world.mails.all()[0].text.contains("Minuten"), "{}", world.mails.all()[0].text);
    let next = person.browser.authorize(&world, "").await;
    assert_eq!(language(&person.browser.get(&world, &next).await), "de", "and for later journeys");
    let wished = person.browser.authorize(&world, "&ui_locales=en").await;
    assert_eq!(language(&person.browser.get(&world, &wished).await), "en", "until an application wishes");
}

#[tokio::test]
async fn a_flow_speaks_the_languages_it_promises_and_offers_them() {
    let manifests = speaking("[ar, fr]", "{ ar: \"مرحبا\", fr: \"Bienvenue\" }");
    let world = World::serving(1, snapshot(&manifests)).await;
    world.user(ADA).await;
    for (header, expected, direction) in
        [("fr-CA, de;q=0.9", "fr", "ltr"), ("ar-EG", "ar", "rtl"), ("de, en;q=0.5", "ar", "rtl")]
    {
        let mut browser = Browser::new();
        let request = browser.request(http::Method::GET, &crate::visitor::authorize_path(""));
        let begun =
            world.send(request.header(ACCEPT_LANGUAGE, header).body(String::new().into()).unwrap()).await;
        browser.take_cookies(&begun);
        let page = browser.get(&world, begun.location().unwrap()).await;
        assert_eq!(language(&page), expected, "{header}");
        assert!(page.body.contains(&format!("dir=\"{direction}\"")), "{header}");
        assert!(page.body.contains("<span lang=\"en\" dir=\"ltr\">"), "product texts say what they are in");
        assert!(
            link(&page.body, "العربية").is_some() && link(&page.body, "Français").is_some(),
            "{}",
            page.body
        );
        assert!(link(&page.body, "Deutsch").is_none(), "not promised");
    }
}

#[tokio::test]
async fn what_is_written_for_one_reader_is_written_in_one_language() {
    let manifests = speaking("[en, de]", "{ en: \"Welcome back\", de: \"Willkommen\" }")
        .replace("    - id: locked\n      fail: {}", "    - id: locked\n      fail: { text: welcome }");
    let world = World::serving(1, snapshot(&manifests)).await;
    let mut person = Person::new("nobody@example.com");
    let path = person.browser.authorize(&world, "&ui_locales=de").await;
    let mut page = person.browser.get(&world, &path).await;
    // Each name counts by itself; the tries of the journey are used up all the same.
    for number in 0..20 {
        let Some(form) = page.form().filter(|form| form.has_field("password")) else { break };
        let form = form.fill("username", &format!("{number}@example.com")).fill("password", "wrong");
        person.browser.post(&world, &path, &form.encoded()).await;
        page = person.browser.get(&world, &path).await;
    }
    assert!(page.body.contains("Willkommen"), "{}", page.body);
    let stored = phase(&world, &path).await;
    assert!(stored.contains("Willkommen") && !stored.contains("Welcome back"), "{stored}");
}

#[tokio::test]
async fn a_page_keeps_what_its_texts_are_made_of_and_is_written_in_its_readers_language() {
    // The text in the third language can never be rendered: that hurts nobody who reads another one.
    let texts = "{ en: \"Welcome to {{ flow.name }}\", de: \"Willkommen zu {{ flow.name }}\", \
                 fr: \"Bienvenue {{ [1, 2] }}\" }";
    let manifests = speaking("[en, de, fr]", texts).replacen("start: password", "start: hello", 1).replacen(
        "    - id: password",
        "    - id: hello\n      message: { title: welcome }\n      outcomes: { next: password }\n    - id: password",
        1,
    );
    let world = World::serving(1, snapshot(&manifests)).await;
    let mut person = Person::new("nobody@example.com");
    let path = person.browser.authorize(&world, "&ui_locales=en").await;
    let page = person.browser.get(&world, &path).await;
    assert!(page.body.contains("Welcome to sign-in"), "{}", page.body);
    let german = person.browser.get(&world, &link(&page.body, "Deutsch").unwrap()).await;
    assert!(german.body.contains("Willkommen zu sign-in"), "{}", german.body);
    let french = person.browser.get(&world, &link(&page.body, "Français").unwrap()).await;
    assert!(french.body.contains("Welcome to sign-in"), "the nearest there is: {}", french.body);
    let stored = phase(&world, &path).await;
    assert!(!stored.contains("Welcome") && !stored.contains("Willkommen"), "{stored}");
    let own = Person::new(ADA).browser.authorize(&world, "&ui_locales=fr").await;
    assert!(phase(&world, &own).await.contains("\"code\":\"error\""), "in one's own language it is a fault");
}

#[tokio::test]
async fn control_characters_begin_no_journey_and_are_no_hint() {
    let world = World::new(1).await;
    for query in ["x=%00", "x%0a=1", "a=b&x=a%1bb", "x=%7f", "x=%c2%85"] {
        let answer = Browser::new().get(&world, &format!("/flows/sign-in?{query}")).await;
        assert_eq!(answer.status, http::StatusCode::BAD_REQUEST, "{query}");
    }
    for hint in ["ada%00%40example.com", "%0d%0aada", "ada%1b"] {
        let mut browser = Browser::new();
        let path = browser.authorize(&world, &format!("&login_hint={hint}")).await;
        let page = browser.get(&world, &path).await;
        assert_eq!(page.status, http::StatusCode::OK, "{hint}");
        assert!(!page.body.contains('\0') && !page.body.contains("ada"), "{hint}: {}", page.body);
    }
}
