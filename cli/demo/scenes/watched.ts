import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, Client } from '../actor.ts';
import { plainLetter } from '../letters.ts';

const NAME = 'patient.example';
const MAIL = 'MAIL FROM:<offers@patient.example>';
/** Between two offences, milliseconds: a decision is there in less. */
const PAUSE_MS = 250;
/** A decision takes effect on the next connection within this time, milliseconds. */
const DECIDED_MS = 800;
const GUESSES = ['adam', 'anna', 'ben', 'clara', 'david', 'emma', 'eva', 'felix', 'finn', 'greta'];
/** Connections of a flood, and how many of them are there at the same time. */
const IN_ALL = 240;
const ABREAST = 8;

/** One guess after another until the session is over, and once more. */
export async function harvestPatiently(actor: Actor): Promise<void> {
  const client = await actor.greet(NAME);
  await client.say(MAIL);
  for (const name of GUESSES) {
    const code = await client.say(`RCPT TO:<${name}@example.com>`);
    if (code === undefined || code === 421) break;
    await sleep(PAUSE_MS);
  }
  await client.untilClosed();
  await knockOnceMore(actor);
}

/** The same password for one account after another. */
export async function sprayPasswords(actor: Actor): Promise<void> {
  for (const accounts of [
    ['anna', 'ben'],
    ['clara', 'david'],
  ]) {
    const client = await actor.greet(NAME);
    await client.startTls(NAME);
    for (const account of accounts) {
      const credentials = Buffer.from(`\0${account}\0Summer2026`).toString('base64');
      await client.say(`AUTH PLAIN ${credentials}`);
      await sleep(PAUSE_MS);
    }
    await leave(client);
  }
  await sleep(DECIDED_MS);
  await knockOnceMore(actor);
}

/** A foreign domain, and another one. */
export async function probeTwice(actor: Actor): Promise<void> {
  for (const domain of ['elsewhere.example', 'nowhere.example']) {
    const client = await actor.greet(NAME);
    await client.say(MAIL);
    await client.say(`RCPT TO:<victim@${domain}>`);
    await leave(client);
    await sleep(DECIDED_MS);
  }
  await knockOnceMore(actor);
}

/** Connections without end, whatever they are told. */
export async function floodOnAndOn(actor: Actor): Promise<void> {
  let count = 0;
  const connectOnAndOn = async (): Promise<void> => {
    while (count < IN_ALL) {
      count += 1;
      const client = await actor.connect();
      const code = await client.reply();
      if (code === 220 || code === 554) await leave(client);
      else await client.untilClosed();
      await sleep(PAUSE_MS / 10);
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, connectOnAndOn));
}

/** Two typos, noticed by the person who made them. */
export async function mistypeTwice(actor: Actor): Promise<void> {
  const client = await actor.greet('mail.partner.example');
  const body = plainLetter('To all of you');
  actor.sends(body);
  await client.say('MAIL FROM:<carol@partner.example>');
  await client.say('RCPT TO:<alcie@example.com>');
  await client.say('RCPT TO:<blob@example.com>');
  await client.say('RCPT TO:<alice@example.com>');
  await client.data(body);
  await client.quit();
}

async function knockOnceMore(actor: Actor): Promise<void> {
  const client = await actor.connect();
  const code = await client.reply();
  if (code === 554) await leave(client);
  else await client.untilClosed();
}

/** QUIT, unless the gate was first. */
async function leave(client: Client): Promise<void> {
  await client.say('QUIT');
  await client.untilClosed();
}
