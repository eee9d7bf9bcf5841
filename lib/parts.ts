/** Octets of the length in front of each part. */
const LENGTH_OCTETS = 4;

/** Several pieces of octets in one: each behind its length. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(parts.reduce((sum, part) => sum + LENGTH_OCTETS + part.length, 0));
  const view = new DataView(octets.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    octets.set(part, at + LENGTH_OCTETS);
    at += LENGTH_OCTETS + part.length;
  }
  return octets;
}

/** The pieces that {@link joined} put together; undefined for octets that are none. */
export function split(octets: Uint8Array): readonly Uint8Array[] | undefined {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    if (at + LENGTH_OCTETS > octets.length) return undefined;
    const length = view.getUint32(at, true);
    at += LENGTH_OCTETS;
    if (at + length > octets.length) return undefined;
    parts.push(octets.subarray(at, at + length));
    at += length;
  }
  return parts;
}
