import { expect, test } from 'vitest';
import { FrameCursor, FrameWriter, U48_MAX } from '../../log/frame-cursor.ts';

test('fields are read as they were written', () => {
  const frame = new FrameWriter(1 + 2 + 4 + 6 + 3)
    .u8(255)
    .u16(65_535)
    .u32(4_294_967_295)
    .u48(U48_MAX)
    .octets(Buffer.from('abc'))
    .finish();
  expect(frame.readUInt32LE(0)).toBe(frame.length - 4);
  const cursor = new FrameCursor(frame.subarray(4));
  expect([cursor.u8(), cursor.u16(), cursor.u32(), cursor.u48()]).toEqual([255, 65_535, 4_294_967_295, U48_MAX]);
  expect(cursor.isWhole).toBe(false);
  expect(cursor.octets(3).toString()).toBe('abc');
  expect(cursor.isWhole).toBe(true);
});

test('reading past the end gives nothing, and is remembered', () => {
  const cursor = new FrameCursor(Buffer.from([1, 2, 3]));
  expect(cursor.u16()).toBe(0x02_01);
  expect(cursor.u16()).toBe(0);
  expect(cursor.u8()).toBe(0);
  expect(cursor.octets(1)).toHaveLength(0);
  expect(cursor.isWhole).toBe(false);
});

test('the rest is read up to a bound', () => {
  const within = new FrameCursor(Buffer.from('abc'));
  expect(within.rest(3).toString()).toBe('abc');
  expect(within.isWhole).toBe(true);
  const beyond = new FrameCursor(Buffer.from('abcd'));
  expect(beyond.rest(3)).toHaveLength(0);
  expect(beyond.isWhole).toBe(false);
});

test('a frame that is not filled is a fault of the caller', () => {
  expect(() => new FrameWriter(2).u8(1).finish()).toThrow(RangeError);
});
