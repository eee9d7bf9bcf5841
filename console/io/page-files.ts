import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Answer } from '../answer.ts';

/** What a page is made of; other files are not served. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};
const INDEX = 'index.html';
/** They are small, and a browser asks each time whether they are still the same. */
const CACHED = { 'Cache-Control': 'no-cache' };

interface PageFile {
  readonly type: string;
  readonly octets: Buffer;
  readonly tag: string;
}

/** The files of the page, as they were at the start. A path finds one of them by its name, or nothing. */
export class PageFiles {
  private readonly files: ReadonlyMap<string, PageFile>;

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.files = files;
  }

  /** @returns One line for the operator where there is no page. */
  static read(directory: string): Result<PageFiles, string> {
    try {
      const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
      const files = names.flatMap((name) => {
        const type = types[extname(name)];
        if (type === undefined) return [];
        const octets = readFileSync(join(directory, name));
        const tag = `"${createHash('sha256').update(octets).digest('base64url')}"`;
        return [[name.split(sep).join('/'), { type, octets, tag }] as const];
      });
      const page = new PageFiles(new Map(files));
      return page.files.has(INDEX) ? ok(page) : err(`${directory}: ${INDEX} is missing`);
    } catch (error) {
      return err(`${directory}: ${messageOf(error)}`);
    }
  }

  /** @param knownTag - What the browser has (`If-None-Match`). */
  answer(name: string, knownTag: string | undefined): Answer | undefined {
    const file = this.files.get(name);
    if (file === undefined) return undefined;
    const headers = { ...CACHED, 'Content-Type': file.type, ETag: file.tag };
    const isKnown = knownTag?.split(',').some((tag) => tag.trim() === file.tag) === true;
    return isKnown ? { status: 304, headers, body: '' } : { status: 200, headers, body: file.octets };
  }

  /** The page itself; without a cookie it asks for the token. */
  index(status: number): Answer {
    const file = this.files.get(INDEX);
    const headers = { 'Cache-Control': 'no-store', 'Content-Type': types['.html'] ?? '' };
    return { status, headers, body: file?.octets ?? '' };
  }
}
