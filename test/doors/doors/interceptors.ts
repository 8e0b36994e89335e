/**
 * `gatewayInterceptor` over agents of undici 7 and 8: by `undici.request`, and by the fetch that is
 * built into Node.
 */
import { gatewayInterceptor } from "good-gateway/undici";
import { CALLERS, type Undici, type UndiciAnswer } from "../../adapters/undici-versions.js";
import type { Fields } from "../../gallery/tools/read-message.js";
import type { Answered, Asked, AskOptions, Door } from "../door.js";
import { addressOf } from "../tools/answered.js";
import { bodyOf, callerCall } from "../tools/caller-call.js";
import { type AnyFetch, askByFetch } from "../tools/fetch-client.js";

type Asking = (
  undici: Undici,
  agent: unknown,
  base: string,
) => (asked: Asked, how: AskOptions) => Promise<Answered>;

const SEVEN = CALLERS[1]?.[1]?.undici ?? null;
const EIGHT = CALLERS[2]?.[1]?.undici ?? null;

function over(name: string, undici: Undici | null, asking: Asking): Door {
  return {
    name: `gatewayInterceptor, ${name}`,
    kind: "caller",
    engine: "dispatcher",
    bodies: asking === byFetch ? "fetch" : "undici",
    ...(name === "undici 7" ? { first: true } : {}),
    repeats: true,
    ...(undici === null ? { absent: "needs a newer Node" } : {}),
    async open({ gateway }) {
      const bare = new (undici as Undici).Agent();
      const agent = bare.compose(gatewayInterceptor(gateway));
      const ask = asking(undici as Undici, agent, addressOf(gateway));
      return {
        ask: (asked = {}, how = {}) => ask(asked, how),
        close: () => bare.destroy(),
      };
    },
  };
}

const byRequest: Asking = (undici, dispatcher, base) => (asked, how) =>
  callerCall(how, async ({ signal, pace }, onHead) => {
    const { method = "GET", path = "/x", fields = {} } = asked;
    const body = bodyOf(asked);
    const interim: { status: number }[] = [];
    const answer = await undici.request(base + path, {
      ...{ dispatcher, method, signal, headers: fields },
      onInfo: ({ statusCode: status }: { statusCode: number }) => void interim.push({ status }),
      ...(body === undefined ? {} : { body }),
    });
    const head = { status: answer.statusCode, fields: fieldsOf(answer.headers), interim };
    onHead(head);
    const chunks: Uint8Array[] = [];
    await pace();
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      onHead({ ...head, bytes: Buffer.concat(chunks) });
      await pace();
    }
    const trailers = Object.entries(answer.trailers);
    return { ...head, ending: "whole", bytes: Buffer.concat(chunks), trailers };
  });

/** undici joins the values of its raw form. */
function fieldsOf(headers: UndiciAnswer["headers"]): Fields {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => [name, one] as const),
  );
}

const byFetch: Asking = (_undici, dispatcher, base) => (asked, how) => {
  const call: AnyFetch = (input, init) => fetch(input, { ...init, dispatcher } as never);
  return askByFetch(call, base, asked, how);
};

export const INTERCEPTORS: readonly Door[] = [
  over("undici 7", SEVEN, byRequest),
  over("the fetch of Node", SEVEN, byFetch),
  over("undici 8", EIGHT, byRequest),
];
