import { bytesEqual, CairnError, invariant } from "@cairn/kit";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	type Block,
	type ConsensusParams,
	type ExtendedCommit,
	type Height,
	type ValidatorSet,
} from "@cairn/types";
import type { abci } from "@cairn/types/proto";

const NO_COMMIT: abci.CommitInfo = { round: 0, votes: [] };
const NO_EXTENDED_COMMIT: abci.ExtendedCommitInfo = { round: 0, votes: [] };

/** True at heights whose precommits carry extensions (ABCIParams.VoteExtensionsEnabled). */
export function voteExtensionsEnabled(params: ConsensusParams, height: Height): boolean {
	const from = params.abci.voteExtensionsEnableHeight;
	return from !== 0 && height >= from;
}

/** What the application is told of the last commit in a block: who signed, of the set of the height before. */
export function lastCommitInfo(
	block: Block,
	lastValidators: ValidatorSet | null,
	initialHeight: Height,
): abci.CommitInfo {
	if (block.header.height === initialHeight) return NO_COMMIT;
	const commit = block.lastCommit;
	invariant(commit !== null && lastValidators !== null, "a block above the initial height has a last commit", {
		height: block.header.height,
	});
	invariant(commit.signatures.length === lastValidators.size, "commit size does not match the validator set", {
		height: block.header.height,
		commit: commit.signatures.length,
		validators: lastValidators.size,
	});
	return {
		round: commit.round,
		votes: lastValidators.validators.map((validator, index) => ({
			validator: { address: validator.address, power: validator.votingPower },
			blockIdFlag: commit.signatures[index]?.blockIdFlag ?? BLOCK_ID_FLAG_ABSENT,
		})),
	};
}

/** The same with vote extensions, as the proposer's PrepareProposal gets it. */
export function extendedCommitInfo(
	commit: ExtendedCommit,
	validators: ValidatorSet | null,
	initialHeight: Height,
	params: ConsensusParams,
): abci.ExtendedCommitInfo {
	if (commit.height < initialHeight) return NO_EXTENDED_COMMIT;
	invariant(
		validators !== null && commit.signatures.length === validators.size,
		"extended commit size does not match the set",
		{
			height: commit.height,
		},
	);
	const enabled = voteExtensionsEnabled(params, commit.height);
	return {
		round: commit.round,
		votes: validators.validators.map((validator, index) => {
			const signature = commit.signatures[index];
			invariant(signature !== undefined, "extended commit has a signature for each validator");
			const absent = signature.blockIdFlag === BLOCK_ID_FLAG_ABSENT;
			invariant(
				absent || bytesEqual(signature.validatorAddress, validator.address),
				"extended commit names another validator",
			);
			if (enabled && signature.blockIdFlag === BLOCK_ID_FLAG_COMMIT && signature.extensionSignature.length === 0) {
				throw new CairnError(
					"missing-extension",
					"us",
					`commit at height ${commit.height} lacks a vote extension signature`,
				);
			}
			return {
				validator: { address: validator.address, power: validator.votingPower },
				voteExtension: signature.extension,
				extensionSignature: signature.extensionSignature,
				blockIdFlag: signature.blockIdFlag,
			};
		}),
	};
}
