//! Guards for the auth schemes: Bearer, Basic, and keys in a header.
//!
//! Each guard does the same: it reads the credentials, asks the program's
//! `lookup` for the identity, and refuses the request if there is none.

use crate::auth::challenge::{Challenge, Refusal};
use crate::auth::credentials::{b64token, credentials, unrepeated_value, user_pass};
use crate::auth::description::Scheme;
use crate::auth::guard::Guard;
use crate::http::request::Request;

/// A guard for `Authorization: Bearer TOKEN` (RFC 6750 §2.1). `lookup` returns
/// the identity that belongs to a token.
///
/// FastAPI: `OAuth2PasswordBearer`, `HTTPBearer`.
///
/// The guard reads no other header, no query and no body: tokens in a query end
/// up in logs (RFC 6750 §5.3). Compare tokens with [`is_same`](crate::guard::is_same),
/// or keep them in [`Users`](crate::Users).
///
/// ```
/// use guardhouse::{Request, guard};
///
/// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
/// let ask = |header: &str| {
///     let head = format!("GET / HTTP/1.0\r\n{header}\r\n\r\n");
///     signed_in.check(&Request::parse(head.as_bytes()).unwrap())
/// };
/// assert_eq!(ask("Authorization: Bearer abc"), Ok("Ann"));
/// let refusal = ask("Authorization: Bearer abd").unwrap_err();
/// assert!(refusal.challenges()[0].as_str().contains(r#"error="invalid_token""#));
/// ```
#[must_use]
pub fn bearer<T>(
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    // "If the request lacks any authentication information …, the resource
    // server SHOULD NOT include an error code" (RFC 6750 §3.1).
    let challenge = Challenge::new("Bearer", realm);
    let invalid = challenge
        .clone()
        .with_error("invalid_token", "the access token is malformed, unknown or expired");
    let scheme = Scheme::Bearer(challenge.clone(), None);
    let check = move |request: &Request| {
        let token = credentials(request, &challenge)?;
        b64token(token).and_then(&lookup).ok_or_else(|| Refusal::invalid(invalid.clone()))
    };
    Guard::new(check).with_scheme(scheme)
}

/// A guard for `Authorization: Basic` (RFC 7617). `lookup` returns the identity
/// that belongs to a user-id and a password. Both are UTF-8.
///
/// FastAPI: `HTTPBasic`.
///
/// Credentials that are not Base64, have no colon or are not UTF-8 are refused
/// without a lookup.
///
/// ```
/// use guardhouse::guard::{basic, is_same};
///
/// let signed_in = basic("guardhouse", |user_id, password| {
///     (user_id == "ann" && is_same(password.as_bytes(), b"s3cret")).then_some("Ann")
/// });
/// ```
#[must_use]
pub fn basic<T>(
    realm: &str,
    lookup: impl Fn(&str, &str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("Basic", realm).with_param("charset", "UTF-8");
    let scheme = Scheme::Basic(challenge.clone());
    let check = move |request: &Request| {
        let (user_id, password) = user_pass(credentials(request, &challenge)?)
            .ok_or_else(|| Refusal::unreadable(challenge.clone()))?;
        lookup(&user_id, &password).ok_or_else(|| Refusal::invalid(challenge.clone()))
    };
    Guard::new(check).with_scheme(scheme)
}

/// A guard for a key in a header of the program's choice. `lookup` returns the
/// identity that belongs to a key.
///
/// FastAPI: `APIKeyHeader`.
///
/// No RFC defines an auth scheme for this. The challenge says `ApiKey`, and its
/// parameter `field` names the header.
///
/// ```
/// use guardhouse::guard::{api_key, is_same};
///
/// let by_key = api_key("X-API-Key", "guardhouse", |key| is_same(key.as_bytes(), b"k1").then_some("Ann"));
/// ```
#[must_use]
pub fn api_key<T>(
    header: &'static str,
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("ApiKey", realm).with_param("field", header);
    let scheme = Scheme::ApiKey(header, challenge.clone());
    let check = move |request: &Request| {
        let key = unrepeated_value(request, header)
            .ok_or_else(|| Refusal::malformed(challenge.clone()))?;
        if key.is_empty() {
            return Err(Refusal::missing(challenge.clone()));
        }
        let key = str::from_utf8(key).ok();
        let wrong = || Refusal::invalid(challenge.clone()).with_detail("Invalid API key");
        key.and_then(&lookup).ok_or_else(wrong)
    };
    Guard::new(check).with_scheme(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::guard::tests::ask;
    use crate::auth::secret::is_same;

    const TOKEN: &str = "Authorization: Bearer secret\r\n";
    const PASSWORD: &str = "Authorization: Basic YW5uOnB3\r\n";

    #[test]
    fn bearer_accepts_the_right_token_and_nothing_else() {
        let guard = bearer("r", |token| is_same(token.as_bytes(), b"secret").then_some("Ann"));
        assert_eq!(ask(&guard, TOKEN), Ok("Ann"));
        assert_eq!(ask(&guard, "Authorization: bEARER   secret \t\r\n"), Ok("Ann"));
        let missing = Err(r#"401 Bearer realm="r" {"detail":"Not authenticated"}"#.to_owned());
        for headers in ["", "Authorization: secret\r\n", "Authorization:\r\n", PASSWORD] {
            assert_eq!(ask(&guard, headers), missing, "{headers:?}");
        }
        let invalid = Err(concat!(
            r#"401 Bearer realm="r", error="invalid_token", "#,
            r#"error_description="the access token is malformed, unknown or expired" "#,
            r#"{"detail":"Invalid authentication credentials"}"#
        )
        .to_owned());
        let long = "a".repeat(15_000);
        for token in
            ["", "Secret", "secre", "secrets", "secret,", "secret x", "\"secret\"", "é", "=", &long]
        {
            let headers = format!("Authorization: Bearer {token}\r\n");
            assert_eq!(ask(&guard, &headers), invalid, "{token:?}");
        }
        assert_eq!(
            ask(&guard, &format!("{TOKEN}{TOKEN}")),
            Err(concat!(
                r#"400 Bearer realm="r", error="invalid_request", "#,
                r#"error_description="more than one Authorization field" "#,
                r#"{"detail":"Malformed credentials"}"#
            )
            .to_owned())
        );
    }

    #[test]
    fn basic_accepts_the_right_password_and_nothing_else() {
        let guard =
            basic("r", |user_id, password| ((user_id, password) == ("ann", "pw")).then_some("Ann"));
        assert_eq!(ask(&guard, PASSWORD), Ok("Ann"));
        let challenge = r#"401 Basic realm="r", charset="UTF-8""#;
        let refused = |detail: &str| Err(format!("{challenge} {{\"detail\":\"{detail}\"}}"));
        assert_eq!(ask(&guard, ""), refused("Not authenticated"));
        assert_eq!(ask(&guard, TOKEN), refused("Not authenticated"));
        let wrong_password = ask(&guard, "Authorization: Basic YW5uOm5v\r\n");
        assert_eq!(wrong_password, refused("Invalid authentication credentials"));
        for (why, unreadable) in [
            ("no credentials", ""),
            ("not Base64", "YW5u!OnB3"),
            ("no padding", "YW5uOnA"),
            ("bits after the last byte", "YW5uOnC="),
            ("no colon", "YW5u"),
            ("not UTF-8", "/zpwdw=="),
            ("a control character", "YW5uOgo="),
            ("two of them", "YW5uOnB3, a"),
        ] {
            let headers = format!("Authorization: Basic {unreadable}\r\n");
            assert_eq!(ask(&guard, &headers), refused("Not authenticated"), "{why}");
        }
    }

    #[test]
    fn api_key_accepts_the_right_key_and_nothing_else() {
        let guard = api_key("X-Key", "r", |key| is_same(key.as_bytes(), b"k").then_some("Ann"));
        assert_eq!(ask(&guard, "x-key: k\r\n"), Ok("Ann"));
        let refused = |status: u16, detail: &str| {
            Err(format!("{status} ApiKey realm=\"r\", field=\"X-Key\" {{\"detail\":\"{detail}\"}}"))
        };
        assert_eq!(ask(&guard, ""), refused(401, "Not authenticated"));
        assert_eq!(ask(&guard, "X-Key:\r\n"), refused(401, "Not authenticated"));
        assert_eq!(ask(&guard, "X-Key: K\r\n"), refused(401, "Invalid API key"));
        assert_eq!(ask(&guard, "X-Key: k\r\nX-Key: k\r\n"), refused(400, "Malformed credentials"));
    }
}
