/**
 * systemd as a service sees it: its socket for messages, a real unix datagram socket, with
 * credentials, path and abstract name, and sockets that were opened for the process.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { endProcesses, freePort, listening, startProcess } from "./tools/processes.js";
import { describeWith, programPath } from "./tools/programs.js";

const EXAMPLE = "examples/drain.mjs";
const BUILD_MS = 60_000;

/** Takes messages as systemd does, and tells each with the process in whose name it was sent. */
const RECEIVER = `
import os, socket, struct, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind("\\0" + name[1:] if name.startswith("@") else name)
print("receiving", flush=True)
while True:
    data, ancillary, _, _ = receiver.recvmsg(4096, 4096)
    pid = 0
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack("3i", content)[0]
        elif kind == socket.SCM_RIGHTS:
            for at in range(0, len(content), 4):
                os.close(struct.unpack_from("i", content, at)[0])
    print(pid, data.decode().replace("\\n", "|"), flush=True)
`;

async function startReceiver(name: string) {
  const receiver = startProcess(programPath("python3") as string, ["-c", RECEIVER, name]);
  await receiver.line("receiving");
  return receiver;
}

afterEach(endProcesses);
beforeAll(buildQuick, BUILD_MS);

describeWith(["systemd-notify", "python3"], "systemd", () => {
  it.each(["path", "abstract"])("hears of every step, by %s", async (kind) => {
    const folder = await mkdtemp(join(tmpdir(), "good-gateway-notify-"));
    const socket = kind === "path" ? join(folder, "notify") : `@${folder}`;
    const receiver = await startReceiver(socket);
    const app = startProcess(process.execPath, [EXAMPLE], {
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" },
    });
    await receiver.line("READY=1|STATUS=Serving");
    const port = Number(/:(\d+)\//.exec(await app.line("curl -i"))?.[1]);
    while (receiver.lines.filter((line) => line.endsWith(" WATCHDOG=1")).length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const answer = fetch(`http://127.0.0.1:${port}/slow`);
    // The request has to be there before the signal.
    await new Promise((resolve) => setTimeout(resolve, 200));
    app.child.kill("SIGTERM");
    await receiver.line(
      "STOPPING=1|STATUS=Stopping, still serving, 1 under way|EXTEND_TIMEOUT_USEC=",
    );
    expect((await answer).status).toBe(200);
    expect(await app.ended).toBe(0);
    await receiver.line("STATUS=Drained");
    expect(app.lines.at(-1)).toMatch(/^finished 1, cut 0, in /);
    // As root systemd-notify speaks in the name of Node; else the unit needs NotifyAccess=all.
    const messages = receiver.lines.filter((line) => / [A-Z_]+=/.test(line));
    const own = messages.filter((line) => !line.endsWith(" BARRIER=1"));
    const senders = new Set(own.map((line) => Number.parseInt(line, 10)));
    if (process.getuid?.() === 0) expect([...senders]).toEqual([app.child.pid]);
    else expect(senders.has(app.child.pid as number)).toBe(false);
    await rm(folder, { recursive: true, force: true });
  });

  it("is told nothing, with a warning, where there is no systemd-notify", async () => {
    const app = startProcess(process.execPath, [EXAMPLE], {
      env: { NOTIFY_SOCKET: "/nowhere", PATH: "/nowhere" },
    });
    await app.line("systemd-notify could not be started (ENOENT)");
    expect(await app.stop()).toBe(0);
  });
});

describeWith(["systemd-socket-activate"], "socket activation", () => {
  it("serves on the socket that was opened before the process was there", async () => {
    const port = await freePort();
    const activate = programPath("systemd-socket-activate") as string;
    const app = startProcess(activate, [
      ...["--listen", `127.0.0.1:${port}`, "--fdname", "http"],
      ...[process.execPath, EXAMPLE],
    ]);
    await listening(port);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(await answer.text()).toBe(`GET was answered by process ${app.child.pid}\n`);
    expect(await app.stop()).toBe(0);
  });
});
