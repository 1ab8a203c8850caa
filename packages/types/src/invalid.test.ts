import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "@cairn/kit";
import {
	BitArray,
	blockIdFromProto,
	decodeBlock,
	decodeValidatorSet,
	defaultConsensusParams,
	encodeBlock,
	evidenceFromProto,
	partFromProto,
	partSetHeaderFromProto,
	proposalFromProto,
	validateConsensusParamUpdate,
	validateVote,
	voteFromProto,
} from "./index.ts";
import { bits, consensus, types as pb } from "./proto/index.ts";
import { errorOf, loadVector } from "./support.test.ts";

interface Message {
	readonly decoder: string;
	readonly name: string;
	readonly hex: string;
	readonly accepted: boolean;
	readonly error: string | null;
}

const vectors = loadVector("invalid.json");

/** Faults of the message around the domain type, which the room of gossip judges. */
const AROUND =
	/^(Height|Round|ProposalPOLRound) can't be negative|is too big: |is required$|not equal to|^invalid field/;

/** What of a consensus message this package judges; undefined where it judges nothing. */
function judge(message: consensus.Message): (() => unknown) | undefined {
	const { sum } = message;
	if (sum === null) return undefined;
	switch (sum.kind) {
		case "proposal":
			return () => proposalFromProto(sum.value.proposal);
		case "blockPart":
			return () => partFromProto(sum.value.part);
		case "vote":
			return () => validateVote(voteFromProto(sum.value.vote));
		case "newValidBlock":
			return () => {
				partSetHeaderFromProto(sum.value.blockPartSetHeader);
				BitArray.fromProto(sum.value.blockParts);
			};
		case "proposalPol":
			return () => BitArray.fromProto(sum.value.proposalPol);
		case "voteSetMaj23":
			return () => blockIdFromProto(sum.value.blockId);
		case "voteSetBits":
			return () => {
				blockIdFromProto(sum.value.blockId);
				BitArray.fromProto(sum.value.votes);
			};
		default:
			return undefined;
	}
}

test("proposals, parts, votes, bit arrays and ids in consensus messages are taken and refused as Go does", () => {
	const judged = { accepted: 0, refused: 0 };
	for (const { decoder, name, hex, accepted, error } of vectors.messages as Message[]) {
		if (decoder !== "consensus.Message" || !hex || (error !== null && AROUND.test(error))) continue;
		let message: consensus.Message;
		try {
			message = consensus.Message.decode(fromHex(hex));
		} catch {
			assert.equal(accepted, false, name);
			continue;
		}
		const call = judge(message);
		if (call === undefined) continue;
		const ours = errorOf(call);
		assert.equal(ours === null, accepted, `${name}: ${ours?.message} / ${error}`);
		judged[accepted ? "accepted" : "refused"]++;
	}
	assert.ok(judged.accepted > 20 && judged.refused > 30, JSON.stringify(judged));
});

test("a block part larger than 64 KiB is refused", () => {
	const proof = { total: 2n, index: 1n, leafHash: new Uint8Array(32), aunts: [new Uint8Array(32)] };
	const error = errorOf(() => partFromProto({ index: 1, bytes: new Uint8Array(65_537), proof }));
	assert.match(error?.message ?? "", /too big/);
	partFromProto({ index: 1, bytes: new Uint8Array(65_536), proof });
});

test("evidence of the evidence channel is taken and refused as Go does", () => {
	let judged = 0;
	for (const { decoder, name, hex, accepted, error } of vectors.messages as Message[]) {
		if (!decoder.startsWith("types.EvidenceList")) continue;
		const ours = errorOf(() => pb.EvidenceList.decode(fromHex(hex)).evidence.map((each) => evidenceFromProto(each)));
		assert.equal(ours === null, accepted, `${name}: ${ours?.message} / ${error}`);
		judged++;
	}
	assert.ok(judged >= 12);
});

test("blocks are taken and refused as Go does", () => {
	for (const { name, accepted, block_proto: hex, error } of vectors.blocks) {
		const ours = errorOf(() => decodeBlock(fromHex(hex)));
		assert.equal(ours === null, accepted, `${name}: ${ours?.message} / ${error}`);
		if (accepted) assert.equal(toHex(encodeBlock(decodeBlock(fromHex(hex)))), hex, name);
	}
});

test("validator sets are taken and refused as Go does", () => {
	for (const { name, accepted, validator_set_proto: hex, error } of vectors.validator_sets) {
		const ours = errorOf(() => decodeValidatorSet(fromHex(hex)));
		assert.equal(ours === null, accepted, `${name}: ${ours?.message} / ${error}`);
	}
});

test("changes of the height where vote extensions begin are taken and refused as Go does", () => {
	for (const vector of vectors.vote_ext_param_updates) {
		const params = {
			...defaultConsensusParams(),
			abci: { voteExtensionsEnableHeight: Number(vector.current_enable_height) },
		};
		const voteExtensionsEnableHeight = BigInt(vector.updated_enable_height);
		const update = pb.ConsensusParams.create({ abci: { voteExtensionsEnableHeight } });
		const ours = errorOf(() => validateConsensusParamUpdate(params, update, Number(vector.height)));
		assert.equal(ours === null, vector.error === null, JSON.stringify(vector));
	}
	validateConsensusParamUpdate(defaultConsensusParams(), null, 1);
	validateConsensusParamUpdate(defaultConsensusParams(), pb.ConsensusParams.create(), 1);
});

test("bit arrays have Go's forms: display, JSON, bytes, protobuf, complement", () => {
	for (const vector of vectors.bit_arrays) {
		const array = BitArray.fromJson(JSON.parse(vector.json));
		assert.equal(array.toDisplay(), vector.string);
		assert.equal(JSON.stringify(array), vector.json);
		assert.equal(toHex(array.toBytes()), vector.bytes);
		const proto = array.toProto();
		assert.ok(proto);
		assert.equal(toHex(bits.BitArray.encode(proto)), vector.proto);
		assert.ok(BitArray.fromProto(bits.BitArray.decode(fromHex(vector.proto))).equals(array));
		// Go leaves ones beyond the size; read from the wire they are dropped.
		assert.ok(BitArray.fromProto(bits.BitArray.decode(fromHex(vector.not_proto))).equals(array.not()));
	}
});
