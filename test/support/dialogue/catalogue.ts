/** How many cases each section of the conformance catalogue has; ids run from 01 without gaps. */
export const sectionSizes: ReadonlyMap<string, number> = new Map([
  ['LF', 20],
  ['EOD', 19],
  ['BD', 16],
  ['PI', 12],
  ['TL', 19],
  ['AU', 17],
  ['CA', 14],
  ['EN', 17],
  ['UR', 16],
  ['RT', 13],
  ['DO', 8],
  ['ID', 11],
  ['LG', 5],
  ['ND', 5],
  ['PO', 7],
  ['PV', 7],
  // Reports of faults in other software.
  ['R', 96],
  // The gate's own decisions, which no catalogue asks for.
  ['G', 22],
]);

/** Every id of the catalogue. */
export const caseIds: readonly string[] = [...sectionSizes].flatMap(([section, count]) =>
  Array.from({ length: count }, (_, index) => `${section}-${String(index + 1).padStart(2, '0')}`),
);
