import type { AbciClient } from "@cairn/abci";
import type { PublicKey, SignatureCache } from "@cairn/crypto";
import {
	CairnError,
	type Clock,
	type Counter,
	type Histogram,
	invariant,
	type Logger,
	type Metrics,
	toUpperHex,
} from "@cairn/kit";
import type { BlockStore, StateStore } from "@cairn/storage";
import {
	type Block,
	type BlockId,
	blockHash,
	type ChainState,
	type ExtendedCommit,
	evidenceAbciMisbehavior,
	extendedCommitToCommit,
	type Height,
	makeBlock,
	maxBlockBytes,
	maxDataBytes,
	nextBlockTime,
	txsSize,
	type ValidatorSet,
	type Vote,
	validateBlockAgainstState,
} from "@cairn/types";
import type { abci } from "@cairn/types/proto";
import type { EventBus, ExecutedBlock } from "../events.ts";
import type { EvidencePool } from "../evidence/pool.ts";
import type { Mempool, TxLimits } from "../mempool/mempool.ts";
import { extendedCommitInfo, lastCommitInfo } from "./commit-info.ts";
import { nextState, validatorUpdatesFromApp } from "./update-state.ts";

/** Stops the process at a named write point when a test asks for it; does nothing otherwise (CometBFT's libs/fail). */
export type FailPoint = (label: string) => void;

/** The calls of the application that blocks go through. */
export type ConsensusConnection = Pick<
	AbciClient,
	"prepareProposal" | "processProposal" | "extendVote" | "verifyVoteExtension" | "finalizeBlock" | "commit"
>;

export interface ExecutorOptions {
	/** `consensus.block_time_tolerance` in nanoseconds. */
	readonly blockTimeTolerance: bigint;
}

export interface ExecutorParts {
	readonly application: ConsensusConnection;
	readonly stateStore: StateStore;
	readonly blockStore: BlockStore;
	/** Null while blocks are replayed in the handshake. */
	readonly mempool: Mempool | null;
	readonly evidence: EvidencePool | null;
	readonly events: EventBus;
	readonly signatures: SignatureCache;
	readonly clock: Clock;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly failPoint: FailPoint;
	/** Hears of each executed block once its state is saved; a promise that it returns is waited for. */
	readonly onExecuted: (executed: ExecutedBlock) => unknown;
}

export interface AppliedBlock {
	readonly state: ChainState;
	readonly result: abci.ResponseFinalizeBlock;
}

const STATUS_UNKNOWN = 0;
const STATUS_ACCEPT = 1;

/** Everything that happens to a block outside consensus: building, judging and executing it (state/execution.go). */
export class Executor {
	readonly #options: ExecutorOptions;
	readonly #parts: ExecutorParts;
	readonly #processingTime: Histogram;
	readonly #validatorSetUpdates: Counter;
	readonly #paramUpdates: Counter;
	#lastValidated: Uint8Array | null = null;
	#setOfHeight: { readonly height: Height; readonly set: ValidatorSet } | null = null;
	#mempoolUpdate: Promise<void> = Promise.resolve();

	constructor(options: ExecutorOptions, parts: ExecutorParts) {
		this.#options = options;
		this.#parts = parts;
		const { metrics } = parts;
		this.#processingTime = metrics.histogram(
			"state_block_processing_time",
			"Time spent in FinalizeBlock, in milliseconds.",
			[1, 11, 21, 31, 41, 51, 61, 71, 81, 91],
		);
		this.#validatorSetUpdates = metrics.counter("state_validator_set_updates", "Blocks with validator set updates.");
		this.#paramUpdates = metrics.counter("state_consensus_param_updates", "Blocks with consensus param updates.");
	}

	/** Signature check that remembers what it has verified: gossip has seen most of a last commit's votes before. */
	readonly verify = (publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean =>
		this.#parts.signatures.verify(publicKey, message, signature);

	/**
	 * Builds the block this node proposes: evidence first, then transactions within the remaining bytes and gas, as the
	 * application arranges them in PrepareProposal.
	 * @throws CairnError `bad-proposal` when the application answers more bytes than it was given.
	 */
	async createProposal(height: Height, state: ChainState, last: ExtendedCommit, proposer: Uint8Array): Promise<Block> {
		// What the last block has made invalid must not be proposed: the recheck comes first.
		await this.#mempoolUpdate;
		const { block: blockParams, evidence: evidenceParams } = state.consensusParams;
		const unlimited = blockParams.maxBytes === -1n;
		const pending = this.#parts.evidence?.pending(evidenceParams.maxBytes) ?? { evidence: [], bytes: 0 };
		const dataBytes = maxDataBytes(maxBlockBytes(state.consensusParams), pending.bytes, state.validators.size);
		const txs = this.#parts.mempool?.reapMaxBytesMaxGas(unlimited ? -1 : dataBytes, blockParams.maxGas) ?? [];
		const commit = extendedCommitToCommit(last);
		const set = last.height < state.initialHeight ? null : this.#validatorsAt(last.height);
		const response = await this.#parts.application.prepareProposal({
			maxTxBytes: BigInt(dataBytes),
			txs,
			localLastCommit: extendedCommitInfo(last, set, state.initialHeight, state.consensusParams),
			misbehavior: pending.evidence.flatMap(evidenceAbciMisbehavior),
			height: BigInt(height),
			time: nextBlockTime(state, height, commit),
			nextValidatorsHash: state.nextValidators.hash(),
			proposerAddress: proposer,
		});
		const size = txsSize(response.txs);
		if (size > dataBytes) {
			const text = `PrepareProposal answered ${size} bytes of transactions where ${dataBytes} were allowed`;
			throw new CairnError("bad-proposal", "app", text, { height });
		}
		return makeBlock(state, height, response.txs, commit, pending.evidence, proposer);
	}

	/** The application's verdict on a proposed block. @throws CairnError `bad-answer` when it says neither yes nor no. */
	async processProposal(block: Block, state: ChainState): Promise<boolean> {
		const response = await this.#parts.application.processProposal({
			txs: block.txs,
			proposedLastCommit: this.#lastCommitInfo(block, state),
			misbehavior: block.evidence.flatMap(evidenceAbciMisbehavior),
			hash: blockHash(block),
			height: BigInt(block.header.height),
			time: block.header.time,
			nextValidatorsHash: block.header.nextValidatorsHash,
			proposerAddress: block.header.proposerAddress,
		});
		if (response.status === STATUS_UNKNOWN) throw unknownStatus("ProcessProposal", block.header.height);
		return response.status === STATUS_ACCEPT;
	}

	/** All rules of a block against the state before it, evidence included. @throws ValidationError */
	validate(state: ChainState, block: Block): void {
		this.#validateOnce(state, block);
		this.#parts.evidence?.check(block.evidence);
	}

	#validateOnce(state: ChainState, block: Block): void {
		const hash = blockHash(block);
		const expected = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
		if (this.#lastValidated === hash && block.header.height === expected) return;
		validateBlockAgainstState(state, block, this.#parts.clock.wall(), this.#options.blockTimeTolerance, this.verify);
		this.#lastValidated = hash;
	}

	/** The extension for a precommit of this node. */
	async extendVote(block: Block, state: ChainState): Promise<Uint8Array> {
		const response = await this.#parts.application.extendVote({
			hash: blockHash(block),
			height: BigInt(block.header.height),
			time: block.header.time,
			txs: block.txs,
			proposedLastCommit: this.#lastCommitInfo(block, state),
			misbehavior: block.evidence.flatMap(evidenceAbciMisbehavior),
			nextValidatorsHash: block.header.nextValidatorsHash,
			proposerAddress: block.header.proposerAddress,
		});
		return response.voteExtension;
	}

	/** The application's verdict on another validator's extension. */
	async verifyVoteExtension(
		vote: Pick<Vote, "height" | "validatorAddress" | "extension">,
		hash: Uint8Array,
	): Promise<boolean> {
		const response = await this.#parts.application.verifyVoteExtension({
			hash,
			validatorAddress: vote.validatorAddress,
			height: BigInt(vote.height),
			voteExtension: vote.extension,
		});
		if (response.status === STATUS_UNKNOWN) throw unknownStatus("VerifyVoteExtension", vote.height);
		return response.status === STATUS_ACCEPT;
	}

	/**
	 * Validates a decided block, executes it, commits the application and saves the new state. The mempool's recheck goes
	 * on afterwards; the next height's `apply` and `mempoolSettled` wait for it.
	 * @param validated the block was verified by the caller (block sync with a verified commit).
	 */
	async apply(state: ChainState, blockId: BlockId, block: Block, validated = false): Promise<AppliedBlock> {
		if (!validated) this.#validateOnce(state, block);
		const { failPoint, stateStore, logger } = this.#parts;
		const result = await this.#finalize(state, block);
		failPoint("executed");
		await stateStore.saveFinalizeBlockResponse(block.header.height, result);
		failPoint("responses-saved");
		const updates = validatorUpdatesFromApp(result.validatorUpdates, state.consensusParams);
		if (updates.length > 0) {
			logger.info("updates to validators", { updates: updates.length });
			this.#validatorSetUpdates.add(1);
		}
		if (result.consensusParamUpdates !== null) this.#paramUpdates.add(1);
		const next = nextState(state, blockId, block.header, result, updates);
		const retainHeight = await this.#commit(next, block, result);
		failPoint("app-committed");
		await this.#parts.evidence?.update(next, block.evidence);
		failPoint("evidence-updated");
		await stateStore.save(next);
		failPoint("state-saved");
		if (retainHeight > 0) await this.#prune(retainHeight, next);
		await this.#parts.onExecuted({ block, blockId, result });
		this.#publish(block, blockId, result, updates);
		return { state: next, result };
	}

	/** Resolves when the mempool has taken note of the last block. */
	mempoolSettled(): Promise<void> {
		return this.#mempoolUpdate;
	}

	/** FinalizeBlock alone, with its answer checked; the handshake replays old blocks through it. */
	async #finalize(state: ChainState, block: Block): Promise<abci.ResponseFinalizeBlock> {
		const { clock, logger, application } = this.#parts;
		const started = clock.mono();
		const result = await application.finalizeBlock({
			txs: block.txs,
			decidedLastCommit: this.#lastCommitInfo(block, state),
			misbehavior: block.evidence.flatMap(evidenceAbciMisbehavior),
			hash: blockHash(block),
			height: BigInt(block.header.height),
			time: block.header.time,
			nextValidatorsHash: block.header.nextValidatorsHash,
			proposerAddress: block.header.proposerAddress,
		});
		const elapsed = clock.mono() - started;
		this.#processingTime.observe(elapsed);
		logger.info("finalized block", {
			height: block.header.height,
			num_txs_res: result.txResults.length,
			num_val_updates: result.validatorUpdates.length,
			block_app_hash: toUpperHex(result.appHash),
			ms: Math.round(elapsed * 10) / 10,
		});
		if (result.txResults.length !== block.txs.length) {
			const text = `expected tx results length to match size of transactions in block. Expected ${block.txs.length}, got ${result.txResults.length}`;
			throw new CairnError("bad-answer", "app", text, { height: block.header.height });
		}
		return result;
	}

	/** Executes and commits an old block into an application that lags behind; touches no store. Returns its app hash. */
	async replay(state: ChainState, block: Block): Promise<Uint8Array> {
		const result = await this.#finalize(state, block);
		await this.#parts.application.commit({});
		return result.appHash;
	}

	async #commit(state: ChainState, block: Block, result: abci.ResponseFinalizeBlock): Promise<Height> {
		const { mempool, application, logger } = this.#parts;
		await mempool?.lock();
		let retainHeight: Height;
		try {
			const response = await application.commit({});
			retainHeight = Number(response.retainHeight);
		} catch (cause) {
			mempool?.unlock();
			throw cause;
		}
		logger.debug("committed state", { height: block.header.height, block_app_hash: toUpperHex(block.header.appHash) });
		if (mempool !== null) {
			const codes = result.txResults.map((each) => each.code);
			this.#mempoolUpdate = mempool
				.update(block.header.height, block.txs, codes, txLimits(state))
				.finally(() => mempool.unlock());
		}
		return retainHeight;
	}

	async #prune(retainHeight: Height, state: ChainState): Promise<void> {
		const { blockStore, stateStore, logger } = this.#parts;
		const base = blockStore.base;
		if (retainHeight <= base) return;
		try {
			const { pruned, evidenceHeight } = await blockStore.pruneBlocks(retainHeight, state);
			this.#parts.failPoint("blocks-pruned");
			await stateStore.pruneStates(base, retainHeight, evidenceHeight);
			this.#parts.failPoint("states-pruned");
			logger.debug("pruned blocks", { pruned, retain_height: retainHeight });
		} catch (cause) {
			logger.error("failed to prune blocks", { retain_height: retainHeight, err: String(cause) });
		}
	}

	#lastCommitInfo(block: Block, state: ChainState): abci.CommitInfo {
		const first = block.header.height === state.initialHeight;
		return lastCommitInfo(block, first ? null : this.#validatorsAt(block.header.height - 1), state.initialHeight);
	}

	#validatorsAt(height: Height): ValidatorSet {
		if (this.#setOfHeight?.height === height) return this.#setOfHeight.set;
		// Keys and powers are all that commit infos show: the priorities of that height need not be computed.
		const set = this.#parts.stateStore.loadValidatorsFast(height);
		invariant(set !== null, `no validator set is stored for height ${height}`);
		this.#setOfHeight = { height, set };
		return set;
	}

	#publish(block: Block, blockId: BlockId, result: abci.ResponseFinalizeBlock, updates: AppliedUpdates): void {
		const { events } = this.#parts;
		if (!events.heard) return;
		const height = block.header.height;
		events.publish({ name: "NewBlock", block, blockId, result });
		events.publish({ name: "NewBlockHeader", header: block.header });
		events.publish({ name: "NewBlockEvents", height, events: result.events, numTxs: block.txs.length });
		for (const evidence of block.evidence) events.publish({ name: "NewEvidence", evidence, height });
		for (const [index, tx] of block.txs.entries()) {
			const each = result.txResults[index];
			if (each !== undefined) events.publish({ name: "Tx", height, index, tx, result: each });
		}
		if (updates.length > 0) events.publish({ name: "ValidatorSetUpdates", validatorUpdates: updates });
	}
}

type AppliedUpdates = ReturnType<typeof validatorUpdatesFromApp>;

function unknownStatus(call: string, height: Height): CairnError {
	return new CairnError("bad-answer", "app", `${call} responded with status UNKNOWN at height ${height}`, { height });
}

/** What the mempool may take under the params of this state. */
export function txLimits(state: ChainState): TxLimits {
	const bytes = maxBlockBytes(state.consensusParams);
	return { maxDataBytes: maxDataBytes(bytes, 0, state.validators.size), maxGas: state.consensusParams.block.maxGas };
}
