import type { VoteSet } from "@cairn/consensus";
import { toUpperHex } from "@cairn/kit";
import {
	type Block,
	type BlockKey,
	blockIdFromKey,
	GO_ZERO_TIME,
	type PartSet,
	type PartSetHeader,
	type ValidatorSet,
} from "@cairn/types";
import type { ConsensusView } from "../environment.ts";
import { jsonBlock, jsonBlockId } from "./block.ts";
import { type Json, jsonHex, jsonInt64, jsonList, jsonOrNull, jsonString, jsonTime } from "./text.ts";
import { jsonValidatorSet } from "./validator.ts";
import { jsonProposal, voteToText } from "./vote.ts";

type RoundState = NonNullable<ReturnType<ConsensusView["roundState"]>>;
type Bodies = ConsensusView["bodies"];

const NO_VOTE: Json = '"nil-Vote"';
const NO_SET: Json = '{"validators":null,"proposer":null}';

/** Everything the engine knows of its height (`cstypes.RoundState` in Go's JSON). */
export function jsonRoundState(state: RoundState, bodies: Bodies): Json {
	const { wantedParts } = state;
	return (
		`{"height":${jsonInt64(state.height)},"round":${state.round},"step":${state.step},` +
		`"start_time":${jsonTime(state.startTime)},"commit_time":${jsonTime(state.commitTime ?? GO_ZERO_TIME)},` +
		`"validators":${jsonValidatorSet(state.validators)},"proposal":${jsonOrNull(state.proposal, jsonProposal)},` +
		`"proposal_block":${jsonBody(state.proposalBlock, bodies)},` +
		`"proposal_block_parts":${jsonParts(wantedParts, bodies)},` +
		`"locked_round":${state.lockedRound},"locked_block":${jsonBody(state.lockedBlock, bodies)},` +
		`"locked_block_parts":${jsonPartsOf(state.lockedBlock, bodies)},` +
		`"valid_round":${state.validRound},"valid_block":${jsonBody(state.validBlock, bodies)},` +
		`"valid_block_parts":${jsonPartsOf(state.validBlock, bodies)},` +
		`"votes":${jsonVotes(state)},"commit_round":${state.commitRound},` +
		`"last_commit":${jsonOrNull(state.lastCommit, jsonVoteSet)},` +
		`"last_validators":${jsonLastValidators(state.lastValidators)},` +
		`"triggered_timeout_precommit":${state.triggeredTimeoutPrecommit}}`
	);
}

/** The short form (`cstypes.RoundStateSimple`). */
export function jsonRoundStateSimple(state: RoundState): Json {
	const { proposer } = state.validators;
	const place = proposer === null ? null : state.validators.getByAddress(proposer.address);
	return (
		`{"height/round/step":"${state.height}/${state.round}/${state.step}","start_time":${jsonTime(state.startTime)},` +
		`"proposal_block_hash":${jsonHashOf(state.proposalBlock)},"locked_block_hash":${jsonHashOf(state.lockedBlock)},` +
		`"valid_block_hash":${jsonHashOf(state.validBlock)},"height_vote_set":${jsonVotes(state)},` +
		`"proposer":{"address":${jsonHex(proposer?.address ?? new Uint8Array(0))},"index":${place?.index ?? -1}}}`
	);
}

function jsonBody(key: BlockKey | null, bodies: Bodies): Json {
	const block: Block | null = key === null ? null : bodies.block(key);
	return jsonOrNull(block, jsonBlock);
}

function jsonPartsOf(key: BlockKey | null, bodies: Bodies): Json {
	return key === null ? "null" : jsonParts(blockIdFromKey(key).partSetHeader, bodies);
}

function jsonParts(header: PartSetHeader | null, bodies: Bodies): Json {
	const parts: PartSet | null = header === null ? null : bodies.parts(header);
	if (parts === null) return "null";
	return `{"count/total":"${parts.count}/${parts.total}","parts_bit_array":"${parts.bits}"}`;
}

function jsonHashOf(key: BlockKey | null): Json {
	return `"${key === null ? "" : toUpperHex(blockIdFromKey(key).hash)}"`;
}

function jsonVotes(state: RoundState): Json {
	const rounds: Json[] = [];
	for (let round = 0; round <= state.votesRound; round++) {
		const votes = state.votes(round);
		if (votes === null) continue;
		const { prevotes, precommits } = votes;
		rounds.push(
			`{"round":${round},"prevotes":${jsonVoteTexts(prevotes)},"prevotes_bit_array":"${prevotes.toDisplay()}",` +
				`"precommits":${jsonVoteTexts(precommits)},"precommits_bit_array":"${precommits.toDisplay()}"}`,
		);
	}
	return `[${rounds.join(",")}]`;
}

function jsonVoteTexts(votes: VoteSet): Json {
	const texts: Json[] = [];
	for (let index = 0; index < votes.size; index++) {
		const vote = votes.getByIndex(index);
		texts.push(vote === null ? NO_VOTE : `"${voteToText(vote)}"`);
	}
	return `[${texts.join(",")}]`;
}

function jsonVoteSet(votes: VoteSet): Json {
	const claims = jsonList([...votes.peerMajorities], ([peer, id]) => `${jsonString(peer)}:${jsonBlockId(id)}`);
	return (
		`{"votes":${jsonVoteTexts(votes)},"votes_bit_array":"${votes.toDisplay()}",` +
		`"peer_maj_23s":{${claims.slice(1, -1)}}}`
	);
}

function jsonLastValidators(set: ValidatorSet | null): Json {
	return set === null || set.size === 0 ? NO_SET : jsonValidatorSet(set);
}
