import { expect, test } from 'vitest';
import { loadConfig } from '../../cli/config/load.ts';
import { listSettings } from '../../console/settings-list.ts';

const text = `
hostname: mx.example.com
listeners: [{ role: mx }, { role: submission, port: 587 }]
upstreams: { default: { host: 192.0.2.10 } }
domains: { url: { file: /run/secrets/domains } }
tls: { certificates: [{ certFile: a.pem, keyFile: a.key, keyPassphrase: { file: /run/secrets/passphrase } }] }
networks: { trusted: [10.0.0.0/8, "2001:db8::/32"] }
watch: { alerts: { webhook: "https://hooks.example.com/T0/secret?key=1" } }
store: { kind: clickhouse, url: "http://127.0.0.1:8123", password: { file: /run/secrets/clickhouse } }
web: { kind: on, viewerToken: { file: /run/secrets/viewer } }
`;

function listed() {
  const config = loadConfig(text, 'postern.yaml', {});
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return listSettings(config.value, (path) => path[0] === 'limits');
}

const shownAt = (path: string): unknown => listed().find((setting) => setting.path === path)?.value;

test('settings by their path', () => {
  expect(shownAt('hostname')).toBe('mx.example.com');
  expect(shownAt('listeners[1].port')).toBe(587);
  expect(shownAt('upstreams.default.host')).toBe('192.0.2.10');
  expect(shownAt('networks.trusted')).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  expect(shownAt('networks.balancers')).toEqual([]);
  expect(listed().find(({ path }) => path === 'limits.errorsMax')).toEqual({
    path: 'limits.errorsMax',
    value: 10,
    isDefault: true,
  });
});

test('of secrets nothing is told, nor where they are; of addresses only whose', () => {
  expect(shownAt('domains.url')).toBe('(kept in a file)');
  expect(shownAt('tls.certificates[0].keyPassphrase')).toBe('(kept in a file)');
  expect(shownAt('web.viewerToken')).toBe('(kept in a file)');
  expect(shownAt('watch.alerts.webhook')).toBe('https://hooks.example.com/…');
  expect(shownAt('store.url')).toBe('http://127.0.0.1:8123');
  expect(JSON.stringify(listed())).not.toMatch(/secret/);
  expect(listSettings({ password: { env: 'NAME' } }, () => false)).toEqual([
    { path: 'password', value: '(kept in a variable)', isDefault: false },
  ]);
});

test('all of it is JSON', () => {
  expect(JSON.parse(JSON.stringify(listed()))).toEqual(listed());
});
