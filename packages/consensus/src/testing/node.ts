import { fromUtf8, invariant, utf8 } from "@cairn/kit";
import { type BlockKey, blockIdKey, commitToVote, extendedCommitToVote, PRECOMMIT } from "@cairn/types";
import type { Effects, Input, Inward, Outward, Stamp, TraceRecord } from "../core/engine.ts";
import { TendermintEngine } from "../tendermint/engine.ts";
import type { Tendermint, TendermintMessage } from "../tendermint/protocol.ts";
import { CHAIN_ID, GENESIS_TIME } from "./fixture.ts";
import { Guard } from "./guard.ts";
import { type BlockInfo, type DecidedBlock, deepFreeze, type Network } from "./network.ts";

/** A node: engine, log, signer's guard, store and executor; what is durable survives a crash. */
export class SimulatedNode {
	readonly network: Network;
	readonly index: number;
	engine: TendermintEngine;
	alive = true;
	incarnation = 0;
	chain: DecidedBlock[] = [];
	readonly #guard = new Guard();
	readonly bodies = new Set<BlockKey>();
	#unflushedBodies: BlockKey[] = [];
	#log: TraceRecord<Tendermint>[] = [];
	#durable = 0;
	#sequence = 0;
	#inbox: Input<Tendermint>[] = [];
	#later: Input<Tendermint>[] = [];
	#busy = false;
	#pumping = false;
	#signedTail = false;
	#otherTail = false;
	#timers = new Map<string, number>();
	#timerCounter = 0;
	#startedAt = 0;

	constructor(network: Network, index: number) {
		this.network = network;
		this.index = index;
		this.engine = new TendermintEngine({ chainId: CHAIN_ID });
		this.push(this.#startInput());
		this.#gossipLater();
	}

	#startInput(): Input<Tendermint> {
		const last = this.chain.at(-1);
		const height = last?.block.height ?? 0;
		const { network, index } = this;
		return {
			kind: "start",
			tip: {
				height,
				block: last?.block.key ?? null,
				time: last?.block.time ?? GENESIS_TIME,
				certificate: last?.certificate ?? null,
			},
			executed: height,
			epochs: [network.epoch(height + 1, index), network.epoch(height + 2, index)],
			previous: height === 0 ? null : network.epoch(height, index),
			snapshot: null,
		};
	}

	get #stamp(): Stamp {
		const { now } = this.network;
		return { mono: now - this.#startedAt, wall: GENESIS_TIME + BigInt(now) * 1_000_000n };
	}

	push(input: Input<Tendermint>): void {
		this.#inbox.push(deepFreeze(input));
		this.#pumpSoon();
	}

	#pumpSoon(): void {
		if (this.#pumping || this.#busy || !this.alive || this.#inbox.length === 0) return;
		this.#pumping = true;
		const { incarnation } = this;
		this.network.after(0, () => {
			if (incarnation !== this.incarnation) return;
			this.#pumping = false;
			this.#turn();
		});
	}

	/** One turn of the driver: log and step a batch, pass the barrier once, release. */
	#turn(): void {
		const batch = this.#inbox.splice(0, 1 + this.network.integer(6));
		const held: Outward<Tendermint>[] = [];
		const out = this.#effects((effect) => held.push(effect));
		for (const input of batch) if (this.#admits(input)) this.#logAndStep(input, out);
		const promises = held.some(({ kind }) => kind !== "send");
		if (held.length > 0 && (this.#otherTail || (this.#signedTail && promises))) this.#barrier(held);
		else this.#release(held);
		this.#wakeLater();
		this.#pumpSoon();
	}

	#effects(outward: (effect: Outward<Tendermint>) => void): Effects<Tendermint> {
		return {
			inward: (effect) => this.#perform(deepFreeze(effect)),
			outward: (effect) => outward(deepFreeze(effect)),
			mark: (line) => this.network.marks.add(line),
		};
	}

	#admits(input: Input<Tendermint>): boolean {
		if (input.kind !== "message") return true;
		const admission = this.engine.admit(input.origin, input.message);
		if (admission.kind === "later" && this.#later.length < 256) this.#later.push(input);
		return admission.kind === "verify";
	}

	#wakeLater(): void {
		const waiting = this.#later;
		this.#later = [];
		for (const input of waiting) {
			if (input.kind !== "message") continue;
			const admission = this.engine.admit(input.origin, input.message);
			if (admission.kind === "later") this.#later.push(input);
			else if (admission.kind === "verify") this.#inbox.push(input);
		}
	}

	#logAndStep(input: Input<Tendermint>, out: Effects<Tendermint>): void {
		const at = this.#stamp;
		this.#log.push({ seq: this.#sequence++, at, input });
		if (input.kind === "signed") this.#signedTail = true;
		else this.#otherTail = true;
		const verdict = this.engine.step(input, at, out);
		if (this.network.options.forgetful === true) this.#forgetLock();
		if (verdict.kind === "rejected" && this.network.options.byzantine === undefined) {
			throw new Error(`node ${this.index} rejected ${input.kind}: ${verdict.code} ${verdict.why}`);
		}
	}

	#forgetLock(): void {
		if (this.engine.view().locked === null) return;
		const state = JSON.parse(fromUtf8(this.engine.snapshot().bytes)) as Record<string, unknown>;
		const text = JSON.stringify({ ...state, locked: null });
		const start = this.#startInput();
		invariant(start.kind === "start", "an engine begins with start");
		const nowhere: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };
		this.engine = new TendermintEngine({ chainId: CHAIN_ID });
		this.engine.step({ ...start, snapshot: { bytes: utf8(text) } }, this.#stamp, nowhere);
		invariant(this.engine.view().locked === null, "the lock is forgotten");
	}

	/** Bodies first, log second; meanwhile nothing is stepped. */
	#barrier(held: readonly Outward<Tendermint>[]): void {
		this.#busy = true;
		const { incarnation } = this;
		this.network.after(this.network.integer(8), () => {
			if (incarnation !== this.incarnation) return;
			for (const key of this.#unflushedBodies.splice(0)) this.bodies.add(key);
			this.#durable = this.#log.length;
			this.#signedTail = false;
			this.#otherTail = false;
			this.#noteDigest();
			this.#busy = false;
			this.#release(held);
			this.#rotate();
			this.#pumpSoon();
		});
	}

	#noteDigest(): void {
		const last = this.#log.at(-1);
		if (last === undefined || !this.network.chance(0.03)) return;
		this.#log[this.#log.length - 1] = { ...last, digest: this.engine.digest() };
	}

	/** A new log segment begins with a checkpoint. */
	#rotate(): void {
		if (this.network.options.recovery !== "snapshot" || !this.network.chance(0.05)) return;
		const start = this.#startInput();
		invariant(start.kind === "start", "a segment begins with start");
		const input = { ...start, snapshot: this.engine.snapshot() };
		this.#log = [{ seq: this.#sequence++, at: this.#stamp, input, digest: this.engine.digest() }];
		this.#durable = 1;
	}

	#perform(effect: Inward<Tendermint>): void {
		const { network, incarnation } = this;
		const soon = (delay: number, run: () => void): void => {
			network.after(delay, () => {
				if (incarnation === this.incarnation) run();
			});
		};
		if (effect.kind === "setTimer") {
			const version = this.#timerCounter++;
			this.#timers.set(effect.timer, version);
			soon(effect.after, () => {
				if (this.#timers.get(effect.timer) === version) this.push({ kind: "timer", timer: effect.timer });
			});
		} else if (effect.kind === "cancelTimer") {
			this.#timers.delete(effect.timer);
		} else if (effect.kind === "ask") {
			const delay = network.integer(network.faulty ? 40 : 8);
			const isLate = network.faulty && network.chance(0.03);
			soon(isLate ? 500 : delay, () => this.push(this.#answer(effect)));
		} else if (effect.kind === "fetch") {
			soon(1 + network.integer(10), () => this.#fetch(effect.block));
		} else if (effect.kind === "accuse") {
			const { evidence } = effect;
			network.accusations.push({ epoch: effect.epoch, voteA: evidence.voteA, voteB: evidence.voteB });
		}
	}

	#answer({ request, question }: Extract<Inward<Tendermint>, { kind: "ask" }>): Input<Tendermint> {
		switch (question.kind) {
			case "build": {
				const { key, height, parent, time } = this.network.makeBlock(question.height, question.parent, this.index);
				this.#unflushedBodies.push(key);
				return { kind: "answered", request, answer: { kind: "built", block: key, parent, height, time, node: null } };
			}
			case "check": {
				const { isValid, key } = this.network.blockOf(question.block);
				return {
					kind: "answered",
					request,
					answer: { kind: "checked", block: key, verdict: isValid ? "valid" : "invalid" },
				};
			}
			case "extend": {
				return { kind: "answered", request, answer: { kind: "extended", extension: utf8(`of ${this.index}`) } };
			}
			case "checkExtension":
				return { kind: "answered", request, answer: { kind: "extensionChecked", valid: true } };
		}
	}

	#has(key: BlockKey): boolean {
		return this.bodies.has(key) || this.#unflushedBodies.includes(key);
	}

	#blockInput({ key, parent, height, time }: BlockInfo): Input<Tendermint> {
		return { kind: "block", block: key, parent, height, time, node: null };
	}

	/** Disk first, then any live node that has it. */
	#fetch(key: BlockKey): void {
		const block = this.network.blockOf(key);
		if (this.#has(key)) {
			this.push(this.#blockInput(block));
			return;
		}
		const { network, incarnation } = this;
		const isThere =
			network.nodes.some((node) => node.alive && node.#has(key)) || block.maker === network.options.byzantine;
		const isLost = !isThere || (network.faulty && network.chance(0.3));
		network.after(5 + network.integer(30), () => {
			if (incarnation !== this.incarnation) return;
			if (isLost) {
				this.push({ kind: "missing", block: key });
				network.after(100, () => {
					if (incarnation === this.incarnation && this.#stillWants(key)) this.#fetch(key);
				});
			} else if (!this.#has(key)) {
				this.#unflushedBodies.push(key);
				this.push(this.#blockInput(block));
			}
		});
	}

	#stillWants(key: BlockKey): boolean {
		const { wanted, proposalBlock } = this.engine.gossip();
		return proposalBlock === null && wanted !== null && blockIdKey(wanted) === key;
	}

	#release(held: readonly Outward<Tendermint>[]): void {
		for (const effect of held) {
			if (effect.kind === "send") this.network.broadcast(this.index, effect.message);
			else if (effect.kind === "sign") this.#sign(effect);
			else this.#commit(effect);
		}
	}

	#sign({ request, slot, statement }: Extract<Outward<Tendermint>, { kind: "sign" }>): void {
		const { network, incarnation } = this;
		const signed = this.#guard.sign(slot, statement, this.index);
		if (signed === null) network.guardRefusals++;
		const result = signed === null ? { refused: "below or against what was signed" } : { statement: signed };
		network.after(network.integer(5), () => {
			if (incarnation === this.incarnation) this.push({ kind: "signed", request, result });
		});
	}

	/** Idempotent by height; another block at a known height stops everything. */
	#commit({ height, block, certificate }: Extract<Outward<Tendermint>, { kind: "commit" }>): void {
		const { network, incarnation } = this;
		network.after(network.integer(10), () => {
			if (incarnation !== this.incarnation) return;
			this.#execute({ block: network.blockOf(block), certificate }, height);
			this.push(this.#appliedInput(height, block));
		});
	}

	#execute(decided: DecidedBlock, height: number): void {
		const known = this.chain[height - 1];
		if (known !== undefined) {
			invariant(known.block.key === decided.block.key, "the executor knows another block of that height", { height });
			return;
		}
		invariant(this.chain.length === height - 1, "commits are contiguous", { height });
		invariant(this.#has(decided.block.key), "a commit without the body", { height });
		this.network.record(decided);
		this.chain.push(decided);
	}

	#appliedInput(height: number, block: BlockKey): Input<Tendermint> {
		const { network, index } = this;
		const epochs = [network.epoch(height + 1, index), network.epoch(height + 2, index)];
		return { kind: "applied", height, block, appHash: new Uint8Array(0), changed: false, epochs };
	}

	/** Power is cut: what was not flushed is gone, perhaps less; then the node starts again. */
	crash(downFor: number): void {
		if (!this.alive) return;
		this.alive = false;
		this.incarnation++;
		const survived = this.#durable + this.network.integer(this.#log.length - this.#durable + 1);
		this.#log.length = survived;
		// A record that names a body never survives without it: bodies reach the disk first.
		for (const { input } of this.#log) {
			if (input.kind === "block") this.bodies.add(input.block);
			if (input.kind === "answered" && input.answer.kind === "built") this.bodies.add(input.answer.block);
		}
		this.#durable = survived;
		this.#unflushedBodies = [];
		this.#inbox = [];
		this.#later = [];
		this.#busy = false;
		this.#pumping = false;
		this.#timers.clear();
		this.network.after(downFor, () => this.#restart());
	}

	#restart(): void {
		this.alive = true;
		this.#startedAt = this.network.now;
		this.engine = new TendermintEngine({ chainId: CHAIN_ID });
		this.network.replays++;
		if (this.network.options.recovery === "wal") this.#replayWal();
		else this.#replayLog();
		if (this.engine.view().height === 0) {
			this.push(this.#startInput());
			return;
		}
		const { height } = this.engine.view();
		const epochs = [this.network.epoch(height, this.index), this.network.epoch(height + 1, this.index)];
		this.push({ kind: "resumed", executed: this.chain.length, epochs });
		const ahead = this.chain[height - 1];
		if (ahead !== undefined) {
			this.push(this.#blockInput(ahead.block));
			this.push(this.#decidedInput(ahead));
		}
	}

	#decidedInput({ block, certificate }: DecidedBlock): Input<Tendermint> {
		return { kind: "decided", height: block.height, block: block.key, time: block.time, certificate };
	}

	#replayLog(): void {
		const nowhere: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };
		for (const { input, at, digest, seq } of this.#log) {
			this.engine.step(input, at, nowhere);
			if (digest === undefined) continue;
			this.network.digestsCompared++;
			invariant(digest === this.engine.digest(), "replay diverged", { seq });
		}
	}

	/**
	 * Recovery as on a CometBFT chain: the engine starts at the executor's height and sees again what CometBFT's log
	 * holds: proposals, votes, blocks, timers; own statements come from "". Questions are answered at once, nothing is
	 * signed.
	 */
	#replayWal(): void {
		const records = this.#log;
		this.#log = [];
		const replayed: Input<Tendermint>[] = [];
		const out: Effects<Tendermint> = {
			inward: (effect) => {
				if (effect.kind === "ask" && effect.question.kind !== "build") replayed.push(this.#answer(effect));
			},
			outward: (effect) => {
				if (effect.kind === "commit" && this.chain[effect.height - 1] !== undefined) {
					replayed.push(this.#appliedInput(effect.height, effect.block));
				}
			},
			mark: (line) => this.network.marks.add(line),
		};
		const step = (input: Input<Tendermint>, at: Stamp): void => {
			replayed.push(input);
			for (let next = replayed.shift(); next !== undefined; next = replayed.shift()) this.engine.step(next, at, out);
		};
		step(this.#startInput(), records[0]?.at ?? this.#stamp);
		for (const record of records) {
			const input = asWalRecord(record.input);
			if (input === null) continue;
			step(input, record.at);
			this.#log.push({ ...record, input });
		}
		this.#durable = this.#log.length;
	}

	#gossipLater(): void {
		this.network.after(30 + this.network.integer(this.network.faulty ? 300 : 40), () => {
			if (this.alive) this.#gossip();
			this.#gossipLater();
		});
	}

	/** Sends one other node what it lacks: messages of its height, or the commit it missed. */
	#gossip(): void {
		const { network } = this;
		const peer = network.nodes[network.integer(network.nodes.length)];
		if (peer === undefined || peer === this || !peer.alive || this.engine.view().height === 0) return;
		const { height } = peer.engine.view();
		const own = this.engine.view().height;
		if (height === own) this.#gossipSame(peer, height);
		else if (height < own && height > 0) this.#gossipPast(peer, height);
	}

	#gossipSame(peer: SimulatedNode, height: number): void {
		const origin = { peer: `node${this.index}`, signer: null, epoch: 0 };
		const { votesRound, votes } = this.engine.gossip();
		for (let round = 0; round <= votesRound; round++) {
			for (const set of [votes(round)?.prevotes, votes(round)?.precommits]) {
				if (set?.majority === undefined || set.majority === null) continue;
				const { type, majority: blockId } = set;
				this.network.send(this.index, peer, { kind: "majorityClaim", height, round, type, blockId });
			}
		}
		for (const message of this.engine.held(height)) {
			if (peer.engine.admit(origin, message).kind === "verify") this.network.send(this.index, peer, message);
		}
	}

	#gossipPast(peer: SimulatedNode, height: number): void {
		const decided = this.chain[height - 1];
		if (decided === undefined) return;
		const { commit, extended } = decided.certificate;
		if (this.chain.length - height >= 3 && this.network.chance(0.5)) {
			peer.bodies.add(decided.block.key);
			this.network.deliver(this.index, peer, this.#decidedInput(decided));
			return;
		}
		// Without the claim a validator's vote for another block would hide the one in this commit.
		const { round, blockId } = commit;
		this.network.send(this.index, peer, { kind: "majorityClaim", height, round, type: PRECOMMIT, blockId });
		for (const [index, { blockIdFlag }] of commit.signatures.entries()) {
			if (blockIdFlag !== 2) continue;
			const vote = extended === null ? commitToVote(commit, index) : extendedCommitToVote(extended, index);
			this.network.send(this.index, peer, { kind: "vote", vote });
		}
	}
}

/** What CometBFT's log has of an input; `signed` becomes the own message that Go writes there. */
function asWalRecord(input: Input<Tendermint>): Input<Tendermint> | null {
	const origin = { peer: "", signer: null, epoch: 0 };
	if (input.kind === "signed" && "statement" in input.result) {
		const { statement } = input.result;
		const message: TendermintMessage =
			statement.kind === "vote"
				? { kind: "vote", vote: statement.vote }
				: { kind: "proposal", proposal: statement.proposal };
		return { kind: "message", origin, message };
	}
	if (input.kind === "message") return input.message.kind === "majorityClaim" ? null : input;
	return input.kind === "block" || input.kind === "timer" ? input : null;
}
