/**
 * The way out of a limit: it is filled to the brim, one more comes, it is left, and one more is
 * served again; twice, since what is not given back is missed the second time.
 */
export type Came = "served" | "refused";

export interface Vessel {
  /** What comes of one more when it is full: it is refused, or the oldest makes room for it. */
  readonly full: Came;
  fill(): Promise<void> | void;
  /** One more; throws where more is kept than the limit allows. */
  next(): Promise<Came> | Came;
  /** Whoever has filled it leaves. */
  leave(): Promise<void> | void;
  close?(): Promise<void> | void;
}

/** By `GROUP.limit` of the catalog. */
export type Exits = Readonly<Record<string, () => Promise<Vessel> | Vessel>>;

/** Work that has an end: `over` is more than the limit, `within` is not. */
export function working(
  over: () => Promise<Came> | Came,
  within: () => Promise<Came> | Came,
): Vessel {
  let isFull = false;
  const set = (to: boolean) => (): void => {
    isFull = to;
  };
  const next = (): Promise<Came> | Came => (isFull ? over() : within());
  return { full: "refused", fill: set(true), next, leave: set(false) };
}

export interface Kept {
  add(at: number): Promise<void> | void;
  size(): number;
  /** Whether what was added last is in it. */
  has(at: number): boolean;
}

/** A list in which the oldest makes room. */
export function list(most: number, { add, size, has }: Kept): Vessel {
  let at = 0;
  const more = (): Promise<void> | void => {
    at += 1;
    return add(at);
  };
  return {
    full: "served",
    async fill() {
      for (let turn = 0; turn < most + 20; turn += 1) await more();
    },
    async next() {
      await more();
      if (size() > most) throw new Error(`${size()} are kept`);
      return has(at) ? "served" : "refused";
    },
    leave: () => {},
  };
}
