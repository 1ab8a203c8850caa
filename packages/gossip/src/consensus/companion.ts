import type { Peer } from "@cairn/network";
import { BitArray, type Height, type Round, type ValidatorIndex, type Vote, type VoteType } from "@cairn/types";
import { PeerRoundState } from "./peer-round-state.ts";

/** So often, counted in heights, a peer is taken to have other neighbours again, in case it has found some. */
const PROBE_PERIOD = 256;

/**
 * A peer as consensus knows it: its round state, what it knows of us, and which votes and parts it usually has from others
 * before we pass them on. The last keeps a network from sending everything to everybody as many times as there are
 * neighbours, at no cost for a peer that has only us.
 */
export class Companion {
	readonly peer: Peer;
	readonly state: PeerRoundState = new PeerRoundState();
	/** Votes and parts from it that we did not have. */
	votes = 0;
	parts = 0;
	/** When its height, round or step last changed, in milliseconds of the monotonic clock. */
	movedAt: number;
	/** After so many milliseconds without a move, nothing is taken for delivered any more. */
	patience: number;
	/** Votes of our height that it knows we have: by round and type. */
	readonly #told = new Map<string, BitArray>();
	#toldHeight: Height = 0;
	/** By validator: its votes, and its blocks, reach this peer only through us. */
	readonly #needs = { votes: new BitArray(0), blocks: new BitArray(0) };

	constructor(peer: Peer, now: number, patience: number) {
		this.peer = peer;
		this.movedAt = now;
		this.patience = patience;
	}

	/** It knows that we have this vote. */
	tell({ height, round, type, validatorIndex }: Vote, size: number): void {
		if (height < this.#toldHeight) return;
		if (height > this.#toldHeight) this.#told.clear();
		this.#toldHeight = height;
		const key = nameOfVotes(height, round, type);
		let bits = this.#told.get(key);
		if (bits === undefined) {
			bits = new BitArray(size);
			this.#told.set(key, bits);
		}
		bits.set(validatorIndex, true);
	}

	wasTold({ height, round, type, validatorIndex }: Vote): boolean {
		return this.#told.get(nameOfVotes(height, round, type))?.get(validatorIndex) === true;
	}

	/** Notes whether it had to wait for us to pass on what a validator made, or had it from elsewhere. */
	learn(what: "votes" | "blocks", index: ValidatorIndex, size: number, needsUs: boolean): void {
		if (this.#needs[what].size !== size) {
			if (!needsUs) return;
			this.#needs[what] = new BitArray(size);
		}
		this.#needs[what].set(index, needsUs);
	}

	/** True if what this validator makes is best passed on at once. */
	needs(what: "votes" | "blocks", index: ValidatorIndex, height: Height): boolean {
		return this.#needs[what].get(index) && (height + index) % PROBE_PERIOD !== 0;
	}
}

/** A name for the votes of one round, type and height. */
export function nameOfVotes(height: Height, round: Round, type: VoteType): string {
	return `${height}/${round}/${type}`;
}
