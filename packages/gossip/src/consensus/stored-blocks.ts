import {
	BitArray,
	BLOCK_ID_FLAG_ABSENT,
	type BlockId,
	type BlockMeta,
	type Commit,
	commitToVote,
	type ExtendedCommit,
	extendedCommitToVote,
	type Height,
	type Part,
	PRECOMMIT,
	type Round,
	type Vote,
	type VoteType,
} from "@cairn/types";
import type { DecidedBlocks, VoteSource } from "./plan.ts";

/** The reads of the block store that gossip of consensus needs. */
export interface BlockReader {
	readonly base: Height;
	readonly height: Height;
	loadBlockMeta(height: Height): BlockMeta | null;
	loadPart(height: Height, index: number): Part | null;
	loadCommit(height: Height): Commit | null;
	loadSeenCommit(height: Height): Commit | null;
	loadExtendedCommit(height: Height): ExtendedCommit | null;
}

/** The precommits of a commit, made when asked for. */
export class CommitVotes implements VoteSource {
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType = PRECOMMIT;
	readonly size: number;
	readonly isCommit = true;
	readonly #bits: BitArray;
	readonly #make: (index: number) => Vote;
	readonly #votes = new Map<number, Vote>();

	private constructor(commit: Commit, make: (index: number) => Vote) {
		this.height = commit.height;
		this.round = commit.round;
		this.size = commit.signatures.length;
		this.#bits = BitArray.fromFunction(this.size, (index) => {
			return commit.signatures[index]?.blockIdFlag !== BLOCK_ID_FLAG_ABSENT;
		});
		this.#make = make;
	}

	static of(commit: Commit): CommitVotes {
		return new CommitVotes(commit, (index) => commitToVote(commit, index));
	}

	static ofExtended(commit: ExtendedCommit): CommitVotes {
		return new CommitVotes(commit, (index) => extendedCommitToVote(commit, index));
	}

	bitArray(): BitArray {
		return this.#bits.copy();
	}

	/** The same object each time, so that it is encoded once. */
	getByIndex(index: number): Vote | null {
		if (!this.#bits.get(index)) return null;
		let vote = this.#votes.get(index);
		if (vote === undefined) {
			vote = this.#make(index);
			this.#votes.set(index, vote);
		}
		return vote;
	}
}

/** Heights whose votes are kept at hand: peers that lag rarely lag all at different heights. */
const CACHED_HEIGHTS = 16;

/** Decided blocks as they are stored. */
export class StoredBlocks implements DecidedBlocks {
	readonly #store: BlockReader;
	readonly #hasExtensions: (height: Height) => boolean;
	readonly #votes = new Map<Height, CommitVotes>();

	/** @param hasExtensions whether precommits of that height must carry vote extensions */
	constructor(store: BlockReader, hasExtensions: (height: Height) => boolean) {
		this.#store = store;
		this.#hasExtensions = hasExtensions;
	}

	get base(): Height {
		return this.#store.base;
	}

	get height(): Height {
		return this.#store.height;
	}

	blockId(height: Height): BlockId | null {
		return this.#store.loadBlockMeta(height)?.blockId ?? null;
	}

	part(height: Height, index: number): Part | null {
		return this.#store.loadPart(height, index);
	}

	votes(height: Height): VoteSource | null {
		const known = this.#votes.get(height);
		if (known !== undefined) return known;
		const votes = this.#loadVotes(height);
		if (votes === null) return null;
		if (this.#votes.size >= CACHED_HEIGHTS) {
			for (const oldest of this.#votes.keys()) {
				this.#votes.delete(oldest);
				break;
			}
		}
		this.#votes.set(height, votes);
		return votes;
	}

	#loadVotes(height: Height): CommitVotes | null {
		if (this.#hasExtensions(height)) {
			const extended = this.#store.loadExtendedCommit(height);
			return extended === null ? null : CommitVotes.ofExtended(extended);
		}
		const commit = this.#store.loadCommit(height) ?? this.#store.loadSeenCommit(height);
		return commit === null ? null : CommitVotes.of(commit);
	}
}
