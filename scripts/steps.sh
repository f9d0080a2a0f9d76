#!/usr/bin/env bash
# The chapters `steps`, `bugs` and `exercises` of the manual tell the truth: their listings
# stand in the files that they name, their commands print what stands below them, and each
# file, test and security bug that they name exists.
#
#   scripts/steps.sh 3 4    # prints what step 4 changes
if [ $# = 2 ]; then
    cd "$(dirname "$0")/../tests/steps"
    diff -u "step-$1.rs" "step-$2.rs" || [ $? = 1 ]
    # A file that the earlier one does not have.
    for file in routes request; do
        if grep -q "^mod $file;" "step-$2.rs" && ! grep -q "^mod $file;" "step-$1.rs"; then
            diff -u /dev/null "$file.rs" || [ $? = 1 ]
        fi
    done
    exit
fi
. "$(dirname "$0")/server.sh"

manual=src/manual
cargo build --locked --quiet --examples
examples=${CARGO_TARGET_DIR:-target}/debug/examples

# --- Listings ---

# A listing comes after a line that is only the name of its file. In it, a line `…` stands
# for lines that are left out.
listings=0
check_listings() {
    local line file= block= inside= piece
    while IFS= read -r line; do
        if [ -n "$inside" ] && [ "$line" = '```' ]; then
            while IFS= read -r -d '' piece; do
                [[ $(<"$file") == *"$piece"* ]] || expect "$1: a listing stands in $file" "$piece" 'no such lines'
            done < <(sed 's/^ *\/\/ …$/…/' <<<"${block%$'\n'}" | awk 'BEGIN { ORS = "\0"; RS = "…\n" } { sub(/\n$/, ""); print }')
            listings=$((listings + 1)) file= block= inside=
        elif [ -n "$inside" ]; then
            block+=$line$'\n'
        elif [ "$line" = '```rust,ignore' ]; then
            [ -n "$file" ] || expect "$1: a listing has the name of its file above it" 'a name' "$line"
            inside=1
        elif [[ $line =~ ^\`([^\`]+\.rs)\`:$ ]]; then
            file=${BASH_REMATCH[1]}
        elif [ -n "$line" ]; then
            file=
        fi
    done <"$1"
}
for chapter in steps exercises; do check_listings "$manual/$chapter.md"; done
[ "$listings" -ge 15 ] || expect 'the chapters have their listings' 'at least 15' "$listings"
echo "ok      $listings listings stand in their files"

# The tables have the length of each file.
for file in tests/steps/step-{1..8}.rs tests/steps/r*.rs; do
    said=$(sed -n "s/^| \`${file//\//\\/}\` | \([0-9]*\) |.*/\1/p" "$manual/steps.md")
    expect "$file has as many lines as the chapter says" "$(wc -l <"$file" | tr -d ' ')" "$said"
done

# --- Commands ---

# nc HOST PORT, for machines that have none: sends its input, and prints what comes back.
nc() {
    exec 9<>"/dev/tcp/$1/$2"
    cat >&9 2>/dev/null || true
    cat <&9 2>/dev/null || true
}
curl() { command curl -q --noproxy '*' --silent "$@"; }
export -f nc curl

plain() { tr -d '\r' | sed 's/^Date: .*/Date: …/'; }

# begin PROGRAM: starts an example; its input stays open.
begin() {
    local ready=
    rm -f "$dir/stdout" "$dir/stdin"
    mkfifo "$dir/stdout" "$dir/stdin"
    "$examples/$1" 127.0.0.1:0 <"$dir/stdin" >"$dir/stdout" 2>"$dir/log" &
    server=$!
    exec 4>"$dir/stdin" 3<"$dir/stdout"
    read -r -t 10 ready <&3 || true
    port=${ready##*:}
}
end() {
    { kill "$server" && wait "$server"; } 2>/dev/null || true
    server=
    exec 3<&- 4>&-
}

# A block `console PROGRAM` has commands for this program, and what they print.
commands=0
check_command() {
    local command=${2//127.0.0.1:8000/127.0.0.1:$port}
    command=${command//127.0.0.1 8000/127.0.0.1 $port}
    command=${command//127.0.0.1\/8000/127.0.0.1\/$port}
    expect "$1: $2" "$(plain <<<"$3")" "$(timeout 20 bash -c "$command" 2>/dev/null <&- | plain)"
    commands=$((commands + 1))
}
check_commands() {
    local line inside= command= expected=
    while IFS= read -r line <&8; do
        if [[ $line == '```console '* ]]; then
            inside=1
            [ "${line#* }" = login ] && inside= || begin "${line#* }"
        elif [ -n "$inside" ] && [[ $line == '```' || $line == '$ '* ]]; then
            [ -z "$command" ] || check_command "$(basename "$1")" "$command" "${expected%$'\n'}"
            command=${line#'$ '} expected=
            if [ "$line" = '```' ]; then end; inside= command=; fi
        elif [ -n "$inside" ]; then
            expected+=$line$'\n'
        fi
    done 8<"$1"
}
for chapter in steps exercises; do check_commands "$manual/$chapter.md"; done
[ "$commands" -ge 20 ] || expect 'the chapters have their commands' 'at least 20' "$commands"

# --- The guard can't be forgotten ---

forgotten='Route("GET", "/me", open(me))'
sed "s|Route(\"GET\", \"/me\", guarded(signed_in, me))|$forgotten|" tests/steps/step-3.rs >"$dir/forgotten.rs"
grep -qF "$forgotten" "$dir/forgotten.rs"
cp tests/steps/routes.rs "$dir"
httparse=$(ls -t "${CARGO_TARGET_DIR:-target}"/release/deps/libhttparse-*.rlib | head -n 1)
for program in tests/steps/step-3.rs "$dir/forgotten.rs"; do
    compiles=yes
    rustc --edition 2024 --crate-name step --emit metadata --out-dir "$dir" \
        --extern "httparse=$httparse" "$program" 2>"$dir/errors" || compiles=no
    echo "$compiles" >>"$dir/compiles"
done
expect 'step 3 compiles, and does not without its guard' 'yes no' "$(paste -sd' ' "$dir/compiles")"
expect_like 'because the handler wants a user' '*mismatched types*' "$(<"$dir/errors")"

# --- Bugs ---

names() { grep -ohE '(CVE-[0-9]+|RUSTSEC-[0-9]+)-[0-9]+|GHSA(-[0-9a-z]{4}){3}' "$@" | sort -u; }
named=$(find src tests -name '*.rs' -print0 | xargs -0 cat | names)
for bug in $named; do
    grep -q "^|.*$bug" "$manual/bugs.md" || expect "bugs.md has a row for $bug" 'a row' 'none'
done
echo "ok      bugs.md has a row for each of $(wc -w <<<"$named") bugs that src/ and tests/ name"

rows=0
while IFS='|' read -r _ bug _ _ file test cost _; do
    for path in $(grep -oE 'src/[a-z_/]+\.rs' <<<"$file"); do
        [ -f "$path" ] || expect "bugs.md: $bug" "$path" 'no such file'
    done
    grep -q 'src/' <<<"$file" || expect "bugs.md: $bug" 'a file of src/' "$file"
    for proof in $(grep -oE '(tests|src)/[a-z_/0-9]+\.rs: [a-z0-9_]+' <<<"${test//\`/}" | tr -d ' '); do
        grep -q "fn ${proof#*:}(" "${proof%%:*}" || expect "bugs.md: $bug" "$proof" 'no such test'
    done
    grep -qE '(tests|src)/' <<<"$test" || expect "bugs.md: $bug" 'a test' "$test"
    [ -n "${cost// /}" ] || expect "bugs.md: $bug" 'what it costs' 'nothing'
    rows=$((rows + 1))
done < <(grep -E '^\| ' "$manual/bugs.md" | grep -vE '^\| (what|bug|---)')
[ "$rows" -ge 25 ] || expect 'bugs.md has its rows' 'at least 25' "$rows"
echo "ok      $rows rows of bugs.md name files and tests that exist"
