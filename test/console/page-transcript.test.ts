import { describe, expect, test } from 'vitest';
import { coverageOf, entryOf, isInForce, makerOf, stateOf, undoCommand, undoingAct } from '../../console/page/chain.js';
import { DECISIONS_MAX, matching } from '../../console/page/decision-list.js';
import { eventTypes, noteOf } from '../../console/page/notes.js';
import { TAIL_ROWS_MAX, TailBuffer } from '../../console/page/tail-buffer.js';
import { linesOf, replyText, tailLine } from '../../console/page/transcript.js';
import { eventSchemas, type MailEvent } from '../../events/event.ts';
import { decisions, HOSTILE_HELO, HOSTILE_SID, hostileSession } from '../support/console-data.ts';
import { aCommand, aMail } from '../support/events.ts';

describe('a session as a dialogue', () => {
  test('who said what, with verdicts and rules beside it', () => {
    const lines = linesOf(hostileSession).map(({ who, text, marks }) => [who, text, ...marks.map((mark) => mark.text)]);
    expect(lines.slice(0, 7)).toEqual([
      ['note', 'connected from 198.51.100.23 port 40112 to mx; stranger', 'would refuse: greet.early-talker'],
      ['client', `EHLO ${HOSTILE_HELO}`],
      ['server', '250 mx.example.com', 'would refuse: helo.syntax', '3.8 ms'],
      ['client', 'MAIL FROM:<bob@example.net> SIZE=2048'],
      ['server', '250 2.1.0 Ok', '4.5 ms'],
      ['client', 'RCPT TO:<victim@elsewhere.example>'],
      ['gate', '554 5.7.1 Relay not permitted', 'refuse relay.denied', '5.2 ms'],
    ]);
  });

  test('a command that got no reply is one line, its verdict beside it', () => {
    const { reply: _, ...unanswered } = aCommand({ verdict: { action: 'close', rule: 'errors.limit' } });
    expect(linesOf([unanswered])).toMatchObject([
      { who: 'client', marks: [{ text: 'close errors.limit', tone: 'bad' }] },
    ]);
  });

  test('what hides or turns text round is shown', () => {
    expect(tailLine(aCommand({ verb: 'EHLO', heloName: 'a\u202eb' })).text).toContain('EHLO a\\u202eb');
    expect(noteOf(aMail({ reversePath: 'x\u2066y' })).text).toContain('<x\\u2066y>');
  });

  test('an enhanced code that the text has is not told twice', () => {
    const reply = { code: 250, enhanced: '2.0.0', from: 'upstream' } as const;
    expect([replyText({ ...reply, text: '2.0.0 queued' }), replyText({ ...reply, text: 'queued' })]).toEqual([
      '250 2.0.0 queued',
      '250 2.0.0 queued',
    ]);
    expect(replyText({ code: 354, text: '' })).toBe('354');
  });

  test('arguments of each kind of command', () => {
    const said = (fields: Parameters<typeof aCommand>[0]) =>
      linesOf([aCommand({ forwardPath: undefined, ...fields })])[0]?.text;
    expect(said({ verb: 'MAIL', reversePath: '' })).toBe('MAIL FROM:<>');
    expect(said({ verb: 'AUTH', mechanism: 'PLAIN' })).toBe('AUTH PLAIN');
    expect(said({ verb: 'BDAT', octets: 2048 })).toBe('BDAT (2 KiB)');
    expect(said({ verb: '?', argument: 'GET / HTTP/1.1' })).toBe('? GET / HTTP/1.1');
    expect(said({ verb: 'QUIT' })).toBe('QUIT');
  });

  test('the page knows every type of event, in the same order', () => {
    expect(eventTypes).toEqual(Object.keys(eventSchemas));
  });

  test('an event of a newer release says its type', () => {
    expect(noteOf({ ...aMail(), type: 'constructor' } as unknown as ReturnType<typeof aMail>).text).toBe('constructor');
  });
});

describe('the chain of a decision', () => {
  const [relay, , range, allow] = decisions;
  if (relay === undefined || range === undefined || allow === undefined) throw new Error('console-data.ts has them');
  const now = relay.at + 1000;

  test('its state', () => {
    const each = { decision: relay, isObserved: false };
    expect(stateOf(each, now)).toBe('3 h 59 min more');
    expect(stateOf({ ...each, isObserved: true }, now)).toBe('3 h 59 min more; observed only, nothing is refused');
    expect(stateOf({ ...each, revokedBy: 'root: wrong' }, now)).toBe('taken back by root: wrong');
    expect(stateOf({ ...each, replacedBy: 'abc' }, now)).toBe('replaced by abc');
    expect([each, { ...each, revokedBy: 'x' }].map((it) => isInForce(it, now))).toEqual([true, false]);
    expect(isInForce(each, relay.until)).toBe(false);
  });

  test('its maker, its weights with their events, and what undoes it', () => {
    expect([makerOf(relay), makerOf(range)]).toEqual(['relay-probe version 2', 'root']);
    const evidence: Record<string, readonly MailEvent[]> = { [HOSTILE_SID]: hostileSession };
    const entries = (relay.ledger ?? []).map((entry) => entryOf(entry, { evidence }));
    expect(entries[0]).toMatchObject({
      what: 'relay attempt',
      event: 'RCPT TO:<victim@elsewhere.example> → 554 5.7.1 Relay not permitted',
    });
    expect(entries[2]).toMatchObject({ event: 'not kept any more' });
    expect([undoCommand(relay), undoCommand(allow)]).toEqual([
      'postern unblock 198.51.100.23',
      'postern allow --off 192.0.2.14',
    ]);
    expect(decisions.map((each) => undoingAct(each)?.act)).toEqual([
      'unblock',
      'unblock',
      'unblock',
      'disallow',
      'unblock',
      undefined,
    ]);
  });

  test('how far back it reaches, where that is not all', () => {
    expect(coverageOf({ fromMs: now, source: 'log-and-history' }, 'UTC')).toBe(undefined);
    const note = 'No history\u202e is kept.';
    expect(coverageOf({ fromMs: 1_767_225_600_000, source: 'log', note }, 'UTC')).toBe(
      'Covered from 2026-01-01 00:00:00 on. No history\\u202e is kept.',
    );
  });

  test('decisions are found by what people see, and ranges around an address by the server', () => {
    const listed = decisions.map((each) => ({ ...each, observed: false }));
    const found = (text: string, byServer = false) => matching(listed, text, byServer).map(({ value }) => value);
    expect(found('PASSWORDS')).toEqual(['203.0.113.77']);
    expect(found('203.0.113.77', true)).toEqual(['203.0.113.77', '203.0.113.0/24']);
    expect(found('')).toHaveLength(decisions.length);
    expect(DECISIONS_MAX).toBe(1000);
  });
});

test('the tail keeps the newest rows and counts the rest', () => {
  const buffer = new TailBuffer<number>();
  for (let index = 0; index <= TAIL_ROWS_MAX; index += 1) buffer.add(index);
  expect(buffer.count).toBe(TAIL_ROWS_MAX + 1);
  const taken = buffer.take();
  expect([taken.length, taken[0], taken.at(-1), buffer.count]).toEqual([TAIL_ROWS_MAX, 1, TAIL_ROWS_MAX, 0]);
});
