//! What can be wrong with a line of a users file, in words that say what to do.
//!
//! The line holds a secret. So the words show at most one character of it.

use std::fmt;

use crate::limits::SHORTEST_TOKEN;

/// What is wrong with a line, whatever the other lines are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A control character or a line separator, also in a comment.
    Control(char),
    NoColon,
    NoName,
    NameBegin(char),
    NameCharacter(char),
    NoToken,
    TokenCharacter(char),
    /// The number of its characters.
    ShortToken(usize),
    /// The number of characters before the colon.
    ColonInToken(usize),
    /// The hash of another program, and what it is.
    OtherHash(&'static str),
    /// The sign with which a remark begins.
    Remark(&'static str),
    /// What has the form of a day, and is none.
    Day,
    Scope(ScopeFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Control('\r') => {
                f.write_str("a CR inside the line: end each line with LF, or with CR and LF")
            }
            Fault::Control('\0') => {
                f.write_str("a NUL, so it is UTF-16 perhaps, and not UTF-8: save it as UTF-8")
            }
            Fault::Control(c) => write!(f, "the character {}, which nobody can see", shown(*c)),
            Fault::NoColon => f.write_str("no colon after the name: write name:token"),
            Fault::NoName => f.write_str("no name before the colon: write name:token"),
            Fault::NameBegin(c) => write!(
                f,
                "the name begins with {}: a name begins with a letter, a digit or _, \
                 and a comment with #",
                shown(*c)
            ),
            Fault::NameCharacter(' ') => f.write_str("a space before or after the name"),
            Fault::NameCharacter(':') => f.write_str("the name has a ':', which ends a name"),
            Fault::NameCharacter(c) => {
                write!(f, "the name has the character {}, which nobody can see", shown(*c))
            }
            Fault::NoToken => f.write_str("no token after the colon: write name:token"),
            Fault::TokenCharacter(c) => write!(
                f,
                "the token has the character {}: a token has letters, digits, \
                 - . _ ~ + / and, at its end, =",
                shown(*c)
            ),
            Fault::ShortToken(length) => write!(
                f,
                "the token has {length} of at least {SHORTEST_TOKEN} characters: \
                 guardhouse --new-token makes one"
            ),
            Fault::ColonInToken(length) => write!(
                f,
                "the token ends at a ':' after {length} of at least {SHORTEST_TOKEN} \
                 characters: no token has a ':'"
            ),
            Fault::OtherHash(kind) => write!(
                f,
                "not a token, but {kind}: write a token (guardhouse --new-token makes one) or, \
                 for a build with the feature login, a hash of guardhouse --hash-password"
            ),
            Fault::Remark(sign) => write!(
                f,
                "a word begins with {sign}, as a remark does: write comments on lines of their \
                 own, with # before them"
            ),
            Fault::Day => f.write_str(
                "the last day of the line is not a day: write it as 2027-01-31 (year, month, day)",
            ),
            Fault::Scope(fault) => fault.fmt(f),
        }
    }
}

/// What is wrong with a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScopeFault {
    Empty,
    Begin(char),
    Character(char),
    /// The sign of a remark inside it.
    Remark(&'static str),
    /// A colon at the beginning or the end, or two in a row.
    Colons,
    /// A part that is as long as a token.
    Token,
}

impl fmt::Display for ScopeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeFault::Empty => f.write_str("a scope is empty"),
            ScopeFault::Remark(sign) => write!(f, "a scope has {sign} in it, as a remark does"),
            ScopeFault::Begin(c) => {
                write!(f, "a scope begins with {}, and not with a letter or a digit", shown(*c))
            }
            ScopeFault::Character(c) => write!(
                f,
                "a scope has the character {}: put spaces between scopes; a scope has ASCII \
                 letters, digits and signs, but none of \" \\ # , ;",
                shown(*c)
            ),
            ScopeFault::Colons => {
                f.write_str("a scope begins or ends with a ':', or has two of them in a row")
            }
            ScopeFault::Token => write!(
                f,
                "a scope has {SHORTEST_TOKEN} or more characters without a ':', as only a token \
                 has: is the end of a line missing, or is there a ':' in the token?"
            ),
        }
    }
}

/// `'|'`, or `U+200B` for a character that is not visible ASCII: some of the others
/// can't be seen, and some change how a terminal shows the line.
fn shown(character: char) -> String {
    match character {
        ' '..='~' => format!("'{character}'"),
        _ => format!("U+{:04X}", u32::from(character)),
    }
}
