import { toUpperHex } from "@cairn/kit";
import { PREVOTE, type Proposal, timeToRfc3339, type Vote } from "@cairn/types";
import { jsonBlockId } from "./block.ts";
import { type Json, jsonBytes, jsonHex, jsonInt64, jsonTime } from "./text.ts";

export function jsonVote(vote: Vote): Json {
	return (
		`{"type":${vote.type},"height":${jsonInt64(vote.height)},"round":${vote.round},` +
		`"block_id":${jsonBlockId(vote.blockId)},"timestamp":${jsonTime(vote.timestamp)},` +
		`"validator_address":${jsonHex(vote.validatorAddress)},"validator_index":${vote.validatorIndex},` +
		`"signature":${jsonBytes(vote.signature)},"extension":${jsonBytes(vote.extension)},` +
		`"extension_signature":${jsonBytes(vote.extensionSignature)}}`
	);
}

export function jsonProposal({ height, round, polRound, blockId, timestamp, signature }: Proposal): Json {
	return (
		`{"Type":32,"height":${jsonInt64(height)},"round":${round},"pol_round":${polRound},` +
		`"block_id":${jsonBlockId(blockId)},"timestamp":${jsonTime(timestamp)},"signature":${jsonBytes(signature)}}`
	);
}

/** `Vote{0:4CBBDB0D7FEE 15/00/SIGNED_MSG_TYPE_PRECOMMIT(Precommit) …}`: how dumps show a vote (types/vote.go String). */
export function voteToText(vote: Vote): string {
	const [proto, name] = vote.type === PREVOTE ? ["PREVOTE", "Prevote"] : ["PRECOMMIT", "Precommit"];
	return (
		`Vote{${vote.validatorIndex}:${fingerprint(vote.validatorAddress)} ` +
		`${vote.height}/${String(vote.round).padStart(2, "0")}/SIGNED_MSG_TYPE_${proto}(${name}) ` +
		`${fingerprint(vote.blockId.hash)} ${fingerprint(vote.signature)} ${fingerprint(vote.extension)} ` +
		`@ ${timeToRfc3339(vote.timestamp)}}`
	);
}

/** The first six bytes, filled up with zeroes. */
function fingerprint(bytes: Uint8Array): string {
	return toUpperHex(bytes.subarray(0, 6)).padEnd(12, "0");
}
