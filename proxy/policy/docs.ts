import { allowedModes, defaultModes, isKeptInPanic } from './modes.ts';
import { type RuleDescription, sourceClasses } from './rule.ts';
import { rules } from './rules.ts';

const stageNames: Readonly<Record<RuleDescription['stage'], string>> = {
  connect: 'connect',
  helo: 'EHLO, HELO',
  auth: 'AUTH',
  mail: 'MAIL',
  rcpt: 'RCPT',
  data: 'DATA, BDAT',
  any: 'any time',
};

const header = `# Rules

Generated from \`proxy/policy/\` by \`npm run generate\`; do not edit.

The rules run in this order. Each has a mode: \`enforce\` acts, \`observe\` only records what it would have done, \`off\` is not
evaluated. The first enforced finding wins; what observing rules would have done is recorded beside it. A refusal reads

    554 5.7.1 Refused: relaying not allowed, contact postmaster@example.com [relay.denied 01JD8Z6Q0V3K5T7W9XABCDEFGH]

and \`postern why\` finds the session by the reference at its end. Under the panic switch (\`postern observe --all\`) everything
only observes but relay control, framing and hard limits; rules that are off stay off.
`;

const unknownNote = `Where a rule cannot know, because a list was never loaded, the setting of its stage decides: \`defer\` answers
\`451 4.7.1\` by that rule, \`pass\` goes on and records it beside the verdict. Relay control always defers.`;

const classesNote = `A source is judged as the strongest class it belongs to, strongest last. A source on the never-list is exempt from
\`source.blocked\` whatever its class, and from nothing else. At the connect stage nobody has shown a certificate or
authenticated yet.`;

/** `docs/rules.md`: what each rule does, and which class of source each concerns. */
export const renderRuleDocs = (): string =>
  [
    header,
    table(
      ['rule', 'stage', 'default', 'may be', 'in panic', 'reply', 'concerns', 'what it finds'],
      rules.map((rule) => [
        `\`${rule.id}\``,
        stageNames[rule.stage],
        defaultModes[rule.id],
        allowedModes(rule.id).join(', '),
        isKeptInPanic(rule.id) ? 'stays' : 'observes',
        repliesOf(rule),
        concernsOf(rule),
        rule.summary,
      ]),
    ),
    '',
    unknownNote,
    '',
    '## Rules and classes of source',
    '',
    classesNote,
    '',
    table(
      ['rule', ...sourceClasses],
      rules.map((rule) => [
        `\`${rule.id}\` (${stageNames[rule.stage]})`,
        ...sourceClasses.map((each) => (rule.concerns.includes(each) ? 'yes' : '')),
      ]),
    ),
    '',
  ].join('\n');

const repliesOf = ({ answers }: RuleDescription): string =>
  answers.length === 0
    ? 'none, the connection is closed'
    : answers
        .map(({ code, enhanced, action }) => `${code} ${enhanced}${action === 'close' ? ', closes' : ''}`)
        .join('; ');

function concernsOf({ concerns }: RuleDescription): string {
  if (concerns.length === sourceClasses.length) return 'everyone';
  const exempt = sourceClasses.filter((each) => !concerns.includes(each));
  return exempt.length < concerns.length ? `all but ${exempt.join(', ')}` : concerns.join(', ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
