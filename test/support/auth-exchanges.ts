/** What a client says to authenticate, and what an event may tell of it. */
export interface AuthExchange {
  readonly title: string;
  readonly mechanism: string;
  /** Lines of the client; the server behind says 334 after each but the last. */
  readonly lines: readonly string[];
  /** In its normal form; undefined: nothing is shown. */
  readonly account: string | undefined;
  /** Undefined: the mechanism does not show it. */
  readonly password: string | undefined;
  /** Must be nowhere: as they are, in base64 or in hex. */
  readonly secrets: readonly string[];
}

const PASSWORD = 'correct horse';
const TOKEN = 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg';
const DIGEST = '9ebd2d4a1f3c5b7a9ebd2d4a1f3c5b7a';
const PROOF = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** An exchange from the texts that its lines hold; the first of them stands in the AUTH command if `isInitial`. */
function exchange(
  mechanism: string,
  texts: readonly string[],
  shown: { account?: string; password?: string; isInitial?: boolean; secrets?: readonly string[] },
): AuthExchange {
  const { account, password, isInitial = false, secrets = [] } = shown;
  const encoded = texts.map((text) => (text === '*' ? text : base64(text)));
  const lines = isInitial
    ? [`AUTH ${mechanism} ${encoded[0]}`, ...encoded.slice(1)]
    : [`AUTH ${mechanism}`, ...encoded];
  return {
    title: `${mechanism}${isInitial ? ' at once' : ''}, ${JSON.stringify(texts)}`,
    mechanism: mechanism.toUpperCase(),
    lines,
    account,
    password,
    secrets: [PASSWORD, ...texts.filter((text) => text.length > 3), ...secrets],
  };
}

const alice = { account: 'alice@example.com', password: PASSWORD };
const { account } = alice;

/** Every mechanism that shows something, in each way to say it, and data that shows nothing. */
export const authExchanges: readonly AuthExchange[] = [
  exchange('PLAIN', [`\0Alice@Example.com\0${PASSWORD}`], { ...alice, isInitial: true }),
  exchange('PLAIN', [`admin\0 alice@example.com \0${PASSWORD}`], alice),
  exchange('plain', [`\0ALICE@example.com\0${PASSWORD}`], alice),
  exchange('LOGIN', ['alice@example.com', PASSWORD], alice),
  exchange('LOGIN', ['alice@example.com', PASSWORD], { ...alice, isInitial: true }),
  exchange('LOGIN', ['alice@example.com', '*'], { account }),
  exchange('CRAM-MD5', [`alice@example.com ${DIGEST}`], { account, secrets: [DIGEST] }),
  exchange('XOAUTH2', [`user=alice@example.com\u0001auth=Bearer ${TOKEN}\u0001\u0001`], {
    account,
    isInitial: true,
    secrets: [TOKEN],
  }),
  exchange('OAUTHBEARER', [`n,a=alice@example.com,\u0001host=x\u0001auth=Bearer ${TOKEN}\u0001\u0001`], {
    account,
    isInitial: true,
    secrets: [TOKEN],
  }),
  exchange(
    'SCRAM-SHA-256',
    ['n,,n=alice@example.com,r=rOprNGfwEbeRWgbNEkqO', `c=biws,r=rOprNGfwEbeRWgbNEkqO,p=${PROOF}`],
    {
      account,
      secrets: [PROOF],
    },
  ),
  exchange('SCRAM-SHA-1', ['y,a=admin,n=alice@example.com,r=fyko+d2lbbFgONRv9qkxdawL', `c=eSws,r=x,p=${PROOF}`], {
    account,
    isInitial: true,
    secrets: [PROOF],
  }),
  exchange('PLAIN', [`alice@example.com ${PASSWORD}`], { isInitial: true }),
  exchange('PLAIN', [`\0${'a'.repeat(255)}\0${PASSWORD}`], {}),
  exchange('CRAM-MD5', [`alice@example.com\t${PASSWORD}`], {}),
  exchange('X-OTHER', ['alice@example.com', PASSWORD], {}),
];

/** Every mechanism of {@link authExchanges}. */
export const offeredMechanisms: readonly string[] = [...new Set(authExchanges.map(({ mechanism }) => mechanism))];

/** What the server behind says to each line: 334, and a refusal (of a cancelled exchange too) to the last one. */
export const answersTo = ({ lines }: AuthExchange): readonly string[] => [
  ...lines.slice(1).map(() => '334 '),
  lines.at(-1) === '*' ? '501 5.7.0 cancelled' : '535 5.7.8 no',
];

/** Every spelling of the secrets of an exchange, in lower case. */
export const spellings = ({ secrets, lines }: AuthExchange): readonly string[] =>
  [
    ...secrets.flatMap((text) => [
      text,
      JSON.stringify(text).slice(1, -1),
      base64(text),
      base64(text).replace(/=+$/, ''),
      Buffer.from(text).toString('hex'),
    ]),
    ...lines.map((line, index) => (index === 0 ? line.split(' ')[2] : line) ?? '').filter((word) => word.length > 3),
  ].map((text) => text.toLowerCase());
