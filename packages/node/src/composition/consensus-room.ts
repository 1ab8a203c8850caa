import {
	BlockAssembler,
	type EventBus,
	type EvidencePool,
	type Executor,
	type FailPoint,
	type Mempool,
} from "@cairn/chain";
import { type Effects, type Tendermint, type TendermintCertificate, TendermintEngine } from "@cairn/consensus";
import type { SignatureCache } from "@cairn/crypto";
import type { VerifiedBlock } from "@cairn/gossip";
import { bytesEqual, CairnError, invariant, type Logger, type Metrics, type World } from "@cairn/kit";
import type { FileSigner } from "@cairn/signer";
import type { BlockStore, Wal } from "@cairn/storage";
import { BLOCK_ID_FLAG_COMMIT, blockIdKey, type ChainState } from "@cairn/types";
import type { Config } from "../config/schema.ts";
import { Driver } from "../consensus/driver.ts";
import { type ConsensusTimeouts, EpochMaker, MemberRegistry } from "../consensus/epochs.ts";
import { Gate } from "../consensus/gate.ts";
import { ConsensusHost } from "../consensus/host.ts";
import type { InputFile } from "../consensus/input-file.ts";
import { replayLog } from "../consensus/recover.ts";
import { ConsensusReporter } from "../consensus/reporter.ts";

export interface ConsensusRoomParts {
	readonly config: Config;
	readonly world: World;
	readonly state: ChainState;
	readonly wal: Wal;
	readonly inputs: InputFile;
	readonly signer: FileSigner | null;
	readonly executor: Executor;
	readonly blockStore: BlockStore;
	readonly mempool: Mempool;
	readonly evidence: EvidencePool;
	readonly events: EventBus;
	readonly signatures: SignatureCache;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly failPoint: FailPoint;
	readonly onHalt: (what: string, cause: unknown) => void;
	readonly onPeerFault: (peer: string, reason: string) => void;
}

/** The signer's number for precommits in its positions. */
const STEP_PRECOMMIT_SIGNED = 3;

/** What `start` arms and asks for, `resumed` asks for again. */
const NO_EFFECTS: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };

/** Engine, driver, host and gate of one chain, wired; `start` sets them going once the node is in sync. */
export class ConsensusRoom {
	readonly engine: TendermintEngine;
	readonly driver: Driver<Tendermint>;
	readonly host: ConsensusHost;
	readonly gate: Gate;
	readonly assembler: BlockAssembler;
	readonly reporter: ConsensusReporter;
	readonly #parts: ConsensusRoomParts;
	readonly #epochs: EpochMaker;
	#running = false;

	constructor(parts: ConsensusRoomParts) {
		this.#parts = parts;
		const { config, world, state, signer } = parts;
		const self = signer?.address ?? new Uint8Array(0);
		this.#epochs = new EpochMaker(
			new MemberRegistry(),
			signer === null ? null : self,
			timeoutsOf(config),
			!config.consensus.createEmptyBlocks || config.consensus.createEmptyBlocksInterval > 0,
		);
		const height = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
		this.assembler = new BlockAssembler(height, state.consensusParams.block.maxBytes, () => {
			const { locked, highest } = this.engine.view();
			return [locked?.block, highest?.block];
		});
		const { logger, metrics, events } = parts;
		this.reporter = new ConsensusReporter({ clock: world.clock, logger, metrics, events, self });
		this.engine = new TendermintEngine({ chainId: state.chainId });
		this.host = new ConsensusHost(state.chainId, state, {
			...parts,
			signer,
			signerAddress: self,
			assembler: this.assembler,
			epochs: this.#epochs,
			reporter: this.reporter,
		});
		this.driver = new Driver(this.engine, this.host);
		this.host.attach(this.driver);
		this.reporter.attach(this.engine);
		this.gate = new Gate({
			engine: this.engine,
			driver: this.driver,
			signatures: parts.signatures,
			logger,
			wantedParts: () => this.engine.gossip().wantedParts,
			fits: (header) => this.assembler.fits(header),
			addPart: (peer, h, round, part, wanted) => this.host.addPart(peer, h, round, part, wanted),
			onFault: parts.onPeerFault,
			onFatal: (cause) => this.host.halt("consensus failure", cause),
		});
		parts.mempool.onAvailable(() => {
			if (this.#running) this.host.workWaits();
		});
	}

	/** The engine takes part in consensus. */
	get running(): boolean {
		return this.#running;
	}

	/**
	 * Stores and executes a block that was decided elsewhere and proven by its commit, before the engine has started. The
	 * consensus log says nothing of such heights: the node takes no part in them.
	 */
	async applySynced(
		state: ChainState,
		{ block, id, parts, commit, extendedCommit }: VerifiedBlock,
	): Promise<ChainState> {
		invariant(!this.#running, "blocks are synced before consensus starts");
		const { blockStore, executor } = this.#parts;
		if (blockStore.height < block.header.height) {
			if (extendedCommit !== null) await blockStore.saveBlockWithExtendedCommit(block, parts, extendedCommit);
			else await blockStore.saveBlock(block, parts, commit);
		}
		const applied = await executor.apply(state, id, block, true);
		this.host.adopt(applied.state);
		return applied.state;
	}

	/** Starts the engine at this state: recovers what the log holds of the height, then lets peers' messages in. */
	async start(state: ChainState): Promise<void> {
		const { wal, logger, signatures, blockStore } = this.#parts;
		this.host.adopt(state);
		this.#refuseSecondMachine(state);
		const at = this.host.now();
		const epochs = [this.#epochs.next(state)];
		this.engine.step(
			{
				kind: "start",
				tip: {
					height: state.lastBlockHeight,
					block: state.lastBlockHeight === 0 ? null : blockIdKey(state.lastBlockId),
					time: state.lastBlockTime,
					certificate: certificateAt(blockStore, state),
				},
				executed: state.lastBlockHeight,
				epochs,
				previous: this.#epochs.previous(state),
				snapshot: null,
				changed: this.#proofBlockDue(state),
			},
			at,
			NO_EFFECTS,
		);
		const { initialHeight } = state;
		const parts = { engine: this.engine, host: this.host, wal, logger, signatures, initialHeight };
		const recovery = await replayLog(state, parts);
		const damaged = wal.repair?.inside === true && wal.repair.lastEndHeight >= state.lastBlockHeight;
		// What was signed at this height was logged before: an empty log is a lost one.
		if (!recovery.complete || damaged || recovery.records === 0) this.#judgeLostLog(state);
		if (!recovery.complete) await this.#beginLogAnew(state);
		this.#running = true;
		this.driver.push({ kind: "resumed", executed: state.lastBlockHeight, epochs });
		if (this.#parts.mempool.size > 0) this.host.workWaits();
		this.gate.open();
		this.gate.pump();
	}

	/**
	 * The log lacks the end of the last height: blocks were synced, or the node fell between block and mark. With the mark
	 * the next start finds what this one logs; without it, it would have to take the height's log for lost.
	 */
	async #beginLogAnew({ lastBlockHeight }: ChainState): Promise<void> {
		const { wal, world } = this.#parts;
		if (this.host.isSilent) return;
		wal.append({ kind: "endHeight", height: lastBlockHeight }, world.clock.wall());
		await wal.sync();
	}

	/** Without its log the node cannot know what it is locked on: it must not sign where it may have precommitted. */
	#judgeLostLog(state: ChainState): void {
		const { logger, signer } = this.#parts;
		const height = this.host.height;
		const [signedHeight, , step] = signer?.lastSigned?.position ?? [0, 0, 0];
		if (signedHeight < height || step < STEP_PRECOMMIT_SIGNED) return;
		this.host.staySilentAt(height);
		logger.error("the consensus log does not reach back to the last block: this validator waits for the next height", {
			height,
			last_block_height: state.lastBlockHeight,
			wal: this.#parts.config.paths.walFile,
		});
	}

	/**
	 * `double_sign_check_height`: a signature of ours in the last blocks means that another machine may be signing with this
	 * key right now (consensus/state.go checkDoubleSigningRisk). @throws CairnError `double-sign-risk`
	 */
	#refuseSecondMachine(state: ChainState): void {
		const { config, signer, blockStore } = this.#parts;
		const wanted = config.consensus.doubleSignCheckHeight;
		if (wanted <= 0 || signer === null || state.lastBlockHeight === 0) return;
		const oldest = Math.max(state.lastBlockHeight - wanted + 1, blockStore.base);
		for (let height = state.lastBlockHeight; height >= oldest; height--) {
			const signatures =
				blockStore.loadSeenCommit(height)?.signatures ?? blockStore.loadCommit(height)?.signatures ?? [];
			const ours = signatures.some(
				(each) => each.blockIdFlag === BLOCK_ID_FLAG_COMMIT && bytesEqual(each.validatorAddress, signer.address),
			);
			if (!ours) continue;
			const text = `this validator's signature is in block ${height}, within the last ${wanted} (consensus.double_sign_check_height): make sure that no other machine runs with this key, wait ${wanted} blocks, or set the key to 0`;
			throw new CairnError("double-sign-risk", "operator", text, { height });
		}
	}

	#proofBlockDue(state: ChainState): boolean {
		const meta = this.#parts.blockStore.loadBlockMeta(state.lastBlockHeight);
		return meta === null || !bytesEqual(state.appHash, meta.header.appHash);
	}

	/** Other timeouts from now on (`consensus.timeout_*` were changed while the node runs). */
	tune(config: Config): void {
		const timeouts = timeoutsOf(config);
		this.#epochs.tune(timeouts);
		if (this.#running) this.driver.push({ kind: "tuned", timeouts: { ...timeouts } });
	}

	/** Ends the loop; what was promised is durable. */
	async stop(): Promise<void> {
		this.gate.close();
		await this.driver.stop();
		await this.host.quiet();
	}
}

function certificateAt(blockStore: BlockStore, state: ChainState): TendermintCertificate | null {
	const height = state.lastBlockHeight;
	if (height === 0) return null;
	const extended = blockStore.loadExtendedCommit(height);
	const commit = blockStore.loadSeenCommit(height);
	return commit === null ? null : { commit, extended };
}

/** `consensus.*` of the configuration in the engine's names. */
export function timeoutsOf({ consensus }: Config): ConsensusTimeouts {
	return {
		propose: consensus.timeoutPropose,
		proposeDelta: consensus.timeoutProposeDelta,
		prevote: consensus.timeoutPrevote,
		prevoteDelta: consensus.timeoutPrevoteDelta,
		precommit: consensus.timeoutPrecommit,
		precommitDelta: consensus.timeoutPrecommitDelta,
		commit: consensus.timeoutCommit,
		createEmptyBlocksInterval: consensus.createEmptyBlocksInterval,
		skipTimeoutCommit: consensus.skipTimeoutCommit ? 1 : 0,
	};
}
