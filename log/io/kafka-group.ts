import { setTimeout } from 'node:timers/promises';
import { Consumer } from '@platformatic/kafka';
import type { Stream } from '../event-log.ts';
import { kafkaFault } from '../kafka-fault.ts';
import { KafkaTroubles } from '../kafka-troubles.ts';
import { clientOptions, type KafkaPlace, topicOf } from './kafka-client.ts';

/** A member that is not heard for so long loses its partitions to others, milliseconds. */
export const SESSION_MS_MAX = 15_000;
const HEARTBEAT_MS = 3000;
/** How long members have to join anew when one comes or goes, milliseconds. */
const REBALANCE_MS_MAX = 30_000;
/** A member that was not heard for so long must take it that others have its partitions, milliseconds: before they do. */
const SURE_MS_MAX = SESSION_MS_MAX - 2 * HEARTBEAT_MS;
/** How long a broker may take to let go of a member that ends, milliseconds. */
const LEAVE_MS_MAX = 2000;
/** Delay before joining is tried again, milliseconds. */
const RETRY_MS = 1000;

/** Partitions of each stream that are this member's now. */
export type Assignment = ReadonlyMap<Stream, readonly number[]>;

export interface GroupOptions {
  readonly place: KafkaPlace;
  /** Members of one group share the partitions of its streams. */
  readonly group: string;
  readonly streams: readonly Stream[];
  /** Hears of what has failed for a while, each fault once until the members agree again. */
  readonly onFault: (fault: string) => void;
}

/** From one sharing of the partitions to the next. */
interface Turn {
  readonly assignment: Assignment;
  readonly joinedAtMs: number;
  readonly revoked: AbortController;
}

/** Membership of a group that shares partitions among its members; records are read by whoever has them, not by this. */
export class KafkaGroup implements AsyncDisposable {
  private readonly options: GroupOptions;
  private readonly groupId: string;
  private readonly consumer: Consumer;
  private readonly troubles: KafkaTroubles;
  private turn: Turn | undefined;
  /** The library does not try to join any more. */
  private isOut = false;
  /** Joining failed, as it does when another member comes in the middle of it: it is asked for again. */
  private mustJoin = true;
  private onJoin: () => void = () => undefined;

  constructor(options: GroupOptions) {
    const { place, group, streams } = options;
    this.options = options;
    this.groupId = `${place.prefix}postern.${group}`;
    this.consumer = new Consumer({
      ...clientOptions(place),
      groupId: this.groupId,
      sessionTimeout: SESSION_MS_MAX,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS_MAX,
    });
    this.consumer.topics.trackAll(...streams.map((stream) => topicOf(place, stream)));
    const revoke = (): void => this.turn?.revoked.abort();
    this.troubles = new KafkaTroubles({ away: options.onFault, back: () => undefined });
    this.consumer.on('consumer:group:join', () => this.begin());
    this.consumer.on('consumer:group:rebalance', revoke);
    this.consumer.on('consumer:group:leave', revoke);
    this.consumer.on('consumer:heartbeat:error', ({ error }) => this.failed(error));
    this.consumer.on('consumer:heartbeat:end', () => this.troubles.worked(this.groupId));
    this.consumer.on('error', (error) => {
      this.failed(error);
      this.isOut = true;
      revoke();
      this.onJoin();
    });
  }

  /** Others cannot have taken this member's partitions yet: it was heard a moment ago. */
  get isSure(): boolean {
    const heardAtMs = Math.max(this.turn?.joinedAtMs ?? 0, this.consumer.lastHeartbeat?.getTime() ?? 0);
    return Date.now() - heardAtMs < SURE_MS_MAX;
  }

  /**
   * Calls `work` with what this member has, again and again: each time that the members share anew, `revoked` aborts, and the next
   * turn begins once `work` has ended and it is known what this member has then. Ends when `signal` aborts.
   */
  async run(work: (assignment: Assignment, revoked: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let last: Turn | undefined; !signal.aborted; ) {
      const turn = await this.nextTurn(last, signal);
      if (turn === undefined) continue;
      last = turn;
      await work(turn.assignment, AbortSignal.any([turn.revoked.signal, signal]));
    }
  }

  /** Leaves, so that the others need not wait for the session to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const over = new AbortController();
    // Nothing comes back from a broker that is frozen until its connections are closed.
    void setTimeout(LEAVE_MS_MAX, undefined, { signal: over.signal })
      .then(() => this.consumer.connections.close())
      .catch(() => undefined);
    await this.consumer.close(true).catch(() => undefined);
    over.abort();
  }

  /** The turn after `last`; undefined where there is none yet. */
  private async nextTurn(last: Turn | undefined, signal: AbortSignal): Promise<Turn | undefined> {
    try {
      if (this.mustJoin || this.consumer.memberId === null) await this.join();
      else if (this.turn === last && !this.isOut) await this.joined(signal);
      this.isOut = false;
      if (this.turn !== last) return this.turn;
      // The members did not agree in time: it begins anew.
      await this.consumer.leaveGroup(true);
    } catch (error) {
      this.mustJoin = true;
      this.failed(error);
      await setTimeout(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  private async join(): Promise<void> {
    await this.consumer.joinGroup({});
    this.mustJoin = false;
  }

  private async joined(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onJoin = resolve;
    const over = new AbortController();
    const late = setTimeout(REBALANCE_MS_MAX, undefined, { signal: AbortSignal.any([signal, over.signal]) });
    await Promise.race([promise, late.catch(() => undefined)]);
    over.abort();
  }

  private failed(error: unknown): void {
    const nowMs = performance.now();
    this.troubles.failed(this.groupId, kafkaFault(error, this.options.place, this.groupId), nowMs, nowMs);
  }

  private begin(): void {
    const { place, streams } = this.options;
    this.troubles.worked(this.groupId);
    const assignments = this.consumer.assignments ?? [];
    const assignment = new Map(
      streams.map((stream) => [
        stream,
        assignments.flatMap(({ topic, partitions }) => (topic === topicOf(place, stream) ? partitions : [])),
      ]),
    );
    this.turn?.revoked.abort();
    this.turn = { assignment, joinedAtMs: Date.now(), revoked: new AbortController() };
    this.onJoin();
  }
}
