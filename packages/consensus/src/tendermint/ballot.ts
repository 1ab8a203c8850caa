import { CairnError, EMPTY_BYTES, invariant, toUpperHex } from "@cairn/kit";
import {
	type BlockId,
	blockIdKey,
	isNilBlockId,
	NIL_BLOCK_ID,
	PRECOMMIT,
	PREVOTE,
	type TimeNs,
	type Vote,
	type VoteType,
} from "@cairn/types";
import { comparePositions, LANE, type Position, type Turn } from "./state.ts";
import { ask, askSigner } from "./turn.ts";

/** Least distance between the times of two blocks (BFT time). */
const TIME_IOTA: TimeNs = 1_000_000n;

/** Position of a vote in the lane `chain`: 2 for prevotes, 3 for precommits, as in priv_validator_state.json. */
export function positionOfVote({ height, round, type }: Pick<Vote, "height" | "round" | "type">): Position {
	return [height, round, type === PREVOTE ? 2 : 3];
}

/** True if this node may still ask for a signature there: never at or below a position that it asked for or saw. */
export function maySign(turn: Turn, position: Position): boolean {
	if (comparePositions(position, turn.state.ownPosition) > 0) return true;
	turn.out.mark("T15");
	return false;
}

/** Votes for a block or (`NIL_BLOCK_ID`) for nil in the current round, if this node is a validator. */
export function castVote(turn: Turn, type: VoteType, blockId: BlockId): void {
	const { height, round, epoch, validators } = turn.state;
	if (epoch.self === null || !maySign(turn, positionOfVote({ height, round, type }))) return;
	const validator = validators.getByIndex(epoch.self);
	invariant(validator !== null, "own index is outside the validator set", { height, index: epoch.self });
	const vote: Vote = {
		type,
		height,
		round,
		blockId,
		timestamp: voteTime(turn),
		validatorAddress: validator.address,
		validatorIndex: epoch.self,
		signature: EMPTY_BYTES,
		extension: EMPTY_BYTES,
		extensionSignature: EMPTY_BYTES,
	};
	if (type === PRECOMMIT && !isNilBlockId(blockId) && epoch.params.extensions) {
		turn.out.mark("T65");
		ask(turn, { kind: "extend", height, round, block: blockIdKey(blockId) }, { kind: "extend", vote });
	} else {
		signVote(turn, vote);
	}
}

export function castNil(turn: Turn, type: VoteType): void {
	castVote(turn, type, NIL_BLOCK_ID);
}

/** Later than the block this node is locked on, else than the proposed one (`voteTime`); else the wall clock. */
function voteTime({ state, at }: Turn): TimeNs {
	const blockTime = state.locked === null ? state.proposalBlock?.time : state.locked.time;
	if (blockTime === undefined || blockTime === null) return at.wall;
	const least = blockTime + TIME_IOTA;
	return at.wall > least ? at.wall : least;
}

function signVote(turn: Turn, vote: Vote): void {
	const position = positionOfVote(vote);
	if (!maySign(turn, position)) return;
	turn.out.mark("T64");
	const extended = vote.type === PRECOMMIT && !isNilBlockId(vote.blockId) && turn.state.epoch.params.extensions;
	askSigner(turn, { lane: LANE, position }, { kind: "vote", vote, extended }, null);
}

/** The application extended this node's precommit; what is not empty it must accept itself before it is signed. */
export function takeExtension(turn: Turn, vote: Vote, extension: Uint8Array): void {
	const extended = { ...vote, extension };
	if (extension.length === 0) {
		signVote(turn, extended);
		return;
	}
	turn.out.mark("T66");
	const { height, round, validatorAddress: address, blockId } = vote;
	const validator = turn.state.epoch.members[vote.validatorIndex];
	invariant(validator !== undefined, "this node has a member number");
	const block = blockIdKey(blockId);
	ask(
		turn,
		{ kind: "checkExtension", height, round, block, validator, address, extension },
		{ kind: "checkOwn", vote: extended },
	);
}

/** @throws CairnError when the application refuses the extension that it made */
export function takeOwnExtensionCheck(turn: Turn, vote: Vote, valid: boolean): void {
	if (valid) {
		signVote(turn, vote);
		return;
	}
	turn.out.mark("T67");
	throw new CairnError(
		"own-extension-refused",
		"app",
		`the application refuses the vote extension that it made for validator ${toUpperHex(vote.validatorAddress)} at` +
			` height ${vote.height}: its ExtendVote and VerifyVoteExtension handlers do not agree`,
		{ height: vote.height, round: vote.round },
	);
}
