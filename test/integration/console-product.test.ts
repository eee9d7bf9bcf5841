import { type Browser, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { TestConsole } from '../support/console.ts';
import { requireTools } from '../support/needs.ts';
import { until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';

const CHROMIUM = '/usr/bin/chromium';
const hostile = '<script>window.broken=1</script>';
const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

/** A session that is refused, of somebody whose name is a program. */
async function refusedSession(console: TestConsole): Promise<void> {
  const client = await RawClient.connect(console.site.port);
  onTestFinished(() => client.destroy());
  await client.code();
  await client.say(`HELO ${hostile}`);
  await client.say('MAIL FROM:<a@example.net>');
  await client.say('RCPT TO:<x@elsewhere.example>');
  await client.say('QUIT');
}

/** A page, what it says to its console, and whom else it asks. */
async function pageOf(browser: Browser, url: string): Promise<{ readonly page: Page; readonly wrong: string[] }> {
  const page = await (await browser.newContext()).newPage();
  const wrong: string[] = [];
  page.on('console', (message) => wrong.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) wrong.push(`asks ${request.url()}`);
  });
  return { page, wrong };
}

const missing = requireTools('chromium');

test.skipIf(missing !== undefined)(
  `a day with the console of the real product: charts, a session, live events, why, undo${missing === undefined ? '' : ` (${missing})`}`,
  async () => {
    const console = await TestConsole.withStore();
    for (let count = 0; count < 3; count += 1) {
      expect(await console.site.send()).toBe(250);
      await refusedSession(console);
    }
    const to = Math.ceil(Date.now() / 1000) + 60;
    const listed = `/api/panels/postern-sessions/session-list?from=${to - 3600}&to=${to}`;
    await until(
      async () => ((await console.get(listed)).value.rows?.length > 3 ? true : undefined),
      () => 'sessions in the store',
    );
    expect(await console.post('/api/acts', { act: 'block', value: '185.1.2.3', reason: 'a test' })).toMatchObject({
      status: 200,
    });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', ...quiet] });
    onTestFinished(() => browser.close());
    const { page, wrong } = await pageOf(browser, console.url);
    await page.goto(`${console.url}/?token=${console.operator}`);
    await page.locator('main h1').waitFor();
    expect(page.url()).not.toContain('token');
    for (const name of ['overview', 'attacks', 'blocklist', 'sessions', 'gate-health']) {
      await page.goto(`${console.url}/#/dashboard/postern-${name}?range=1h`);
      await page.locator('.panel').first().waitFor();
    }
    await page.goto(`${console.url}/#/dashboard/postern-overview?range=1h`);
    await page.locator('canvas').first().waitFor();

    await page.goto(`${console.url}/#/live`);
    await page.waitForTimeout(800);
    await refusedSession(console);
    await page.locator('.tail li').nth(4).waitFor();
    await page.locator('.tail a').first().click();
    await page.locator('.transcript').waitFor();
    expect(await page.locator('main').textContent()).toContain(hostile);

    await page.goto(`${console.url}/#/why/185.1.2.3`);
    await page.getByText('a test').first().waitFor();
    await page.goto(`${console.url}/#/decisions`);
    await page.getByRole('button', { name: 'Undo 185.1.2.3' }).click();
    await page.getByLabel('Reason').fill('was only a test');
    await page.keyboard.press('Enter');
    await page.locator('#status:not(:empty)').waitFor();
    const acts = await console.site.of('operator-acted');
    expect(acts.map(({ act, by, reason }) => [act, by, reason])).toEqual([
      ['block', 'console', 'a test'],
      ['unblock', 'console', 'was only a test'],
    ]);
    expect(await page.evaluate('window.broken')).toBeUndefined();
    expect(wrong).toEqual([]);
  },
);
