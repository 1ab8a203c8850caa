import { invariant } from "@cairn/kit";
import {
	type BlockId,
	type BlockKey,
	blockIdKey,
	type Commit,
	NIL_BLOCK_KEY,
	PRECOMMIT,
	PREVOTE,
	type Proposal,
	type TimeNs,
	type Vote,
	type VoteType,
} from "@cairn/types";
import type { Effect, Effects, EngineEventName, EngineParams, Epoch, Input, Stamp, Verdict } from "../core/engine.ts";
import { TendermintEngine } from "../tendermint/engine.ts";
import type {
	Tendermint,
	TendermintCertificate,
	TendermintMessage,
	TendermintStatement,
} from "../tendermint/protocol.ts";
import {
	blockIdOf,
	CHAIN_ID,
	GENESIS_TIME,
	signProposalWith,
	signVoteWith,
	type TestValidators,
	testValidators,
	voteOf,
} from "./fixture.ts";

export const TIMEOUTS: Readonly<Record<string, number>> = {
	propose: 3000,
	proposeDelta: 500,
	prevote: 1000,
	prevoteDelta: 500,
	precommit: 1000,
	precommitDelta: 500,
	commit: 1000,
};

type Asked<Kind> = Extract<Extract<Effect<Tendermint>, { kind: "ask" }>["question"], { kind: Kind }>;
type CheckVerdict = "valid" | "appRejected" | "invalid";

export interface LabOptions {
	/** Power of each validator; four of 10 by default. */
	readonly powers?: readonly bigint[];
	/** Index of the node under test; null: it only follows. */
	readonly self?: number | null;
	readonly params?: Partial<EngineParams>;
	readonly timeouts?: Readonly<Record<string, number>>;
	readonly initialHeight?: number;
}

/** What the lab answers by itself; anything set to "hold" waits in `held`. */
export interface Policy {
	sign: "answer" | "hold" | "refuse";
	build: string | "hold" | "fail";
	/** The verdict on a block by name. */
	check: (name: string) => CheckVerdict | "hold" | "fail";
	fetch: (name: string) => "answer" | "hold";
	extend: Uint8Array | "hold" | "fail";
	checkExtension: (extension: Uint8Array) => boolean | "hold" | "fail";
	apply: boolean;
}

/** One engine with invented peers: the test says what arrives, the lab plays signer, application and store. */
export class Lab {
	readonly engine: TendermintEngine;
	readonly validators: TestValidators;
	readonly self: number | null;
	readonly params: EngineParams;
	readonly initialHeight: number;
	readonly effects: Effect<Tendermint>[] = [];
	readonly marks = new Set<string>();
	readonly inputs: { readonly input: Input<Tendermint>; readonly at: Stamp }[] = [];
	readonly policy: Policy = {
		sign: "answer",
		build: "own",
		check: () => "valid",
		fetch: () => "answer",
		extend: Uint8Array.of(1, 2, 3),
		checkExtension: () => true,
		apply: false,
	};
	/** Effects that the policy does not answer. */
	held: Effect<Tendermint>[] = [];
	at: Stamp = { mono: 0, wall: GENESIS_TIME };
	/** Block times by key; others are at genesis time. */
	readonly blockTimes = new Map<BlockKey, TimeNs>();
	readonly #names = new Map<BlockKey, string>([[NIL_BLOCK_KEY, ""]]);

	constructor({ powers = [10n, 10n, 10n, 10n], self = 0, params, timeouts, initialHeight = 1 }: LabOptions = {}) {
		this.engine = new TendermintEngine({ chainId: CHAIN_ID });
		this.validators = testValidators(powers);
		this.self = self;
		this.params = { timeouts: { ...TIMEOUTS, ...timeouts }, extensions: false, waitForWork: false, ...params };
		this.initialHeight = initialHeight;
	}

	epoch(height: number): Epoch {
		let set = this.validators.set;
		for (let each = this.initialHeight; each < height; each++) set = set.copyIncrementProposerPriority(1);
		const members = set.validators.map((_, index) => index);
		return {
			number: height,
			from: height,
			last: height,
			validators: set,
			members,
			self: this.self,
			params: this.params,
		};
	}

	/** Index of the leader of a round of the initial height. */
	leader(round: number, height = this.initialHeight): number {
		let set = this.epoch(height).validators;
		for (let each = 0; each < round; each++) set = set.copyIncrementProposerPriority(1);
		const { proposer } = set;
		invariant(proposer !== null, "a set has a leader");
		return set.getByAddress(proposer.address)?.index ?? -1;
	}

	/** Starts on an empty chain. */
	start(): this {
		const { initialHeight } = this;
		this.feed({
			kind: "start",
			tip: { height: 0, block: null, time: GENESIS_TIME, certificate: null },
			executed: 0,
			epochs: [this.epoch(initialHeight), this.epoch(initialHeight + 1)],
			previous: null,
			snapshot: null,
		});
		return this;
	}

	/** Starts and enters round 0 of the first height. */
	startRound(): this {
		this.start();
		this.fire("newHeight", 0);
		return this;
	}

	/** Gives an input, then answers what the policy answers, until nothing is left. */
	feed(input: Input<Tendermint>): Verdict {
		const queue = [input];
		let first: Verdict | null = null;
		for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
			const verdict = this.stepOnce(next, queue);
			first ??= verdict;
		}
		invariant(first !== null, "at least one step");
		return first;
	}

	stepOnce(input: Input<Tendermint>, queue: Input<Tendermint>[]): Verdict {
		this.inputs.push({ input, at: this.at });
		const take = (effect: Effect<Tendermint>): void => {
			this.effects.push(effect);
			const answer = this.#answer(effect);
			if (answer === "hold") this.held.push(effect);
			else if (answer !== null) queue.push(answer);
		};
		const out: Effects<Tendermint> = { inward: take, outward: take, mark: (line) => this.marks.add(line) };
		return this.engine.step(input, this.at, out);
	}

	#answer(effect: Effect<Tendermint>): Input<Tendermint> | "hold" | null {
		switch (effect.kind) {
			case "sign":
				return this.#sign(effect.request, effect.statement);
			case "ask":
				return this.answerTo(effect.request, effect.question);
			case "fetch": {
				const name = this.nameOf(effect.block);
				return this.policy.fetch(name) === "answer" ? this.blockInput(name, effect.height) : "hold";
			}
			case "commit":
				return this.policy.apply ? this.appliedInput(effect.height, effect.block) : "hold";
			default:
				return null;
		}
	}

	#sign(request: number, statement: TendermintStatement): Input<Tendermint> | "hold" {
		if (this.policy.sign === "hold") return "hold";
		if (this.policy.sign === "refuse") return { kind: "signed", request, result: { refused: "by the guard" } };
		return this.signedInput(request, statement);
	}

	signedInput(request: number, statement: TendermintStatement): Input<Tendermint> {
		const key = this.validators.keys[this.self ?? -1];
		invariant(key !== undefined, "only a validator signs");
		const signed: TendermintStatement =
			statement.kind === "vote"
				? { ...statement, vote: signVoteWith(key, statement.vote, statement.extended) }
				: { kind: "proposal", proposal: signProposalWith(key, statement.proposal) };
		return { kind: "signed", request, result: { statement: signed } };
	}

	answerTo(
		request: number,
		question: Asked<"build" | "check" | "extend" | "checkExtension">,
	): Input<Tendermint> | "hold" {
		const answered = (answer: Extract<Input<Tendermint>, { kind: "answered" }>["answer"]): Input<Tendermint> => {
			return { kind: "answered", request, answer };
		};
		const failed = answered({ kind: "failed", why: "the test says so" });
		const { policy } = this;
		switch (question.kind) {
			case "build": {
				if (policy.build === "hold" || policy.build === "fail") return policy.build === "hold" ? "hold" : failed;
				const { parent, height } = question;
				const block = this.key(policy.build);
				return answered({ kind: "built", block, parent, height, time: this.timeOf(block), node: null });
			}
			case "check": {
				const verdict = policy.check(this.nameOf(question.block));
				if (verdict === "hold" || verdict === "fail") return verdict === "hold" ? "hold" : failed;
				return answered({ kind: "checked", block: question.block, verdict });
			}
			case "extend":
				if (policy.extend === "hold" || policy.extend === "fail") return policy.extend === "hold" ? "hold" : failed;
				return answered({ kind: "extended", extension: policy.extend });
			case "checkExtension": {
				const valid = policy.checkExtension(question.extension);
				if (valid === "hold" || valid === "fail") return valid === "hold" ? "hold" : failed;
				return answered({ kind: "extensionChecked", valid });
			}
		}
	}

	/** Answers the oldest effect held of a kind, by the policy as it is now. */
	release(kind: Effect<Tendermint>["kind"]): void {
		const index = this.held.findIndex((effect) => effect.kind === kind);
		const [effect] = index < 0 ? [] : this.held.splice(index, 1);
		invariant(effect !== undefined, `nothing of kind ${kind} is held`);
		const answer = this.#answer(effect);
		invariant(answer !== null && answer !== "hold", "the policy still holds it");
		this.feed(answer);
	}

	id(name: string): BlockId {
		const id = blockIdOf(name);
		this.#names.set(blockIdKey(id), name);
		return id;
	}

	key(name: string): BlockKey {
		return blockIdKey(this.id(name));
	}

	nameOf(key: BlockKey): string {
		return this.#names.get(key) ?? "?";
	}

	timeOf(key: BlockKey): TimeNs {
		return this.blockTimes.get(key) ?? GENESIS_TIME;
	}

	blockInput(name: string, height = this.initialHeight): Input<Tendermint> {
		const block = this.key(name);
		return { kind: "block", block, parent: null, height, time: this.timeOf(block), node: null };
	}

	appliedInput(height: number, block: BlockKey, changed = false): Input<Tendermint> {
		const epochs = [this.epoch(height + 1), this.epoch(height + 2)];
		return { kind: "applied", height, block, appHash: new Uint8Array(8), changed, epochs };
	}

	/** A body arrives that nobody asked the lab for. */
	block(name: string): Verdict {
		return this.feed(this.blockInput(name));
	}

	message(message: TendermintMessage, peer = "peer"): Verdict {
		return this.feed({ kind: "message", origin: { peer, signer: null, epoch: 0 }, message });
	}

	/** A proposal of the round's leader. */
	proposal(name: string, round: number, polRound = -1, height = this.initialHeight): Verdict {
		const key = this.validators.keys[this.leader(round, height)];
		invariant(key !== undefined, "a round has a leader");
		const proposal: Proposal = {
			height,
			round,
			polRound,
			blockId: this.id(name),
			timestamp: GENESIS_TIME,
			signature: new Uint8Array(0),
		};
		return this.message({ kind: "proposal", proposal: signProposalWith(key, proposal) });
	}

	vote(type: VoteType, index: number, round: number, name: string, height = this.initialHeight): Vote {
		const extension = this.params.extensions && type === PRECOMMIT && name !== "" ? Uint8Array.of(9) : undefined;
		const fields = { type, height, round, blockId: this.id(name) };
		return voteOf(this.validators, index, extension === undefined ? fields : { ...fields, extension });
	}

	/** Votes of validators (all but this node's own by default), one after the other. */
	prevotes(round: number, name: string, indices = this.others): void {
		for (const index of indices) this.message({ kind: "vote", vote: this.vote(PREVOTE, index, round, name) });
	}

	precommits(round: number, name: string, indices = this.others): void {
		for (const index of indices) this.message({ kind: "vote", vote: this.vote(PRECOMMIT, index, round, name) });
	}

	get others(): number[] {
		return this.validators.keys.map((_, index) => index).filter((index) => index !== this.self);
	}

	/** Time passes, then a timer fires. */
	fire(name: string, round: number, height = this.engine.view().height): Verdict {
		this.pass(1000);
		return this.feed({ kind: "timer", timer: `${name}/${height}/${round}` });
	}

	pass(milliseconds: number): void {
		const { mono, wall } = this.at;
		this.at = { mono: mono + milliseconds, wall: wall + BigInt(milliseconds) * 1_000_000n };
	}

	/** `prevote/0/a`, in the order in which this node sent its votes. */
	get votesSent(): string[] {
		return this.effects.flatMap((effect) => {
			if (effect.kind !== "send" || effect.message.kind !== "vote") return [];
			const { type, round, blockId } = effect.message.vote;
			return [`${type === PREVOTE ? "prevote" : "precommit"}/${round}/${this.nameOf(blockIdKey(blockId)) || "nil"}`];
		});
	}

	get lastVote(): string {
		return this.votesSent.at(-1) ?? "none";
	}

	/** Signed votes of this node that were sent. */
	get ownVotes(): Vote[] {
		return this.effects.flatMap((effect) => {
			return effect.kind === "send" && effect.message.kind === "vote" ? [effect.message.vote] : [];
		});
	}

	get proposalsSent(): Proposal[] {
		return this.effects.flatMap((effect) => {
			return effect.kind === "send" && effect.message.kind === "proposal" ? [effect.message.proposal] : [];
		});
	}

	/** Height, round and step: `1/0/RoundStepPropose`. */
	get where(): string {
		const { height, round, step } = this.engine.view();
		return `${height}/${round}/${step}`;
	}

	/** `a@1`, or null. */
	get locked(): string | null {
		const { locked } = this.engine.view();
		return locked === null ? null : `${this.nameOf(locked.block)}@${locked.round}`;
	}

	get valid(): string | null {
		const { highest } = this.engine.view();
		return highest === null ? null : `${this.nameOf(highest.block)}@${highest.round}`;
	}

	of<Kind extends Effect<Tendermint>["kind"]>(kind: Kind): Extract<Effect<Tendermint>, { kind: Kind }>[] {
		return this.effects.filter((effect): effect is Extract<Effect<Tendermint>, { kind: Kind }> => effect.kind === kind);
	}

	events(name: EngineEventName): number {
		return this.of("announce").filter(({ event }) => event.name === name).length;
	}

	/** Names of the blocks asked for, in order. */
	get fetched(): string[] {
		return this.of("fetch").map(({ block }) => this.nameOf(block));
	}

	asked<Kind extends "build" | "check" | "extend" | "checkExtension">(kind: Kind): Asked<Kind>[] {
		return this.of("ask").flatMap(({ question }) => (question.kind === kind ? [question as Asked<Kind>] : []));
	}

	/** `newHeight/1/0`: the timers set, in order. */
	get timers(): string[] {
		return this.of("setTimer").map(({ timer }) => timer);
	}

	get committed(): {
		readonly name: string;
		readonly certificate: TendermintCertificate;
		readonly commit: Commit;
	} | null {
		const effect = this.of("commit").at(-1);
		if (effect === undefined) return null;
		return { name: this.nameOf(effect.block), certificate: effect.certificate, commit: effect.certificate.commit };
	}
}
