import { expect, test } from 'vitest';
import { formatLogLine } from '../../cli/format/log-line.ts';

test.each([
  {
    json: '{"level":30,"time":1795583016214,"part":"gate","pid":7,"listener":"mx","port":25,"msg":"listening"}\n',
    want: '05:03:36.214 info  gate  listening listener=mx port=25',
  },
  {
    json: '{"level":50,"time":1795583016214,"part":"log","pid":7,"fault":"a b","msg":"no"}\n',
    want: '05:03:36.214 ERROR log   no fault="a b"',
  },
  {
    json: '{"level":50,"time":0,"err":{"type":"Error","stack":"Error: x\\n    at y"},"msg":"no"}',
    want: '00:00:00.000 ERROR no err=Error: x\\u000a    at y',
  },
  { json: '{"level":30,"time":0,"msg":"a\\u001b[2Jb"}', want: '00:00:00.000 info  a\\u001b[2Jb' },
  { json: 'no json \u001b[2J\n', want: 'no json \\u001b[2J' },
])('$json', ({ json, want }) => {
  expect(formatLogLine(json).replaceAll(/ +/g, ' ')).toBe(want.replaceAll(/ +/g, ' '));
});
