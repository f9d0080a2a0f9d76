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
