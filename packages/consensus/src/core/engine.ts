// The pure contract between a BFT engine and its host: no I/O, no clock, no randomness, no promises.
// The rules that the types cannot say are in docs/spec/contract.md.
import type { BlockKey, Height, Round, TimeNs, ValidatorSet } from "@cairn/types";

/** One validator KEY, never re-used; assigned in order of first appearance on the chain. */
export type Member = number;
/** A counter of the engine: replays give the same ids. */
export type RequestId = number;
/** `"propose/12/0"`: readable in traces, stable under replay. */
export type TimerId = string;
/** The only way time enters an engine: milliseconds since this start, nanoseconds since 1970. */
export interface Stamp {
	readonly mono: number;
	readonly wall: TimeNs;
}

export interface EngineParams {
	/** Milliseconds by name; each engine documents its names. */
	readonly timeouts: Readonly<Record<string, number>>;
	/** Vote extensions are required at the heights of this epoch. */
	readonly extensions: boolean;
	/** Do not propose before transactions wait (create_empty_blocks = false). */
	readonly waitForWork: boolean;
	/** `block.max_bytes` of the consensus parameters; -1 or absent: the greatest size. Bounds the parts of a proposal. */
	readonly maxBlockBytes?: number;
}

/** A range of heights with one validator set. For Tendermint each height is its own epoch. */
export interface Epoch {
	readonly number: number;
	readonly from: Height;
	readonly last: Height | null;
	/** In the set's order, with the priorities in force at round 0 of `from`. */
	readonly validators: ValidatorSet;
	/** `members[i]` is the member behind the validator at index i. */
	readonly members: readonly Member[];
	/** Index of this node's own key in the set, or null when it only follows. */
	readonly self: number | null;
	readonly params: EngineParams;
}

export interface Tip<C> {
	readonly height: Height;
	readonly block: BlockKey | null;
	/** Header time of that block; genesis time at height 0. */
	readonly time: TimeNs;
	readonly certificate: C | null;
}

/** The newest ancestor whose state a block's header carries. */
export interface Anchor {
	readonly height: Height;
	readonly block: BlockKey | null;
}

/** Where a message came from: the connection ("" = this node itself), and the signer where it has one. */
export interface Origin {
	readonly peer: string;
	readonly signer: Member | null;
	readonly epoch: number;
}

/** What each protocol plugs in. */
export interface Protocol {
	message: object;
	statement: object;
	certificate: object;
	node: object;
	evidence: object;
	snapshot: object;
	gossip: object;
}

// ------------------------------------------------------------ inputs: everything that can happen to an engine (frozen)

export type Input<P extends Protocol> =
	/** Only the first record of a log segment. `previous` is the epoch of the tip, for late precommits of that height. */
	| {
			readonly kind: "start";
			readonly tip: Tip<P["certificate"]>;
			readonly executed: Height;
			readonly epochs: readonly Epoch[];
			readonly previous: Epoch | null;
			readonly snapshot: P["snapshot"] | null;
			/** As in `applied`, for the block of the tip; absent: a proof block is due (needless at worst). */
			readonly changed?: boolean;
	  }
	/** After every replay; mono has started again, re-armed timers get their full time. */
	| { readonly kind: "resumed"; readonly executed: Height; readonly epochs: readonly Epoch[] }
	/** Decoded, bounded, signatures verified by the gate. */
	| { readonly kind: "message"; readonly origin: Origin; readonly message: P["message"] }
	/** The body is complete, well-formed and on local disk (or in the log); it is not in the engine. */
	| {
			readonly kind: "block";
			readonly block: BlockKey;
			readonly parent: BlockKey | null;
			readonly height: Height;
			readonly time: TimeNs;
			readonly node: P["node"] | null;
	  }
	/** A fetch was given up. */
	| { readonly kind: "missing"; readonly block: BlockKey }
	| {
			readonly kind: "signed";
			readonly request: RequestId;
			readonly result: { readonly statement: P["statement"] } | { readonly refused: string };
	  }
	| { readonly kind: "answered"; readonly request: RequestId; readonly answer: Answer<P> }
	/** A stale one is legal and ignored. */
	| { readonly kind: "timer"; readonly timer: TimerId }
	/** Transactions wait in the mempool for the height being decided. */
	| { readonly kind: "work"; readonly height: Height }
	| { readonly kind: "tuned"; readonly timeouts: Readonly<Record<string, number>> }
	| {
			readonly kind: "applied";
			readonly height: Height;
			readonly block: BlockKey;
			readonly appHash: Uint8Array;
			/** The state changed so that a proof block is due (app hash differs from the previous block's). */
			readonly changed: boolean;
			readonly epochs: readonly Epoch[];
	  }
	/** Decided elsewhere (block sync), NOT yet applied: the engine answers with commit. */
	| {
			readonly kind: "decided";
			readonly height: Height;
			readonly block: BlockKey;
			readonly time: TimeNs;
			readonly certificate: P["certificate"];
	  };

export type Answer<P extends Protocol> =
	| {
			readonly kind: "built";
			readonly block: BlockKey;
			readonly parent: BlockKey | null;
			readonly height: Height;
			readonly time: TimeNs;
			readonly node: P["node"] | null;
	  }
	| { readonly kind: "checked"; readonly block: BlockKey; readonly verdict: "valid" | "appRejected" | "invalid" }
	| { readonly kind: "extended"; readonly extension: Uint8Array }
	| { readonly kind: "extensionChecked"; readonly valid: boolean }
	| { readonly kind: "failed"; readonly why: string };

// ------------------------------------------------------------ effects: everything an engine may ask for (frozen)

/** Stays inside the node: performed at once. */
export type Inward<P extends Protocol> =
	/** Re-arming the same id replaces it. `after` in milliseconds. */
	| { readonly kind: "setTimer"; readonly timer: TimerId; readonly after: number }
	| { readonly kind: "cancelTimer"; readonly timer: TimerId }
	/** Reply: `answered`. */
	| { readonly kind: "ask"; readonly request: RequestId; readonly question: Question<P> }
	/** Disk first, then peers. Reply: `block` or `missing`. */
	| { readonly kind: "fetch"; readonly height: Height; readonly block: BlockKey; readonly holders: readonly Member[] }
	/** Idempotent. */
	| { readonly kind: "accuse"; readonly epoch: number; readonly evidence: P["evidence"] }
	/** Something that subscribers and gossip want to know (NewRoundStep, Polka, Lock, CompleteProposal…); no reply. */
	| { readonly kind: "announce"; readonly event: EngineEvent };

/** Can be seen outside: released only after the barrier. */
export type Outward<P extends Protocol> =
	/** Reply: `signed`. */
	| { readonly kind: "sign"; readonly request: RequestId; readonly slot: SignSlot; readonly statement: P["statement"] }
	| { readonly kind: "send"; readonly to: Audience; readonly message: P["message"] }
	/** Contiguous heights. Reply: `applied`. */
	| {
			readonly kind: "commit";
			readonly height: Height;
			readonly block: BlockKey;
			readonly certificate: P["certificate"];
	  };

export type Effect<P extends Protocol> = Inward<P> | Outward<P>;
export type Audience = { readonly kind: "all" } | { readonly kind: "one"; readonly member: Member };

/** Names as CometBFT's event bus has them. */
export type EngineEventName =
	| "NewRound"
	| "NewRoundStep"
	| "CompleteProposal"
	| "Polka"
	| "Lock"
	| "Relock"
	| "Unlock"
	| "ValidBlock"
	| "TimeoutPropose"
	| "TimeoutWait"
	| "Vote";

export interface EngineEvent {
	readonly name: EngineEventName;
	readonly height: Height;
	readonly round: Round;
	readonly step: string;
	readonly block: BlockKey | null;
	/** The vote of a `Vote` event; the protocol's own message type. */
	readonly message: object | null;
}

export type Question<P extends Protocol> =
	| {
			readonly kind: "build";
			readonly height: Height;
			readonly round: Round;
			readonly parent: BlockKey | null;
			readonly anchor: Anchor;
			readonly proof: P["certificate"] | null;
			readonly node: P["node"] | null;
			readonly empty: boolean;
			readonly deadline: number;
	  }
	| {
			readonly kind: "check";
			readonly height: Height;
			readonly round: Round;
			readonly block: BlockKey;
			readonly parent: BlockKey | null;
			readonly anchor: Anchor;
	  }
	| { readonly kind: "extend"; readonly height: Height; readonly round: Round; readonly block: BlockKey }
	/** The vote waits in the engine for the answer. */
	| {
			readonly kind: "checkExtension";
			readonly height: Height;
			readonly round: Round;
			readonly block: BlockKey;
			readonly validator: Member;
			readonly address: Uint8Array;
			readonly extension: Uint8Array;
	  };

/**
 * The guard in words every protocol shares: in a lane the position only grows, one statement per position.
 * Tendermint: lane `chain`, position [height, round, step] with step 1 proposal, 2 prevote, 3 precommit.
 */
export interface SignSlot {
	readonly lane: string;
	readonly position: readonly [number, number, number];
	/** Refuse when this lane stands above mine. */
	readonly under?: string;
	/** Saved in the same write. */
	readonly raises?: readonly { readonly lane: string; readonly position: readonly [number, number, number] }[];
}

// ------------------------------------------------------------ the engine

export interface Engine<P extends Protocol> {
	readonly protocol: string;
	/** The only door in. Synchronous, total: bad peer input becomes a verdict; a throw stops the node. */
	step(input: Input<P>, at: Stamp, out: Effects<P>): Verdict;
	/** Cheap look before paying for crypto or queue room. Reads state, changes nothing. */
	admit(origin: Origin, message: P["message"]): Admission;
	/** The signatures this message stands on, for the gate to verify under the epoch that admit returned. Pure. */
	claims(message: P["message"], epoch: Epoch): readonly SignatureClaim[];
	/** What gossip and dump_consensus_state show. A read-only window on live state: valid until the next `step`. */
	gossip(): P["gossip"];
	/** The raw messages that the state of a height stands on: gossip rebuilds from it after a restart. */
	held(height: Height): Iterable<P["message"]>;
	/** One vocabulary for metrics, RPC, explorer and checkers. Cheap, immutable, valid before start. */
	view(): EngineView;
	/** Everything needed to go on from here: digest(restore(snapshot())) = digest(). */
	snapshot(): P["snapshot"];
	/** Canonical digest of the whole state: equal after replay, compared by the simulator at every step. */
	digest(): string;
}

export type Admission =
	| { readonly kind: "verify"; readonly epoch: Epoch }
	/** A bounded queue in the driver; logged only when it enters the engine. */
	| {
			readonly kind: "later";
			readonly until: { readonly height: Height } | { readonly epoch: number } | { readonly round: Round };
	  }
	| { readonly kind: "drop"; readonly why: string; readonly fault: boolean };

export interface Effects<P extends Protocol> {
	inward(effect: Inward<P>): void;
	outward(effect: Outward<P>): void;
	/** `"T36"`: the line of docs/spec/<engine>.md just taken. */
	mark(line: string): void;
}

export type Verdict =
	| { readonly kind: "ok" }
	| { readonly kind: "ignored"; readonly why: string }
	/** The sender broke a rule. */
	| { readonly kind: "rejected"; readonly why: string; readonly code: string };

export interface SignatureClaim {
	/** Index in the epoch's set. */
	readonly index: number;
	readonly signBytes: Uint8Array;
	readonly signature: Uint8Array;
}

export interface EngineView {
	readonly height: Height;
	readonly round: Round;
	readonly step: string;
	readonly leader: Member | null;
	readonly committed: { readonly height: Height; readonly block: BlockKey | null };
	/** Lock (Tendermint), prepared (PBFT), lockedQC (HotStuff, Jolteon). */
	readonly locked: { readonly round: Round; readonly block: BlockKey } | null;
	/** Valid value, prepared certificate, highQC. */
	readonly highest: { readonly round: Round; readonly block: BlockKey } | null;
	readonly tallies: readonly { readonly label: string; readonly power: bigint; readonly quorum: bigint }[];
}

// ------------------------------------------------------------ one record: the log, the trace and the replay file

export interface TraceRecord<P extends Protocol> {
	readonly seq: number;
	readonly at: Stamp;
	readonly input: Input<P>;
	readonly effects?: readonly Effect<P>[];
	readonly marks?: readonly string[];
	readonly digest?: string;
}
