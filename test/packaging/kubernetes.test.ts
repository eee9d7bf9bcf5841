import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../cli/config/load.ts';
import { textOf } from '../support/packaging.ts';

const text = textOf('packaging/kubernetes.yaml');

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
interface Mounted {
  readonly name: string;
  readonly mountPath: string;
}
interface Pods extends Resource {
  readonly spec: {
    readonly serviceName: string;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number;
        readonly securityContext: object;
        readonly containers: readonly {
          readonly image: string;
          readonly args: readonly string[];
          readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
          readonly securityContext: object;
          readonly resources: { readonly limits: { readonly memory: string } };
          readonly volumeMounts: readonly Mounted[];
        }[];
        readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
      };
    };
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
  };
}

const all = parseAllDocuments(text).map((document) => document.toJS() as Resource);
const of = <T extends Resource>(kind: string): readonly T[] => all.filter((each): each is T => each.kind === kind);
const pods = of<Pods>('StatefulSet').map((each) => [each.metadata.name, each] as const);
const [map] = of<Resource & { readonly data: Readonly<Record<string, string>> }>('ConfigMap');

/** As the pod's shell writes it. */
function configIn(file: string) {
  const loaded = loadConfig((map?.data[file] ?? '').replace('NAME_OF_THE_POD', 'postern-gate-0'), file, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

test('it is small, and there is what is needed', () => {
  expect(text.split('\n').length).toBeLessThanOrEqual(151);
  expect(all.map(({ kind }) => kind)).toEqual([
    'ConfigMap',
    'Service',
    'PodDisruptionBudget',
    'StatefulSet',
    'StatefulSet',
  ]);
});

test.each(pods)('%s selects its own pods, which have few rights and mount what there is', (name, { spec }) => {
  const { labels } = spec.template.metadata;
  expect(spec.selector.matchLabels).toEqual(labels);
  expect(labels).toEqual({ app: name });
  const { containers, volumes, securityContext } = spec.template.spec;
  expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10025, fsGroup: 10025 });
  expect(textOf('packaging/Dockerfile')).toContain('--uid 10025');
  for (const { image, resources, volumeMounts, ...container } of containers) {
    expect(image).toMatch(/:\d+\.\d+\.\d+$/);
    expect(resources.limits.memory).toMatch(/^\d+[MG]i$/);
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    const there = [
      ...volumes.map((each) => each.name),
      ...spec.volumeClaimTemplates.map(({ metadata }) => metadata.name),
    ];
    expect(volumeMounts.map((each) => each.name).toSorted()).toEqual(there.toSorted());
  }
  for (const { configMap } of volumes) if (configMap !== undefined) expect(configMap.name).toBe(map?.metadata.name);
});

test.each([
  ['gate.yaml', 'postern-gate'],
  ['center.yaml', 'postern-center'],
])('%s is a configuration whose files are mounted where it looks for them', (file, name) => {
  const config = configIn(file);
  const [container] = pods.find(([each]) => each === name)?.[1].spec.template.spec.containers ?? [];
  expect(container?.args.join(' ')).toContain(`/etc/postern/config/${file}`);
  const named = [...(map?.data[file] ?? '').matchAll(/: (\/[^\s,}]+)/g)].map(([, path = '']) => path);
  const paths = [config.dataDirectory, ...named];
  expect(paths.length).toBeGreaterThan(2);
  const mounts = container?.volumeMounts.map(({ mountPath }) => mountPath) ?? [];
  for (const path of paths)
    expect(
      mounts.some((mount) => path === mount || path.startsWith(`${mount}/`)),
      path,
    ).toBe(true);
});

test('gates and center have one log, site and secret', () => {
  const [gate, center] = [configIn('gate.yaml'), configIn('center.yaml')];
  const { username: _, ...kafka } = gate.log.kafka;
  expect(center.log.kafka).toMatchObject(kafka);
  expect([center.log.kind, center.site, center.privacy]).toEqual(['kafka', gate.site, gate.privacy]);
});

test('ports, probes and the time to stop are those of the gate', () => {
  const gate = configIn('gate.yaml');
  const spec = pods.find(([name]) => name === 'postern-gate')?.[1].spec.template.spec;
  expect(spec?.containers[0]?.ports).toEqual([
    { name: 'smtp', containerPort: gate.listeners[0]?.port },
    { name: 'http', containerPort: gate.http.port },
  ]);
  expect(gate.http.address).toBe('0.0.0.0');
  expect((spec?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(
    gate.drainDelayMs + gate.shutdownGraceMs + 15_000,
  );
  // Readiness is asked every five seconds.
  expect(gate.drainDelayMs).toBeGreaterThanOrEqual(2 * 5000);
});

test('no secret stands in it', () => {
  expect(of('Secret')).toEqual([]);
  for (const file of ['gate.yaml', 'center.yaml'])
    expect(map?.data[file]?.match(/password: (?!\{ file: )/g) ?? []).toEqual([]);
});
