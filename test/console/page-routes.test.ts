import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf, routeOf, routeOfSearch } from '../../console/page/routes.js';

test('an address and what it means', () => {
  expect(routeOf('#/dashboard/postern-overview?range=6h&gate=a%26b')).toEqual({
    view: 'dashboard',
    name: 'postern-overview',
    query: new Map([
      ['range', '6h'],
      ['gate', 'a&b'],
    ]),
  });
  expect(routeOf('#/why/192.0.2.0%2F24').name).toBe('192.0.2.0/24');
  for (const unknown of ['', '#', '#/', '#/nowhere', '#/__proto__', '#/start'])
    expect(routeOf(unknown).view).toBe('start');
  expect(routeOf('#/session/%E0%A4').name).toBe('%E0%A4');
});

test('every name and value comes back as it went in', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (name, value) => {
      const { view, name: back, query } = routeOf(hashOf('why', name, [['ip', value]]));
      expect([view, back, query.get('ip')]).toEqual(['why', name, value]);
    }),
  );
});

test('no address throws', () => {
  fc.assert(
    fc.property(fc.string(), (hash) => {
      expect(routeOf(hash).view).toBeTypeOf('string');
    }),
  );
});

test('empty values stay out', () => {
  expect(hashOf('live', '', [['ip', '']])).toBe('#/live');
});

test.each([
  ['01890A5D-AC96-774B-BCCE-B302099A8057', '#/session/01890a5d-ac96-774b-bcce-b302099a8057'],
  [' 192.0.2.1 ', '#/why/192.0.2.1'],
  ['2001:db8::/48', '#/why/2001%3Adb8%3A%3A%2F48'],
  ['00f1e2d3c4b5a697', '#/why/00f1e2d3c4b5a697'],
  ['01H84NVB4PEX5VSKNK0849N02Q', '#/why/01H84NVB4PEX5VSKNK0849N02Q'],
])('a search for %s leads to %s', (text, hash) => {
  expect(routeOfSearch(text)).toBe(hash);
});

test.each(['', 'mail.example.net', '<script>', 'javascript:alert(1)', '1.2.3'])(
  'a search for "%s" leads nowhere',
  (text) => {
    expect(routeOfSearch(text)).toBeUndefined();
  },
);
