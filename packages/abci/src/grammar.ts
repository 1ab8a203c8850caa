import type { AbciAnswer, AbciCall } from "./recording.ts";

/**
 * What an application may be asked, and in which order, after it or the node started (spec of ABCI 2.0, "Valid method
 * call sequences"):
 *
 *     start            = clean-start / recovery
 *     clean-start      = ( info init-chain / state-sync ) consensus-exec
 *     state-sync       = *( offer *apply ) ( offer 1*apply ) info
 *     recovery         = info [init-chain] consensus-exec
 *     consensus-exec   = *( *consensus-round finalize-block commit )
 *     consensus-round  = proposer / non-proposer
 *     proposer         = *got-vote [prepare-proposal [process-proposal]] [extend]
 *     non-proposer     = *got-vote [process-proposal] [extend]
 *     extend           = *got-vote extend-vote *got-vote
 *
 * Since rounds may follow one another without end, the calls of rounds may come in any order; the rule of a height is
 * that FinalizeBlock ends its rounds and that nothing comes between it and Commit. Info may also be asked at any other
 * time (clients do). On top of the grammar the checker watches heights: the calls of a height name that height, and
 * heights have no gaps.
 */
export type GrammarCall =
	| { readonly method: "info"; readonly lastBlockHeight?: number }
	| { readonly method: "initChain"; readonly initialHeight?: number }
	| { readonly method: "offerSnapshot"; readonly snapshotHeight?: number }
	| { readonly method: "applySnapshotChunk" }
	| {
			readonly method: "prepareProposal" | "processProposal" | "extendVote" | "verifyVoteExtension" | "finalizeBlock";
			readonly height?: number;
	  }
	| { readonly method: "commit" };

/** Where the sequence stands: what has just been done. */
export type GrammarState =
	| "started"
	| "asked for info"
	| "offered a snapshot"
	| "applying a snapshot"
	| "restored a snapshot"
	| "in the rounds of a height"
	| "finalized a block";

/** The first call that the grammar does not allow. */
export interface GrammarViolation {
	/** Counted from 0 over all calls that were fed. */
	readonly index: number;
	readonly call: GrammarCall;
	readonly state: GrammarState;
	readonly message: string;
}

type Terminal = "info" | "initChain" | "offer" | "apply" | "round" | "finalize" | "commit";

const NEXT: Readonly<Record<GrammarState, Readonly<Partial<Record<Terminal, GrammarState>>>>> = {
	started: { info: "asked for info", offer: "offered a snapshot" },
	"asked for info": {
		info: "asked for info",
		initChain: "in the rounds of a height",
		offer: "offered a snapshot",
		round: "in the rounds of a height",
		finalize: "finalized a block",
	},
	"offered a snapshot": { info: "offered a snapshot", offer: "offered a snapshot", apply: "applying a snapshot" },
	"applying a snapshot": { info: "restored a snapshot", offer: "offered a snapshot", apply: "applying a snapshot" },
	"restored a snapshot": {
		info: "restored a snapshot",
		// A client may have asked for info before the last chunk.
		apply: "applying a snapshot",
		offer: "offered a snapshot",
		round: "in the rounds of a height",
		finalize: "finalized a block",
	},
	"in the rounds of a height": {
		info: "in the rounds of a height",
		round: "in the rounds of a height",
		finalize: "finalized a block",
	},
	"finalized a block": { info: "finalized a block", commit: "in the rounds of a height" },
};

function terminalOf(call: GrammarCall): Terminal {
	switch (call.method) {
		case "info":
		case "initChain":
		case "commit":
			return call.method;
		case "offerSnapshot":
			return "offer";
		case "applySnapshotChunk":
			return "apply";
		case "finalizeBlock":
			return "finalize";
		default:
			return "round";
	}
}

/** Follows the calls that one application gets. Pure: feed it, ask it. */
export class GrammarChecker {
	#state: GrammarState = "started";
	#calls = 0;
	/** The height whose rounds may be going on; unknown after a start until something tells. */
	#height: number | undefined;
	#snapshotHeight: number | undefined;
	#violation: GrammarViolation | null = null;

	/** The first violation so far; what comes after it is not judged. */
	get violation(): GrammarViolation | null {
		return this.#violation;
	}

	get state(): GrammarState {
		return this.#state;
	}

	/** The node or the application was started again: `recovery` begins. */
	restart(): void {
		this.#state = "started";
		this.#height = undefined;
		this.#snapshotHeight = undefined;
	}

	/** Takes the next call; gives the first violation, if there has been one. */
	feed(call: GrammarCall): GrammarViolation | null {
		if (this.#violation !== null) return this.#violation;
		const next = NEXT[this.#state][terminalOf(call)];
		if (next === undefined) this.#fail(call, `${call.method} must not come here: ${this.#state}`);
		else this.#checkHeight(call);
		if (next !== undefined) this.#state = next;
		this.#calls++;
		return this.#violation;
	}

	#checkHeight(call: GrammarCall): void {
		switch (call.method) {
			case "info":
				this.#onInfo(call.lastBlockHeight);
				return;
			case "initChain":
				this.#onInitChain(call);
				return;
			case "offerSnapshot":
				this.#snapshotHeight = call.snapshotHeight;
				return;
			case "applySnapshotChunk":
			case "commit":
				return;
			case "finalizeBlock":
				this.#expectHeight(call, call.height);
				if (call.height !== undefined) this.#height = call.height + 1;
				return;
			default:
				this.#expectHeight(call, call.height);
		}
	}

	/** Only the first answer after a start says where blocks begin; later ones are clients'. */
	#onInfo(lastBlockHeight: number | undefined): void {
		if (lastBlockHeight === undefined) return;
		if (this.#state === "started" && lastBlockHeight > 0) this.#height = lastBlockHeight + 1;
		if (this.#state === "applying a snapshot" && lastBlockHeight === this.#snapshotHeight) {
			this.#height = lastBlockHeight + 1;
		}
	}

	#onInitChain(call: GrammarCall & { method: "initChain" }): void {
		if (this.#height !== undefined) {
			this.#fail(call, `initChain, though the application has height ${this.#height - 1}`);
		}
		this.#height = call.initialHeight === undefined ? undefined : Math.max(call.initialHeight, 1);
	}

	#expectHeight(call: GrammarCall, height: number | undefined): void {
		if (height === undefined || this.#height === undefined || height === this.#height) return;
		this.#fail(call, `${call.method} for height ${height}, expected height ${this.#height}`);
	}

	#fail(call: GrammarCall, message: string): void {
		this.#violation ??= { index: this.#calls, call, state: this.#state, message };
	}
}

/** The call as the grammar sees it; null for methods that may come at any time. Info counts by its answer. */
export function grammarCall(call: AbciCall): GrammarCall | null {
	switch (call.kind) {
		case "initChain":
			return { method: call.kind, initialHeight: Number(call.request.initialHeight) };
		case "offerSnapshot":
			return { method: call.kind, snapshotHeight: Number(call.request.snapshot?.height ?? 0n) };
		case "prepareProposal":
		case "processProposal":
		case "extendVote":
		case "verifyVoteExtension":
		case "finalizeBlock":
			return { method: call.kind, height: Number(call.request.height) };
		case "applySnapshotChunk":
		case "commit":
			return { method: call.kind };
		default:
			return null;
	}
}

/** A recorder that feeds a checker: `recordingConnections(connections, grammarRecorder(checker))`. */
export function grammarRecorder(checker: GrammarChecker): {
	onCall(call: AbciCall): void;
	onAnswer(answer: AbciAnswer): void;
} {
	return {
		onCall: (call) => {
			const fed = grammarCall(call);
			if (fed !== null) checker.feed(fed);
		},
		onAnswer: (answer) => {
			if (answer.kind !== "info") return;
			checker.feed({ method: "info", lastBlockHeight: Number(answer.response.lastBlockHeight) });
		},
	};
}
