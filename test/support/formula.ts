/**
 * The value of a formula as documents write it: numbers, names, `× / +`, parentheses, and `⌈…⌉`, which rounds up.
 *
 * @param names - What the names stand for. Throws where the text is no formula.
 */
export function evaluate(formula: string, names: ReadonlyMap<string, number>): number {
  const tokens = formula.replaceAll(/(?<=\d),(?=\d{3})/g, '').match(/\d+(?:\.\d+)?|[A-Z]|[×/+()⌈⌉]/gu) ?? [];
  if (tokens.join('') !== formula.replaceAll(/[\s,]/g, '')) throw new Error(`${formula} is no formula`);
  let at = 0;
  const take = (expected?: string): string => {
    const token = tokens[at] ?? '';
    if (expected !== undefined && token !== expected) throw new Error(`${formula}: ${expected} is missing`);
    at += 1;
    return token;
  };
  const factor = (): number => {
    const token = take();
    if (token === '(' || token === '⌈') {
      const value = sum();
      take(token === '(' ? ')' : '⌉');
      return token === '(' ? value : Math.ceil(value);
    }
    const value = /^\d/.test(token) ? Number(token) : names.get(token);
    if (value === undefined) throw new Error(`${formula}: what is ${token}?`);
    return value;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === '×' || tokens[at] === '/') value = take() === '×' ? value * factor() : value / factor();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+') {
      take();
      value += product();
    }
    return value;
  };
  const value = sum();
  if (at !== tokens.length) throw new Error(`${formula}: what is ${tokens[at]} there?`);
  return value;
}
