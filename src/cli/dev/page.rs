//! The frame of the pages that `idflow dev` shows beside the hosted ones: demo application and mail catcher.

use axum::response::Html;
use idflow_pages::escape;

/// A page with a heading; `head` and `body` are HTML.
pub(super) fn page(title: &str, head: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         {head}<title>{0}</title><style>{STYLE}</style><main><h1>{0}</h1>{body}</main>",
        escape(title)
    ))
}

// Scroll bars and everything that is not coloured here follow the scheme of the root.
const STYLE: &str = "\
    :root{color-scheme:light dark;background:light-dark(#fff,#16181d);color:light-dark(#111827,#e5e7eb)}\
    body{font:1rem/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}\
    a{color:light-dark(#1d4ed8,#93b4ff)}\
    th{text-align:start;padding-inline-end:1.5rem;vertical-align:top}\
    td{overflow-wrap:anywhere}\
    .button{display:inline-block;padding:.6rem 1.4rem;margin:.2rem .6rem .2rem 0;border:1px solid #1d4ed8;\
    border-radius:.5rem;background:#1d4ed8;color:#fff;text-decoration:none}\
    .quiet{background:none;color:inherit;border-color:#8886}\
    article{border:1px solid #8886;border-radius:.5rem;padding:0 1rem;margin:1rem 0}\
    pre{white-space:pre-wrap;font:inherit}\
    iframe{width:100%;height:36rem;border:1px solid #8886;border-radius:.5rem}";
