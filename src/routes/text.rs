//! The table as text, for terminals. No request passes here: the text is made
//! when `guardhouse --routes` prints it, or once for `/docs.txt`.

use std::fmt;

use crate::routes::table::Routes;

/// The table as text in aligned columns.
impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["METHOD", "PATH", "GUARD", "SUMMARY"].map(str::to_owned);
        let rows = self.iter().map(|route| {
            let method = route.method().as_str().to_owned();
            [method, route.path().to_owned(), route.guard_text(), route.summary().to_owned()]
        });
        let lines: Vec<[String; 4]> = std::iter::once(names).chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
        let [methods, paths, guards] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
        for [method, path, guard, summary] in &lines {
            let line = format!("{method:methods$}  {path:paths$}  {guard:guards$}  {summary}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::auth::schemes;
    use crate::http::method::Method;
    use crate::http::request::Request;
    use crate::http::response::Response;
    use crate::routes::group::Group;
    use crate::routes::route::Route;
    use crate::routes::table::Routes;

    #[test]
    fn the_table_is_text_in_columns() {
        let home = |_: &mut Request| Response::text("home");
        let me = |_: &mut Request, name| Response::text(name);
        let signed_in = schemes::bearer("r", |_| Some("Ann"));
        let own = signed_in.clone().hide_unless("owner", |_, _| false);
        let signed_in = Group::new(signed_in);
        let routes = Routes::new([
            Route::open(Method::GET, "/", home).with_summary("Greets."),
            signed_in.guarded(Method::GET, "/me", me).with_summary("Says who you are."),
            Route::guarded(Method::DELETE, "/me", own, me),
        ]);
        assert_eq!(
            routes.to_string(),
            "METHOD  PATH  GUARD          SUMMARY\n\
             GET     /     open           Greets.\n\
             GET     /me   Bearer         Says who you are.\n\
             DELETE  /me   Bearer, owner\n"
        );
    }
}
