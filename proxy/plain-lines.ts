const NUL = 0x00;
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

const STEP_OCTETS = 16;
/** Octets that are judged at once, and one more to see what stands behind each. */
export const BLOCK_OCTETS = STEP_OCTETS + 1;
/** Octets of a body that are looked at through one window. */
export const WINDOW_OCTETS = 65_536;

/**
 * Where octets are put to be looked at, and the search over them.
 *
 * An octet needs a closer look when it is NUL, a CR without LF behind it, a LF without CR before it, or a LF with a dot behind
 * it. `find` starts at `from` and goes on in steps of 16 octets; it returns the start of the first step that holds, or is followed
 * by, an octet that needs a closer look, or of the first one with fewer than {@link BLOCK_OCTETS} octets left before `end`.
 */
export interface PlainLines {
  readonly window: Uint8Array;
  readonly find: (from: number, end: number) => number;
}

/** The part of the WebAssembly interface that is used; it is in no library of types for Node. */
declare const WebAssembly:
  | {
      readonly validate: (octets: Uint8Array) => boolean;
      readonly Module: new (octets: Uint8Array) => object;
      readonly Instance: new (
        module: object,
      ) => {
        readonly exports: {
          readonly memory: { readonly buffer: ArrayBuffer };
          readonly find: (from: number, end: number) => number;
        };
      };
    }
  | undefined;

/**
 * `find` in WebAssembly, 16 octets an instruction (about a quarter of the time of the best loop over 32-bit words:
 * `bench/data-scanner.ts`). The octets are the binary form of the text beside them.
 */
const program = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // (module
  ...[0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f], // (type (func (param i32 i32) (result i32)))
  ...[0x03, 0x02, 0x01, 0x00], // (func (type 0) …)
  ...[0x05, 0x03, 0x01, 0x00, 0x01], // (memory 1)
  ...[0x07, 0x11, 0x02], // two exports
  ...[0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00], // (export "memory" (memory 0))
  ...[0x04, 0x66, 0x69, 0x6e, 0x64, 0x00, 0x00], // (export "find" (func 0))
  ...[0x0a, 0x61, 0x01, 0x5f], // code of the one function
  ...[0x01, 0x02, 0x7b], // (local $here v128) (local $next v128)
  ...[0x02, 0x40], // (block
  ...[0x03, 0x40], // (loop
  ...[0x20, 0x00, 0x41, 0x11, 0x6a], // (i32.add (local.get $from) (i32.const 17))
  ...[0x20, 0x01, 0x4b, 0x0d, 0x01], // (br_if 1 (i32.gt_u … (local.get $end)))
  ...[0x20, 0x00, 0xfd, 0x00, 0x00, 0x00, 0x22, 0x02], // (local.tee $here (v128.load (local.get $from)))
  ...[0x41, 0x0d, 0xfd, 0x0f, 0xfd, 0x23], // (i8x16.eq … (i8x16.splat (i32.const CR)))
  ...[0x20, 0x00, 0xfd, 0x00, 0x00, 0x01, 0x22, 0x03], // (local.tee $next (v128.load offset=1 (local.get $from)))
  ...[0x41, 0x0a, 0xfd, 0x0f, 0xfd, 0x23], // (i8x16.eq … (i8x16.splat (i32.const LF)))
  ...[0xfd, 0x51], // (v128.xor …): CR without LF, or LF without CR
  ...[0x20, 0x02, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x23, 0xfd, 0x50], // (v128.or … (i8x16.eq (local.get $here) NUL))
  ...[0x20, 0x02, 0x41, 0x0a, 0xfd, 0x0f, 0xfd, 0x23], // (i8x16.eq (local.get $here) LF)
  ...[0x20, 0x03, 0x41, 0x2e, 0xfd, 0x0f, 0xfd, 0x23], // (i8x16.eq (local.get $next) DOT)
  ...[0xfd, 0x4e, 0xfd, 0x50], // (v128.or … (v128.and …)): LF and dot
  ...[0xfd, 0x53, 0x0d, 0x01], // (br_if 1 (v128.any_true …))
  ...[0x20, 0x00, 0x41, 0x10, 0x6a, 0x21, 0x00], // (local.set $from (i32.add (local.get $from) (i32.const 16)))
  ...[0x0c, 0x00, 0x0b, 0x0b], // (br 0))) end of loop and block
  ...[0x20, 0x00, 0x0b], // (local.get $from))
);

/** The same search, octet by octet. */
export function octetwisePlainLines(): PlainLines {
  const window = new Uint8Array(WINDOW_OCTETS);
  const isPlain = (index: number): boolean => {
    const [here, next] = [window[index], window[index + 1]];
    return here !== NUL && (here === CR) === (next === LF) && !(here === LF && next === DOT);
  };
  const find = (from: number, end: number): number => {
    let step = from;
    for (let index = from; step + BLOCK_OCTETS <= end && isPlain(index); index += 1) {
      if (index === step + STEP_OCTETS - 1) step += STEP_OCTETS;
    }
    return step;
  };
  return { window, find };
}

/** The search with 128-bit instructions; undefined where the machine or the flags of the process have none. */
export function vectorPlainLines(): PlainLines | undefined {
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(program)) return undefined;
  const { memory, find } = new WebAssembly.Instance(new WebAssembly.Module(program)).exports;
  return { window: new Uint8Array(memory.buffer), find };
}
