import { expect, test } from 'vitest';
import { relayRouting } from '../../../proxy/policy/relay-routing.ts';
import { codesOf, rcptFacts, someLists } from './facts.ts';

const found = (to: string) => codesOf(relayRouting.check(rcptFacts(to), someLists()));

test.each([
  'victim%other.example@example.com',
  'victim%25other.example@example.com',
  'other.example!victim@example.com',
  '"victim@other.example"@example.com',
  '"victim\\@other.example"@example.com',
  '"victim%other.example"@example.com',
  '@other.example:victim@example.com',
  '@example.com:victim@example.com',
  '@example.com,@other.example:victim@example.com',
  '@other.example:postmaster@example.com',
  'victim％other.example@example.com',
  'victim﹪other.example@example.com',
  'other.example！victim@example.com',
  'victim＠other.example@example.com',
])('%s routes', (to) => expect(found(to)).toBe('550 5.7.1'));

test.each([
  'b@example.com',
  'b+tag@example.com',
  'b=other.example@example.com',
  'SRS0=ab=cd=other.example=b@example.com',
  '"two words"@example.com',
  'bücher@example.com',
  'postmaster',
  'b@[192.0.2.1]',
])('%s does not', (to) => expect(found(to)).toBeUndefined());
