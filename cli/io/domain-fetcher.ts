import { err, ok, type Result } from '../../lib/result.ts';
import { LIST_OCTETS_MAX } from './kept-list.ts';
import { textOf } from './text-of.ts';

/** How long one answer may take as a whole, milliseconds. */
export const FETCH_TIMEOUT_MS = 30_000;

/** Fetches a list from a web address. Remembers the ETag, so that an unchanged list is not sent again. */
export class DomainFetcher {
  private readonly url: string;
  private readonly authorization: string | undefined;
  private readonly timeoutMs: number;
  private etag: string | undefined;
  private text: string | undefined;

  /** @param url - With name and password where the server wants them (HTTP basic authentication). */
  constructor(url: string, timeoutMs = FETCH_TIMEOUT_MS) {
    const parsed = new URL(url);
    const { username, password } = parsed;
    if (username !== '' || password !== '') {
      const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      this.authorization = `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
    }
    parsed.username = '';
    parsed.password = '';
    this.url = parsed.href;
    this.timeoutMs = timeoutMs;
  }

  /** The whole text of the list, or why it cannot be had; the address is not part of that, since it may hold a secret. */
  async read(): Promise<Result<string, string>> {
    const headers = new Headers({ accept: 'text/plain' });
    if (this.authorization !== undefined) headers.set('authorization', this.authorization);
    if (this.etag !== undefined) headers.set('if-none-match', this.etag);
    try {
      const answer = await fetch(this.url, { headers, signal: AbortSignal.timeout(this.timeoutMs) });
      if (answer.status === 304 && this.text !== undefined) return ok(this.text);
      if (answer.status !== 200) {
        await answer.body?.cancel();
        return err(`the server of the list answered ${answer.status}`);
      }
      const text = await bodyOf(answer);
      if (text.ok) {
        this.text = text.value;
        this.etag = answer.headers.get('etag') ?? undefined;
      }
      return text;
    } catch (error) {
      return err(reasonOf(error));
    }
  }
}

async function bodyOf(answer: Response): Promise<Result<string, string>> {
  const chunks: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of answer.body ?? []) {
    octets += chunk.length;
    if (octets > LIST_OCTETS_MAX) return err(`the list has more than ${LIST_OCTETS_MAX} octets`);
    chunks.push(chunk);
  }
  return ok(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
}

/** `fetch` hides what went wrong behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer in time';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return textOf(cause);
}
