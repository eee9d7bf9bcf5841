import { spawn } from 'node:child_process';

/** What a program printed and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end; a failure is a value. */
export function run(command: string, parameters: readonly string[], input?: string, withinMs = 120_000): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'pipe'], timeout: withinMs });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
