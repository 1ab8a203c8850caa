export * from "./bit-array.ts";
export * from "./block.ts";
export * from "./block-id.ts";
export * from "./block-meta.ts";
export * from "./block-protocol.ts";
export * from "./block-validation.ts";
export {
	canonicalProposal,
	canonicalVote,
	canonicalVoteExtension,
	commitVoteSignBytes,
	proposalSignBytes,
	voteExtensionSignBytes,
	voteSignBytes,
} from "./canonical.ts";
export * from "./commit.ts";
export * from "./commit-verify.ts";
export * from "./events.ts";
export * from "./evidence.ts";
export * from "./extended-commit.ts";
export * from "./genesis.ts";
export {
	decodeHeader,
	encodeHeader,
	headerFromProto,
	headerHash,
	headerLeaves,
	headerToProto,
	validateHeader,
} from "./header.ts";
export * from "./integer.ts";
export * from "./light-block.ts";
export * from "./limits.ts";
export * from "./model.ts";
export * from "./params.ts";
export * from "./part.ts";
export * from "./part-set.ts";
export * from "./proposal.ts";
export * from "./results.ts";
export * from "./state.ts";
export * from "./time.ts";
export * from "./tx.ts";
export * from "./validator.ts";
export * from "./validator-set.ts";
export * from "./vote.ts";
export * from "./vote-verify.ts";
