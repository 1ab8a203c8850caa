import { privateKeyFromSeed, publicKeyOf, sign, verifySignature } from "@cairn/crypto";
import { canonicalProposal, canonicalVote, canonicalVoteExtension } from "@cairn/types";
import { type Checker, fail } from "../checker.ts";
import { blockIdOf, type JsonBlockId } from "../domain.ts";
import { hex, type JsonTime, same, sameBytes, timeOf } from "../expectation.ts";

interface Fields {
	readonly type: number;
	readonly height: string;
	readonly round: number;
	readonly pol_round: number;
	readonly block_id: JsonBlockId;
	readonly timestamp: JsonTime;
	readonly extension: string;
}

interface SignBytesCase {
	readonly kind: string;
	readonly chain_id: string;
	readonly fields: Fields;
	readonly sign_bytes: string;
	readonly seed: string;
	readonly pub_key: string;
	readonly signature: string;
}

function signBytesOf({ kind, chain_id: chainId, fields }: SignBytesCase): Uint8Array {
	const { type, round } = fields;
	const height = BigInt(fields.height);
	if (kind === "vote_extension") return canonicalVoteExtension(chainId, height, round, hex(fields.extension));
	const blockId = blockIdOf(fields.block_id);
	const time = timeOf(fields.timestamp);
	if (kind === "vote") return canonicalVote(chainId, type, height, round, blockId, time);
	if (kind === "proposal") return canonicalProposal(chainId, height, round, fields.pol_round, blockId, time);
	fail(`unknown kind of sign bytes ${kind}`);
}

export const checkSignBytes: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly SignBytesCase[] };
	return tally.checkEach("cases", cases, (each) => {
		const signBytes = signBytesOf(each);
		sameBytes("sign_bytes", signBytes, each.sign_bytes);
		const key = privateKeyFromSeed("ed25519", hex(each.seed));
		sameBytes("pub_key", publicKeyOf(key).bytes, each.pub_key);
		sameBytes("signature", sign(key, signBytes), each.signature);
		same("signature is good", verifySignature(publicKeyOf(key), signBytes, hex(each.signature)), true);
	});
};
