import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { EventByType, MailEvent } from '../../events/event.ts';
import { unreachable } from '../../lib/assert.ts';
import type { Effect } from '../effect.ts';
import type { Admission, Input, Now } from '../input.ts';
import type { Restraint } from '../policy/source-blocked.ts';
import type { ProxyHeader } from '../proxy-header.ts';
import type { SaslCredentials } from '../sasl-credentials.ts';
import { openSession, type Session, step } from '../session.ts';
import { BodyDigest } from './body-digest.ts';
import { ClientSide } from './client-side.ts';
import type { Wakeable } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { ROUND_OCTETS_MAX, type Served } from './rounds.ts';
import type { Arrived, HostedSession, Peer, SessionContext, SessionHost } from './session-context.ts';
import type { Slots } from './slots.ts';
import type { Turns } from './turns.ts';
import { UpstreamSide } from './upstream-side.ts';

const CRASH_REPLY = Buffer.from('421 4.3.0 Service not available\r\n', 'latin1');

function settled(connection: Connection): void {
  connection.turn({ kind: 'settled' });
}

/**
 * One session: the two sides, the deadlines and the reducer. It delivers one input at a time and performs its effects in
 * order; nothing here decides what an octet means.
 */
export class Connection implements HostedSession, Turns, Wakeable, Served {
  readonly context: SessionContext;
  readonly peer: Peer;
  readonly sid: string;
  admission: Admission | undefined;

  private readonly host: SessionHost;
  private readonly client: ClientSide;
  private readonly upstream: UpstreamSide;
  private readonly deadlines: Deadlines;
  private readonly inputs: Input[] = [];
  /** Taken while the client has not named itself or shaken hands yet. */
  private nameless: Slots | undefined;
  private session: Session;
  private now: Now;
  private digest: BodyDigest | undefined;
  private running = false;
  private finished = false;
  private timersDue = false;
  /** The decision that it was last told of. */
  private restrainedBy: string | undefined;
  /** It waits for its place in a round. */
  private cameSince = false;

  /** @param nameless - Where this connection took a slot, if it has to name itself or shake hands first. */
  constructor(socket: Socket, { peer, sid }: Arrived, context: SessionContext, nameless: Slots | undefined) {
    const { host, settings } = context;
    const { tls, lenientLineEnds } = settings.upstream;
    this.context = context;
    this.peer = peer;
    this.sid = sid;
    this.host = host;
    this.nameless = nameless;
    this.now = this.readClock();
    this.session = openSession(settings, { ...peer, sid, now: this.now });
    this.deadlines = new Deadlines(host.clock, this);
    this.client = new ClientSide(socket, this);
    this.upstream = new UpstreamSide(context.upstream, { implicitTls: tls === 'implicit', lenientLineEnds }, this);
  }

  /** Begins the session. `admission`: undefined when a PROXY header is to name the client first. */
  open(admission: Admission | undefined): void {
    this.admission = admission;
    this.turn({ kind: 'opened', admission });
  }

  restrain(id: string | undefined, restraint: Restraint): boolean {
    if (id === this.restrainedBy) return false;
    this.restrainedBy = id;
    this.turn({ kind: 'restrained', restraint });
    return true;
  }

  shutdown(now: boolean): void {
    this.turn({ kind: 'shutdown', now });
  }

  destroy(): void {
    if (!this.finished) this.finish();
  }

  /** A deadline may have passed. */
  wake(): void {
    this.timersDue = true;
    this.turn(undefined);
  }

  queue(input: Input): void {
    this.inputs.push(input);
  }

  came(waiting: number): void {
    if (waiting >= ROUND_OCTETS_MAX) this.turn(undefined);
    else if (!this.cameSince) {
      this.cameSince = true;
      this.host.rounds.add(this);
    }
  }

  /** Its place in a round. */
  serve(): void {
    if (this.cameSince) this.turn(undefined);
  }

  /** What came before `input` is served before it. */
  turn(input: Input | undefined): void {
    if (this.cameSince && input !== undefined) this.takeTurn(undefined);
    this.takeTurn(input);
  }

  /** Never re-entrant: an input that comes in the midst of a turn waits for its place. */
  private takeTurn(input: Input | undefined): void {
    this.cameSince = false;
    if (this.finished) return;
    if (input !== undefined) this.inputs.push(input);
    if (input?.kind === 'client-tls-started') this.named();
    if (this.running) return;
    this.running = true;
    this.now = this.readClock();
    try {
      this.run();
    } catch (error) {
      this.crash(error);
    }
    this.running = false;
    const { onTurn } = this.host;
    if (onTurn !== undefined) onTurn(this.host.clock.monotonicUs() - this.now.monotonicUs);
  }

  private run(): void {
    for (;;) {
      const input = this.nextInput();
      if (input === undefined) break;
      const [session, effects] = step(this.session, input, this.now, this.host.lists);
      this.session = session;
      for (const effect of effects) this.perform(effect);
      if (this.finished) return;
    }
    this.client.steer(this.upstream.blocked);
    this.deadlines.arm(this.now.monotonicUs);
  }

  /** Deadlines, what happened on the sockets, then what the server behind said, then what the client said. */
  private nextInput(): Input | undefined {
    if (this.timersDue) {
      const name = this.deadlines.takeDue(this.now.monotonicUs);
      if (name !== undefined) return { kind: 'timer', name };
      this.timersDue = false;
    }
    const { client, upstream, inputs } = this;
    if (inputs.length > 0) return inputs.shift();
    const input = upstream.next() ?? (upstream.blocked ? undefined : client.next());
    if (input !== undefined) return input;
    // Nothing more can be answered now: what was said leaves, to each side in one packet.
    upstream.flush();
    client.flush();
    return inputs.length > 0 ? inputs.shift() : undefined;
  }

  private perform(effect: Effect): void {
    const { client } = this;
    switch (effect.kind) {
      case 'reply':
        client.reply(effect.octets);
        break;
      case 'client-mode':
        client.setMode(effect.mode);
        break;
      case 'set-timer':
        this.deadlines.set(effect.name, effect.afterMs, this.now.monotonicUs);
        break;
      case 'clear-timer':
        this.deadlines.clear(effect.name);
        break;
      case 'record':
        this.record(effect.event, effect.bodyDigest === true, effect.credentials);
        break;
      case 'sender-seen':
        this.host.noteSender(effect.localPart, effect.asciiDomain);
        break;
      case 'begin-digest':
        this.digest = new BodyDigest();
        break;
      case 'admit':
        this.admit(effect.header);
        break;
      case 'settle':
        setImmediate(settled, this);
        break;
      case 'start-client-tls':
        client.startTls(effect.reply, this.context.tls, this.clientIp);
        break;
      case 'accept-client-tls':
        client.acceptTls(this.context.tls, this.clientIp);
        break;
      case 'close-client':
        client.close(effect.octetsMax);
        break;
      case 'destroy-client':
        client.destroy();
        break;
      case 'finished':
        this.finish();
        break;
      default:
        this.performUpstream(effect);
        break;
    }
  }

  private performUpstream(effect: UpstreamEffect): void {
    const { upstream } = this;
    switch (effect.kind) {
      case 'connect-upstream':
        upstream.connect(effect);
        break;
      case 'expect-upstream':
        upstream.expect();
        break;
      case 'command-upstream':
        upstream.expect();
        upstream.write(effect.octets);
        break;
      case 'end-body-upstream':
        this.digest?.update(effect.octets.subarray(0, effect.bodyOctets));
        upstream.expect();
        upstream.write(effect.octets);
        break;
      case 'body-upstream':
        for (const chunk of effect.chunks) {
          if (effect.digest) this.digest?.update(chunk);
          upstream.write(chunk);
        }
        break;
      case 'start-upstream-tls':
        upstream.startTls();
        break;
      case 'end-upstream':
        upstream.end();
        break;
      case 'abort-upstream':
        upstream.abort();
        break;
      default:
        unreachable(effect);
    }
  }

  /** Fills in what only the shell knows. */
  private record(event: MailEvent, bodyDigest: boolean, credentials: SaslCredentials | undefined): void {
    const { host, client, digest } = this;
    if (event.type === 'session-closed') {
      host.record({ ...event, octetsIn: client.leg.octetsIn, octetsOut: client.leg.octetsOut });
    } else if (event.type === 'session-progress') {
      host.record({ ...event, slotsUsed: host.slotsUsed });
    } else if (event.type === 'mail' && bodyDigest && digest !== undefined) {
      this.digest = undefined;
      host.record({ ...event, bodySha256: digest.hex() });
    } else if (event.type === 'auth-attempt' && credentials !== undefined) {
      this.recordAttempt(event, credentials);
    } else {
      host.record(event);
    }
  }

  private recordAttempt(event: EventByType<'auth-attempt'>, credentials: SaslCredentials): void {
    const { host } = this;
    const fields = host.credentials?.fieldsOf(credentials, event.at);
    host.record({ ...event, ...fields });
    if (fields === undefined) return;
    const isAccepted = event.outcome === 'accepted';
    if (isAccepted || event.outcome === 'refused') host.noteAttempt(fields.account, event.ip, isAccepted);
    const restraint = host.restraintOfAccount(fields.account, this.context.settings, isAccepted);
    if (restraint !== undefined) this.queue({ kind: 'restrained', restraint });
  }

  private admit(header: ProxyHeader): void {
    const admission = this.host.admit(header, this);
    this.admission = admission;
    // As at a listener without a balancer: who is turned away does not count while it reads why.
    if (admission.verdict.action === 'close') this.host.turnedAway(admission);
    if (this.context.settings.listener.tls !== 'implicit') this.named();
    this.queue({ kind: 'admitted', admission });
  }

  private named(): void {
    this.nameless?.give();
    this.nameless = undefined;
  }

  private get clientIp(): string {
    return this.admission?.ip ?? this.peer.ip;
  }

  private readClock(): Now {
    const { clock } = this.host;
    return { wallMs: clock.wallMs(), monotonicUs: clock.monotonicUs() };
  }

  /** A bug of ours ends this session, and no other. */
  private crash(error: unknown): void {
    if (this.finished) return;
    this.host.logger.error(
      { err: error, sid: this.sid, phase: this.session.phase },
      'session ended by a fault of this program',
    );
    this.host.sessionCrashed();
    this.client.destroyWith(CRASH_REPLY);
    this.finish();
  }

  private finish(): void {
    this.finished = true;
    this.inputs.length = 0;
    this.deadlines.dispose();
    this.client.destroy();
    this.upstream.dispose();
    this.named();
    this.host.sessionOver(this);
  }
}

type UpstreamEffect = Extract<
  Effect,
  {
    kind:
      | 'connect-upstream'
      | 'expect-upstream'
      | 'command-upstream'
      | 'end-body-upstream'
      | 'body-upstream'
      | 'start-upstream-tls'
      | 'end-upstream'
      | 'abort-upstream';
  }
>;
