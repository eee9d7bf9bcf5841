import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FRAME_OCTETS_MAX, FrameAssembler } from '../../log/frame-assembler.ts';

function framed(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(body.length);
      return [length, body];
    }),
  );
}

test('frames come out whole, however the octets come in', () => {
  const anyBodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(anyBodies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (bodies, sizes) => {
      const octets = framed(bodies);
      const assembler = new FrameAssembler();
      const frames: Buffer[] = [];
      for (let at = 0, turn = 0; at < octets.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        frames.push(...(assembler.push(octets.subarray(at, at + size)) ?? []));
        at += size;
      }
      expect(frames.map((frame) => [...frame])).toEqual(bodies.map((body) => [...body]));
    }),
  );
});

test('a frame of the largest size is taken, a larger one ends it', () => {
  const largest = Buffer.alloc(FRAME_OCTETS_MAX, 7);
  expect(new FrameAssembler().push(framed([largest]))).toEqual([largest]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(FRAME_OCTETS_MAX + 1);
  expect(new FrameAssembler().push(length)).toBeUndefined();
});

test('an empty frame ends it', () => {
  expect(new FrameAssembler().push(Buffer.alloc(4))).toBeUndefined();
});
