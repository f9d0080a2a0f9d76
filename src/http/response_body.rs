//! What a response's body can be made of.

use std::borrow::Cow;

/// The body of a response: text or bytes, owned or static. Each of them turns into one,
/// so [`Response::with_body`](crate::Response::with_body) takes them all.
///
/// ```
/// use guardhouse::Response;
///
/// let csv = String::from("id,title\n7,Milk\n");
/// let answer = Response::text("").with_body("text/csv", csv);
/// let icon = Response::text("").with_body("image/x-icon", vec![0, 0, 1, 0]);
/// # assert_eq!((answer.body().len(), icon.body().len()), (16, 4));
/// ```
#[derive(Clone, Debug)]
pub struct ResponseBody(pub(super) Cow<'static, [u8]>);

impl From<&'static str> for ResponseBody {
    fn from(text: &'static str) -> ResponseBody {
        ResponseBody(text.as_bytes().into())
    }
}

impl From<String> for ResponseBody {
    fn from(text: String) -> ResponseBody {
        ResponseBody(text.into_bytes().into())
    }
}

impl From<Cow<'static, str>> for ResponseBody {
    fn from(text: Cow<'static, str>) -> ResponseBody {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<&'static [u8]> for ResponseBody {
    fn from(bytes: &'static [u8]) -> ResponseBody {
        ResponseBody(bytes.into())
    }
}

/// `b"…"` and `include_bytes!`.
impl<const N: usize> From<&'static [u8; N]> for ResponseBody {
    fn from(bytes: &'static [u8; N]) -> ResponseBody {
        bytes.as_slice().into()
    }
}

impl From<Vec<u8>> for ResponseBody {
    fn from(bytes: Vec<u8>) -> ResponseBody {
        ResponseBody(bytes.into())
    }
}

impl From<Cow<'static, [u8]>> for ResponseBody {
    fn from(bytes: Cow<'static, [u8]>) -> ResponseBody {
        ResponseBody(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::Response;

    #[test]
    fn every_kind_of_text_and_bytes_is_a_body() {
        let with = |body: ResponseBody| Response::text("").with_body("a/b", body);
        for response in [
            with("icon".into()),
            with(String::from("icon").into()),
            with(Cow::Borrowed("icon").into()),
            with(Cow::<str>::Owned("icon".to_owned()).into()),
            with(b"icon".into()),
            with(b"icon".as_slice().into()),
            with(b"icon".to_vec().into()),
            with(Cow::Borrowed(b"icon".as_slice()).into()),
        ] {
            assert_eq!(response.body(), b"icon");
            assert_eq!(response.header("Content-Type"), Some("a/b"));
        }
    }
}
