import type { Peer } from "@cairn/network";
import { BitArray, type Height, type Round, type ValidatorIndex, type Vote, type VoteType } from "@cairn/types";
import { PeerRoundState } from "./peer-round-state.ts";

/**
 * A peer as consensus knows it: its round state, what it knows of us, and which votes and parts it usually has from others
 * before we can pass them on. The last keeps a network from sending everything to everybody as many times as there are
 * neighbours, at no cost for a peer that has only us.
 */
export class Companion {
	readonly peer: Peer;
	readonly state: PeerRoundState = new PeerRoundState();
	/** Votes and parts from it that we did not have. */
	votes = 0;
	parts = 0;
	/** It gets blocks from others too. */
	hearsPartsElsewhere = false;
	/** Votes of our height that it knows we have: by round and type. */
	#told = new Map<string, BitArray>();
	#toldHeight: Height = 0;
	/** By validator: its votes reach this peer from others too. */
	#elsewhere = new BitArray(0);
	/** When its height, round or step last changed, in milliseconds of the monotonic clock. */
	movedAt: number;
	/** After so many milliseconds without a move, nothing is taken for delivered any more. */
	patience: number;

	constructor(peer: Peer, now: number, patience: number) {
		this.peer = peer;
		this.movedAt = now;
		this.patience = patience;
	}

	/** It knows that we have this vote. */
	tell(vote: Pick<Vote, "height" | "round" | "type" | "validatorIndex">, size: number): void {
		const { height, round, type, validatorIndex } = vote;
		if (height !== this.#toldHeight) {
			if (height < this.#toldHeight) return;
			this.#toldHeight = height;
			this.#told.clear();
		}
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

	/** Notes that it had a validator's vote before we sent it, or that it had to wait for us. */
	learn(index: ValidatorIndex, size: number, hearsElsewhere: boolean): void {
		if (this.#elsewhere.size !== size) {
			if (!hearsElsewhere) return;
			this.#elsewhere = new BitArray(size);
		}
		this.#elsewhere.set(index, hearsElsewhere);
	}

	hearsElsewhere(index: ValidatorIndex): boolean {
		return this.#elsewhere.get(index);
	}
}

/** A name for the votes of one round, type and height. */
export function nameOfVotes(height: Height, round: Round, type: VoteType): string {
	return `${height}/${round}/${type}`;
}
