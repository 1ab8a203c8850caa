import { VoteSet } from "@cairn/consensus";
import { verifySignature } from "@cairn/crypto";
import { decodeValidatorSet, encodeCommit, encodeExtendedCommit, NIL_BLOCK_ID, type VoteType } from "@cairn/types";
import { type Checker, fail } from "../checker.ts";
import { blockIdOf, type JsonBlockId, jsonOfBlockId, voteOf } from "../domain.ts";
import { hex, same, sameBytes } from "../expectation.ts";

interface SetState {
	readonly bit_array: string;
	readonly has_all: boolean;
	readonly has_two_thirds_any: boolean;
	readonly has_two_thirds_majority: boolean;
	readonly is_commit: boolean;
	readonly two_thirds: { readonly block_id: JsonBlockId; readonly ok: boolean };
}

interface Step {
	readonly op: string;
	readonly state: SetState;
	readonly error: string | null;
	/** Of `add_vote`. */
	readonly vote?: string;
	readonly added?: boolean;
	readonly class?: string;
	/** Of `set_peer_maj23`. */
	readonly peer?: string;
	readonly block_id?: JsonBlockId;
	readonly bit_array_by_block_id?: string;
}

interface VoteSetCase {
	readonly chain_id: string;
	readonly height: string;
	readonly round: number;
	readonly type: number;
	readonly extensions_enabled: boolean;
	readonly validator_set: string;
	readonly steps: readonly Step[];
	readonly final_commit?: string;
	readonly final_extended_commit?: string;
}

function addVote(set: VoteSet, chainId: string, step: Step): void {
	const outcome = set.addVerifying(voteOf(hex(step.vote ?? fail("no vote"))), chainId, verifySignature);
	same("class and error", step.class === "ok", step.error === null);
	same("added", outcome.added, step.added);
	same("class", outcome.fault === null ? "ok" : outcome.fault.replaceAll("-", " "), classOf(step.class ?? ""));
}

/** Our names have no hyphen where Go's text has one. */
function classOf(text: string): string {
	return text.replaceAll("-", " ");
}

function setMajority(set: VoteSet, step: Step): void {
	const blockId = blockIdOf(step.block_id ?? fail("no block id"));
	same("accepted", set.setPeerMajority(step.peer ?? fail("no peer"), blockId), step.error === null);
	const expected = step.bit_array_by_block_id ?? null;
	same("bit_array_by_block_id", set.bitArrayByBlockId(blockId)?.toDisplay() ?? null, expected);
}

function sameState(set: VoteSet, state: SetState): void {
	same("bit_array", set.bitArray().toDisplay(), state.bit_array);
	same("has_all", set.hasAll, state.has_all);
	same("has_two_thirds_any", set.hasTwoThirdsAny, state.has_two_thirds_any);
	same("has_two_thirds_majority", set.hasMajority, state.has_two_thirds_majority);
	same("is_commit", set.isCommit, state.is_commit);
	same("two_thirds ok", set.majority !== null, state.two_thirds.ok);
	const { hash, part_set_header: parts } = state.two_thirds.block_id;
	const expected = { hash: hex(hash), part_set_header: { hash: hex(parts.hash), total: parts.total } };
	same("two_thirds block_id", jsonOfBlockId(set.majority ?? NIL_BLOCK_ID), expected);
}

function checkCase(each: VoteSetCase): void {
	const validators = decodeValidatorSet(hex(each.validator_set));
	const type = each.type as VoteType;
	const set = new VoteSet(Number(each.height), each.round, type, validators, each.extensions_enabled);
	for (const [index, step] of each.steps.entries()) {
		try {
			if (step.op === "add_vote") addVote(set, each.chain_id, step);
			else if (step.op === "set_peer_maj23") setMajority(set, step);
			else fail(`unknown operation ${step.op}`);
			sameState(set, step.state);
		} catch (cause) {
			fail(`steps[${index}] ${step.op}: ${cause instanceof Error ? cause.message : cause}`);
		}
	}
	if (each.final_commit !== undefined) sameBytes("final_commit", encodeCommit(set.makeCommit()), each.final_commit);
	if (each.final_extended_commit !== undefined)
		sameBytes("final_extended_commit", encodeExtendedCommit(set.makeExtendedCommit()), each.final_extended_commit);
}

export const checkVoteSet: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly VoteSetCase[] };
	return tally.checkEach("cases", cases, checkCase);
};
