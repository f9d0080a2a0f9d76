//! The text of `--help`.

/// What `--help` prints.
pub const HELP: &str = "\
A minimal HTTP/1.1 server whose routes are protected by guards.

Usage: guardhouse [OPTIONS]
       guardhouse COMMAND

Options:
  --listen HOST:PORT      where the server listens [default: 127.0.0.1:8000];
                          port 0 means any free port
  --users FILE            the users, one on each line: name:token:scopes:day
                          [default: the tokens of the lesson]
  --allow-short-tokens    accept tokens of less than 16 characters in the users
                          file, which can be guessed: for tests only
  --reload-every SECS     load users, certificate and keys again within this
                          time after their files have changed; 0 means only
                          at SIGHUP [default: 5]
  --token-lifetime SECS   how long a token from POST /token is valid
                          [default: 3600] (login)
  --token-key FILE        sign these tokens with the first key of the file, and
                          accept those of all its keys: replicas with the same
                          file share logins, and a restart loses none (login)
  --tls-cert FILE         serve HTTPS with this certificate and its chain,
                          in PEM (tls)
  --tls-key FILE          the private key of the certificate, in PEM (tls)
  --tls-in-front          do not warn of plain HTTP: something in front of the
                          server encrypts
  --max-connections N     how many connections can be open at the same time
                          [default: 16384]
  --idle-timeout SECS     how long a connection may wait for its next request
                          [default: 75]
  --drain-delay SECS      how long the server still takes requests after
                          SIGTERM, while /readyz answers 503 [default: 0]
  --grace SECS            how long open requests may then take [default: 10]
  --log-level LEVEL       off, error, warn, info, debug or trace
                          [default: info]

Commands:
  --routes                print the route table: method, path, guard, summary
  --new-token NAME [SCOPE ...] [--until DAY] [--append FILE]
                          print a line for the users file, with a new token
                          (login: print the token, and a line with its hash);
                          the last day of the line is DAY, such as 2027-01-31;
                          with --append, add the line to that file as well
  --new-password NAME [SCOPE ...] [--until DAY] [--append FILE]
                          the same with a password, read from the terminal or
                          from stdin (login)
  --hash-password         read a password, and print its hash alone (login)
  --new-key               print a line for the file of --token-key (login)
  --healthcheck URL [--tls-cert FILE]
                          send GET, and exit with 0 if the answer is 2xx;
                          'default' means http://127.0.0.1:8000/healthz.
                          An https:// URL needs the server's certificate, and
                          with it 'default' means https:// (tls)
  -h, --help              print this help
  -V, --version           print the version

(login)  only in builds made with: cargo build --release --features login
(tls)    only in builds made with: cargo build --release --features tls

When the server is ready, it prints one line to stdout:
listening on http://HOST:PORT (or https://)
A browser shows the routes at /docs, and can try them there.
Logs go to stderr. SIGHUP loads users, certificate and keys again, at once.
SIGTERM, SIGINT and SIGQUIT stop the server; another one stops it at once,
except that the same one within a second changes nothing.
Exit codes: 0 success, 1 failure, 2 wrong usage.
";
