import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REPLY_TEXT_LENGTH_MAX } from '../../events/event.ts';
import { ProgramFault } from '../../lib/assert.ts';
import {
  encodeOwnReply,
  encodeUpstreamReply,
  enhancedCodeOf,
  OWN_REPLY_OCTETS_MAX,
  ownReply,
  replyTextForEvent,
} from '../../proxy/reply.ts';

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('utf8');

test.each([
  { reply: ownReply(550, '5.7.1', 'Refused'), withEnhanced: true, want: '550 5.7.1 Refused\r\n' },
  { reply: ownReply(550, '5.7.1', 'Refused'), withEnhanced: false, want: '550 Refused\r\n' },
  // CA-06: the class of the enhanced code is that of the reply, and 3xx has none.
  { reply: ownReply(451, '5.7.1', 'Later'), withEnhanced: true, want: '451 Later\r\n' },
  { reply: ownReply(354, '3.0.0', 'Go on'), withEnhanced: true, want: '354 Go on\r\n' },
  { reply: ownReply(550, '5.7.1 x', 'Refused'), withEnhanced: true, want: '550 Refused\r\n' },
  { reply: { code: 250, text: '' }, withEnhanced: true, want: '250 \r\n' },
  // ND-01: one octet of each of these is CR or LF.
  { reply: ownReply(550, '5.7.1', 'no\u010d\u010aMAIL ok'), withEnhanced: true, want: '550 5.7.1 no??MAIL ok\r\n' },
  {
    reply: ownReply(550, '5.7.1', 'a\r\n250 b\x7f\x00\u{1f600}\u00e9'),
    withEnhanced: false,
    want: '550 a??250 b????\r\n',
  },
])('own reply $reply.code $reply.text', ({ reply, withEnhanced, want }) => {
  expect(text(encodeOwnReply(reply, withEnhanced))).toBe(want);
});

test('any text of ours is one line of printable ASCII, within the limit', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 700 });
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), anyText, anyText, fc.boolean(), (code, enhanced, words, on) => {
      const octets = encodeOwnReply({ code, enhanced, text: words }, on);
      expect(octets.length).toBeLessThanOrEqual(OWN_REPLY_OCTETS_MAX);
      expect(text(octets)).toMatch(/^[2-5]\d\d [\x20-\x7e]*\r\n$/);
    }),
  );
});

test('longer text is cut', () => {
  const octets = encodeOwnReply(ownReply(550, '5.7.1', 'x'.repeat(600)), true);
  expect(octets).toHaveLength(OWN_REPLY_OCTETS_MAX);
  expect(text(octets).endsWith('x\r\n')).toBe(true);
});

test.each([
  { code: 250, lines: ['ok'], want: '250 ok\r\n' },
  { code: 250, lines: ['a', 'b', 'c'], want: '250-a\r\n250-b\r\n250 c\r\n' },
  // UR-02: a code alone.
  { code: 250, lines: [], want: '250 \r\n' },
  { code: 250, lines: ['', ''], want: '250-\r\n250 \r\n' },
  // AU-05: clients need the space.
  { code: 334, lines: [''], want: '334 \r\n' },
  { code: 550, lines: ['5.1.1 gr\u00fc\u00df'], want: '550 5.1.1 gr\u00fc\u00df\r\n' },
  { code: 550, lines: ['a\r\n250 b\x1b'], want: '550 a??250 b?\r\n' },
])('reply of the server behind: $code $lines', ({ code, lines, want }) => {
  expect(text(encodeUpstreamReply({ code, lines }))).toBe(want);
});

test('a reply keeps its number of lines', () => {
  const anyLines = fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(anyLines, (lines) => {
      const whole = text(encodeUpstreamReply({ code: 451, lines }));
      expect(whole.split('\r\n')).toHaveLength(lines.length + 1);
      expect(whole.match(/[\r\n]/g)).toHaveLength(2 * lines.length);
    }),
  );
});

test('a code that is none is a fault of the program', () => {
  expect(() => encodeOwnReply(ownReply(199, '5.0.0', ''), false)).toThrow(ProgramFault);
  expect(() => encodeOwnReply(ownReply(600, '5.0.0', ''), false)).toThrow(ProgramFault);
  expect(() => encodeUpstreamReply({ code: 25, lines: ['ok'] })).toThrow(ProgramFault);
});

test.each([
  { code: 550, lines: ['5.1.1 unknown'], want: '5.1.1' },
  { code: 250, lines: ['2.0.0'], want: '2.0.0' },
  { code: 550, lines: ['5.7.133 x', '5.1.1 y'], want: '5.7.133' },
  { code: 450, lines: ['5.1.1 of another class'], want: undefined },
  { code: 354, lines: ['3.0.0 go'], want: undefined },
  { code: 550, lines: ['5.1.1unknown'], want: undefined },
  { code: 550, lines: ['5.1.1234 x'], want: undefined },
  { code: 550, lines: ['5.1 x'], want: undefined },
  { code: 550, lines: ['unknown 5.1.1'], want: undefined },
  { code: 550, lines: [], want: undefined },
])('the enhanced code of $code $lines is $want', ({ code, lines, want }) => {
  expect(enhancedCodeOf({ code, lines })).toBe(want);
});

test('an event keeps the first line, escaped and capped, and no challenge', () => {
  expect(replyTextForEvent({ code: 550, lines: ['a\u2028b', 'c'] })).toBe('a\\u2028b');
  expect(replyTextForEvent({ code: 550, lines: ['x'.repeat(500)] })).toHaveLength(REPLY_TEXT_LENGTH_MAX);
  expect(replyTextForEvent(ownReply(550, '5.7.1', 'Refused'))).toBe('Refused');
  expect(replyTextForEvent({ code: 334, lines: ['UGFzc3dvcmQ6'] })).toBe('');
  expect(replyTextForEvent({ code: 250, lines: [] })).toBe('');
});
