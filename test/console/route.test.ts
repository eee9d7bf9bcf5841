import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PARAMETER_LENGTH_MAX, type Route, readRoute, TARGET_LENGTH_MAX } from '../../console/route.ts';
import { referenceOf } from '../../lib/uuid-v7.ts';

const sid = '01890a5d-ac96-774b-bcce-b302099a8057';

/** What is asked for, or the status that it gets. */
function read(target: string, method = 'GET'): Route | number {
  const route = readRoute(method, target);
  return route.ok ? route.value : route.error.status;
}

test.each([
  ['/', { kind: 'home', token: undefined }],
  ['/?token=abc&token=def', { kind: 'home', token: 'abc' }],
  ['/app/style.css', { kind: 'file', name: 'style.css' }],
  ['/app/vendor/uPlot.esm.js?v=1', { kind: 'file', name: 'vendor/uPlot.esm.js' }],
  ['/api/me', { kind: 'me' }],
  ['/api/blocklist?ip=192.0.2.1', { kind: 'blocklist', ip: '192.0.2.1' }],
  ['/api/blocklist', { kind: 'blocklist', ip: '' }],
  ['/api/why/192.0.2.0%2F24', { kind: 'why', subject: '192.0.2.0/24' }],
  ['/api/why/192.0.2.0/24', { kind: 'why', subject: '192.0.2.0/24' }],
  ['/api/why/2001%3Adb8%3A%3A1', { kind: 'why', subject: '2001:db8::1' }],
  [`/api/sessions/${sid.toUpperCase()}`, { kind: 'session', sid }],
  [`/api/sessions/${referenceOf(sid)}`, { kind: 'session', sid }],
  [
    '/api/panels/a/b?from=1&var-x=%3Cb%3E',
    {
      kind: 'panel',
      dashboard: 'a',
      panel: 'b',
      parameters: new Map([
        ['from', '1'],
        ['var-x', '<b>'],
      ]),
    },
  ],
  ['/api/variables/a/gate', { kind: 'variable', dashboard: 'a', name: 'gate', parameters: new Map() }],
  ['/api/events?type=mail', { kind: 'events', parameters: new Map([['type', 'mail']]) }],
])('%s', (target, route) => {
  expect(read(target)).toEqual(route);
});

test.each([
  '',
  '*',
  'api/app',
  '%2F/app',
  '/etc/passwd',
  '/api',
  '/api/',
  '/api/nothing',
  '/api/me/more',
  '/api/sessions/1',
  '/api/sessions/%zz',
  '/api/panels/a',
  '/api/panels/a/b/c',
  '/api/why/a/b/c',
  '/%61pp/x.js',
  '//app/x.js',
  'http://127.0.0.1/api/me',
])('%s is nothing', (target) => {
  expect(read(target)).toBe(404);
});

test.each(['/app/../../etc/passwd', '/app/%2e%2e/%2e%2e/etc/passwd', '/app/..%2fx'])(
  '%s is a name that no file has',
  (target) => {
    expect(read(target)).toEqual({ kind: 'file', name: target.slice('/app/'.length) });
  },
);

test('what changes something is posted, everything else is got', () => {
  expect(read('/api/login', 'POST')).toEqual({ kind: 'login' });
  expect(read('/api/acts', 'POST')).toEqual({ kind: 'acts' });
  expect(read('/', 'HEAD')).toEqual({ kind: 'home', token: undefined });
  for (const target of ['/api/login', '/api/acts']) expect(read(target, 'GET')).toBe(405);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'HEAD', ''])
    expect(read('/api/me', method)).toBe(405);
  expect(readRoute('PUT', '/api/acts')).toEqual({ ok: false, error: expect.objectContaining({ allow: 'POST' }) });
});

test('an address or a value that is too long is refused', () => {
  const long = (length: number): string => `/api/why/${'x'.repeat(length - '/api/why/'.length)}`;
  expect(read(long(TARGET_LENGTH_MAX))).toMatchObject({ kind: 'why' });
  expect(read(long(TARGET_LENGTH_MAX + 1))).toBe(414);
  expect(read(`/api/events?text=${'x'.repeat(PARAMETER_LENGTH_MAX)}`)).toMatchObject({ kind: 'events' });
  expect(read(`/api/events?text=${'x'.repeat(PARAMETER_LENGTH_MAX + 1)}`)).toBe(400);
});

test('no request throws, and nothing is found outside of what there is', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '..',
      '%2e',
      '%2F',
      'api',
      'app',
      '?',
      '&',
      '=',
      '%',
      '%zz',
      '#',
      '\0',
      'panels',
      'why',
      'sessions',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const target = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST', 'HEAD', 'X'), target, (method, text) => {
      const route = readRoute(method, text);
      if (route.ok) expect(text.startsWith('/')).toBe(true);
      else expect([400, 404, 405, 414]).toContain(route.error.status);
    }),
  );
});
