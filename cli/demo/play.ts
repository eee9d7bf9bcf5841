import { messageOf } from '../../lib/message-of.ts';
import { Actor, type Stage } from './actor.ts';
import type { Chronicle } from './chronicle.ts';
import { type Judged, judge } from './judge.ts';
import type { MailStore } from './mail-store.ts';
import type { Narrator } from './narrator.ts';
import type { Report } from './report.ts';
import { scenes } from './scenes.ts';
import { type Act, acts, type LineId, type StoryLine, story } from './story.ts';
import { totalsOf } from './totals.ts';

/** Acts whose lines are played at the same time: waiting for one slow client after another would bore, and a flood needs a meanwhile. */
const playedTogether: ReadonlySet<Act> = new Set<Act>(['slow', 'flood', 'watch']);

/** Whose fate is told at the end. */
const EXPLAINED = '203.0.113.110';

/** What a play needs. */
export interface Company {
  readonly stage: Stage;
  readonly store: MailStore;
  readonly chronicle: Chronicle;
  readonly narrator: Narrator;
  /** Lets decisions act, and waits until they do. */
  readonly promote: (signal: AbortSignal) => Promise<void>;
  /** What `postern why` says of a source. */
  readonly explain: (source: string) => Promise<string>;
}

/** Plays the whole story and judges it. Rejects when `signal` aborts. */
export async function play(company: Company, signal: AbortSignal): Promise<Report> {
  const startedMs = performance.now();
  const judged: Judged[] = [];
  for (const act of Object.keys(acts) as Act[]) {
    company.narrator.beginAct(act);
    if (act === 'watch') await company.promote(signal);
    const lines = story.filter((line) => line.act === act);
    if (playedTogether.has(act)) {
      for (const line of lines) company.narrator.beginLine(line);
      judged.push(...(await Promise.all(lines.map((line) => playLine(line, company, signal)))));
    } else {
      for (const line of lines) {
        company.narrator.beginLine(line);
        judged.push(await playLine(line, company, signal));
      }
    }
    company.narrator.endAct();
    if (act === 'watch') company.narrator.explain(EXPLAINED, await company.explain(EXPLAINED));
  }
  const durationMs = Math.round(performance.now() - startedMs);
  return { judged, totals: totalsOf(company.chronicle.events), durationMs };
}

async function playLine(
  line: StoryLine & { readonly id: LineId },
  { stage, store, chronicle, narrator }: Company,
  signal: AbortSignal,
): Promise<Judged> {
  signal.throwIfAborted();
  const { source, door } = line;
  const actor = new Actor(source, door, stage);
  const faults: string[] = [];
  const leave = (): void => actor.leave();
  signal.addEventListener('abort', leave);
  try {
    await scenes[line.id](actor);
  } catch (error) {
    faults.push(messageOf(error));
  }
  signal.removeEventListener('abort', leave);
  leave();
  const throughGate = door !== 'server behind';
  if (throughGate) await chronicle.settled(source, actor.connectionCount, signal);
  const deliveries = store.deliveries.filter((delivery) => delivery.source === source);
  if (!throughGate) for (const delivery of deliveries) narrator.held(delivery);
  return judge(line, { events: chronicle.of(source), deliveries, sent: actor.sent, throughGate, faults });
}
