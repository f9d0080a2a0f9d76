// Tests the page /docs in a browser, as a learner uses it. scripts/docs.sh runs
// this:
//
//     NODE_PATH=node_modules node tests/docs.js http://127.0.0.1:8000 /usr/bin/chromium [FOLDER [NAME PASSWORD]]
//
// It needs playwright-core and axe-core; screenshots go to FOLDER. With a name and
// a password it tests the login form, which needs a server that has logins.
'use strict';

const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { chromium } = require('playwright-core');

const [url, browserPath, folder, name, password] = process.argv.slice(2);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const expect = (what, expected, actual) => {
  [expected, actual] = [expected, actual].map(value => JSON.stringify(value, null, 2));
  if (expected !== actual) throw new Error(`FAILED  ${what}\nexpected: ${expected}\nactual:   ${actual}`);
  console.log(`ok      ${what}`);
};
const expectPart = (what, part, actual) => expect(what, part, actual.includes(part) ? part : actual);

const tryButton = (page, path) => page.getByRole('button', { name: `Try ${path}`, exact: true });

// The parts of a row. `says` waits until the row shows a text.
const row = (page, path) => {
  const item = page.getByRole('listitem').filter({ has: tryButton(page, path) });
  const part = name => item.locator('figure').filter({ hasText: name }).locator('pre');
  return {
    item,
    sent: () => part('You sent').textContent(),
    answer: () => part('The answer').textContent(),
    why: () => item.locator('dl').textContent(),
    says: text => item.getByText(text).first().waitFor(),
  };
};

// Presses Tab until the element has the focus.
const tabTo = async (page, target) => {
  const element = await target.elementHandle();
  for (let steps = 0; steps < 100; steps += 1) {
    if (await element.evaluate(element => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`FAILED  Tab never reaches ${target}`);
};

// Copies a row's curl line and runs it in a shell. Returns what curl prints.
const runCopied = async (page, path) => {
  await row(page, path).item.getByRole('button', { name: 'Copy' }).click();
  await row(page, path).item.getByRole('button', { name: 'Copied' }).waitFor();
  const line = await page.evaluate(() => navigator.clipboard.readText());
  return execFileSync('sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).replaceAll('\r', '');
};

// An answer that can be compared: without its date, and with sorted headers.
const comparable = answer => {
  const [head, ...body] = answer.split('\n\n');
  // The date differs; and a browser asks how long its connection may be idle, curl does not.
  const lines = head.split('\n').filter(line => !/^(Date|Connection|Keep-Alive): /.test(line));
  return [lines[0], ...lines.slice(1).map(line => line.trimEnd()).sort(), '', body.join('\n\n').trimEnd()].join('\n');
};

const accessible = async (page, what) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  const found = violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(node => node.html).join(' ')}`);
  expect(`axe-core finds nothing: ${what}`, [], found);
};

const shot = async (page, name) => folder && page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

const learn = async browser => {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const errors = [], otherServers = [];
  page.on('pageerror', error => errors.push(error.message));
  // The browser logs each 401 and 403 as an error. These are expected.
  page.on('console', message => message.type() === 'error' && !message.text().includes('the server responded with') && errors.push(message.text()));
  page.on('request', request => request.url().startsWith(`${url}/`) || request.url().startsWith('data:') || otherServers.push(request.url()));
  await page.goto(`${url}/docs`);
  await page.getByRole('heading', { name: 'guardhouse' }).waitFor();
  await tryButton(page, '/docs.txt').waitFor();

  const table = (await (await fetch(`${url}/docs.txt`)).text()).trimEnd().split('\n').slice(1);
  expectPart('the table as text has the first row', 'GET     /open ', table[0]);
  const shown = await page.locator('#table > li').evaluateAll(items => items.flatMap(item => {
    const text = part => item.querySelector(part).textContent;
    const options = [...item.querySelectorAll('option')].map(option => option.textContent);
    const methods = options.length ? options : [text('.method')];
    return methods.map(method => [method, text('.path'), text('.guard'), text('.summary')].join(' '));
  }));
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  const rows = table.map(line => line.replace(/ +/g, ' '))
    .flatMap(line => line.startsWith('any ') ? methods.map(method => line.replace('any', method)) : [line]);
  expect('the page shows every row of the table', rows, shown);

  // With the keyboard only: without a token, then with one.
  const { says, sent, answer, why } = row(page, '/protected');
  await tabTo(page, tryButton(page, '/protected'));
  await page.keyboard.press('Enter');
  await says('401 because');
  expect('without a token: the request', `GET /protected HTTP/1.1\nHost: ${new URL(url).host}`, await sent());
  expectPart('the request is refused', 'HTTP/1.1 401 Unauthorized\n', await answer());
  expectPart('the challenge is shown', '\nWWW-Authenticate: Bearer realm="guardhouse"\n', await answer());
  expectPart('and the body', '\n\n{"detail":"Not authenticated"}', await answer());
  expectPart('the reason', 'The guard sawno credentials401 becauseThe request has no credentials.', await why());
  expect('the copied line gets the same answer in a shell', comparable(await answer()), comparable(await runCopied(page, '/protected')));

  await tabTo(page, page.getByLabel('Token'));
  await page.keyboard.type('fake-super-secret-token');
  await tabTo(page, tryButton(page, '/protected'));
  await page.keyboard.press('Enter');
  await says('200 because');
  expectPart('with a token: the request has the token', '\nAuthorization: Bearer fake-super-secret-token', await sent());
  expectPart('the answer', '{"message":"Hello user1! This is a protected route."}', await answer());
  expectPart('the reason', 'The guard sawa token200 becauseThe guard knows who you are.', await why());
  expect('the copied line gets the same answer in a shell', comparable(await answer()), comparable(await runCopied(page, '/protected')));

  // With another target, method and body.
  const auth = row(page, '/auth');
  await tryButton(page, '/auth').click();
  await auth.says('204 because');
  await auth.item.getByLabel('Target').fill("/auth?scope=it's&scope=[b]");
  await auth.item.getByLabel('Target').press('Enter');
  await auth.says('403 because');
  expectPart('a missing scope is named', 'it lacks a scope: it\'s [b].', await auth.why());
  expect('the copied line gets the same answer in a shell', comparable(await auth.answer()), comparable(await runCopied(page, '/auth')));
  await auth.item.getByLabel('Target').fill('/auth');
  await auth.item.getByLabel('Method for /auth').selectOption('POST');
  await auth.item.getByLabel('Body').fill('{"it\'s": "$HOME"}');
  await auth.item.getByRole('button', { name: 'Send' }).click();
  await auth.says('204 because');
  expectPart('the body is sent', '\nContent-Type: application/json\n\n{"it\'s": "$HOME"}', await auth.sent());
  expect('the copied line gets the same answer in a shell', comparable(await auth.answer()), comparable(await runCopied(page, '/auth')));
  await auth.item.getByLabel('Method for /auth').selectOption('HEAD');
  await tryButton(page, '/auth').click();
  await auth.says('HEAD /auth HTTP/1.1');
  expect('the copied line for HEAD gets the same answer in a shell', comparable(await auth.answer()), comparable(await runCopied(page, '/auth')));
  const open = row(page, '/open');
  await tryButton(page, '/open').click();
  await open.says('200 because');
  expect('the token is not sent to an open route', false, (await open.sent()).includes('Authorization'));
  await open.item.getByLabel('Target').fill('/nowhere');
  await open.item.getByLabel('Target').press('Enter');
  await open.says('404 because');
  expectPart('an unknown path, or nothing there', 'No route has this path, or the handler found nothing.', await open.why());

  await accessible(page, 'light');
  await shot(page, 'light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'dark');
  await shot(page, 'dark');
  for (const width of [375, 320]) {
    await page.setViewportSize({ width, height: 700 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(`nothing is wider than ${width} pixels`, true, overflow <= 0);
  }
  await accessible(page, 'on a phone');
  await shot(page, 'phone');

  // A token with HTML and shell commands in it.
  const token = '<img src=x onerror="hacked=1">\'"; $(touch hacked) `id`';
  await page.getByLabel('Token').fill(token);
  await tryButton(page, '/protected').click();
  await says('401 because');
  await says('<img src=x');
  expectPart('HTML in a token is text', `\nAuthorization: Bearer ${token}`, await sent());
  expectPart('the reason', 'The token is malformed, unknown or expired.', await why());
  expect('the copied line gets the same answer in a shell', comparable(await answer()), comparable(await runCopied(page, '/protected')));
  await page.getByLabel('Token').fill('\u2603');
  await tryButton(page, '/protected').click();
  await says('There is no answer');
  expect('no element was made from the token', 0, await page.locator('img').count());

  const stored = () => page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  expect('nothing is stored', [0, 0, ''], await stored());
  await page.reload();
  await tryButton(page, '/open').waitFor();
  expect('the token is gone with the page', '', await page.getByLabel('Token').inputValue());
  expect('no error was logged', [], errors);
  expect('no other server got a request', [], otherServers);

  // What the policy forbids, even if the page tried it.
  const violated = directive => page.evaluate(directive => new Promise(resolve => {
    document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective), { once: true });
    if (directive === 'connect-src') fetch('http://localhost:1/').catch(() => {});
    else document.body.append(Object.assign(document.createElement('script'), { textContent: 'hacked = 1' }));
  }), directive);
  expect('another script does not run', 'script-src-elem', await violated('script-src'));
  expect('a request to another server is not sent', 'connect-src', await violated('connect-src'));
  expect('no script ran', 'undefined', await page.evaluate(() => typeof hacked));
  await context.close();
};

// A table that has HTML in every text, with the other two schemes.
const distrust = async browser => {
  const html = '<img src=x onerror=hacked=1>';
  const path = `/${html}`;
  const operation = { summary: html, 'x-guard': html, security: [{ Basic: [] }, { 'ApiKey.X-Key': [] }] };
  const securitySchemes = { Basic: { type: 'http', scheme: 'basic' }, 'ApiKey.X-Key': { type: 'apiKey', in: 'header', name: 'X-Key' } };
  const page = await browser.newPage();
  await page.route('**/openapi.json', route => route.fulfill({ json: { info: { title: html }, paths: { [path]: { get: operation } }, components: { securitySchemes } } }));
  let headers;
  await page.route('**/*img*', route => {
    headers = route.request().headers();
    return route.fulfill({ status: 401, headers: { 'WWW-Authenticate': html, 'Content-Type': 'text/html' }, body: html });
  });
  await page.goto(`${url}/docs`);
  await page.getByRole('heading', { name: html, level: 1 }).waitFor();
  const { says, answer } = row(page, path);
  await page.getByLabel('user-id:password').fill('ann:é');
  await page.getByLabel('Key, for X-Key').fill('k1');
  await tryButton(page, path).click();
  await says('401 because');
  expect('a user-id and a password are sent as RFC 7617 says', 'Basic YW5uOsOp', headers.authorization);
  expectPart('HTML in an answer is text', `WWW-Authenticate: ${html}\n\n${html}`, await answer());
  expect('HTML in a path, a summary, a guard is text', [path, html, html], await Promise.all(['.path', '.summary', '.guard'].map(part => page.locator(part).textContent())));
  await page.getByLabel('user-id:password').fill('');
  await tryButton(page, path).click();
  await says('X-Key: k1');
  expect('a key is sent in its header', ['k1', undefined], [headers['x-key'], headers.authorization]);
  // Without a clipboard: over HTTP only pages of this machine may write to it.
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Selected' }).waitFor();
  expectPart('without a clipboard the line is selected', "curl -i -H 'X-Key: k1' ", await page.evaluate(() => getSelection().toString()));
  expect('no element was made from these texts', 0, await page.locator('img').count());
  expect('no script ran', 'undefined', await page.evaluate(() => typeof hacked));
  await page.unrouteAll();
  await page.route('**/openapi.json', route => route.abort());
  await page.reload();
  await page.getByText('The table can’t be loaded: ').waitFor();
  console.log('ok      a table that can’t be loaded: the page says so');
};

// With the keyboard only: a wrong password, then the right one.
const logIn = async browser => {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', error => errors.push(error.message));
  page.on('console', message => message.type() === 'error' && !message.text().includes('the server responded with') && errors.push(message.text()));
  await page.goto(`${url}/docs`);
  await tryButton(page, '/docs.txt').waitFor();
  const form = page.getByRole('form', { name: 'Log in' });
  const [nameInput, passwordInput] = ['Name', 'Password'].map(label => form.getByLabel(label));
  const token = page.getByLabel('Token, for Authorization: Bearer');
  const focused = () => page.evaluate(() => document.activeElement.type);
  await form.getByText('This page sends both to /token').waitFor();

  await tabTo(page, nameInput);
  await page.keyboard.type(name);
  await tabTo(page, passwordInput);
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await form.getByRole('status').getByText('There is no token: Incorrect username or password').waitFor();
  console.log('ok      a wrong password: the page says so');
  expect('there is no token, and the password is cleared', ['', ''], [await token.inputValue(), await passwordInput.inputValue()]);
  expect('the password input has the focus again', 'password', await focused());
  await accessible(page, 'after a wrong password');
  await shot(page, 'login-refused');

  await page.keyboard.type(password);
  const request = page.waitForRequest(`${url}/token`);
  await tabTo(page, form.getByRole('button', { name: 'Authorize' }));
  await page.keyboard.press('Enter');
  await form.getByRole('status').getByText(`You have a token for ${name}.`).waitFor();
  const sent = Object.fromEntries(new URLSearchParams((await request).postData()));
  expect('the right password is sent with the password grant', { grant_type: 'password', username: name, password }, sent);
  expect('there is a token, and the password is cleared', [64, ''], [(await token.inputValue()).length, await passwordInput.inputValue()]);
  await tabTo(page, tryButton(page, '/protected'));
  await page.keyboard.press('Enter');
  await row(page, '/protected').says('200 because');
  expectPart('the token opens /protected', `{"message":"Hello ${name}! This is a protected route."}`, await row(page, '/protected').answer());
  expect('the guard names the path that gives tokens', 'Bearer from /token', await row(page, '/protected').item.locator('.guard').textContent());
  await accessible(page, 'after a login');
  await shot(page, 'login');
  await page.setViewportSize({ width: 320, height: 700 });
  expect('nothing is wider than 320 pixels', true, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'dark, on a phone');
  await shot(page, 'login-phone');
  await page.reload();
  await tryButton(page, '/protected').waitFor();
  expect('token and name are gone with the page', ['', ''], [await token.inputValue(), await nameInput.inputValue()]);
  expect('no error was logged', [], errors);

  // Answers with HTML in them, and answers that no login sends.
  const html = '<img src=x onerror=hacked=1>';
  for (const [what, answer, says] of [
    ['HTML in an error', { status: 400, json: { error: 'invalid_grant', error_description: html } }, html],
    ['an error that has a detail only', { status: 429, json: { detail: 'Too many logins at once' } }, 'Too many logins at once'],
    ['an answer without JSON', { status: 502, body: html }, 'Unexpected token'],
    ['an answer without a token', { json: {} }, '200'],
  ]) {
    await page.route('**/token', route => route.fulfill(answer));
    await nameInput.fill(name);
    await passwordInput.fill(password);
    await passwordInput.press('Enter');
    await form.getByText(`There is no token: ${says}`).waitFor();
    expect(`${what} is shown as text`, ['', 0], [await token.inputValue(), await page.locator('img').count()]);
    await page.unroute('**/token');
  }
  expect('no script ran', 'undefined', await page.evaluate(() => typeof hacked));
};

(async () => {
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    if (name) {
      await logIn(browser);
    } else {
      await learn(browser);
      await distrust(browser);
    }
  } finally {
    await browser.close();
  }
})().catch(error => {
  console.log(error.message);
  process.exitCode = 1;
});
