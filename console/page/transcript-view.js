/** @import { Line, Mark } from './transcript.js' */
import { element } from './dom.js';
import { formatClockMs } from './times.js';

const SPEAKERS = { client: 'client', server: 'server', gate: 'gate', note: '' };

/** @param {readonly Mark[]} marks */
export const markElements = (marks) => marks.map(({ text, tone }) => element('span', { class: `mark ${tone}` }, text));

/** A dialogue, line by line: when, who, what, and the verdicts beside it. @param {readonly Line[]} lines @param {string} zone */
export const transcriptElement = (lines, zone) =>
  element(
    'ol',
    { class: 'transcript' },
    ...lines.map(({ at, who, text, tone, marks }) =>
      element(
        'li',
        { class: `${who} ${tone}` },
        element('time', {}, formatClockMs(at, zone)),
        element('span', { class: 'who' }, SPEAKERS[who]),
        element('span', { class: 'said' }, text, ...marks.flatMap((mark) => [' ', ...markElements([mark])])),
      ),
    ),
  );
