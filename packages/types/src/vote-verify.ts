import { addressOf, type PublicKey } from "@cairn/crypto";
import { bytesEqual, ValidationError } from "@cairn/kit";
import { isNilBlockId } from "./block-id.ts";
import { proposalSignBytes, voteExtensionSignBytes, voteSignBytes } from "./canonical.ts";
import type { SignatureVerifier } from "./commit-verify.ts";
import { PRECOMMIT, type Proposal, type Vote } from "./model.ts";

/** The vote is the key's and signed by it; its extension is not looked at. @throws ValidationError */
export function verifyVote(chainId: string, vote: Vote, key: PublicKey, verify: SignatureVerifier): void {
	if (!bytesEqual(addressOf(key), vote.validatorAddress)) throw new ValidationError("vote: invalid validator address");
	if (!verify(key, voteSignBytes(chainId, vote), vote.signature)) throw new ValidationError("vote: invalid signature");
}

/**
 * As `verifyVote`; a precommit for a block must also carry a good signature of its extension.
 * @throws ValidationError
 */
export function verifyVoteAndExtension(chainId: string, vote: Vote, key: PublicKey, verify: SignatureVerifier): void {
	verifyVote(chainId, vote, key, verify);
	if (vote.type === PRECOMMIT && !isNilBlockId(vote.blockId) && vote.extensionSignature.length === 0) {
		throw new ValidationError("vote: expected vote extension signature");
	}
	verifyVoteExtension(chainId, vote, key, verify);
}

/** The extension of a precommit for a block is signed by the key; other votes pass. @throws ValidationError */
export function verifyVoteExtension(chainId: string, vote: Vote, key: PublicKey, verify: SignatureVerifier): void {
	if (vote.type !== PRECOMMIT || isNilBlockId(vote.blockId)) return;
	if (!verify(key, voteExtensionSignBytes(chainId, vote), vote.extensionSignature)) {
		throw new ValidationError("vote: invalid signature of the extension");
	}
}

/** The proposal is signed by the key. @throws ValidationError */
export function verifyProposal(chainId: string, proposal: Proposal, key: PublicKey, verify: SignatureVerifier): void {
	if (!verify(key, proposalSignBytes(chainId, proposal), proposal.signature)) {
		throw new ValidationError("proposal: invalid signature");
	}
}
