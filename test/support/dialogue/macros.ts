import { err, ok, type Result } from '../../../lib/result.ts';

export type Reached = 'nothing' | 'connection' | 'ehlo';

const ehlo = ['C> "EHLO c.example.com\\r\\n"', 'C< 250', 'U> any'];
const startTls = ['C> "STARTTLS\\r\\n"', 'C< 220', 'C> <TLS>', ...ehlo];
const transaction = [
  'C> "MAIL FROM:<a@example.com>\\r\\n"',
  'C< 250',
  'C> "RCPT TO:<b@example.com>\\r\\n"',
  'C< 250',
  'U> any',
];
const data = ['C> "DATA\\r\\n"', 'C< 354', 'U> any'];

/**
 * The lines a macro stands for. Each brings what is missing before it: `@TX` on a fresh script connects and says EHLO first.
 *
 * @param reached - How far macros before this one have brought the session.
 */
export function macros(
  name: string,
  reached: Reached,
  implicitTls: boolean,
): Result<{ readonly lines: readonly string[]; readonly reached: Reached }, string> {
  const connection = reached === 'nothing' ? ['connect', ...(implicitTls ? ['C> <TLS>'] : []), 'C< 220', 'U> any'] : [];
  const greeted = reached === 'ehlo' ? [] : [...connection, ...ehlo];
  switch (name) {
    case '@CONN':
      return reached === 'nothing' ? ok({ lines: connection, reached: 'connection' }) : err('connected twice');
    case '@EHLO':
      return reached === 'ehlo' ? err('write the second EHLO out') : ok({ lines: greeted, reached: 'ehlo' });
    case '@TLS':
      if (implicitTls) return err('the listener has TLS from the first octet: write @EHLO');
      return ok({ lines: [...greeted, ...startTls], reached: 'ehlo' });
    case '@TX':
      return ok({ lines: [...greeted, ...transaction], reached: 'ehlo' });
    case '@DATA':
      return ok({ lines: [...greeted, ...transaction, ...data], reached: 'ehlo' });
    default:
      return err(`no macro ${name}`);
  }
}
