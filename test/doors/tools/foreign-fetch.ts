/**
 * A fetch as a library may have it: on connections of its own, with a Response and Headers of its
 * own, and with a `cancel()` that never settles, which the standard allows.
 */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";

export const foreignFetch = ((input: string, init: RequestInit = {}) =>
  new Promise<ForeignResponse>((resolve, reject) => {
    const url = new URL(input);
    const send = url.protocol === "https:" ? secureRequest : request;
    const asking = send(url, { method: init.method ?? "GET", agent: false });
    const { signal } = init;
    const leave = (): void => void asking.destroy(signal?.reason as Error);
    asking.on("error", reject).on("response", (answer) => resolve(responseOf(answer)));
    signal?.addEventListener("abort", leave);
    asking.once("close", () => signal?.removeEventListener("abort", leave));
    setFields(asking, init.headers);
    sendBody(asking, init.body).catch(reject);
  })) as unknown as typeof fetch;

function setFields(asking: ClientRequest, headers: RequestInit["headers"]): void {
  for (const [name, value] of new Headers(headers)) asking.appendHeader(name, value);
}

async function sendBody(asking: ClientRequest, body: unknown): Promise<void> {
  if (body === undefined || body === null) {
    asking.end();
    return;
  }
  // Node would write that of a DELETE without a frame.
  asking.useChunkedEncodingByDefault = true;
  if (typeof body === "string" || body instanceof Uint8Array) asking.end(body);
  else if (body instanceof Blob) asking.end(Buffer.from(await body.arrayBuffer()));
  // What the standard turns into bytes, this one does, too.
  else {
    const known = isForm(body) ? await ownForm(body) : (body as NonNullable<RequestInit["body"]>);
    const init = { method: "POST", body: known, duplex: "half" };
    const { body: stream, headers } = new Request("http://a.test", init as RequestInit);
    const type = headers.get("content-type");
    if (type !== null && !asking.hasHeader("content-type")) asking.setHeader("content-type", type);
    if (body instanceof URLSearchParams) {
      asking.end(String(body));
      return;
    }
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      if (asking.destroyed) return;
      if (!asking.write(chunk)) await drained(asking);
    }
    asking.end();
  }
}

type AnyForm = Iterable<[string, string | File]>;

/** By what it can do, as node-fetch and others know a form; Node's classes know their own alone. */
function isForm(body: unknown): body is AnyForm {
  return Object.prototype.toString.call(body) === "[object FormData]";
}

async function ownForm(form: AnyForm): Promise<FormData> {
  const own = new FormData();
  for (const [name, value] of form) {
    if (typeof value === "string") own.append(name, value);
    else own.append(name, new Blob([await value.arrayBuffer()], { type: value.type }), value.name);
  }
  return own;
}

function drained(asking: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      asking.off("drain", go).off("close", go);
      resolve();
    };
    asking.on("drain", go).on("close", go);
  });
}

/** Made and read as the standard's own, of which it is no subclass. */
class ForeignResponse {
  readonly #body: ForeignBody;
  readonly #init: ForeignInit;

  constructor(body: ForeignBody, init: ForeignInit) {
    this.#body = body;
    this.#init = init;
  }

  get status(): number {
    return this.#init.status;
  }

  get statusText(): string {
    return this.#init.statusText;
  }

  get headers(): ForeignHeaders {
    return this.#init.headers;
  }

  get body(): ForeignBody {
    return this.#body;
  }

  get bodyUsed(): boolean {
    return this.#body.locked;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  async text(): Promise<string> {
    const chunks: Uint8Array[] = [];
    const reader = this.#body.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      chunks.push(read.value as Uint8Array);
    }
    return Buffer.concat(chunks).toString();
  }

  clone(): ForeignResponse {
    throw new Error("it cannot be read twice");
  }
}

interface ForeignBody {
  readonly locked: boolean;
  getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
}

interface ForeignInit {
  readonly status: number;
  readonly statusText: string;
  readonly headers: ForeignHeaders;
}

function responseOf(answer: IncomingMessage): ForeignResponse {
  return new ForeignResponse(new ForeignStream(answer), {
    status: answer.statusCode ?? 0,
    statusText: answer.statusMessage ?? "",
    headers: new ForeignHeaders(answer.rawHeaders),
  });
}

class ForeignHeaders {
  readonly #pairs: [string, string][] = [];

  constructor(raw: readonly string[]) {
    for (let at = 0; at < raw.length; at += 2) {
      this.#pairs.push([(raw[at] ?? "").toLowerCase(), raw[at + 1] ?? ""]);
    }
  }

  get(name: string): string | null {
    const found = this.#pairs.filter(([one]) => one === name.toLowerCase());
    return found.length === 0 ? null : found.map(([, value]) => value).join(", ");
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  forEach(visit: (value: string, name: string) => void): void {
    for (const [name, value] of this.#pairs) visit(value, name);
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#pairs[Symbol.iterator]();
  }
}

class ForeignStream {
  readonly #answer: IncomingMessage;
  locked = false;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    // A broken body is told to who reads it.
    answer.on("error", () => {});
  }

  getReader() {
    this.locked = true;
    const chunks = this.#answer[Symbol.asyncIterator]();
    return {
      read: () => chunks.next() as Promise<{ done: boolean; value: Uint8Array }>,
      cancel: () => this.cancel(),
      releaseLock: () => {
        this.locked = false;
      },
      closed: new Promise<void>(() => {}),
    };
  }

  cancel(): Promise<void> {
    this.#answer.destroy();
    return new Promise(() => {});
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#answer[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }
}
