//! The guards for the auth schemes.

use crate::auth::challenge::{Challenge, Refusal};
use crate::auth::credentials::{Credentials, b64token, user_pass};
use crate::auth::description::Scheme;
use crate::auth::guard::Guard;
use crate::http::request::Request;

/// A guard that wants `Authorization: Bearer TOKEN` (RFC 6750 §2.1), and lets
/// in whom `lookup` finds by the token.
///
/// FastAPI: `OAuth2PasswordBearer`, `HTTPBearer`. Only the field counts: tokens
/// in the query or the content would end up in logs (RFC 6750 §5.3).
///
/// ```
/// use guardhouse::{Request, guard};
///
/// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
/// let ask = |field: &str| {
///     let head = format!("GET / HTTP/1.0\r\n{field}\r\n\r\n");
///     signed_in.check(&Request::parse(head.as_bytes()).unwrap())
/// };
/// assert_eq!(ask("Authorization: Bearer abc"), Ok("Ann"));
/// let refusal = ask("Authorization: Bearer abd").unwrap_err();
/// assert!(refusal.challenges()[0].as_str().contains(r#"error="invalid_token""#));
/// ```
///
/// Compare secrets with [`is_same`], or keep them in [`Users`](crate::Users).
#[must_use]
pub fn bearer<T: 'static>(
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("Bearer", realm);
    let invalid = challenge
        .clone()
        .with_error("invalid_token", "the access token is malformed, unknown or expired");
    let scheme = Scheme::Bearer(challenge.clone(), None);
    // "If the request lacks any authentication information …, the resource
    // server SHOULD NOT include an error code" (RFC 6750 §3.1).
    let check = by_scheme("Bearer", challenge, move |token| {
        b64token(token).and_then(&lookup).ok_or_else(|| Refusal::invalid(invalid.clone()))
    });
    Guard::with_scheme(scheme, check)
}

/// A guard that wants `Authorization: Basic` with a user-id and a password
/// (RFC 7617), and lets in whom `lookup` finds by the two. Both are UTF-8.
///
/// FastAPI: `HTTPBasic`. Wrong Base64, no colon, or bytes that are not UTF-8
/// are refused before the lookup.
///
/// ```
/// use guardhouse::guard::{basic, is_same};
///
/// let signed_in = basic("guardhouse", |user_id, password| {
///     (user_id == "ann" && is_same(password.as_bytes(), b"s3cret")).then_some("Ann")
/// });
/// ```
#[must_use]
pub fn basic<T: 'static>(
    realm: &str,
    lookup: impl Fn(&str, &str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("Basic", realm).with_param("charset", "UTF-8");
    let refused = challenge.clone();
    let scheme = Scheme::Basic(challenge.clone());
    let check = by_scheme("Basic", challenge, move |credentials| {
        let Some((user_id, password)) = user_pass(credentials) else {
            return Err(Refusal::unreadable(refused.clone()));
        };
        lookup(&user_id, &password).ok_or_else(|| Refusal::invalid(refused.clone()))
    });
    Guard::with_scheme(scheme, check)
}

/// A guard that wants a key in the field of that name, and lets in whom
/// `lookup` finds by it.
///
/// FastAPI: `APIKeyHeader`. No RFC has a scheme for this; the challenge says
/// `ApiKey` and names the field.
///
/// ```
/// use guardhouse::guard::{api_key, is_same};
///
/// let by_key = api_key("X-API-Key", "guardhouse", |key| is_same(key.as_bytes(), b"k1").then_some("Ann"));
/// ```
#[must_use]
pub fn api_key<T: 'static>(
    header: &'static str,
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("ApiKey", realm).with_param("field", header);
    let refused = challenge.clone();
    Guard::with_scheme(Scheme::ApiKey(header, challenge), move |request| {
        let mut sent =
            request.headers().iter().filter(|sent| sent.name.eq_ignore_ascii_case(header));
        match (sent.next().map(|sent| sent.value), sent.next()) {
            (_, Some(_)) => Err(Refusal::malformed(refused.clone())),
            (None | Some(b""), None) => Err(Refusal::missing(refused.clone())),
            (Some(key), None) => str::from_utf8(key)
                .ok()
                .and_then(&lookup)
                .ok_or_else(|| Refusal::invalid(refused.clone()))
                .map_err(|refusal| refusal.with_detail("Invalid API key")),
        }
    })
}

/// A check of what follows `scheme` in the `Authorization` field.
fn by_scheme<T>(
    scheme: &'static str,
    challenge: Challenge,
    check: impl Fn(&[u8]) -> Result<T, Refusal>,
) -> impl Fn(&Request) -> Result<T, Refusal> {
    // RFC 6750 §3.1 has the code for a repeated credential; for other schemes
    // it does no harm.
    let repeated =
        challenge.clone().with_error("invalid_request", "more than one Authorization field");
    move |request| match Credentials::of(request) {
        Err(_) => Err(Refusal::malformed(repeated.clone())),
        Ok(credentials) => match credentials.and_then(|sent| sent.for_scheme(scheme)) {
            None => Err(Refusal::missing(challenge.clone())),
            Some(rest) => check(rest),
        },
    }
}
