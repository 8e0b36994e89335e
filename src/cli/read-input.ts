/**
 * Reads standard input in one pass, whatever its length: lines of one kind are counted, and the
 * first of each is kept, with the time of the last.
 *
 * Guarantee: memory is bounded by the number of kinds and the length of a line, not by the input. A
 * short text is kept as it is.
 */

/** Up to here a text is kept as it is: a page, a trace, some thousand lines. */
const WHOLE_CHARACTERS_MAX = 1_000_000;
/** Kinds of lines that are kept; a log has some hundred. */
const KINDS_MAX = 2_000;
const LINE_CHARACTERS_MAX = 4_096;
const KIND_CHARACTERS_MAX = 240;

export interface Kind {
  count: number;
  /** The last line of this kind. */
  last: string;
}

export interface Input {
  /** The text; of a long one the first line of each kind, in order. */
  readonly text: string;
  /** How often each of those lines stands for others; empty for a text that is whole. */
  readonly kinds: ReadonlyMap<string, Kind>;
  /** Lines that were read. */
  readonly lines: number;
  /** Kinds beyond the limit were left out. */
  readonly cut: boolean;
}

export async function readInput(stdin: AsyncIterable<Uint8Array | string>): Promise<Input> {
  const log = new LogReader();
  let whole: string | null = "";
  for await (const part of texts(stdin)) {
    log.add(part);
    if (whole !== null) whole += part;
    if (whole !== null && whole.length > WHOLE_CHARACTERS_MAX) whole = null;
  }
  log.end();
  if (whole !== null) return { text: whole, kinds: new Map(), lines: log.lines, cut: false };
  const { kinds, first, lines, cut } = log;
  return { text: first.join("\n"), kinds, lines, cut };
}

/** The bytes as text: UTF-8, or UTF-16 where a mark or its zeros say so. */
async function* texts(stdin: AsyncIterable<Uint8Array | string>): AsyncIterable<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  for await (const part of stdin) {
    if (typeof part === "string") {
      yield part;
      continue;
    }
    decoder ??= new TextDecoder(encodingOf(part));
    yield decoder.decode(part, { stream: true });
  }
}

/** Files of Windows are UTF-16 with a mark, most often; without one Latin letters show by zeros. */
function encodingOf(bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) return "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  const pairs = Math.min(bytes.length, 64) >> 1;
  if (pairs < 4) return "utf-8";
  const zeros = (odd: number): number =>
    Array.from({ length: pairs }, (_, at) => bytes[at * 2 + odd]).filter((one) => one === 0).length;
  if (zeros(1) > pairs * 0.8) return "utf-16le";
  return zeros(0) > pairs * 0.8 ? "utf-16be" : "utf-8";
}

/** Most lines of a log are requests that went well and notices: they are not kept. */
const TELLING = new RegExp(
  "error|fail|refus|time-?d? ?out|denied|reset|clos|unavailable|crit|alert|emerg|fatal|panic|" +
    "exhaust|kill|exit|no |not |full|down|abort|broken|invalid|too |upstream|backend|origin|" +
    "\\b[45]\\d\\d\\b|E[A-Z]{4,}|<NOSRV>|[A-Z]{2}-{2}|H\\d\\d|warn|unhealthy|restart|terminat",
  "i",
);

class LogReader {
  readonly kinds = new Map<string, Kind>();
  /** The first line of each kind. */
  readonly first: string[] = [];
  lines = 0;
  cut = false;
  private readonly byShape = new Map<string, Kind>();
  private rest = "";

  add(part: string): void {
    const lines = (this.rest + part).split("\n");
    // A line without an end is not kept for ever.
    this.rest = (lines.pop() ?? "").slice(0, LINE_CHARACTERS_MAX);
    for (const line of lines) this.line(line);
  }

  end(): void {
    if (this.rest !== "") this.line(this.rest);
    this.rest = "";
  }

  private line(given: string): void {
    this.lines += 1;
    const line = given.slice(0, LINE_CHARACTERS_MAX).trimEnd();
    if (!TELLING.test(line)) return;
    const shape = shapeOf(line);
    const known = this.byShape.get(shape);
    if (known !== undefined) {
      known.count += 1;
      known.last = line;
    } else if (this.byShape.size >= KINDS_MAX) this.cut = true;
    else {
      const kind = { count: 1, last: line };
      this.byShape.set(shape, kind);
      this.kinds.set(line, kind);
      this.first.push(line);
    }
  }
}

/** Lines of one kind differ in numbers, addresses and names of requests; statuses are kept. */
function shapeOf(line: string): string {
  return line
    .slice(0, KIND_CHARACTERS_MAX)
    .replace(
      /(?<![\d.:])[45]\d\d(?![\d.:])/g,
      (status) => `s${"abcdefghij"[Number(status[2])]}${status[0] === "4" ? "x" : "y"}`,
    )
    .replace(/"(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) \S+/g, '"R')
    .replace(/[0-9a-f]*\d[0-9a-f]*/gi, "0");
}
