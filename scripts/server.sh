# Sourced by the other scripts: starts the server on a free port, sends requests
# to it, and stops it by its pid. Needs bash (for /dev/tcp) and curl.
#
#   GUARDHOUSE=path/to/guardhouse scripts/open.sh    # this binary; without it, the script builds one

set -euo pipefail
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${GUARDHOUSE:-}" ]; then
    cargo build --release --locked --quiet
    GUARDHOUSE=${CARGO_TARGET_DIR:-target}/release/guardhouse
fi

dir=$(mktemp -d)
server= others=()
trap 'ended $?' EXIT

# Leaves nothing behind, however the script ended.
ended() {
    # The script may have waited for a server that does not stop.
    for pid in $server ${replica[@]+"${replica[@]}"} ${others[@]+"${others[@]}"}; do
        { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null || true
    done
    if [ "$1" != 0 ] && [ -s "$dir/log" ]; then
        echo "The server's log:"
        cat "$dir/log"
    fi
    rm -rf "$dir"
    exit "$1"
}

# Says what is missing, and ends the script without a failure.
skip() {
    echo "skipped: $1"
    exit 0
}

# need PROGRAM PACKAGE: puts the program's path into the variable of that name, with
# `_` for `-`. Installs Debian's package if it can, and else skips the script.
need() {
    local path
    if ! path=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1") &&
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        # Another script may install something at this moment.
        flock --timeout 600 scripts bash -c 'timeout 60 apt-get update && DEBIAN_FRONTEND=noninteractive \
            timeout 120 apt-get install --yes --no-install-recommends "$1"' - "$2" </dev/null >/dev/null 2>&1 || true
    fi
    path=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1") ||
        skip "$1 is not installed: apt-get install $2"
    eval "${1//-/_}=\$path"
}

# from_pypi PACKAGE ...: an environment of Python in $dir/venv with these packages. It is kept
# in target/ for the next run of the script.
from_pypi() {
    local kept pip wanted python without=
    command -v python3 >/dev/null || skip 'python3 is not installed'
    kept=${CARGO_TARGET_DIR:-target}/pypi
    mkdir -p "$kept"
    kept=$(cd "$kept" && pwd)/$(basename "$0" .sh)
    ln -s "$kept" "$dir/venv"
    # An environment works with one version of Python, and in one place.
    python=$(command -v python3) wanted="$*, $(python3 -V), $kept"
    if [ "$(cat "$kept/wanted" 2>/dev/null)" = "$wanted" ]; then return; fi
    rm -rf "$kept"
    pip=("$kept/bin/python" -m pip)
    # To install a pip into the environment takes seconds; one outside of it will do.
    if python3 -m pip --python "$python" --version >/dev/null 2>&1; then
        pip=(python3 -m pip --python "$kept/bin/python") without=--without-pip
    fi
    # shellcheck disable=SC2086 # There may be no option.
    python3 -m venv $without "$kept" >"$dir/pip" 2>&1 || skip "python3 makes no environment: $(tail -n 1 "$dir/pip")"
    timeout 60 "${pip[@]}" install --quiet --no-compile --disable-pip-version-check --retries 1 --timeout 10 "$@" \
        >"$dir/pip" 2>&1 </dev/null || skip "$* can't be installed: $(tail -n 1 "$dir/pip")"
    echo "$wanted" >"$kept/wanted"
}

# from_npm PACKAGE ...: these packages of Node in $dir/node_modules, for the program $node.
from_npm() {
    need node nodejs
    need npm npm
    # shellcheck disable=SC2154 # `need` sets it.
    timeout 60 "$npm" --prefix "$dir" install --silent --no-audit --no-fund --ignore-scripts "$@" \
        >"$dir/npm" 2>&1 </dev/null || skip "$* can't be installed: $(tail -n 1 "$dir/npm")"
}

# use_build_with_features: from here on, the server is one with all features. It has a target
# directory of its own, because the other scripts use the build without them. How fast it is
# does not matter, and how long its build takes does.
use_build_with_features() {
    local target=${CARGO_TARGET_DIR:-target}/features
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo build --release --locked --quiet --bin guardhouse --all-features --target-dir "$target"
    GUARDHOUSE=$target/release/guardhouse
}

# also_stop PID: a program beside the server, which the end of the script stops.
also_stop() { others+=("$1"); }

# free_port NAME: puts a port on which no program listens into the variable of that name.
# It gives no port twice, and scripts that run at the same time look at different ports.
next_port=$(($$ * 37 % 12000))
free_port() {
    local try
    for try in {1..50}; do
        next_port=$(((next_port + 1) % 12000))
        try=$((20000 + next_port))
        (: <>"/dev/tcp/127.0.0.1/$try") 2>/dev/null || { eval "$1=$try"; return; }
    done
    skip 'no port is free'
}

# nginx_http: the beginning of a configuration of nginx, into `http {`. nginx runs
# in the foreground, as one process, and writes only into the script's folder.
nginx_http() {
    cat <<NGINX
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
NGINX
}

# recipe KIND CHAPTER: the lines of the manual in blocks of that kind.
recipe() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "src/manual/$2.md" | grep -v '^```'; }

# start_nginx PROTECTED [BLOCK ...]: nginx with the lines of the chapter proxies, and with
# these blocks beside them. It asks guardhouse at $auth, and passes requests on to the
# address PROTECTED. $url is nginx's address. Lines in $more go into its server; a
# `location /` in them replaces the one of the chapter.
more=
start_nginx() {
    free_port front
    {
        nginx_http
        # As it stands, with other ports.
        recipe nginx proxies |
            sed "s|127.0.0.1:8000|$auth|; s|127.0.0.1:3000|$1|; s|listen 80|listen 127.0.0.1:$front|" |
            if [[ $more == *'location / {'* ]]; then sed '/^    location \/ {/,/^    }/d'; else cat; fi |
            awk -v more="$more" '{ print } /listen/ { print more }'
        printf '%s\n' "${@:2}" '}'
    } >"$dir/nginx.conf"
    # shellcheck disable=SC2154 # `need` sets it.
    "$nginx" -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.log" 2>&1 &
    also_stop $!
    # shellcheck disable=SC2034 # The scripts that source this file use the port.
    url=http://127.0.0.1:$front port=$front
    wait_for "$url" || expect 'nginx starts' '' "$(cat "$dir/nginx.log")"
}

# wait_for URL: until a program answers there.
wait_for() {
    curl -q --noproxy '*' --silent --insecure --output /dev/null --max-time 10 \
        --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused "$1/"
}

# expect WHAT EXPECTED SAW: prints a line if both are the same, and else fails.
expect() {
    if [ "$2" = "$3" ]; then
        echo "ok      $1"
    else
        printf 'FAILED  %s\nexpected: %s\nsaw:      %s\n' "$1" "$2" "$3"
        exit 1
    fi
}

# expect_like WHAT PATTERN SAW: the same, with a pattern of the shell.
expect_like() {
    # shellcheck disable=SC2053 # It is meant as a pattern.
    if [[ $3 == $2 ]]; then echo "ok      $1"; else expect "$1" "$2" "$3"; fi
}

# start [OPTION ...]: returns when the server is ready. Its stdout stays open as
# descriptor 3.
start() { start_at 0 "$@"; }

# start_at PORT [OPTION ...]
start_at() {
    local ready=
    rm -f "$dir/stdout"
    mkfifo "$dir/stdout"
    "$GUARDHOUSE" --listen "127.0.0.1:$1" "${@:2}" >"$dir/stdout" 2>"$dir/log" &
    server=$!
    # The first line waits until the server opens the pipe, the second one until it
    # says that it is ready.
    exec 3<"$dir/stdout"
    read -r -t 10 ready <&3 || true
    expect_like 'the server says where it listens' 'listening on http*://127.0.0.1:[1-9]*' "$ready"
    url=${ready#listening on }
    port=${url##*:}
}

# start_auth_and_program: what a proxy needs. The server, which has the users ann (with
# the scope reports:read), bob and `Jörg 100%`, at the address $auth; and at $upstream a program to
# protect, which sends back the headers that it receives.
start_auth_and_program() {
    local ready users=$dir/users.txt
    cargo build --locked --quiet --example echo
    (
        umask 077
        {
            "$GUARDHOUSE" --new-token ann reports:read
            "$GUARDHOUSE" --new-token bob
            "$GUARDHOUSE" --new-token 'Jörg 100%'
        } >"$users"
    )
    start --users "$users"
    auth=${url#http://}
    mkfifo "$dir/echo"
    "${CARGO_TARGET_DIR:-target}/debug/examples/echo" --listen 127.0.0.1:0 >"$dir/echo" &
    also_stop $!
    read -r -t 10 ready <"$dir/echo"
    upstream=${ready#listening on http://}
}

# token NAME: the token of a user of start_auth_and_program.
token() { sed -n "s/^$1:\([^:]*\):.*/\1/p" "$dir/users.txt"; }

# stop [SIGNAL]: waits until the server has ended; the exit code is in $code.
stop() {
    kill -"${1:-TERM}" "$server"
    ended_with
}

# ended_with: the same for a server that has its signal already.
ended_with() {
    code=0
    wait "$server" || code=$?
    server=
}

# logged PATTERN: waits until a line of the log matches.
logged() { timeout 10 grep -q -m 1 -e "$1" <(tail -n +1 -f "$dir/log"); }

# ask TARGET [CURL OPTION ...]: sends a request; the answer is in $answer.
ask() {
    local target=$1
    shift
    answer=$(curl -q --noproxy '*' --silent --show-error --max-time 10 --include \
        --request-target "$target" "$@" "$url/" | tr -d '\r')
}

# Parts of $answer: the status, the value of a header, the body.
status() { sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$answer"; }
header() { sed -n "1,/^\$/s/^$1: //p" <<<"$answer"; }
body() { sed '1,/^$/d' <<<"$answer"; }

# connect N: opens a connection as descriptor N.
connect() { eval "exec $1<>/dev/tcp/127.0.0.1/$port"; }

# send N BYTES: in one write; \r and \n are as in printf.
send() {
    # shellcheck disable=SC2059 # The bytes are a format of printf.
    printf "$2" >"$dir/bytes"
    cat "$dir/bytes" >&"$1"
}

# receive N: reads until the server closes, and fails if it does not; what came is
# in $answer.
receive() {
    local line= end=0
    answer=
    while [ "$end" = 0 ]; do
        IFS= read -r -t 10 line <&"$1" || end=$?
        answer+=$line
        [ "$end" != 0 ] || answer+=$'\n'
    done
    # Past 128, `read` ran out of time.
    [ "$end" -le 128 ] || expect 'the server closes the connection' 'an end' "$answer"
    answer=${answer//$'\r'/}
    eval "exec $1>&-"
}
