import { invariant } from "@cairn/kit";
import type { Height } from "@cairn/types";
import type { Epoch, Input, Verdict } from "../core/engine.ts";
import { HeightVoteSet } from "../parts/height-vote-set.ts";
import { type VoteSet, voteSetFromCommit } from "../parts/vote-set.ts";
import { emitCommit } from "./commit.ts";
import { ignored, OK } from "./proposal.ts";
import { STEP_COMMIT, STEP_NEW_HEIGHT, type Tendermint, type TendermintCertificate } from "./protocol.ts";
import { enterNewRound } from "./round.ts";
import { findEpoch, type Open, type TendermintState, type Turn, timeout, validatorsAt } from "./state.ts";
import { arm, plusMilliseconds, untilStart } from "./timers.ts";
import { announceStep, setStep } from "./turn.ts";

type Applied = Extract<Input<Tendermint>, { kind: "applied" }>;
type DecidedElsewhere = Extract<Input<Tendermint>, { kind: "decided" }>;

/** Rebuilds the precommits of the tip from its certificate (Go's `reconstructLastCommit`). */
export function restoreLastCommit(turn: Turn, certificate: TendermintCertificate | null, previous: Epoch | null): void {
	const { state } = turn;
	const { height } = state.tip;
	if (height === 0) return;
	invariant(certificate !== null && previous !== null, "a chain with blocks starts from a commit and its epoch", {
		height,
	});
	turn.out.mark("T2");
	const validators = validatorsAt(previous, height);
	state.previous = previous;
	state.lastValidators = validators;
	state.lastCommit = voteSetFromCommit(certificate.commit, certificate.extended, validators);
}

/** Begins the height after the tip (Go's `updateToState`, `scheduleRound0`). */
export function startHeight(turn: Turn, height: Height, epochs: readonly Epoch[], changed: boolean): void {
	const { state } = turn;
	const epoch = findEpoch(epochs, height);
	invariant(epoch !== null, "the epoch of the next height is missing", { height });
	turn.out.mark("T3");
	state.epochs = epochs.filter(({ last }) => last === null || last >= height);
	state.epoch = epoch;
	state.validators = validatorsAt(epoch, height);
	state.height = height;
	state.round = 0;
	setStep(turn, STEP_NEW_HEIGHT);
	forgetHeight(state);
	state.votes = new HeightVoteSet(height, state.validators, epoch.params.extensions);
	state.proofDue = changed;
	turn.out.mark("T4");
	state.startTime = plusMilliseconds(state.commitTime ?? turn.at.wall, timeout(state, "commit"));
	announceStep(turn);
	arm(turn, "newHeight", 0, untilStart(turn));
}

function forgetHeight(state: TendermintState): void {
	state.proposal = null;
	state.proposalBlock = null;
	state.wanted = null;
	state.locked = null;
	state.valid = null;
	state.commitRound = -1;
	state.committing = null;
	state.certificate = null;
	state.triggeredTimeoutPrecommit = false;
	state.checks = new Map();
	state.owed = null;
	for (const [request, open] of state.open) {
		const mayMatter = open.purpose.kind === "sign" && (request === state.signing || open.height >= state.height - 1);
		if (!mayMatter && open.height < state.height) state.open.delete(request);
	}
}

/** The executor applied the block that `commit` named: on to the next height. */
export function takeApplied(turn: Turn, { height, block, changed, epochs }: Applied): Verdict {
	const { state } = turn;
	if (height < state.height) return ignored("that height is over");
	invariant(
		height === state.height && state.committing?.block === block,
		"the executor applied what was not committed",
		{
			height,
			expected: state.height,
		},
	);
	turn.out.mark("T55");
	const waiting = [...state.open.values()].filter(({ purpose }) => purpose.kind === "checkPeer");
	state.tip = state.committing;
	state.lastCommit = lastCommitOf(state);
	state.previous = state.epoch;
	state.lastValidators = state.votes.validators;
	startHeight(turn, height + 1, mergeEpochs(state.epochs, epochs), changed);
	addWaiting(state.lastCommit, waiting);
	skipTimeoutCommit(turn);
	return OK;
}

/** Precommits seen for the decided block; the certificate's where it was decided elsewhere. */
function lastCommitOf(state: TendermintState): VoteSet {
	const seen = state.votes.precommits(state.commitRound);
	if (seen?.hasMajority === true) return seen;
	invariant(state.certificate !== null, "a committed block has a certificate");
	return voteSetFromCommit(state.certificate.commit, state.certificate.extended, state.votes.validators);
}

/** Precommits whose extension was still being checked: of the last height their signature is enough. */
function addWaiting(lastCommit: VoteSet, waiting: readonly Open[]): void {
	for (const { purpose } of waiting) if (purpose.kind === "checkPeer") lastCommit.add(purpose.vote);
}

/** Everybody precommitted and skip_timeout_commit is on: nothing to wait for. */
export function skipTimeoutCommit(turn: Turn): void {
	const { state } = turn;
	if (timeout(state, "skipTimeoutCommit") === 0 || state.lastCommit?.hasAll !== true) return;
	turn.out.mark("T5");
	enterNewRound(turn, 0);
}

/** New epochs replace known ones of the same number. */
export function mergeEpochs(known: readonly Epoch[], fresh: readonly Epoch[]): Epoch[] {
	const numbers = new Set(fresh.map(({ number }) => number));
	return [...known.filter(({ number }) => !numbers.has(number)), ...fresh].sort((a, b) => a.from - b.from);
}

/** Block sync decided this height: commit it as if it had been decided here (Go's `ingestBlock`). */
export function takeDecided(turn: Turn, { height, block, time, certificate }: DecidedElsewhere): Verdict {
	const { state } = turn;
	if (height < state.height || state.committing !== null) return ignored("that height is decided");
	if (height > state.height) return ignored("heights are decided one after the other");
	turn.out.mark("T54");
	const round = certificate.commit.round;
	invariant(certificate.commit.height === height, "the certificate is for another height", { height });
	if (state.step !== STEP_COMMIT) state.commitTime = turn.at.wall;
	setStep(turn, STEP_COMMIT);
	state.commitRound = round;
	announceStep(turn);
	emitCommit(turn, { height, block, time }, certificate);
	return OK;
}
