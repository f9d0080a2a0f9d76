#!/usr/bin/env bash
# The image of the manual: a static binary alone in a folder, which becomes the root of
# the server (chroot), as user 65534; and the health check of the image, without and with
# TLS. (No program that runs images is needed.)
. "$(dirname "$0")/server.sh"

[ "$(id -u)" = 0 ] || skip 'only root can change the root of a program'
command -v chroot >/dev/null || skip 'chroot is not installed'
need openssl openssl

# How fast the server is does not matter here, and how long the build takes does.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0
build() {
    cargo build --release --locked --quiet --bin guardhouse --features tls --target "$1" \
        --target-dir "${CARGO_TARGET_DIR:-target}/static"
}
host=$(rustc -vV | sed -n 's/^host: //p')
case $host in *-linux-*) ;; *) skip 'the static build is one for Linux' ;; esac
target=${host%-*}-musl
if ! build "$target" 2>/dev/null; then
    echo "the target $target is not installed, so this is the other build of the manual"
    target=$host
    command=$(grep -o "RUSTFLAGS='[^']*'" src/manual/operations.md | head -n 1)
    eval "export $command"
    build "$target" 2>"$dir/build" || skip "no static build can be made here: $(tail -n 1 "$dir/build")"
fi

# The folder, by the lines of the manual.
recipe dockerfile operations | sed "s|target/x86_64-unknown-linux-musl|${CARGO_TARGET_DIR:-target}/static/$target|" >"$dir/dockerfile"
root=$dir/root
mkdir "$root"
chmod 711 "$dir"
chmod 755 "$root"
while read -r from to; do install -m 755 "$from" "$root$to"; done < <(sed -n 's/^COPY //p' "$dir/dockerfile")
expect 'the image holds the binary and nothing else' /guardhouse "$(cd "$root" && find . -type f | sed 's/^\.//')"
user=$(sed -n 's/^USER //p' "$dir/dockerfile")
# words LINE: the words of a line with a list, without the program.
words() { sed -n "s|^$1 \[\"/guardhouse\", *\(.*\)\]|\1|p" "$dir/dockerfile" | tr -d '",'; }
read -r listen _ options < <(words ENTRYPOINT)
expect 'the command of the image begins with --listen' --listen "$listen"
check=$(words 'HEALTHCHECK CMD')
expect 'the health check of the image' '--healthcheck default' "$check"

cat >"$dir/run" <<SH
#!/bin/sh
exec chroot --userspec=$user --groups= "$root" /guardhouse "\$@"
SH
chmod 755 "$dir/run"

# The folder that is mounted.
install -d -o root -g "${user#*:}" -m 750 "$root/etc/guardhouse"
secret() { install -o root -g "${user#*:}" -m 640 /dev/stdin "$root/etc/guardhouse/$1"; }
ann=$("$dir/run" --new-token ann 2>/dev/null || "$GUARDHOUSE" --new-token ann)
secret users.txt <<<"$ann"
GUARDHOUSE=$dir/run

# healthy [OPTION ...]: what the health check of the image says, with the port of this server.
healthy() {
    local words
    read -r -a words <<<"${check/default/$url/healthz}"
    code=0
    "$dir/run" "${words[@]}" "$@" 2>&1 || code=$?
    echo "exit code $code"
}

# shellcheck disable=SC2086 # The options are words.
start $options
ask /users/me -H "Authorization: Bearer $(cut -d: -f2 <<<"$ann")"
expect 'the server answers' '200 {"username":"ann"}' "$(status) $(body)"
expect 'the log has no warning about the file' '' "$(grep 'can read' "$dir/log" || true)"
expect 'the health check succeeds' 'exit code 0' "$(healthy)"
stop
expect 'the server stops' 0 "$code"
expect_like 'and the health check fails' '*does not answer*exit code 1' "$(healthy)"

"$openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
secret cert.pem <"$dir/cert.pem"
secret key.pem <"$dir/key.pem"
# shellcheck disable=SC2086 # The options are words.
start $options --tls-cert /etc/guardhouse/cert.pem --tls-key /etc/guardhouse/key.pem
expect 'over TLS the health check succeeds as well' 'exit code 0' "$(healthy --tls-cert /etc/guardhouse/cert.pem)"
expect_like 'it needs the certificate for that' '*needs --tls-cert*exit code 2' "$(healthy)"
stop
expect 'the server stops' 0 "$code"
