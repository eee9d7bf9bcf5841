import type { Actor } from '../actor.ts';
import { plainLetter, smuggling } from '../letters.ts';

const NAME = 'attacker.example';
const MAIL = 'MAIL FROM:<offers@attacker.example>';

/** Tries all forward-paths in one mail transaction, and to send a message to whichever was accepted. */
async function probe(actor: Actor, ...forwardPaths: readonly string[]): Promise<void> {
  const client = await actor.greet(NAME);
  await client.say(MAIL);
  for (const path of forwardPaths) await client.say(`RCPT TO:<${path}>`);
  if ((await client.say('DATA')) === 354) {
    const body = plainLetter('Offers', 'victim@elsewhere.example');
    actor.sends(body);
    client.send(body);
    await client.say('.');
  }
  await client.quit();
}

/** What an open relay does: mail of a stranger to a third party. */
export async function relayThroughOpenRelay(actor: Actor): Promise<void> {
  await probe(actor, 'victim@elsewhere.example');
}

export async function relayToForeignDomains(actor: Actor): Promise<void> {
  await probe(
    actor,
    'victim@elsewhere.example',
    'victim@ELSEWHERE.example',
    '"victim"@elsewhere.example',
    'victim@elsewhere.example.',
    'victim@[203.0.113.200]',
    'victim@example.com.elsewhere.example',
  );
}

export async function relayByRouting(actor: Actor): Promise<void> {
  await probe(
    actor,
    'victim%elsewhere.example@example.com',
    'elsewhere.example!victim@example.com',
    '"victim@elsewhere.example"@example.com',
    '"elsewhere.example!victim"@example.com',
    '@example.net:alice@example.com',
    '@example.com:victim@elsewhere.example',
    '@elsewhere.example:alice@example.com',
  );
}

export async function relayWithForgedReversePath(actor: Actor): Promise<void> {
  const client = await actor.greet(NAME);
  await client.say('MAIL FROM:<alice@example.com>');
  await client.say('RCPT TO:<victim@elsewhere.example>');
  await client.say('RSET');
  await client.say('MAIL FROM:<>');
  await client.say('RCPT TO:<victim@elsewhere.example>');
  await client.quit();
}

const GUESSES =
  'adam anna ben clara david emma eva felix finn greta hanna ida jan jonas julia karl lara leo lea max mia nina paul tom';

/** RCPT after RCPT in one packet; the session ends before its answers do. */
export async function harvest(actor: Actor, domain: string): Promise<void> {
  const client = await actor.greet(NAME);
  await client.say(MAIL);
  client.send(
    GUESSES.split(' ')
      .map((name) => `RCPT TO:<${name}@${domain}>\r\n`)
      .join(''),
  );
  await client.untilClosed();
}

export async function harvestTwice(actor: Actor): Promise<void> {
  await harvest(actor, 'example.com');
  await harvest(actor, 'example.com');
}

/** One message with another behind its false end. */
export async function smuggle(actor: Actor, falseEnd: string): Promise<void> {
  const { cover, body } = smuggling(falseEnd, 'offers@attacker.example');
  actor.sends(cover);
  const client = await actor.greet(NAME);
  await client.say(MAIL);
  await client.say('RCPT TO:<alice@example.com>');
  await client.data(body);
  await client.quit();
}

/** What would be taken for said under TLS by a server that keeps its buffer (RFC 3207 section 4.2). */
export async function injectBehindStartTls(actor: Actor): Promise<void> {
  const client = await actor.greet(NAME);
  client.send(`STARTTLS\r\n${MAIL}\r\nRCPT TO:<alice@example.com>\r\n`);
  await client.untilClosed();
}

export async function talkEarly(actor: Actor): Promise<void> {
  const client = await actor.connect(`EHLO ${NAME}\r\n${MAIL}\r\n`);
  await client.untilClosed();
}

export async function speakHttp(actor: Actor): Promise<void> {
  const client = await actor.connect();
  await client.reply();
  client.send('POST / HTTP/1.1\r\nHost: mx.example.com\r\nContent-Length: 19\r\n\r\nMAIL FROM:<a@b.c>\r\n');
  await client.untilClosed();
}
