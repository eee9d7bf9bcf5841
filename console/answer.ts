/** One answer to a browser. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Why a request is not done, in words for people. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 414 | 415 | 500 | 503;
  readonly error: string;
  /** Methods that would be taken; with 405. */
  readonly allow?: string;
}

/** In every answer: nothing from elsewhere, nothing that stands in the page itself, nobody around it. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** What is about the site is kept nowhere. */
export const NEVER_STORED = { 'Cache-Control': 'no-store' };

export const jsonAnswer = (value: unknown, status = 200): Answer => ({
  status,
  headers: { ...NEVER_STORED, 'Content-Type': 'application/json; charset=utf-8' },
  body: `${JSON.stringify(value)}\n`,
});

export function refusalAnswer({ status, error, allow }: Refusal): Answer {
  const answer = jsonAnswer({ error }, status);
  return allow === undefined ? answer : { ...answer, headers: { ...answer.headers, Allow: allow } };
}

export const refused = (status: Refusal['status'], error: string): Refusal => ({ status, error });
