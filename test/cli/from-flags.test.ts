import { expect, test } from 'vitest';
import { type ConfigFlagValues, configArguments, configFlags, configFromFlags } from '../../cli/config/from-flags.ts';
import { checkConfig } from '../../cli/config/load.ts';
import { readFlags } from '../../cli/flags.ts';

const least: ConfigFlagValues = { upstream: '192.0.2.10', domains: 'example.com' };

function configOf(flags: ConfigFlagValues) {
  const given = configFromFlags(flags);
  return given.ok ? checkConfig(given.value, {}) : given;
}

test('a server behind and a domain are enough', () => {
  expect(configOf(least)).toMatchObject({
    ok: true,
    value: {
      listeners: [{ role: 'mx', address: '0.0.0.0', port: 25, withoutCertificate: true }],
      upstreams: { default: { host: '192.0.2.10', port: 25 } },
      domains: { names: ['example.com'] },
    },
  });
});

test('every flag is a setting', () => {
  const flags = {
    upstream: '[2001:db8::1]:2525',
    domains: 'example.com, example.net',
    listen: '127.0.0.1:2600',
    hostname: 'mx.example.com',
    certificate: 'a.pem',
    key: 'a.key',
    data: '/tmp/x',
    log: 'debug',
  };
  expect(configOf(flags)).toMatchObject({
    ok: true,
    value: {
      hostname: 'mx.example.com',
      dataDirectory: '/tmp/x',
      logging: { level: 'debug' },
      listeners: [{ address: '127.0.0.1', port: 2600, withoutCertificate: false }],
      upstreams: { default: { host: '2001:db8::1', port: 2525 } },
      domains: { names: ['example.com', 'example.net'] },
      tls: { certificates: [{ certFile: 'a.pem', keyFile: 'a.key' }] },
    },
  });
});

test.each([
  { text: 'mail.example.com', want: { host: 'mail.example.com', port: 25 } },
  { text: 'mail.example.com:587', want: { host: 'mail.example.com', port: 587 } },
  { text: '192.0.2.1:26', want: { host: '192.0.2.1', port: 26 } },
  { text: '2001:db8::1', want: { host: '2001:db8::1', port: 25 } },
  { text: '[2001:db8::1]', want: { host: '2001:db8::1', port: 25 } },
])('--upstream $text', ({ text, want }) => {
  expect(configFromFlags({ ...least, upstream: text })).toMatchObject({ value: { upstreams: { default: want } } });
});

test.each([
  { flags: { domains: 'example.com' }, want: '--upstream is needed: the address of the mail server behind' },
  { flags: { upstream: 'a' }, want: '--domains is needed: the domains whose mail it takes' },
  { flags: { ...least, key: 'k' }, want: '--certificate and --key belong together' },
  { flags: { ...least, upstream: 'a:b' }, want: '--upstream a:b is no host:port' },
  { flags: { ...least, listen: '[::1' }, want: '--listen [::1 is no address:port' },
  { flags: { ...least, config: 'x' }, want: '--config stands for all other flags; give one or the others' },
])('$want', ({ flags, want }) => {
  expect(configFromFlags(flags)).toEqual({ ok: false, error: want });
});

test('what is passed on to a child process is read as the same', () => {
  const flags = { ...least, listen: '-x', log: 'debug' };
  expect(readFlags({ verb: 'gate', summary: '', flags: configFlags }, configArguments(flags))).toEqual({
    ok: true,
    value: flags,
  });
});
