import type { Timers, World } from "@cairn/kit";
import { type Display, LiveDisplay, PlainDisplay, type Print } from "./display.ts";
import { listenToKeys } from "./keyboard.ts";
import type { UpOptions } from "./options.ts";
import { runUp } from "./run.ts";

/** Also the end of the terminal window: the nodes must not run on unseen. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const PARENT_LOOK_MS = 500;

/** Exit code of a run that was ended at once. */
const FORCED = 130;

/** Runs a network in this process's terminal, or with plain lines where there is none. True if all nodes agree. */
export function runInTerminal(options: UpOptions, world: World, print: Print): Promise<boolean> {
	return runUp(options, {
		world,
		pid: process.pid,
		print,
		openDisplay: (onStop) => openDisplay(options, print, onStop),
		onStopSignal: (call) => {
			for (const signal of STOP_SIGNALS) process.on(signal, call);
			const releaseNpm = followNpm(world.timers, call);
			return () => {
				for (const signal of STOP_SIGNALS) process.off(signal, call);
				releaseNpm();
			};
		},
		exitNow: () => process.exit(FORCED),
	});
}

/**
 * npm passes a signal on to the shell that it starts us with, and the shell dies of it without telling us: where npm
 * started us, the end of our parent is a wish to stop.
 */
function followNpm(timers: Timers, call: () => void): () => void {
	const { env, ppid } = process;
	if (env.npm_lifecycle_event === undefined) return () => {};
	let timer = timers.after(PARENT_LOOK_MS, look);
	function look(): void {
		if (process.ppid !== ppid) call();
		else timer = timers.after(PARENT_LOOK_MS, look);
	}
	return () => timer.cancel();
}

function openDisplay(options: UpOptions, print: Print, onStop: () => void): Display {
	const { stdout, stdin, env } = process;
	if (!options.tui || !stdout.isTTY || env.TERM === "dumb") return new PlainDisplay(print);
	const size = () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 });
	const live = new LiveDisplay({ write: print, size }, (env.NO_COLOR ?? "") === "");
	const releaseKeys = listenToKeys(stdin, onStop);
	const redraw = (): void => live.redraw();
	stdout.on("resize", redraw);
	const close = (): void => {
		process.off("exit", close);
		stdout.off("resize", redraw);
		releaseKeys();
		live.close();
	};
	// However this process ends, the terminal is given back.
	process.on("exit", close);
	return { isLive: true, show: (model) => live.show(model), notice: () => live.notice(), close };
}
