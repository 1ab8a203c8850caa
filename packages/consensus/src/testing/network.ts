import { invariant, utf8 } from "@cairn/kit";
import {
	type BlockId,
	type BlockKey,
	blockIdKey,
	commitToVote,
	extendedCommitToVote,
	PRECOMMIT,
	PREVOTE,
	type Proposal,
	type TimeNs,
	type ValidatorSet,
	type Vote,
} from "@cairn/types";
import type { Effects, EngineParams, Epoch, Input, Inward, Outward, Stamp, TraceRecord } from "../core/engine.ts";
import { TendermintEngine } from "../tendermint/engine.ts";
import type {
	Tendermint,
	TendermintCertificate,
	TendermintMessage,
	TendermintStatement,
} from "../tendermint/protocol.ts";
import { blockIdOf, CHAIN_ID, GENESIS_TIME, testValidators } from "./fixture.ts";

// A small deterministic network for one engine: delays, drops, duplicates, partitions, crashes with lost log tails,
// one Byzantine validator. One seed, one history.

export type RecoveryMode = "log" | "snapshot" | "wal";

export interface NetworkOptions {
	readonly seed: number;
	readonly nodes: number;
	readonly recovery: RecoveryMode;
	readonly extensions?: boolean;
	/** Index of the validator that says whatever it likes. */
	readonly byzantine?: number;
	/** Faults end here; milliseconds. */
	readonly healAt: number;
	readonly dropRate: number;
	readonly crashes: number;
	/** Powers change with the heights. */
	readonly changingPowers?: boolean;
}

export interface BlockInfo {
	readonly id: BlockId;
	readonly key: BlockKey;
	readonly height: number;
	readonly parent: BlockKey | null;
	readonly time: TimeNs;
	readonly isValid: boolean;
	readonly maker: number;
}

export interface DecidedBlock {
	readonly block: BlockInfo;
	readonly certificate: TendermintCertificate;
}

/** A seeded generator (mulberry32). */
export function randomOf(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let x = Math.imul(state ^ (state >>> 15), state | 1);
		x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
		return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
	};
}

/** Freezes what passes through the engine's door, so that nobody changes it afterwards. */
export function deepFreeze<Value>(value: Value): Value {
	if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
	const prototype: unknown = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype && prototype !== Array.prototype) return value;
	Object.freeze(value);
	for (const content of Object.values(value)) deepFreeze(content);
	return value;
}

interface Happening {
	readonly at: number;
	readonly order: number;
	readonly run: () => void;
}

const PARAMS: EngineParams = {
	timeouts: {
		propose: 300,
		proposeDelta: 100,
		prevote: 100,
		prevoteDelta: 50,
		precommit: 100,
		precommitDelta: 50,
		commit: 50,
	},
	extensions: false,
	waitForWork: false,
};

export class Network {
	readonly options: NetworkOptions;
	readonly random: () => number;
	readonly nodes: SimulatedNode[] = [];
	readonly blocks = new Map<BlockKey, BlockInfo>();
	/** What each height decided, by whoever decided it first. */
	readonly decided = new Map<number, BlockKey>();
	readonly marks = new Set<string>();
	readonly accusations: { readonly epoch: number; readonly voteA: Vote; readonly voteB: Vote }[] = [];
	guardRefusals = 0;
	replays = 0;
	digestsCompared = 0;
	now = 0;
	readonly #agenda: Happening[] = [];
	#order = 0;
	readonly #sets = new Map<number, ValidatorSet>();
	#blockCounter = 0;
	readonly #groups: number[];

	constructor(options: NetworkOptions) {
		this.options = options;
		this.random = randomOf(options.seed);
		this.#groups = Array.from({ length: options.nodes }, () => 0);
		const set = testValidators(Array.from({ length: options.nodes }, () => 10n)).set;
		this.#sets.set(1, set);
		for (let index = 0; index < options.nodes; index++) {
			if (index !== options.byzantine) this.nodes.push(new SimulatedNode(this, index));
		}
	}

	integer(below: number): number {
		return Math.floor(this.random() * below);
	}

	chance(rate: number): boolean {
		return this.random() < rate;
	}

	get faulty(): boolean {
		return this.now < this.options.healAt;
	}

	/** Runs `run` after some milliseconds; equal times in the order asked for. */
	after(delay: number, run: () => void): void {
		const happening = { at: this.now + delay, order: this.#order++, run };
		let low = 0;
		let high = this.#agenda.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			const other = this.#agenda[middle];
			if (
				other !== undefined &&
				(other.at > happening.at || (other.at === happening.at && other.order > happening.order))
			) {
				low = middle + 1;
			} else high = middle;
		}
		this.#agenda.splice(low, 0, happening);
	}

	/** Runs until all nodes reached the height, or the time is over. True if they did. */
	runUntil(height: number, limit: number): boolean {
		for (let next = this.#agenda.at(-1); next !== undefined && next.at <= limit; next = this.#agenda.at(-1)) {
			this.#agenda.pop();
			this.now = next.at;
			next.run();
			if (!this.faulty && this.nodes.every(({ chain }) => chain.length >= height)) return true;
		}
		return false;
	}

	validatorsAt(height: number): ValidatorSet {
		const known = this.#sets.get(height);
		if (known !== undefined) return known;
		let set = this.validatorsAt(height - 1);
		if (this.options.changingPowers === true && height > 2) {
			const change = set.validators[height % set.size];
			if (change !== undefined) set = set.withUpdates([{ ...change, votingPower: 10n + BigInt((height * 7) % 5) }]);
		}
		set = set.copyIncrementProposerPriority(1);
		this.#sets.set(height, set);
		return set;
	}

	/** Member numbers follow the addresses of the first set; indices may move when powers change. */
	memberOf(address: Uint8Array): number {
		const place = this.validatorsAt(1).getByAddress(address);
		invariant(place !== null, "members stay the same");
		return place.index;
	}

	epoch(height: number, self: number): Epoch {
		const validators = this.validatorsAt(height);
		const members = validators.validators.map(({ address }) => this.memberOf(address));
		const params = { ...PARAMS, extensions: this.options.extensions === true };
		return { number: height, from: height, last: height, validators, members, self: members.indexOf(self), params };
	}

	makeBlock(height: number, parent: BlockKey | null, maker: number, isValid = true): BlockInfo {
		const id = blockIdOf(`${height} ${maker} ${this.#blockCounter++}`);
		const time = GENESIS_TIME + BigInt(this.now) * 1_000_000n;
		const block = { id, key: blockIdKey(id), height, parent, time, isValid, maker };
		this.blocks.set(block.key, block);
		return block;
	}

	blockOf(key: BlockKey): BlockInfo {
		const block = this.blocks.get(key);
		invariant(block !== undefined, "every block is registered");
		return block;
	}

	/** Splits the network for a while, or mends it. */
	partition(): void {
		for (let index = 0; index < this.#groups.length; index++) this.#groups[index] = this.integer(2);
	}

	mend(): void {
		this.#groups.fill(0);
	}

	deliver(from: number, to: SimulatedNode, input: Input<Tendermint>): void {
		if (this.faulty && (this.chance(this.options.dropRate) || this.#groups[from] !== this.#groups[to.index])) return;
		const copies = this.faulty && this.chance(0.05) ? 2 : 1;
		for (let copy = 0; copy < copies; copy++) {
			const { incarnation } = to;
			this.after(1 + this.integer(this.faulty ? 120 : 20), () => {
				if (to.incarnation === incarnation && to.alive) to.push(input);
			});
		}
	}

	broadcast(from: number, message: TendermintMessage): void {
		for (const node of this.nodes) if (node.index !== from) this.send(from, node, message);
	}

	send(from: number, to: SimulatedNode, message: TendermintMessage): void {
		const origin = { peer: `node${from}`, signer: null, epoch: 0 };
		this.deliver(from, to, { kind: "message", origin, message });
	}

	/** Whoever decides, decides the same, and with a proof. */
	record({ block, certificate }: DecidedBlock): void {
		const known = this.decided.get(block.height);
		invariant(known === undefined || known === block.key, "two blocks were decided at one height", {
			height: block.height,
		});
		this.decided.set(block.height, block.key);
		const set = this.validatorsAt(block.height);
		let power = 0n;
		for (const [index, { blockIdFlag }] of certificate.commit.signatures.entries()) {
			if (blockIdFlag === 2) power += set.getByIndex(index)?.votingPower ?? 0n;
		}
		invariant(power * 3n > set.totalPower * 2n, "a certificate without +2/3", { height: block.height });
		invariant(blockIdKey(certificate.commit.blockId) === block.key, "a certificate for another block");
		invariant(block.isValid, "an invalid block was decided", { height: block.height });
	}
}

interface GuardEntry {
	readonly position: readonly [number, number, number];
	readonly statement: TendermintStatement;
}

/** A node: engine, log, signer's guard, store and executor; what is durable survives a crash. */
export class SimulatedNode {
	readonly network: Network;
	readonly index: number;
	engine: TendermintEngine;
	alive = true;
	incarnation = 0;
	chain: DecidedBlock[] = [];
	guard: GuardEntry | null = null;
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
		if (verdict.kind === "rejected" && this.network.options.byzantine === undefined) {
			throw new Error(`node ${this.index} rejected ${input.kind}: ${verdict.code} ${verdict.why}`);
		}
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

	/** The guard: positions only grow; the same position gives the same statement again. */
	#sign({ request, slot, statement }: Extract<Outward<Tendermint>, { kind: "sign" }>): void {
		const { guard, network, incarnation } = this;
		const order = guard === null ? 1 : compare(slot.position, guard.position);
		let signed: TendermintStatement | null = null;
		if (order > 0) {
			signed = signStatement(statement, this.index);
			this.guard = { position: slot.position, statement: signed };
		} else if (order === 0 && guard !== null && sameBut(guard.statement, statement)) {
			signed = guard.statement;
		}
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
	 * Recovery as on a CometBFT chain: the engine starts at the executor's height and sees again what CometBFT's log holds:
	 * proposals, votes, blocks, timers; own statements come from "". Questions are answered at once, nothing is signed.
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
		this.network.after(30 + this.network.integer(40), () => {
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

function compare(a: readonly number[], b: readonly number[]): number {
	for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
	return 0;
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

/** Not a real signature: whoever verifies stands before the engine, and is not part of this network. */
function signStatement(statement: TendermintStatement, signer: number): TendermintStatement {
	if (statement.kind === "proposal") return { kind: "proposal", proposal: signedProposal(statement.proposal, signer) };
	return { ...statement, vote: signedVote(statement.vote, statement.extended, signer) };
}

export function signedVote(vote: Vote, extended: boolean, signer: number): Vote {
	const { type, height, round, timestamp } = vote;
	const text = `${signer} ${type} ${height} ${round} ${timestamp} ${blockIdKey(vote.blockId)}`;
	const extensionSignature = extended ? utf8(`x ${signer} ${height} ${round}`) : new Uint8Array(0);
	return { ...vote, signature: utf8(text), extensionSignature };
}

export function signedProposal(proposal: Proposal, signer: number): Proposal {
	return { ...proposal, signature: utf8(`${signer} ${proposal.height} ${proposal.round} ${proposal.timestamp}`) };
}

function sameBut(known: TendermintStatement, asked: TendermintStatement): boolean {
	if (known.kind === "vote" && asked.kind === "vote") {
		return known.vote.type === asked.vote.type && blockIdKey(known.vote.blockId) === blockIdKey(asked.vote.blockId);
	}
	if (known.kind !== "proposal" || asked.kind !== "proposal") return false;
	const isSameBlock = blockIdKey(known.proposal.blockId) === blockIdKey(asked.proposal.blockId);
	return isSameBlock && known.proposal.polRound === asked.proposal.polRound;
}

/** A validator that votes for anything, twice and to whomever it likes, and proposes two blocks at once. */
export function startByzantine(network: Network, member: number): void {
	const act = (): void => {
		network.after(20 + network.integer(60), () => {
			const target = network.nodes[network.integer(network.nodes.length)];
			if (target?.alive === true) misbehave(network, member, target);
			act();
		});
	};
	act();
}

function misbehave(network: Network, member: number, target: SimulatedNode): void {
	const { height, round, leader } = target.engine.view();
	if (height === 0) return;
	const set = network.validatorsAt(height);
	const index = set.validators.findIndex(({ address }) => network.memberOf(address) === member);
	const validator = set.getByIndex(index);
	if (validator === null) return;
	const known = [...network.blocks.values()].filter((block) => block.height === height);
	if (leader === member && known.filter(({ maker }) => maker === member).length < 6) {
		const parent = network.nodes[0]?.chain[height - 2]?.block.key ?? null;
		const block = network.makeBlock(height, parent, member, network.chance(0.7));
		const timestamp = GENESIS_TIME + BigInt(network.now) * 1_000_000n;
		const proposal = { height, round, polRound: -1, blockId: block.id, timestamp, signature: new Uint8Array(0) };
		network.send(member, target, { kind: "proposal", proposal: signedProposal(proposal, member) });
	}
	const choice = known[network.integer(known.length + 1)];
	const blockId = choice?.id ?? blockIdOf("");
	const type = network.chance(0.5) ? PREVOTE : PRECOMMIT;
	const extended = network.options.extensions === true && type === PRECOMMIT && choice !== undefined;
	const vote: Vote = {
		type,
		height,
		round: Math.max(0, round - network.integer(2)),
		blockId,
		timestamp: GENESIS_TIME + BigInt(network.now) * 1_000_000n,
		validatorAddress: validator.address,
		validatorIndex: index,
		signature: new Uint8Array(0),
		extension: extended ? utf8("nonsense") : new Uint8Array(0),
		extensionSignature: new Uint8Array(0),
	};
	const message: TendermintMessage = { kind: "vote", vote: signedVote(vote, extended, member) };
	if (network.chance(0.5)) network.send(member, target, message);
	else network.broadcast(member, message);
}
