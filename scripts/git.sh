#!/usr/bin/env bash
# git clones over HTTP from an nginx that asks /auth: git has the token as a password.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
need git git
start_auth_and_program

# What a plain web server can serve ("dumb HTTP").
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true
# shellcheck disable=SC2154 # `need` sets it.
run_git() { timeout 20 "$git" -c user.name=ann -c user.email=ann@example.org -c http.proxy= "$@"; }
run_git init --quiet "$dir/project"
echo 'hello' >"$dir/project/file.txt"
run_git -C "$dir/project" add file.txt
run_git -C "$dir/project" commit --quiet --message 'A file.'
run_git clone --quiet --bare "$dir/project" "$dir/www/project.git"
run_git -C "$dir/www/project.git" update-server-info

free_port files
start_nginx "127.0.0.1:$files" "server { listen 127.0.0.1:$files; root $dir/www; }"

# clone USER TOKEN: into a new folder; its exit code.
clone() {
    rm -rf "$dir/clone"
    run_git clone --quiet "http://$1:$2@127.0.0.1:$port/project.git" "$dir/clone" >"$dir/git" 2>&1 || { echo $?; return; }
    echo 0
}
expect 'git clones with the name and the token of a user' '0 hello' "$(clone ann "$(token ann)") $(cat "$dir/clone/file.txt")"
expect 'git clones with a name that is not ASCII' 0 "$(clone 'J%C3%B6rg%20100%25' "$(token 'Jörg 100%')")"
expect 'a wrong token is refused' 128 "$(clone ann wrong)"
expect_like 'and git understands the challenge' '*Authentication failed*' "$(cat "$dir/git")"
expect 'the token of another user is refused' 128 "$(clone bob "$(token ann)")"
rm -rf "$dir/clone"
code=0
run_git clone --quiet "$url/project.git" "$dir/clone" >"$dir/git" 2>&1 || code=$?
expect 'and so is no token' 128 "$code"

stop
expect 'the server stops' 0 "$code"
expect 'no token is in the log' '' "$(grep -e "$(token ann)" "$dir/log" || true)"
