import type { PublicKey } from "@cairn/crypto";
import { bytesEqual, invariant } from "@cairn/kit";
import {
	BitArray,
	BLOCK_ID_FLAG_ABSENT,
	type BlockId,
	type BlockKey,
	blockIdKey,
	type Commit,
	commitToVote,
	type ExtendedCommit,
	type ExtendedCommitSig,
	extendedCommitToCommit,
	extendedCommitToVote,
	type Height,
	hasNeededExtension,
	isNilBlockId,
	NIL_BLOCK_ID,
	PRECOMMIT,
	type Round,
	type ValidatorSet,
	type Vote,
	type VoteType,
	voteExtensionSignBytes,
	voteSignBytes,
	voteToExtendedCommitSig,
} from "@cairn/types";

/** Why a vote was not simply added; the names of CometBFT's errors (types/vote.go). */
export type VoteFault =
	| "unexpected-step"
	| "invalid-validator-index"
	| "invalid-validator-address"
	| "non-deterministic-signature"
	| "missing-extension-signature"
	| "unexpected-extension"
	| "invalid-signature"
	| "conflicting-votes";

export interface VoteOutcome {
	readonly added: boolean;
	/** Null when the vote is new, or known already (`added` false). */
	readonly fault: VoteFault | null;
	/** The vote of the same validator for another block that was there before. */
	readonly conflict: Vote | null;
}

export type VerifySignature = (publicKey: PublicKey, message: Uint8Array, signature: Uint8Array) => boolean;

/** Votes for one block id. */
interface BlockVotes {
	readonly blockId: BlockId;
	/** A peer claims that +2/3 voted for this block. */
	claimed: boolean;
	readonly votes: Map<number, Vote>;
	power: bigint;
}

/** The whole content, for snapshots. */
export interface VoteSetContent {
	/** In the order in which blocks were first seen. */
	readonly blocks: readonly { readonly blockId: BlockId; readonly claimed: boolean; readonly votes: readonly Vote[] }[];
	/** Which vote of a validator counts: index and block key, by index. */
	readonly canonical: readonly (readonly [number, BlockKey])[];
	/** Canonical votes that no block counts: conflicting ones that arrived after their block had its majority. */
	readonly uncounted: readonly Vote[];
	readonly majority: BlockKey | null;
	readonly claims: readonly (readonly [string, BlockKey])[];
}

/** Peers that may each claim one majority per vote set; Go is bounded only by the peers that ever connected. */
const MAX_CLAIMS = 1024;

const NEW: VoteOutcome = { added: true, fault: null, conflict: null };
const KNOWN: VoteOutcome = { added: false, fault: null, conflict: null };

function refused(fault: VoteFault): VoteOutcome {
	return { added: false, fault, conflict: null };
}

/**
 * Votes of one height, round and type (types/vote_set.go). For every validator it keeps the first vote seen, which the
 * vote for a block with a majority replaces; conflicting votes are kept only for blocks that a peer claims to have a
 * majority, one claim per peer. So memory is bounded, whoever signs twice.
 */
export class VoteSet {
	readonly height: Height;
	readonly round: Round;
	readonly type: VoteType;
	readonly validators: ValidatorSet;
	/** Votes must (true) or must not (false) carry extension data. */
	readonly extended: boolean;
	readonly #quorum: bigint;
	readonly #twoThirds: bigint;
	readonly #votes = new Map<number, Vote>();
	readonly #bits: BitArray;
	readonly #blocks = new Map<BlockKey, BlockVotes>();
	readonly #claims = new Map<string, BlockId>();
	#power = 0n;
	#majority: BlockId | null = null;

	constructor(height: Height, round: Round, type: VoteType, validators: ValidatorSet, extended = false) {
		invariant(height > 0, "a vote set needs a height");
		this.height = height;
		this.round = round;
		this.type = type;
		this.validators = validators;
		this.extended = extended;
		this.#twoThirds = (validators.totalPower * 2n) / 3n;
		this.#quorum = this.#twoThirds + 1n;
		this.#bits = new BitArray(validators.size);
	}

	get size(): number {
		return this.validators.size;
	}

	/** Power of all who voted, each counted once. */
	get power(): bigint {
		return this.#power;
	}

	/** The least power that is more than two thirds. */
	get quorum(): bigint {
		return this.#quorum;
	}

	/** What `add` would answer if the vote were not new, or null if it is. Changes nothing. */
	examine(vote: Vote): VoteOutcome | null {
		if (vote.validatorIndex < 0) return refused("invalid-validator-index");
		if (vote.validatorAddress.length === 0) return refused("invalid-validator-address");
		if (vote.height !== this.height || vote.round !== this.round || vote.type !== this.type) {
			return refused("unexpected-step");
		}
		const validator = this.validators.getByIndex(vote.validatorIndex);
		if (validator === null) return refused("invalid-validator-index");
		if (!bytesEqual(validator.address, vote.validatorAddress)) return refused("invalid-validator-address");
		const existing = this.#find(vote.validatorIndex, blockIdKey(vote.blockId));
		if (existing === null) return null;
		return bytesEqual(existing.signature, vote.signature) ? KNOWN : refused("non-deterministic-signature");
	}

	/** Adds a vote whose signatures were verified under this set's validators. */
	add(vote: Vote): VoteOutcome {
		return this.examine(vote) ?? this.#extensionFault(vote) ?? this.#insert(vote);
	}

	/** Adds a vote whose signatures are verified here, as Go's `AddVote` does it. */
	addVerifying(vote: Vote, chainId: string, verify: VerifySignature): VoteOutcome {
		const known = this.examine(vote);
		if (known !== null) return known;
		const publicKey = this.validators.getByIndex(vote.validatorIndex)?.publicKey;
		invariant(publicKey !== undefined, "examine found the validator");
		if (!verify(publicKey, voteSignBytes(chainId, vote), vote.signature)) return refused("invalid-signature");
		const fault = this.#extensionFault(vote);
		if (fault !== null) return fault;
		if (vote.extensionSignature.length > 0) {
			const message = voteExtensionSignBytes(chainId, vote);
			if (!verify(publicKey, message, vote.extensionSignature)) return refused("invalid-signature");
		}
		return this.#insert(vote);
	}

	#extensionFault(vote: Vote): VoteOutcome | null {
		if (this.extended) {
			return hasNeededExtension(vote) ? null : refused("missing-extension-signature");
		}
		const present = vote.extension.length > 0 || vote.extensionSignature.length > 0;
		return present ? refused("unexpected-extension") : null;
	}

	#find(index: number, key: BlockKey): Vote | null {
		const canonical = this.#votes.get(index);
		if (canonical !== undefined && blockIdKey(canonical.blockId) === key) return canonical;
		return this.#blocks.get(key)?.votes.get(index) ?? null;
	}

	#insert(vote: Vote): VoteOutcome {
		const index = vote.validatorIndex;
		const key = blockIdKey(vote.blockId);
		const power = this.validators.getByIndex(index)?.votingPower;
		invariant(power !== undefined, "examine found the validator");
		const conflict = this.#votes.get(index) ?? null;
		if (conflict === null) {
			this.#setCanonical(index, vote);
			this.#power += power;
		} else if (this.#majority !== null && blockIdKey(this.#majority) === key) {
			this.#setCanonical(index, vote);
		}
		let block = this.#blocks.get(key);
		if (conflict !== null && block?.claimed !== true) return { added: false, fault: "conflicting-votes", conflict };
		if (block === undefined) {
			block = { blockId: vote.blockId, claimed: false, votes: new Map(), power: 0n };
			this.#blocks.set(key, block);
		}
		this.#count(block, vote, power);
		return conflict === null ? NEW : { added: true, fault: "conflicting-votes", conflict };
	}

	#setCanonical(index: number, vote: Vote): void {
		this.#votes.set(index, vote);
		this.#bits.set(index, true);
	}

	/** Only the first majority counts; its votes become the canonical ones. */
	#count(block: BlockVotes, vote: Vote, power: bigint): void {
		const before = block.power;
		block.votes.set(vote.validatorIndex, vote);
		block.power += power;
		if (this.#majority !== null || before >= this.#quorum || block.power < this.#quorum) return;
		this.#majority = block.blockId;
		for (const [index, counted] of block.votes) this.#setCanonical(index, counted);
	}

	/** A peer claims +2/3 for a block. False if it claimed another block before: that peer is faulty. */
	setPeerMajority(peer: string, blockId: BlockId): boolean {
		const key = blockIdKey(blockId);
		const before = this.#claims.get(peer);
		if (before !== undefined) return blockIdKey(before) === key;
		if (this.#claims.size >= MAX_CLAIMS) return true;
		this.#claims.set(peer, blockId);
		const block = this.#blocks.get(key);
		if (block === undefined) this.#blocks.set(key, { blockId, claimed: true, votes: new Map(), power: 0n });
		else block.claimed = true;
		return true;
	}

	/** Claims of peers, in the order in which they came. */
	get peerMajorities(): ReadonlyMap<string, BlockId> {
		return this.#claims;
	}

	/** Who voted. A copy. */
	bitArray(): BitArray {
		return this.#bits.copy();
	}

	/** Who voted for this block; null if the block is not followed. */
	bitArrayByBlockId(blockId: BlockId): BitArray | null {
		const block = this.#blocks.get(blockIdKey(blockId));
		if (block === undefined) return null;
		return BitArray.fromFunction(this.size, (index) => block.votes.has(index));
	}

	/** The canonical vote of a validator. */
	getByIndex(index: number): Vote | null {
		return this.#votes.get(index) ?? null;
	}

	/** The canonical votes, by index. */
	list(): Vote[] {
		return this.#bits.trueIndices().flatMap((index) => this.#votes.get(index) ?? []);
	}

	/** Every vote kept, conflicting ones included: blocks in the order first seen, votes in the order added. */
	*all(): Iterable<Vote> {
		for (const block of this.#blocks.values()) yield* block.votes.values();
		yield* this.#uncounted();
	}

	#uncounted(): Vote[] {
		return this.list().filter((vote) => {
			return this.#blocks.get(blockIdKey(vote.blockId))?.votes.has(vote.validatorIndex) !== true;
		});
	}

	/** The block id (perhaps nil) that more than two thirds of the power voted for. */
	get majority(): BlockId | null {
		return this.#majority;
	}

	get hasMajority(): boolean {
		return this.#majority !== null;
	}

	/** More than two thirds voted, for whatever. */
	get hasTwoThirdsAny(): boolean {
		return this.#power > this.#twoThirds;
	}

	get hasAll(): boolean {
		return this.#power === this.validators.totalPower;
	}

	/** True for precommits with a majority, also one for nil, as in Go. */
	get isCommit(): boolean {
		return this.type === PRECOMMIT && this.#majority !== null;
	}

	/** `BA{4:xx__} 20/40 = 0.50`, as RPC dumps show it. */
	toDisplay(): string {
		const total = this.validators.totalPower;
		return `${this.#bits.toDisplay()} ${this.#power}/${total} = ${(Number(this.#power) / Number(total)).toFixed(2)}`;
	}

	/** The commit that these precommits prove. */
	makeCommit(): Commit {
		return extendedCommitToCommit(this.makeExtendedCommit());
	}

	/** The commit with its extensions. A vote for another block than the committed one counts as absent. */
	makeExtendedCommit(): ExtendedCommit {
		invariant(this.type === PRECOMMIT, "a commit needs precommits");
		const blockId = this.#majority;
		invariant(blockId !== null, "a commit needs +2/3");
		const key = blockIdKey(blockId);
		const signatures: ExtendedCommitSig[] = [];
		for (let index = 0; index < this.size; index++) {
			const vote = this.#votes.get(index) ?? null;
			const counts = vote !== null && (isNilBlockId(vote.blockId) || blockIdKey(vote.blockId) === key);
			signatures.push(voteToExtendedCommitSig(counts ? vote : null));
		}
		return { height: this.height, round: this.round, blockId, signatures };
	}

	/** Everything that `restoreContent` needs. */
	content(): VoteSetContent {
		return {
			blocks: [...this.#blocks.values()].map(({ blockId, claimed, votes }) => ({
				blockId,
				claimed,
				votes: [...votes.values()],
			})),
			canonical: this.list().map(({ validatorIndex, blockId }) => [validatorIndex, blockIdKey(blockId)] as const),
			uncounted: this.#uncounted(),
			majority: this.#majority === null ? null : blockIdKey(this.#majority),
			claims: [...this.#claims].map(([peer, blockId]) => [peer, blockIdKey(blockId)] as const),
		};
	}

	/** Puts back what `content` told, into an empty set. */
	restoreContent(content: VoteSetContent): void {
		invariant(this.#blocks.size === 0, "restoring needs an empty vote set");
		for (const { blockId, claimed, votes } of content.blocks) {
			const block: BlockVotes = { blockId, claimed, votes: new Map(), power: 0n };
			for (const vote of votes) {
				block.votes.set(vote.validatorIndex, vote);
				block.power += this.validators.getByIndex(vote.validatorIndex)?.votingPower ?? 0n;
			}
			this.#blocks.set(blockIdKey(blockId), block);
		}
		for (const [index, key] of content.canonical) {
			const counted = this.#blocks.get(key)?.votes.get(index);
			const vote = counted ?? content.uncounted.find(({ validatorIndex }) => validatorIndex === index);
			invariant(vote !== undefined, "a canonical vote is missing");
			this.#setCanonical(index, vote);
			this.#power += this.validators.getByIndex(index)?.votingPower ?? 0n;
		}
		this.#majority = content.majority === null ? null : (this.#blocks.get(content.majority)?.blockId ?? NIL_BLOCK_ID);
		for (const [peer, key] of content.claims) {
			const block = this.#blocks.get(key);
			invariant(block !== undefined, "every claimed block is followed");
			this.#claims.set(peer, block.blockId);
		}
	}
}

/**
 * The precommits that a verified commit stands for (`Commit.ToVoteSet`, `ExtendedCommit.ToExtendedVoteSet`); extended
 * exactly when an extended commit is given.
 */
export function voteSetFromCommit(commit: Commit, extended: ExtendedCommit | null, validators: ValidatorSet): VoteSet {
	const { height, round } = commit;
	const votes = new VoteSet(height, round, PRECOMMIT, validators, extended !== null);
	for (const [index, { blockIdFlag }] of (extended ?? commit).signatures.entries()) {
		if (blockIdFlag === BLOCK_ID_FLAG_ABSENT) continue;
		const vote = extended === null ? commitToVote(commit, index) : extendedCommitToVote(extended, index);
		const { added, fault } = votes.add(vote);
		invariant(added, "a stored commit does not fit its validator set", { height, index, fault });
	}
	invariant(votes.hasMajority, "a stored commit lacks +2/3", { height });
	return votes;
}
