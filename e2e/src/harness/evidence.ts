import { createHash } from "node:crypto";
import { publicKeyOf, sign } from "@cairn/crypto";
import { type BlockId, PRECOMMIT, type Vote, voteSignBytes } from "@cairn/types";
import type { TestNode } from "./network.ts";
import { validatorKey } from "./puppet.ts";
import type { BlockAnswer } from "./rpc.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();

interface ValidatorsAnswer {
	readonly validators: readonly { readonly address: string; readonly voting_power: string }[];
}

/** Proof, in RPC's JSON, that a node's validator has precommitted two blocks at a height (which it never did). */
export async function duplicateVote(node: TestNode, height: number): Promise<string> {
	const { block } = await node.call<BlockAnswer & { block: { header: { chain_id: string } } }>(
		`block?height=${height}`,
	);
	const { validators } = await node.call<ValidatorsAnswer>(`validators?height=${height}`);
	const index = validators.findIndex(({ address }) => address === node.validatorAddress);
	const total = validators.reduce((sum, { voting_power }) => sum + Number(voting_power), 0);
	const { chain_id: chainId, time } = block.header;
	const key = validatorKey(node.home);
	const votes = ["one", "two"].map((name) => signed(name));
	votes.sort((a, b) => Buffer.compare(a.blockId.hash, b.blockId.hash));
	const [first, second] = votes;
	if (first === undefined || second === undefined) throw new Error("two votes were made");
	return JSON.stringify({
		type: "tendermint/DuplicateVoteEvidence",
		value: {
			vote_a: voteJson(first),
			vote_b: voteJson(second),
			TotalVotingPower: String(total),
			ValidatorPower: validators[index]?.voting_power,
			Timestamp: time,
		},
	});

	function signed(name: string): Vote {
		const hash = createHash("sha256").update(name).digest();
		const blockId: BlockId = { hash, partSetHeader: { total: 1, hash } };
		const unsigned: Vote = {
			type: PRECOMMIT,
			height,
			round: 0,
			blockId,
			timestamp: 1_700_000_000_000_000_000n,
			validatorAddress: Buffer.from(node.validatorAddress, "hex"),
			validatorIndex: index,
			signature: new Uint8Array(0),
			extension: new Uint8Array(0),
			extensionSignature: new Uint8Array(0),
		};
		if (publicKeyOf(key).type !== "ed25519") throw new Error("the key is not of the expected type");
		return { ...unsigned, signature: sign(key, voteSignBytes(chainId, unsigned)) };
	}
}

function voteJson(vote: Vote): Record<string, unknown> {
	const { hash, partSetHeader } = vote.blockId;
	return {
		type: vote.type,
		height: String(vote.height),
		round: vote.round,
		block_id: { hash: hex(hash), parts: { total: partSetHeader.total, hash: hex(partSetHeader.hash) } },
		timestamp: "2023-11-14T22:13:20Z",
		validator_address: hex(vote.validatorAddress),
		validator_index: vote.validatorIndex,
		signature: base64(vote.signature),
		extension: null,
		extension_signature: null,
	};
}
