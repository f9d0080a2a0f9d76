//! What the client gets when a handler returns an error with `?`.
//!
//! The library's own [`Error`](crate::Error) has its own status, also if it is the cause
//! of another error. Any other error is a failure of the program: the log shows it, and
//! the client gets a 500 that says nothing about it, because the text could name a file or
//! hold a secret.

use std::error::Error as StdError;
use std::io;

use crate::error::Error;
use crate::http::response::Response;

/// A handler may return a `Result`: its error becomes a response, too. An error of your
/// own does so with one `impl`:
///
/// ```
/// use guardhouse::{Request, Response, Status};
///
/// enum Failure { NoSuchNote, Full }
///
/// impl From<Failure> for Response {
///     fn from(failure: Failure) -> Response {
///         match failure {
///             Failure::NoSuchNote => Response::detail(Status::NOT_FOUND, "no such note"),
///             Failure::Full => Response::detail(Status::CONFLICT, "there is no room"),
///         }
///     }
/// }
///
/// fn note(request: &mut Request) -> Result<Response, Failure> {
///     let id = request.param("id").ok_or(Failure::NoSuchNote)?;
///     Ok(Response::text(id.to_owned()))
/// }
/// # let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// # assert_eq!(Response::from(note(&mut request)).status(), Status::NOT_FOUND);
/// # let _ = Response::from(Failure::Full);
/// ```
impl<E: Into<Response>> From<Result<Response, E>> for Response {
    fn from(result: Result<Response, E>) -> Response {
        result.unwrap_or_else(Into::into)
    }
}

/// For handlers that read files or [`Request::body_reader`](crate::Request::body_reader).
///
/// ```
/// use guardhouse::{Request, Response};
/// use std::{fs, io};
///
/// fn terms(_: &mut Request) -> io::Result<Response> {
///     Ok(Response::text(fs::read_to_string("/no/such/file")?))
/// }
/// # let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// let response = Response::from(terms(&mut request));
/// assert_eq!(response.body(), br#"{"detail":"Internal Server Error"}"#);
/// ```
impl From<io::Error> for Response {
    fn from(error: io::Error) -> Response {
        from_error(&error)
    }
}

/// For handlers in which several things can fail.
///
/// ```
/// use guardhouse::{Request, Response, Status};
///
/// const FACTOR: &str = "2"; // A setting of the program.
///
/// fn multiply(request: &mut Request) -> Result<Response, Box<dyn std::error::Error>> {
///     let factor: u32 = FACTOR.parse()?;
///     // What a client does wrong gets an answer of its own. With `?` it would be a 500, and a
///     // line in the error log.
///     Ok(match String::from_utf8_lossy(request.body()?).parse::<u32>() {
///         Ok(number) => Response::text((factor * number).to_string()),
///         Err(_) => Response::detail(Status::UNPROCESSABLE_CONTENT, "not a number"),
///     })
/// }
/// # let mut request = Request::parse(b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\n4").unwrap();
/// # assert_eq!(Response::from(multiply(&mut request)).body(), b"8");
/// # let mut request = Request::parse(b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx").unwrap();
/// # assert_eq!(Response::from(multiply(&mut request)).status().code(), 422);
/// ```
impl From<Box<dyn StdError>> for Response {
    fn from(error: Box<dyn StdError>) -> Response {
        from_error(&*error)
    }
}

/// As for `Box<dyn std::error::Error>`.
impl From<Box<dyn StdError + Send + Sync>> for Response {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Response {
        from_error(&*error)
    }
}

fn from_error(error: &(dyn StdError + 'static)) -> Response {
    librarys_own(error).map_or_else(|| logged_500(error), Response::from)
}

/// The library's own error, if it is this one or one of its causes.
fn librarys_own(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(*own);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `source` of an `io::Error` leaves out the error that it was made of, such
            // as that of a `BodyReader`.
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn logged_500(error: &dyn StdError) -> Response {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // Quoted, so that nothing in it ends the line.
    log::error!("500 is sent, because a handler has failed: {text:?}");
    Response::internal_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_own_error_keeps_its_status_inside_another() {
        let own = Error::BodyTooLarge;
        let boxed: Box<dyn StdError> = own.into();
        let shared: Box<dyn StdError + Send + Sync> = own.into();
        let io = || io::Error::new(io::ErrorKind::InvalidData, own);
        let boxed_io: Box<dyn StdError> = io().into();
        for response in [boxed.into(), shared.into(), io().into(), Response::from(boxed_io)] {
            assert_eq!(response.status().code(), 413);
            assert_eq!(response.body(), br#"{"detail":"the content is too large"}"#);
        }
    }

    /// An error of a program, because of another one.
    #[derive(Debug)]
    struct Import(Box<dyn StdError + Send + Sync>);

    impl std::fmt::Display for Import {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("s3cret: the import has failed")
        }
    }

    impl StdError for Import {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn the_librarys_own_error_is_found_however_many_errors_are_around_it() {
        let own = || Import(Error::BodyTooLarge.into());
        let io = || io::Error::other(io::Error::other(Error::BodyTooLarge));
        let shared: Box<dyn StdError + Send + Sync> = Import(own().into()).into();
        let boxed: [Box<dyn StdError>; 4] =
            [own().into(), io().into(), Import(io().into()).into(), io::Error::other(own()).into()];
        let responses = boxed.map(Response::from).into_iter();
        for response in
            responses.chain([shared.into(), io().into(), io::Error::other(own()).into()])
        {
            assert_eq!(response.status().code(), 413);
            assert_eq!(response.body(), br#"{"detail":"the content is too large"}"#);
        }
        let other = Response::from(io::Error::other(Import("s3cret".into())));
        assert_eq!(other.status().code(), 500);
        assert_eq!(other.body(), br#"{"detail":"Internal Server Error"}"#);
    }

    #[test]
    fn any_other_error_is_a_500_that_does_not_show_it() {
        let secret: Box<dyn StdError> = "s3cret in /etc/x".into();
        let shared: Box<dyn StdError + Send + Sync> = "s3cret".into();
        let io = io::Error::other("s3cret");
        for response in [secret.into(), shared.into(), Response::from(io)] {
            assert_eq!(response.status().code(), 500);
            assert_eq!(response.body(), br#"{"detail":"Internal Server Error"}"#);
        }
    }
}
