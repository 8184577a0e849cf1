//! The same thing twice, and many things at once: one effect, same answer, nobody fails.

use idflow_test_support::browser::Arrival;

use crate::Served;

#[test]
fn the_same_post_twice_gives_the_same_answer_and_one_effect() {
    let served = Served::start();
    let (mut browser, arrival) = served.begin_sign_up();
    let page = arrival.page();
    let form = page.form_with("email").fill("email", "twice@test.example");
    let form = if form.has_button("next") { form.press("next") } else { form };
    let first = browser.post(&page, &form).expect("an answer");
    let second = browser.post(&page, &form).expect("an answer");
    assert_eq!(first.status(), second.status());
    assert_eq!(first.response.header("location"), second.response.header("location"));
    let code = served.dev.code_for("twice@test.example", 0);
    assert_eq!(served.dev.mails().len(), 1, "one mail");

    let page = browser.follow(second).expect("the next page").page();
    let code_page = page.form_with("code").fill("code", &code);
    let code_page = if code_page.has_button("next") { code_page.press("next") } else { code_page };
    browser.post(&page, &code_page).expect("an answer");
    browser.post(&page, &code_page).expect("an answer");
    assert_eq!(served.service.calls_about("twice@test.example").len(), 1, "one call");
}

#[test]
fn a_code_of_the_provider_works_once() {
    let served = Served::start();
    let mut browser = served.sign_up("ada@test.example");
    let callback = served.client().begin(&mut browser, "again").expect("single sign-on").left();
    assert_eq!(served.client().redeem(&mut browser, &callback).expect("an answer").status, 200);
    let again = served.client().redeem(&mut browser, &callback).expect("an answer");
    assert_eq!((again.status, again.json()["error"].as_str()), (400, Some("invalid_grant")));
}

#[test]
fn a_flood_of_starts_is_told_to_wait_as_in_a_cluster() {
    let served = Served::start();
    let status = |_| served.client().begin(&mut served.client().browser(), "many").expect("an answer");
    let refused =
        (0..80).map(status).filter(|arrival| matches!(arrival, Arrival::Page(page) if page.status() == 429));
    assert!(refused.count() > 0);
}

#[test]
fn none_of_64_sign_ins_at_once_fails() {
    let served = Served::start_on(&["--no-limits"], str::to_owned);
    served.sign_up("ada@test.example");
    let sign_in = || -> Result<(), String> {
        let mut browser = served.client().browser();
        let text = |error: std::io::Error| error.to_string();
        let arrival = served.client().begin(&mut browser, "many").map_err(text)?;
        let Arrival::Page(page) = &arrival else { return Err("no page".to_owned()) };
        if page.status() != 200 {
            return Err(format!("{}: {}", page.status(), page.text()));
        }
        let callback = served.person("ada@test.example").walk(&mut browser, arrival).map_err(text)?;
        let answer = served.client().redeem(&mut browser, &callback).map_err(text)?;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(sign_in)).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("a browser").err()).collect()
    });
    assert!(failures.is_empty(), "{} of 64 failed: {}", failures.len(), failures[0]);
}
