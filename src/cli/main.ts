#!/usr/bin/env node
/**
 * The binary `good-gateway`. It hands the process to the commands and takes their exit code; output
 * that is still on its way is not cut by an exit, and what a command no longer waits for (a look
 * whose time is over) does not keep the process.
 */
import { runCommand } from "./commands.js";

const { stdin, stdout, stderr, env, argv } = process;
// A reader that has seen enough (`| head`) closes the pipe; that is no failure.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
void runCommand(argv.slice(2), { stdin, stdout, stderr, env }).then((code) => {
  process.exitCode = code;
  stderr.write("", () => stdout.write("", () => process.exit()));
});
