import type { World } from "@cairn/kit";
import type { Environment } from "../config/environment.ts";
import type { StartNode } from "../running-node.ts";
import type { UpOptions } from "../up/options.ts";

/** Signals that end a node in order; the second one ends it at once. */
export type StopSignal = "SIGINT" | "SIGTERM";

/** What commands may ask of the process they run in; tests bring their own. */
export interface CliContext {
	readonly world: World;
	readonly environment: Environment;
	/** Default moniker of new nodes. */
	readonly hostname: string;
	/** Folder of the user, under which `.cairn` is the default home. */
	readonly userFolder: string;
	/** Whether standard output is a terminal that shows colours. */
	readonly isTerminal: boolean;
	/** Writes whole lines to standard output, at once. */
	print(text: string): void;
	/** Writes whole lines to standard error, at once. */
	printError(text: string): void;
	/** Calls for each stop signal until the returned function is called. */
	onSignal(call: (signal: StopSignal) => void): () => void;
	/** Calls whenever the operator asks to read the configuration again (SIGHUP), until the returned function is called. */
	onReload(call: () => void): () => void;
	/**
	 * Where a parent process supervises this one: calls once that parent is gone, and answers its questions about this
	 * process, until the returned function is called. Elsewhere it does nothing.
	 */
	followParent(onGone: () => void): () => void;
	/** Ends the process at once, whatever is still running. */
	exit(code: number): void;
	/** Loads the node's composition only where it is needed: other commands start fast. */
	loadStartNode(): Promise<StartNode>;
	/** Runs a network of processes; true if its nodes agree at the end. @throws CairnError that says what to do */
	runUp(options: UpOptions): Promise<boolean>;
}

/** Exit codes of the process. */
export const EXIT = {
	ok: 0,
	/** Something the operator can mend, a wrong command line included (as CometBFT). */
	failed: 1,
	/** A bug of ours. */
	bug: 70,
	/** Ended by a second signal or after `cairn.stop_timeout`. */
	forced: 130,
} as const;
