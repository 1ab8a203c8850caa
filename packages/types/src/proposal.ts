import { ValidationError } from "@cairn/kit";
import { blockIdFromProto, isCompleteBlockId, validateBlockId } from "./block-id.ts";
import { safeInteger } from "./integer.ts";
import { hasTooManyParts, MAX_SIGNATURE_SIZE } from "./limits.ts";
import type { Proposal } from "./model.ts";
import { types as pb } from "./proto/index.ts";

const { SIGNED_MSG_TYPE_PROPOSAL } = pb.SignedMsgType;

export function proposalToProto(proposal: Proposal): pb.Proposal {
	return { ...proposal, type: SIGNED_MSG_TYPE_PROPOSAL, height: BigInt(proposal.height) };
}

/** Checks as `validateProposal`. The result keeps views of the bytes decoded. @throws DecodeError, ValidationError */
export function proposalFromProto(proto: pb.Proposal): Proposal {
	const blockId = blockIdFromProto(proto.blockId);
	if (proto.type !== SIGNED_MSG_TYPE_PROPOSAL)
		throw new ValidationError("proposal: invalid type", { type: proto.type });
	const proposal: Proposal = {
		height: safeInteger(proto.height, "height of a proposal"),
		round: proto.round,
		polRound: proto.polRound,
		blockId,
		timestamp: proto.timestamp,
		signature: proto.signature,
	};
	validateProposal(proposal);
	return proposal;
}

export function encodeProposal(proposal: Proposal): Uint8Array {
	return pb.Proposal.encode(proposalToProto(proposal));
}

/** @throws DecodeError, ValidationError */
export function decodeProposal(bytes: Uint8Array): Proposal {
	return proposalFromProto(pb.Proposal.decode(bytes));
}

/** Structure and bounds (`Proposal.ValidateBasic`). @throws ValidationError */
export function validateProposal(proposal: Proposal): void {
	if (proposal.height < 0) throw new ValidationError("proposal: negative height");
	if (proposal.round < 0) throw new ValidationError("proposal: negative round");
	if (proposal.polRound < -1) throw new ValidationError("proposal: negative proof-of-lock round (exception: -1)");
	validateBlockId(proposal.blockId);
	if (!isCompleteBlockId(proposal.blockId)) throw new ValidationError("proposal: block id is not complete");
	if (proposal.signature.length === 0) throw new ValidationError("proposal: signature is missing");
	if (proposal.signature.length > MAX_SIGNATURE_SIZE) throw new ValidationError("proposal: signature is too big");
}

/** @param maxBytes `block.max_bytes` of the consensus parameters, -1 for the greatest size. @throws ValidationError */
export function validateProposalBlockSize(proposal: Proposal, maxBytes: number): void {
	const { total } = proposal.blockId.partSetHeader;
	if (hasTooManyParts(total, maxBytes)) throw new ValidationError("proposal: too many parts", { total, maxBytes });
}
