//! The route table as an OpenAPI 3.1 document, for programs.
//!
//! No request passes here: the document is written once, when the table is made.
//! It is written from the rows, so it can't show a route that does not exist. Of
//! a guard it shows what OpenAPI can express (its schemes and scopes, and the
//! challenge of a 401), and `x-guard`, the guard's name in the table.

use std::collections::{BTreeMap, BTreeSet};

use crate::auth::description::{Description, Scheme};
use crate::http::json::string;
use crate::http::method::Method;
use crate::http::response::Response;
use crate::routes::path::Path;
use crate::routes::route::Route;
use crate::routes::table::Routes;

const A_STRING: &str = r#"{"type":"string"}"#;
const AN_OBJECT: &str = r#"{"type":"object"}"#;

impl Routes {
    /// This table as OpenAPI 3.1, in JSON. `title` and `version` name your
    /// program's API. [`documented`](Routes::documented) serves the document.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, Routes};
    ///
    /// let home = |_: &mut Request| Response::text("Welcome.\n");
    /// let routes = Routes::new([Route::open(GET, "/", home).with_summary("Greets everyone.")]);
    /// let json = routes.openapi("Notes", "1.0");
    /// assert!(json.starts_with(r#"{"openapi":"3.1.0","info":{"title":"Notes","version":"1.0"}"#));
    /// assert!(json.contains(r#""/":{"get":{"summary":"Greets everyone.""#));
    /// ```
    #[must_use]
    pub fn openapi(&self, title: &str, version: &str) -> String {
        // The rows that match the same paths become one member. The first of these rows gives
        // its place and the names of the parameters: "Templated paths with the same
        // hierarchy but different templated names MUST NOT exist" (OpenAPI 3.1).
        let mut paths: Vec<(&Path, Vec<(String, String)>)> = Vec::new();
        let mut places = BTreeMap::new();
        for row in self.iter() {
            let segments: Vec<Option<&str>> = row.pattern().segments().collect();
            let place = *places.entry(segments).or_insert_with(|| {
                paths.push((row.pattern(), Vec::new()));
                paths.len() - 1
            });
            let (path, operations) = &mut paths[place];
            for (method, operation) in operations_of(row, path) {
                match operations.iter_mut().find(|(other, _)| *other == method) {
                    None => operations.push((method, operation)),
                    // A row for any method has the methods that no other row has.
                    Some(_) if row.method() == Method::Any => {}
                    Some((_, other)) => *other = operation,
                }
            }
        }
        let paths = paths.into_iter().map(|(path, operations)| (path.as_str(), object(operations)));
        object([
            ("openapi", string("3.1.0")),
            ("info", object([("title", string(title)), ("version", string(version))])),
            ("paths", object(paths)),
            ("components", components(self)),
        ])
    }
}

/// A row's operations by method. OpenAPI has no word for any method, so a row for any has
/// one for each method that a row can have. `path` has the names of the parameters.
fn operations_of(row: &Route, path: &Path) -> impl Iterator<Item = (String, String)> {
    let methods = match row.method() {
        Method::Any => Method::ALL.to_vec(),
        method => vec![method],
    };
    methods
        .into_iter()
        .map(|method| (method.as_str().to_ascii_lowercase(), operation(row, path, method)))
}

/// What a row is for, what guards it, and which answers it has.
fn operation(route: &Route, path: &Path, method: Method) -> String {
    let mut members = Vec::new();
    if !route.summary().is_empty() {
        members.push(("summary", string(route.summary())));
    }
    members.push(("x-guard", string(&route.guard_text())));
    let params = path.params();
    if !params.is_empty() {
        let params = params.iter().map(|param| {
            object([
                ("name", string(&param.name)),
                ("in", string("path")),
                ("required", "true".to_owned()),
                ("schema", A_STRING.to_owned()),
            ])
        });
        members.push(("parameters", array(params)));
    }
    // OpenAPI can show a guard by its schemes only; a closure has none.
    if let Some(guard) = route.guard().filter(|guard| !guard.schemes().is_empty()) {
        members.push(("security", security(guard)));
    }
    let responses =
        responses(route, method).into_iter().map(|(code, json)| (code.to_string(), json));
    members.push(("responses", object(responses)));
    object(members)
}

/// The client needs one of the schemes, with all of the scopes. `{}` means that
/// it can also send no credentials.
fn security(guard: &Description) -> String {
    let scopes = array(guard.scopes().iter().map(|scope| string(scope)));
    let schemes = guard.schemes().iter().map(|scheme| object([(name(scheme), &scopes)]));
    array(schemes.chain(guard.is_optional().then(|| "{}".to_owned())))
}

/// The row's answers by status: those of its handler, then those of the guard
/// and the table.
fn responses(route: &Route, method: Method) -> BTreeMap<u16, String> {
    let to_head = method == Method::HEAD;
    let mut responses = BTreeMap::new();
    for example in route.examples() {
        responses.entry(example.status().code()).or_insert_with(|| like(example, to_head));
    }
    if responses.is_empty() {
        responses.insert(200, like(&Response::json(""), to_head));
    }
    if let Some(guard) = route.guard() {
        responses.entry(400).or_insert_with(|| reference("responses", "Malformed"));
        responses.entry(401).or_insert_with(|| unauthorized(guard));
        responses.entry(403).or_insert_with(|| reference("responses", "Forbidden"));
    }
    responses.entry(404).or_insert_with(|| reference("responses", "NotFound"));
    responses.entry(405).or_insert_with(|| reference("responses", "MethodNotAllowed"));
    responses
}

/// Every guard has its own 401, because the challenge differs.
fn unauthorized(guard: &Description) -> String {
    let challenges: Vec<&str> =
        guard.schemes().iter().map(|scheme| scheme.challenge().as_str()).collect();
    let mut header = vec![("required", "true".to_owned()), ("schema", A_STRING.to_owned())];
    if !challenges.is_empty() {
        header.push(("example", string(&challenges.join(", "))));
    }
    let meaning = "The credentials are missing or invalid. WWW-Authenticate says what to send.";
    error(meaning, [("WWW-Authenticate", object(header))])
}

/// An error with these headers.
fn error<const N: usize>(meaning: &str, headers: [(&str, String); N]) -> String {
    let schema = object([("schema", reference("schemas", "Detail"))]);
    object([
        ("description", string(meaning)),
        ("headers", object(headers)),
        ("content", object([("application/json", schema)])),
    ])
}

/// A response like the example: its status, headers and media type.
fn like(example: &Response, to_head: bool) -> String {
    let headers: BTreeMap<&str, String> = example
        .headers()
        .map(|(name, value)| (name, object([("schema", A_STRING), ("example", &string(value))])))
        .collect();
    let mut members = vec![("description", string(example.status().reason()))];
    if !headers.is_empty() {
        members.push(("headers", object(headers)));
    }
    let media_type = example.header("Content-Type");
    if let Some(media_type) = media_type.filter(|_| example.status().has_body() && !to_head) {
        let is_json = media_type.starts_with("application/json");
        let kind = if is_json { AN_OBJECT } else { A_STRING };
        members.push(("content", object([(media_type, object([("schema", kind)]))])));
    }
    object(members)
}

/// What the operations refer to: the errors, their JSON, and the schemes.
fn components(routes: &Routes) -> String {
    let detail = object([
        ("type", string("object")),
        ("required", array([string("detail")])),
        ("properties", object([("detail", A_STRING)])),
    ]);
    // Not required: a guard's refusal always has a challenge, but a handler can
    // answer 400 or 403 without one.
    let challenge = || ("WWW-Authenticate", object([("schema", A_STRING)]));
    let allow = ("Allow", object([("required", "true"), ("schema", A_STRING)]));
    let malformed = "The request is malformed, or it has credentials more than once.";
    let forbidden = "The credentials are valid, but they do not allow this.";
    let not_found = "No route has this path, or it has nothing for this user.";
    let not_allowed = "No route with this path has this method. Allow lists the methods.";
    let responses = object([
        ("Malformed", error(malformed, [challenge()])),
        ("Forbidden", error(forbidden, [challenge()])),
        ("NotFound", error(not_found, [])),
        ("MethodNotAllowed", error(not_allowed, [allow])),
    ]);
    // Each scheme, with the scopes of all guards that use it.
    let mut schemes: BTreeMap<String, (&Scheme, BTreeSet<&str>)> = BTreeMap::new();
    for guard in routes.iter().filter_map(Route::guard) {
        for scheme in guard.schemes() {
            let (_, scopes) = schemes.entry(name(scheme)).or_insert((scheme, BTreeSet::new()));
            scopes.extend(guard.scopes());
        }
    }
    let schemes =
        schemes.into_iter().map(|(name, (scheme, scopes))| (name, security_scheme(scheme, scopes)));
    object([
        ("schemas", object([("Detail", detail)])),
        ("responses", responses),
        ("securitySchemes", object(schemes)),
    ])
}

/// A reference to a component.
fn reference(kind: &str, name: &str) -> String {
    object([("$ref", string(&format!("#/components/{kind}/{name}")))])
}

/// How clients send credentials, and where they get a token.
fn security_scheme(scheme: &Scheme, scopes: BTreeSet<&str>) -> String {
    match scheme {
        Scheme::Bearer(_, None) => object([("type", string("http")), ("scheme", string("bearer"))]),
        Scheme::Bearer(_, Some(path)) => {
            // OpenAPI requires a description of each scope; guards have none.
            let scopes = object(scopes.into_iter().map(|scope| (scope, string(""))));
            let password = object([("tokenUrl", string(path)), ("scopes", scopes)]);
            object([("type", string("oauth2")), ("flows", object([("password", password)]))])
        }
        Scheme::Basic(_) => object([("type", string("http")), ("scheme", string("basic"))]),
        Scheme::ApiKey(header, _) => {
            object([("type", string("apiKey")), ("in", string("header")), ("name", string(header))])
        }
    }
}

/// The name of a scheme among the components. OpenAPI allows `A-Z a-z 0-9 . - _`
/// only, so other bytes are escaped as `_` and two hex digits; `_` itself too, so
/// that two schemes never get the same name.
fn name(scheme: &Scheme) -> String {
    let escaped = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let bytes = text.bytes().map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("_{byte:02X}"),
        });
        bytes.collect()
    };
    match scheme {
        Scheme::Bearer(_, None) => "Bearer".to_owned(),
        Scheme::Bearer(_, Some(path)) => {
            let segments: Vec<String> = path.split('/').map(escaped).collect();
            format!("Bearer{}", segments.join("."))
        }
        Scheme::Basic(_) => "Basic".to_owned(),
        Scheme::ApiKey(header, _) => format!("ApiKey.{}", escaped(header)),
    }
}

/// A JSON object. The values are JSON already, the names are not.
fn object<N: AsRef<str>, V: AsRef<str>>(members: impl IntoIterator<Item = (N, V)>) -> String {
    let members = members
        .into_iter()
        .map(|(name, value)| format!("{}:{}", string(name.as_ref()), value.as_ref()));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A JSON array. The values are JSON already.
fn array(values: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::guard::Guard;
    use crate::auth::schemes;
    use crate::auth::user::User;
    use crate::auth::users::Users;
    use crate::http::request::Request;
    use crate::http::status::Status;

    fn handler<T>(_: &mut Request, _: T) -> Response {
        Response::text("")
    }

    fn by_token() -> Guard<User> {
        let users = Users::new([("t", User::new("Ann", []))]);
        schemes::bearer("r", move |token| users.by_token(token))
    }

    #[track_caller]
    fn expect(route: Route, part: &str) {
        let operation = operation(&route, route.pattern(), route.method());
        assert!(operation.contains(part), "{part} is not in {operation}");
    }

    #[test]
    fn an_open_row_answers_200_404_and_405() {
        let row = Route::open(Method::GET, "/", |_: &mut Request| Response::text(""));
        assert_eq!(
            operation(&row, row.pattern(), Method::GET),
            concat!(
                r#"{"x-guard":"open","responses":{"#,
                r#""200":{"description":"OK","content":{"application/json":{"schema":{"type":"object"}}}},"#,
                r##""404":{"$ref":"#/components/responses/NotFound"},"##,
                r##""405":{"$ref":"#/components/responses/MethodNotAllowed"}}}"##
            )
        );
    }

    #[test]
    fn a_guarded_row_shows_its_scheme_its_scopes_and_its_challenge() {
        let row = || Route::guarded(Method::GET, "/", by_token().scope("a").scope("b"), handler);
        expect(row(), r#""x-guard":"Bearer (a b)","security":[{"Bearer":["a","b"]}]"#);
        expect(row(), r#""WWW-Authenticate":{"required":true,"#);
        expect(row(), r#""example":"Bearer realm=\"r\"""#);
        for code in [r#""200":"#, r#""401":"#, r#""403":"#, r#""404":"#, r#""405":"#] {
            expect(row(), code);
        }
    }

    #[test]
    fn a_guarded_row_shows_its_conditions() {
        let own = by_token().allow_if("owner", |_, _| true).hide_unless("daytime", |_, _| true);
        let row = Route::guarded(Method::GET, "/{id}", own.scope("a"), handler);
        expect(row, r#"{"x-guard":"Bearer (a), owner, daytime","parameters":["#);
    }

    #[test]
    fn rows_that_match_the_same_paths_are_one_path_with_the_first_names() {
        let row = |method, path| Route::open(method, path, |_: &mut Request| Response::text(""));
        let routes = Routes::new([
            row(Method::GET, "/notes/{id}"),
            row(Method::POST, "/notes/{note}"),
            row(Method::GET, "/notes"),
        ]);
        let json = routes.openapi("a", "1");
        assert!(json.contains(r#""paths":{"/notes/{id}":{"get":{"#), "{json}");
        assert_eq!(json.matches(r#""name":"id""#).count(), 2, "{json}");
        assert!(json.contains(r#""post":{"#) && !json.contains("{note}"), "{json}");
        assert!(json.contains(r#""/notes":{"get":{"#), "{json}");
    }

    #[test]
    fn an_optional_guard_accepts_no_credentials_as_well() {
        let row = Route::guarded(Method::GET, "/", by_token().optional(), handler);
        expect(row, r#""security":[{"Bearer":[]},{}]"#);
    }

    #[test]
    fn each_of_two_schemes_is_enough() {
        let either = by_token().or(schemes::basic("r", |_, _| None)).or(schemes::api_key(
            "X_Key",
            "r",
            |_| None,
        ));
        let row = || Route::guarded(Method::GET, "/", either.clone(), handler);
        expect(row(), r#""security":[{"Bearer":[]},{"Basic":[]},{"ApiKey.X_5FKey":[]}]"#);
        let json = Routes::new([row()]).openapi("t", "1");
        for scheme in [
            r#""ApiKey.X_5FKey":{"type":"apiKey","in":"header","name":"X_Key"}"#,
            r#""Basic":{"type":"http","scheme":"basic"}"#,
            r#""Bearer":{"type":"http","scheme":"bearer"}"#,
        ] {
            assert!(json.contains(scheme), "{scheme} is not in {json}");
        }
    }

    #[test]
    fn a_scheme_names_the_path_of_its_tokens_and_all_scopes() {
        let by_login = || by_token().tokens_from("/log_in/token");
        let row = |path, guard| Route::guarded(Method::GET, path, guard, handler);
        expect(
            row("/", by_login().scope("b")),
            r#""x-guard":"Bearer from /log_in/token (b)","security":[{"Bearer.log_5Fin.token":["b"]}]"#,
        );
        let rows = [
            row("/b", by_login().scope("b")),
            row("/a", by_login().scope("a").scope("b")),
            row("/c", by_token().scope("c")),
        ];
        let json = Routes::new(rows).openapi("t", "1");
        let schemes = concat!(
            r#""securitySchemes":{"Bearer":{"type":"http","scheme":"bearer"},"#,
            r#""Bearer.log_5Fin.token":{"type":"oauth2","flows":{"password":"#,
            r#"{"tokenUrl":"/log_in/token","scopes":{"a":"","b":""}}}}}"#
        );
        assert!(json.contains(schemes), "{schemes} is not in {json}");
    }

    #[test]
    fn a_guard_without_a_scheme_has_a_name_and_no_security() {
        let guard = Guard::new(|_: &Request| Ok(())).with_name("weekday");
        let row = Route::guarded(Method::GET, "/", guard, handler);
        expect(row, r#"{"x-guard":"weekday","responses":"#);
    }

    #[test]
    fn an_example_shows_its_status_its_headers_and_its_media_type() {
        let row = |method| {
            Route::open(method, "/", |_: &mut Request| Response::text(""))
                .with_example(
                    Response::text("").with_status(Status::CREATED).with_header("X-A", "1"),
                )
                .with_example(Response::new(Status::NO_CONTENT))
        };
        let header = r#""headers":{"X-A":{"schema":{"type":"string"},"example":"1"}}"#;
        let body = r#""content":{"text/plain; charset=utf-8":{"schema":{"type":"string"}}}"#;
        let created = format!(r#"{{"201":{{"description":"Created",{header},{body}}},"#);
        expect(row(Method::GET), &created);
        expect(row(Method::GET), r#""204":{"description":"No Content"}"#);
        expect(row(Method::HEAD), &format!(r#""201":{{"description":"Created",{header}}}"#));
    }

    #[test]
    fn a_path_appears_once_with_all_its_methods() {
        let row = |method, path| Route::open(method, path, |_: &mut Request| Response::text(""));
        let rows = [(Method::GET, "/a"), (Method::GET, "/b"), (Method::POST, "/a")];
        let json = Routes::new(rows.map(|(method, path)| row(method, path))).openapi("t", "1");
        let place = |text| json.find(text).unwrap_or_else(|| panic!("no {text} in {json}"));
        assert_eq!(json.matches(r#""/a":"#).count(), 1);
        assert!(place(r#""/a":{"get":"#) < place(r#""post":"#));
        assert!(place(r#""post":"#) < place(r#""/b":{"get":"#));
    }

    #[test]
    fn a_path_with_parameters_names_them() {
        let row = Route::open(Method::GET, "/{kind}/{id}", |_: &mut Request| Response::text(""));
        let id = r#"{"name":"id","in":"path","required":true,"schema":{"type":"string"}}"#;
        let kind = id.replace("id\"", "kind\"");
        expect(row, &format!(r#""parameters":[{kind},{id}],"responses""#));
        let row = Route::open(Method::GET, "/notes", |_: &mut Request| Response::text(""));
        assert!(!operation(&row, row.pattern(), Method::GET).contains("parameters"));
    }

    #[test]
    fn a_row_for_any_method_has_the_operations_that_no_other_row_of_its_path_has() {
        let row = |method, summary| {
            Route::open(method, "/", |_: &mut Request| Response::text("")).with_summary(summary)
        };
        for (first, second) in [(Method::Any, Method::POST), (Method::POST, Method::Any)] {
            let rows = [first, second].map(|method| row(method, method.as_str()));
            let json = Routes::new(rows).openapi("t", "1");
            assert!(json.contains(r#""post":{"summary":"POST""#), "{json}");
            for method in ["get", "head", "put", "patch", "delete", "options"] {
                assert!(json.contains(&format!(r#""{method}":{{"summary":"any""#)), "{json}");
            }
            assert_eq!(json.matches(r#""summary":"#).count(), 7, "{json}");
        }
    }

    #[test]
    fn quotes_in_a_title_a_path_or_a_summary_are_escaped() {
        let row = Route::open(Method::GET, "/\"a", |_: &mut Request| Response::text(""));
        let json = Routes::new([row.with_summary("a \"b\" \\")]).openapi("\"t\"\n", "1");
        for part in [r#""title":"\"t\"\n""#, r#""/\"a":"#, r#""summary":"a \"b\" \\""#] {
            assert!(json.contains(part), "{part} is not in {json}");
        }
    }
}
