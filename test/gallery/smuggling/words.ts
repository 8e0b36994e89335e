/**
 * What the cases of request smuggling are written in: requests with their dangerous part, and
 * groups of them. `{path}` stands for the path of the case.
 */

export interface SmugglingCase {
  readonly group: string;
  readonly name: string;
  /** Sent at once. */
  readonly bytes: string;
  /** Sent on the same connection once something was answered. */
  readonly after?: string;
  /** How many requests stand in it for a reader of RFC 9112 without any goodwill; 1 if not said. */
  readonly requests?: number;
  /** Whether it is fit to be sent on; where both are right, it is not said. */
  readonly expected?: "passes" | "refused";
}

export const HOST = "Host: edge.example\r\n";
export const CHUNKED = "Transfer-Encoding: chunked\r\n";
export const HIDDEN = `GET {path}/hidden HTTP/1.1\r\n${HOST}\r\n`;

/** A POST with these fields, and what stands behind its head. */
export function post(fields: string, behind: string): string {
  return `POST {path} HTTP/1.1\r\n${HOST}${fields}\r\n${behind}`;
}

export function get(fields: string, behind = ""): string {
  return `GET {path} HTTP/1.1\r\n${HOST}${fields}\r\n${behind}`;
}

type Row = readonly [name: string, bytes: string, more?: Partial<SmugglingCase>];

export function group(name: string, rows: readonly Row[], all: Partial<SmugglingCase> = {}) {
  return rows.map(([row, bytes, more]) => ({ group: name, name: row, bytes, ...all, ...more }));
}

export const REFUSED = { expected: "refused" } as const;
export const PASSES = { expected: "passes" } as const;

export function chunks(text: string): string {
  return post(CHUNKED, text);
}

export function line(text: string, fields = HOST): string {
  return `${text}\r\n${fields}\r\n`;
}
