import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, Client } from '../actor.ts';

const NAME = 'slow.example';
/** Time between two octets of a slow client, milliseconds. */
const OCTET_EVERY_MS = 100;
/** How long connections that are there at once are held, milliseconds. */
const HELD_MS = 1500;
/** Connections that come at once. */
const AT_ONCE = 30;
/** Connections that come one after another, and how many of them are there at the same time. */
const IN_ALL = 80;
const ABREAST = 8;

export async function sendCommandSlowly(actor: Actor): Promise<void> {
  const client = await actor.greet(NAME);
  await drip(client, 'MAIL FROM:<somebody-with-a-rather-long-address@slow.example>');
}

export async function sendBodySlowly(actor: Actor): Promise<void> {
  const client = await actor.greet(NAME);
  await client.sayTogether('MAIL FROM:<somebody@slow.example>', 'RCPT TO:<alice@example.com>', 'DATA');
  await drip(client, 'x');
}

/** One octet after another, the text over and over, until the other side has had enough. */
async function drip(client: Client, text: string): Promise<void> {
  let isOver = false;
  const over = client.untilClosed().then(() => {
    isOver = true;
  });
  for (let index = 0; !isOver; index += 1) {
    client.send(text.charAt(index % text.length));
    await Promise.race([sleep(OCTET_EVERY_MS), over]);
  }
}

/** Many connections at once, kept open and silent. */
export async function floodAtOnce(actor: Actor): Promise<void> {
  const clients = await Promise.all(Array.from({ length: AT_ONCE }, () => actor.connect()));
  await Promise.all(clients.map((client) => client.reply()));
  await sleep(HELD_MS);
  actor.leave();
}

/** One connection after another. */
export async function floodOverTime(actor: Actor): Promise<void> {
  let count = 0;
  const connectOnAndOn = async (): Promise<void> => {
    while (count < IN_ALL) {
      count += 1;
      const client = await actor.connect();
      if ((await client.reply()) === 220) await client.quit();
      else await client.untilClosed();
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, connectOnAndOn));
}
