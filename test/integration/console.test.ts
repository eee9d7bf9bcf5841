import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ATTACKER, HOSTILE_HELO, HOSTILE_SID, hostileSession, QUOTED_HELO } from '../support/console-data.ts';
import { ConsoleServer, tokens } from '../support/console-server.ts';
import { aCommand } from '../support/events.ts';
import { requireTools } from '../support/needs.ts';

const missing = requireTools('chromium');
/** Where Debian has it. */
const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const [VIEWER, OPERATOR] = Object.keys(tokens) as [string, string];
/** The width of a small phone, pixels. */
const PHONE_WIDTH = 390;
const views = [
  'dashboard/postern-overview',
  'dashboard/postern-attacks',
  'dashboard/postern-blocklist',
  'dashboard/postern-sessions',
  'dashboard/postern-gate-health',
  'live',
  'decisions',
  `session/${HOSTILE_SID}`,
  `why/${ATTACKER}`,
  'configuration',
];

let browser: Browser;
beforeAll(async () => {
  if (missing === undefined) browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
afterAll(() => browser?.close());

interface Opened {
  readonly server: ConsoleServer;
  readonly page: Page;
  /** Goes to a view, by its address behind `#/`. */
  readonly goTo: (view: string) => Promise<void>;
}

/**
 * A console that somebody has signed in to. After the test, nothing may have been logged, and no other host asked.
 *
 * @param meant - Faults that are the matter of the test.
 */
async function open(token: string, options: BrowserContextOptions = {}, meant?: RegExp): Promise<Opened> {
  const server = await ConsoleServer.open();
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'de-DE', ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${server.origin}/`) && request.url() !== 'data:,') faults.push(request.url());
  });
  onTestFinished(async () => {
    const broken = await page.evaluate('window.broken');
    await context.close();
    await server[Symbol.asyncDispose]();
    expect(faults.filter((fault) => meant?.test(fault) !== true)).toEqual([]);
    expect(broken).toBeUndefined();
  });
  await page.goto(`${server.origin}/?token=${token}`);
  await page.locator('main h1').waitFor();
  const goTo = async (view: string): Promise<void> => {
    await page.goto(`${server.origin}/#/${view}`);
  };
  return { server, page, goTo };
}

/** Pixels of a chart that are not of its ground. */
const drawnPixels = (page: Page, panel: string): Promise<number> =>
  page.locator(`[data-panel=${panel}] canvas`).evaluate((canvas) => {
    const context = (canvas as unknown as { getContext(kind: '2d'): CanvasRenderingContext }).getContext('2d');
    const { width, height } = canvas as unknown as { width: number; height: number };
    const { data } = context.getImageData(0, 0, width, height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  });
/** As much of a canvas as is used here: the types of Node know none. */
interface CanvasRenderingContext {
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
}

const widthOf = (page: Page): Promise<number> => page.evaluate('document.documentElement.scrollWidth');

describe.skipIf(missing !== undefined)('the console in a browser', () => {
  test('draws charts, numbers and tables, and marks what is red with what to do', async () => {
    const { page, goTo } = await open(VIEWER);
    await page.locator('[data-panel=latency] canvas').waitFor();
    for (const panel of ['traffic', 'verdicts', 'delivered', 'latency']) {
      await page.locator(`[data-panel=${panel}] canvas`).waitFor();
      expect(await drawnPixels(page, panel)).toBeGreaterThan(2000);
    }
    expect(await page.locator('[data-panel=sessions] p.number').textContent()).toBe('41.3/min');
    const red = page.locator('[data-panel=refused-share]');
    expect(await red.locator('p.number.red').textContent()).toBe('34.2 %');
    await red.getByRole('button').focus();
    await expect.poll(() => red.getByRole('tooltip').isVisible()).toBe(true);
    expect(await red.getByRole('tooltip').textContent()).toContain('postern observe --all');
    await page.keyboard.press('Escape');
    await expect.poll(() => red.getByRole('tooltip').isVisible()).toBe(false);
    await page.locator('.as-of', { hasText: 'Europe/Berlin' }).waitFor();
    for (const view of views.slice(0, 5)) {
      await goTo(view);
      await page.locator('.as-of', { hasText: 'as of' }).waitFor();
      expect(await page.locator('.notice').count()).toBe(0);
    }
  });

  test('asks for the range and the variables that are chosen, and the address says them', async () => {
    const { server, page } = await open(VIEWER);
    await page.getByLabel('Range').selectOption('1h');
    await page.getByRole('combobox', { name: 'Gate' }).selectOption('gate-2');
    await expect.poll(() => page.url()).toContain('#/dashboard/postern-overview?range=1h&gate=gate-2');
    const asked = () =>
      new URL(server.requests.findLast((each) => each.includes('/api/panels/'))?.slice(4) ?? '', 'http://x')
        .searchParams;
    await expect.poll(() => asked().get('var-gate')).toBe('gate-2');
    expect(Number(asked().get('to')) - Number(asked().get('from'))).toBe(3600);
    await page.getByLabel('Range').selectOption('fixed');
    await page.getByRole('textbox', { name: 'From' }).fill('2026-11-01T10:00');
    await expect.poll(() => asked().get('from')).toBe(String(Date.UTC(2026, 10, 1, 9) / 1000));
  });

  test('says what is wrong where history cannot be asked', async () => {
    const { server, page } = await open(VIEWER, {}, /status of 503/);
    await page.locator('.as-of', { hasText: 'as of' }).waitFor();
    server.fault = 'the store is away';
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('alert').first().waitFor();
    expect(await page.getByRole('alert').first().textContent()).toBe('the store is away');
  });

  test('the live tail moves, waits while it is paused, and its filter holds', async () => {
    const { server, page, goTo } = await open(VIEWER);
    await goTo('live');
    await expect.poll(() => server.streamCount).toBe(1);
    const rows = page.locator('.tail li');
    server.happen(aCommand({ verb: 'EHLO', heloName: HOSTILE_HELO, at: Date.now() }));
    server.happen(aCommand({ verb: 'EHLO', heloName: QUOTED_HELO, at: Date.now() }));
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.first().textContent()).toContain(QUOTED_HELO);
    expect(await rows.last().textContent()).toContain(HOSTILE_HELO);
    await page.getByRole('button', { name: 'Newest on top' }).click();
    expect(await rows.first().textContent()).toContain(HOSTILE_HELO);

    await page.getByRole('button', { name: 'Pause' }).click();
    server.happen(aCommand());
    await page.getByRole('button', { name: 'Go on (1 wait)' }).click();
    await expect.poll(() => rows.count()).toBe(3);

    await page.getByLabel('Text').fill('needle');
    await page.keyboard.press('Enter');
    await expect.poll(() => server.requests.at(-1)).toBe('GET /api/events?text=needle');
    await expect.poll(() => server.streamCount).toBe(1);
    server.happen(aCommand());
    server.happen(aCommand({ forwardPath: 'needle@example.org' }));
    await expect.poll(() => rows.count()).toBe(1);
    await rows.getByRole('link').click();
    await page.getByRole('heading', { name: 'Session' }).waitFor();
    await expect.poll(() => server.streamCount).toBe(0);
  });

  test('a tail keeps 500 rows', async () => {
    const { server, page, goTo } = await open(VIEWER);
    await goTo('live');
    await expect.poll(() => server.streamCount).toBe(1);
    for (let index = 0; index < 600; index += 1) server.happen(aCommand({ forwardPath: `n${index}@example.org` }));
    const rows = page.locator('.tail li');
    await page.getByText('n599@example.org').waitFor();
    expect(await rows.count()).toBe(500);
  });

  test('search finds a session; its dialogue stands there as it was', async () => {
    const { page } = await open(VIEWER);
    await page.getByRole('link', { name: 'Sessions and mail' }).click();
    await page.getByLabel('Address', { exact: true }).fill(ATTACKER);
    await page.keyboard.press('Enter');
    const rows = page.locator('[data-panel=session-list] tbody tr');
    await expect
      .poll(async () => new Set(await rows.locator('td:nth-child(3)').allTextContents()))
      .toEqual(new Set([ATTACKER]));
    await rows.first().getByRole('link').first().click();
    await page.locator('.transcript').waitFor();
    expect(await page.locator('.transcript li').count()).toBe(hostileSession.length + 5);
    expect(await page.locator('.transcript .client').first().textContent()).toContain(`EHLO ${HOSTILE_HELO}`);
    expect(await page.locator('.transcript .gate').textContent()).toContain('refuse relay.denied');
    expect(await page.locator('script').count()).toBe(1);
    await page.goBack();
    await rows.first().waitFor();

    await page.getByRole('searchbox', { name: 'session, decision' }).fill(HOSTILE_SID);
    await page.keyboard.press('Enter');
    await page.locator('.transcript').waitFor();
    await page.getByRole('searchbox', { name: 'session, decision' }).fill('nothing of the kind');
    await page.keyboard.press('Enter');
    await page.getByText('Write an address').waitFor();
  });

  test('an operator undoes a decision from its chain, with a reason', async () => {
    const { server, page, goTo } = await open(OPERATOR);
    await goTo('decisions');
    await page.getByRole('link', { name: `Why ${ATTACKER}` }).click();
    const decision = page.locator('.decision');
    await decision.waitFor();
    expect(await decision.textContent()).toContain('postern unblock 198.51.100.23');
    expect(await page.locator('.ledger').first().textContent()).toContain('relay attempt');
    await decision.getByRole('button', { name: 'Undo' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Undo it' }).click();
    expect(server.acts).toEqual([]);
    await dialog.getByLabel('Reason').fill('a customer\u2019s "server"');
    await dialog.getByRole('button', { name: 'Undo it' }).click();
    await page.getByText('taken back by').waitFor();
    expect(server.acts).toEqual([{ act: 'unblock', value: ATTACKER, reason: 'a customer\u2019s "server"' }]);
  });

  test('an operator allows and blocks from the list', async () => {
    const { server, page, goTo } = await open(OPERATOR);
    await goTo('decisions');
    await page.getByRole('button', { name: 'Block …' }).click();
    await page.getByRole('textbox', { name: 'Address or range' }).fill('192.0.2.0/24');
    await page.getByLabel('Reason').fill('a flood');
    await page.getByLabel('Hours').fill('6');
    await page.keyboard.press('Enter');
    await page.getByText('192.0.2.0/24: done at gate-1').waitFor();
    await page.getByRole('button', { name: 'Allow 203.0.113.77' }).click();
    await page.getByLabel('Reason').fill('known');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(5);
    expect(server.acts).toEqual([
      { act: 'block', value: '192.0.2.0/24', reason: 'a flood', hours: 6 },
      { act: 'allow', value: '203.0.113.77', reason: 'known' },
    ]);
    await page.getByRole('searchbox', { name: 'Search' }).fill('town');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
  });

  test('an operator takes back an allow, from the list and from its chain', async () => {
    const allowed = '192.0.2.14';
    for (const from of ['decisions', `why/${allowed}`]) {
      const { server, page, goTo } = await open(OPERATOR);
      await goTo(from);
      await page.getByText('newsletter of the town').waitFor();
      expect(await page.getByRole('button', { name: `Allow ${allowed}` }).count()).toBe(0);
      await page.getByRole('button', { name: from === 'decisions' ? `Undo ${allowed}` : 'Undo' }).click();
      const dialog = page.getByRole('dialog', { name: `Undo the allow of ${allowed}` });
      expect(await dialog.getByLabel('Hours').count()).toBe(0);
      await dialog.getByRole('button', { name: 'Undo it' }).click();
      expect(server.acts).toEqual([]);
      await dialog.getByLabel('Reason').fill('the town has moved');
      await page.keyboard.press('Enter');
      if (from === 'decisions') await expect.poll(() => page.locator('tbody tr').count()).toBe(5);
      else await page.getByText('taken back by').waitFor();
      expect(server.acts).toEqual([{ act: 'disallow', value: allowed, reason: 'the town has moved' }]);
    }
  });

  test('a viewer sees nothing to act with', async () => {
    const { page, goTo } = await open(VIEWER);
    for (const view of ['decisions', `why/${ATTACKER}`]) {
      await goTo(view);
      await page.getByText('tried to relay').first().waitFor();
      expect(await page.getByRole('button', { name: /Undo|Allow|Block/ }).count()).toBe(0);
    }
  });

  test('everything can be done with the keyboard', async () => {
    const { server, page } = await open(OPERATOR);
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 60; presses += 1) {
        await press('Tab');
        const focused = await page.evaluate(
          'document.activeElement.getAttribute("aria-label") || document.activeElement.textContent',
        );
        if (focused === name) return;
      }
      throw new Error(`the focus never comes to ${name}`);
    };
    await press('Tab', 'Enter');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await page.reload();
    await tabTo('In force');
    await press('Enter');
    await page.getByRole('heading', { name: 'Decisions in force' }).waitFor();
    await page.locator('tbody tr').first().waitFor();
    await tabTo('Undo 203.0.113.77');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Undo 203.0.113.77');
    await press('Enter');
    await page.keyboard.type('a mistake');
    await press('Enter');
    await expect.poll(() => server.acts).toEqual([{ act: 'unblock', value: '203.0.113.77', reason: 'a mistake' }]);
    await page.goto(`${server.origin}/#/dashboard/postern-overview`);
    await page.locator('[data-panel=latency] canvas').waitFor();
    await page.locator('[data-panel=latency] .chart').focus();
    await press('Home', 'ArrowRight');
    await expect
      .poll(() => page.locator('[data-panel=latency] .moment').textContent())
      .toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d$/);
  });

  test(`at ${PHONE_WIDTH} pixels no view is wider than the screen`, async () => {
    const { page, goTo } = await open(OPERATOR, {
      viewport: { width: PHONE_WIDTH, height: 844 },
      isMobile: true,
      hasTouch: true,
    });
    for (const view of views) {
      await goTo(view);
      await page.locator('.as-of, .facts, .grid').first().waitFor();
      await page.waitForLoadState('load');
      expect(await widthOf(page), view).toBeLessThanOrEqual(PHONE_WIDTH);
    }
    expect(await page.getByRole('navigation').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).tap();
    await page.getByRole('link', { name: 'Overview' }).tap();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await page.getByRole('navigation').isVisible()).toBe(false);
    await page.locator('[data-panel=refused-share] p.number').waitFor();
    await page.locator('[data-panel=refused-share] button').tap();
    await expect.poll(() => page.locator('[data-panel=refused-share] [role=tooltip]').isVisible()).toBe(true);
    expect(await widthOf(page)).toBeLessThanOrEqual(PHONE_WIDTH);
  });

  test.each(['light', 'dark'] as const)('texts have enough contrast in the %s', async (colorScheme) => {
    const { page, goTo } = await open(OPERATOR, { colorScheme, reducedMotion: 'reduce' });
    await goTo(`why/${ATTACKER}`);
    await page.locator('.transcript').waitFor();
    const names = ['--text', '--quiet', '--accent', '--good', '--warning', '--bad'];
    const colours: Record<string, string> = await page.evaluate(
      `Object.fromEntries(${JSON.stringify([...names, '--surface', '--page'])}.map((name) => [name, getComputedStyle(document.documentElement).getPropertyValue(name).trim()]))`,
    );
    for (const name of names) {
      for (const ground of ['--surface', '--page']) {
        expect(contrast(colours[name] ?? '', colours[ground] ?? ''), `${name} on ${ground}`).toBeGreaterThanOrEqual(
          4.5,
        );
      }
    }
    const isDark = luminance(colours['--page'] ?? '') < 0.1;
    expect(isDark).toBe(colorScheme === 'dark');
  });

  test('a wrong token is told so in plain words, and the right one lets in', async () => {
    const server = await ConsoleServer.open();
    const context = await browser.newContext();
    onTestFinished(async () => {
      await context.close();
      await server[Symbol.asyncDispose]();
    });
    const page = await context.newPage();
    await page.goto(`${server.origin}/?token=wrong`);
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This is not a token of this console.').waitFor();
    expect(await page.getByRole('navigation').isVisible()).toBe(false);
    expect(server.requests.filter((each) => each.includes('/api/') && !/me$|login$/.test(each))).toEqual([]);
    await page.getByLabel('Token').fill(VIEWER);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('main · viewer').waitFor();
  });
});

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
