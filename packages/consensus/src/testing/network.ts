import { invariant } from "@cairn/kit";
import {
	type BlockId,
	type BlockKey,
	blockIdKey,
	PRECOMMIT,
	type TimeNs,
	type ValidatorSet,
	type Vote,
} from "@cairn/types";
import type { EngineParams, Epoch, Input } from "../core/engine.ts";
import type { Tendermint, TendermintCertificate, TendermintMessage } from "../tendermint/protocol.ts";
import { blockIdOf, GENESIS_TIME, testValidators } from "./fixture.ts";
import { SimulatedNode } from "./node.ts";

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
	/** Links stay up: nothing is lost but what the adversary hides. */
	readonly steadyLinks?: boolean;
	/** A canary: every node forgets its lock at once. Such a network must fork, or the adversary is too kind. */
	readonly forgetful?: boolean;
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
	/** Directed links that are down, `from/to`. */
	readonly #down = new Set<string>();
	/** Nodes that nobody hears, until when. */
	readonly #muted = new Map<number, number>();
	/** When the first vote of a round was sent, by `height/round`. */
	readonly #firstSeen = new Map<string, number>();

	constructor(options: NetworkOptions) {
		this.options = options;
		this.random = randomOf(options.seed);
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
		const groups = Array.from({ length: this.options.nodes }, () => this.integer(2));
		this.#takeDown((from, to) => groups[from] !== groups[to]);
	}

	/** Cuts links one by one and in one direction: some hear what others miss. */
	scramble(): void {
		const rate = 0.2 + 0.6 * this.random();
		this.#takeDown(() => this.chance(rate));
	}

	/** One node hears nothing, the others hear each other. */
	deafen(node: number): void {
		this.#takeDown((_, to) => to === node);
	}

	/** One node hears everything, and nobody hears it, for so long. */
	mute(node: number, duration: number): void {
		this.#muted.set(node, this.now + duration);
	}

	#takeDown(isDown: (from: number, to: number) => boolean): void {
		this.#down.clear();
		const { nodes } = this.options;
		for (let from = 0; from < nodes; from++) {
			for (let to = 0; to < nodes; to++) if (from !== to && isDown(from, to)) this.#down.add(`${from}/${to}`);
		}
	}

	mend(): void {
		this.#down.clear();
	}

	/**
	 * The adversary of a round hides some of its messages from some nodes for a while, whoever passes them on: here and
	 * there, or so that one node decides alone while another, the next leader mostly, saw nothing of it.
	 */
	#isHidden(input: Input<Tendermint>, to: number): boolean {
		if (input.kind !== "message" || input.message.kind === "majorityClaim") return false;
		const { message } = input;
		const { height, round } = message.kind === "vote" ? message.vote : message.proposal;
		const place = `${height}/${round}`;
		const since = this.#firstSeen.get(place) ?? this.now;
		this.#firstSeen.set(place, since);
		const plan = randomOf(this.options.seed * 7919 + height * 131 + round);
		const kind = Math.floor(plan() * 6);
		if (kind < 3 || this.now > since + 300 + plan() * (kind === 3 ? 1200 : 4500)) return false;
		const vote = message.kind === "vote" ? message.vote : null;
		if (kind === 3) {
			const what = vote === null ? 1000 : 16 * vote.validatorIndex + vote.type;
			return randomOf(this.options.seed + height * 1e6 + round * 1e4 + what * 32 + to)() < 0.4;
		}
		const lonely = Math.floor(plan() * this.options.nodes);
		const deaf = plan() < 0.7 ? this.#leader(height, round + 1) : Math.floor(plan() * this.options.nodes);
		if (vote === null) return to === deaf;
		if (to === lonely || this.memberOf(vote.validatorAddress) !== lonely) return false;
		return vote.type === PRECOMMIT || to === deaf;
	}

	#leader(height: number, round: number): number {
		const { proposer } = this.validatorsAt(height).copyIncrementProposerPriority(Math.max(1, round));
		return proposer === null ? -1 : this.memberOf(proposer.address);
	}

	#isCut(from: number, to: number): boolean {
		return this.#down.has(`${from}/${to}`) || (this.#muted.get(from) ?? 0) > this.now;
	}

	deliver(from: number, to: SimulatedNode, input: Input<Tendermint>): void {
		const isLost = this.chance(this.options.dropRate) || this.#isCut(from, to.index) || this.#isHidden(input, to.index);
		if (this.faulty && isLost) return;
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
