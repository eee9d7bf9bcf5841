import { expect, test } from 'vitest';
import { textOf } from '../support/packaging.ts';

const unit = textOf('packaging/postern.service');
const partsThereAre = /const partNames = \[([^\]]+)\]/.exec(textOf('cli/commands/start.ts'))?.[1]?.match(/\w+/g) ?? [];

test.each([
  ['gate', ['log', 'ship', 'gate']],
  ['center', ['analyze', 'siem', 'store', 'web']],
])('the drop-in for a %s starts its parts, as the unit starts all', (name, parts) => {
  const dropIn = textOf(`packaging/postern.service.d/${name}.conf`);
  const started = [...dropIn.matchAll(/^ExecStart=(.*)$/gm)].map(([, command]) => command);
  const [whole = ''] = /(?<=^ExecStart=).*$/m.exec(unit) ?? [];
  // An empty one takes back what the unit says.
  expect(started).toEqual(['', whole.replace(' start ', ` start --only ${parts.join(',')} `)]);
  for (const part of parts) expect(partsThereAre).toContain(part);
  expect(dropIn).toContain(
    `packaging/postern.service.d/${name}.conf /etc/systemd/system/postern.service.d/${name}.conf`,
  );
});

test('every part runs on one of the two', () => {
  const named = ['gate', 'center'].flatMap(
    (name) =>
      /--only (\S+)/
        .exec(/^ExecStart=.+$/m.exec(textOf(`packaging/postern.service.d/${name}.conf`))?.[0] ?? '')?.[1]
        ?.split(',') ?? [],
  );
  expect(named.toSorted()).toEqual(partsThereAre.toSorted());
});
