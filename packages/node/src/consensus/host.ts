import type { BlockAssembler, EventBus, EvidencePool, Executor, FailPoint, Mempool } from "@cairn/chain";
import type {
	Answer,
	EngineEvent,
	Input,
	Inward,
	Outward,
	Question,
	Stamp,
	Tendermint,
	TendermintCertificate,
	TraceRecord,
} from "@cairn/consensus";
import {
	bytesEqual,
	CairnError,
	invariant,
	type Logger,
	messageOf,
	type Timer,
	toUpperHex,
	type World,
} from "@cairn/kit";
import type { Signer } from "@cairn/signer";
import type { BlockStore, Wal } from "@cairn/storage";
import {
	type Block,
	type BlockKey,
	blockHash,
	blockIdFromKey,
	blockIdKey,
	blockToPartSet,
	type ChainState,
	type ExtendedCommit,
	type Height,
	type Part,
	type PartSet,
	type PartSetHeader,
	type Round,
} from "@cairn/types";
import type { Driver, Host } from "./driver.ts";
import type { EpochMaker } from "./epochs.ts";
import { hasWalRecord, type InputFile } from "./input-file.ts";
import { partRecord, recordsOfInput } from "./log-records.ts";
import type { ConsensusReporter } from "./reporter.ts";

/** What the host tells gossip; set once gossip exists. */
export interface ConsensusListener {
	/** A turn is over: peers may be sent what they lack. */
	settled(): void;
	announced(event: EngineEvent): void;
	/** A block was decided, stored and executed. */
	applied(state: ChainState): void;
}

export interface HostParts {
	readonly world: World;
	readonly wal: Wal;
	readonly inputs: InputFile;
	/** Null for a node without a validator key. */
	readonly signer: Signer | null;
	readonly signerAddress: Uint8Array;
	readonly executor: Executor;
	readonly blockStore: BlockStore;
	readonly assembler: BlockAssembler;
	readonly mempool: Mempool;
	readonly evidence: EvidencePool;
	readonly events: EventBus;
	readonly epochs: EpochMaker;
	readonly reporter: ConsensusReporter;
	readonly logger: Logger;
	readonly failPoint: FailPoint;
	readonly onHalt: (what: string, cause: unknown) => void;
}

/** Where the engine's effects meet the node: log, timers, application, signer, stores and gossip. */
export class ConsensusHost implements Host<Tendermint> {
	readonly #parts: HostParts;
	readonly #chainId: string;
	#state: ChainState;
	#driver: Driver<Tendermint> | null = null;
	#listener: ConsensusListener | null = null;
	readonly #timers = new Map<string, { readonly timer: Timer; readonly after: number }>();
	#lastDuration: { readonly timer: string; readonly after: number } | null = null;
	#halted = false;
	#committing: Promise<void> = Promise.resolve();
	/** A height at which the log is lost while the signer has precommitted: nothing may be signed there. */
	#silentAt: Height = 0;

	constructor(chainId: string, state: ChainState, parts: HostParts) {
		this.#chainId = chainId;
		this.#state = state;
		this.#parts = parts;
	}

	attach(driver: Driver<Tendermint>): void {
		this.#driver = driver;
	}

	listen(listener: ConsensusListener): void {
		this.#listener = listener;
	}

	/** State after the last executed block. */
	get state(): ChainState {
		return this.#state;
	}

	/** Height being decided. */
	get height(): Height {
		return this.#state.lastBlockHeight === 0 ? this.#state.initialHeight : this.#state.lastBlockHeight + 1;
	}

	/** Refuses every signature at this height: the node may have locked there and cannot know on what. */
	staySilentAt(height: Height): void {
		this.#silentAt = height;
	}

	/** Nothing may be signed at the height being decided. */
	get isSilent(): boolean {
		return this.#silentAt === this.height;
	}

	/** Resolves when no block is being committed. */
	quiet(): Promise<void> {
		return this.#committing;
	}

	now(): Stamp {
		const { clock } = this.#parts.world;
		return { mono: clock.mono(), wall: clock.wall() };
	}

	append(record: TraceRecord<Tendermint>): void {
		if (!hasWalRecord(record.input)) this.#parts.inputs.append(record);
		const durationOf = (timer: string): number => (this.#lastDuration?.timer === timer ? this.#lastDuration.after : 0);
		const records = recordsOfInput(record.input, durationOf, (proposal) =>
			this.#parts.assembler.parts(proposal.blockId.partSetHeader),
		);
		for (const each of records) this.#parts.wal.append(each, record.at.wall);
		this.#logProposal(record.input);
	}

	#logProposal(input: Input<Tendermint>): void {
		const own = input.kind === "signed" && "statement" in input.result ? input.result.statement : null;
		const statement = input.kind === "message" ? input.message : own;
		if (statement?.kind !== "proposal") return;
		const { height, round, polRound, blockId } = statement.proposal;
		this.#parts.logger.info("received proposal", {
			height,
			round,
			pol_round: polRound,
			hash: toUpperHex(blockId.hash),
		});
		if (own === null) return;
		this.#parts.logger.info("received complete proposal block", { height, hash: toUpperHex(blockId.hash) });
	}

	async barrier(): Promise<void> {
		const { wal, failPoint } = this.#parts;
		failPoint("before-log-sync");
		await wal.sync();
		failPoint("log-synced");
	}

	mark(): void {}

	settled(): void {
		this.#listener?.settled();
	}

	halt(what: string, cause: unknown): void {
		if (this.#halted) return;
		this.#halted = true;
		for (const { timer } of this.#timers.values()) timer.cancel();
		this.#timers.clear();
		this.#parts.onHalt(what, cause);
	}

	perform(effect: Inward<Tendermint>): void {
		switch (effect.kind) {
			case "setTimer":
				this.#setTimer(effect.timer, effect.after);
				return;
			case "cancelTimer":
				this.#timers.get(effect.timer)?.timer.cancel();
				this.#timers.delete(effect.timer);
				return;
			case "ask":
				this.#ask(effect.request, effect.question);
				return;
			case "fetch":
				this.#fetch(effect.block);
				return;
			case "accuse":
				this.#parts.evidence.report(effect.evidence.voteA, effect.evidence.voteB);
				return;
			case "announce":
				this.#announce(effect.event);
				return;
		}
	}

	release(effect: Outward<Tendermint>): void {
		switch (effect.kind) {
			case "sign":
				void this.#sign(effect);
				return;
			case "send":
				return; // Gossip sends from the engine's state as soon as the turn has settled.
			case "commit":
				this.#committing = this.#commit(effect.height, effect.block, effect.certificate);
				return;
		}
	}

	// ------------------------------------------------------------------------------------------------ block parts

	/**
	 * Takes a part from a peer ("" = ourselves, in replay). A part that fits is in the log before the block counts as held.
	 * @throws ValidationError when the part is false: the sender's fault.
	 */
	addPart(peer: string, height: Height, round: Round, part: Part, wanted: PartSetHeader | null): boolean {
		const added = this.#parts.assembler.add(height, part, wanted);
		if (added.kind === "unwanted" || added.kind === "duplicate") {
			this.#parts.reporter.partReceived(peer, added.kind);
			return false;
		}
		this.#parts.wal.append(partRecord(peer, height, round, part), this.#parts.world.clock.wall());
		this.#parts.reporter.partReceived(peer, "new");
		if (added.kind === "broken") {
			this.#parts.logger.error("the proposed block is broken", { height, round, err: added.why });
			this.#push({ kind: "missing", block: added.key });
		}
		if (added.kind === "complete") this.#blockComplete(added.key, added.block);
		return true;
	}

	/** Adds a part from the log: as `addPart`, but nothing is logged or queued. Returns the block once it is complete. */
	assemble(height: Height, part: Part, wanted: PartSetHeader | null): { key: BlockKey; block: Block } | null {
		const added = this.#parts.assembler.add(height, part, wanted);
		return added.kind === "complete" ? added : null;
	}

	/** Takes parts of this block from now on; the `block` input if it is complete already. */
	want(key: BlockKey): Input<Tendermint> | null {
		const held = this.#parts.assembler.want(key);
		return held === null ? null : blockInput(held.key, held.block);
	}

	#fetch(key: BlockKey): void {
		const known = this.want(key);
		if (known !== null) this.#push(known);
	}

	#blockComplete(key: BlockKey, block: Block): void {
		const { height } = block.header;
		this.#parts.logger.info("received complete proposal block", { height, hash: toUpperHex(blockHash(block)) });
		this.#push(blockInput(key, block));
	}

	// ------------------------------------------------------------------------------------------------ timers

	#setTimer(id: string, after: number): void {
		this.#timers.get(id)?.timer.cancel();
		const timer = this.#parts.world.timers.after(after, () => {
			this.#timers.delete(id);
			this.#lastDuration = { timer: id, after };
			this.#parts.reporter.timedOut(id, after);
			this.#push({ kind: "timer", timer: id });
		});
		this.#timers.set(id, { timer, after });
	}

	// ------------------------------------------------------------------------------------------------ questions

	#ask(request: number, question: Question<Tendermint>): void {
		this.answer(question).then(
			(answer) => this.#push({ kind: "answered", request, answer }),
			(cause: unknown) => this.halt(`the application failed at ${question.kind}`, cause),
		);
	}

	/** Answers a question of the engine. Rejects when the application fails or contradicts itself: the node must stop. */
	async answer(question: Question<Tendermint>): Promise<Answer<Tendermint>> {
		switch (question.kind) {
			case "build":
				return this.#build(question.height, question.proof);
			case "check":
				return { kind: "checked", block: question.block, verdict: await this.#check(question.block) };
			case "extend": {
				const block = this.#bodyOf(question.block);
				const extension = await this.#parts.executor.extendVote(block, this.#state);
				return { kind: "extended", extension };
			}
			case "checkExtension": {
				const { height, address, extension, block } = question;
				const vote = { height, validatorAddress: address, extension };
				return {
					kind: "extensionChecked",
					valid: await this.#parts.executor.verifyVoteExtension(vote, blockIdFromKey(block).hash),
				};
			}
		}
	}

	async #build(height: Height, proof: TendermintCertificate | null): Promise<Answer<Tendermint>> {
		const { executor, assembler, signerAddress, reporter } = this.#parts;
		let block: Block;
		try {
			block = await executor.createProposal(height, this.#state, lastExtendedCommit(proof), signerAddress);
		} catch (cause) {
			if (cause instanceof CairnError && cause.blame === "app") throw cause;
			return { kind: "failed", why: messageOf(cause) };
		}
		const parts = blockToPartSet(block);
		const id = { hash: blockHash(block), partSetHeader: parts.header };
		assembler.put(id, block, parts);
		reporter.proposalCreated();
		const { time, lastBlockId } = block.header;
		return { kind: "built", block: blockIdKey(id), parent: blockIdKey(lastBlockId), height, time, node: null };
	}

	async #check(key: BlockKey): Promise<"valid" | "appRejected" | "invalid"> {
		const block = this.#bodyOf(key);
		try {
			this.#parts.executor.validate(this.#state, block);
		} catch (cause) {
			this.#parts.logger.error("prevote step: consensus deems this block invalid; prevoting nil", {
				height: block.header.height,
				err: messageOf(cause),
			});
			return "invalid";
		}
		const accepted = await this.#parts.executor.processProposal(block, this.#state);
		this.#parts.reporter.proposalJudged(accepted);
		return accepted ? "valid" : "appRejected";
	}

	#bodyOf(key: BlockKey): Block {
		const block = this.#parts.assembler.block(key);
		invariant(block !== null, "the engine asks about a block whose body is not here", { key });
		return block;
	}

	// ------------------------------------------------------------------------------------------------ signatures

	async #sign(effect: Extract<Outward<Tendermint>, { kind: "sign" }>): Promise<void> {
		const result = await this.#trySign(effect);
		this.#push({ kind: "signed", request: effect.request, result });
	}

	/** Asks the signer; a refusal is an answer, a signer that cannot write halts the node. */
	async #trySign(effect: Extract<Outward<Tendermint>, { kind: "sign" }>) {
		const { signer, logger, failPoint } = this.#parts;
		const { statement } = effect;
		if (signer === null) return { refused: "this node has no validator key" };
		if (effect.slot.position[0] === this.#silentAt) {
			return {
				refused: "the consensus log of this height is lost: the node waits for the next height before it signs",
			};
		}
		failPoint("before-sign");
		try {
			if (statement.kind === "proposal") {
				const proposal = await signer.signProposal(this.#chainId, statement.proposal);
				return { statement: { kind: "proposal" as const, proposal } };
			}
			const vote = await signer.signVote(this.#chainId, statement.vote, statement.extended);
			return { statement: { kind: "vote" as const, vote, extended: statement.extended } };
		} catch (cause) {
			logger.error("failed signing", { position: effect.slot.position.join("/"), err: messageOf(cause) });
			if (cause instanceof CairnError && cause.blame === "operator" && cause.code !== "double-sign-guard") {
				this.halt("the signer cannot write its state", cause);
			}
			return { refused: messageOf(cause) };
		} finally {
			failPoint("signed");
		}
	}

	// ------------------------------------------------------------------------------------------------ commit

	async #commit(height: Height, key: BlockKey, certificate: TendermintCertificate): Promise<void> {
		try {
			const block = this.#bodyOf(key);
			const id = blockIdFromKey(key);
			const parts = this.#parts.assembler.parts(id.partSetHeader);
			invariant(parts !== null, "a decided block has its parts");
			const { logger } = this.#parts;
			logger.info("finalizing commit of block", {
				height,
				hash: toUpperHex(id.hash),
				root: toUpperHex(block.header.appHash),
				num_txs: block.txs.length,
				round: certificate.commit.round,
			});
			await this.#store(height, block, parts, certificate);
			await this.#apply(block, key);
		} catch (cause) {
			this.halt(`commit of height ${height} failed`, cause);
		}
	}

	async #store(height: Height, block: Block, parts: PartSet, certificate: TendermintCertificate): Promise<void> {
		const { blockStore, wal, failPoint, world } = this.#parts;
		failPoint("before-save-block");
		if (blockStore.height < height) {
			if (certificate.extended !== null)
				await blockStore.saveBlockWithExtendedCommit(block, parts, certificate.extended);
			else await blockStore.saveBlock(block, parts, certificate.commit);
		}
		failPoint("block-saved");
		// The end of the height in the log says: everything before it is in the stores, recovery starts behind it.
		wal.append({ kind: "endHeight", height }, world.clock.wall());
		await wal.sync();
		failPoint("end-height-logged");
	}

	async #apply(block: Block, key: BlockKey): Promise<void> {
		const { executor, assembler, reporter, failPoint } = this.#parts;
		const { state } = await executor.apply(this.#state, blockIdFromKey(key), block);
		failPoint("applied");
		reporter.committed(block, state, this.#state);
		this.#state = state;
		assembler.reset(this.height, state.consensusParams.block.maxBytes);
		this.#listener?.applied(state);
		this.#push({
			kind: "applied",
			height: block.header.height,
			block: key,
			appHash: state.appHash,
			changed: !bytesEqual(state.appHash, block.header.appHash),
			epochs: [this.#parts.epochs.next(state)],
		});
		// What came while the block was executed was announced for its height, or will not be announced again.
		if (this.#parts.mempool.size > 0) this.workWaits();
	}

	/** Takes over the state that block sync has reached, before the engine starts. */
	adopt(state: ChainState): void {
		this.#state = state;
		this.#parts.assembler.reset(this.height, state.consensusParams.block.maxBytes);
	}

	/** Transactions wait: an engine that holds back empty blocks is told. */
	workWaits(): void {
		this.#push({ kind: "work", height: this.height });
	}

	#announce(event: EngineEvent): void {
		const { reporter, wal, world } = this.#parts;
		if (event.name === "NewRoundStep") {
			const { height, round, step } = event;
			wal.append({ kind: "roundState", height, round, step }, world.clock.wall());
		}
		reporter.announced(event);
		this.#listener?.announced(event);
	}

	#push(input: Input<Tendermint>): void {
		if (!this.#halted) this.#driver?.push(input);
	}
}

function blockInput(key: BlockKey, block: Block): Input<Tendermint> {
	const { height, time, lastBlockId } = block.header;
	return { kind: "block", block: key, parent: blockIdKey(lastBlockId), height, time, node: null };
}

/** The commit behind a proposal with extensions, or with empty ones where the height had none; empty at the first height. */
function lastExtendedCommit(proof: TendermintCertificate | null): ExtendedCommit {
	if (proof === null) return { height: 0, round: 0, blockId: blockIdFromKey("" as BlockKey), signatures: [] };
	if (proof.extended !== null) return proof.extended;
	const none = new Uint8Array(0);
	const signatures = proof.commit.signatures.map((each) => ({ ...each, extension: none, extensionSignature: none }));
	return { ...proof.commit, signatures };
}
