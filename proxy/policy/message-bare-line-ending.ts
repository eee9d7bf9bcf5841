import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Found by the body scanner: two servers that disagree about line ends disagree about where a message ends. */
export const messageBareLineEnding = outsideRule({
  id: 'message.bare-line-ending',
  stage: 'data',
  concerns: everyone,
  summary: 'The body has a CR without LF or a LF without CR.',
  answer: {
    action: 'refuse',
    code: 554,
    enhanced: '5.6.0',
    reason: 'lines of a message end with CR LF, bare CR or LF not allowed',
  },
});
