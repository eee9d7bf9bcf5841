import { expect, test } from 'vitest';
import { choiceOf, mentions, streamComment, streamEvent } from '../../console/event-stream.ts';
import { encodeEvent } from '../../events/codec.ts';
import { everyEvent } from '../support/events.ts';

test('what was chosen; blanks are nothing', () => {
  expect(choiceOf(new Map())).toEqual({});
  expect(
    choiceOf(
      new Map([
        ['ip', ' '],
        ['text', ' ScRipt '],
        ['type', 'mail'],
        ['x', 'y'],
      ]),
    ),
  ).toEqual({
    text: 'script',
    type: 'mail',
  });
});

test('a text is looked for in every value', () => {
  const [event] = everyEvent;
  if (event === undefined) throw new Error('no event');
  expect(mentions(event, event.type.slice(2))).toBe(true);
  expect(mentions(event, String(event.at).slice(3, 9))).toBe(true);
  expect(mentions(event, '"type"')).toBe(false);
});

test('every event is one event of the stream', () => {
  for (const event of everyEvent) {
    const text = streamEvent(3, 17, encodeEvent(event));
    expect(text.split('\n')).toEqual(['id: 3/17', expect.stringMatching(/^data: \{.*\}$/), '', '']);
    expect(JSON.parse(text.split('\n')[1]?.slice('data: '.length) ?? '')).toEqual(JSON.parse(JSON.stringify(event)));
  }
  expect(streamComment('x')).toBe(': x\n\n');
});
