#!/usr/bin/env bash
# The manifest of the manual: it fits the schema of Kubernetes, and the container's command
# runs as its user, with a users file that has the owner and the mode of the volume.
. "$(dirname "$0")/server.sh"

from_pypi kubernetes-validate==1.37.0

recipe yaml operations >"$dir/guardhouse.yaml"
expect 'the manifest fits the schema of Kubernetes, and has nothing that the schema does not know' '' \
    "$("$dir/venv/bin/kubernetes-validate" --strict --quiet "$dir/guardhouse.yaml" 2>&1 || echo "exit code $?")"
sed 's/fsGroup/fsGrupp/' "$dir/guardhouse.yaml" >"$dir/wrong.yaml"
expect_like 'a wrong name is found' '*fsGrupp*exit code *' \
    "$("$dir/venv/bin/kubernetes-validate" --strict --quiet "$dir/wrong.yaml" 2>&1 || echo "exit code $?")"

[ "$(id -u)" = 0 ] || skip 'only root can run the command as another user'
command -v setpriv >/dev/null || skip 'setpriv is not installed'

# What the manifest says about the container, as variables; the arguments one in a line.
"$dir/venv/bin/python" - "$dir/guardhouse.yaml" "$dir/arguments" >"$dir/said" <<'PYTHON'
import sys

import yaml

deployment, service = yaml.safe_load_all(open(sys.argv[1]))
pod = deployment["spec"]["template"]
spec = pod["spec"]
[container], [volume] = spec["containers"], spec["volumes"]
[mount] = container["volumeMounts"]
arguments = container["args"]
assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
assert mount["name"] == volume["name"] and arguments[3].startswith(mount["mountPath"] + "/")
context = spec["securityContext"]
live, ready = (container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe"))
drain, period = int(arguments[5]), container["readinessProbe"]["periodSeconds"]
assert period < drain and drain + 10 < spec["terminationGracePeriodSeconds"], "the times do not fit"
print(f"user={context['runAsUser']} group={context['runAsGroup']} fs_group={context['fsGroup']}")
print(f"mode={volume['secret']['defaultMode']:o} live={live} ready={ready}")
open(sys.argv[2], "w").write("\n".join(arguments) + "\n")
PYTHON
# shellcheck disable=SC1091 # The lines above write it.
. "$dir/said"
mapfile -t arguments <"$dir/arguments"
expect 'the arguments begin with --listen' '--listen 0.0.0.0:8000 --users' "${arguments[*]:0:3}"

# The volume, as Kubernetes makes it: links, of which one changes when the Secret does.
# shellcheck disable=SC2154 # The manifest says it.
volume=$dir/volume
chmod 711 "$dir"
put() {
    mkdir -p "$volume/..$1"
    install -o root -g "$fs_group" -m "$mode" /dev/stdin "$volume/..$1/users.txt"
    ln -sfn "..$1" "$volume/..data_new"
    mv -T "$volume/..data_new" "$volume/..data"
    ln -sfn ..data/users.txt "$volume/users.txt"
}
install -m 755 "$GUARDHOUSE" "$dir/guardhouse"
ann=$("$dir/guardhouse" --new-token ann) bob=$("$dir/guardhouse" --new-token bob)
put 2026_01 <<<"$ann"
# shellcheck disable=SC2154 # The manifest says it.
cat >"$dir/run" <<SH
#!/bin/sh
exec setpriv --reuid $user --regid $group --groups $fs_group --no-new-privs --bounding-set=-all --inh-caps=-all "$dir/guardhouse" "\$@"
SH
chmod 755 "$dir/run"
GUARDHOUSE=$dir/run
# The drain delay, and the default time between two looks, would make this script slow.
start --users "$volume/users.txt" --drain-delay 0 --reload-every 1
expect 'another user can not read the file' 1 \
    "$(setpriv --reuid 64999 --regid 64999 --clear-groups cat "$volume/users.txt" >/dev/null 2>&1 || echo $?)"
expect 'the server can, and has nothing to warn of' '' "$(grep WARN "$dir/log" || true)"
# With the arguments as they stand, except the port and the path.
arguments=("${arguments[@]/0.0.0.0:8000/0.0.0.0:0}")
arguments=("${arguments[@]/*users.txt/$volume/users.txt}")
mkfifo "$dir/all-out"
"$GUARDHOUSE" "${arguments[@]}" >"$dir/all-out" 2>"$dir/all-log" &
also_stop $!
read -r -t 10 all_ready <"$dir/all-out" || true
expect 'the arguments of the manifest start a server on every address, without a warning' \
    'listening on http://0.0.0.0' "${all_ready%:*}$(grep WARN "$dir/all-log" || true)"
me() {
    ask /users/me -H "Authorization: Bearer $(cut -d: -f2 <<<"$1")"
    status
}
expect 'its user gets through' '200 401' "$(me "$ann") $(me "$bob")"
# shellcheck disable=SC2154 # The manifest says it.
for path in "$live" "$ready"; do
    ask "$path"
    expect "the probe of $path succeeds" 200 "$(status)"
done
put 2026_02 <<<"$bob"
# Nobody sends a signal.
logged 'users loaded again: 1 added, 1 removed'
expect 'the Secret has changed: the new user gets through, and the old one does not' '401 200' "$(me "$ann") $(me "$bob")"
stop
expect 'the server stops' 0 "$code"
