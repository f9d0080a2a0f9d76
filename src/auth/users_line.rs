//! One line of a users file: what a line may be, and what is wrong with one that
//! may not.
//!
//! ```text
//! line     = name ":" secret [ ":" scopes [ ":" last-day ] ]
//! secret   = token / "sha256:" 64HEXDIG / Argon2id hash
//! scopes   = [ scope *( 1*( space / tab ) scope ) ]
//! scope    = part *( ":" part )
//! last-day = 4DIGIT "-" 2DIGIT "-" 2DIGIT
//! ```
//!
//! - A name begins with a letter, a digit or `_`. It has no colon and no character
//!   that nobody can see.
//! - A token is a `b64token` (RFC 6750 §2.1) of 16 characters or more. The other two
//!   secrets, the hash of a token and that of a password, need the feature `login`.
//! - A scope begins with a letter or a digit, and has none of `"` `\` (RFC 6749
//!   §3.3) `#` `,` `;`. Each part of it has 1 to 15 characters.
//! - On the last day, in UTC, the line is still valid. No part of a scope looks like a day, so
//!   that a day in another place or form does not become a scope.
//! - A word that begins with `#`, `;` or `//` is a remark. It may not follow a value.
//!
//! A part of a scope is shorter than a token (except in tests that allow short tokens). So
//! if the end of a line is missing, the token of the next line does not become a scope.
//!
//! Spaces and tabs around the name, the secret, the scopes and the day are skipped.

use std::io;

use crate::auth::credentials::{b64token, is_b64token_byte};
use crate::auth::other_hashes;
use crate::auth::user::User;
use crate::auth::users_fault::{Fault, ScopeFault};
use crate::http::day::Day;
use crate::limits::SHORTEST_TOKEN;

/// A line with a user.
pub(super) struct UserLine<'t> {
    pub(super) user: User,
    pub(super) secret: Secret<'t>,
}

/// What the user shows to sign in.
pub(super) enum Secret<'t> {
    Token(&'t str),
    /// The SHA-256 of a token, in hexadecimal.
    HashedToken(&'t str),
    /// An Argon2id hash of a password, as a PHC string.
    Password(&'t str),
}

/// Reads a line; `None` if it is blank or a comment. Tokens with fewer characters
/// than `shortest` are refused.
pub(super) fn parse(line: &str, shortest: usize) -> Result<Option<UserLine<'_>>, Fault> {
    // Also in a comment: some editors show what follows as a line, and it is none.
    let is_wrong = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    if let Some(character) = line.chars().find(|c| is_wrong(*c)) {
        return Err(Fault::Control(character));
    }
    let line = trim(line);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let name = trim(line.split(':').next().unwrap_or_default());
    check_name(name)?;
    let (_, rest) = line.split_once(':').ok_or(Fault::NoColon)?;
    let (secret, rest_of_line) = split_secret(rest);
    let (scopes, last_day) = split_last_day(rest_of_line)?;
    let scopes: Vec<&str> = scopes.split([' ', '\t']).filter(|scope| !scope.is_empty()).collect();
    let behind_name = name.split(' ').skip(1);
    let behind_secret = secret.split([' ', '\t']).skip(1);
    let words = behind_name.chain(behind_secret).chain(scopes.iter().copied());
    check_remarks(words)?;
    let secret = if let Some(hash) = secret.strip_prefix(SHA256) {
        Secret::HashedToken(trim(hash))
    } else if secret.starts_with("$argon2") {
        Secret::Password(secret)
    } else {
        if let Some(kind) = other_hashes::kind(trim(rest)) {
            return Err(Fault::OtherHash(kind));
        }
        check_token(secret, shortest, rest.contains(':'))?;
        Secret::Token(secret)
    };
    check_scopes(&scopes)?;
    Ok(Some(UserLine { user: User::until(last_day, name, scopes), secret }))
}

/// What stands before the hash of a token.
pub(super) const SHA256: &str = "sha256:";

/// The secret, and what follows its colon.
fn split_secret(rest: &str) -> (&str, &str) {
    let rest = trim(rest);
    let from = if rest.starts_with(SHA256) { SHA256.len() } else { 0 };
    let end = rest.get(from..).and_then(|rest| rest.find(':')).map_or(rest.len(), |end| from + end);
    (trim(rest.get(..end).unwrap_or(rest)), rest.get(end + 1..).unwrap_or_default())
}

/// The scopes and the last day.
fn split_last_day(text: &str) -> Result<(&str, Option<Day>), Fault> {
    let (scopes, last) = text.rsplit_once(':').unwrap_or(("", text));
    match Day::parse(trim(last)) {
        Some(day) => Ok((scopes, Some(day))),
        None if Day::is_likely(trim(last)) => Err(Fault::Day),
        None => Ok((text, None)),
    }
}

/// A line for a users file. `secret` is a token or, with the feature `login`, a hash of
/// `users::hashed` or `Password::hash`. `last_day` is a day such as `2027-01-31`, after
/// which the line is not valid any more.
///
/// ```
/// use guardhouse::{Users, users};
///
/// let token = users::new_token()?;
/// let line = users::line("ann", &token, &["reports:read".to_owned()], Some("2999-12-31"))?;
/// assert!(line.starts_with("ann:") && line.ends_with(":reports:read:2999-12-31"));
/// assert!(Users::parse(&line).is_ok());
///
/// let error = users::line("a:b", &token, &[], None).unwrap_err();
/// assert!(error.to_string().contains("the name has a ':'"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// With the kind `InvalidInput`: a users file can't hold this name, this secret, one of
/// these scopes or this day, or the day is over. The hash in a secret is not checked here,
/// but by [`append`](crate::users::append) and when the file is loaded.
pub fn line(
    name: &str,
    secret: &str,
    scopes: &[String],
    last_day: Option<&str>,
) -> io::Result<String> {
    let invalid = |fault: Fault| io::Error::new(io::ErrorKind::InvalidInput, fault.to_string());
    // Each part by itself: with a colon in the name, the line would be that of another user;
    // with one in the secret, what follows it would be scopes; and a scope that is a day would
    // be the last day.
    check_name(name).map_err(invalid)?;
    let mut characters = secret.strip_prefix(SHA256).unwrap_or(secret).chars();
    if let Some(character) = characters.find(|c| matches!(c, ':' | ' ' | '\t')) {
        return Err(invalid(Fault::TokenCharacter(character)));
    }
    check_scopes(scopes).map_err(invalid)?;
    if let Some(day) = last_day {
        let day = Day::parse(day).ok_or(Fault::Day).map_err(invalid)?;
        if day < Day::today() {
            return Err(invalid(Fault::PastDay));
        }
    }
    let last_day = last_day.map(|day| format!(":{day}")).unwrap_or_default();
    let line = format!("{name}:{secret}:{}{last_day}", scopes.join(" "));
    parse(&line, SHORTEST_TOKEN).map_err(invalid)?;
    Ok(line)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn check_name(name: &str) -> Result<(), Fault> {
    let first = name.chars().next().ok_or(Fault::NoName)?;
    let is_wrong =
        |c: char| c == ':' || c.is_control() || is_invisible(c) || (c.is_whitespace() && c != ' ');
    if let Some(character) = name.chars().find(|c| is_wrong(*c)) {
        return Err(Fault::NameCharacter(character));
    }
    if !first.is_alphanumeric() && first != '_' {
        return Err(Fault::NameBegin(first));
    }
    if name.ends_with(' ') { Err(Fault::NameCharacter(' ')) } else { Ok(()) }
}

/// Characters that take no space on a screen, or look like a space: Unicode's
/// `Default_Ignorable_Code_Point`, the controls of hieroglyphs, and the blanks of Braille
/// and of musical notes. Two names with such a difference look the same.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What a person wrote for people must not become a value.
fn check_remarks<'t>(words: impl IntoIterator<Item = &'t str>) -> Result<(), Fault> {
    for word in words {
        if let Some(sign) = ["#", ";", "//"].into_iter().find(|sign| word.starts_with(sign)) {
            return Err(Fault::Remark(sign));
        }
    }
    Ok(())
}

fn check_token(token: &str, shortest: usize, has_colon: bool) -> Result<(), Fault> {
    if token.is_empty() {
        return Err(Fault::NoToken);
    }
    // No client can send a token of another form.
    if b64token(token.as_bytes()).is_none() {
        let is_allowed = |c: char| u8::try_from(c).is_ok_and(is_b64token_byte);
        let padding = token.trim_end_matches('=');
        let wrong = padding.chars().find(|c| !is_allowed(*c)).unwrap_or('=');
        return Err(Fault::TokenCharacter(wrong));
    }
    match token.len() {
        length if length >= shortest => Ok(()),
        length if has_colon => Err(Fault::ColonInToken(length)),
        length => Err(Fault::ShortToken(length)),
    }
}

fn check_scopes(scopes: &[impl AsRef<str>]) -> Result<(), Fault> {
    let mut parts = scopes.iter().flat_map(|scope| scope.as_ref().split(':'));
    if parts.any(Day::is_likely) {
        return Err(Fault::Day);
    }
    scopes.iter().try_for_each(|scope| check_scope(scope.as_ref())).map_err(Fault::Scope)
}

/// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). Here, signs that
/// people write between words or before a remark are not part of a scope.
fn check_scope(scope: &str) -> Result<(), ScopeFault> {
    let first = scope.chars().next().ok_or(ScopeFault::Empty)?;
    let mut parts = scope.split(':');
    // The hash of a password has commas. So this comes before the check of characters.
    if parts.clone().any(|part| part.starts_with("$argon2")) {
        return Err(ScopeFault::Token);
    }
    let is_allowed = |c: char| c.is_ascii_graphic() && !"\"\\#,;".contains(c);
    if let Some(character) = scope.chars().find(|c| !is_allowed(*c)) {
        return Err(ScopeFault::Character(character));
    }
    // `//` may stand in a URL.
    let rest = scope.replace("://", "");
    let signs = ["/*", "*/", "<!--", "-->", "//"];
    if let Some(sign) = signs.into_iter().find(|sign| rest.contains(sign)) {
        return Err(ScopeFault::Remark(sign));
    }
    if rest.ends_with("--") {
        return Err(ScopeFault::Remark("--"));
    }
    if parts.clone().any(|part| part.len() >= SHORTEST_TOKEN) {
        return Err(ScopeFault::Token);
    }
    if parts.any(str::is_empty) {
        return Err(ScopeFault::Colons);
    }
    if first.is_ascii_alphanumeric() { Ok(()) } else { Err(ScopeFault::Begin(first)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    /// The name, the secret and the scopes of a line. `TOKEN` in it is a token.
    #[track_caller]
    fn parsed(line: &str) -> Result<Option<(String, String, Vec<String>)>, Fault> {
        let line = line.replace("TOKEN", TOKEN);
        let parsed = parse(&line, SHORTEST_TOKEN)?;
        Ok(parsed.map(|UserLine { user, secret }| {
            let (Secret::Token(secret) | Secret::HashedToken(secret) | Secret::Password(secret)) =
                secret;
            (user.name().to_owned(), secret.to_owned(), user.scopes().to_owned())
        }))
    }

    #[track_caller]
    fn fault(line: &str) -> Fault {
        parsed(line).expect_err(line)
    }

    #[test]
    fn a_line_has_a_name_a_token_and_scopes() {
        for (line, name, scopes) in [
            ("ann:TOKEN", "ann", &[""; 0][..]),
            ("ann:TOKEN:", "ann", &[]),
            ("ann:TOKEN:read", "ann", &["read"]),
            ("ann:TOKEN:reports:read notes:write", "ann", &["reports:read", "notes:write"]),
            (
                "ann:TOKEN:urn:a:b read/all a.b_c-d*+~!",
                "ann",
                &["urn:a:b", "read/all", "a.b_c-d*+~!"],
            ),
            ("ann:TOKEN:fifteen-letters", "ann", &["fifteen-letters"]),
            (" \tann : TOKEN\t: a \t b ", "ann", &["a", "b"]),
            ("Ann Smith:TOKEN", "Ann Smith", &[]),
            ("ann@example.com:TOKEN", "ann@example.com", &[]),
            ("_ci-4.2+x:TOKEN", "_ci-4.2+x", &[]),
            ("Zoë:TOKEN", "Zoë", &[]),
            ("太郎:TOKEN", "太郎", &[]),
            ("4:TOKEN", "4", &[]),
        ] {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            let expected = (name.to_owned(), TOKEN.to_owned(), scopes);
            assert_eq!(parsed(line), Ok(Some(expected)), "{line}");
        }
        for line in ["", " \t ", "# a comment: with, every; sign // in it", " \t#"] {
            assert_eq!(parsed(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn a_remark_behind_a_value_is_no_scope_and_no_part_of_a_token_or_a_name() {
        for (line, sign) in [
            ("bob:TOKEN:read # no admin yet", "#"),
            ("bob:TOKEN:read #no admin", "#"),
            ("bob:TOKEN:# admin", "#"),
            ("bob:TOKEN # admin", "#"),
            ("bob:TOKEN\t#admin:read", "#"),
            ("bob # admin:TOKEN:read", "#"),
            ("bob:TOKEN:read ; no admin yet", ";"),
            ("bob:TOKEN:read ;admin", ";"),
            ("bob:TOKEN ; admin", ";"),
            ("bob:TOKEN:read // no admin yet", "//"),
            ("bob:TOKEN:read //admin", "//"),
            ("bob:TOKEN // admin", "//"),
        ] {
            assert_eq!(fault(line), Fault::Remark(sign), "{line}");
            assert!(fault(line).to_string().contains(&format!(" {sign}, ")), "{line}");
        }
        for (line, begin) in [
            ("bob:TOKEN:read (no admin yet)", '('),
            ("bob:TOKEN:read % admin", '%'),
            ("bob:TOKEN:*", '*'),
        ] {
            assert_eq!(fault(line), Fault::Scope(ScopeFault::Begin(begin)), "{line}");
        }
        for (scopes, sign) in [
            ("read/*no*/ admin", "/*"),
            ("read /* no */ admin", "/*"),
            ("read*/ admin", "*/"),
            ("read<!--no--> admin", "<!--"),
            ("read--> admin", "-->"),
            ("read// no admin", "//"),
            ("read//no admin", "//"),
            ("read-- no admin", "--"),
            ("read -- no admin yet", "--"),
        ] {
            let expected = Fault::Scope(ScopeFault::Remark(sign));
            assert_eq!(fault(&format!("bob:TOKEN:{scopes}")), expected, "{scopes}");
        }
        // Another sign does not make a comment, so such a line is refused.
        for line in [";ann:TOKEN", "// ann:TOKEN", "-- ann:TOKEN", "%ann:TOKEN", "!ann:TOKEN"] {
            assert_eq!(fault(line), Fault::NameBegin(line.chars().next().unwrap()), "{line}");
        }
    }

    #[test]
    fn a_scope_has_no_sign_that_people_write_between_scopes() {
        for (scopes, wrong) in [
            ("read,write", ','),
            ("read, write", ','),
            (",", ','),
            ("read;write", ';'),
            ("read#write", '#'),
            ("\"read\"", '"'),
            ("read\\", '\\'),
            ("reäd", 'ä'),
            ("read\u{a0}write", '\u{a0}'),
            ("re\u{200b}ad", '\u{200b}'),
        ] {
            let expected = Fault::Scope(ScopeFault::Character(wrong));
            assert_eq!(fault(&format!("ann:TOKEN:{scopes}")), expected, "{scopes}");
        }
    }

    #[test]
    fn two_lines_in_one_are_refused() {
        // The second token here has letters only, as a scope may have.
        let second = "abcdefghijklmnop";
        for line in [
            format!("bob:TOKEN:readann:{second}:"),
            format!("bob:TOKEN:readann:{second}:read"),
            format!("bob:TOKEN:readann:{second}"),
            format!("bob:TOKEN:reports:readann:{second}"),
            format!("bob:TOKEN:ann:{second}:read"),
            format!("bob:TOKENann:{second}:read"),
            format!("bob:TOKENann:{second}"),
            format!("bob:TOKEN ann:{second}"),
            format!("bob:TOKEN:read ann:{second}"),
            format!("bob:TOKEN:readann:{second}:read # ann"),
            "bob:TOKEN:readann:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQ".to_owned(),
            "bob:TOKENann:$argon2id$v=19$m=8$c29tZXNhbHQ$QQ".to_owned(),
            "bob:$argon2id$v=19$m=8$c29tZXNhbHQ$QQann:TOKEN:read".to_owned(),
        ] {
            assert!(!fault(&line).to_string().contains(second), "{line}");
        }
        for scopes in [second, "read:0123456789abcdef", "a:b:0123456789abcdef"] {
            let line = format!("ann:TOKEN:{scopes}");
            assert_eq!(fault(&line), Fault::Scope(ScopeFault::Token), "{line}");
        }
        for scopes in ["readann:", ":read", "read::all", ":", "read :"] {
            let line = format!("ann:TOKEN:{scopes}");
            assert_eq!(fault(&line), Fault::Scope(ScopeFault::Colons), "{line}");
        }
    }

    #[test]
    fn a_name_has_no_character_that_nobody_can_see() {
        for (name, wrong) in [
            ("\u{feff}ann", '\u{feff}'),
            ("\u{feff}#ann", '\u{feff}'),
            ("an\u{200b}n", '\u{200b}'),
            ("ann\u{200d}", '\u{200d}'),
            ("\u{202e}ann", '\u{202e}'),
            ("a\u{ad}nn", '\u{ad}'),
            ("ann\u{a0}", '\u{a0}'),
            ("ann\u{3000}smith", '\u{3000}'),
            ("a\u{3164}", '\u{3164}'),
            ("a\u{e0041}", '\u{e0041}'),
            ("a\u{13430}", '\u{13430}'),
            ("a\u{1d159}", '\u{1d159}'),
            ("an\tn", '\t'),
        ] {
            let found = fault(&format!("{name}:TOKEN"));
            assert_eq!(found, Fault::NameCharacter(wrong), "{name:?}");
            assert_eq!(fault(name), found, "{name:?} without a colon");
            assert!(!found.to_string().contains(wrong), "{found} shows its number");
        }
    }

    #[test]
    fn control_characters_are_refused_in_every_line() {
        for (line, wrong) in [
            ("# the team\rann:TOKEN", '\r'),
            ("ann:TOKEN\r", '\r'),
            ("ann:TOKEN\rbob:TOKEN", '\r'),
            ("ann\0:TOKEN", '\0'),
            ("# \0", '\0'),
            ("ann:TOKEN\u{b}", '\u{b}'),
            ("\u{1b}[2Kann:TOKEN", '\u{1b}'),
            ("# the team\u{85}ann:TOKEN", '\u{85}'),
            ("# the team\u{2028}ann:TOKEN", '\u{2028}'),
        ] {
            assert_eq!(fault(line), Fault::Control(wrong), "{line:?}");
        }
    }

    #[test]
    fn a_token_is_whole_and_the_wrong_character_is_named() {
        for (secret, wrong) in [
            ("1|abcdefghijklmnop", '|'),
            ("tok en", ' '),
            ("TOKEN!", '!'),
            ("TOKEN#admin", '#'),
            ("TOKEN;admin", ';'),
            ("\"TOKEN\"", '"'),
            ("tök", 'ö'),
            ("TOKEN\u{200b}", '\u{200b}'),
            ("abc=def", '='),
            ("====", '='),
        ] {
            let found = fault(&format!("ann:{secret}"));
            assert_eq!(found, Fault::TokenCharacter(wrong), "{secret}");
            let code = format!("U+{:04X}", u32::from(wrong));
            let shown = if wrong.is_ascii() { format!("'{wrong}'") } else { code };
            assert!(found.to_string().contains(&shown), "{found}");
        }
        for (line, expected) in [
            ("ann:", Fault::NoToken),
            ("ann: ", Fault::NoToken),
            ("ann::read", Fault::NoToken),
            ("ann:abcd", Fault::ShortToken(4)),
            ("ann:0123456789abcde", Fault::ShortToken(15)),
            ("ann:perm:abcdefghijklmnopqrst", Fault::ColonInToken(4)),
            ("ann:token:0123456789abcdef", Fault::ColonInToken(5)),
            // The part before the colon is long enough to be a token.
            ("ann:TOKEN:abcdefghijklmnopqrst:read", Fault::Scope(ScopeFault::Token)),
        ] {
            assert_eq!(fault(line), expected, "{line}");
        }
        let colon = fault("ann:perm:abcdefghijklmnopqrst").to_string();
        assert!(colon.contains("':'") && !colon.contains("perm"), "{colon}");
    }

    #[test]
    fn hashes_of_other_programs_are_no_tokens() {
        for (secret, word) in [
            ("abNAOHYYmzXE6", "DES"),
            ("_J9..rasmBYk8r9AiWNc", "DES"),
            ("$apr1$abcdefgh$Ovw7Cg8Q2F8PVF1mDqsGv/", "htpasswd"),
            ("$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC:read", "bcrypt"),
            ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "LDAP"),
            ("argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2g", "Django"),
            (
                "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2:19000:0:99999:7:::",
                "SHA-512",
            ),
            ("scrypt:32768:8:1$saltsalt$0cc175b9c0f1b6a831c399e269772661", "Werkzeug"),
        ] {
            let found = fault(&format!("ann:{secret}"));
            assert!(matches!(found, Fault::OtherHash(kind) if kind.contains(word)), "{found}");
            assert!(found.to_string().contains("--new-token"), "{found}");
        }
    }

    #[test]
    fn the_last_part_of_a_line_may_be_a_day() {
        let last_day = |line: &str| {
            let line = line.replace("TOKEN", TOKEN);
            let user = parse(&line, SHORTEST_TOKEN).expect("a line").expect("a user").user;
            (user.scopes().join(" "), user.last_day().map(|day| day.to_string()))
        };
        let day = || Some("2027-01-31".to_owned());
        for (line, scopes, expected) in [
            ("ann:TOKEN:read write:2027-01-31", "read write", day()),
            ("ann:TOKEN:reports:read:2027-01-31", "reports:read", day()),
            ("ann:TOKEN::2027-01-31", "", day()),
            ("ann:TOKEN:2027-01-31", "", day()),
            ("ann:TOKEN: read : 2027-01-31 ", "read", day()),
            ("ann:sha256:TOKENTOKENTOKENTOKEN:read:2027-01-31", "read", day()),
            ("ann:$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA:read:2027-01-31", "read", day()),
            ("ann:TOKEN:read:2027", "read:2027", None),
            ("ann:TOKEN:v1.2.3 1-2", "v1.2.3 1-2", None),
            ("ann:TOKEN:urn://a/b a--b", "urn://a/b a--b", None),
            ("ann:TOKEN:v1-2", "v1-2", None),
        ] {
            assert_eq!(last_day(line), (scopes.to_owned(), expected), "{line}");
        }
        for day in ["2027-02-29", "2027-1-31", "31-01-2027", "2027-13-01"] {
            for line in [format!("ann:TOKEN:read:{day}"), format!("ann:TOKEN:{day}")] {
                assert_eq!(fault(&line), Fault::Day, "{line}");
            }
        }
        for line in [
            "ann:TOKEN:2027-01-31:read",
            "ann:TOKEN:read:2027-01-31 write",
            "ann:TOKEN:read 2027-01-31",
            "ann:TOKEN:read:2027-01-31T00:00:00Z",
            "ann:TOKEN:read:31.01.2027",
            "ann:TOKEN:read:2027/01/31",
            "ann:TOKEN:read:20270131",
            "ann:TOKEN:2027-01-31:2028-01-31",
        ] {
            assert_eq!(fault(line), Fault::Day, "{line}");
        }
        assert_eq!(fault("ann:TOKEN:read:2027-01-31bob:TOKEN"), Fault::Scope(ScopeFault::Token));
    }

    #[test]
    fn the_hash_of_a_token_is_a_secret_with_a_colon() {
        let hash = TOKEN.repeat(4);
        for line in [
            format!("ann:sha256:{hash}"),
            format!("ann:sha256:{hash}:"),
            format!(" ann : sha256:{hash} : "),
            format!("ann:sha256:{hash}::2027-01-31"),
        ] {
            let (name, secret, scopes) = parsed(&line).expect("a line").expect("a user");
            assert_eq!((&*name, &*secret, scopes.len()), ("ann", &*hash, 0), "{line}");
        }
    }

    #[test]
    fn a_line_that_was_made_can_be_read() {
        let scopes = ["reports:read".to_owned(), "a".to_owned()];
        for day in [None, Some("2999-01-31")] {
            let line = line("Ann Smith", TOKEN, &scopes, day).expect("a line");
            let read_back = parsed(&line).expect("a line").expect("a user");
            let expected = ("Ann Smith".to_owned(), TOKEN.to_owned(), scopes.to_vec());
            assert_eq!(read_back, expected, "{line}");
        }
        for (name, scope) in [
            ("", "a"),
            ("a:b", "a"),
            ("#a", "a"),
            ("a #b", "a"),
            (" a", "a"),
            ("a ", "a"),
            ("a\n", "a"),
            ("a\nb:x", "a"),
            ("a", ""),
            ("a", "a b"),
            ("a", "\""),
            ("a", "a,b"),
            ("a", "#a"),
            ("a", "a\nb:x"),
            ("a", "abcdefghijklmnop"),
            ("a", "2999-12-31"),
            ("a", "read:2999-12-31"),
        ] {
            let error = line(name, TOKEN, &[scope.to_owned()], None).expect_err("no such line");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?} {scope:?}");
        }
        for (secret, day) in [
            ("short", None),
            (TOKEN, Some("2027-02-29")),
            (TOKEN, Some("2026-01-01")),
            (TOKEN, Some("")),
            (TOKEN, Some("tomorrow")),
        ] {
            let made = line("ann", secret, &[], day);
            assert!(made.is_err(), "{secret} {day:?}: {made:?}");
        }
        assert!(line("ann", &format!("{TOKEN}: admin"), &scopes, None).is_err());
        assert!(line("ann", &format!(" {TOKEN}"), &scopes, None).is_err());
    }
}
