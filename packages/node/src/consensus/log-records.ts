import {
	type Input,
	STEP_NEW_HEIGHT,
	STEP_NEW_ROUND,
	STEP_PRECOMMIT_WAIT,
	STEP_PREVOTE_WAIT,
	STEP_PROPOSE,
	type Tendermint,
	type TendermintStep,
} from "@cairn/consensus";
import type { WalRecord } from "@cairn/storage";
import {
	type Height,
	type PartSet,
	type Proposal,
	partToProto,
	proposalToProto,
	type Round,
	type Vote,
	voteToProto,
} from "@cairn/types";

const STEP_OF_TIMER: ReadonlyMap<string, TendermintStep> = new Map([
	["newHeight", STEP_NEW_HEIGHT],
	["newRound", STEP_NEW_ROUND],
	["propose", STEP_PROPOSE],
	["prevote", STEP_PREVOTE_WAIT],
	["precommit", STEP_PRECOMMIT_WAIT],
]);
const TIMER_OF_STEP: ReadonlyMap<number, string> = new Map([...STEP_OF_TIMER].map(([name, step]) => [step, name]));

export function voteRecord(peer: string, vote: Vote): WalRecord {
	return { kind: "message", peer, message: { sum: { kind: "vote", value: { vote: voteToProto(vote) } } } };
}

export function proposalRecord(peer: string, proposal: Proposal): WalRecord {
	return {
		kind: "message",
		peer,
		message: { sum: { kind: "proposal", value: { proposal: proposalToProto(proposal) } } },
	};
}

export function partRecord(
	peer: string,
	height: Height,
	round: Round,
	part: Parameters<typeof partToProto>[0],
): WalRecord {
	const value = { height: BigInt(height), round, part: partToProto(part) };
	return { kind: "message", peer, message: { sum: { kind: "blockPart", value } } };
}

/** The engine's timer ids are CometBFT's timeouts one to one, so that either implementation can replay the other's log. */
export function timeoutRecord(timer: string, durationMs: number): WalRecord | null {
	const [name, height, round] = timer.split("/");
	const step = STEP_OF_TIMER.get(name ?? "");
	if (step === undefined) return null;
	const duration = BigInt(Math.round(durationMs * 1_000_000));
	return { kind: "timeout", duration, height: Number(height), round: Number(round), step };
}

/** The timer id of a timeout record; null for a step that has no timer. */
export function timerOfRecord(height: Height, round: Round, step: number): string | null {
	const name = TIMER_OF_STEP.get(step);
	return name === undefined ? null : `${name}/${height}/${name === "newHeight" || name === "newRound" ? 0 : round}`;
}

/**
 * The records of CometBFT's log that an input stands for; none for inputs that have no record there.
 * @param partsOf the parts behind a proposal this node has signed.
 */
export function recordsOfInput(
	input: Input<Tendermint>,
	durationOf: (timer: string) => number,
	partsOf: (proposal: Proposal) => PartSet | null,
): readonly WalRecord[] {
	switch (input.kind) {
		case "message":
			if (input.message.kind === "vote") return [voteRecord(input.origin.peer, input.message.vote)];
			return input.message.kind === "proposal" ? [proposalRecord(input.origin.peer, input.message.proposal)] : [];
		case "timer": {
			const record = timeoutRecord(input.timer, durationOf(input.timer));
			return record === null ? [] : [record];
		}
		case "signed": {
			if ("refused" in input.result) return [];
			const { statement } = input.result;
			if (statement.kind === "vote") return [voteRecord("", statement.vote)];
			return ownProposalRecords(statement.proposal, partsOf(statement.proposal));
		}
		default:
			return [];
	}
}

/** A proposal comes before its parts in the log: a replay drops parts of a proposal it does not know. */
function ownProposalRecords(proposal: Proposal, parts: PartSet | null): WalRecord[] {
	const records = [proposalRecord("", proposal)];
	for (let index = 0; parts !== null && index < parts.total; index++) {
		const part = parts.getPart(index);
		if (part !== null) records.push(partRecord("", proposal.height, proposal.round, part));
	}
	return records;
}
