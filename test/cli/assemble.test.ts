import { expect, test } from 'vitest';
import { gateSettings, identityOf, type Machine, ownAddresses, type Surroundings } from '../../cli/config/assemble.ts';
import { loadConfig } from '../../cli/config/load.ts';
import type { Config } from '../../cli/config/schema.ts';
import { changedRestartOnly, withoutRestartOnly } from '../../cli/gate/restart-only.ts';
import { PrefixSet, parseAddress } from '../../lib/ip.ts';
import { defaultModes } from '../../proxy/policy/modes.ts';

const machine: Machine = { name: 'Box.example.com', addresses: ['192.0.2.1', '2001:db8::1'] };

function configOf(text: string): Config {
  const loaded = loadConfig(
    `listeners: [{ role: mx, address: 192.0.2.9, withoutCertificate: true }]
upstreams: { default: { host: 192.0.2.10 } }
domains: { names: [example.com] }
${text}`,
    'postern.yaml',
    {},
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

const settingsOf = (config: Config, around: Partial<Surroundings> = {}) =>
  gateSettings(config, {
    version: '1',
    configHash: 'h',
    lists: {
      isOwnDomain: () => false,
      isOwnAddress: () => false,
      isKnownRecipient: () => 'no-list',
      isNearMiss: () => false,
    },
    hasHistory: () => false,
    providers: new PrefixSet([]),
    machine,
    tls: undefined,
    trustedCertificates: new Map(),
    panic: false,
    ...around,
  });

test.each([
  {
    text: '',
    name: machine.name,
    want: { site: 'main', gate: 'box', hostname: 'box.example.com', contact: 'postmaster@box.example.com' },
  },
  {
    text: 'site: s\ngate: g\nhostname: MX.Example.com\ncontact: help@example.com',
    name: machine.name,
    want: { site: 's', gate: 'g', hostname: 'mx.example.com', contact: 'help@example.com' },
  },
  // A name that could not stand in a reply.
  {
    text: '',
    name: 'my box!',
    want: { site: 'main', gate: 'localhost', hostname: 'localhost', contact: 'postmaster@localhost' },
  },
])('who we are: $want', ({ text, name, want }) => {
  expect(identityOf(configOf(text), { ...machine, name })).toEqual(want);
});

test('a listener is offered TLS by its role and certificate', () => {
  const text = `tls: { certificates: [{ certFile: a, keyFile: b }] }
listeners:
  - { role: mx }
  - { role: submission, withoutCertificate: true }
  - { role: submissions }
`;
  const config = loadConfig(`${text}upstreams: { default: { host: a } }\ndomains: { names: [example.com] }\n`, 'x', {});
  expect(config.ok && settingsOf(config.value).listeners.map(({ name, tls }) => [name, tls])).toEqual([
    ['mx', 'starttls'],
    ['submission', 'none'],
    ['submissions', 'implicit'],
  ]);
});

test('each listener has the server behind that it names', () => {
  const text = `listeners:
  - { role: mx, withoutCertificate: true }
  - { role: submission, withoutCertificate: true, upstream: users }
upstreams:
  default: { host: 192.0.2.10, connectionsMax: 7 }
  users: { host: mail.example.com, port: 587, tls: required, caFile: ca.pem, clientAddress: xclient }
domains: { names: [example.com] }
`;
  const config = loadConfig(text, 'x', {});
  const settings = config.ok
    ? settingsOf(config.value, { trustedCertificates: new Map([['users', 'PEM']]) })
    : undefined;
  expect(settings?.listeners[0]?.route).toMatchObject({
    target: { host: '192.0.2.10', port: 25, serverName: undefined, ca: undefined },
    connectionsMax: 7,
  });
  expect(settings?.listeners[1]?.route).toEqual({
    target: { host: 'mail.example.com', port: 587, serverName: undefined, ca: 'PEM' },
    settings: {
      tls: 'required',
      verifyCertificate: true,
      clientAddress: 'xclient',
      xclientRequired: true,
      lenientLineEnds: false,
    },
    connectionsMax: 1000,
  });
});

test('our own addresses, and the server behind, can never be blocked; neither can what the operator lists', () => {
  const config = configOf('networks: { neverList: [8.8.8.0/24] }\npolicy: { ownNames: [Other.example.com, 9.9.9.9] }');
  const { networks, session } = settingsOf(config, { machine: { ...machine, addresses: ['7.7.7.7'] } });
  const never = (ip: string): boolean => {
    const address = parseAddress(ip);
    return address !== undefined && networks.never.contains(address);
  };
  expect(['7.7.7.7', '192.0.2.9', '192.0.2.10', '8.8.8.8', '9.9.9.9', '10.0.0.1'].map(never)).toEqual(
    Array(6).fill(true),
  );
  expect(never('8.8.4.4')).toBe(false);
  expect([...session.ownNames].sort()).toEqual([
    '192.0.2.9',
    '7.7.7.7',
    '9.9.9.9',
    'box.example.com',
    'other.example.com',
  ]);
});

test('a wildcard is no address of ours', () => {
  const config = configOf('');
  const [listener] = config.listeners;
  const wild = {
    ...config,
    listeners: [
      { ...listener, address: '0.0.0.0' },
      { ...listener, address: '::' },
    ],
  } as Config;
  expect([...ownAddresses(wild, machine)]).toEqual(machine.addresses);
});

test('trust is what the configuration says, and nothing by default', () => {
  const trusted = (text: string, ip: string): boolean => {
    const address = parseAddress(ip);
    return address !== undefined && settingsOf(configOf(text)).networks.trusted.contains(address);
  };
  for (const ip of ['127.0.0.1', '10.0.0.1', '192.168.1.1', '::1']) expect(trusted('', ip), ip).toBe(false);
  expect(trusted('networks: { trusted: [10.0.0.0/8] }', '10.9.9.9')).toBe(true);
});

test('the panic switch changes the modes and nothing else', () => {
  const config = configOf('');
  const calm = settingsOf(config);
  const panic = settingsOf(config, { panic: true });
  expect(calm.session.modes).toEqual(defaultModes);
  expect(panic.session.modes['recipient.unknown']).toBe('observe');
  expect(panic.session.modes['relay.denied']).toBe('enforce');
  expect({ ...panic.session, modes: calm.session.modes }).toEqual(calm.session);
});

test('what takes a restart is named, and does not change on a reload', () => {
  const before = configOf('site: a');
  const after = configOf('site: b\nhttp: { port: 1234 }\nlimits: { errorsMax: 3 }');
  expect(changedRestartOnly(before, after)).toEqual(['site', 'http']);
  const taken = withoutRestartOnly(before, after);
  expect([taken.site, taken.http.port, taken.limits.errorsMax]).toEqual(['a', 9725, 3]);
  // Networks hold big integers, which JSON cannot say.
  expect(changedRestartOnly(after, after)).toEqual([]);
});
