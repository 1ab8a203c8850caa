import { messageOf, ValidationError } from "@cairn/kit";
import {
	type Block,
	type BlockId,
	blockHash,
	type ChainState,
	type Commit,
	type ExtendedCommit,
	type Height,
	PartSet,
	type SignatureVerifier,
	type ValidatorSet,
	verifyCommit,
	verifyExtendedCommit,
} from "@cairn/types";
import type { ReceivedBlock } from "./messages.ts";

/** A received block that is to be proved by the one behind it. */
export class Candidate {
	readonly block: Block;
	readonly extendedCommit: ExtendedCommit | null;
	readonly #bytes: Uint8Array;
	#parts: PartSet | null = null;

	constructor({ block, bytes, extendedCommit }: ReceivedBlock) {
		this.block = block;
		this.extendedCommit = extendedCommit;
		this.#bytes = bytes;
	}

	get height(): Height {
		return this.block.header.height;
	}

	/** The block cut into parts, as it was received: what is stored is what was signed. */
	get parts(): PartSet {
		this.#parts ??= PartSet.fromBytes(this.#bytes);
		return this.#parts;
	}

	get id(): BlockId {
		return { hash: blockHash(this.block), partSetHeader: this.parts.header };
	}
}

/** A block that more than 2/3 of the validators have signed, with all that has to be stored. */
export interface VerifiedBlock {
	readonly block: Block;
	readonly id: BlockId;
	readonly parts: PartSet;
	/** The commit that proved it. */
	readonly commit: Commit;
	/** Not null exactly where the height has vote extensions. */
	readonly extendedCommit: ExtendedCommit | null;
}

export type PairVerdict =
	| { readonly kind: "verified"; readonly verified: VerifiedBlock }
	/** Which of the two is false, and why. */
	| { readonly kind: "false"; readonly which: "first" | "second"; readonly reason: string };

/**
 * Proves a block by the commit in the next one: its signatures are all checked, since they are stored (`VerifyCommit`). Where
 * that fails, the blame goes to the one that is false: to the second block if its commit proves nothing, else to the first.
 * Pure.
 */
export function verifyPair(
	state: ChainState,
	first: Candidate,
	second: Candidate,
	verify: SignatureVerifier,
): PairVerdict {
	const { chainId, validators } = state;
	const commit = second.block.lastCommit;
	if (commit === null) return { kind: "false", which: "second", reason: "block without last commit" };
	const { height, id } = first;
	const why = refusalOf(() => verifyCommit(chainId, validators, id, height, commit, verify));
	if (why !== null) {
		const isProof = refusalOf(() => verifyCommit(chainId, validators, commit.blockId, height, commit, verify)) === null;
		return { kind: "false", which: isProof ? "first" : "second", reason: why };
	}
	const unfit = extensionFault(state, first, validators, verify);
	if (unfit !== null) return { kind: "false", which: "first", reason: unfit };
	const { block, parts, extendedCommit } = first;
	return { kind: "verified", verified: { block, id, parts, commit, extendedCommit } };
}

/** A peer must send the extended commit exactly where the height has extensions (ASA-2024-008). */
function extensionFault(
	{ chainId, consensusParams }: ChainState,
	{ height, id, extendedCommit }: Candidate,
	validators: ValidatorSet,
	verify: SignatureVerifier,
): string | null {
	const enabled = consensusParams.abci.voteExtensionsEnableHeight;
	const hasExtensions = enabled > 0 && height >= enabled;
	if (hasExtensions !== (extendedCommit !== null)) {
		return hasExtensions ? "the extended commit is missing" : "an extended commit where vote extensions are off";
	}
	if (extendedCommit === null) return null;
	return refusalOf(() => verifyExtendedCommit(chainId, validators, id, height, extendedCommit, verify));
}

/** Why a check refuses what a peer sent; null if it does not. */
function refusalOf(check: () => void): string | null {
	try {
		check();
		return null;
	} catch (cause) {
		if (cause instanceof ValidationError) return messageOf(cause);
		throw cause;
	}
}
