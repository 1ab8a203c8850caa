import { STEP_COMMIT, STEP_NEW_HEIGHT, STEP_PRECOMMIT_WAIT, type TendermintRoundState } from "@cairn/consensus";
import {
	BitArray,
	type BlockId,
	type Height,
	type Part,
	type PartSet,
	PRECOMMIT,
	PREVOTE,
	type Round,
	type Vote,
	type VoteType,
} from "@cairn/types";
import type { PeerRoundState } from "./peer-round-state.ts";

/** Votes that could be sent: a vote set of the engine, or a stored commit (Go's `VoteSetReader`). */
export interface VoteSource {
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType;
	/** Number of validators. */
	readonly size: number;
	/** Precommits with +2/3. */
	readonly isCommit: boolean;
	/** A copy. */
	bitArray(): BitArray;
	getByIndex(index: number): Vote | null;
}

/** What gossip needs of the decided blocks on disk. */
export interface DecidedBlocks {
	/** 0 while there are none. */
	readonly base: Height;
	readonly height: Height;
	blockId(height: Height): BlockId | null;
	part(height: Height, index: number): Part | null;
	/** The precommits that decided a height. */
	votes(height: Height): VoteSource | null;
}

/** All that is ours to give. */
export interface OwnState {
	readonly round: TendermintRoundState;
	/** The parts of `round.wantedParts`; null when nobody collects them any more. */
	readonly parts: PartSet | null;
	readonly decided: DecidedBlocks;
}

/** Parts that a peer lacks. */
export interface PartSource {
	readonly missing: BitArray;
	/** The peer is at a height that we have left. */
	readonly isCatchUp: boolean;
	get(index: number): Part | null;
}

/** True if the peer is in our round and lacks our proposal. */
export function lacksProposal({ round }: OwnState, peer: PeerRoundState): boolean {
	return round.proposal !== null && !peer.hasProposal && round.height === peer.height && round.round === peer.round;
}

/** The parts to send to a peer, of the block it collects; null if there are none. May learn which block that is. */
export function partsFor(own: OwnState, peer: PeerRoundState): PartSource | null {
	const source = currentParts(own, peer) ?? catchUpParts(own, peer);
	return source === null || source.missing.isEmpty() ? null : source;
}

function currentParts({ round, parts, decided }: OwnState, peer: PeerRoundState): PartSource | null {
	const { wantedParts } = round;
	const known = peer.parts;
	if (wantedParts === null || known === null || !peer.collects(wantedParts)) return null;
	if (parts !== null) {
		return { missing: known.missing(parts.bits), isCatchUp: false, get: (index) => parts.getPart(index) };
	}
	// Stored, and not yet applied: the parts are in the store only.
	const { height } = round;
	if (decided.height < height) return null;
	return { missing: known.missing(allOf(wantedParts.total)), isCatchUp: false, get: (i) => decided.part(height, i) };
}

/**
 * A node takes parts only of a block that it knows of. One that lags learns of it from the proposal of its round or from the
 * precommits that decided, and then says so: by a valid block, or by its step. Before that, parts would be lost.
 */
function catchUpParts({ round, decided }: OwnState, peer: PeerRoundState): PartSource | null {
	const { height } = peer;
	if (height <= 0 || height >= round.height || decided.base <= 0 || height < decided.base) return null;
	const id = decided.blockId(height);
	if (id === null) return null;
	if (peer.step === STEP_COMMIT) peer.initParts(id.partSetHeader);
	if (peer.parts === null || !peer.collects(id.partSetHeader)) return null;
	const missing = peer.parts.missing(allOf(id.partSetHeader.total));
	return { missing, isCatchUp: true, get: (index) => decided.part(height, index) };
}

function allOf(size: number): BitArray {
	return new BitArray(size).not();
}

/** Where to look for votes that a peer lacks, the most useful first (`pickVoteToSend`). */
export function voteSourcesFor({ round, decided }: OwnState, peer: PeerRoundState): VoteSource[] {
	const { height } = peer;
	if (height <= 0 || height > round.height) return [];
	if (height === round.height) return currentSources(round, peer);
	if (height + 1 === round.height && round.lastCommit !== null) return [round.lastCommit];
	if (decided.base <= 0 || height < decided.base || height > decided.height) return [];
	const stored = decided.votes(height);
	return stored === null ? [] : [stored];
}

function currentSources(own: TendermintRoundState, peer: PeerRoundState): VoteSource[] {
	const sources: (VoteSource | null)[] = [];
	const { round, polRound, step } = peer;
	if (step === STEP_NEW_HEIGHT) sources.push(own.lastCommit);
	const pol = polRound < 0 ? null : (own.votes(polRound)?.prevotes ?? null);
	const isReached = round >= 0 && round <= own.round;
	const votes = isReached ? own.votes(round) : null;
	// A proposal with a proof of lock is worth nothing without it.
	if (isReached) sources.push(pol);
	sources.push(votes?.prevotes ?? null);
	if (step <= STEP_PRECOMMIT_WAIT) sources.push(votes?.precommits ?? null);
	if (!isReached) sources.push(pol);
	// Go waits until it is a height ahead before it helps with the round that decided.
	if (own.commitRound >= 0 && own.commitRound !== round) sources.push(own.votes(own.commitRound)?.precommits ?? null);
	return sources.filter((source) => source !== null);
}

/** The votes of a source that a peer lacks; none where we do not follow what it has of them. May make room to follow it. */
export function missingVotes(source: VoteSource, peer: PeerRoundState): BitArray | null {
	const { height, round, type, size } = source;
	if (size === 0) return null;
	if (source.isCommit) peer.ensureCatchUp(height, round, size);
	peer.ensureVotes(height, size);
	const missing = peer.votesOf(height, round, type)?.missing(source.bitArray()) ?? null;
	return missing === null || missing.isEmpty() ? null : missing;
}

/** A majority that a peer is asked about. */
export interface MajorityClaim {
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType;
	readonly blockId: BlockId;
}

/** The majorities that we know of in the rounds that matter to a peer (`queryMaj23Routine`). */
export function majoritiesFor({ round: own, decided }: OwnState, peer: PeerRoundState): MajorityClaim[] {
	const { height, round, polRound, catchUpRound } = peer;
	const claims: MajorityClaim[] = [];
	const add = (of: Round, type: VoteType): void => {
		const votes = of < 0 ? null : own.votes(of);
		const blockId = (type === PREVOTE ? votes?.prevotes : votes?.precommits)?.majority ?? null;
		if (blockId !== null) claims.push({ height, round: of, type, blockId });
	};
	if (height === own.height) {
		add(round, PREVOTE);
		add(round, PRECOMMIT);
		if (polRound !== round) add(polRound, PREVOTE);
	}
	if (catchUpRound !== -1 && height > 0 && height <= decided.height && height >= decided.base) {
		const blockId = decided.blockId(height);
		const votes = decided.votes(height);
		if (blockId !== null && votes !== null) claims.push({ height, round: votes.round, type: PRECOMMIT, blockId });
	}
	return claims;
}
