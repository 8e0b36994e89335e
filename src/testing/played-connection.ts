/**
 * Plays one script on one accepted socket.
 * The socket is half-open, so that the order of the two ends is the script's to choose. Whatever
 * the client does is noted and never thrown: the faults of a test must come from the script and not
 * from the tool.
 * Guarantee: each step runs to its end before the next; when the client leaves early, the script
 * stops, says at which step, and gives its socket back.
 */
import type { Socket } from "node:net";
import { inspect } from "node:util";
import { inbox } from "./inbox.js";
import { cut, cutAfterArrival, type PlayStage, playStep, type Scene } from "./play-step.js";
import { requestReader } from "./request-reader.js";
import type { Script, Step } from "./script.js";

/** A connection and how far its script has come. */
export interface PlayedConnection {
  /** Resolves when the script is over and the socket closed. */
  readonly over: Promise<void>;
  isOver(): boolean;
  /** What went otherwise than written, in sentences. */
  complaints(): readonly string[];
  /** Reads on, where a script had stopped reading, to learn whether the client has left. */
  resume(): void;
  destroy(): void;
}

/** How much of unexpected bytes a complaint shows: a request line fits, a page does not. */
const SHOWN_BYTES_MAX = 80;

type Complain = (text: string) => void;

/** Starts to play; a connection without a script is cut at once. */
export function playConnection(
  stage: PlayStage,
  raw: Socket,
  number: number,
  script: Script | undefined,
): PlayedConnection {
  const complaints: string[] = [];
  const complain: Complain = (text) => void complaints.push(`connection ${number}: ${text}`);
  const state: { over: boolean; socket: Socket } = { over: false, socket: raw };
  raw.on("error", ignore);
  raw.setNoDelay(true);
  const closed = new Promise<void>((resolve) => void raw.once("close", () => resolve()));

  const play = async (): Promise<void> => {
    if (script === undefined) {
      complain("came when all scripts were taken");
      cut(raw, raw);
      return;
    }
    const socket = await stage.secure(raw);
    if (socket === null) {
      if (script.steps[0]?.kind !== "hang") complain("ended before its TLS handshake was complete");
      raw.destroy();
      return;
    }
    state.socket = socket;
    await playSteps(sceneOf(stage, raw, socket, number), script.steps, complain);
  };
  const played = play().catch((error: unknown) => {
    complain(`a function of the script threw: ${inspect(error)}`);
    cut(raw, state.socket);
  });
  const over = Promise.all([played, closed]).then(() => {
    state.over = true;
  });
  return {
    over,
    isOver: () => state.over,
    complaints: () => complaints,
    resume: () => void state.socket.resume(),
    destroy() {
      state.socket.destroy();
      raw.destroy();
    },
  };
}

function sceneOf(stage: PlayStage, raw: Socket, socket: Socket, number: number): Scene {
  const received = inbox();
  const left = new AbortController();
  const gone = new AbortController();
  const end = (): void => {
    received.end();
    left.abort();
  };
  const close = (): void => {
    end();
    gone.abort();
  };
  if (raw.destroyed) close();
  raw.once("close", close);
  socket.once("close", close);
  socket.once("end", end);
  socket.on("error", ignore);
  socket.on("data", (bytes: Buffer) => received.push(bytes));
  const reader = requestReader(received, number);
  return { stage, raw, socket, inbox: received, reader, left: left.signal, gone: gone.signal };
}

async function playSteps(scene: Scene, steps: readonly Step[], complain: Complain): Promise<void> {
  for (let round = 1, place = 0; place < steps.length; place += 1) {
    const step = steps[place];
    if (step === undefined) break;
    if (step.kind === "again") {
      round += 1;
      place = -1;
      continue;
    }
    const untouched = round > 1 && place === 0 && scene.inbox.size === 0;
    const end = await playStep(scene, step);
    if (end === "last") return;
    if (end === "left") {
      // A client may well leave between two rounds of a script that begins anew.
      if (!(untouched && scene.inbox.size === 0)) {
        complain(`the client left at step ${place + 1} of ${steps.length}, ${step.kind}`);
      }
      scene.socket.end();
      return;
    }
  }
  await playEpilogue(scene, steps, complain);
}

/** After the last step the client may finish the body it began, and must then leave. */
async function playEpilogue(
  scene: Scene,
  steps: readonly Step[],
  complain: Complain,
): Promise<void> {
  const { inbox, reader } = scene;
  // A script that never reads says nothing about what may come.
  if (!steps.some((step) => step.kind === "readHead" || step.kind === "readBytes")) inbox.swallow();
  await reader.readBody();
  if (await inbox.until(() => inbox.size > 0)) {
    const shown = inbox.peek().subarray(0, SHOWN_BYTES_MAX).toString("latin1");
    complain(`${inbox.size} bytes came that no step reads: ${JSON.stringify(shown)}`);
    // Silence would keep the client waiting for an answer that the script does not hold.
    await cutAfterArrival(scene);
    return;
  }
  scene.socket.end();
}

function ignore(): void {}
