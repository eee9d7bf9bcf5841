import { expect, test } from 'vitest';
import type { SentAlert } from '../../analyzers/alert-gate.ts';
import { alertJson, alertMessage } from '../../cli/format/alert.ts';

const AT_MS = Date.UTC(2026, 0, 5, 12);
const ENVELOPE = { from: 'postmaster@example.com', to: 'me@example.com', hostname: 'gate.example.com' };
const alert = (change: Partial<SentAlert> = {}): SentAlert => ({
  kind: 'campaign',
  subject: '198.51.100.0/24',
  text: '40 sources of 198.51.100.0/24 guess addresses',
  atMs: AT_MS,
  heldBack: 0,
  ...change,
});

test('a message says what it is about, and where to look', () => {
  expect(alertMessage(alert({ heldBack: 3 }), 'example.com', ENVELOPE, AT_MS + 1000).split('\r\n')).toEqual([
    'From: Postern <postmaster@example.com>',
    'To: <me@example.com>',
    'Subject: [postern] 40 sources of 198.51.100.0/24 guess addresses',
    'Date: Mon, 05 Jan 2026 12:00:01 +0000',
    `Message-ID: <${AT_MS + 1000}.${AT_MS}.campaign@gate.example.com>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    '40 sources of 198.51.100.0/24 guess addresses.',
    '',
    'About: 198.51.100.0/24 (campaign), site example.com, 2026-01-05T12:00:00.000Z',
    'Why:   postern why 198.51.100.0/24',
    'All:   postern list; what decisions do: postern report',
    '3 more alerts were held back in the last hour.',
    '',
  ]);
});

test.each(['example.org', 'a@example.com', '-rf.example'])('nothing is asked about %s', (subject) => {
  expect(alertMessage(alert({ subject }), 'example.com', ENVELOPE, AT_MS)).not.toContain('postern why');
});

test.each<[what: string, hostile: string]>([
  ['a line end', 'x\r\nBcc: <victim@example.org>\r\n\r\n.\r\nMAIL FROM:<evil@example.org>'],
  ['a bare LF', 'x\nBcc: <victim@example.org>'],
  ['a lone dot at the start', '.'],
  ['controls of terminals', 'x\u001b[2J\u009b'],
  ['octets beyond ASCII', 'grüße \u{1f4a3}'],
  ['a line without an end', 'x'.repeat(100_000)],
])('%s in what it is about stays inside its line', (_what, hostile) => {
  const message = alertMessage(alert({ subject: hostile, text: hostile }), hostile, ENVELOPE, AT_MS);
  const lines = message.split('\r\n');
  expect(lines).toHaveLength(14);
  expect(message.replaceAll('\r\n', '')).toMatch(/^[\x20-\x7e]*$/);
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(998);
    expect(line).not.toMatch(/^\.(?!\.)/);
  }
  const json: unknown = JSON.parse(alertJson(alert({ subject: hostile, text: hostile }), hostile));
  expect(JSON.stringify(json)).toMatch(/^[\x20-\x7e]*$/);
});
