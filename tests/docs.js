// The page /docs in a browser, as someone sees it who came to learn. Run by
// scripts/docs.sh:
//
//     NODE_PATH=node_modules node tests/docs.js http://127.0.0.1:8000 /usr/bin/chromium [FOLDER [NAME PASSWORD]]
//
// It wants playwright-core and axe-core; screenshots go to FOLDER. With a name and
// a password it logs in, which wants a server that has logins.
'use strict';

const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { chromium } = require('playwright-core');

const [url, browserPath, folder, name, password] = process.argv.slice(2);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const expect = (what, expected, saw) => {
  [expected, saw] = [expected, saw].map(value => JSON.stringify(value, null, 2));
  if (expected !== saw) throw new Error(`FAILED  ${what}\nexpected: ${expected}\nsaw:      ${saw}`);
  console.log(`ok      ${what}`);
};
const expectLike = (what, part, saw) => expect(what, part, saw.includes(part) ? part : saw);

const tryButton = (page, path) => page.getByRole('button', { name: `Try ${path}`, exact: true });

// A row's parts, once its exchange says what is waited for.
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

// Goes from field to field, as with the keyboard alone, until it is there.
const tabTo = async (page, target) => {
  const element = await target.elementHandle();
  for (let steps = 0; steps < 100; steps += 1) {
    if (await element.evaluate(element => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`FAILED  no way with Tab to ${target}`);
};

// Copies a row's line and runs it in a shell; what curl prints.
const runCopied = async (page, path) => {
  await row(page, path).item.getByRole('button', { name: 'Copy' }).click();
  await row(page, path).item.getByRole('button', { name: 'Copied' }).waitFor();
  const line = await page.evaluate(() => navigator.clipboard.readText());
  return execFileSync('sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).replaceAll('\r', '');
};

// An answer without what differs from one to the next, its fields in one order.
const settled = answer => {
  const [head, ...content] = answer.split('\n\n');
  const lines = head.split('\n').filter(line => !line.startsWith('Date: '));
  return [lines[0], ...lines.slice(1).map(line => line.trimEnd()).sort(), '', content.join('\n\n').trimEnd()].join('\n');
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
  const faults = [], elsewhere = [];
  page.on('pageerror', error => faults.push(error.message));
  // A refusal is logged by the browser, and is no fault.
  page.on('console', message => message.type() === 'error' && !message.text().includes('the server responded with') && faults.push(message.text()));
  page.on('request', request => request.url().startsWith(`${url}/`) || request.url().startsWith('data:') || elsewhere.push(request.url()));
  await page.goto(`${url}/docs`);
  await page.getByRole('heading', { name: 'guardhouse' }).waitFor();
  await tryButton(page, '/docs.txt').waitFor();

  const table = (await (await fetch(`${url}/docs.txt`)).text()).trimEnd().split('\n').slice(1);
  expectLike('the table as text has the first row', 'GET      /open ', table[0]);
  const seen = await page.locator('#table > li').evaluateAll(items => items.flatMap(item => {
    const text = part => item.querySelector(part).textContent;
    const options = [...item.querySelectorAll('option')].map(option => option.textContent);
    const methods = options.length ? options : [text('.method')];
    return methods.map(method => [method, text('.path'), text('.guard'), text('.summary')].join(' '));
  }));
  expect('the page shows every row of the table', table.map(line => line.replace(/ +/g, ' ')), seen);

  // With the keyboard alone: refused, a token, let in.
  const { says, sent, answer, why } = row(page, '/protected');
  await tabTo(page, tryButton(page, '/protected'));
  await page.keyboard.press('Enter');
  await says('401 because');
  expect('without a token: the request', `GET /protected HTTP/1.1\nHost: ${new URL(url).host}`, await sent());
  expectLike('refused, with the challenge', 'HTTP/1.1 401 Unauthorized\n', await answer());
  expectLike('the challenge is shown', '\nWWW-Authenticate: Bearer realm="guardhouse"\n', await answer());
  expectLike('and the content', '\n\n{"detail":"Not authenticated"}', await answer());
  expectLike('why', 'The guard sawno credentials401 becauseNothing is wrong, something is missing.', await why());
  expect('the copied line in a shell: the same answer', settled(await answer()), settled(await runCopied(page, '/protected')));

  await tabTo(page, page.getByLabel('Token'));
  await page.keyboard.type('fake-super-secret-token');
  await tabTo(page, tryButton(page, '/protected'));
  await page.keyboard.press('Enter');
  await says('200 because');
  expectLike('with a token: the request has it', '\nAuthorization: Bearer fake-super-secret-token', await sent());
  expectLike('the answer', '{"message":"Hello user1! This is a protected route."}', await answer());
  expectLike('why', 'The guard sawa token200 becauseIt knows who you are', await why());
  expect('the copied line in a shell: the same answer', settled(await answer()), settled(await runCopied(page, '/protected')));

  // The target can be another one; content and method as well.
  const auth = row(page, '/auth');
  await tryButton(page, '/auth').click();
  await auth.says('204 because');
  await auth.item.getByLabel('Target').fill("/auth?scope=it's&scope=[b]");
  await auth.item.getByLabel('Target').press('Enter');
  await auth.says('403 because');
  expectLike('a scope that is missing is named', 'you lack a scope: it\'s [b].', await auth.why());
  expect('the copied line in a shell: the same answer', settled(await auth.answer()), settled(await runCopied(page, '/auth')));
  await auth.item.getByLabel('Target').fill('/auth');
  await auth.item.getByLabel('Method for /auth').selectOption('POST');
  await auth.item.getByLabel('Content').fill('{"it\'s": "$HOME"}');
  await auth.item.getByRole('button', { name: 'Send' }).click();
  await auth.says('204 because');
  expectLike('content is sent', '\nContent-Type: application/json\n\n{"it\'s": "$HOME"}', await auth.sent());
  expect('the copied line in a shell: the same answer', settled(await auth.answer()), settled(await runCopied(page, '/auth')));
  await auth.item.getByLabel('Method for /auth').selectOption('HEAD');
  await tryButton(page, '/auth').click();
  await auth.says('HEAD /auth HTTP/1.1');
  expect('HEAD, in a shell as well', settled(await auth.answer()), settled(await runCopied(page, '/auth')));
  const open = row(page, '/open');
  await tryButton(page, '/open').click();
  await open.says('200 because');
  expect('an open route is not sent the token', false, (await open.sent()).includes('Authorization'));
  await open.item.getByLabel('Target').fill('/nowhere');
  await open.item.getByLabel('Target').press('Enter');
  await open.says('404 because');
  expectLike('no row: no guard was asked', 'No row of the table has this path', await open.why());

  await accessible(page, 'light');
  await shot(page, 'light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'dark');
  await shot(page, 'dark');
  for (const width of [375, 320]) {
    await page.setViewportSize({ width, height: 700 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(`nothing sticks out at ${width} pixels`, true, over <= 0);
  }
  await accessible(page, 'on a phone');
  await shot(page, 'phone');

  // A token that would like to be more than that.
  const token = '<img src=x onerror="hacked=1">\'"; $(touch hacked) `id`';
  await page.getByLabel('Token').fill(token);
  await tryButton(page, '/protected').click();
  await says('401 because');
  await says('<img src=x');
  expectLike('HTML in a token is text', `\nAuthorization: Bearer ${token}`, await sent());
  expectLike('and the token is nobody’s', 'The token is malformed, or nobody’s.', await why());
  expect('the copied line in a shell: the same answer', settled(await answer()), settled(await runCopied(page, '/protected')));
  await page.getByLabel('Token').fill('\u2603');
  await tryButton(page, '/protected').click();
  await says('There is no answer');
  expect('no element was made of it', 0, await page.locator('img').count());

  const kept = () => page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  expect('nothing is stored', [0, 0, ''], await kept());
  await page.reload();
  await tryButton(page, '/open').waitFor();
  expect('the token is gone with the page', '', await page.getByLabel('Token').inputValue());
  expect('no fault was logged', [], faults);
  expect('nobody else was asked', [], elsewhere);

  // What the policy forbids, should the page ever try.
  const violated = directive => page.evaluate(directive => new Promise(resolve => {
    document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective), { once: true });
    if (directive === 'connect-src') fetch('http://localhost:1/').catch(() => {});
    else document.body.append(Object.assign(document.createElement('script'), { textContent: 'hacked = 1' }));
  }), directive);
  expect('another script is not run', 'script-src-elem', await violated('script-src'));
  expect('another server is not asked', 'connect-src', await violated('connect-src'));
  expect('nothing was run', 'undefined', await page.evaluate(() => typeof hacked));
  await context.close();
};

// A table whose every word is HTML, with the other two schemes.
const distrust = async browser => {
  const html = '<img src=x onerror=hacked=1>';
  const path = `/${html}`;
  const operation = { summary: html, 'x-guard': html, security: [{ Basic: [] }, { 'ApiKey.X-Key': [] }] };
  const securitySchemes = { Basic: { type: 'http', scheme: 'basic' }, 'ApiKey.X-Key': { type: 'apiKey', in: 'header', name: 'X-Key' } };
  const page = await browser.newPage();
  await page.route('**/openapi.json', route => route.fulfill({ json: { info: { title: html }, paths: { [path]: { get: operation } }, components: { securitySchemes } } }));
  let fields;
  await page.route('**/*img*', route => {
    fields = route.request().headers();
    return route.fulfill({ status: 401, headers: { 'WWW-Authenticate': html, 'Content-Type': 'text/html' }, body: html });
  });
  await page.goto(`${url}/docs`);
  await page.getByRole('heading', { name: html, level: 1 }).waitFor();
  const { says, answer } = row(page, path);
  await page.getByLabel('user-id:password').fill('ann:é');
  await page.getByLabel('Key, for X-Key').fill('k1');
  await tryButton(page, path).click();
  await says('401 because');
  expect('a user-id and a password are sent as RFC 7617 has them', 'Basic YW5uOsOp', fields.authorization);
  expectLike('HTML in an answer is text', `WWW-Authenticate: ${html}\n\n${html}`, await answer());
  expect('HTML in a path, a summary, a guard is text', [path, html, html], await Promise.all(['.path', '.summary', '.guard'].map(part => page.locator(part).textContent())));
  await page.getByLabel('user-id:password').fill('');
  await tryButton(page, path).click();
  await says('X-Key: k1');
  expect('a key is sent in its field', ['k1', undefined], [fields['x-key'], fields.authorization]);
  // Where no page may write the clipboard, as over http from afar.
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Selected' }).waitFor();
  expectLike('without a clipboard the line is selected', "curl -i -H 'X-Key: k1' ", await page.evaluate(() => getSelection().toString()));
  expect('no element was made of any of it', 0, await page.locator('img').count());
  expect('nothing was run', 'undefined', await page.evaluate(() => typeof hacked));
  await page.unrouteAll();
  await page.route('**/openapi.json', route => route.abort());
  await page.reload();
  await page.getByText('The table can’t be loaded: ').waitFor();
  console.log('ok      a table that does not come is missed in words');
};

// With the keyboard alone: a wrong password, the right one, and what it opens.
const logIn = async browser => {
  const page = await browser.newPage();
  const faults = [];
  page.on('pageerror', error => faults.push(error.message));
  page.on('console', message => message.type() === 'error' && !message.text().includes('the server responded with') && faults.push(message.text()));
  await page.goto(`${url}/docs`);
  await tryButton(page, '/docs.txt').waitFor();
  const form = page.getByRole('form', { name: 'Log in' });
  const [nameInput, passwordInput] = ['Name', 'Password'].map(label => form.getByLabel(label));
  const token = page.getByLabel('Token, for Authorization: Bearer');
  const focused = () => page.evaluate(() => document.activeElement.type);
  await form.getByText('They go to /token').waitFor();

  await tabTo(page, nameInput);
  await page.keyboard.type(name);
  await tabTo(page, passwordInput);
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await form.getByRole('status').getByText('There is no token: Incorrect username or password').waitFor();
  console.log('ok      a wrong password: the page says so');
  expect('there is no token, and no password is kept', ['', ''], [await token.inputValue(), await passwordInput.inputValue()]);
  expect('the keyboard stands where the next one goes', 'password', await focused());
  await accessible(page, 'after a wrong password');
  await shot(page, 'login-refused');

  await page.keyboard.type(password);
  const asked = page.waitForRequest(`${url}/token`);
  await tabTo(page, form.getByRole('button', { name: 'Authorize' }));
  await page.keyboard.press('Enter');
  await form.getByRole('status').getByText(`The token is that of ${name} now.`).waitFor();
  const sent = Object.fromEntries(new URLSearchParams((await asked).postData()));
  expect('the right one is sent by the password grant', { grant_type: 'password', username: name, password }, sent);
  expect('a token is there, and no password is kept', [64, ''], [(await token.inputValue()).length, await passwordInput.inputValue()]);
  await tabTo(page, tryButton(page, '/protected'));
  await page.keyboard.press('Enter');
  await row(page, '/protected').says('200 because');
  expectLike('the token opens /protected', `{"message":"Hello ${name}! This is a protected route."}`, await row(page, '/protected').answer());
  expect('the guard says where tokens are had', 'Bearer from /token', await row(page, '/protected').item.locator('.guard').textContent());
  await accessible(page, 'after a login');
  await shot(page, 'login');
  await page.setViewportSize({ width: 320, height: 700 });
  expect('nothing sticks out at 320 pixels', true, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'dark, on a phone');
  await shot(page, 'login-phone');
  await page.reload();
  await tryButton(page, '/protected').waitFor();
  expect('token and name are gone with the page', ['', ''], [await token.inputValue(), await nameInput.inputValue()]);
  expect('no fault was logged', [], faults);

  // Answers that would like to be more than text, or are none of a login's.
  const html = '<img src=x onerror=hacked=1>';
  for (const [what, answer, says] of [
    ['HTML in an error', { status: 400, json: { error: 'invalid_grant', error_description: html } }, html],
    ['an error that only has a detail', { status: 429, json: { detail: 'Too many logins at once' } }, 'Too many logins at once'],
    ['no JSON', { status: 502, body: html }, 'Unexpected token'],
    ['no token in it', { json: {} }, '200'],
  ]) {
    await page.route('**/token', route => route.fulfill(answer));
    await nameInput.fill(name);
    await passwordInput.fill(password);
    await passwordInput.press('Enter');
    await form.getByText(`There is no token: ${says}`).waitFor();
    expect(`${what} is told as text`, ['', 0], [await token.inputValue(), await page.locator('img').count()]);
    await page.unroute('**/token');
  }
  expect('nothing was run', 'undefined', await page.evaluate(() => typeof hacked));
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
