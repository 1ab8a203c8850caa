import { fromUtf8, utf8 } from "@cairn/kit";
import { type MemoryWorld, memoryWorld } from "@cairn/world";
import type { StartNode } from "../running-node.ts";
import type { UpOptions } from "../up/options.ts";
import type { CliContext, StopSignal } from "./context.ts";
import { runCli } from "./program.ts";

/** A command line without a process: a machine in memory, and everything that was printed. For tests only. */
export class TestCli {
	readonly world: MemoryWorld = memoryWorld({ seed: "cli" });
	environment: Readonly<Record<string, string>> = {};
	startNode: StartNode | undefined;
	runUp: ((options: UpOptions) => Promise<boolean>) | undefined;
	/** Codes that the process was ended with at once. */
	readonly exits: number[] = [];
	#out = "";
	#err = "";
	#onReload: (() => void) | undefined;
	#onSignal: ((signal: StopSignal) => void) | undefined;
	#onParentGone: (() => void) | undefined;

	get out(): string {
		return this.#out;
	}

	get err(): string {
		return this.#err;
	}

	/** Whether anybody listens for signals. */
	get isListening(): boolean {
		return this.#onSignal !== undefined;
	}

	/** Runs one command line; what earlier ones printed is forgotten. */
	run(...args: readonly string[]): Promise<number> {
		this.#out = "";
		this.#err = "";
		return runCli(args, this.#context());
	}

	signal(signal: StopSignal): void {
		this.#onSignal?.(signal);
	}

	/** As SIGHUP. */
	reload(): void {
		this.#onReload?.();
	}

	/** As if the process that supervises this one had died. */
	loseParent(): void {
		this.#onParentGone?.();
	}

	async read(path: string): Promise<string> {
		const bytes = await this.world.disk.read(path);
		if (bytes === undefined) throw new Error(`no file ${path}`);
		return fromUtf8(bytes);
	}

	async exists(path: string): Promise<boolean> {
		return (await this.world.disk.read(path)) !== undefined;
	}

	async write(path: string, text: string): Promise<void> {
		await this.world.disk.makeDirectory(path.slice(0, path.lastIndexOf("/")));
		await this.world.disk.writeAtomic(path, utf8(text));
	}

	#context(): CliContext {
		return {
			world: this.world,
			environment: this.environment,
			hostname: "machine",
			userFolder: "/user",
			isTerminal: false,
			print: (text) => {
				this.#out += text;
			},
			printError: (text) => {
				this.#err += text;
			},
			onSignal: (call) => {
				this.#onSignal = call;
				return () => {
					this.#onSignal = undefined;
				};
			},
			onReload: (call) => {
				this.#onReload = call;
				return () => {
					this.#onReload = undefined;
				};
			},
			followParent: (onGone) => {
				this.#onParentGone = onGone;
				return () => {
					this.#onParentGone = undefined;
				};
			},
			exit: (code) => {
				this.exits.push(code);
			},
			loadStartNode: async () => {
				if (this.startNode === undefined) throw new Error("no node in this test");
				return this.startNode;
			},
			runUp: async (options) => {
				if (this.runUp === undefined) throw new Error("no network in this test");
				return this.runUp(options);
			},
		};
	}
}
