/**
 * Asks an agent as HAProxy's `agent-check` does: a connection over TCP, and one line of text that
 * says how the target is, such as `up`, `drain`, `75%` or `down #disk full`.
 *
 * An agent that cannot be asked, or says nothing that is known, says nothing of its target.
 */
import { connect, type Socket } from "node:net";
import { PROBE } from "../catalog/defaults.js";
import { type DeclaredWord, wordIn } from "../targets/declared-state.js";
import type { Dialled } from "../targets/target.js";
import { FAMILIES, guarded } from "./open-socket.js";

/** What was said; `"nothing"` where no word of it counts. */
export type AgentSays = DeclaredWord | "nothing";

export function askAgent(
  target: Dialled,
  settle: (wrong: string | null, said: AgentSays) => void,
): Socket {
  const { hostname: host, port } = target;
  const socket = connect({ host, port, ...FAMILIES, ...guarded(target) });
  let text = "";
  const ended = (): void => {
    const [line = ""] = text.split(/[\r\n]/, 1);
    const said = wordIn(line);
    if (said === null) settle(`the agent said ${JSON.stringify(line.slice(0, 80))}`, "nothing");
    else if (said === "draining" || said === "unhealthy") {
      settle(`the agent said ${JSON.stringify(line.slice(0, 80))}`, said);
    } else settle(null, said);
  };
  socket.unref();
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
    if (/[\r\n]/.test(text) || text.length > PROBE.agentBytesMax) ended();
  });
  socket.once("end", ended);
  socket.on("error", ({ code, message }: NodeJS.ErrnoException) =>
    settle(code ?? message, "nothing"),
  );
  return socket;
}
