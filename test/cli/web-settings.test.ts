import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../cli/config/load.ts';
import { placesIn } from '../../cli/config/places.ts';
import { reachable, writeAddress } from '../../cli/io/part-address.ts';
import { makeWebTokens, webToken } from '../../cli/io/web-tokens.ts';
import { historyServer } from '../../cli/store/history-server.ts';
import { TOKEN_LENGTH_MIN } from '../../console/credentials.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const load = (more: string, env: Record<string, string> = {}) =>
  loadConfig(
    `listeners: [{ role: mx, withoutCertificate: true }]
upstreams: { default: { host: 192.0.2.10 } }
domains: { names: [example.com] }
${more}`,
    'postern.yaml',
    env,
  );

/** A configuration, and where its data is. */
function configured(more: string) {
  const config = load(more);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const folder = temporaryDirectory();
  const places = placesIn(join(folder, 'data'));
  return { places, configured: { config: config.value, file: undefined, text: '', hash: '', folder } };
}

test('the port of the console is its own; where it is off nobody minds', () => {
  const clash = load('web: { kind: on, port: 9725 }');
  expect(clash.ok ? [] : clash.error).toMatchObject([{ path: 'web.port', problem: expect.stringContaining('http') }]);
  expect(load('web: { kind: off, port: 9725 }').ok).toBe(true);
  expect(load('web: { kind: on }')).toMatchObject({
    value: { web: { kind: 'on', address: '127.0.0.1', port: 9780 } },
  });
});

test('a variable with a token is set where Postern starts', () => {
  const text = 'web: { kind: on, viewerToken: { env: VIEWER_TOKEN } }';
  const missing = load(text);
  expect(missing.ok ? [] : missing.error).toMatchObject([{ path: 'web.viewerToken.env' }]);
  expect(load(text, { VIEWER_TOKEN: 'x' }).ok).toBe(true);
  expect(load('web: { kind: on, viewerToken: secret }')).toMatchObject({ ok: false });
});

test('tokens are made once, for this user alone', () => {
  const { places, configured: made } = configured('web: { kind: on }');
  expect(webToken(made, places, 'viewer')).toMatchObject({ ok: false, error: expect.stringContaining('viewer.token') });
  expect(makeWebTokens(made, places)).toMatchObject({ ok: true });
  const viewer = webToken(made, places, 'viewer');
  expect(viewer).toMatchObject({ ok: true, value: expect.stringMatching(/^[\w-]{43}$/) });
  expect(webToken(made, places, 'operator')).not.toEqual(viewer);
  expect(statSync(places.viewerToken).mode & 0o777).toBe(0o600);
  const before = readFileSync(places.viewerToken, 'utf8');
  expect(makeWebTokens(made, places)).toMatchObject({ ok: true });
  expect(readFileSync(places.viewerToken, 'utf8')).toBe(before);
});

test('a token of the configuration is taken from its file, and refused where it could be guessed', () => {
  const { places, configured: named } = configured('web: { kind: on, operatorToken: { file: operator.token } }');
  const file = join(named.folder, 'operator.token');
  const token = 'x'.repeat(TOKEN_LENGTH_MIN);
  writeFileSync(file, `${token}\n`);
  expect(webToken(named, places, 'operator')).toEqual({ ok: true, value: token });
  writeFileSync(file, token.slice(1));
  const short = webToken(named, places, 'operator');
  expect(short).toMatchObject({ ok: false, error: expect.stringContaining('web.operatorToken') });
  expect(JSON.stringify(short)).not.toContain(token.slice(1));
});

test('where the history is', () => {
  const none = configured('store: { kind: none }');
  expect(historyServer(none.configured, none.places)).toMatchObject({
    error: { kind: 'none', text: expect.stringContaining('`store.kind`') },
  });
  const server = configured('store: { kind: clickhouse, url: "http://192.0.2.1:8123", username: u }');
  expect(historyServer(server.configured, server.places)).toEqual({
    ok: true,
    value: { url: 'http://192.0.2.1:8123', otherUrls: [], username: 'u', password: '', database: 'postern' },
  });
  const copies = configured('store: { kind: clickhouse, replicas: ["http://192.0.2.1:1", "http://192.0.2.2:2"] }');
  expect(historyServer(copies.configured, copies.places)).toMatchObject({
    value: { url: 'http://192.0.2.1:1', otherUrls: ['http://192.0.2.2:2'] },
  });
  // The store has not made its password yet.
  const own = configured('store: { kind: chdb, http: { address: "::" } }');
  expect(historyServer(own.configured, own.places)).toMatchObject({
    error: { kind: 'away', text: expect.stringContaining('postern store') },
  });
  mkdirSync(join(own.places.storeHttpKey, '..'), { recursive: true });
  writeFileSync(own.places.storeHttpKey, 'key\n');
  expect(historyServer(own.configured, own.places)).toMatchObject({
    ok: true,
    value: { url: 'http://[::1]:8123', username: 'postern', password: 'key' },
  });
});

test('a port that the system chose is the one that the store has written down', () => {
  const { configured: own, places } = configured('store: { kind: chdb, http: { port: 0 } }');
  mkdirSync(join(places.storeHttpKey, '..'), { recursive: true });
  writeFileSync(places.storeHttpKey, 'key\n');
  const away = { error: { kind: 'away', text: expect.stringContaining('postern store') } };
  expect(historyServer(own, places)).toMatchObject(away);
  mkdirSync(join(places.storeAddress, '..'));
  writeFileSync(places.storeAddress, 'nonsense\n');
  expect(historyServer(own, places)).toMatchObject(away);
  expect(writeAddress(places.storeAddress, 'http://127.0.0.1:40123')).toEqual({ ok: true });
  expect(historyServer(own, places)).toMatchObject({ value: { url: 'http://127.0.0.1:40123', password: 'key' } });
  // What the configuration says comes first.
  const named = configured('store: { kind: chdb }').configured;
  expect(historyServer(named, places)).toMatchObject({ value: { url: 'http://127.0.0.1:8123' } });
});

test('where this machine reaches an address', () => {
  expect(['0.0.0.0', '::', '::1', '192.0.2.1'].map(reachable)).toEqual(['127.0.0.1', '[::1]', '[::1]', '192.0.2.1']);
});
