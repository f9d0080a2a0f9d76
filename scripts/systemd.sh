#!/usr/bin/env bash
# The systemd unit of the manual: systemd finds no fault in it, and says how exposed the
# service is. Its command runs as a user that can read the users file only because of its
# group. After the reload of the unit, the token of a removed user is refused. The server
# makes no system call that the unit forbids. (systemd itself does not run here.)
. "$(dirname "$0")/server.sh"

need systemd-analyze systemd

# The unit as it stands, with the paths of this script.
mkdir "$dir/bin" "$dir/etc"
install -m 755 "$GUARDHOUSE" "$dir/bin/guardhouse"
unit=$dir/guardhouse.service
recipe ini operations |
    sed "s|/usr/local/bin/|$dir/bin/|; s|/etc/guardhouse/|$dir/etc/|" >"$unit"
# shellcheck disable=SC2154 # `need` sets it.
expect 'systemd finds no fault in the unit' '' "$("$systemd_analyze" verify "$unit" 2>&1 || echo "exit code $?")"
"$systemd_analyze" security --offline=true --no-pager "$unit" >"$dir/security" 2>&1 ||
    expect 'systemd knows how exposed the service is' '' "$(cat "$dir/security")"
expect_like "systemd: $(tail -n 1 "$dir/security" | sed 's/^[^A-Z]*//')" '*: [01].* OK *' "$(tail -n 1 "$dir/security")"

[ "$(id -u)" = 0 ] || skip 'only root can run the command as another user'
command -v setpriv >/dev/null || skip 'setpriv is not installed'
# Numbers, so that no user and no group must be made.
user=64999 group=64998

# directive NAME: its value in the unit.
directive() { sed -n "s/^$1=//p" "$unit"; }
read -r program listen _ options < <(directive ExecStart)
expect 'the command of the unit begins with the program and --listen' "$dir/bin/guardhouse --listen" "$program $listen"
cat >"$dir/run" <<SH
#!/bin/sh
exec setpriv --reuid $user --regid $group --clear-groups --no-new-privs "$program" "\$@"
SH
chmod 755 "$dir/run"
chmod 711 "$dir"
# put_users: stdin becomes the users file, as the manual does it.
put_users() {
    install -d -o root -g "$group" -m 750 "$dir/etc"
    install -o root -g "$group" -m 640 /dev/stdin "$dir/etc/users.txt"
}
line_of() { "$program" --new-token "$1"; }
ann=$(line_of ann) bob=$(line_of bob)
printf '%s\n' "$ann" "$bob" | put_users
GUARDHOUSE=$dir/run
# shellcheck disable=SC2086 # The options are words.
start $options --reload-every 0

# me LINE: the status for the token of this line of a users file.
me() {
    ask /users/me -H "Authorization: Bearer $(cut -d: -f2 <<<"$1")"
    status
}
expect 'the service can read its users' '200 200' "$(me "$ann") $(me "$bob")"
expect 'and another user can not' 1 "$(setpriv --reuid $user --regid $user --clear-groups cat "$dir/etc/users.txt" >/dev/null 2>&1 || echo $?)"

# The service looks at the file only when it is told to, so what follows shows the reload.
reload() { MAINPID=$server bash -c "$(directive ExecReload)"; }
cyd=$(line_of cyd)
printf '%s\n' "$ann" "$cyd" | put_users
reload
for _ in {1..500}; do [ "$(me "$cyd")" != 200 ] || break; done
expect 'after a reload a new user gets through, and a removed one does not' '200 200 401' "$(me "$ann") $(me "$cyd") $(me "$bob")"
printf '%s\n' "$ann" >"$dir/new"
chown root:"$group" "$dir/new"
chmod 640 "$dir/new"
mv "$dir/new" "$dir/etc/users.txt"
reload
for _ in {1..500}; do [ "$(me "$cyd")" = 200 ] || break; done
expect 'also after another file was moved to its place' '200 401' "$(me "$ann") $(me "$cyd")"

stop
expect 'the server stops' 0 "$code"

# allowed SET: the names of the system calls in a set of systemd.
allowed() {
    local name
    "$systemd_analyze" syscall-filter --no-pager "$1" | sed -n 's/^    *\([^# ].*\)/\1/p' | while read -r name; do
        case $name in @*) allowed "$name" ;; *) echo "$name" ;; esac
    done
}
need strace strace
GUARDHOUSE=$dir/traced
cat >"$dir/traced" <<SH
#!/bin/sh
exec $strace --daemonize --follow-forks --output="$dir/calls" --signal=none -- "$program" "\$@"
SH
chmod 755 "$dir/traced"
# shellcheck disable=SC2086 # The options are words.
start $options
ask /users/me -H "Authorization: Bearer $(cut -d: -f2 <<<"$ann")"
expect 'a server whose system calls are seen answers' 200 "$(status)"
kill -HUP "$server"
logged 'users loaded again'
pid=$server
stop
expect 'it stops' 0 "$code"
timeout 10 grep -q -m 1 "^$pid .*exited with 0" <(tail -n +1 -f "$dir/calls")
# The first call starts the program.
sed -n '2,$s/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$dir/calls" | sort -u >"$dir/made"
{ allowed @system-service | grep -vxF -f <(allowed @privileged; allowed @resources); allowed @default; } | sort -u >"$dir/allowed"
[ "$(wc -l <"$dir/made")" -gt 20 ] || expect 'system calls were seen' 'more than 20' "$(cat "$dir/made")"
expect 'it makes only system calls that the unit allows' '' "$(comm -23 "$dir/made" "$dir/allowed")"
