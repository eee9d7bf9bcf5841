import type { IncomingMessage } from 'node:http';
import { jsonOf } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { type Refusal, refused } from '../answer.ts';

/** Octets of the body of a request. */
export const BODY_OCTETS_MAX = 8192;

/** Reads a body of JSON. Other types are refused: a form of another site could send those. */
export async function readJson(request: IncomingMessage): Promise<Result<unknown, Refusal>> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json')
    return err(refused(415, 'The body has to be application/json.'));
  const tooLarge = err(refused(413, `The body has more than ${BODY_OCTETS_MAX} octets.`));
  if (Number(request.headers['content-length'] ?? 0) > BODY_OCTETS_MAX) return tooLarge;
  const chunks: Buffer[] = [];
  let octets = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      octets += chunk.length;
      if (octets > BODY_OCTETS_MAX) return tooLarge;
      chunks.push(chunk);
    }
  } catch {
    // Whoever sent it has gone.
    return err(refused(400, 'The body broke off.'));
  }
  const value = jsonOf(Buffer.concat(chunks).toString('utf8'));
  return value === undefined ? err(refused(400, 'The body is no JSON.')) : ok(value);
}
