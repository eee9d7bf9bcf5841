/** Work that takes long, in steps: it yields between them, so that whoever does it can do something else, and returns its outcome. */
export type Steps<Outcome> = Generator<undefined, Outcome, undefined>;

/** Does all of it at once. */
export function finish<Outcome>(steps: Steps<Outcome>): Outcome {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
