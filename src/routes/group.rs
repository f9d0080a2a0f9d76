//! A guard that several rows share. It makes rows; no request passes here.

use std::borrow::Cow;

use crate::auth::guard::Guard;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::routes::route::Route;

/// A guard for several rows. Each row still says that it is guarded.
///
/// FastAPI: `APIRouter(dependencies=[Depends(get_current_user)])`, except that
/// here every handler gets the user.
///
/// ```
/// use guardhouse::{Group, Method::{GET, POST}, Request, Response, Route, Routes, guard};
///
/// fn list(_: &mut Request, author: &'static str) -> Response { Response::text(author) }
/// fn add(_: &mut Request, author: &'static str) -> Response { Response::text(author) }
///
/// let notes = Group::new(guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann")));
/// let routes = Routes::new([
///     Route::open(GET, "/", |_: &mut Request| Response::text("Welcome.\n")),
///     notes.guarded(GET, "/notes", list).with_summary("Lists the notes."),
///     notes.guarded(POST, "/notes", add).with_summary("Adds a note."),
/// ]);
/// ```
#[derive(Debug)]
pub struct Group<T>(Guard<T>);

impl<T: 'static> Group<T> {
    /// A group of rows behind this guard.
    pub fn new(guard: impl Into<Guard<T>>) -> Group<T> {
        Group(guard.into())
    }

    /// A row behind the group's guard; see [`Route::guarded`].
    ///
    /// # Panics
    ///
    /// As [`Route::open`].
    #[track_caller]
    pub fn guarded<R: Into<Response>>(
        &self,
        method: Method,
        path: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut Request, T) -> R + Send + Sync + 'static,
    ) -> Route {
        Route::guarded(method, path, self.0.clone(), handler)
    }
}
