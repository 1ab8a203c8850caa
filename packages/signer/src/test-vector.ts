import { readFileSync } from "node:fs";
import { EMPTY_BYTES } from "@cairn/kit";
import type { Proposal, Vote, VoteType } from "@cairn/types";
import { fromProtoJson, type Json, type types as pb } from "@cairn/types/proto";

/** A file of vectors/ (made by the real CometBFT v0.40.0); the caller names the shape it has. For tests only. */
export function readVectors<Shape>(name: string): Shape {
	return JSON.parse(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), "utf8")) as Shape;
}

const NO_BLOCK: pb.BlockID = { hash: EMPTY_BYTES, partSetHeader: { total: 0, hash: EMPTY_BYTES } };

/** A vote to be signed, from the proto3 JSON of a vector. */
export function voteOfJson(json: Json): Vote {
	const proto = fromProtoJson("tendermint.types.Vote", json) as pb.Vote;
	return {
		...proto,
		type: proto.type as VoteType,
		height: Number(proto.height),
		blockId: proto.blockId ?? NO_BLOCK,
	};
}

/** A proposal to be signed, from the proto3 JSON of a vector. */
export function proposalOfJson(json: Json): Proposal {
	const proto = fromProtoJson("tendermint.types.Proposal", json) as pb.Proposal;
	return { ...proto, height: Number(proto.height), blockId: proto.blockId ?? NO_BLOCK };
}
