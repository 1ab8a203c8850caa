import { voteExtensionsEnabled } from "@cairn/chain";
import type { EngineParams, Epoch, Member } from "@cairn/consensus";
import { toHex } from "@cairn/kit";
import type { ChainState, Height, Validator, ValidatorSet } from "@cairn/types";

/** `consensus.*` of config.toml in the engine's names, in milliseconds. */
export interface ConsensusTimeouts {
	readonly propose: number;
	readonly proposeDelta: number;
	readonly prevote: number;
	readonly prevoteDelta: number;
	readonly precommit: number;
	readonly precommitDelta: number;
	readonly commit: number;
	readonly createEmptyBlocksInterval: number;
	/** 1 to start the next height as soon as all precommits are in. */
	readonly skipTimeoutCommit: number;
}

/** Gives each validator key a number of its own, in order of first appearance. */
export class MemberRegistry {
	readonly #byKey = new Map<string, Member>();

	memberOf(validator: Validator): Member {
		const key = `${validator.publicKey.type}/${toHex(validator.publicKey.bytes)}`;
		let member = this.#byKey.get(key);
		if (member === undefined) {
			member = this.#byKey.size;
			this.#byKey.set(key, member);
		}
		return member;
	}
}

/** Makes the epochs that the engine is told of: on a Tendermint chain each height is its own. */
export class EpochMaker {
	readonly #members: MemberRegistry;
	readonly #self: Uint8Array | null;
	readonly #waitForWork: boolean;
	#timeouts: ConsensusTimeouts;

	/** @param self address of this node's validator key, or null for a node without one. */
	constructor(members: MemberRegistry, self: Uint8Array | null, timeouts: ConsensusTimeouts, waitForWork: boolean) {
		this.#members = members;
		this.#self = self;
		this.#timeouts = timeouts;
		this.#waitForWork = waitForWork;
	}

	tune(timeouts: ConsensusTimeouts): void {
		this.#timeouts = timeouts;
	}

	/** The epoch of the height behind this state. */
	next(state: ChainState): Epoch {
		const height = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
		return this.#make(height, state.validators, state);
	}

	/** The epoch of the state's last block; null before the first. */
	previous(state: ChainState): Epoch | null {
		if (state.lastBlockHeight === 0) return null;
		return this.#make(state.lastBlockHeight, state.lastValidators, state);
	}

	#make(height: Height, validators: ValidatorSet, state: ChainState): Epoch {
		const found = this.#self === null ? null : validators.getByAddress(this.#self);
		const params: EngineParams = {
			timeouts: { ...this.#timeouts },
			extensions: voteExtensionsEnabled(state.consensusParams, height),
			waitForWork: this.#waitForWork,
			maxBlockBytes: Number(state.consensusParams.block.maxBytes),
		};
		return {
			number: height,
			from: height,
			last: height,
			validators,
			members: validators.validators.map((each) => this.#members.memberOf(each)),
			self: found === null ? null : found.index,
			params,
		};
	}
}
