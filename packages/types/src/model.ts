import type { MerkleProof, PublicKey } from "@cairn/crypto";
import type { Flavor } from "@cairn/kit";

/** Position in the decided chain. 0 stands for "none yet". A safe integer, checked at decode. */
export type Height = Flavor<number, "height">;
/** Attempt within a height; -1 stands for "none" (POL round, locked round). */
export type Round = Flavor<number, "round">;
/** Nanoseconds since 1970-01-01T00:00:00Z; may be negative (Go's zero time is `GO_ZERO_TIME`). */
export type TimeNs = bigint;
/** Index of a validator in the sorted set of one height. */
export type ValidatorIndex = Flavor<number, "validator index">;

/** Go's `time.Time{}`: 0001-01-01T00:00:00Z, which CometBFT uses for absent signatures. */
export const GO_ZERO_TIME: TimeNs = -62135596800_000_000_000n;

export interface PartSetHeader {
	readonly total: number;
	readonly hash: Uint8Array;
}

/** Identity of a block: header hash and the header of its part set. Both empty = nil. */
export interface BlockId {
	readonly hash: Uint8Array;
	readonly partSetHeader: PartSetHeader;
}

export const PREVOTE = 1;
export const PRECOMMIT = 2;
/** `SignedMsgType` of a vote: 1 prevote, 2 precommit. */
export type VoteType = typeof PREVOTE | typeof PRECOMMIT;

export interface Vote {
	readonly type: VoteType;
	readonly height: Height;
	readonly round: Round;
	/** The nil block id (`NIL_BLOCK_ID`) for a vote for nil. */
	readonly blockId: BlockId;
	readonly timestamp: TimeNs;
	readonly validatorAddress: Uint8Array;
	readonly validatorIndex: ValidatorIndex;
	readonly signature: Uint8Array;
	readonly extension: Uint8Array;
	readonly extensionSignature: Uint8Array;
}

export interface Proposal {
	readonly height: Height;
	readonly round: Round;
	/** -1 without a proof-of-lock. */
	readonly polRound: Round;
	readonly blockId: BlockId;
	readonly timestamp: TimeNs;
	readonly signature: Uint8Array;
}

export const BLOCK_ID_FLAG_ABSENT = 1;
export const BLOCK_ID_FLAG_COMMIT = 2;
export const BLOCK_ID_FLAG_NIL = 3;
export type BlockIdFlag = typeof BLOCK_ID_FLAG_ABSENT | typeof BLOCK_ID_FLAG_COMMIT | typeof BLOCK_ID_FLAG_NIL;

export interface CommitSig {
	readonly blockIdFlag: BlockIdFlag;
	readonly validatorAddress: Uint8Array;
	readonly timestamp: TimeNs;
	readonly signature: Uint8Array;
}

/** Proof that more than 2/3 of the voting power precommitted a block. */
export interface Commit {
	readonly height: Height;
	readonly round: Round;
	readonly blockId: BlockId;
	readonly signatures: readonly CommitSig[];
}

export interface ExtendedCommitSig extends CommitSig {
	readonly extension: Uint8Array;
	readonly extensionSignature: Uint8Array;
}

/** A commit that also carries the vote extensions and their signatures. */
export interface ExtendedCommit {
	readonly height: Height;
	readonly round: Round;
	readonly blockId: BlockId;
	readonly signatures: readonly ExtendedCommitSig[];
}

export interface ConsensusVersion {
	readonly block: bigint;
	readonly app: bigint;
}

export interface Header {
	readonly version: ConsensusVersion;
	readonly chainId: string;
	readonly height: Height;
	readonly time: TimeNs;
	readonly lastBlockId: BlockId;
	readonly lastCommitHash: Uint8Array;
	readonly dataHash: Uint8Array;
	readonly validatorsHash: Uint8Array;
	readonly nextValidatorsHash: Uint8Array;
	readonly consensusHash: Uint8Array;
	readonly appHash: Uint8Array;
	readonly lastResultsHash: Uint8Array;
	readonly evidenceHash: Uint8Array;
	readonly proposerAddress: Uint8Array;
}

export interface Block {
	readonly header: Header;
	readonly txs: readonly Uint8Array[];
	readonly evidence: readonly Evidence[];
	/** Null only in a block that was decoded from bytes without one; the first block has an empty commit. */
	readonly lastCommit: Commit | null;
}

/** One of the 65,536-byte pieces that a block travels in, with the proof that it belongs. */
export interface Part {
	readonly index: number;
	readonly bytes: Uint8Array;
	readonly proof: MerkleProof;
}

export interface Validator {
	readonly address: Uint8Array;
	readonly publicKey: PublicKey;
	readonly votingPower: bigint;
	readonly proposerPriority: bigint;
}

/** Two different votes of one validator for one position. `voteA` has the smaller block id key. */
export interface DuplicateVoteEvidence {
	readonly kind: "duplicateVote";
	readonly voteA: Vote;
	readonly voteB: Vote;
	readonly totalVotingPower: bigint;
	readonly validatorPower: bigint;
	readonly timestamp: TimeNs;
}

export interface SignedHeader {
	readonly header: Header;
	readonly commit: Commit;
}

export interface LightClientAttackEvidence {
	readonly kind: "lightClientAttack";
	readonly conflictingHeader: SignedHeader;
	/** Set of the conflicting block, as sent. */
	readonly conflictingValidators: readonly Validator[];
	readonly conflictingProposer: Validator | null;
	readonly commonHeight: Height;
	readonly byzantineValidators: readonly Validator[];
	readonly totalVotingPower: bigint;
	readonly timestamp: TimeNs;
}

export type Evidence = DuplicateVoteEvidence | LightClientAttackEvidence;

export interface ConsensusParams {
	readonly block: { readonly maxBytes: bigint; readonly maxGas: bigint };
	/** `maxAgeDuration` in nanoseconds. */
	readonly evidence: { readonly maxAgeNumBlocks: bigint; readonly maxAgeDuration: bigint; readonly maxBytes: bigint };
	/** CometBFT's names of key types: `ed25519`, `secp256k1`, `secp256k1eth`, `bls12_381`, `ml_dsa_65`. */
	readonly validator: { readonly pubKeyTypes: readonly string[] };
	readonly version: { readonly app: bigint };
	readonly abci: { readonly voteExtensionsEnableHeight: Height };
	readonly authority: string;
}

export interface GenesisValidator {
	readonly address: Uint8Array;
	readonly publicKey: PublicKey;
	readonly power: bigint;
	readonly name: string;
}

/** Which protocol and rules a chain runs; absent in genesis means `{ name: "tendermint", rules: "v0.40" }`. */
export interface ConsensusEngineChoice {
	readonly name: string;
	readonly rules: string;
}

export interface GenesisDoc {
	readonly genesisTime: TimeNs;
	readonly chainId: string;
	readonly initialHeight: Height;
	readonly consensusParams: ConsensusParams;
	readonly validators: readonly GenesisValidator[];
	readonly appHash: Uint8Array;
	/** The JSON value as text, byte for byte; empty when absent. */
	readonly appState: string;
	readonly consensusEngine: ConsensusEngineChoice;
}
