//! The table as text.

use std::fmt;

use crate::routes::table::Routes;

/// The table as text, aligned: what `guardhouse --routes` prints.
impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["METHOD", "PATH", "GUARD", "SUMMARY"].map(str::to_owned);
        let rows = self.iter().map(|route| {
            let method = route.method().as_str().to_owned();
            [method, route.path().to_owned(), route.guarded_by(), route.summary().to_owned()]
        });
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [methods, paths, guards] = [0, 1, 2].map(width);
        for [method, path, guard, summary] in &rows {
            let line = format!("{method:methods$}  {path:paths$}  {guard:guards$}  {summary}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
