//! Three routes that show the table: a page where you can try each route, an
//! OpenAPI document, and text.
//!
//! All three are made once, with the table. Each has an entity-tag, so a client
//! that has it already gets a 304 (RFC 9110 §13.1.2). The page is one file,
//! `docs.html`, which shows the OpenAPI document. Its Content-Security-Policy
//! names the hash of its script, and the browser runs no other script.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use crate::http::header::members;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::routes::route::Route;
use crate::routes::table::Routes;

const PAGE: &str = include_str!("docs.html");

/// The page can use its own script and style, and send requests to its own server;
/// nothing else. If the page had a bug and put HTML from an answer into itself, no
/// script in that HTML would run, and no token could be sent to another server.
/// A test compares the hashes with the page; if they differ, it prints the new one.
const POLICY: &str = "default-src 'none'; \
    script-src 'sha256-30z4haCpvRA+lqebxgFN09A9r1sY3ls1yySZGdoV1kc='; \
    style-src 'sha256-aXGkyKA8++QPKyJqwowI1RsiGqQyPOMvs7SZBW+aF44='; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Routes {
    /// This table with three more rows that show it: `GET /docs` is a page where
    /// you can try each route, `GET /openapi.json` is for programs, `GET /docs.txt`
    /// is for terminals. These rows are open, and the page loads nothing from other
    /// servers.
    ///
    /// FastAPI: `FastAPI(title="…", version="…")`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, Routes};
    ///
    /// let home = |_: &mut Request| Response::text("Welcome.\n");
    /// let routes = Routes::new([Route::open(GET, "/", home).with_summary("Greets everyone.")]);
    /// let routes = routes.documented("Notes", "1.0");
    /// let mut request = Request::parse(b"GET /docs.txt HTTP/1.0\r\n\r\n")?;
    /// assert!(routes.answer(&mut request).body().starts_with(
    ///     b"METHOD  PATH           GUARD  SUMMARY\n\
    ///       GET     /              open   Greets everyone.\n"
    /// ));
    /// # Ok::<(), guardhouse::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table has one of these rows already.
    #[must_use]
    #[track_caller]
    pub fn documented(self, title: &str, version: &str) -> Routes {
        // The document and the text show these three rows as well. So the rows are
        // made twice: first empty, to be shown, and then with what shows them.
        let count = self.iter().count();
        let empty = docs_rows(String::new(), String::new());
        let shown = self.with_rows(|rows| rows.into_iter().chain(empty).collect());
        let (json, text) = (shown.openapi(title, version), shown.to_string());
        shown.with_rows(|rows| rows.into_iter().take(count).chain(docs_rows(json, text)).collect())
    }
}

fn docs_rows(json: String, text: String) -> [Route; 3] {
    let row = |path, summary, media_type, body: Cow<'static, str>| {
        Route::open(Method::GET, path, cached(media_type, body))
            .with_summary(summary)
            .with_example(Response::new(Status::OK).with_body(media_type, Vec::new()))
            .with_example(Response::new(Status::NOT_MODIFIED))
    };
    [
        row(
            "/docs",
            "Shows this table as a page, to try the routes.",
            "text/html; charset=utf-8",
            PAGE.into(),
        ),
        row("/openapi.json", "Shows this table as OpenAPI.", "application/json", json.into()),
        row("/docs.txt", "Shows this table as text.", "text/plain; charset=utf-8", text.into()),
    ]
}

/// A handler that always sends the same body, and 304 to a client that has it.
fn cached(media_type: &'static str, body: Cow<'static, str>) -> impl Fn(&mut Request) -> Response {
    let etag = entity_tag(&body);
    move |request| {
        let answer = if client_has(request, &etag) {
            Response::new(Status::NOT_MODIFIED)
        } else {
            Response::new(Status::OK).with_body(media_type, body.clone())
        };
        // `no-cache`: clients keep the body, but ask each time whether it is still
        // valid. After a restart the table can be another one.
        answer
            .with_header("ETag", etag.clone())
            .with_header("Cache-Control", "no-cache")
            .with_header("Content-Security-Policy", POLICY)
            .with_header("Referrer-Policy", "no-referrer")
            .with_header("X-Content-Type-Options", "nosniff")
    }
}

/// A strong entity-tag (RFC 9110 §8.8.3). It protects nothing, so a fast hash is
/// enough. `DefaultHasher::new` has no random key: all replicas of one build send
/// the same tag.
fn entity_tag(body: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body.as_bytes());
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether `If-None-Match` has the tag, or is `*`. "A recipient MUST use the weak
/// comparison function" (RFC 9110 §13.1.2), so `W/` before a tag is ignored.
fn client_has(request: &Request, etag: &str) -> bool {
    // This also splits a tag that has a comma. Our tags have none, so no part of such a tag
    // equals ours.
    members(request.headers(), "If-None-Match")
        .any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Routes {
        let home = |_: &mut Request| Response::text("");
        Routes::new([Route::open(Method::GET, "/", home)]).documented("Notes", "1.0")
    }

    #[track_caller]
    fn get(path: &str, headers: &str) -> Response {
        let head = format!("GET {path} HTTP/1.0\r\n{headers}\r\n");
        table().answer(&mut Request::parse(head.as_bytes()).expect("a valid request"))
    }

    /// A hash as the policy writes it: SHA-256 in Base64.
    fn hash(text: &str) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digest = hmac_sha256::Hash::hash(text.as_bytes());
        let mut base64 = String::new();
        for group in digest.chunks(3) {
            let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
            let bits = bits << (8 * (3 - group.len()));
            let digit = |index| char::from(ALPHABET[bits >> (18 - 6 * index) & 0x3f]);
            base64.extend((0..=group.len()).map(digit));
        }
        // 32 bytes are ten groups and two bytes.
        base64 + "="
    }

    #[track_caller]
    fn inside(element: &str) -> &'static str {
        let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
        let (_, rest) = PAGE.split_once(&begin).expect("it begins");
        rest.split_once(&end).expect("it ends").0
    }

    #[test]
    fn the_policy_has_the_hashes_of_the_page() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("</{element}>")).count(), 1, "one {element}");
            let allowed = format!("{element}-src 'sha256-{}'", hash(inside(element)));
            assert!(POLICY.contains(&allowed), "put into POLICY: {allowed}");
        }
    }

    #[test]
    fn the_page_is_small_and_never_makes_html_from_text() {
        assert!(PAGE.len() < 20_000, "{} bytes", PAGE.len());
        for no in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval",
            "Storage",
            "cookie",
        ] {
            assert!(!PAGE.contains(no), "{no}");
        }
        for no in [" onclick=", " onload=", " style=", "src=", "https:"] {
            assert!(!PAGE.contains(no), "{no}");
        }
    }

    #[test]
    fn a_client_that_has_the_answer_gets_304() {
        for path in ["/docs", "/openapi.json", "/docs.txt"] {
            let first = get(path, "");
            assert_eq!(first.status(), Status::OK, "{path}");
            let etag = first.header("ETag").expect("an entity-tag").to_owned();
            for sent in [&etag, &format!("W/{etag}"), &format!("\"a,b\" ,\t{etag}, \"c\""), "*"] {
                let again = get(path, &format!("If-None-Match: {sent}\r\n"));
                assert_eq!(again.status(), Status::NOT_MODIFIED, "{path}: {sent}");
                assert_eq!(again.body(), b"");
                for header in ["ETag", "Cache-Control"] {
                    assert_eq!(again.header(header), first.header(header), "{path}: {header}");
                }
            }
            let twice = format!("If-None-Match: \"a\"\r\nif-none-match: {etag}\r\n");
            assert_eq!(get(path, &twice).status(), Status::NOT_MODIFIED, "{path}");
            for other in ["\"a\"", "", "\"\"", etag.trim_matches('"'), "\"*\""] {
                let again = get(path, &format!("If-None-Match: {other}\r\n"));
                assert_eq!(again.status(), Status::OK, "{path}: {other}");
            }
        }
    }

    #[test]
    fn the_three_rows_are_shown_as_well() {
        let shown = |path| String::from_utf8(get(path, "").body().to_vec()).expect("text");
        for path in ["/", "/docs", "/openapi.json", "/docs.txt"] {
            assert!(shown("/openapi.json").contains(&format!("\"{path}\":{{\"get\":")), "{path}");
        }
        assert_eq!(shown("/docs.txt"), table().to_string());
        assert_eq!(shown("/docs"), PAGE);
    }

    #[test]
    fn another_table_has_another_entity_tag() {
        let home = |_: &mut Request| Response::text("");
        let tag = |path: &'static str| {
            let routes = Routes::new([Route::open(Method::GET, path, home)]).documented("", "");
            let mut request = Request::parse(b"GET /openapi.json HTTP/1.0\r\n\r\n").expect("valid");
            routes.answer(&mut request).header("ETag").map(str::to_owned)
        };
        assert_eq!(tag("/a"), tag("/a"));
        assert_ne!(tag("/a"), tag("/b"));
    }

    #[test]
    #[should_panic(expected = "GET /docs (open) matches the same requests as GET /docs (open)")]
    fn a_table_can_be_documented_once() {
        let _ = table().documented("Notes", "1.0");
    }
}
