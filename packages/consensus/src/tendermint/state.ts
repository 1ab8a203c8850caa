import { invariant } from "@cairn/kit";
import type {
	BlockId,
	BlockKey,
	Height,
	PartSetHeader,
	Proposal,
	Round,
	TimeNs,
	ValidatorSet,
	Vote,
} from "@cairn/types";
import type { Effects, Epoch, Inward, Outward, RequestId, Stamp } from "../core/engine.ts";
import { HeightVoteSet } from "../parts/height-vote-set.ts";
import type { VoteSet } from "../parts/vote-set.ts";
import {
	STEP_COMMIT,
	STEP_NEW_HEIGHT,
	STEP_NEW_ROUND,
	STEP_PRECOMMIT,
	STEP_PRECOMMIT_WAIT,
	STEP_PREVOTE,
	STEP_PREVOTE_WAIT,
	STEP_PROPOSE,
	type Tendermint,
	type TendermintCertificate,
	type TendermintStep,
} from "./protocol.ts";

/** A block whose body is on disk here. */
export interface HeldBlock {
	readonly id: BlockId;
	readonly key: BlockKey;
	/** Header time. */
	readonly time: TimeNs;
}

/** The lock: a block precommitted here, or known to have been. */
export interface Lock {
	readonly round: Round;
	readonly id: BlockId;
	readonly key: BlockKey;
	/** Null while the body is not here (lock restored from this node's own precommit). */
	readonly time: TimeNs | null;
}

export interface ValidValue {
	readonly round: Round;
	readonly block: HeldBlock;
}

/** What is known about the validity of one block of this height. */
export interface Check {
	/** Null: no answer yet, or none to be had in `round`. */
	readonly verdict: "valid" | "appRejected" | "invalid" | null;
	/** Round in which it was asked last. */
	readonly round: Round;
	/** The question under way. */
	readonly request: RequestId | null;
	/** An `invalid` that was asked again for a block with a polka: the second one halts. */
	readonly confirming: boolean;
}

export type Ask = Extract<Inward<Tendermint>, { kind: "ask" }>;
export type Sign = Extract<Outward<Tendermint>, { kind: "sign" }>;

/** What an answer is for. */
export type Purpose =
	| { readonly kind: "build" }
	| { readonly kind: "check" }
	/** Own precommit: waits for its extension, then for the check of that extension. */
	| { readonly kind: "extend"; readonly vote: Vote }
	| { readonly kind: "checkOwn"; readonly vote: Vote }
	/** A peer's precommit waits for the check of its extension. */
	| { readonly kind: "checkPeer"; readonly vote: Vote; readonly peer: string }
	/** `block`: the body of an own proposal. */
	| { readonly kind: "sign"; readonly block: HeldBlock | null };

/** A question or a request to sign that waits for its answer. */
export interface Open {
	readonly height: Height;
	readonly round: Round;
	readonly purpose: Purpose;
	readonly effect: Ask | Sign;
}

/** The one timer of the engine, as Go's timeoutTicker knows it. */
export interface TimerState {
	readonly height: Height;
	readonly round: Round;
	readonly step: TendermintStep;
	/** Milliseconds. */
	readonly after: number;
	/** Armed and not yet fired. */
	readonly pending: boolean;
}

export type Position = readonly [number, number, number];

/** The decided chain as far as this engine knows it. */
export interface Decided {
	readonly height: Height;
	readonly block: BlockKey | null;
	readonly time: TimeNs;
}

/** Everything the engine knows; changed only by the functions of this folder, inside `step`. */
export interface TendermintState {
	tip: Decided;
	/** The current epoch first, then those that follow. */
	epochs: Epoch[];
	epoch: Epoch;
	previous: Epoch | null;
	height: Height;
	round: Round;
	step: TendermintStep;
	startTime: TimeNs;
	commitTime: TimeNs | null;
	stepStartedAt: Stamp;
	/** Rotated to the current round. */
	validators: ValidatorSet;
	lastValidators: ValidatorSet | null;
	proposal: Proposal | null;
	proposalBlock: HeldBlock | null;
	/** The block whose parts are collected, or were. */
	wanted: BlockId | null;
	locked: Lock | null;
	valid: ValidValue | null;
	votes: HeightVoteSet;
	commitRound: Round;
	/** The block that `commit` was emitted for; `applied` is awaited. */
	committing: Decided | null;
	certificate: TendermintCertificate | null;
	lastCommit: VoteSet | null;
	triggeredTimeoutPrecommit: boolean;
	proofDue: boolean;
	/** The last height that transactions are known to wait for. */
	workHeight: Height;
	checks: Map<BlockKey, Check>;
	/** A precommit that waits for the check of the block. */
	owed: HeldBlock | null;
	timer: TimerState | null;
	nextRequest: RequestId;
	open: Map<RequestId, Open>;
	/** The statement that is with the signer. */
	signing: RequestId | null;
	/** The highest position of the lane `chain` that was asked for or seen signed. */
	ownPosition: Position;
	/** Changed at run time; they outlive epochs. */
	tuned: Readonly<Record<string, number>>;
}

/** One call of `step`: the state, the way out, and the time. */
export interface Turn {
	readonly state: TendermintState;
	readonly out: Effects<Tendermint>;
	readonly at: Stamp;
}

export const LANE = "chain";
/** Positions within a round, as privval counts them. */
export const POSITION_PROPOSAL = 1;

const STEP_NAMES: Readonly<Record<TendermintStep, string>> = {
	[STEP_NEW_HEIGHT]: "RoundStepNewHeight",
	[STEP_NEW_ROUND]: "RoundStepNewRound",
	[STEP_PROPOSE]: "RoundStepPropose",
	[STEP_PREVOTE]: "RoundStepPrevote",
	[STEP_PREVOTE_WAIT]: "RoundStepPrevoteWait",
	[STEP_PRECOMMIT]: "RoundStepPrecommit",
	[STEP_PRECOMMIT_WAIT]: "RoundStepPrecommitWait",
	[STEP_COMMIT]: "RoundStepCommit",
};

/** CometBFT's name of a step, as events and logs have it. */
export function stepName(step: TendermintStep): string {
	return STEP_NAMES[step];
}

/** Negative, zero or positive: lexicographic order of positions. */
export function comparePositions(a: Position, b: Position): number {
	return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** The epoch of a height among those known. */
export function findEpoch(epochs: readonly Epoch[], height: Height): Epoch | null {
	return epochs.find(({ from, last }) => from <= height && (last === null || height <= last)) ?? null;
}

/** The set of a height with the priorities in force at its round 0: one turn of the rotation per height. */
export function validatorsAt(epoch: Epoch, height: Height): ValidatorSet {
	let validators = epoch.validators;
	for (let each = epoch.from; each < height; each++) validators = validators.copyIncrementProposerPriority(1);
	return validators;
}

/** The state before anything was decided at a height; `startHeight` fills the rest. */
export function blankState(tip: Decided, epochs: readonly Epoch[], height: Height, at: Stamp): TendermintState {
	const epoch = findEpoch(epochs, height);
	invariant(epoch !== null, "the epoch of the next height is missing", { height });
	const validators = validatorsAt(epoch, height);
	return {
		tip,
		epochs: [...epochs],
		epoch,
		previous: null,
		height,
		round: 0,
		step: STEP_NEW_HEIGHT,
		startTime: at.wall,
		commitTime: null,
		stepStartedAt: at,
		validators,
		lastValidators: null,
		proposal: null,
		proposalBlock: null,
		wanted: null,
		locked: null,
		valid: null,
		votes: new HeightVoteSet(height, validators, epoch.params.extensions),
		commitRound: -1,
		committing: null,
		certificate: null,
		lastCommit: null,
		triggeredTimeoutPrecommit: false,
		proofDue: true,
		workHeight: 0,
		checks: new Map(),
		owed: null,
		timer: null,
		nextRequest: 1,
		open: new Map(),
		signing: null,
		ownPosition: [0, 0, 0],
		tuned: {},
	};
}

/** Milliseconds by name, changes at run time included; 0 for a name that nobody set. */
export function timeout(state: TendermintState, name: string): number {
	return state.tuned[name] ?? state.epoch.params.timeouts[name] ?? 0;
}

/** The header of the parts that are wanted now. */
export function wantedParts(state: TendermintState): PartSetHeader | null {
	return state.wanted?.partSetHeader ?? null;
}
