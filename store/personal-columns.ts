/** What a text in a column is, for whoever takes a person out of it. */
export type PersonalText = 'text' | 'reply-text' | 'account' | 'hex' | 'line';

/** A column that may name a person. */
export interface PersonalColumn {
  readonly table: string;
  readonly column: string;
  readonly holds: PersonalText;
  /** Its texts as an array, as SQL. */
  readonly texts: string;
  /** What it becomes where each of its texts becomes what `changed` makes of it, as SQL. */
  readonly update: (changed: (text: string) => string) => string;
}

const plain = (table: string, column: string, holds: PersonalText = 'text'): PersonalColumn => ({
  table,
  column,
  holds,
  texts: `[toString(${column})]`,
  update: (changed) => changed(`toString(${column})`),
});

/**
 * Every column of the history that may hold the address, the account or a keyed hash of a person. All others hold numbers, words of ours,
 * names of the configuration, domains and network addresses; `test/component/store-forget.test.ts` compares that with the schema.
 */
export const personalColumns: readonly PersonalColumn[] = [
  plain('events', 'heloName'),
  plain('events', 'reversePath'),
  plain('events', 'forwardPath'),
  {
    table: 'events',
    column: 'parameters',
    holds: 'text',
    texts: `arrayMap(p -> ifNull(p, ''), arrayFlatten(parameters))`,
    update: (changed) =>
      `arrayMap(ps -> arrayMap(p -> if(isNull(p), p, ${changed('assumeNotNull(p)')}), ps), parameters)`,
  },
  plain('events', 'mechanism'),
  plain('events', 'argument'),
  {
    table: 'events',
    column: 'reply',
    holds: 'reply-text',
    texts: '[reply.text]',
    update: (changed) => `tuple(reply.code, reply.enhanced, ${changed('reply.text')}, reply.\`from\`)`,
  },
  plain('events', 'account', 'account'),
  plain('events', 'sni'),
  plain('events', 'reason'),
  plain('events', 'stage'),
  plain('events', 'note'),
  plain('events', 'octetsHex', 'hex'),
  {
    table: 'events',
    column: 'faults',
    holds: 'text',
    texts: 'faults',
    update: (changed) => `arrayMap(f -> ${changed('f')}, faults)`,
  },
  plain('events', 'value'),
  plain('events', '`by`'),
  plain('sessions', 'heloName'),
  plain('sessions', 'account', 'account'),
  plain('mails', 'reversePath'),
  plain('mails', 'replyText', 'reply-text'),
  {
    table: 'decisions',
    column: 'value',
    holds: 'account',
    texts: `[if(scope = 'account', value, '')]`,
    update: (changed) => `if(scope = 'account', ${changed('value')}, value)`,
  },
  plain('decisions', '`by`'),
  plain('decisions', 'reason'),
  plain('unreadable', 'reason'),
  plain('unreadable', 'line', 'line'),
];
