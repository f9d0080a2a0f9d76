#!/usr/bin/env bash
# A real browser and a real nginx that asks /auth: Chromium opens a page with the name and
# the token of a user, and a page of another origin sends a token (CORS).
. "$(dirname "$0")/server.sh"

need nginx nginx-light
need chromium chromium
start_auth_and_program

free_port files
free_port app
mkdir "$dir/www" "$dir/app"
cat >"$dir/www/index.html" <<'HTML'
<!DOCTYPE html><title>Behind nginx</title><p id="who">nobody</p>
<script src="who.js"></script>
HTML
# What the page loads goes through /auth as well.
echo "document.getElementById('who').textContent = 'the script was loaded, too';" >"$dir/www/who.js"
echo '{"private":true}' >"$dir/www/data.json"
# The page of another origin: what it can read of three answers.
cat >"$dir/app/index.html" <<'HTML'
<!DOCTYPE html><title>Another origin</title><p id="saw">nothing</p>
<script>
const [api, token] = decodeURIComponent(location.hash.slice(1)).split(' ');
const read = async headers => {
  try {
    const answer = await fetch(api, { headers, cache: 'no-store' });
    return `${answer.status} ${answer.ok ? (await answer.json()).private : ''}`;
  } catch { return 'not allowed'; }
};
(async () => {
  const right = await read({ Authorization: `Bearer ${token}` });
  const wrong = await read({ Authorization: 'Bearer wrong' });
  const other = await read({ Authorization: `Bearer ${token}`, 'X-Other': 'a' });
  document.getElementById('saw').textContent = `right: ${right}, wrong: ${wrong}, other header: ${other}`;
})();
</script>
HTML
more=$(recipe 'nginx cors' proxies | sed "s|https://app.example.org|http://127.0.0.1:$app|")
start_nginx "127.0.0.1:$files" "server { listen 127.0.0.1:$files; root $dir/www; index index.html; types { text/html html; text/javascript js; } }" \
    "server { listen 127.0.0.1:$app; root $dir/app; index index.html; types { text/html html; } }"

# page URL: what the page has become when its scripts have run.
page() {
    # shellcheck disable=SC2154 # `need` sets it.
    timeout 60 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --no-proxy-server \
        --user-data-dir="$(mktemp -d "$dir/profile.XXXXXX")" --virtual-time-budget=5000 --dump-dom "$1" 2>"$dir/chromium" ||
        echo "Chromium: $(tail -n 3 "$dir/chromium")"
}
# A user name and a password in the URL are sent after the challenge for Basic, and not
# without it.
expect_like 'Chromium opens the page with the name and the token, and loads what the page needs' \
    '*the script was loaded, too*' "$(page "http://ann:$(token ann)@127.0.0.1:$port/")"
expect_like 'also with a name that is not ASCII' \
    '*the script was loaded, too*' "$(page "http://J%C3%B6rg%20100%25:$(token 'Jörg 100%')@127.0.0.1:$port/")"
wrong=$(page "http://ann:$(token bob)@127.0.0.1:$port/")
expect 'with the token of another user it does not' 0 "$(grep -c -e 'Behind nginx' -e '^Chromium:' <<<"$wrong" || true)"
expect_like 'a page of another origin sends a token, reads the answer and the 401, and no more than nginx allows' \
    '*right: 200 true, wrong: 401 , other header: not allowed*' \
    "$(page "http://127.0.0.1:$app/#$url/data.json%20$(token ann)")"

stop
expect 'the server stops' 0 "$code"
expect_like 'the access log names the user' '*127.0.0.1 - ann *"GET /auth HTTP/1.1" 204 0*' "$(cat "$dir/log")"
