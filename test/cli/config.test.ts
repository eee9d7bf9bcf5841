import { expect, test } from 'vitest';
import { minimalConfig } from '../../cli/config/document.ts';
import { formatFault } from '../../cli/config/fault.ts';
import { loadConfig } from '../../cli/config/load.ts';

/** Everything that a configuration needs; cases put their own lines behind it. */
const base = `listeners:
  - { role: mx, withoutCertificate: true }
upstreams:
  default: { host: 192.0.2.10 }
domains: { names: [example.com] }
`;
const BASE_LINES = base.split('\n').length - 1;

const faultsOf = (text: string, env: Readonly<Record<string, string>> = {}): readonly string[] => {
  const loaded = loadConfig(text, 'postern.yaml', env);
  return loaded.ok ? [] : loaded.error.map(formatFault);
};
/** The faults of lines behind the base, with line 1 for the first of them. */
const faultsBehind = (text: string, env: Readonly<Record<string, string>> = {}): readonly string[] =>
  faultsOf(base + text, env).map((fault) =>
    fault.replace(/^postern\.yaml:(\d+):/, (_all, line) => `${Number(line) - BASE_LINES}:`),
  );

test('the least configuration of the documentation is in order', () => {
  expect(faultsOf(minimalConfig)).toEqual([]);
});

test.each([
  // Unknown keys, with the nearest known one.
  { text: 'sites: x\n', want: '1:1: sites: is no setting; did you mean `site`?' },
  { text: 'limits: { sessionMax: 5 }\n', want: '1:11: limits.sessionMax: is no setting; did you mean `sessionsMax`?' },
  { text: 'auth: { zzz: 5 }\n', want: '1:9: auth.zzz: is no setting; known here: mechanisms' },
  {
    text: 'policy:\n  modes:\n    relay_denied: enforce\n',
    want: '3:5: policy.modes.relay_denied: is no setting; did you mean `relay.denied`?',
  },
  { text: 'limits: { __proto__: 5 }\n', want: '1:11: limits.__proto__: is no setting' },
  // Types.
  {
    text: 'http:\n  port: "9725"\n',
    want: '2:9: http.port: is the text "9725"; write 9725 without quotes',
  },
  { text: 'hostname: 5\n', want: '1:11: hostname: is 5; write "5" in quotes' },
  { text: 'limits: { junkMax: 1.5 }\n', want: '1:20: limits.junkMax: is 1.5; write a whole number' },
  { text: 'auth: { mechanisms: PLAIN }\n', want: '1:21: auth.mechanisms: is the text "PLAIN"; write [PLAIN]' },
  { text: 'limits:\n', want: '1:8: limits: is empty; write keys and values, or leave the key out' },
  { text: 'limits: [1]\n', want: '1:9: limits: is a list; write keys and values' },
  { text: 'networks:\n  trusted:\n', want: '2:11: networks.trusted: is empty; write a list, or leave the key out' },
  // Ranges and choices.
  { text: 'http: { port: 70000 }\n', want: '1:15: http.port: 70000 is too much; write 65535 or less' },
  { text: 'limits: { sessionsMax: 0 }\n', want: '1:24: limits.sessionsMax: 0 is too little; write 1 or more' },
  { text: 'deadlines: { commandMs: -1 }\n', want: '1:25: deadlines.commandMs: -1 is too little; write 1 or more' },
  { text: 'log: { durable: fsnyc }\n', want: '1:17: log.durable: "fsnyc" is not possible here; did you mean `fsync`?' },
  {
    text: 'log: { whenFull: reject }\n',
    want: '1:18: log.whenFull: "reject" is not possible here; write one of pass, defer',
  },
  // Rules that nobody may relax (there is no other keeper), and no silent discard.
  {
    text: 'policy: { modes: { relay.denied: observe } }\n',
    want: '1:34: policy.modes.relay.denied: "observe" is not possible here; relay.denied can only enforce, since nothing else keeps out what it keeps out',
  },
  {
    text: 'policy: { modes: { message.bare-line-ending: off } }\n',
    want: '1:46: policy.modes.message.bare-line-ending: "off" is not possible here; message.bare-line-ending can only enforce, since nothing else keeps out what it keeps out',
  },
  {
    text: 'policy: { modes: { message.nul: discard } }\n',
    want: '1:33: policy.modes.message.nul: "discard" is not possible here; mail is delivered or refused, never accepted and dropped (RFC 5321 section 6.1); write enforce or observe or off',
  },
  {
    text: 'policy: { whenUnavailable: { rcpt: drop } }\n',
    want: '1:36: policy.whenUnavailable.rcpt: "drop" is not possible here; mail is delivered or refused, never accepted and dropped (RFC 5321 section 6.1); write defer or pass',
  },
  // Networks.
  {
    text: 'networks: { trusted: [0.0.0.0/0] }\n',
    want: '1:23: networks.trusted[0]: "0.0.0.0/0" trusts too much of the internet; name the networks that are yours, none wider than /8 (IPv4) or /7 (IPv6)',
  },
  {
    text: 'networks: { balancers: ["::/0"] }\n',
    want: '1:25: networks.balancers[0]: "::/0" trusts too much of the internet; name the networks that are yours, none wider than /8 (IPv4) or /7 (IPv6)',
  },
  {
    text: 'networks: { trusted: ["::ffff:0:0/96"] }\n',
    want: '1:23: networks.trusted[0]: "::ffff:0:0/96" trusts too much of the internet; name the networks that are yours, none wider than /8 (IPv4) or /7 (IPv6)',
  },
  {
    text: 'networks: { trusted: [10.0.0.1/8] }\n',
    want: '1:23: networks.trusted[0]: "10.0.0.1/8" is no network; write an address, or a network such as 192.0.2.0/24 whose bits behind the slash length are zero',
  },
  // Names.
  {
    text: 'hostname: mx_1..example.com\n',
    want: '1:11: hostname: "mx_1..example.com" is no domain name; write a name such as example.com, without @, *, port or blanks',
  },
  {
    text: 'contact: postmaster\n',
    want: '1:10: contact: "postmaster" is no mail address; write an address such as postmaster@example.com',
  },
  {
    text: 'greetingText: "a\\r\\n250 b"\n',
    want: '1:15: greetingText: "a\\u000d\\u000a250 b" does not fit one line; write one line of at most 400 printable ASCII characters',
  },
  {
    text: 'recipients: { subaddressDelimiter: "@" }\n',
    want: '1:36: recipients.subaddressDelimiter: "@" is no delimiter; write a sign that is neither a letter, a digit, @ nor a quote',
  },
  // YAML.
  { text: 'site: a\nsite: b\n', want: '2:1: Map keys must be unique; keep one of them' },
  { text: 'http:\n\tport: 9725\n', want: '2:1: Tabs are not allowed as indentation; indent with blanks' },
  { text: 'log: { durable: os\n', want: /^2:1: .*; see the indentation, brackets and quotes around it$/ },
  { text: 'site: !important x\n', want: /^1:7: .*; write the value without a tag$/ },
  { text: 'site: *x\n', want: /; define the anchor above$/ },
  { text: '---\nsite: b\n', want: /; keep one configuration in a file$/ },
])('$text: one fault with its place and what would be right', ({ text, want }) => {
  const [fault, ...others] = faultsBehind(text);
  expect(others).toEqual([]);
  if (typeof want === 'string') expect(fault?.slice(0, want.length)).toBe(want);
  else expect(fault).toMatch(want);
});

test.each([
  {
    name: 'no certificate, and nobody said that there is none',
    text: 'listeners:\n  - role: mx\n  - { role: submission, withoutCertificate: true }\nupstreams: { default: { host: a } }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:2:5: listeners[0]: this listener has no certificate; give one in `tls.certificates`, or write `withoutCertificate: true` to take STARTTLS from everyone',
    ],
  },
  {
    name: 'TLS from the first octet without a certificate',
    text: 'listeners:\n  - { role: submissions, withoutCertificate: true }\nupstreams: { default: { host: a } }\n',
    want: [
      'postern.yaml:2:46: listeners[0].withoutCertificate: submissions begins with TLS; drop `withoutCertificate`, or use the role submission',
    ],
  },
  {
    name: 'two listeners of one name on one port',
    text: 'listeners:\n  - { role: mx, withoutCertificate: true }\n  - { role: mx, withoutCertificate: true }\nupstreams: { default: { host: a } }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:3:5: listeners[1].name: two listeners are named mx; give this one a `name` of its own',
      'postern.yaml:3:5: listeners[1].port: the listener mx listens on port 25 already; choose another address or port',
    ],
  },
  {
    name: 'IPv6 takes the port of IPv4',
    text: 'listeners:\n  - { role: mx, address: "::", withoutCertificate: true }\n  - { name: b, role: mx, address: 192.0.2.1, port: 25, withoutCertificate: true }\nupstreams: { default: { host: a } }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:3:52: listeners[1].port: the listener mx listens on port 25 already; :: takes it already; keep one of them',
    ],
  },
  {
    name: 'http on the port of a listener',
    text: 'listeners: [{ role: mx, port: 9725, withoutCertificate: true }]\nupstreams: { default: { host: a } }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:1:1: http.port: the listener mx listens on port 9725 already; 0.0.0.0 takes it already; keep one of them',
    ],
  },
  {
    name: 'the server behind is the gate itself',
    text: 'listeners: [{ role: mx, withoutCertificate: true }]\nupstreams:\n  default: { host: 127.0.0.1 }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:3:20: upstreams.default.host: is the listener mx itself; give the mail server behind another address or port than the listener',
    ],
  },
  {
    name: 'a server behind that nobody defined',
    text: 'listeners: [{ role: mx, withoutCertificate: true, upstream: exchang }]\nupstreams:\n  exchange: { host: a }\ndomains: { names: [a.example] }\n',
    want: ['postern.yaml:1:61: listeners[0].upstream: `upstreams` has no "exchang"; did you mean `exchange`?'],
  },
  {
    name: 'a PROXY header that nobody may send',
    text: 'listeners: [{ role: mx, withoutCertificate: true, proxyProtocol: true }]\nupstreams: { default: { host: a } }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:1:66: listeners[0].proxyProtocol: no balancer is named; name the balancers in `networks.balancers`',
    ],
  },
  {
    name: 'TLS required where none is offered',
    text: 'listeners: [{ role: mx, withoutCertificate: true, tlsRequired: true }]\nupstreams: { default: { host: a } }\ndomains: { names: [a.example] }\n',
    want: [
      'postern.yaml:1:64: listeners[0].tlsRequired: TLS is required where none is offered; drop one of `tlsRequired` and `withoutCertificate`',
    ],
  },
  {
    name: 'no domain is ours',
    text: 'listeners: [{ role: mx, withoutCertificate: true }]\nupstreams: { default: { host: a } }\ndomains: {}\n',
    want: [
      'postern.yaml:3:10: domains: no domain is named, so all mail of strangers would be refused; name your domains in `domains.names`, or say where the list is in `domains.file` or `domains.url`',
    ],
  },
  {
    name: 'an empty file',
    text: '',
    want: ['postern.yaml:1:1: is empty; write keys and values, or leave the key out'],
  },
  {
    name: 'nothing that is needed',
    text: 'site: a\n',
    want: [
      'postern.yaml:1:1: listeners: is missing; write a list (Where clients connect)',
      'postern.yaml:1:1: upstreams: is missing; write keys and values (Mail servers behind, by name)',
    ],
  },
  {
    name: 'a list without an element',
    text: 'listeners: []\nupstreams: { default: { host: a } }\n',
    want: ['postern.yaml:1:12: listeners: is an empty list; write 1 or more'],
  },
])('$name', ({ text, want }) => {
  expect(faultsOf(text)).toEqual(want);
});

test.each(['discard', 'drop', 'quarantine', 'blackhole'])(
  'PO-06: mode %s does not exist: nothing is accepted and dropped',
  (mode) => {
    for (const rule of ['message.nul', 'recipient.unknown', 'helo.syntax']) {
      const [fault] = faultsBehind(`policy: { modes: { ${rule}: ${mode} } }\n`);
      expect(fault).toContain('mail is delivered or refused, never accepted and dropped (RFC 5321 section 6.1)');
    }
  },
);

test('every fault is told at once, in the order of the file, those between settings too', () => {
  const text = `site: "a b"
listeners:
  - { role: mix }
  - { role: submission, upstream: nowhere }
upstreams:
  default: { host: 192.0.2.10, port: 0 }
domains:
  names: [example.com, a@b]
site: c
`;
  const places = faultsOf(text).map((fault) => fault.split(': ').slice(0, 2).join(' '));
  expect(places).toEqual([
    'postern.yaml:3:13 listeners[0].role',
    'postern.yaml:4:5 listeners[1]',
    'postern.yaml:6:38 upstreams.default.port',
    'postern.yaml:8:24 domains.names[1]',
    'postern.yaml:9:1 Map keys must be unique; keep one of them',
  ]);
});

test.each([
  'tls: { certificates: [{ certFile: a, keyFile: b, keyPassphrase: HUNTER2 }] }\n',
  'domains: { url: "https://user:HUNTER2@lists.example/" }\n',
  'domains: { url: { file: [HUNTER2] } }\n',
  'domains: { url: "HUNTER2" }\n',
])('a secret in the file is a fault that does not repeat it: %s', (text) => {
  const faults = faultsOf(text.startsWith('domains') ? base.replace(/domains.*\n/, text) : base + text);
  expect(faults).toHaveLength(1);
  expect(faults[0]).not.toContain('HUNTER2');
  expect(faults[0]).toContain('{file:');
});

test('a secret in the environment must be there', () => {
  const text = 'tls: { certificates: [{ certFile: a, keyFile: b, keyPassphrase: { env: KEY } }] }\n';
  expect(faultsBehind(text)).toEqual([
    '1:72: tls.certificates[0].keyPassphrase.env: the environment variable KEY is not set; set it where Postern is started',
  ]);
  expect(faultsBehind(text, { KEY: 'x' })).toEqual([]);
});

test('a bomb of aliases is a fault, not a full memory', () => {
  const layers = Array.from(
    { length: 12 },
    (_, n) =>
      `a${n}: &a${n} [${Array(10)
        .fill(n === 0 ? 'x' : `*a${n - 1}`)
        .join(', ')}]`,
  );
  const started = performance.now();
  expect(faultsOf(`${layers.join('\n')}\n`).at(0)).toContain('postern.yaml:');
  expect(performance.now() - started).toBeLessThan(2000);
});

test('a file of several megabytes is a fault', () => {
  expect(faultsOf(`#${'x'.repeat(4_194_304)}\n`)).toEqual([
    'postern.yaml:1:1: the file is too long; 4194304 characters at most',
  ]);
});
