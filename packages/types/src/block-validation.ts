import { bytesEqual, toUpperHex, ValidationError } from "@cairn/kit";
import { evidenceListSize, validateBlock } from "./block.ts";
import { blockIdsEqual } from "./block-id.ts";
import { type SignatureVerifier, verifyCommit } from "./commit-verify.ts";
import type { Block, Commit, TimeNs } from "./model.ts";
import { consensusParamsHash } from "./params.ts";
import { type ChainState, nextBlockTime } from "./state.ts";
import { timeToRfc3339 } from "./time.ts";

/**
 * Whether a block may follow this state: all of `state/validation.go` of CometBFT v0.40.0, in its order. What its
 * evidence says is verified elsewhere.
 * @param wallNow this machine's clock, used only with a tolerance
 * @param blockTimeTolerance how far ahead of the clock a block may be, in nanoseconds; 0 for no bound
 * @param options.isLastCommitVerified true if the caller has verified the signatures of the last commit already
 * @throws ValidationError
 */
export function validateBlockAgainstState(
	state: ChainState,
	block: Block,
	wallNow: TimeNs,
	blockTimeTolerance: bigint,
	verify: SignatureVerifier,
	options: { readonly isLastCommitVerified?: boolean } = {},
): void {
	validateBlock(block, state.version.consensus.block);
	checkPlace(state, block);
	checkHashes(state, block);
	checkLastCommit(state, block, verify, options.isLastCommitVerified ?? false);
	if (!state.validators.hasAddress(block.header.proposerAddress)) {
		throw new ValidationError(`block: proposer ${toUpperHex(block.header.proposerAddress)} is not a validator`);
	}
	checkTime(state, block, wallNow, blockTimeTolerance);
	const evidenceSize = evidenceListSize(block.evidence);
	if (BigInt(evidenceSize) > state.consensusParams.evidence.maxBytes) {
		throw new ValidationError("block: too much evidence", { size: evidenceSize });
	}
}

function checkPlace(state: ChainState, { header }: Block): void {
	const { consensus } = state.version;
	if (header.version.app !== consensus.app || header.version.block !== consensus.block) {
		throw new ValidationError("block: wrong version", {
			expected: `${consensus.block}/${consensus.app}`,
			got: `${header.version.block}/${header.version.app}`,
		});
	}
	if (header.chainId !== state.chainId) throw new ValidationError(`block: wrong chain id "${header.chainId}"`);
	const expected = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
	if (header.height !== expected) {
		throw new ValidationError("block: wrong height", { expected, got: header.height });
	}
	if (!blockIdsEqual(header.lastBlockId, state.lastBlockId)) throw new ValidationError("block: wrong last block id");
}

function checkHashes(state: ChainState, { header }: Block): void {
	checkHash("app hash", state.appHash, header.appHash);
	checkHash("consensus hash", consensusParamsHash(state.consensusParams), header.consensusHash);
	checkHash("last results hash", state.lastResultsHash, header.lastResultsHash);
	checkHash("validators hash", state.validators.hash(), header.validatorsHash);
	checkHash("next validators hash", state.nextValidators.hash(), header.nextValidatorsHash);
}

function checkHash(what: string, expected: Uint8Array, got: Uint8Array): void {
	if (!bytesEqual(expected, got)) {
		throw new ValidationError(`block: wrong ${what}: expected ${toUpperHex(expected)}, got ${toUpperHex(got)}`);
	}
}

function checkLastCommit(state: ChainState, block: Block, verify: SignatureVerifier, isVerified: boolean): void {
	const { height } = block.header;
	const lastCommit = block.lastCommit as Commit;
	if (height === state.initialHeight) {
		if (lastCommit.signatures.length !== 0) throw new ValidationError("block: the first one has signatures of another");
	} else if (!isVerified) {
		verifyCommit(state.chainId, state.lastValidators, state.lastBlockId, height - 1, lastCommit, verify);
	}
}

function checkTime(state: ChainState, block: Block, wallNow: TimeNs, tolerance: bigint): void {
	const { time, height } = block.header;
	if (tolerance > 0n && time >= wallNow + tolerance) {
		throw new ValidationError(`block: time ${timeToRfc3339(time)} is too far in the future`, {
			now: timeToRfc3339(wallNow),
		});
	}
	if (height > state.initialHeight && time <= state.lastBlockTime) {
		throw new ValidationError(`block: time ${timeToRfc3339(time)} is not after the last block's`);
	}
	const expected = nextBlockTime(state, height, block.lastCommit as Commit);
	if (time !== expected) {
		throw new ValidationError(`block: time ${timeToRfc3339(time)}, expected ${timeToRfc3339(expected)}`);
	}
}
