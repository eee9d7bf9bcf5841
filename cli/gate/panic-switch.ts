import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { jsonOf } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { writeWhole } from '../io/atomic-file.ts';
import { textOf } from '../io/text-of.ts';
import { type Panic, panicState } from './panic.ts';

/** The state of the panic switch, kept in a file until it is switched off. */
export class PanicSwitch {
  private readonly file: string;
  private panic: Panic | undefined;

  private constructor(file: string, panic: Panic | undefined) {
    this.file = file;
    this.panic = panic;
  }

  /** A state that cannot be read counts as on: somebody asked that nobody be refused, and it is not known that he took it back. */
  static open(file: string): PanicSwitch {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const isOff = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      return new PanicSwitch(file, isOff ? undefined : unreadable(file));
    }
    return new PanicSwitch(file, panicState.safeParse(jsonOf(text)).data ?? unreadable(file));
  }

  get state(): Panic | undefined {
    return this.panic;
  }

  /** Switches, and keeps that. @returns One line for the operator when it cannot be kept; then nothing is switched. */
  async set(panic: Panic | undefined): Promise<Result<undefined, string>> {
    try {
      if (panic === undefined) await rm(this.file, { force: true });
      else await writeWhole(this.file, `${JSON.stringify(panic)}\n`);
    } catch (error) {
      return err(`${this.file}: ${textOf(error)}`);
    }
    this.panic = panic;
    return ok(undefined);
  }
}

const unreadable = (file: string): Panic => ({ by: 'unknown', reason: `${file} cannot be read`, atMs: 0 });
