import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verifySignature } from "@cairn/crypto";
import { fromHex, toHex } from "@cairn/kit";
import {
	type BlockId,
	decodeValidatorSet,
	decodeVote,
	encodeCommit,
	encodeExtendedCommit,
	NIL_BLOCK_ID,
	type VoteType,
} from "@cairn/types";
import { VoteSet } from "./vote-set.ts";

interface BlockIdVector {
	readonly hash: string;
	readonly part_set_header: { readonly hash: string; readonly total: number };
}

interface StepVector {
	readonly op: "add_vote" | "set_peer_maj23";
	readonly vote?: string;
	readonly added?: boolean;
	readonly class?: string;
	readonly peer?: string;
	readonly block_id?: BlockIdVector;
	readonly error: string | null;
	readonly bit_array_by_block_id?: string;
	readonly state: {
		readonly bit_array: string;
		readonly has_all: boolean;
		readonly has_two_thirds_any: boolean;
		readonly has_two_thirds_majority: boolean;
		readonly is_commit: boolean;
		readonly two_thirds: { readonly ok: boolean; readonly block_id: BlockIdVector };
	};
}

interface CaseVector {
	readonly height: string;
	readonly round: number;
	readonly type: VoteType;
	readonly chain_id: string;
	readonly extensions_enabled: boolean;
	readonly validator_set: string;
	readonly steps: readonly StepVector[];
	readonly final_commit?: string;
	readonly final_extended_commit?: string;
}

const vectors = JSON.parse(readFileSync(new URL("../../../../vectors/vote-set.json", import.meta.url), "utf8")) as {
	readonly cases: readonly CaseVector[];
};

function blockIdOf({ hash, part_set_header }: BlockIdVector): BlockId {
	const partSetHeader = { total: part_set_header.total, hash: fromHex(part_set_header.hash) };
	return { hash: fromHex(hash), partSetHeader };
}

function vectorOf({ hash, partSetHeader }: BlockId): BlockIdVector {
	return {
		hash: toHex(hash),
		part_set_header: { hash: toHex(partSetHeader.hash), total: partSetHeader.total },
	};
}

function newSet(vector: CaseVector): VoteSet {
	const validators = decodeValidatorSet(fromHex(vector.validator_set));
	return new VoteSet(Number(vector.height), vector.round, vector.type, validators, vector.extensions_enabled);
}

function stateOf(set: VoteSet): StepVector["state"] {
	return {
		bit_array: set.bitArray().toDisplay(),
		has_all: set.hasAll,
		has_two_thirds_any: set.hasTwoThirdsAny,
		has_two_thirds_majority: set.hasMajority,
		is_commit: set.isCommit,
		two_thirds: { ok: set.hasMajority, block_id: vectorOf(set.majority ?? NIL_BLOCK_ID) },
	};
}

/** One step of a case against our set; `add` says which of the two ways in is tried. */
function takeStep(set: VoteSet, step: StepVector, chainId: string, where: string): void {
	if (step.op === "set_peer_maj23") {
		const blockId = blockIdOf(step.block_id ?? vectorOf(NIL_BLOCK_ID));
		assert.equal(set.setPeerMajority(step.peer ?? "", blockId), step.error === null, where);
		if (step.bit_array_by_block_id !== undefined) {
			assert.equal(set.bitArrayByBlockId(blockId)?.toDisplay(), step.bit_array_by_block_id, where);
		}
	} else {
		const outcome = set.addVerifying(decodeVote(fromHex(step.vote ?? "")), chainId, verifySignature);
		const fault = outcome.fault === null ? "ok" : outcome.fault.replaceAll("-", " ");
		assert.equal(fault, step.class?.replaceAll("-", " "), where);
		assert.equal(outcome.added, step.added, where);
		assert.equal(outcome.conflict !== null, fault === "conflicting votes", where);
	}
	assert.deepEqual(stateOf(set), step.state, where);
}

test("every step on every vote set ends as in Go", () => {
	for (const [index, vector] of vectors.cases.entries()) {
		const set = newSet(vector);
		for (const [at, step] of vector.steps.entries()) {
			takeStep(set, step, vector.chain_id, `case ${index} step ${at} ${step.op}`);
		}
		if (vector.final_commit !== undefined) {
			assert.equal(toHex(encodeCommit(set.makeCommit())), vector.final_commit, `case ${index}`);
			assert.equal(
				toHex(encodeExtendedCommit(set.makeExtendedCommit())),
				vector.final_extended_commit,
				`case ${index}`,
			);
		}
	}
});

test("votes verified by a gate before are counted the same", () => {
	for (const [index, vector] of vectors.cases.entries()) {
		const set = newSet(vector);
		for (const [at, step] of vector.steps.entries()) {
			if (step.op === "set_peer_maj23") takeStep(set, step, vector.chain_id, `case ${index}`);
			else if (step.class !== "invalid signature") {
				const outcome = set.add(decodeVote(fromHex(step.vote ?? "")));
				assert.equal(outcome.added, step.added, `case ${index} step ${at}`);
				assert.deepEqual(stateOf(set), step.state, `case ${index} step ${at}`);
			}
		}
	}
});

test("what a set holds can be put back at any time, and goes on the same", () => {
	for (const [index, vector] of vectors.cases.entries()) {
		let set = newSet(vector);
		for (const [at, step] of vector.steps.entries()) {
			const copy = newSet(vector);
			copy.restoreContent(set.content());
			assert.deepEqual(copy.content(), set.content(), `case ${index} step ${at}`);
			assert.deepEqual([...copy.all()], [...set.all()]);
			set = copy;
			takeStep(set, step, vector.chain_id, `case ${index} step ${at}, restored`);
		}
	}
});
