import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, deflate, gunzip, gzip, inflate } from 'node:zlib';
import { err, ok, type Result } from '../../lib/result.ts';
import { type Coding, QUERY_OCTETS_MAX } from '../http-request.ts';
import { type Refusal, refusal } from '../refusal.ts';

const gunzipped = promisify(gunzip);
const inflated = promisify(inflate);
const unbrotlied = promisify(brotliDecompress);
const gzipped = promisify(gzip);
const deflated = promisify(deflate);
const brotlied = promisify<Uint8Array, object, Buffer>(brotliCompress);

/** Speed counts on loopback: the levels that are near the fastest. */
const ZLIB_LEVEL = 3;
const BROTLI_QUALITY = 3;

/** The body of a request, decompressed; neither it nor what it becomes may be longer than {@link QUERY_OCTETS_MAX}. */
export async function readBody(request: IncomingMessage, coding: Coding): Promise<Result<Uint8Array, Refusal>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (!(chunk instanceof Uint8Array)) continue;
      length += chunk.length;
      if (length > QUERY_OCTETS_MAX) return err(refusal.queryTooLong);
      chunks.push(chunk);
    }
  } catch {
    return err(refusal.badBody);
  }
  return decompressed(Buffer.concat(chunks), coding);
}

async function decompressed(octets: Uint8Array, coding: Coding): Promise<Result<Uint8Array, Refusal>> {
  const limits = { maxOutputLength: QUERY_OCTETS_MAX };
  try {
    switch (coding) {
      case 'identity':
        return ok(octets);
      case 'gzip':
        return ok(await gunzipped(octets, limits));
      case 'deflate':
        return ok(await inflated(octets, limits));
      case 'br':
        return ok(await unbrotlied(octets, limits));
    }
  } catch (error) {
    const isTooLong = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return err(isTooLong ? refusal.queryTooLong : refusal.badBody);
  }
}

/** The body of an answer. */
export async function compressed(octets: Uint8Array, coding: Coding): Promise<Uint8Array> {
  switch (coding) {
    case 'identity':
      return octets;
    case 'gzip':
      return gzipped(octets, { level: ZLIB_LEVEL });
    case 'deflate':
      return deflated(octets, { level: ZLIB_LEVEL });
    case 'br':
      return brotlied(octets, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
  }
}
