# Sourced by the stories: starts the server on a free port, asks it, and stops
# it by its pid. Needs bash (for /dev/tcp) and curl.
#
#   GUARDHOUSE=path/to/guardhouse scripts/open.sh    # this binary; else one is built

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

# Leaves nothing behind, however the story ended.
ended() {
    # The story may have been waiting for a server that does not stop.
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

# Says what is missing, and ends the story without a failure.
skip() {
    echo "skipped: $1"
    exit 0
}

# need PROGRAM PACKAGE: its path is in the variable of that name. Installs Debian's
# package where that can be done, and skips the story where it can't.
need() {
    local path
    if ! path=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1") &&
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes \
            --no-install-recommends "$2"; } </dev/null >/dev/null 2>&1 || true
    fi
    path=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1") ||
        skip "$1 is not installed: apt-get install $2"
    eval "$1=\$path"
}

# also_stop PID: a program beside the server, stopped when the story ends.
also_stop() { others+=("$1"); }

# free_port NAME: a port that nobody listens at, in the variable of that name.
free_port() {
    local try
    for try in {1..50}; do
        try=$((20000 + RANDOM % 12000))
        (: <>"/dev/tcp/127.0.0.1/$try") 2>/dev/null || { eval "$1=$try"; return; }
    done
    skip 'no port is free'
}

# nginx_http: the beginning of a configuration, up to and into `http {`: in the
# foreground, one process, and nothing written outside the story's folder.
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

# expect WHAT EXPECTED SAW: a line if they are the same, the end if they are not.
expect() {
    if [ "$2" = "$3" ]; then
        echo "ok      $1"
    else
        printf 'FAILED  %s\nexpected: %s\nsaw:      %s\n' "$1" "$2" "$3"
        exit 1
    fi
}

# expect_like WHAT PATTERN SAW: the same for a pattern of the shell.
expect_like() {
    # shellcheck disable=SC2053 # The pattern is one.
    if [[ $3 == $2 ]]; then echo "ok      $1"; else expect "$1" "$2" "$3"; fi
}

# start [OPTION ...]: returns when the server is ready. Its stdout stays open as 3.
start() { start_at 0 "$@"; }

# start_at PORT [OPTION ...]
start_at() {
    local ready=
    rm -f "$dir/stdout"
    mkfifo "$dir/stdout"
    "$GUARDHOUSE" --listen "127.0.0.1:$1" "${@:2}" >"$dir/stdout" 2>"$dir/log" &
    server=$!
    # Both wait for an event: the other end of the pipe, and the line.
    exec 3<"$dir/stdout"
    read -r -t 10 ready <&3 || true
    expect_like 'the server says where it listens' 'listening on http*://127.0.0.1:[1-9]*' "$ready"
    url=${ready#listening on }
    port=${url##*:}
}

# stop [SIGNAL]: waits for the end; the exit code is in $code.
stop() {
    kill -"${1:-TERM}" "$server"
    ended_with
}

ended_with() {
    code=0
    wait "$server" || code=$?
    server=
}

# logged PATTERN: waits until the log has it.
logged() { timeout 10 grep -q -m 1 -e "$1" <(tail -n +1 -f "$dir/log"); }

# ask TARGET [CURL OPTION ...]: the answer is in $answer.
ask() {
    local target=$1
    shift
    answer=$(curl -q --noproxy '*' --silent --show-error --max-time 10 --include \
        --request-target "$target" "$@" "$url/" | tr -d '\r')
}

# Parts of $answer: the code, a field's value, the content.
status() { sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$answer"; }
field() { sed -n "1,/^\$/s/^$1: //p" <<<"$answer"; }
content() { sed '1,/^$/d' <<<"$answer"; }

# connect N: opens a connection as descriptor N.
connect() { eval "exec $1<>/dev/tcp/127.0.0.1/$port"; }

# send N OCTETS: in one piece, \r and \n as in printf.
send() {
    # shellcheck disable=SC2059 # The octets are printf's own format.
    printf "$2" >"$dir/octets"
    cat "$dir/octets" >&"$1"
}

# receive N: what comes until the server closes, in $answer; fails if it does not.
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
