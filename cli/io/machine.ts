import { hostname, networkInterfaces } from 'node:os';
import { canonicalAddress } from '../../lib/ip.ts';
import type { Machine } from '../config/assemble.ts';

/** Name and addresses of this machine, loopback excepted. */
export function thisMachine(): Machine {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const addresses = interfaces
    .filter(({ internal }) => !internal)
    .flatMap(({ address }) => canonicalAddress(address.split('%')[0] ?? '') ?? []);
  return { name: hostname(), addresses: [...new Set(addresses)] };
}
