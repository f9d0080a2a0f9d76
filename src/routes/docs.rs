//! See it: three rows that show the table, as a page to try it on, as OpenAPI
//! and as text.
//!
//! All three are written when the table is made. Each has an entity-tag, so a
//! client that has it already gets a 304 (RFC 9110 §13.1.2). The page is one
//! file, `docs.html`, which renders the OpenAPI document; its policy lets run
//! the one script whose hash stands below, and nothing else.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::routes::route::Route;
use crate::routes::table::Routes;

const PAGE: &str = include_str!("docs.html");

/// What the page may do: run its own script, wear its own style, ask its own
/// server. An answer that is HTML would be shown as text even if the page had a
/// fault; a token can't be sent elsewhere. A test holds the hashes to the page.
const POLICY: &str = "default-src 'none'; \
    script-src 'sha256-+KlyXDebyCZ7DWs0WM9iQ1tboeJHBNZPhuv+1Vzgb1w='; \
    style-src 'sha256-1SO0YuKdAW6Tdx8H2vwhWgeaZsh9AEtlQimbqUqPRw4='; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Routes {
    /// This table, with three more rows that show it: `GET /docs` is a page to
    /// read and try it on, `GET /openapi.json` is for programs, `GET /docs.txt`
    /// for terminals. They need no network, and are open to everyone.
    ///
    /// FastAPI: `FastAPI(title="…", version="…")`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, Routes};
    ///
    /// let home = |_: &mut Request| Response::text("Come in.\n");
    /// let routes = Routes::new([Route::open(GET, "/", home).with_summary("Greets everyone.")]);
    /// let routes = routes.documented("Doors", "1.0");
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
        let own = self.iter().count();
        // The rows are in what they show, so they are made twice: for what they
        // say of themselves, and with it.
        let table: Routes =
            self.into_rows().into_iter().chain(rows(String::new(), String::new())).collect();
        let (json, text) = (table.openapi(title, version), table.to_string());
        table.into_rows().into_iter().take(own).chain(rows(json, text)).collect()
    }
}

fn rows(json: String, text: String) -> [Route; 3] {
    let row = |path, summary, media_type, body: Cow<'static, str>| {
        Route::open(Method::GET, path, cached(media_type, body))
            .with_summary(summary)
            .with_example(Response::new(Status::OK).with_body(media_type, Vec::new()))
            .with_example(Response::new(Status::NOT_MODIFIED))
    };
    [
        row("/docs", "This table, to read and to try.", "text/html; charset=utf-8", PAGE.into()),
        row("/openapi.json", "This table, as OpenAPI.", "application/json", json.into()),
        row("/docs.txt", "This table, as text.", "text/plain; charset=utf-8", text.into()),
    ]
}

/// A handler that always has the same to say, and says it once to whom keeps it.
fn cached(media_type: &'static str, body: Cow<'static, str>) -> impl Fn(&mut Request) -> Response {
    let etag = entity_tag(&body);
    let body: Cow<'static, [u8]> = match body {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    };
    move |request| {
        let answer = if has(request, &etag) {
            Response::new(Status::NOT_MODIFIED)
        } else {
            Response::new(Status::OK).with_body(media_type, body.clone())
        };
        // To be kept, and to be asked for again: another table may be served
        // after the next start.
        answer
            .with_header("ETag", etag.clone())
            .with_header("Cache-Control", "no-cache")
            .with_header("Content-Security-Policy", POLICY)
            .with_header("Referrer-Policy", "no-referrer")
            .with_header("X-Content-Type-Options", "nosniff")
    }
}

/// A strong entity-tag (RFC 9110 §8.8.3). It has no secret to keep, so any hash
/// will do; this one is the same in every process of a build, as replicas want it.
fn entity_tag(body: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body.as_bytes());
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether `If-None-Match` has the tag, or is `*`. "A recipient MUST use the weak
/// comparison function" (RFC 9110 §13.1.2).
fn has(request: &Request, etag: &str) -> bool {
    let sent = request.headers().iter();
    sent.filter(|header| header.name.eq_ignore_ascii_case("If-None-Match"))
        .filter_map(|header| str::from_utf8(header.value).ok())
        // A comma inside a tag parts it as well, into what no tag of ours equals.
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim_matches([' ', '\t']))
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Routes {
        let home = |_: &mut Request| Response::text("");
        Routes::new([Route::open(Method::GET, "/", home)]).documented("Doors", "1.0")
    }

    #[track_caller]
    fn get(path: &str, headers: &str) -> Response {
        let head = format!("GET {path} HTTP/1.0\r\n{headers}\r\n");
        table().answer(&mut Request::parse(head.as_bytes()).expect("a valid request"))
    }

    /// A hash as a policy has it: SHA-256, in Base64.
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
        let (_, behind) = PAGE.split_once(&begin).expect("it begins");
        behind.split_once(&end).expect("it ends").0
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
    fn the_page_is_small_and_makes_no_html_of_what_it_is_told() {
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
    fn each_answer_is_sent_once_to_whom_keeps_it() {
        for path in ["/docs", "/openapi.json", "/docs.txt"] {
            let first = get(path, "");
            assert_eq!(first.status(), Status::OK, "{path}");
            let etag = first.header("ETag").expect("an entity-tag").to_owned();
            for kept in [&etag, &format!("W/{etag}"), &format!("\"a,b\" ,\t{etag}, \"c\""), "*"] {
                let again = get(path, &format!("If-None-Match: {kept}\r\n"));
                assert_eq!(again.status(), Status::NOT_MODIFIED, "{path}: {kept}");
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
    fn the_rows_are_in_what_they_show() {
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
    #[should_panic(expected = "the table has GET /docs (open) twice")]
    fn a_table_is_documented_once() {
        let _ = table().documented("Doors", "1.0");
    }
}
