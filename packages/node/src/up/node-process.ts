import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { CairnError, messageOf } from "@cairn/kit";
import { type ProcessUsage, SUPERVISED_VARIABLE, USAGE_QUESTION } from "../cli/parent-process.ts";
import { logTail, rotateLog } from "./log-tail.ts";
import { processUsage } from "./process-usage.ts";

/** A program to run, and where its output goes. */
export interface NodeProcessSpec {
	readonly name: string;
	/** A script of Node and its arguments. */
	readonly script: readonly string[];
	readonly logFile: string;
}

/** How a process ended. */
export interface ProcessEnd {
	/** Exit code; null where a signal ended it, or where it could not be started. */
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	/** Last lines that it wrote. */
	readonly tail: readonly string[];
}

const TAIL_LINES = 15;
/** How long a process may take to answer what it uses. */
const USAGE_TIMEOUT_MS = 500;

/**
 * One run of a node's process. It has its own process group, so that a Ctrl-C in the terminal reaches this process only
 * and the nodes stop when they are told; and a channel to this process, at whose end it stops by itself.
 */
export class NodeProcess {
	readonly #child: ChildProcess;
	readonly #spec: NodeProcessSpec;
	/** Length of the log when the process began to write. */
	readonly #logStart: number;
	#lastUsage: ProcessUsage | null = null;
	/** Resolves when the process has ended, however. */
	readonly ended: Promise<ProcessEnd>;

	private constructor(child: ChildProcess, spec: NodeProcessSpec, logStart: number) {
		this.#child = child;
		this.#spec = spec;
		this.#logStart = logStart;
		this.ended = this.#watch();
	}

	/** @throws CairnError `up-log` where the log file cannot be written */
	static async start(spec: NodeProcessSpec): Promise<NodeProcess> {
		try {
			const logStart = await rotateLog(spec.logFile);
			const log = await open(spec.logFile, "a", 0o644);
			try {
				const child = spawn(process.execPath, [...spec.script], {
					stdio: ["ignore", log.fd, log.fd, "ipc"],
					env: nodeEnvironment(process.env),
					detached: true,
					windowsHide: true,
				});
				return new NodeProcess(child, spec, logStart);
			} finally {
				await log.close();
			}
		} catch (cause) {
			const text = `cannot write ${spec.logFile}: ${messageOf(cause)}; check the folder and the space on its disk`;
			throw new CairnError("up-log", "operator", text, { path: spec.logFile }, cause);
		}
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	get running(): boolean {
		return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
	}

	/** What the process used when it was last asked. */
	get lastUsage(): ProcessUsage | null {
		return this.#lastUsage;
	}

	signal(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** What the process uses now; where that cannot be told, what it used when last asked. */
	async usage(): Promise<ProcessUsage | null> {
		const { pid } = this.#child;
		if (pid === undefined || !this.running) return this.#lastUsage;
		const usage = process.platform === "linux" ? await processUsage(pid) : await this.#askUsage();
		this.#lastUsage = usage ?? this.#lastUsage;
		return this.#lastUsage;
	}

	/** The last lines of this run's log. */
	tail(lines: number = TAIL_LINES): Promise<readonly string[]> {
		return logTail(this.#spec.logFile, lines, this.#logStart);
	}

	#watch(): Promise<ProcessEnd> {
		return new Promise((resolve) => {
			this.#child.once("exit", (code, signal) => {
				void this.tail().then((tail) => resolve({ code, signal, tail }));
			});
			// Also a broken channel is told as an error; only a process that never began has ended by it.
			this.#child.on("error", (cause) => {
				if (this.pid !== undefined) return;
				resolve({ code: null, signal: null, tail: [`could not be started: ${cause.message}`] });
			});
		});
	}

	async #askUsage(): Promise<ProcessUsage | null> {
		if (!this.#child.connected) return null;
		try {
			const answer = once(this.#child, "message", { signal: AbortSignal.timeout(USAGE_TIMEOUT_MS) });
			this.#child.send(USAGE_QUESTION);
			const [usage] = (await answer) as [ProcessUsage];
			return usage;
		} catch {
			return null;
		}
	}
}

/** A node takes its configuration from its home alone: variables of this process would be the same for all nodes. */
export function nodeEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	const kept = Object.entries(environment).filter(
		([name]) => name === "CAIRN_FAIL_POINT" || !/^(?:CAIRN_|CMT|TMHOME$)/.test(name),
	);
	return { ...Object.fromEntries(kept), [SUPERVISED_VARIABLE]: "1" };
}
