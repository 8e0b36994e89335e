/**
 * An upstream's answer as a reply of Fastify, so that `onSend` hooks run: they see a stream, and
 * may set fields, take the stream or put another payload in its place.
 *
 * Our own hook is the last of a route. Guarantee: an answer that no other hook has changed is
 * written by us as by every other adapter, with its framing and its trailers, and cut where it
 * breaks; without other hooks no reply is created.
 */
import { AsyncResource } from "node:async_hooks";
import { type Readable, Stream } from "node:stream";
import type { FastifyInstance, FastifyReply, onSendHookHandler, RouteOptions } from "fastify";
import { valueOverHttp2 } from "../core/fields.js";
import type { Framework } from "../options/proxy-options.js";
import { AnswerStream } from "../wire/answer-stream.js";
import { isHttp2 } from "../wire/http2.js";
import { changedAnswer, type PassedAnswer } from "../wire/passed-answer.js";
import {
  cutResponse,
  type FieldHolder,
  mergeFields,
  type WriteResponseOptions,
  writeResponse,
} from "../wire/write-response.js";

type SendResponse = NonNullable<Framework["sendResponse"]>;

export interface Replies {
  /** How an answer becomes this reply; null where no other hook would see it. */
  senderFor(reply: FastifyReply): SendResponse | null;
}

/** Fastify lists hooks by function name, which a bundler may have changed. */
export function ourHook(hook: onSendHookHandler): onSendHookHandler {
  return Object.defineProperty(hook, "name", { value: OURS });
}

const OURS = "goodGatewayHook";

/** Prepares the routes that are added to a scope from now on. */
export function repliesOf(routes: FastifyInstance): Replies {
  const waiting = new WeakMap<FastifyReply, Passing>();
  let seenByOthers = true;
  // The hook of a route runs after those of its scopes, and after those that plugins add to the
  // route, since our `onRoute` runs last.
  routes.addHook("onRoute", (route: RouteOptions) => {
    route.onSend = [...listOf(route.onSend), lastHook(waiting)];
    route.onError = [
      ...listOf(route.onError),
      (_request, reply, _error, done) => {
        waiting.get(reply)?.forget();
        done();
      },
    ];
  });
  routes.addHook("onReady", async () => {
    seenByOthers = hasOtherHooks(routes.printRoutes({ includeHooks: true }));
  });
  return {
    senderFor(reply) {
      if (!seenByOthers) return null;
      // Hooks run in the context of their request, not in that of the upstream's connection.
      const resource = new AsyncResource("good-gateway.reply", { requireManualDestroy: true });
      return (answer, options) => {
        const passing = new Passing(reply, answer, options);
        waiting.set(reply, passing);
        resource.runInAsyncScope(() => passing.send());
      };
    },
  };
}

function listOf<Hook>(hooks: Hook | Hook[] | undefined): Hook[] {
  if (hooks === undefined) return [];
  return Array.isArray(hooks) ? hooks : [hooks];
}

const ON_SEND = /\(onSend\) \[(.*)\]/g;

/** Whether a route has an `onSend` hook other than ours, by Fastify's list of routes. */
function hasOtherHooks(printed: string): boolean {
  const names = [...printed.matchAll(ON_SEND)].flatMap(([, list = ""]) => list.split(","));
  return names.length === 0 || names.some((name) => name !== `"${OURS}()"`);
}

function lastHook(waiting: WeakMap<FastifyReply, Passing>): onSendHookHandler {
  return ourHook((_request, reply, payload, done) => {
    const passing = waiting.get(reply);
    if (passing === undefined) done();
    else if (passing.isUntouched(payload)) passing.write();
    else {
      passing.leaveToOthers(payload);
      done(null, payload);
    }
  });
}

/** An answer that passes through the hooks. */
class Passing {
  readonly #reply: FastifyReply;
  readonly #answer: PassedAnswer;
  readonly #options: WriteResponseOptions;
  readonly #body: AnswerStream | null;
  #before: ReturnType<FastifyReply["getHeaders"]> | null = null;
  #isOurs = true;
  /** What a hook has put in place of our body. */
  #instead: unknown = null;

  constructor(reply: FastifyReply, answer: PassedAnswer, options: WriteResponseOptions) {
    this.#reply = reply;
    this.#answer = answer;
    this.#options = options;
    this.#body = answer.bodiless ? null : new AnswerStream(answer.response);
    this.#body?.on("error", (error) => this.#broken(error));
  }

  send(): void {
    const { status, fields } = this.#answer;
    const { raw } = this.#reply;
    this.#before = this.#reply.getHeaders();
    // `code` accepts fewer statuses than Node does.
    raw.statusCode = status;
    mergeFields(new ReplyFields(this.#reply), withoutTrailer(fields));
    // Undefined makes a reply without content; null would become JSON.
    this.#reply.send(this.#body ?? undefined);
  }

  isUntouched(payload: unknown): boolean {
    return this.#isOurs && (payload ?? null) === this.#body && this.#body?.isTaken() !== true;
  }

  /** All hooks have run, and the answer is still the upstream's. */
  write(): void {
    const { raw } = this.#reply;
    this.#isOurs = false;
    if (raw.headersSent || raw.destroyed) {
      void this.#answer.response.discard();
      return;
    }
    this.#body?.close();
    const { status, reason } = this.#answer;
    const answer = changedAnswer(raw.req.method, {
      ...this.#answer,
      status: raw.statusCode,
      reason: raw.statusCode === status ? reason : undefined,
      fields: [...fieldsOf(this.#reply), ...trailerOf(this.#answer.fields)],
    });
    writeResponse(raw, answer, {
      clock: this.#options.clock,
      beforeWriting: () => {
        for (const name of raw.getHeaderNames()) raw.removeHeader(name);
        this.#reply.hijack();
      },
      brokenUnsent: (failure) => {
        this.#restore();
        this.#options.brokenUnsent(failure);
      },
    });
  }

  /** Another payload is sent; the unread rest of ours is abandoned with the reply. */
  leaveToOthers(payload: unknown): void {
    if (!this.#isOurs) return;
    this.#isOurs = false;
    this.#reply.raw.once("close", () => this.#giveUp());
    if (payload === this.#body || !isStream(payload)) return;
    this.#instead = payload;
    // Fastify measures texts and bytes, but trusts a Content-Length beside a stream.
    const length = this.#reply.getHeader("content-length");
    const { contentLength } = this.#answer.response.body;
    if (length !== undefined && Number(length) === contentLength) {
      this.#reply.removeHeader("content-length");
    }
  }

  /** A hook or its stream has failed: the error's answer has no fields of the upstream. */
  forget(): void {
    this.#isOurs = false;
    if (!this.#reply.raw.headersSent) this.#restore();
    this.#giveUp();
  }

  /** `pipe` does not propagate errors: its destination would never end. */
  #broken(error: Error): void {
    if ((this.#body?.listenerCount("error") ?? 0) > 1) return;
    if (this.#instead instanceof Stream) (this.#instead as Readable).destroy(error);
    else cutResponse(this.#reply.raw);
  }

  #giveUp(): void {
    if (this.#body === null) void this.#answer.response.discard();
    else this.#body.destroy();
  }

  /** The replacement has none of the upstream's fields. */
  #restore(): void {
    for (const name of Object.keys(this.#reply.getHeaders())) {
      this.#reply.removeHeader(name);
      this.#reply.raw.removeHeader(name);
    }
    for (const [name, value] of Object.entries(this.#before ?? {})) this.#reply.header(name, value);
  }
}

/** A Node or web stream, or a Response; neither text nor bytes. */
function isStream(payload: unknown): boolean {
  return typeof payload === "object" && payload !== null && !Buffer.isBuffer(payload);
}

/** The fields of a reply: its own, and those of the response. */
class ReplyFields implements FieldHolder {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  getHeader(name: string) {
    return this.#reply.getHeader(name);
  }

  getHeaderNames(): string[] {
    return Object.keys(this.#reply.getHeaders());
  }

  removeHeader(name: string): void {
    this.#reply.removeHeader(name);
  }

  setHeader(name: string, value: string): void {
    this.#reply.removeHeader(name);
    this.#reply.header(name, value);
  }

  appendHeader(name: string, value: string): void {
    const before = this.#reply.getHeader(name);
    const values = [...(before === undefined ? [] : [before].flat()), value].map(String);
    const http2 = isHttp2(this.#reply.raw.req);
    this.#reply.removeHeader(name);
    this.#reply.header(name, http2 ? valueOverHttp2(name.toLowerCase(), values) : values);
  }
}

/** Names and values in turn. */
function fieldsOf(reply: FastifyReply): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value === undefined) continue;
    for (const one of [value].flat()) fields.push(name, String(one));
  }
  return fields;
}

/** Only we send trailers; a body that is sent in another way has none. */
function withoutTrailer(fields: readonly string[]): readonly string[] {
  const at = trailerAt(fields);
  return at === -1 ? fields : fields.filter((_field, place) => place < at || place > at + 1);
}

function trailerOf(fields: readonly string[]): readonly string[] {
  const at = trailerAt(fields);
  return at === -1 ? [] : fields.slice(at, at + 2);
}

function trailerAt(fields: readonly string[]): number {
  return fields.findIndex((name, place) => place % 2 === 0 && name.toLowerCase() === "trailer");
}
