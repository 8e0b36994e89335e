/**
 * One look at the fields of a received request: which are passed on, which say who a client is, and
 * which are for this gateway.
 *
 * Guarantee: fields of one hop and of framing are not passed on, in whatever spelling; what matters
 * here cannot be taken away by naming it in `Connection`.
 */

import type { LayerNames } from "./caller-hints.js";
import { connectionOptions, type FieldInfo, type FieldUse, fieldReader } from "./field-info.js";
import type { Forwarder } from "./forwarding.js";
import type { RequestFacts } from "./request-facts.js";

export interface Scan {
  readonly fields: string[];
  readonly received: string[];
  /** How many fields say which host is meant. */
  hosts: number;
  /** The field of one value that came with two; null for none. */
  doubled: string | null;
  /** Names and values of such fields. */
  readonly singles: string[];
  /** What a layer says of its request, names and values in turn; null for nothing. */
  layer: string[] | null;
  via: string | null;
  maxForwards: string | null;
  id: string | null;
  idempotencyKey: boolean;
  /** It has an expectation. */
  expects: boolean;
}

export interface ScanOptions {
  /** Null where layers are told and believed nothing. */
  readonly layers: LayerNames | null;
  readonly forwarder: Forwarder;
}

const readField = fieldReader();

/** What a front routes or balances by stays as well. */
const COOKIE = "cookie";

/**
 * One pass over the fields: what is passed on, and what is looked at. By naming it in `Connection`
 * a client can take away what passes from it to the application, and nothing that has a use here.
 */
export function scanFields(req: RequestFacts, options: ScanOptions): Scan {
  const { rawHeaders } = req;
  const { passes } = options.forwarder;
  const named = connectionOptions(req.headers.connection);
  const scan = newScan();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const info = readField(name, index / 2);
    const use = useOf(info, options);
    if (use === "pass" && named.size > 0 && named.has(info.lower) && info.lower !== COOKIE)
      continue;
    const value = rawHeaders[index + 1] as string;
    switch (use) {
      case "pass":
        scan.fields.push(name, value);
        break;
      case "single":
        if (isAnother(scan.singles, info.lower, value)) scan.doubled = info.lower;
        scan.fields.push(name, value);
        break;
      case "forwarding":
        scan.received.push(name, value);
        break;
      case "alias":
        if (passes) scan.fields.push(name, value);
        break;
      case "layer":
        scan.layer ??= [];
        scan.layer.push(name, value);
        break;
      case "host":
        scan.hosts += 1;
        break;
      case "via":
        scan.via = scan.via === null ? value : `${scan.via}, ${value}`;
        break;
      case "max_forwards":
        scan.maxForwards = value;
        break;
      case "request_id":
        if (REQUEST_ID.test(value)) scan.id ??= value;
        break;
      case "idempotency_key":
        if (isAnother(scan.singles, info.lower, value)) scan.doubled = info.lower;
        scan.idempotencyKey = true;
        scan.fields.push(name, value);
        break;
      case "expect":
        scan.expects = true;
        break;
      default:
        // Hop-by-hop, framing, Trailer: written anew or meant for us alone.
        break;
    }
  }
  return scan;
}

/** Whether a field of one value has come with another one. */
function isAnother(singles: string[], lower: string, value: string): boolean {
  for (let index = 0; index < singles.length; index += 2) {
    if (singles[index] === lower) return singles[index + 1] !== value;
  }
  singles.push(lower, value);
  return false;
}

/** What is done with a field: by what it is, unless the options say otherwise. */
function useOf({ lower, use }: FieldInfo, { layers, forwarder }: ScanOptions): FieldUse {
  if (forwarder.keeps?.has(lower) === true) return "pass";
  return layers?.custom?.has(lower) === true ? "layer" : use;
}

function newScan(): Scan {
  return {
    fields: [],
    received: [],
    hosts: 0,
    doubled: null,
    singles: [],
    layer: null,
    via: null,
    maxForwards: null,
    id: null,
    idempotencyKey: false,
    expects: false,
  };
}

// It ends up in logs and answers; what does not look like an id is replaced.
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The id that the client gave its request; null when there is none that could be one. */
export function requestIdOf(req: Pick<RequestFacts, "headers">): string | null {
  const value = req.headers["x-request-id"];
  return typeof value === "string" && REQUEST_ID.test(value) ? value : null;
}
