import { BlockAssembler } from "@cairn/chain";
import {
	type Answer,
	type Effects,
	type Epoch,
	type Input,
	type Inward,
	type Outward,
	type Question,
	type Tendermint,
	TendermintEngine,
	type TendermintStatement,
} from "@cairn/consensus";
import { addressOf, type PrivateKey, publicKeyOf, SignatureCache, sign } from "@cairn/crypto";
import { type Logger, noMetrics, silentLogger, type Timer } from "@cairn/kit";
import { BlockStore } from "@cairn/storage";
import {
	type BlockKey,
	blockHash,
	blockIdFromKey,
	blockIdKey,
	blockToPartSet,
	type ChainState,
	type Commit,
	EMPTY_COMMIT,
	extendedCommitToCommit,
	type Height,
	isNilBlockId,
	makeBlock,
	PRECOMMIT,
	proposalSignBytes,
	voteExtensionSignBytes,
	voteSignBytes,
} from "@cairn/types";
import { type ManualTime, MemoryStore } from "@cairn/world";
import { ConsensusGossip } from "../consensus/consensus-gossip.ts";
import type { PeerMessage } from "../consensus/context.ts";
import { CHAIN_ID, stateAfter } from "./chain-fixture.ts";

export interface SimNodeOptions {
	readonly time: ManualTime;
	readonly genesis: ChainState;
	/** Null for a node that only follows. */
	readonly key: PrivateKey | null;
	readonly store?: BlockStore;
	/** State that `store` has reached. */
	readonly state?: ChainState;
	readonly txBytes?: number;
	readonly timeouts?: Readonly<Record<string, number>>;
	/** What to do with a peer that broke a rule. */
	readonly onFault: (peer: string, reason: string) => void;
	readonly logger?: Logger;
}

const TIMEOUTS = { propose: 3000, proposeDelta: 500, prevote: 1000, prevoteDelta: 500, precommit: 1000 };

/** A whole node in memory, but for its application and its log: real engine, real gossip, real blocks and signatures. */
export class SimNode {
	readonly engine = new TendermintEngine({ chainId: CHAIN_ID });
	readonly gossip: ConsensusGossip;
	readonly store: BlockStore;
	readonly assembler: BlockAssembler;
	state: ChainState;
	/** Pretends that a turn waits for the disk. */
	isHeld = false;
	readonly #options: SimNodeOptions;
	readonly #signatures = new SignatureCache(100_000);
	readonly #timers = new Map<string, Timer>();
	#inbox: Input<Tendermint>[] = [];
	#later: PeerMessage[] = [];
	#place = "";
	#isRunning = false;
	#isDead = false;

	constructor(options: SimNodeOptions) {
		this.#options = options;
		this.state = options.state ?? options.genesis;
		this.store = options.store ?? BlockStore.open(new MemoryStore());
		const { time } = options;
		this.assembler = new BlockAssembler(this.height, this.state.consensusParams.block.maxBytes);
		this.gossip = new ConsensusGossip(
			{
				initialHeight: options.genesis.initialHeight,
				gossipSleepMs: 100,
				queryMaj23SleepMs: 2000,
				syncing: true,
			},
			{
				roundState: () => this.engine.gossip(),
				busy: () => this.#isRunning || this.isHeld,
				assembler: this.assembler,
				blockStore: this.store,
				chainState: () => this.state,
				submit: (message) => this.#submit(message),
				world: { clock: time, timers: time },
				logger: options.logger ?? silentLogger,
				metrics: noMetrics,
			},
		);
	}

	get height(): Height {
		const { lastBlockHeight, initialHeight } = this.state;
		return lastBlockHeight === 0 ? initialHeight : lastBlockHeight + 1;
	}

	start(): void {
		const { lastBlockHeight: height, lastBlockId, lastBlockTime } = this.state;
		const tip = {
			height,
			block: height === 0 ? null : blockIdKey(lastBlockId),
			time: lastBlockTime,
			certificate: height === 0 ? null : this.#certificate(height),
		};
		const previous = height === 0 ? null : this.#epoch(height, this.state.lastValidators);
		const epochs = [this.#epoch(this.height, this.state.validators)];
		this.push({ kind: "start", tip, executed: height, epochs, previous, snapshot: null });
		this.gossip.setSyncing(false);
		this.gossip.start();
	}

	/** The process is gone; nothing it planned happens. */
	kill(): void {
		this.#isDead = true;
		this.gossip.stop();
		for (const timer of this.#timers.values()) timer.cancel();
	}

	#certificate(height: Height): Tendermint["certificate"] {
		const extended = this.store.loadExtendedCommit(height);
		const commit = extended === null ? this.store.loadSeenCommit(height) : extendedCommitToCommit(extended);
		return { commit: commit ?? EMPTY_COMMIT, extended };
	}

	#epoch(height: Height, validators: ChainState["validators"]): Epoch {
		const { key, timeouts } = this.#options;
		const own = key === null ? null : validators.getByAddress(addressOf(publicKeyOf(key)));
		const enabled = this.state.consensusParams.abci.voteExtensionsEnableHeight;
		return {
			number: height,
			from: height,
			last: height,
			validators,
			members: validators.validators.map((_, index) => index),
			self: own?.index ?? null,
			params: {
				timeouts: { ...TIMEOUTS, precommitDelta: 500, commit: 1000, ...timeouts },
				extensions: enabled > 0 && height >= enabled,
				waitForWork: false,
			},
		};
	}

	// ------------------------------------------------------------------------------------------------ turns

	push(input: Input<Tendermint>): void {
		if (this.#isDead) return;
		this.#inbox.push(input);
		if (!this.#isRunning) this.#run();
	}

	#run(): void {
		this.#isRunning = true;
		const held: Outward<Tendermint>[] = [];
		const out: Effects<Tendermint> = {
			inward: (effect) => this.#perform(effect),
			outward: (effect) => held.push(effect),
			mark: () => {},
		};
		while (this.#inbox.length > 0) {
			for (const input of this.#inbox.splice(0)) this.engine.step(input, this.#stamp(), out);
			for (const effect of held.splice(0)) this.#release(effect);
		}
		this.#isRunning = false;
		this.gossip.settled();
		this.#retryLater();
	}

	/** What was too early gets another look when the height or round has moved on. */
	#retryLater(): void {
		const { height, round } = this.engine.view();
		const place = `${height}/${round}`;
		if (place === this.#place) return;
		this.#place = place;
		for (const message of this.#later.splice(0)) this.#submit(message);
	}

	#stamp(): { mono: number; wall: bigint } {
		const { time } = this.#options;
		return { mono: time.mono(), wall: time.wall() };
	}

	#perform(effect: Inward<Tendermint>): void {
		switch (effect.kind) {
			case "setTimer":
				this.#timers.get(effect.timer)?.cancel();
				this.#timers.set(
					effect.timer,
					this.#options.time.after(effect.after, () => this.push({ kind: "timer", timer: effect.timer })),
				);
				return;
			case "cancelTimer":
				this.#timers.get(effect.timer)?.cancel();
				return;
			case "ask":
				this.push({ kind: "answered", request: effect.request, answer: this.#answer(effect.question) });
				return;
			case "fetch": {
				const held = this.assembler.want(effect.block);
				if (held !== null) this.#blockComplete(held.key);
				return;
			}
			case "announce":
				this.gossip.announced(effect.event);
				return;
			case "accuse":
				return;
		}
	}

	#answer(question: Question<Tendermint>): Answer<Tendermint> {
		switch (question.kind) {
			case "build":
				return this.#build(question.height, question.proof?.commit ?? EMPTY_COMMIT);
			case "check":
				return { kind: "checked", block: question.block, verdict: "valid" };
			case "extend":
				return { kind: "extended", extension: Uint8Array.of(7) };
			case "checkExtension":
				return { kind: "extensionChecked", valid: true };
		}
	}

	#build(height: Height, commit: Commit): Answer<Tendermint> {
		const { key, txBytes = 100 } = this.#options;
		if (key === null) return { kind: "failed", why: "no key" };
		const txs = [new Uint8Array(txBytes).fill(height)];
		const block = makeBlock(this.state, height, txs, commit, [], addressOf(publicKeyOf(key)));
		const parts = blockToPartSet(block);
		const id = { hash: blockHash(block), partSetHeader: parts.header };
		this.assembler.put(id, block, parts);
		const { time, lastBlockId } = block.header;
		return { kind: "built", block: blockIdKey(id), parent: blockIdKey(lastBlockId), height, time, node: null };
	}

	#blockComplete(key: BlockKey): void {
		const block = this.assembler.block(key);
		if (block === null) return;
		const { height, time, lastBlockId } = block.header;
		this.push({ kind: "block", block: key, parent: blockIdKey(lastBlockId), height, time, node: null });
	}

	#release(effect: Outward<Tendermint>): void {
		if (effect.kind === "sign") this.push(this.#sign(effect.request, effect.statement));
		else if (effect.kind === "commit") void this.#commit(effect.height, effect.block, effect.certificate);
	}

	#sign(request: number, statement: TendermintStatement): Input<Tendermint> {
		const { key } = this.#options;
		if (key === null) return { kind: "signed", request, result: { refused: "no key" } };
		if (statement.kind === "proposal") {
			const proposal = {
				...statement.proposal,
				signature: sign(key, proposalSignBytes(CHAIN_ID, statement.proposal)),
			};
			return { kind: "signed", request, result: { statement: { kind: "proposal", proposal } } };
		}
		const { vote, extended } = statement;
		const hasExtension = extended && vote.type === PRECOMMIT && !isNilBlockId(vote.blockId);
		const signed = {
			...vote,
			signature: sign(key, voteSignBytes(CHAIN_ID, vote)),
			extensionSignature: hasExtension ? sign(key, voteExtensionSignBytes(CHAIN_ID, vote)) : new Uint8Array(0),
		};
		return { kind: "signed", request, result: { statement: { kind: "vote", vote: signed, extended } } };
	}

	async #commit(height: Height, key: BlockKey, certificate: Tendermint["certificate"]): Promise<void> {
		const id = blockIdFromKey(key);
		const block = this.assembler.block(key);
		const parts = this.assembler.parts(id.partSetHeader);
		if (block === null || parts === null) throw new Error("a decided block is here");
		if (certificate.extended !== null) {
			await this.store.saveBlockWithExtendedCommit(block, parts, certificate.extended);
		} else {
			await this.store.saveBlock(block, parts, certificate.commit);
		}
		if (this.#isDead) return;
		this.state = stateAfter(this.state, block, id);
		this.assembler.reset(this.height, this.state.consensusParams.block.maxBytes);
		this.gossip.applied(this.state);
		this.push({
			kind: "applied",
			height,
			block: key,
			appHash: new Uint8Array(0),
			changed: false,
			epochs: [this.#epoch(this.height, this.state.validators)],
		});
	}

	// ------------------------------------------------------------------------------------------------ peers

	#submit(message: PeerMessage): void {
		try {
			if (message.kind === "part") {
				const wanted = this.engine.gossip().wantedParts;
				const added = this.assembler.add(message.height, message.part, wanted);
				if (added.kind === "complete") this.#blockComplete(added.key);
				return;
			}
			this.#admit(message);
		} catch (cause) {
			this.#options.onFault(message.peer, cause instanceof Error ? cause.message : String(cause));
		}
	}

	#admit(given: Extract<PeerMessage, { kind: "engine" }>): void {
		const { peer, message } = given;
		const admission = this.engine.admit({ peer, signer: null, epoch: 0 }, message);
		if (admission.kind === "later") this.#later.push(given);
		if (admission.kind === "drop" && admission.fault) this.#options.onFault(peer, admission.why);
		if (admission.kind !== "verify") return;
		const { validators } = admission.epoch;
		for (const { index, signBytes, signature } of this.engine.claims(message, admission.epoch)) {
			const validator = validators.getByIndex(index);
			if (validator === null || !this.#signatures.verify(validator.publicKey, signBytes, signature)) {
				this.#options.onFault(peer, `invalid signature on ${message.kind}`);
				return;
			}
		}
		this.push({ kind: "message", origin: { peer, signer: null, epoch: admission.epoch.number }, message });
	}
}
