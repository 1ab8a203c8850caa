import { bytesEqual, EMPTY_BYTES, invariant } from "@cairn/kit";
import { blockIdFromKey, type Proposal, type Round } from "@cairn/types";
import type { Answer, Verdict } from "../core/engine.ts";
import { maySign } from "./ballot.ts";
import { prevoteIfReady } from "./prevote.ts";
import { ignored, OK } from "./proposal.ts";
import { STEP_PROPOSE, type Tendermint, type TendermintCertificate } from "./protocol.ts";
import {
	type HeldBlock,
	LANE,
	type Open,
	POSITION_PROPOSAL,
	type Position,
	type TendermintState,
	type Turn,
} from "./state.ts";
import { arm, roundTimeout } from "./timers.ts";
import { announceStep, ask, askSigner, setStep } from "./turn.ts";

/** Starts the time of proposals; the leader proposes (Go's `enterPropose`). */
export function enterPropose(turn: Turn, round: Round): void {
	const { state } = turn;
	if (round !== state.round || state.step >= STEP_PROPOSE) return;
	turn.out.mark("T10");
	arm(turn, "propose", round, roundTimeout(state, "propose", round));
	if (isLeader(state) && maySign(turn, proposalPosition(state))) decideProposal(turn);
	setStep(turn, STEP_PROPOSE);
	announceStep(turn);
	prevoteIfReady(turn);
}

/** True if this node is the leader of the current round. */
export function isLeader({ epoch, validators }: TendermintState): boolean {
	const own = epoch.self === null ? null : validators.getByIndex(epoch.self);
	const { proposer } = validators;
	return own !== null && proposer !== null && bytesEqual(own.address, proposer.address);
}

function proposalPosition({ height, round }: TendermintState): Position {
	return [height, round, POSITION_PROPOSAL];
}

/** The valid value if there is one, else a new block on top of the last commit (Go's `defaultDecideProposal`). */
function decideProposal(turn: Turn): void {
	const { state } = turn;
	const { height, round, tip } = state;
	const proof = lastCertificate(state);
	if (state.valid !== null) {
		turn.out.mark("T11");
		signProposal(turn, state.valid.block);
	} else if (proof === null && tip.height > 0) {
		turn.out.mark("T13");
	} else {
		turn.out.mark("T12");
		const anchor = { height: tip.height, block: tip.block };
		const deadline = roundTimeout(state, "propose", round);
		const common = { height, round, parent: tip.block, anchor, proof, node: null, empty: false, deadline };
		ask(turn, { kind: "build", ...common }, { kind: "build" });
	}
}

/** The commit of the last height as seen here; null before the first block, or when its extensions are not known. */
function lastCertificate({ lastCommit, previous }: TendermintState): TendermintCertificate | null {
	if (lastCommit === null || !lastCommit.hasMajority) return null;
	if (previous?.params.extensions === true && !lastCommit.extended) return null;
	return { commit: lastCommit.makeCommit(), extended: lastCommit.extended ? lastCommit.makeExtendedCommit() : null };
}

/** The host built the block asked for: propose it, if it is still time. */
export function takeBuilt(turn: Turn, open: Open, built: Extract<Answer<Tendermint>, { kind: "built" }>): Verdict {
	const { state } = turn;
	if (open.height !== state.height || open.round !== state.round) return ignored("built too late");
	if (!maySign(turn, proposalPosition(state))) return ignored("this node went on without a proposal");
	invariant(built.height === state.height, "the block built is for another height", { height: built.height });
	turn.out.mark("T14");
	signProposal(turn, { id: blockIdFromKey(built.block), key: built.block, time: built.time });
	return OK;
}

function signProposal(turn: Turn, block: HeldBlock): void {
	const { height, round, valid } = turn.state;
	const proposal: Proposal = {
		height,
		round,
		polRound: valid?.round ?? -1,
		blockId: block.id,
		timestamp: turn.at.wall,
		signature: EMPTY_BYTES,
	};
	const slot = { lane: LANE, position: proposalPosition(turn.state) } as const;
	askSigner(turn, slot, { kind: "proposal", proposal }, block);
}
