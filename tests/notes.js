// Uses the program tests/notes.rs in a browser: from a page of another origin (CORS), and
// on its page /docs, which has a field for the parameter of a path. scripts/notes.sh runs
// this:
//
//     NODE_PATH=node_modules node tests/notes.js http://127.0.0.1:8000 /usr/bin/chromium
'use strict';

const http = require('node:http');

const { chromium } = require('playwright-core');

const [url, browserPath] = process.argv.slice(2);

const expect = (what, expected, actual) => {
  [expected, actual] = [expected, actual].map(value => JSON.stringify(value));
  if (expected !== actual) throw new Error(`FAILED  ${what}\nexpected: ${expected}\nactual:   ${actual}`);
  console.log(`ok      ${what}`);
};

// A server of its own gives the pages: with `page.route`, playwright would answer each
// preflight itself, and the program would not be tested.
const servePages = () => new Promise(resolve => {
  const server = http.createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<title>A page</title>'));
  server.listen(0, '127.0.0.1', () => resolve(server));
});

// A page of this origin adds a note, reads it and removes it. The browser asks before each
// of these requests whether the page may send it (a preflight), because it has a token.
const callFrom = async (browser, origin) => {
  const page = await browser.newPage();
  await page.goto(`${origin}/`);
  return page.evaluate(async url => {
    const headers = { 'Authorization': 'Bearer s3cret-token-of-ann', 'Content-Type': 'application/json' };
    try {
      const added = await fetch(`${url}/notes`, { method: 'POST', headers, body: '{"title":"Milk"}' });
      const { id } = await added.json();
      const read = await (await fetch(`${url}/notes/${id}`, { headers })).json();
      const removed = await fetch(`${url}/notes/${id}`, { method: 'DELETE', headers });
      const refused = await fetch(`${url}/notes`);
      const missing = await fetch(`${url}/nope`);
      return [added.status, read.title, removed.status, refused.status, missing.status];
    } catch (error) {
      return error.message;
    }
  }, url);
};

(async () => {
  const pages = await servePages();
  // The origins keep their ports, whichever port is free for the pages.
  const rules = [3000, 3001].map(port => `MAP localhost:${port} 127.0.0.1:${pages.address().port}`).join(', ');
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', `--host-resolver-rules=${rules}`],
  });
  try {
    expect('a page of the known origin may use the API, also its errors', [201, 'Milk', 204, 401, 404], await callFrom(browser, 'http://localhost:3000'));
    expect('a page of another origin may not', 'Failed to fetch', await callFrom(browser, 'http://localhost:3001'));
    const listed = await fetch(`${url}/notes`, { headers: { 'Authorization': 'Bearer s3cret-token-of-ann' } });
    const titles = (await listed.json()).map(note => note.title);
    expect('and its note was never added', false, titles.includes('Milk'));

    const page = await browser.newPage();
    await page.goto(`${url}/docs`);
    const note = page.getByRole('listitem').filter({ has: page.getByRole('button', { name: 'Try /notes/{id}', exact: true }) });
    await note.getByRole('button', { name: 'Try /notes/{id}' }).first().click();
    const field = note.getByLabel('id', { exact: true }).first();
    expect('the field of the parameter has the focus', true, await field.evaluate(field => field === document.activeElement));
    await field.fill('a/b c');
    expect('its value is encoded into the target', '/notes/a%2Fb%20c', await note.getByLabel('Target').first().inputValue());
    await page.getByLabel('Token, for Authorization: Bearer').fill('s3cret-token-of-ann');
    await field.press('Enter');
    await note.getByText('404 because').waitFor();
    console.log('ok      the request is sent, and nobody has that note');
    const hidden = note.getByText('the guard hides what is here').first();
    expect('the page says that a guard can hide a note', true, await hidden.isVisible());
  } finally {
    await browser.close();
    pages.close();
  }
})().catch(error => {
  console.log(error.message);
  process.exit(1);
});
