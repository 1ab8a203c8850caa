import { ValidationError } from "@cairn/kit";
import {
	BitArray,
	type BlockId,
	blockIdFromProto,
	type Height,
	isVoteType,
	MAX_BLOCK_PARTS_COUNT,
	MAX_VOTES_COUNT,
	type Part,
	type PartSetHeader,
	type Proposal,
	partFromProto,
	partSetHeaderFromProto,
	partToProto,
	proposalFromProto,
	proposalToProto,
	type Round,
	safeInteger,
	type ValidatorIndex,
	type Vote,
	type VoteType,
	validateProposal,
	validateVote,
	voteFromProto,
	voteToProto,
} from "@cairn/types";
import { consensus as pb } from "@cairn/types/proto";

/** Where a peer stands. Sent with every step. */
export interface NewRoundStep {
	readonly kind: "newRoundStep";
	readonly height: Height;
	readonly round: Round;
	/** CometBFT's RoundStepType, 1 to 8. */
	readonly step: number;
	/** May be negative, and anything. */
	readonly secondsSinceStart: bigint;
	/** -1 at the initial height. */
	readonly lastCommitRound: Round;
}

/** A peer has a polka, or a commit, for a block; these parts of it are there. */
export interface NewValidBlock {
	readonly kind: "newValidBlock";
	readonly height: Height;
	readonly round: Round;
	readonly header: PartSetHeader;
	readonly parts: BitArray;
	readonly isCommit: boolean;
}

/** The prevotes that a peer has of the round that a proposal names as proof of lock. */
export interface ProposalPol {
	readonly kind: "proposalPol";
	readonly height: Height;
	readonly polRound: Round;
	readonly bits: BitArray;
}

export interface HasVote {
	readonly kind: "hasVote";
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType;
	readonly index: ValidatorIndex;
}

/** A peer claims +2/3 of these votes for a block, and wants to know which of them we have. */
export interface VoteSetMajority {
	readonly kind: "voteSetMaj23";
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType;
	readonly blockId: BlockId;
}

/** The answer: which votes for that block a peer has. */
export interface VoteSetBits {
	readonly kind: "voteSetBits";
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType;
	readonly blockId: BlockId;
	/** Of size zero if it has none. */
	readonly bits: BitArray;
}

/** Everything that travels on the channels of consensus. */
export type ConsensusMessage =
	| NewRoundStep
	| NewValidBlock
	| { readonly kind: "proposal"; readonly proposal: Proposal }
	| ProposalPol
	| { readonly kind: "part"; readonly height: Height; readonly round: Round; readonly part: Part }
	| { readonly kind: "vote"; readonly vote: Vote }
	| HasVote
	| VoteSetMajority
	| VoteSetBits;

const FIRST_STEP = 1;
const LAST_STEP = 8;

/**
 * Reads a message and checks its structure and bounds as consensus/msgs.go and each `ValidateBasic` do. Parts, signatures and
 * hashes in the result are views of `bytes`. @throws DecodeError, ValidationError
 */
export function decodeConsensusMessage(bytes: Uint8Array): ConsensusMessage {
	const { sum } = pb.Message.decode(bytes);
	if (sum === null) throw new ValidationError("consensus message of no known kind");
	switch (sum.kind) {
		case "newRoundStep":
			return readNewRoundStep(sum.value);
		case "newValidBlock":
			return readNewValidBlock(sum.value);
		case "proposal": {
			const proposal = proposalFromProto(sum.value.proposal);
			validateProposal(proposal);
			return { kind: "proposal", proposal };
		}
		case "proposalPol":
			return readProposalPol(sum.value);
		case "blockPart":
			return {
				kind: "part",
				height: heightOf(sum.value),
				round: roundOf(sum.value.round),
				part: partFromProto(sum.value.part),
			};
		case "vote": {
			const vote = voteFromProto(sum.value.vote);
			validateVote(vote);
			return { kind: "vote", vote };
		}
		case "hasVote":
			return readHasVote(sum.value);
		case "voteSetMaj23":
			return {
				kind: "voteSetMaj23",
				height: heightOf(sum.value),
				round: roundOf(sum.value.round),
				type: voteTypeOf(sum.value.type),
				blockId: blockIdFromProto(sum.value.blockId),
			};
		case "voteSetBits":
			return readVoteSetBits(sum.value);
	}
}

function heightOf({ height }: { readonly height: bigint }): Height {
	if (height < 0n) throw new ValidationError("negative height");
	return safeInteger(height, "height");
}

function roundOf(round: number): Round {
	if (round < 0) throw new ValidationError("negative round");
	return round;
}

function voteTypeOf(type: number): VoteType {
	if (!isVoteType(type)) throw new ValidationError("invalid vote type", { type });
	return type;
}

function readNewRoundStep(proto: pb.NewRoundStep): NewRoundStep {
	const { step, lastCommitRound } = proto;
	if (step < FIRST_STEP || step > LAST_STEP) throw new ValidationError("invalid step", { step });
	if (lastCommitRound < -1) throw new ValidationError("last commit round below -1", { lastCommitRound });
	return {
		kind: "newRoundStep",
		height: heightOf(proto),
		round: roundOf(proto.round),
		step,
		secondsSinceStart: proto.secondsSinceStartTime,
		lastCommitRound,
	};
}

function readNewValidBlock(proto: pb.NewValidBlock): NewValidBlock {
	const header = partSetHeaderFromProto(proto.blockPartSetHeader);
	const parts = BitArray.fromProto(proto.blockParts);
	if (parts.size === 0) throw new ValidationError("valid block without bits of its parts");
	if (parts.size !== header.total) {
		throw new ValidationError("bits of a valid block do not fit its parts", { bits: parts.size, parts: header.total });
	}
	if (parts.size > MAX_BLOCK_PARTS_COUNT) throw new ValidationError("valid block of too many parts");
	const { isCommit } = proto;
	return { kind: "newValidBlock", height: heightOf(proto), round: roundOf(proto.round), header, parts, isCommit };
}

function readProposalPol(proto: pb.ProposalPOL): ProposalPol {
	const bits = BitArray.fromProto(proto.proposalPol);
	if (bits.size === 0) throw new ValidationError("proof of lock without votes");
	checkVoteCount(bits);
	return { kind: "proposalPol", height: heightOf(proto), polRound: roundOf(proto.proposalPolRound), bits };
}

function readHasVote(proto: pb.HasVote): HasVote {
	const { type, index } = proto;
	if (index < 0) throw new ValidationError("negative validator index");
	return {
		kind: "hasVote",
		height: heightOf(proto),
		round: roundOf(proto.round),
		type: voteTypeOf(type),
		index,
	};
}

/** As in Go, its round is not looked at: a negative one names no votes. */
function readVoteSetBits(proto: pb.VoteSetBits): VoteSetBits {
	const bits = BitArray.fromProto(proto.votes);
	checkVoteCount(bits);
	return {
		kind: "voteSetBits",
		height: heightOf(proto),
		round: proto.round,
		type: voteTypeOf(proto.type),
		blockId: blockIdFromProto(proto.blockId),
		bits,
	};
}

function checkVoteCount(bits: BitArray): void {
	if (bits.size > MAX_VOTES_COUNT) throw new ValidationError("bits of too many votes", { bits: bits.size });
}

/** A valid peer's NewRoundStep fits the chain's initial height (`ValidateHeight`). @throws ValidationError */
export function validateStepHeight({ height, lastCommitRound }: NewRoundStep, initialHeight: Height): void {
	if (height < initialHeight) {
		throw new ValidationError(`height ${height} is below the initial height ${initialHeight}`);
	}
	if (height === initialHeight && lastCommitRound !== -1) {
		throw new ValidationError("the initial height has no last commit round", { lastCommitRound });
	}
	if (height > initialHeight && lastCommitRound < 0) {
		throw new ValidationError("a height above the initial one has a last commit round", { height });
	}
}

/** The bytes of a message, ready to be sent to any number of peers. */
export function encodeConsensusMessage(message: ConsensusMessage): Uint8Array {
	return pb.Message.encode({ sum: toProto(message) });
}

function toProto(message: ConsensusMessage): pb.Message["sum"] {
	switch (message.kind) {
		case "newRoundStep": {
			const { height, round, step, secondsSinceStart, lastCommitRound } = message;
			const value = { height: BigInt(height), round, step, secondsSinceStartTime: secondsSinceStart, lastCommitRound };
			return { kind: "newRoundStep", value };
		}
		case "newValidBlock": {
			const { height, round, header, parts, isCommit } = message;
			const blockParts = parts.toProto();
			const value = { height: BigInt(height), round, blockPartSetHeader: header, blockParts, isCommit };
			return { kind: "newValidBlock", value };
		}
		case "proposal":
			return { kind: "proposal", value: { proposal: proposalToProto(message.proposal) } };
		case "proposalPol": {
			const { height, polRound, bits } = message;
			const value = { height: BigInt(height), proposalPolRound: polRound, proposalPol: protoOf(bits) };
			return { kind: "proposalPol", value };
		}
		case "part": {
			const { height, round, part } = message;
			return { kind: "blockPart", value: { height: BigInt(height), round, part: partToProto(part) } };
		}
		case "vote":
			return { kind: "vote", value: { vote: voteToProto(message.vote) } };
		case "hasVote": {
			const { height, round, type, index } = message;
			return { kind: "hasVote", value: { height: BigInt(height), round, type, index } };
		}
		case "voteSetMaj23": {
			const { height, round, type, blockId } = message;
			return { kind: "voteSetMaj23", value: { height: BigInt(height), round, type, blockId } };
		}
		case "voteSetBits": {
			const { height, round, type, blockId, bits } = message;
			return { kind: "voteSetBits", value: { height: BigInt(height), round, type, blockId, votes: protoOf(bits) } };
		}
	}
}

function protoOf(bits: BitArray): { readonly bits: bigint; readonly elems: readonly bigint[] } {
	return bits.toProto() ?? { bits: 0n, elems: [] };
}

/** Names that CometBFT's p2p metrics give the messages, by field number. */
const NAMES: readonly (string | undefined)[] = [
	undefined,
	"consensus_NewRoundStep",
	"consensus_NewValidBlock",
	"consensus_Proposal",
	"consensus_ProposalPOL",
	"consensus_BlockPart",
	"consensus_Vote",
	"consensus_HasVote",
	"consensus_VoteSetMaj23",
	"consensus_VoteSetBits",
];

/** What an encoded message is, told from its first byte. */
export function nameOfConsensusMessage(bytes: Uint8Array): string {
	return NAMES[(bytes[0] ?? 0) >> 3] ?? "consensus_Message";
}
