//! The request methods that the server knows.

/// A request method (RFC 9110 §9). Methods are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The names are RFC 9110's own.
pub enum Method {
    GET,
    HEAD,
    POST,
    PUT,
    PATCH,
    DELETE,
    OPTIONS,
    TRACE,
    CONNECT,
    /// Any other token. The server answers 501, unless a row takes any method.
    Unknown,
    /// Every method, for a row. No request has it.
    Any,
}

impl Method {
    /// Every method that a route can have, one by one.
    ///
    /// ```
    /// use guardhouse::{Method, Response, Route, Routes};
    ///
    /// let routes = Routes::new(Method::ALL.map(|method| {
    ///     Route::open(method, "/any", |_: &mut guardhouse::Request| Response::text("any\n"))
    /// }));
    /// ```
    pub const ALL: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];

    /// The method as a request line has it; `-` for an unknown one, and `any`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        if self == Method::Any {
            return "any";
        }
        NAMES.iter().find(|(_, method)| *method == self).map_or("-", |(name, _)| name)
    }

    /// The method that a request line names.
    pub(crate) fn parse(token: &str) -> Method {
        NAMES.iter().find(|(name, _)| *name == token).map_or(Method::Unknown, |(_, method)| *method)
    }
}

const NAMES: [(&str, Method); 9] = [
    ("GET", Method::GET),
    ("HEAD", Method::HEAD),
    ("POST", Method::POST),
    ("PUT", Method::PUT),
    ("PATCH", Method::PATCH),
    ("DELETE", Method::DELETE),
    ("OPTIONS", Method::OPTIONS),
    ("TRACE", Method::TRACE),
    ("CONNECT", Method::CONNECT),
];
