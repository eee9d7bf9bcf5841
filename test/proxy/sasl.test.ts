import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isMechanism,
  MECHANISM_LENGTH_MAX,
  parseInitialResponse,
  parseSaslResponse,
  SaslData,
  serialiseSaslLine,
} from '../../proxy/sasl.ts';

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const sent = (data: SaslData | 'cancel' | undefined): string | undefined =>
  data instanceof SaslData ? Buffer.from(serialiseSaslLine(data)).toString('latin1') : data;

test.each([
  ['AGFsaWNlAHMzY3IzdA==', 'AGFsaWNlAHMzY3IzdA==\r\n'],
  ['YQ==', 'YQ==\r\n'],
  ['YWI=', 'YWI=\r\n'],
  ['+/+/', '+/+/\r\n'],
  // The low bits of the last digit are not zero.
  ['YR==', 'YR==\r\n'],
  ['', '\r\n'],
  ['*', 'cancel'],
  ['alice secret', undefined],
  ['=', undefined],
  ['====', undefined],
  ['Y===', undefined],
  ['YQ', undefined],
  ['YQ=', undefined],
  ['YQ==YQ==', undefined],
  ['Y=Q=', undefined],
  ['YWxpY2U= ', undefined],
  [' YWxpY2U=', undefined],
  ['YWxp\0Y2U', undefined],
  ['YWx-', undefined],
  ['YWx\xe9', undefined],
  ['**', undefined],
])('the line %j goes on as %j', (line, want) => {
  expect(sent(parseSaslResponse(octets(line)))).toBe(want);
});

test.each([
  ['AGEAYg==', 'AGEAYg==\r\n'],
  // AU-04: no octets, which is not the same as no response.
  ['=', '=\r\n'],
  ['', undefined],
  ['*', undefined],
  ['==', undefined],
  ['secret', undefined],
])('the initial response %j goes on as %j', (word, want) => {
  expect(sent(parseInitialResponse(octets(word)))).toBe(want);
});

test('a long response goes on whole', () => {
  const line = 'QUJD'.repeat(12_288 / 4);
  expect(sent(parseSaslResponse(octets(line)))).toBe(`${line}\r\n`);
});

test('the same octets go out as came in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (secret) => {
      const line = Buffer.from(secret).toString('base64');
      expect(sent(parseSaslResponse(octets(line)))).toBe(`${line}\r\n`);
    }),
  );
});

test('the octets are kept apart from the buffer they came in', () => {
  const buffer = octets('AGEAYg==');
  const data = parseSaslResponse(buffer);
  buffer.fill(0x41);
  expect(sent(data)).toBe('AGEAYg==\r\n');
});

test('no way to print a response tells more than its length', () => {
  const data = parseSaslResponse(octets('AGFsaWNlAHMzY3IzdA=='));
  const shown = '[redacted 20]';
  expect(String(data)).toBe(shown);
  expect(`${data}`).toBe(shown);
  expect(JSON.stringify({ data })).toBe(`{"data":"${shown}"}`);
  expect(inspect(data, { showHidden: true, depth: 9 })).toBe(shown);
  expect(inspect({ deep: [data] })).toContain(shown);
  expect(Object.keys(data ?? {})).toEqual([]);
  expect(data instanceof SaslData && data.octetCount).toBe(20);
});

test.each([
  ['PLAIN', true],
  ['scram-sha-256', true],
  ['X_1', true],
  ['A'.repeat(MECHANISM_LENGTH_MAX), true],
  ['A'.repeat(MECHANISM_LENGTH_MAX + 1), false],
  ['', false],
  ['PLAIN=', false],
  ['PLA\u0130N', false],
])('%j is a mechanism: %j', (name, want) => {
  expect(isMechanism(name)).toBe(want);
});
