import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { revealCredentials } from '../../proxy/sasl-credentials.ts';
import {
  type AuthExchange,
  answersTo,
  authExchanges,
  offeredMechanisms,
  spellings,
} from '../support/auth-exchanges.ts';
import { otherChunkings, reference } from '../support/dialogue/chunking.ts';
import type { Dialogue } from '../support/dialogue/dialogue.ts';
import { parseDialogues } from '../support/dialogue/parse-dialogue.ts';
import { DialogueRun } from '../support/dialogue/run-dialogue.ts';

/** The exchange as a dialogue: it keeps every invariant besides. */
function dialogueOf(exchange: AuthExchange): Dialogue {
  const [first, ...rest] = answersTo(exchange);
  const said = exchange.lines.flatMap((line, index) => [
    `C> "${line}\\r\\n"`,
    `C< ${answersTo(exchange)[index]?.slice(0, 3)}`,
  ]);
  const parsed = parseDialogues(
    [
      'title: An exchange',
      `offers AUTH ${offeredMechanisms.join(' ')}`,
      '@TLS',
      `server AUTH: "${first}\\r\\n"`,
      ...(rest.length === 0 ? [] : [`server SASL: ${rest.map((reply) => `"${reply}\\r\\n"`).join(', ')}`]),
      ...said,
      `event auth-attempt mechanism=${exchange.mechanism} account=absent`,
    ].join('\n'),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const [dialogue] = parsed.value;
  if (dialogue === undefined) throw new Error('no dialogue');
  return dialogue;
}

describe.each(authExchanges)('$title', (exchange) => {
  test('shows the session machine what it should, and tells it to nobody', () => {
    for (const chunking of [reference, ...otherChunkings]) {
      const run = new DialogueRun(dialogueOf(exchange), chunking);
      run.run();
      const { credentials, events, session } = run.machine;
      const shown = credentials.map(revealCredentials).map(({ account, password }) => ({
        account,
        password: password === undefined ? undefined : Buffer.from(password).toString('utf8'),
      }));
      const { account, password } = exchange;
      expect(shown).toEqual(account === undefined ? [] : [{ account, password }]);
      const printed = [
        JSON.stringify(events),
        JSON.stringify({ credentials }),
        inspect([credentials, events, session], { showHidden: true, depth: 9 }),
      ];
      for (const text of printed) {
        for (const secret of spellings(exchange)) expect(text.toLowerCase()).not.toContain(secret);
      }
    }
  });
});
