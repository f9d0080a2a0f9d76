#!/usr/bin/env bash
# pip installs a package from an index behind an nginx that asks /auth: pip has the token
# as a password.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
command -v python3 >/dev/null || skip 'python3 is not installed'
python3 -m pip --version >/dev/null 2>&1 || skip 'python3 has no pip'
start_auth_and_program

# An index with one package.
mkdir -p "$dir/www/simple/hello-of-ours"
python3 - "$dir/www/simple/hello-of-ours" <<'PYTHON'
import sys
import zipfile

name = "hello_of_ours-1.0-py3-none-any.whl"
with zipfile.ZipFile(f"{sys.argv[1]}/{name}", "w") as wheel:
    info = "hello_of_ours-1.0.dist-info"
    wheel.writestr("hello_of_ours.py", "WORD = 'hello'\n")
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: hello-of-ours\nVersion: 1.0\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", f"hello_of_ours.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
with open(f"{sys.argv[1]}/index.html", "w") as page:
    page.write(f"<!DOCTYPE html><a href='{name}'>{name}</a>\n")
PYTHON

free_port files
start_nginx "127.0.0.1:$files" "server { listen 127.0.0.1:$files; root $dir/www; types { text/html html; } }"

# install USER:TOKEN@: into a new folder; its exit code.
install() {
    rm -rf "$dir/installed"
    no_proxy='*' timeout 60 python3 -m pip --isolated install --no-deps --no-input --no-cache-dir \
        --disable-pip-version-check --retries 0 --trusted-host 127.0.0.1 --index-url "http://$1127.0.0.1:$port/simple/" --target "$dir/installed" hello-of-ours \
        >"$dir/pip" 2>&1 || { echo $?; return; }
    echo 0
}
expect 'pip installs with the name and the token of a user' '0 hello' \
    "$(install "ann:$(token ann)@") $(PYTHONPATH=$dir/installed python3 -c 'print(__import__("hello_of_ours").WORD)' 2>&1 || cat "$dir/pip")"
expect 'a wrong token is refused' 1 "$(install ann:wrong@)"
expect 'with a 401' 1 "$(grep -c '"GET /auth HTTP/1.1" 401 47' "$dir/log")"
expect 'so is a name that is not ASCII, which pip sends in ISO-8859-1' 1 "$(install "J%C3%B6rg%20100%25:$(token 'Jörg 100%')@")"
expect 'and so is no token' 1 "$(install '')"

stop
expect 'the server stops' 0 "$code"
expect 'no token is in the log' '' "$(grep -e "$(token ann)" "$dir/log" || true)"
