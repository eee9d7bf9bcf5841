import { expect, test } from 'vitest';
import { BoundedMap } from '../../lib/bounded-map.ts';

test('the key that was set longest ago goes first', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect([...map.entries()]).toEqual([
    ['a', 3],
    ['c', 4],
  ]);
  expect([map.has('b'), map.get('a'), map.size, map.delete('a'), map.size]).toEqual([false, 3, 2, true, 1]);
});
