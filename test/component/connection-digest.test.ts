import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyDigest } from '../../proxy/io/body-digest.ts';

test('the digest is the same however the body was split', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }), (pieces) => {
      const digest = new BodyDigest();
      const whole = createHash('sha256');
      for (const piece of pieces) {
        digest.update(piece);
        whole.update(piece);
      }
      expect(digest.hex()).toBe(whole.digest('hex'));
    }),
  );
});
