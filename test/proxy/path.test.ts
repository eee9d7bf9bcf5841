import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalDomain, parseForwardPath, parseReversePath, routingTrick, splitPath } from '../../proxy/path.ts';

/** A short form of a path, for tables. */
function shown(path: ReturnType<typeof parseForwardPath> | ReturnType<typeof parseReversePath>): string {
  if (!path.ok) return `fault ${path.error}`;
  const { value } = path;
  if (value.kind !== 'mailbox') return value.kind;
  const { localPart, domain, sourceRoute } = value;
  const named = [...sourceRoute, domain].map((each) => (each.kind === 'literal' ? `[${each.address}]` : each.ascii));
  return [localPart, ...named].join(' | ');
}

const forwardPaths: readonly [string, string][] = [
  ['b@example.com', 'b | example.com'],
  ['B@Example.COM', 'B | example.com'],
  ['postmaster', 'postmaster'],
  ['PoStMaStEr', 'postmaster'],
  // Legacy addresses have dots where RFC 5321 allows none.
  ['.b.@example.com', '.b. | example.com'],
  ['a..b@example.com', 'a..b | example.com'],
  ["!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~ | example.com"],
  ['"a b"@example.com', 'a b | example.com'],
  ['"a\\"b\\\\c"@example.com', 'a"b\\c | example.com'],
  ['""@example.com', ' | example.com'],
  // EN-04, R-84: one mailbox, no parameters.
  ['"x@other.example> NOTIFY=NEVER "@example.com', 'x@other.example> NOTIFY=NEVER  | example.com'],
  ['b@example.com.', 'b | example.com'],
  ['b@localhost', 'b | localhost'],
  ['b@_dmarc.a-b.example', 'b | _dmarc.a-b.example'],
  ['b@xn--BCHER-KVA.example', 'b | xn--bcher-kva.example'],
  // EN-06.
  ['@relay.example.net,@x.example.net:bob@example.com', 'bob | relay.example.net | x.example.net | example.com'],
  ['@[IPv6:2001:db8::1]:bob@example.com', 'bob | [2001:db8::1] | example.com'],
  // EN-08.
  ['b@b\u00fccher.example', 'b | xn--bcher-kva.example'],
  ['b@B\u00dcCHER.example', 'b | xn--bcher-kva.example'],
  ['b@\uff42locked.example', 'b | blocked.example'],
  ['b@ex\uff0eample\u3002com', 'b | ex.ample.com'],
  ['b@example.com\u3002', 'b | example.com'],
  ['gr\u00fc\u00df@example.com', 'gr\u00fc\u00df | example.com'],
  // No A-label form: not ours, whatever the lists say.
  ['b@\u00e9.1', 'b | '],
  ['b@\uff05\u00e9.example', 'b | '],
  // EN-09.
  ['b@[192.0.2.1]', 'b | [192.0.2.1]'],
  ['b@[IPv6:2001:DB8::1]', 'b | [2001:db8::1]'],
  ['b@[ipv6:::ffff:192.0.2.1]', 'b | [192.0.2.1]'],
  // EN-10: lengths are the server's business.
  [`${'l'.repeat(65)}@example.com`, `${'l'.repeat(65)} | example.com`],
  [`b@${'d.'.repeat(150)}example`, `b | ${'d.'.repeat(150)}example`],

  ['', 'fault empty'],
  ['root', 'fault no-domain'],
  ['"victim%other.example"', 'fault no-domain'],
  ['"postmaster"', 'fault no-domain'],
  ['postma\u017fter', 'fault no-domain'],
  // EN-07, R-85.
  ['x@example.com@', 'fault domain'],
  ['x@a@example.com', 'fault domain'],
  ['x@', 'fault domain'],
  ['x@exa mple.com', 'fault domain'],
  ['x@.example.com', 'fault domain'],
  ['x@example..com', 'fault domain'],
  ['x@example.com..', 'fault domain'],
  ['x@example.com.\u3002', 'fault domain'],
  ['x@.', 'fault domain'],
  ['x@example.com ', 'fault domain'],
  ['x@exa%mple.com', 'fault domain'],
  ['x@exa/mple.com', 'fault domain'],
  ['x@exa\x85mple.com', 'fault domain'],
  ['x@exa\x00mple.com', 'fault domain'],
  ['@example.com', 'fault source-route'],
  ['@example.com,:b@example.com', 'fault source-route'],
  ['@a,b@example.com', 'fault source-route'],
  ['@', 'fault source-route'],
  ['@a.example:', 'fault local-part'],
  ['@a.example:postmaster', 'fault no-domain'],
  ['b@[192.0.2.999]', 'fault domain'],
  ['b@[192.0.2.01]', 'fault domain'],
  ['b@[IPv6:zz]', 'fault domain'],
  ['b@[IPv6:192.0.2.1]', 'fault domain'],
  ['b@[IPv6:fe80::1%eth0]', 'fault domain'],
  ['b@[2001:db8::1]', 'fault domain'],
  ['b@[192.0.2.1', 'fault domain'],
  ['b@[192.0.2.1]x', 'fault domain'],
  ['b@[]', 'fault domain'],
  ['b@[tag:x]', 'fault domain'],
  [' b@example.com', 'fault local-part'],
  ['a b@example.com', 'fault local-part'],
  ['a(b)@example.com', 'fault local-part'],
  ['a,b@example.com', 'fault local-part'],
  ['a\\@b@example.com', 'fault local-part'],
  ['a"b"@example.com', 'fault local-part'],
  ['"a"b@example.com', 'fault local-part'],
  ['"a".b@example.com', 'fault local-part'],
  ['"a@example.com', 'fault local-part'],
  ['"a\\', 'fault local-part'],
  // LG-01.
  ['"a\x07b"@example.com', 'fault local-part'],
  ['"a\\\x07b"@example.com', 'fault local-part'],
  ['a\x07b@example.com', 'fault local-part'],
  ['a\x9fb@example.com', 'fault local-part'],
  ['a\tb@example.com', 'fault local-part'],
];

test.each(forwardPaths)('forward-path %j: %s', (text, want) => {
  const path = parseForwardPath(text);
  expect(shown(path)).toBe(want);
  if (path.ok) expect(path.value.text).toBe(text);
});

test.each([
  ['', 'null'],
  ['a@example.com', 'a | example.com'],
  ['root', 'fault no-domain'],
  ['postmaster', 'fault no-domain'],
  ['x@', 'fault domain'],
  ['<>', 'fault local-part'],
])('reverse-path %j: %s', (text, want) => {
  expect(shown(parseReversePath(text))).toBe(want);
});

test('the domain keeps its spelling beside its canonical form', () => {
  expect(parseForwardPath('b@Ex\uff0eAmple.COM.')).toMatchObject({
    value: { domain: { kind: 'name', text: 'Ex\uff0eAmple.COM.', ascii: 'ex.ample.com' } },
  });
  expect(parseForwardPath('b@[IPv6:2001:DB8::1]')).toMatchObject({
    value: { domain: { kind: 'literal', text: '[IPv6:2001:DB8::1]', address: '2001:db8::1' } },
  });
});

test.each([
  ['FROM:<a@b.example>', { path: 'a@b.example', rest: '' }],
  ['from:<a@b.example>', { path: 'a@b.example', rest: '' }],
  ['FROM: \t<a@b.example> SIZE=1', { path: 'a@b.example', rest: ' SIZE=1' }],
  ['FROM:<a@b.example>\tSIZE=1', { path: 'a@b.example', rest: '\tSIZE=1' }],
  ['FROM:<>', { path: '', rest: '' }],
  ['FROM:<"a>b"@c.example> X', { path: '"a>b"@c.example', rest: ' X' }],
  ['FROM:<"a\\">b"@c.example>', { path: '"a\\">b"@c.example', rest: '' }],
  ['FROM:<a@b.example>SIZE=1', 'brackets'],
  ['FROM:<a@b.example>>', 'brackets'],
  ['FROM:a@b.example', 'brackets'],
  ['FROM:<a@b.example', 'brackets'],
  ['FROM:<"a@b.example>', 'brackets'],
  ['FROM:\x0b<a@b.example>', 'brackets'],
  ['FROM:\u00a0<a@b.example>', 'brackets'],
  ['FROM:', 'brackets'],
  ['FROM <a@b.example>', 'keyword'],
  ['FROM :<a@b.example>', 'keyword'],
  ['TO:<a@b.example>', 'keyword'],
  ['<a@b.example>', 'keyword'],
  ['', 'keyword'],
])('the path in %j', (argument, want) => {
  const split = splitPath(argument, 'FROM');
  expect(split.ok ? split.value : split.error).toEqual(want);
});

test.each([
  ['Example.COM.', 'example.com'],
  ['b\u00fccher.example', 'xn--bcher-kva.example'],
  ['example..com', undefined],
  ['exa mple.com', undefined],
  ['[192.0.2.1]', undefined],
  ['', undefined],
])('the canonical form of %j is %j', (text, want) => {
  expect(canonicalDomain(text)).toBe(want);
});

test('a canonical form is its own canonical form', () => {
  const unit = fc.constantFrom(...'aZ9-_.\u00e9\u00df\uff42\u3002\uff0e\u0131\u212a\u00ad\u200d%/[');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), (text) => {
      const canonical = canonicalDomain(text);
      if (canonical === undefined) return;
      expect(canonical).toMatch(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
      expect(canonicalDomain(canonical)).toBe(canonical);
      expect(canonicalDomain(`${canonical}.`)).toBe(canonical);
      expect(canonicalDomain(canonical.toUpperCase())).toBe(canonical);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['victim%other.example', true],
  ['other.example!victim', true],
  ['victim@other.example', true],
  ['victim', false],
  ['victim+tag', false],
])('the local part %s holds a routing trick: %j', (localPart, want) => {
  expect(routingTrick(localPart)).toBe(want);
});

test('a quoted local part hides nothing of the path', () => {
  const content = fc.string({ unit: fc.constantFrom(...'ab>< @"\\=;.%!'), maxLength: 30 });
  fc.assert(
    fc.property(content, (localPart) => {
      const quoted = `"${localPart.replace(/["\\]/g, '\\$&')}"@example.com`;
      const split = splitPath(`TO:<${quoted}> NOTIFY=NEVER`, 'TO');
      expect(split).toEqual({ ok: true, value: { path: quoted, rest: ' NOTIFY=NEVER' } });
      expect(parseForwardPath(quoted)).toMatchObject({ value: { localPart, domain: { ascii: 'example.com' } } });
    }),
  );
});
