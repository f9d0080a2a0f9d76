//! The files of a certificate and its key: which are accepted, and what the error says
//! of each other one.
//!
//! Where openssl is installed, it makes the keys; without it, those tests say so and end.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use guardhouse::Tls;

const KINDS: &str = "the key is damaged, or is none of RSA (2048, 3072 or 4096 bits), \
                     ECDSA (P-256 or P-384, with its public part) and Ed25519";

// --- The text of a PEM file ---

#[test]
fn a_chain_is_accepted_with_what_tools_write_between_its_blocks() {
    let folder = Folder::new();
    let (leaf, key) = made();
    let (other, _) = made();
    let request = other.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    for chain in [
        format!("{leaf}{other}"),
        format!("{leaf}\n\n{other}{other}"),
        format!("---\nCertificate chain\n 0 s:CN = a\n   i:CN = b\n{leaf}---\n{other}---\n"),
        format!("# the leaf, made in M\u{fc}nchen\n{leaf}# the intermediate\n{other}"),
        format!("{leaf}{other}{key}"),
        format!("{key}{leaf}{request}{other}"),
        format!("{leaf}{other}").replace('\n', "\r\n"),
        format!("{leaf}{other}").replace('\n', "\r"),
        format!("{leaf}{other}").trim_end().to_owned(),
    ] {
        assert_eq!(folder.load(&chain, &key), Ok(()), "{chain}");
    }
    // The same file can hold both.
    let both = folder.write("both.pem", format!("{leaf}{other}{key}"));
    Tls::load(&both, &both).unwrap();
}

#[test]
fn a_chain_that_would_lose_a_certificate_is_refused_with_the_line() {
    let folder = Folder::new();
    let (leaf, key) = made();
    let (other, _) = made();
    let lines = leaf.lines().count();
    let end = "-----END CERTIFICATE-----\n";
    let with_other = |from, to| format!("{leaf}{}", other.replace(from, to));
    // The Base64 of `other`, in lines of 40 characters.
    let base64: Vec<char> =
        other.lines().filter(|line| !line.contains('-')).flat_map(str::chars).collect();
    let short: Vec<String> = base64.chunks(40).map(String::from_iter).collect();
    let narrow = format!("-----BEGIN CERTIFICATE-----\n{}\n{end}", short.join("\n"));
    let with_narrow = |from, to| format!("{leaf}{}", narrow.replace(from, to));
    folder.load(format!("{leaf}{narrow}"), &key).unwrap();
    for (chain, line, says) in [
        (format!("{}{other}", leaf.trim_end()), lines, "with other text in it"),
        (format!("{leaf}# the intermediate{other}"), lines + 1, "with other text in it"),
        (with_other(" CERTIFICATE-", " CERTIFICATE"), lines + 1, "with other text in it"),
        (with_other("-----BEGIN", "----BEGIN"), lines + 1, "with other text in it"),
        (with_other("-----BEGIN", "----Begin"), lines + 1, "with other text in it"),
        (with_other("-----END", "----END"), lines + other.lines().count(), "with other text in it"),
        (with_narrow("-----BEGIN", "----BEGIN"), lines + 1, "with other text in it"),
        (with_narrow("-----BEGIN CERTIFICATE-----", ""), lines + 2, "Base64 outside of a block"),
        (with_narrow("BEGIN CERTIFICATE", "BEGN"), lines + 2, "Base64 outside of a block"),
        (format!("{leaf}{}", other.replace('\n', "\\n")), lines + 1, "as in JSON"),
        (with_other("-----BEGIN CERTIFICATE-----", ""), lines + 2, "Base64 outside of a block"),
        (format!("{}{other}", leaf.replace(end, "")), lines, "no END line"),
        (with_other(end, ""), lines + 1, "without its END line"),
        (format!("{leaf}{end}{other}"), lines + 1, "without its BEGIN line"),
        (with_other("-----BEGIN", "  -----BEGIN"), lines + 1, "indented"),
        (format!("    {}", leaf.replace('\n', "\n    ")), 1, "indented"),
    ] {
        let error = folder.load(&chain, &key).unwrap_err();
        let place = format!("cert.pem is not a PEM file: line {line}: ");
        assert!(error.starts_with(&place) && error.contains(says), "{error}");
    }
    for kind in ["X509 CERTIFICATE", "TRUSTED CERTIFICATE", "PKCS7", "certificate"] {
        let error = folder.load(with_other("CERTIFICATE", kind), &key).unwrap_err();
        let expected = format!("cert.pem, line {}: the server reads only blocks", lines + 1);
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_certificate_of_which_a_part_is_missing_is_refused() {
    let folder = Folder::new();
    let (leaf, key) = made();
    let (other, _) = made();
    let without_a_line = |text: &str| {
        let third = text.lines().nth(2).unwrap();
        text.replace(&format!("{third}\n"), "")
    };
    let second = leaf.lines().count() + 1;
    let third = second + other.lines().count();
    let block =
        |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n");
    for (chain, number, line) in [
        (without_a_line(&leaf), 1, 1),
        (format!("# ours\n\n{}", without_a_line(&leaf)), 1, 3),
        (format!("{leaf}{}", without_a_line(&other)), 2, second),
        (format!("{leaf}{other}{}", block("AAAA\n")), 3, third),
        (format!("{leaf}{}", block("")), 2, second),
    ] {
        let error = folder.load(&chain, &key).unwrap_err();
        let expected = format!(
            "cert.pem can't be used: certificate {number} of the file, line {line}, is damaged"
        );
        assert!(error.starts_with(&expected), "{error}");
    }
    // What is not Base64 is named with its line as well.
    for (chain, file, line) in
        [(format!("{leaf}{}", block("A!\n")), "cert", second), (leaf, "key", 1)]
    {
        let error = folder.load(&chain, key.replace('M', "!")).unwrap_err();
        let expected =
            format!("{file}.pem is not a PEM file: line {line}: the text between this BEGIN");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn an_encoding_that_is_not_plain_text_is_named() {
    let folder = Folder::new();
    let (leaf, key) = made();
    let utf16 = |text: &str, to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    };
    let mark = "it begins with a byte order mark: save it as UTF-8 without one";
    let wide = "it is UTF-16: save it as UTF-8";
    for (spoil, says) in [
        (
            Box::new(|text: &str| format!("\u{feff}{text}").into_bytes()) as Box<dyn Fn(&str) -> _>,
            mark,
        ),
        (Box::new(|text: &str| format!("\u{feff}# mine\r\n{text}").into_bytes()), mark),
        (Box::new(|text: &str| utf16(text, u16::to_le_bytes)), wide),
        (Box::new(|text: &str| utf16(text, u16::to_be_bytes)), wide),
        (Box::new(|text: &str| utf16(&format!("\u{feff}{text}"), u16::to_le_bytes)), wide),
        (Box::new(|text: &str| [text.as_bytes(), b"\0"].concat()), "it is not text; if it is DER"),
    ] {
        let error = folder.load(spoil(&leaf), &key).unwrap_err();
        assert!(error.starts_with(&format!("cert.pem is not a PEM file: {says}")), "{error}");
        let error = folder.load(&leaf, spoil(&key)).unwrap_err();
        assert!(error.starts_with(&format!("key.pem is not a PEM file: {says}")), "{error}");
    }
}

#[test]
fn what_openssl_prints_beside_its_blocks_is_accepted() {
    let Some(openssl) = Openssl::find() else { return };
    for kind in ["RSA -pkeyopt rsa_keygen_bits:2048", "EC -pkeyopt ec_paramgen_curve:P-256"] {
        let (certificate, key) = openssl.make(kind);
        let (other, _) = made();
        let check = |before: &str, says: &str| {
            assert!(before.contains(says) && before.contains("-----BEGIN "), "{before}");
            // Lines of the text, then the block, twice.
            for chain in [format!("{before}{other}{before}"), before.replace('\n', "\r\n")] {
                assert_eq!(openssl.0.load(chain, &key), Ok(()), "{before}");
            }
        };
        openssl.0.write("given.pem", format!("{certificate}{key}"));
        check(&openssl.run("x509 -text -in KEY"), "Signature Algorithm: ");
        check(&openssl.run("x509 -text -nameopt compat -in KEY"), "Validity");
        let names = "x509 -subject -issuer -serial -hash -fingerprint -sha256 -dates -modulus";
        check(&openssl.run(&format!("{names} -in KEY")), "Modulus=");
        let bag = openssl.0.0.join("bag.p12");
        let words = "pkcs12 -export -passout pass: -name IntermediateCertificate -in KEY -out";
        openssl.run(&format!("{words} {}", bag.display()));
        let words = format!("pkcs12 -passin pass: -nodes -in {}", bag.display());
        check(&openssl.run(&words), "Bag Attributes");
    }
}

// --- The kinds of keys, made by openssl ---

#[test]
fn keys_of_the_kinds_that_the_manual_names_are_accepted() {
    let Some(openssl) = Openssl::find() else { return };
    for kind in ["EC -pkeyopt ec_paramgen_curve:P-256", "EC -pkeyopt ec_paramgen_curve:P-384"] {
        let (certificate, key) = openssl.make(kind);
        assert_eq!(openssl.0.load(&certificate, &key), Ok(()), "{kind}");
    }
    let (certificate, key) = openssl.make("ED25519");
    assert_eq!(openssl.0.load(&certificate, &key), Ok(()));
    let (certificate, key) = openssl.make("RSA -pkeyopt rsa_keygen_bits:2048");
    assert_eq!(openssl.0.load(&certificate, &key), Ok(()));
    let traditional = openssl.run("rsa -in KEY -traditional");
    assert!(traditional.contains("BEGIN RSA PRIVATE KEY"), "{traditional}");
    assert_eq!(openssl.0.load(&certificate, &traditional), Ok(()));
    // This one has a block with the name of the curve before the key.
    let with_parameters = openssl.run("ecparam -name prime256v1 -genkey");
    assert!(with_parameters.contains("BEGIN EC PARAMETERS"), "{with_parameters}");
    let certificate = openssl.certificate(&with_parameters);
    assert_eq!(openssl.0.load(&certificate, &with_parameters), Ok(()));
}

#[test]
fn for_a_key_of_another_kind_the_error_says_which_kinds_are_accepted() {
    let Some(openssl) = Openssl::find() else { return };
    let refused = |key: &str| {
        let error = openssl.0.load(made().0, key).unwrap_err();
        assert_eq!(error, format!("key.pem can't be used: {KINDS}"));
    };
    for kind in [
        "EC -pkeyopt ec_paramgen_curve:P-521",
        "EC -pkeyopt ec_paramgen_curve:secp256k1",
        "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        "RSA -pkeyopt rsa_keygen_bits:1024",
        "RSA -pkeyopt rsa_keygen_bits:2560",
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048",
        "ED448",
        "X25519",
    ] {
        refused(&openssl.run(&format!("genpkey -algorithm {kind}")));
    }
    let key = openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    openssl.0.write("given.pem", key);
    refused(&openssl.run("ec -in KEY -no_public"));
    // Kinds that rustls does not even read.
    let (_, key) = made();
    for kind in ["OPENSSH PRIVATE KEY", "DSA PRIVATE KEY", "private PRIVATE KEY"] {
        refused(&key.replace("PRIVATE KEY", kind));
    }
}

#[test]
fn for_a_key_with_a_password_the_error_says_how_to_remove_it() {
    let Some(openssl) = Openssl::find() else { return };
    let check = |key: &str| {
        let error = openssl.0.load(made().0, key).unwrap_err();
        let expected = "key.pem has a key with a password, and the server can't ask for it. \
                        Remove it: openssl pkey -in key.pem -out plain.pem";
        assert_eq!(error, expected, "{key}");
    };
    for kind in ["RSA -pkeyopt rsa_keygen_bits:2048", "EC -pkeyopt ec_paramgen_curve:P-256"] {
        openssl.0.write("given.pem", openssl.run(&format!("genpkey -algorithm {kind}")));
        // PKCS #8, RFC 7468 §11.
        let key = openssl.run("pkey -in KEY -aes256 -passout pass:s3cret");
        assert!(key.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{key}");
        check(&key);
        // The traditional form, with a header (RFC 1421 §4.6.1.1).
        let key = openssl.run("pkey -in KEY -traditional -aes256 -passout pass:s3cret");
        assert!(key.contains("Proc-Type: 4,ENCRYPTED"), "{key}");
        check(&key);
        check(&key.replace('\n', "\r\n"));
    }
    // In the file of the certificate, the key is not needed, but it can't be skipped.
    let key = openssl.run("pkey -in KEY -traditional -aes256 -passout pass:s3cret");
    let (leaf, plain) = made();
    let error = openssl.0.load(format!("{leaf}{key}"), &plain).unwrap_err();
    assert!(error.starts_with("cert.pem has a key with a password"), "{error}");
}

#[test]
fn a_file_without_a_key_is_no_key_of_another_kind() {
    let folder = Folder::new();
    let (leaf, key) = made();
    for no_key in ["", "no key\n", &leaf, &key.replace("PRIVATE", "PUBLIC")] {
        let error = folder.load(&leaf, no_key).unwrap_err();
        assert!(error.starts_with("key.pem has no private key: "), "{error}");
    }
    // A text that only speaks of a password.
    let error = folder.load(&leaf, format!("# ENCRYPTED\n{leaf}")).unwrap_err();
    assert!(error.starts_with("key.pem has no private key: "), "{error}");
}

// --- What the tests are made of ---

/// A certificate and its key.
fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let lf = |text: String| text.replace("\r\n", "\n");
    (lf(made.cert.pem()), lf(made.signing_key.serialize_pem()))
}

/// A folder that the end of the test removes.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let number = RandomState::new().hash_one("a new name in each run");
        let folder = env::temp_dir().join(format!("guardhouse-{number:016x}.certificate"));
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Loads these two files. The error is without the path of the folder.
    fn load(&self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<(), String> {
        let certificate = self.write("cert.pem", certificate);
        let key = self.write("key.pem", key);
        let folder = format!("{}/", self.0.display());
        Tls::load(certificate, key).map(drop).map_err(|error| {
            let error = error.to_string();
            assert!(error.starts_with(&folder), "{error}");
            error.replace(&folder, "")
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program openssl, with a folder for its files.
struct Openssl(Folder);

impl Openssl {
    fn find() -> Option<Openssl> {
        let version = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        if version.is_ok_and(|status| status.success()) {
            return Some(Openssl(Folder::new()));
        }
        eprintln!("skipped: openssl is not installed");
        None
    }

    /// A new key, which is in `given.pem` as well, and a certificate for it.
    fn make(&self, kind: &str) -> (String, String) {
        let key = self.run(&format!("genpkey -algorithm {kind}"));
        (self.certificate(&key), key)
    }

    fn certificate(&self, key: &str) -> String {
        self.0.write("given.pem", key);
        self.run("req -x509 -key KEY -days 2 -subj /CN=localhost")
    }

    /// What the command prints. KEY is the file `given.pem`.
    #[track_caller]
    fn run(&self, command: &str) -> String {
        let key = self.0.0.join("given.pem");
        let word = |word| if word == "KEY" { key.as_path() } else { Path::new(word) };
        let output = Command::new("openssl").args(command.split(' ').map(word)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {command}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}
