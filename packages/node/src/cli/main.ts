import { writeSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { isatty } from "node:tty";
import { realWorld } from "@cairn/world";
import { syncDestination } from "../log/logger.ts";
import type { StartNode } from "../running-node.ts";
import type { CliContext, StopSignal } from "./context.ts";
import { reportFailure } from "./failure.ts";
import { followParent } from "./parent-process.ts";
import { runCli } from "./program.ts";

const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

function processContext(): CliContext {
	const world = realWorld();
	const print = syncDestination(1);
	return {
		world,
		environment: process.env,
		hostname: hostname() || "anonymous",
		userFolder: homedir(),
		isTerminal: isatty(1) && (process.env.NO_COLOR ?? "") === "",
		print,
		printError: syncDestination(2),
		onSignal: (call) => {
			for (const signal of STOP_SIGNALS) process.on(signal, call);
			return () => {
				for (const signal of STOP_SIGNALS) process.off(signal, call);
			};
		},
		onReload: (call) => {
			process.on("SIGHUP", call);
			return () => process.off("SIGHUP", call);
		},
		followParent,
		exit: (code) => process.exit(code),
		loadStartNode: async () => {
			const composition = new URL("../node.js", import.meta.url).href;
			return ((await import(composition)) as { startNode: StartNode }).startNode;
		},
		runUp: async (options) => {
			const { runInTerminal } = await import("../up/terminal-run.ts");
			return runInTerminal(options, world, print);
		},
	};
}

process.on("uncaughtException", (error) => {
	const { text, code } = reportFailure(error, true);
	writeSync(2, text);
	process.exit(code);
});

// Handles that a command left open must not keep the process alive.
process.exit(await runCli(process.argv.slice(2), processContext()));
