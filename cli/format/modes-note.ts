import type { ModesInUse } from '../watch/modes-in-use.ts';

/** What people must know of the modes of the scenarios before they read on; empty where they are those of the configuration. */
export function modesNote(source: ModesInUse['source']): string {
  switch (source) {
    case 'configuration':
      return '';
    case 'gate':
      return 'No usable configuration was given: which scenarios act is what the gate that runs says.\n';
    case 'unknown':
      return 'No usable configuration was given, and no gate says it: whether decisions of analyzers act is not known. Name the file with --config.\n';
  }
}
