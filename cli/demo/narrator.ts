import type { MailEvent } from '../../events/event.ts';
import { liveLine, Repeats } from './live-line.ts';
import type { Delivery } from './mail-store.ts';
import type { Paint } from './paint.ts';
import { type Act, acts, type StoryLine } from './story.ts';

/** Lines of an explanation that are shown. */
const EXPLANATION_LINES = 12;

/** Tells the story while it happens: what is about to be done, and what the log says of it. */
export class Narrator {
  readonly #write: (text: string) => void;
  readonly #paint: Paint;
  /** Only within an act. */
  #repeats: Repeats | undefined;

  /** @param write - Takes whole lines, line ends included. */
  constructor(write: (text: string) => void, paint: Paint) {
    this.#write = write;
    this.#paint = paint;
  }

  say(text: string): void {
    this.#write(`${text}\n`);
  }

  beginAct(act: Act): void {
    this.#repeats = new Repeats();
    this.say(`\n${this.#paint('strong', acts[act])}`);
  }

  beginLine({ what, source, door }: StoryLine): void {
    this.say(`${this.#paint('strong', '>')} ${what} ${this.#paint('quiet', `(${source} to ${door})`)}`);
  }

  /** One event of the log. What repeats within an act is counted. */
  event(event: MailEvent): void {
    const line = liveLine(event, this.#paint);
    if (line !== undefined && this.#repeats?.shows(line) !== false) this.say(line);
  }

  /** A message that reached the server behind without the gate, so that no event tells of it. */
  held({ source, forwardPaths, octets, file }: Delivery): void {
    const what = `the server holds ${octets} octets for <${forwardPaths.join('>, <')}>`;
    this.say(`  ${this.#paint('quiet', source)} ${this.#paint('bad', what)} ${this.#paint('quiet', file)}`);
  }

  /** What a command says of a source: the beginning of it. */
  explain(source: string, text: string): void {
    this.say(`\n${this.#paint('strong', `$ postern why ${source}`)}`);
    const lines = text.split('\n');
    for (const line of lines.slice(0, EXPLANATION_LINES)) this.say(`  ${line}`);
    if (lines.length > EXPLANATION_LINES) this.say(this.#paint('quiet', '  … and the sessions behind it'));
  }

  endAct(): void {
    for (const { text, more } of this.#repeats?.takeRest() ?? []) {
      this.say(`${text} ${this.#paint('quiet', `and ${more} more`)}`);
    }
    this.#repeats = undefined;
  }
}
