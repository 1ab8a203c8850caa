import { type PrivateKey, privateKeyFromSeed, publicKeyOf, sha256, sign } from "@cairn/crypto";
import { invariant, utf8 } from "@cairn/kit";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	type Block,
	type BlockId,
	blockHash,
	blockToPartSet,
	type ChainState,
	type Commit,
	commitVoteSignBytes,
	defaultConsensusParams,
	EMPTY_COMMIT,
	type ExtendedCommit,
	extendedCommitToVote,
	GO_ZERO_TIME,
	genesisState,
	type Height,
	makeBlock,
	newValidator,
	type PartSet,
	ValidatorSet,
	voteExtensionSignBytes,
} from "@cairn/types";

// A chain of blocks that fit each other, with real keys and signatures, for the tests of this package.

export const CHAIN_ID = "test-chain";
export const GENESIS_TIME = 1_700_000_000_000_000_000n;
const NONE = new Uint8Array(0);

/** Keys in the order of the set. */
export function testKeys(count: number): PrivateKey[] {
	const keys = Array.from({ length: count }, (_, i) => privateKeyFromSeed("ed25519", sha256(utf8(`validator ${i}`))));
	const set = ValidatorSet.create(keys.map((key) => newValidator(publicKeyOf(key), 10n)));
	return set.validators.map(({ publicKey }) => {
		const key = keys.find((each) => String(publicKeyOf(each).bytes) === String(publicKey.bytes));
		invariant(key !== undefined, "every validator has its key");
		return key;
	});
}

export interface ChainOptions {
	readonly extensionsFrom?: Height;
	readonly initialHeight?: Height;
}

export function testGenesis(keys: readonly PrivateKey[], options: ChainOptions = {}): ChainState {
	const params = defaultConsensusParams();
	return genesisState({
		genesisTime: GENESIS_TIME,
		chainId: CHAIN_ID,
		initialHeight: options.initialHeight ?? 1,
		consensusParams: { ...params, abci: { voteExtensionsEnableHeight: options.extensionsFrom ?? 0 } },
		validators: keys.map((key) => ({
			address: newValidator(publicKeyOf(key), 10n).address,
			publicKey: publicKeyOf(key),
			power: 10n,
			name: "",
		})),
		appHash: NONE,
		appState: "",
		consensusEngine: { name: "tendermint", rules: "v0.40" },
	});
}

/** What an application that changes nothing makes of a block. */
export function stateAfter(state: ChainState, block: Block, id: BlockId): ChainState {
	const { height, time } = block.header;
	return {
		...state,
		lastBlockHeight: height,
		lastBlockId: id,
		lastBlockTime: time,
		nextValidators: state.nextValidators.copyIncrementProposerPriority(1),
		validators: state.nextValidators,
		lastValidators: state.validators,
	};
}

export interface TestBlock {
	readonly block: Block;
	readonly id: BlockId;
	readonly parts: PartSet;
	/** The state that the block follows, and the one after it. */
	readonly before: ChainState;
	readonly after: ChainState;
	readonly commit: Commit;
	readonly extended: ExtendedCommit | null;
}

export class TestChain {
	readonly keys: readonly PrivateKey[];
	readonly genesis: ChainState;
	readonly blocks: TestBlock[] = [];
	readonly #options: ChainOptions;

	constructor(validators: number, options: ChainOptions = {}) {
		this.keys = testKeys(validators);
		this.#options = options;
		this.genesis = testGenesis(this.keys, options);
	}

	get state(): ChainState {
		return this.blocks.at(-1)?.after ?? this.genesis;
	}

	at(height: Height): TestBlock {
		const found = this.blocks[height - (this.#options.initialHeight ?? 1)];
		invariant(found !== undefined, "no such block", { height });
		return found;
	}

	/** Adds blocks of so many bytes of transactions. */
	grow(count: number, txBytes = 100): this {
		for (let each = 0; each < count; each++) this.blocks.push(this.#next(txBytes));
		return this;
	}

	#next(txBytes: number): TestBlock {
		const before = this.state;
		const height = before.lastBlockHeight === 0 ? before.initialHeight : before.lastBlockHeight + 1;
		const last = this.blocks.at(-1)?.commit ?? EMPTY_COMMIT;
		const proposer = before.validators.proposer;
		invariant(proposer !== null, "a set has a proposer");
		const txs = txBytes === 0 ? [] : [new Uint8Array(txBytes).fill(height)];
		const block = makeBlock(before, height, txs, last, [], proposer.address);
		const parts = blockToPartSet(block);
		const id = { hash: blockHash(block), partSetHeader: parts.header };
		const enabled = this.#options.extensionsFrom ?? 0;
		const extended = enabled > 0 && height >= enabled ? signedExtended(this.keys, before.validators, id, height) : null;
		const commit = signedCommit(this.keys, before.validators, id, height);
		return { block, id, parts, before, after: stateAfter(before, block, id), commit, extended };
	}
}

/** A commit of all but the `absent` validators. */
export function signedCommit(
	keys: readonly PrivateKey[],
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	options: { readonly absent?: readonly number[]; readonly round?: number } = {},
): Commit {
	const unsigned = validators.validators.map(({ address }, index) => {
		const isAbsent = options.absent?.includes(index) === true;
		return {
			blockIdFlag: isAbsent ? BLOCK_ID_FLAG_ABSENT : BLOCK_ID_FLAG_COMMIT,
			validatorAddress: isAbsent ? NONE : address,
			timestamp: isAbsent ? GO_ZERO_TIME : GENESIS_TIME + BigInt(height) * 1_000_000_000n,
			signature: NONE,
		} as const;
	});
	const commit: Commit = { height, round: options.round ?? 0, blockId, signatures: unsigned };
	const signatures = unsigned.map((each, index) => {
		const key = keys[index];
		if (each.blockIdFlag === BLOCK_ID_FLAG_ABSENT || key === undefined) return each;
		return { ...each, signature: sign(key, commitVoteSignBytes(CHAIN_ID, commit, index)) };
	});
	return { ...commit, signatures };
}

/** As `signedCommit`, every vote with an extension. */
export function signedExtended(
	keys: readonly PrivateKey[],
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
): ExtendedCommit {
	const commit = signedCommit(keys, validators, blockId, height);
	const plain = commit.signatures.map((each, i) => ({
		...each,
		extension: utf8(`of ${i}`),
		extensionSignature: NONE,
	}));
	const unsigned: ExtendedCommit = { ...commit, signatures: plain };
	const signatures = plain.map((each, index) => {
		const key = keys[index];
		invariant(key !== undefined, "every validator has its key");
		const message = voteExtensionSignBytes(CHAIN_ID, extendedCommitToVote(unsigned, index));
		return { ...each, extensionSignature: sign(key, message) };
	});
	return { ...unsigned, signatures };
}
