import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex } from "@cairn/kit";
import fc from "fast-check";
import {
	blockHash,
	decodeBlock,
	decodeCommit,
	decodeConsensusParams,
	decodeEvidence,
	decodeExtendedCommit,
	decodeHeader,
	decodeLightBlock,
	decodePart,
	decodeProposal,
	decodeState,
	decodeValidatorSet,
	decodeVote,
	encodeBlock,
	encodeCommit,
	encodeConsensusParams,
	encodeEvidence,
	encodeExtendedCommit,
	encodeHeader,
	encodeLightBlock,
	encodePart,
	encodeProposal,
	encodeState,
	encodeValidatorSet,
	encodeVote,
	evidenceFromProto,
	headerHash,
	lightBlockFromProto,
	type Part,
	PartSet,
	validateLightBlock,
	validateVote,
	voteSignBytes,
} from "./index.ts";
import { consensus, types as pb, readDelimited } from "./proto/index.ts";
import { errorOf, loadVector, readVector } from "./support.test.ts";

/** Decodes, validates and uses what came out; returns it encoded again. */
type Reader = (bytes: Uint8Array) => Uint8Array;

/** The value, once its hash could be made. */
function hashed<T>(value: T, hash: (value: T) => Uint8Array): T {
	assert.ok(hash(value).length <= 32);
	return value;
}

function sampleOfMessage(name: string): consensus.Message {
	const found = loadVector("invalid.json").messages.find((each: { name: string }) => each.name === name);
	return consensus.Message.decode(fromHex(found.hex));
}

function samples(): [name: string, bytes: Uint8Array, read: Reader][] {
	const four = loadVector("chain/chain-four.json");
	const file = readVector("chain/chain-four.blocks.bin");
	const block = readDelimited(file, four.heights[20].block_offset, file.length)?.message ?? new Uint8Array(0);
	const vote = sampleOfMessage("vote ext sig without ext").sum;
	const proposal = sampleOfMessage("proposal ok").sum;
	assert.ok(vote?.kind === "vote" && vote.value.vote !== null && proposal?.kind === "proposal");
	const attack = loadVector("evidence-verify.json").light_client_attack[0].evidence_proto;
	const lightClientAttack = pb.LightClientAttackEvidence.decode(fromHex(attack));
	const evidence = evidenceFromProto({ sum: { kind: "lightClientAttackEvidence", value: lightClientAttack } });
	const lightBlock = lightBlockFromProto(lightClientAttack.conflictingBlock);
	const set = fromHex(four.heights[0].validator_set);
	return [
		["block", block, (bytes) => encodeBlock(hashed(decodeBlock(bytes), blockHash))],
		[
			"header",
			encodeHeader(decodeBlock(block).header),
			(bytes) => encodeHeader(hashed(decodeHeader(bytes), headerHash)),
		],
		["commit", fromHex(four.heights[20].seen_commit), (bytes) => encodeCommit(decodeCommit(bytes))],
		[
			"extended commit",
			fromHex(four.heights[20].extended_commit),
			(b) => encodeExtendedCommit(decodeExtendedCommit(b)),
		],
		[
			"vote",
			pb.Vote.encode(vote.value.vote),
			(bytes) => {
				const decoded = decodeVote(bytes);
				validateVote(decoded);
				voteSignBytes("chain", decoded);
				return encodeVote(decoded);
			},
		],
		["proposal", pb.Proposal.encode(proposal.value.proposal), (bytes) => encodeProposal(decodeProposal(bytes))],
		[
			"part",
			encodePart(PartSet.fromBytes(new Uint8Array(400), 100).getPart(3) as Part),
			(bytes) => encodePart(decodePart(bytes)),
		],
		[
			"validator set",
			set,
			(bytes) => {
				const decoded = decodeValidatorSet(bytes);
				decoded.copyIncrementProposerPriority(2);
				return encodeValidatorSet(decoded);
			},
		],
		["evidence", encodeEvidence(evidence), (bytes) => encodeEvidence(decodeEvidence(bytes))],
		[
			"light block",
			encodeLightBlock(lightBlock),
			(bytes) => {
				const decoded = decodeLightBlock(bytes);
				validateLightBlock(decoded, decoded.signedHeader.header.chainId);
				return encodeLightBlock(decoded);
			},
		],
		["state", fromHex(four.final_state_proto), (bytes) => encodeState(decodeState(bytes))],
		[
			"consensus params",
			fromHex(loadVector("hashes.json").consensus_params[4].proto),
			(bytes) => encodeConsensusParams(decodeConsensusParams(bytes)),
		],
	];
}

for (const [name, bytes, read] of samples()) {
	test(`${name}: as it is, it encodes to the same bytes; mutated, it is read or refused with a typed error`, () => {
		assert.deepEqual(new Uint8Array(read(bytes)), new Uint8Array(bytes));
		let refused = 0;
		const mutation = fc.record({
			at: fc.nat(bytes.length - 1),
			value: fc.nat(255),
			cut: fc.oneof(fc.constant(0), fc.nat(12)),
			insert: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 12 })),
		});
		fc.assert(
			fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
				let mutated = Uint8Array.from(bytes);
				for (const { at, value, cut, insert } of mutations) {
					const place = at % Math.max(1, mutated.length);
					mutated[place] = value;
					mutated = Uint8Array.of(...mutated.subarray(0, place + 1), ...insert, ...mutated.subarray(place + 1 + cut));
				}
				if (errorOf(() => read(mutated)) !== null) refused++;
			}),
			{ numRuns: 300 },
		);
		assert.ok(refused > 0);
	});
}
