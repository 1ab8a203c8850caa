// Validators with keys, and an engine that follows them, for the tests of this package; holds no tests itself.
import { type Effects, type Engine, type Epoch, type Tendermint, TendermintEngine } from "@cairn/consensus";
import { type PrivateKey, privateKeyFromSeed, publicKeyOf, sha256, sign } from "@cairn/crypto";
import { EMPTY_BYTES, utf8 } from "@cairn/kit";
import {
	type BlockId,
	type ChainState,
	DEFAULT_CONSENSUS_ENGINE,
	defaultConsensusParams,
	genesisState,
	newValidator,
	type Proposal,
	proposalSignBytes,
	type ValidatorSet,
	type Vote,
	type VoteType,
	voteSignBytes,
} from "@cairn/types";
import { type ConsensusTimeouts, EpochMaker, MemberRegistry } from "../consensus/epochs.ts";

export const CHAIN_ID = "lab";
export const GENESIS_TIME = 1_700_000_000_000_000_000n;

export const TIMEOUTS: ConsensusTimeouts = {
	propose: 3_000,
	proposeDelta: 500,
	prevote: 1_000,
	prevoteDelta: 500,
	precommit: 1_000,
	precommitDelta: 500,
	commit: 1_000,
	createEmptyBlocksInterval: 0,
	skipTimeoutCommit: 0,
};

export const NO_EFFECTS: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };

/** Validators of equal power with their keys, in the order of the set. */
export class Lab {
	readonly state: ChainState;
	readonly keys: readonly PrivateKey[];

	constructor(count: number) {
		const keys = Array.from({ length: count }, (_, i) => privateKeyFromSeed("ed25519", sha256(utf8(`lab ${i}`))));
		this.state = genesisState({
			genesisTime: GENESIS_TIME,
			chainId: CHAIN_ID,
			initialHeight: 1,
			consensusParams: defaultConsensusParams(),
			validators: keys.map((key) => {
				const publicKey = publicKeyOf(key);
				return { address: newValidator(publicKey, 1n).address, publicKey, power: 10n, name: "" };
			}),
			appHash: EMPTY_BYTES,
			appState: "",
			consensusEngine: DEFAULT_CONSENSUS_ENGINE,
		});
		this.keys = this.set.validators.map(({ publicKey }) => {
			const key = keys.find((each) => String(publicKeyOf(each).bytes) === String(publicKey.bytes));
			if (key === undefined) throw new Error("a validator without a key");
			return key;
		});
	}

	get set(): ValidatorSet {
		return this.state.validators;
	}

	get epoch(): Epoch {
		return new EpochMaker(new MemberRegistry(), null, TIMEOUTS, false).next(this.state);
	}

	/** An engine of a node without a key, at the first height; its first round has begun if `isBegun`. */
	follower(isBegun = true): Engine<Tendermint> {
		const engine = new TendermintEngine({ chainId: CHAIN_ID });
		const at = { mono: 0, wall: GENESIS_TIME };
		const tip = { height: 0, block: null, time: GENESIS_TIME, certificate: null };
		const epochs = [this.epoch];
		engine.step({ kind: "start", tip, executed: 0, epochs, previous: null, snapshot: null }, at, NO_EFFECTS);
		engine.step({ kind: "resumed", executed: 0, epochs }, at, NO_EFFECTS);
		if (isBegun) engine.step({ kind: "timer", timer: "newHeight/1/0" }, at, NO_EFFECTS);
		return engine;
	}

	blockId(name: string, parts = 1): BlockId {
		return { hash: sha256(utf8(name)), partSetHeader: { total: parts, hash: sha256(utf8(`parts of ${name}`)) } };
	}

	vote(index: number, type: VoteType, height: number, round: number, blockId: BlockId): Vote {
		const validator = this.set.validators[index];
		const key = this.keys[index];
		if (validator === undefined || key === undefined) throw new Error(`there is no validator ${index}`);
		const unsigned: Vote = {
			type,
			height,
			round,
			blockId,
			timestamp: GENESIS_TIME + 1n,
			validatorAddress: validator.address,
			validatorIndex: index,
			signature: EMPTY_BYTES,
			extension: EMPTY_BYTES,
			extensionSignature: EMPTY_BYTES,
		};
		return { ...unsigned, signature: sign(key, voteSignBytes(CHAIN_ID, unsigned)) };
	}

	/** Signed by whoever proposes in the first round unless another index is given. */
	proposal(round: number, blockId: BlockId, by?: number): Proposal {
		const leader = this.set.proposer;
		const place = by ?? (leader === null ? 0 : (this.set.getByAddress(leader.address)?.index ?? 0));
		const key = this.keys[place];
		if (key === undefined) throw new Error(`there is no validator ${place}`);
		const timestamp = GENESIS_TIME + 2n;
		const unsigned: Proposal = { height: 1, round, polRound: -1, blockId, timestamp, signature: EMPTY_BYTES };
		return { ...unsigned, signature: sign(key, proposalSignBytes(CHAIN_ID, unsigned)) };
	}
}
