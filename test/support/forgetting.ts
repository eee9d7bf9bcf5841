import type { Forgetting } from '../../events/forgetting.ts';

/** Somebody to be forgotten: anna@example.com, whose pseudonym is `forgotten-qwertyuiopasdfgh@example.com`. */
export const aForgetting = (fields: Partial<Forgetting> = {}): Forgetting => ({
  local: 'anna',
  domain: 'example.com',
  word: 'qwertyuiopasdfgh',
  key: { first: 1, second: 2 },
  localHash: { from: '00112233445566aa', to: 'ffeeddccbbaa9988' },
  accounts: [],
  ...fields,
});
