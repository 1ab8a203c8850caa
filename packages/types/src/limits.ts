import { CairnError } from "@cairn/kit";

/** Bounds that CometBFT v0.40.0 puts on everything that travels. Sources: `types/{params,block,vote,vote_set}.go`. */

export const MAX_BLOCK_SIZE_BYTES = 104_857_600;
export const BLOCK_PART_SIZE_BYTES = 65_536;
export const MAX_BLOCK_PARTS_COUNT = MAX_BLOCK_SIZE_BYTES / BLOCK_PART_SIZE_BYTES + 1;
/** Size of the longest signature, ML-DSA-65's. v0.38 had 64 here. */
export const MAX_SIGNATURE_SIZE = 3309;
export const MAX_VOTE_EXTENSION_SIZE = 1_048_576;
/** Most validators that a commit may have. */
export const MAX_VOTES_COUNT = 10_000;
export const MAX_CHAIN_ID_LENGTH = 50;
/** Soft, because an application hash may have any size. */
export const MAX_HEADER_BYTES = 626;
export const MAX_OVERHEAD_FOR_BLOCK = 11;
export const MAX_COMMIT_OVERHEAD_BYTES = 94;
export const MAX_COMMIT_SIG_BYTES = MAX_SIGNATURE_SIZE + 20 + 1 + 14 + 11;
/** An eighth of the greatest int64, which keeps priorities from overflowing. */
export const MAX_TOTAL_VOTING_POWER = 1152921504606846975n;
/** Priorities stay within this multiple of the total power. */
export const PRIORITY_WINDOW_SIZE_FACTOR = 2n;
export const MAX_AUTHORITY_LENGTH = 256;
export const HASH_SIZE = 32;
export const ADDRESS_SIZE = 20;
/** `version.BlockProtocol` of CometBFT v0.40.0. */
export const BLOCK_PROTOCOL = 11n;
/** `version.P2PProtocol`. */
export const P2P_PROTOCOL = 8n;
/** What the v0.40.0 binary calls itself (its constant was not raised before the tag). */
export const COMETBFT_VERSION = "0.39.0";
/** Field overhead of one signature in a commit: tag and length. */
const REPEATED_FIELD_OVERHEAD = 3;

/** Greatest size of a commit of so many validators. */
export function maxCommitBytes(validators: number): number {
	return MAX_COMMIT_OVERHEAD_BYTES + (MAX_COMMIT_SIG_BYTES + REPEATED_FIELD_OVERHEAD) * validators;
}

/**
 * Room for transactions in a block of `maxBytes` with evidence of `evidenceBytes` (zero if unknown).
 * @throws CairnError `block-too-small` when not even an empty block fits: Go halts there, so does the caller.
 */
export function maxDataBytes(maxBytes: number, evidenceBytes: number, validators: number): number {
	const overhead = MAX_OVERHEAD_FOR_BLOCK + MAX_HEADER_BYTES + maxCommitBytes(validators) + evidenceBytes;
	if (maxBytes < overhead) {
		throw new CairnError(
			"block-too-small",
			"operator",
			`block.max_bytes = ${maxBytes} is too small for header, last commit and evidence (${overhead} bytes)` +
				` of ${validators} validators; raise it by a change of the consensus parameters`,
			{ maxBytes, overhead, validators },
		);
	}
	return maxBytes - overhead;
}

/**
 * True if a proposal announces more parts than a block of `maxBytes` can have (`Proposal.ValidateBlockSize`).
 * @param maxBytes -1 for the greatest possible size
 */
export function hasTooManyParts(parts: number, maxBytes: number): boolean {
	const limit = maxBytes === -1 ? MAX_BLOCK_SIZE_BYTES : maxBytes;
	// Go divides towards zero.
	return parts > Math.trunc((limit - 1) / BLOCK_PART_SIZE_BYTES) + 1;
}
