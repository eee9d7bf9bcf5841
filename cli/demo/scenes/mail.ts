import { Buffer } from 'node:buffer';
import type { Actor, Client } from '../actor.ts';
import { chunksOfLetter, eightBitLetter, largeLetter, plainLetter } from '../letters.ts';
import { ACCOUNT } from '../world.ts';

const PARTNER = 'mail.partner.example';
const MAIL = 'MAIL FROM:<ann@partner.example>';
const RCPT = 'RCPT TO:<alice@example.com>';

/** Envelope and DATA in one packet (RFC 2920), and the body. */
export async function sendPipelined(actor: Actor): Promise<void> {
  const client = await actor.greet(PARTNER);
  const body = plainLetter('Plain');
  actor.sends(body);
  await client.sayTogether(MAIL, RCPT, 'DATA');
  client.send(body);
  await client.say('.');
  await client.quit();
}

export async function sendOverStartTls(actor: Actor): Promise<void> {
  const client = await actor.greet(PARTNER);
  await client.startTls(PARTNER);
  await sendLetter(actor, client, plainLetter('Over TLS'));
}

export async function sendEightBit(actor: Actor): Promise<void> {
  await sendLetter(actor, await actor.greet(PARTNER), eightBitLetter(), `${MAIL} BODY=8BITMIME`);
}

export async function sendLarge(actor: Actor): Promise<void> {
  const body = largeLetter();
  await sendLetter(actor, await actor.greet(PARTNER), body, `${MAIL} SIZE=${body.length}`);
}

export async function sendChunks(actor: Actor): Promise<void> {
  const client = await actor.greet(PARTNER);
  const chunks = chunksOfLetter();
  actor.sends(Buffer.concat(chunks));
  await client.sayTogether(MAIL, RCPT);
  for (const [index, chunk] of chunks.entries()) {
    client.send(`BDAT ${chunk.length}${index + 1 === chunks.length ? ' LAST' : ''}\r\n`);
    client.send(chunk);
    await client.reply();
  }
  await client.quit();
}

export async function sendWithTypo(actor: Actor): Promise<void> {
  const client = await actor.greet(PARTNER);
  const body = plainLetter('To both of you');
  actor.sends(body);
  await client.sayTogether(MAIL, 'RCPT TO:<bbo@example.com>', RCPT);
  await client.data(body);
  await client.quit();
}

async function sendLetter(actor: Actor, client: Client, body: Buffer, mail = MAIL): Promise<void> {
  actor.sends(body);
  await client.say(mail);
  await client.say(RCPT);
  await client.data(body);
  await client.quit();
}

const LAPTOP = '[192.168.1.20]';
const authPlain = (password: string): string =>
  `AUTH PLAIN ${Buffer.from(`\0${ACCOUNT.user}\0${password}`).toString('base64')}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

export async function submitOverStartTls(actor: Actor): Promise<void> {
  const client = await actor.greet(LAPTOP);
  await client.startTls(LAPTOP);
  await client.say(authPlain(ACCOUNT.password));
  await submit(actor, client);
}

/** AUTH LOGIN, line by line. */
export async function submitOverImplicitTls(actor: Actor): Promise<void> {
  const client = await actor.greet(LAPTOP);
  await client.say('AUTH LOGIN');
  await client.say(base64(ACCOUNT.user));
  await client.say(base64(ACCOUNT.password));
  await submit(actor, client);
}

async function submit(actor: Actor, client: Client): Promise<void> {
  const body = plainLetter('Out into the world', 'dave@elsewhere.example');
  actor.sends(body);
  await client.say('MAIL FROM:<alice@example.com>');
  await client.say('RCPT TO:<dave@elsewhere.example>');
  await client.data(body);
  await client.quit();
}

export async function submitWithoutAuth(actor: Actor): Promise<void> {
  const client = await actor.greet(LAPTOP);
  await client.startTls(LAPTOP);
  await client.say('MAIL FROM:<alice@example.com>');
  await client.quit();
}

/** More wrong passwords than a session may try. */
export async function guessPasswords(actor: Actor): Promise<void> {
  const client = await actor.greet('guesser.example');
  await client.startTls('guesser.example');
  for (const password of ['123456', 'password', 'qwerty', 'letmein']) await client.say(authPlain(password));
  await client.untilClosed();
}

export async function authInClear(actor: Actor): Promise<void> {
  const client = await actor.greet(LAPTOP);
  await client.say(authPlain(ACCOUNT.password));
  await client.quit();
}
