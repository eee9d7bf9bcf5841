import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cefOf, severities } from '../../siem/cef.ts';
import { DATAGRAM_OCTETS_MAX, framed, syslogMessage, syslogSeverity } from '../../siem/syslog.ts';
import { aDecision } from '../support/decisions.ts';
import { Sessions } from '../support/watch.ts';

const session = new Sessions(1)
  .open({ ip: '198.51.100.7' })
  .hello()
  .mail('a=b|c@x.example')
  .recipient('probe@relay.example', 'foreign')
  .authenticate('alice', 1, 'refused')
  .anomaly('bare-lf')
  .quit();
const textOf = (event: Parameters<typeof cefOf>[0], least = 0): string => cefOf(event, '1.2', least)?.text ?? '';
const lines = session.map((event) => textOf(event)).filter((line) => line !== '');

test('what was refused, tried and sent is told, with who, what and by which rule; what went well is not', () => {
  expect(lines.map((line) => line.split('|').slice(0, 7).join('|'))).toEqual([
    'CEF:0|Postern|Postern|1.2|relay.denied|RCPT refused|5',
    'CEF:0|Postern|Postern|1.2|auth:refused|Authentication|5',
    'CEF:0|Postern|Postern|1.2|anomaly:bare-lf|Hostile or broken input|7',
    'CEF:0|Postern|Postern|1.2|mail:rejected|Mail transaction|2',
  ]);
  const [refused = '', , , mail = ''] = lines;
  expect(refused).toMatch(/ src=198\.51\.100\.7 app=SMTP .* act=refuse duser=probe@relay\.example outcome=554 /);
  expect(refused).toMatch(/ cs1=relay\.denied cs1Label=rule$/);
  // A bar is a sign like any other after the header, an equals sign is not.
  expect(mail).toContain('suser=a\\=b|c@x.example');
});

test('an IPv6 source has the key that CEF has for it; less severe events are left out', () => {
  const [event] = new Sessions(1).open({ ip: '2001:db8::1' }).authenticate('bob', 1, 'accepted').quit();
  const attempt = new Sessions(1).open({ ip: '2001:db8::1' }).authenticate('bob', 1, 'accepted').quit()[1];
  if (attempt === undefined || event === undefined) throw new Error('no attempt');
  expect(textOf(attempt, severities.usual)).toContain('c6a2=2001:db8::1 c6a2Label=Source IPv6 Address');
  expect(cefOf(attempt, '1', severities.refused)).toBeUndefined();
  expect(cefOf(event, '1', 0)).toBeUndefined();
});

test('decisions and what people do are grave', () => {
  expect(textOf(aDecision(), severities.grave)).toMatch(
    /\|decision:recipient-harvest\|Decision made\|9\|.*src=198\.51\.100\.7 act=refuse/,
  );
  expect(textOf(aDecision({ value: '198.51.100.0/24' }))).toContain('msg=range 198.51.100.0/24');
});

test('somebody was forgotten: by whom, why, and how many records', () => {
  const act = {
    v: 1,
    at: 1,
    site: 's',
    gate: 'g',
    type: 'operator-acted',
    act: 'forget',
    by: 'root',
    reason: 'r',
  } as const;
  expect(textOf({ ...act, value: 'forgotten-x@example.com', counts: { a: 2, b: 3 } })).toMatch(
    /act=forget suser=root reason=r msg=forgotten-x@example\.com cnt=5$/,
  );
  expect(textOf(act)).not.toContain('cnt=');
});

test('whatever is in a field, the header has seven fields and no line breaks', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (reason, id) => {
      const line = textOf(aDecision({ reason, scenario: id }));
      expect(line).not.toMatch(/[\r\n]/);
      const bars = [...line.matchAll(/(?<!\\)(?:\\\\)*\|/g)];
      expect(line.slice(0, (bars[6]?.index ?? 0) + 1)).toMatch(/^CEF:0\|Postern\|Postern\|1\.2\|/);
      const message = syslogMessage(
        { hostname: 'h', processId: 1 },
        '1970-01-01T00:00:00.000Z',
        9,
        line,
        DATAGRAM_OCTETS_MAX,
      );
      expect(message.length).toBeLessThanOrEqual(DATAGRAM_OCTETS_MAX);
      expect(message).toMatch(/^<82>1 1970-01-01T00:00:00\.000Z h postern 1 cef - [\x20-\x7e]*$/);
    }),
  );
});

test('severities, and the length before a message', () => {
  expect([2, 5, 7, 9].map(syslogSeverity)).toEqual([6, 5, 4, 2]);
  expect(framed('abc')).toBe('3 abc');
});
