//! Reads the text of a PEM file (RFC 7468), and says in which line it is wrong.
//!
//! Strict, because rustls skips what it does not know. In a chain that was put together
//! with `cat`, the END line of one certificate and the BEGIN line of the next can become
//! one line. Then the server would start without the second certificate, and only some
//! clients would refuse to connect. rustls still decodes the blocks; this file only finds
//! where they begin and end. Text between the blocks is allowed, as tools write it there:
//! names, fingerprints, comments. What may be a damaged part of a block is not: a line that
//! is nearly a BEGIN or END line, and lines that are Base64 alone.

use std::fmt;
use std::ops::Range;

/// A text whose blocks are whole.
pub(super) struct Pem {
    /// The text, with LF as the end of each line.
    text: String,
    pub(super) blocks: Vec<Block>,
}

/// A block, from its BEGIN line to its END line.
pub(super) struct Block {
    /// The number of its BEGIN line.
    pub(super) line: usize,
    /// Where it is in the text.
    place: Range<usize>,
    /// What the block holds, such as `CERTIFICATE`.
    pub(super) label: String,
    /// Whether one needs a password to read it (RFC 7468 §11, RFC 1421 §4.6.1.1).
    pub(super) is_encrypted: bool,
}

impl Pem {
    pub(super) fn parse(bytes: &[u8]) -> Result<Pem, Malformed> {
        // Step 1: it is text in an encoding that has the letters of ASCII.
        check_encoding(bytes)?;
        // Step 2: "eol = CRLF / CR / LF" (RFC 7468 §3). Comments may be in any encoding.
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        // Step 3: each BEGIN line has its END line, and each block is in a block of its own.
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        let mut outside = Outside::default();
        let mut end = 0;
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |reason| Malformed::Line(number, reason);
            let begin = end;
            end = text.len().min(begin + line.len() + 1);
            match (Line::parse(line).map_err(wrong)?, &mut open) {
                (Line::Begin(label), None) => {
                    let is_encrypted = label == "ENCRYPTED PRIVATE KEY";
                    let (label, place) = (label.to_owned(), begin..end);
                    open = Some(Block { line: number, place, label, is_encrypted });
                    outside = Outside::default();
                }
                (Line::Begin(_), Some(_)) => {
                    return Err(wrong("a BEGIN line, but the block before it has no END line"));
                }
                (Line::End(label), Some(block)) if block.label == label => {
                    block.place.end = end;
                    blocks.extend(open.take());
                }
                (Line::End(_), Some(_)) => {
                    return Err(wrong("an END line of another kind than the BEGIN line above it"));
                }
                (Line::End(_), None) => return Err(wrong("an END line without its BEGIN line")),
                (Line::Other, Some(_)) if line.contains(ESCAPED) => {
                    return Err(wrong(FROM_JSON));
                }
                (Line::Other, Some(block)) => {
                    block.is_encrypted |=
                        line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
                }
                (Line::Other, None) => outside.check(number, line)?,
            }
        }
        match open {
            Some(block) => Err(Malformed::Line(block.line, "a BEGIN line without its END line")),
            None => Ok(Pem { text, blocks }),
        }
    }

    /// The lines of a block, with its BEGIN and END line.
    pub(super) fn text_of(&self, block: &Block) -> &[u8] {
        self.text.as_bytes().get(block.place.clone()).unwrap_or_default()
    }

    /// Whether a block can be read with a password only.
    pub(super) fn has_encrypted(&self) -> bool {
        self.blocks.iter().any(|block| block.is_encrypted)
    }
}

/// What is wrong with the text. The message never shows anything of it: it may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    ByteOrderMark,
    Utf16,
    Utf32,
    NotText,
    /// The number of the line, and what is wrong there.
    Line(usize, &'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::ByteOrderMark => {
                f.write_str("it begins with a byte order mark: save it as UTF-8 without one")
            }
            Malformed::Utf16 => f.write_str("it is UTF-16: save it as UTF-8"),
            Malformed::Utf32 => f.write_str("it is UTF-32: save it as UTF-8"),
            Malformed::NotText => f.write_str(
                "it is not text; if it is DER, openssl with -inform der changes it to PEM",
            ),
            Malformed::Line(number, reason) => write!(f, "line {number}: {reason}"),
        }
    }
}

fn check_encoding(bytes: &[u8]) -> Result<(), Malformed> {
    // Without a byte order mark, every second byte of ASCII is zero, or three of four are.
    let is_utf32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => true,
        [first, 0, 0, last, ..] => (*first == 0) != (*last == 0),
        _ => false,
    };
    let is_utf16 = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    };
    if is_utf32 {
        Err(Malformed::Utf32)
    } else if is_utf16 {
        Err(Malformed::Utf16)
    } else if bytes.contains(&0) {
        Err(Malformed::NotText)
    } else if bytes.starts_with(b"\xef\xbb\xbf") {
        Err(Malformed::ByteOrderMark)
    } else {
        Ok(())
    }
}

/// LF, as JSON and many programs write it in a string.
const ESCAPED: &str = "\\n";
const FROM_JSON: &str = "\\n in the place of line ends, as in JSON: write a line end for each";

enum Line<'a> {
    /// With its label.
    Begin(&'a str),
    End(&'a str),
    /// Base64, a header of a block, or text between blocks.
    Other,
}

impl Line<'_> {
    /// The error says what is wrong.
    fn parse(line: &str) -> Result<Line<'_>, &'static str> {
        let is_marker = line.contains("-----BEGIN ") || line.contains("-----END ");
        if !is_marker && !is_nearly_a_marker(line) {
            return Ok(Line::Other);
        }
        if line.contains(ESCAPED) {
            return Err(FROM_JSON);
        }
        let line = line.trim_end();
        if is_marker && line.starts_with(char::is_whitespace) {
            return Err("the line is indented: remove the spaces before it");
        }
        let label = |prefix| {
            let label = line.strip_prefix(prefix)?.strip_suffix("-----")?;
            // A label has no space and no dash at its ends, and never two in a row
            // (RFC 7468 §3). rustls would skip a block with such a label.
            label.split([' ', '-']).all(|word| !word.is_empty()).then_some(label)
        };
        let begin = label("-----BEGIN ").map(Line::Begin);
        begin.or_else(|| label("-----END ").map(Line::End)).ok_or(
            "a BEGIN or END line with other text in it, or malformed: each needs its own line",
        )
    }
}

/// Whether a line says that a certificate or a private key begins or ends there, in any
/// case and with any dashes or other signs. "the end of the certificate" does not say so.
fn is_nearly_a_marker(line: &str) -> bool {
    // Digits separate words: a space may have become `%20`. One dash does not: "the front-end
    // certificate" does not say that one ends.
    let is_of_a_word = |c: char| c.is_alphabetic() || c == '-';
    let parts = line.split("--").flat_map(|part| part.split(|c: char| !is_of_a_word(c)));
    let words: Vec<String> = parts
        .map(|word| word.replace('-', "").to_ascii_uppercase())
        .filter(|word| !word.is_empty())
        .collect();
    (0..words.len()).any(|first| {
        // BEGIN, ENCRYPTED, PRIVATE and KEY are four. An invisible character separates more.
        let text = words[first..].iter().take(6).map(String::as_str).collect::<String>();
        let Some(label) = text.strip_prefix("BEGIN").or_else(|| text.strip_prefix("END")) else {
            return false;
        };
        let kinds = ["NEW", "TRUSTED", "X", "RSA", "EC", "DSA", "ENCRYPTED", "OPENSSH"];
        let label = kinds.iter().find_map(|kind| label.strip_prefix(kind)).unwrap_or(label);
        label.starts_with("CERTIFICATE") || label.starts_with("PRIVATEKEY")
    })
}

/// Finds Base64 in the lines outside of blocks.
#[derive(Default)]
struct Outside {
    /// The number of the last line, if it was Base64. Blank lines are left out.
    base64: Option<usize>,
}

impl Outside {
    /// One short line may be a name. A long one, or two in a row, are a part of a block.
    fn check(&mut self, number: usize, line: &str) -> Result<(), Malformed> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(());
        }
        if !is_base64(line) {
            self.base64 = None;
            return Ok(());
        }
        match self.base64.replace(number) {
            None if line.len() < LONG_LINE => Ok(()),
            first => Err(Malformed::Line(
                first.unwrap_or(number),
                "Base64 outside of a block: is the BEGIN line above right?",
            )),
        }
    }
}

/// Lines of a block have 64 characters, or 76, as in mails. Some tools make shorter ones.
const LONG_LINE: usize = 60;
/// Shorter lines are words.
const SHORT_LINE: usize = 16;

/// Whether a line looks like one of a block: only Base64. Digits of a fingerprint are not,
/// and a line that is drawn with `/` or `+` is not.
fn is_base64(line: &str) -> bool {
    let digits = line.strip_suffix("==").or_else(|| line.strip_suffix('=')).unwrap_or(line);
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    line.len() >= SHORT_LINE
        && digits.bytes().all(is_allowed)
        && digits.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const LONG: &str = "MIIBdzCCAR2gAwIBAgIUKq3vAbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/AB";
    /// The same in lines of 20 characters.
    const SHORT: &str = "MIIBdzCCAR2gAwIBAgIU\nKq3vAbCdEfGhIjKlMnOp\nQrStUvWxYz0123456789";

    #[track_caller]
    fn wrong(text: impl AsRef<[u8]>) -> Malformed {
        let text = text.as_ref();
        Pem::parse(text).err().unwrap_or_else(|| panic!("{} is right", text.escape_ascii()))
    }

    #[track_caller]
    fn labels(text: impl AsRef<[u8]>) -> Vec<String> {
        let pem = Pem::parse(text.as_ref()).unwrap_or_else(|wrong| panic!("{wrong}"));
        pem.blocks.into_iter().map(|block| block.label).collect()
    }

    #[test]
    fn each_block_is_found_whatever_is_between_them() {
        assert_eq!(labels(""), [""; 0]);
        assert_eq!(labels("no blocks"), [""; 0]);
        let key = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----";
        for between in [
            "",
            "\n\n",
            "# the intermediate\n",
            "---\nServer certificate\nsubject=CN = a\n   i:CN = b\n---\n",
            "Bag Attributes\n    localKeyID: 01 02\n",
            "SHA256 Fingerprint=AA:BB\n",
            "d7a7a0fb5d7e2731d771e9484ebcdef71d5f0c3e0a2948782bc83ee0ea699ef4\n",
            "-----\n",
            "an END and a BEGIN in a text\n",
            "# the end of the certificate of our server, and after it that of the CA\n",
            "# append certificates here\n",
            "CN=OurIntermediateCertificateAuthority\n",
            "OurIntermediateCertificateAuthority\n===================================\n",
            "OurIntermediateAuthority\nvalid until 2030\nOurRootAuthority2030\n",
            "Bag Attributes\n    friendlyName: ann\nsubject=CN = a\n\nissuer=CN = b\n\n",
            "5e5ab6b1c5d7f0e6a9c8d7b6a5f4e3d2c1b0a998\nd7a7a0fb5d7e2731d771e9484ebcdef7\n",
        ] {
            let text = format!("{between}{BLOCK}{between}{BLOCK}{between}{key}");
            for text in [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
                assert_eq!(
                    labels(&text),
                    ["CERTIFICATE", "CERTIFICATE", "PRIVATE KEY"],
                    "{between}"
                );
            }
        }
        assert_eq!(labels(BLOCK.replace("-----\n", "----- \t\n")), ["CERTIFICATE"]);
        // A name in Latin-1, in a comment.
        assert_eq!(labels([b"CN = M\xfcller\n", BLOCK.as_bytes()].concat()), ["CERTIFICATE"]);
    }

    #[test]
    fn a_line_that_would_hide_a_block_is_an_error_with_its_number() {
        let shared =
            "a BEGIN or END line with other text in it, or malformed: each needs its own line";
        let base64 = "Base64 outside of a block: is the BEGIN line above right?";
        let json = "\\n in the place of line ends, as in JSON: write a line end for each";
        let glued = format!("{}{BLOCK}", BLOCK.trim_end());
        let malformed = |begin: &str| {
            let block = BLOCK.replace("-----BEGIN CERTIFICATE-----", begin);
            format!("{BLOCK}{}", block.replace("MIIB", LONG))
        };
        for (text, line, reason) in [
            (glued, 3, shared),
            (format!("# the leaf{BLOCK}"), 1, shared),
            (format!("> {BLOCK}"), 1, shared),
            (BLOCK.replace("MIIB\n", "MIIB"), 2, shared),
            (BLOCK.replace("-----\nMIIB", "-----MIIB"), 1, shared),
            (malformed("-----BEGIN CERTIFICATE----"), 4, shared),
            (malformed("-----BEGIN CERTIFICATE------"), 4, shared),
            (malformed("-----BEGIN  CERTIFICATE-----"), 4, shared),
            (malformed("-----BEGIN -----"), 4, shared),
            (malformed("------BEGIN CERTIFICATE-----"), 4, shared),
            (malformed("----BEGIN CERTIFICATE-----"), 4, shared),
            (malformed("-----begin certificate-----"), 4, shared),
            (malformed("BEGIN CERTIFICATE"), 4, shared),
            (malformed("—BEGIN CERTIFICATE—"), 4, shared),
            (malformed("- BEGIN RSA PRIVATE KEY -"), 4, shared),
            (malformed("=== Begin%20Certificate ==="), 4, shared),
            (malformed("_BEGIN_TRUSTED_CERTIFICATE_"), 4, shared),
            (malformed("----BEGINCERTIFICATE----"), 4, shared),
            (BLOCK.replace("-----END", "----END"), 3, shared),
            (BLOCK.replace("-----END", "–––End"), 3, shared),
            (BLOCK.replace('\n', " "), 1, shared),
            (malformed(""), 5, base64),
            (malformed("--BEGN CERT--").replace(LONG, SHORT), 5, base64),
            (malformed("").replace(LONG, &SHORT.replace('\n', "\n\n  ")), 5, base64),
            (malformed("").replace(LONG, "MIIBdzCCAR2gAwIB\nAgIUKq3vAbCd+/=="), 5, base64),
            (BLOCK.replace('\n', "\\n"), 1, json),
            (BLOCK.replace('\n', "\\r\\n"), 1, json),
            (format!("{BLOCK}  \"{}\",", BLOCK.replace('\n', "\\n")), 4, json),
            (
                malformed("-----BEGIN X509 CERTIFICATE-----"),
                6,
                "an END line of another kind than the BEGIN line above it",
            ),
        ] {
            assert_eq!(wrong(&text), Malformed::Line(line, reason), "{text}");
        }
    }

    #[test]
    fn a_damaged_begin_or_end_line_is_found_by_its_words() {
        for line in [
            "----BEGIN CERTIFICATE-----",
            "-BEGIN CERTIFICATE-",
            "BEGIN CERTIFICATE",
            "--- Begin Certificate ---",
            "begin certificate",
            "-----BEGINCERTIFICATE-----",
            "-----BEGIN\tCERTIFICATE-----",
            "-----BEGIN\u{a0}CERTIFICATE-----",
            "----BEG\u{200b}IN CERTIFICATE-----",
            "-----BEGIN_CERTIFICATE-----",
            "-----BEGIN-CERTIFICATE-----",
            "-----BEGIN%20CERTIFICATE-----%0A",
            "----BEGIN X509 CERTIFICATE----",
            "----BEGIN TRUSTED CERTIFICATE----",
            "\u{2014}END CERTIFICATE\u{2014}",
            "> ----END CERTIFICATE----",
            "MIIB----END CERTIFICATE-----",
            "----END CERTIFICATE---------BEGIN CERTIFICATE----",
            "\u{2013}\u{2013}BEGIN PRIVATE KEY\u{2013}\u{2013}",
            "----begin rsa private key----",
            "---- BEGIN ENCRYPTED PRIVATE KEY ----",
            "----end ec private key----",
        ] {
            assert!(is_nearly_a_marker(line), "{line}");
            let text = format!("{BLOCK}{line}\n{BLOCK}");
            assert!(matches!(wrong(&text), Malformed::Line(4, _)), "{line}");
        }
        // In a block, the damaged line is named too, and not the one before or after it.
        for begin in ["", BLOCK] {
            let damaged = BLOCK.replace("-----END", "----END");
            let line = begin.lines().count() + 3;
            let found = wrong(format!("{begin}{damaged}{BLOCK}"));
            assert!(matches!(found, Malformed::Line(number, _) if number == line), "{found}");
        }
        for line in [
            "# the front-end certificate",
            "# our back-end certificate, for the back-end private key",
            "# the end-entity certificate",
            "# the backend certificate",
            "# beginning of the certificates",
            "Certificate:",
            "Server certificate",
            "friendlyName: a certificate at the end",
            "-----",
        ] {
            assert!(!is_nearly_a_marker(line), "{line}");
            labels(format!("{BLOCK}{line}\n{BLOCK}"));
        }
    }

    #[test]
    fn base64_outside_of_a_block_is_found_in_lines_of_any_usual_length() {
        let base64 = "Base64 outside of a block: is the BEGIN line above right?";
        let folded = |width: usize, end: &str| -> String {
            let characters: Vec<char> = LONG.repeat(2).chars().collect();
            let lines = characters.chunks(width);
            lines.map(|line| line.iter().collect::<String>() + end).collect()
        };
        for width in [16, 20, 40, 48, 64, 76, 132] {
            for end in ["\n", "\r\n", "\r", "\r\r\n", "  \n", "\n    "] {
                let text = format!("{BLOCK}----BEGIN CRT----\n{}", folded(width, end));
                assert_eq!(wrong(&text), Malformed::Line(5, base64), "{width} {end:?}");
            }
        }
        // The END line of the block before is in the wrong place.
        let text = format!("{BLOCK}{}", folded(40, "\n"));
        assert_eq!(wrong(&text), Malformed::Line(4, base64));
        for between in [
            "IntermediateCertificateOfTheCompany\n",
            "IntermediateCertificate\n=======================\n",
            "subject=/C=US/O=TheCompany/CN=R3\nissuer=/C=US/O=TheCompany/CN=X1\n",
            "leaf\nintermediate\nroot\n",
            "1b4f0e9851971998e732078544c96b36\n9f86d081884c7d659a2feaa0c55ad015\n",
            "////////////////////\n////////////////////\n",
        ] {
            assert_eq!(labels(format!("{BLOCK}{between}{BLOCK}")).len(), 2, "{between}");
        }
    }

    #[test]
    fn a_text_out_of_a_json_string_is_known() {
        let escaped = BLOCK.replace('\n', "\\n");
        for (text, line) in [
            (escaped.clone(), 1),
            (format!("\"{escaped}\""), 1),
            (format!("{{\n  \"chain\": \"{escaped}{escaped}\"\n}}\n"), 2),
            (escaped.replace("\\n", "\\r\\n"), 1),
            (escaped.replace("\\n", "\\\\n"), 1),
            (format!("{BLOCK}{escaped}"), 4),
            (BLOCK.replace("MIIB\n", "MIIB\\nMIIB\n"), 2),
            (BLOCK.replace("MIIB\n", "MIIB\\n"), 2),
        ] {
            assert_eq!(wrong(&text), Malformed::Line(line, FROM_JSON), "{text}");
        }
        assert_eq!(labels(format!("friendlyName: COMPANY\\nadia\n{BLOCK}")), ["CERTIFICATE"]);
    }

    #[test]
    fn begin_and_end_lines_come_in_pairs() {
        let no_end = "a BEGIN line without its END line";
        let inside = "a BEGIN line, but the block before it has no END line";
        let no_begin = "an END line without its BEGIN line";
        let cut = BLOCK.replace("-----END CERTIFICATE-----\n", "");
        for (text, line, reason) in [
            (cut.clone(), 1, no_end),
            (format!("{BLOCK}{cut}"), 4, no_end),
            (format!("{cut}{BLOCK}"), 3, inside),
            (BLOCK.replace("MIIB\n", BLOCK), 2, inside),
            ("-----END CERTIFICATE-----".to_owned(), 1, no_begin),
            (format!("{BLOCK}-----END CERTIFICATE-----\n"), 4, no_begin),
            (BLOCK.replace("-----BEGIN CERTIFICATE-----\n", ""), 2, no_begin),
        ] {
            assert_eq!(wrong(&text), Malformed::Line(line, reason), "{text}");
        }
        let indented = "the line is indented: remove the spaces before it";
        for (text, line) in [
            (format!("  {}", BLOCK.replace('\n', "\n  ")), 1),
            (BLOCK.replace("-----END", "\t-----END"), 3),
            (format!("{BLOCK}\u{a0}{BLOCK}"), 4),
        ] {
            assert_eq!(wrong(&text), Malformed::Line(line, indented), "{text}");
        }
    }

    #[test]
    fn an_encoding_that_is_not_plain_text_is_named() {
        assert_eq!(wrong(format!("\u{feff}{BLOCK}")), Malformed::ByteOrderMark);
        assert_eq!(wrong("\u{feff}"), Malformed::ByteOrderMark);
        let utf16 = |to_bytes: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
            text.encode_utf16().flat_map(to_bytes).collect()
        };
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(wrong(utf16(to_bytes, BLOCK)), Malformed::Utf16);
            assert_eq!(wrong(utf16(to_bytes, &format!("\u{feff}{BLOCK}"))), Malformed::Utf16);
        }
        let utf32 = |to_bytes: fn(u32) -> [u8; 4], text: &str| -> Vec<u8> {
            text.chars().map(u32::from).flat_map(to_bytes).collect()
        };
        for to_bytes in [u32::to_le_bytes, u32::to_be_bytes] {
            assert_eq!(wrong(utf32(to_bytes, BLOCK)), Malformed::Utf32);
            assert_eq!(wrong(utf32(to_bytes, &format!("\u{feff}{BLOCK}"))), Malformed::Utf32);
            assert_eq!(wrong(utf32(to_bytes, "\n")), Malformed::Utf32);
        }
        assert_eq!(wrong(b"0\x82\x01\x00\x02"), Malformed::NotText);
        assert_eq!(wrong([BLOCK.as_bytes(), b"\0"].concat()), Malformed::NotText);
    }

    #[test]
    fn a_block_that_needs_a_password_is_known_in_both_forms() {
        let traditional = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                           DEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n";
        let has_encrypted =
            |text: &str| Pem::parse(text.as_bytes()).expect("blocks").has_encrypted();
        assert!(has_encrypted(traditional));
        assert!(has_encrypted(&BLOCK.replace("CERTIFICATE", "ENCRYPTED PRIVATE KEY")));
        assert!(!has_encrypted(&traditional.replace("4,ENCRYPTED", "4,MIC-CLEAR")));
        assert!(!has_encrypted(&format!("Proc-Type: 4,ENCRYPTED is a header\n{BLOCK}")));
    }
}
