/** How a piece of text stands out. */
export type Tone = 'good' | 'bad' | 'odd' | 'quiet' | 'strong';

/** Gives a text its colour, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

/** For pipes and files. */
export const plain: Paint = (_tone, text) => text;
