import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addressOf, merkleRoot, type PrivateKey, publicKeyOf, sign } from "@cairn/crypto";
import type { ConsensusMessage } from "@cairn/gossip";
import { bytesEqual, EMPTY_BYTES, toUpperHex } from "@cairn/kit";
import { parseKeyFile } from "@cairn/signer";
import {
	type Block,
	type BlockId,
	blockHash,
	blockToPartSet,
	type ChainState,
	EMPTY_COMMIT,
	genesisState,
	type Height,
	isNilBlockId,
	makeBlock,
	NIL_BLOCK_ID,
	type PartSet,
	PRECOMMIT,
	PREVOTE,
	type Proposal,
	parseGenesis,
	proposalSignBytes,
	type Round,
	type ValidatorSet,
	type Vote,
	type VoteType,
	voteSignBytes,
} from "@cairn/types";
import { ScriptedPeer } from "./scripted-peer.ts";

const STEP_PROPOSE = 3;

export interface PuppetBlock {
	readonly block: Block;
	readonly id: BlockId;
	readonly parts: PartSet;
}

/** The genesis state of a home folder, as it is after InitChain of kvstore. */
export function kvstoreGenesis(home: string): ChainState {
	const state = genesisState(parseGenesis(readFileSync(join(home, "config", "genesis.json"), "utf8")));
	const consensus = { ...state.version.consensus, app: 1n };
	// What InitChain has no results of hashes to the root of an empty tree.
	const lastResultsHash = merkleRoot([]);
	return { ...state, appHash: new Uint8Array(8), lastResultsHash, version: { ...state.version, consensus } };
}

export function validatorKey(home: string): PrivateKey {
	const file = join(home, "config", "priv_validator_key.json");
	return parseKeyFile(readFileSync(file), file);
}

/** Address of the validator whose home folder this is. */
export function validatorAddress(home: string): Uint8Array {
	return addressOf(publicKeyOf(validatorKey(home)));
}

/** The proposer of a height and round, as long as nobody changes the validators. */
export function proposerAt(genesis: ChainState, height: Height, round: Round): Uint8Array {
	let set: ValidatorSet = genesis.validators;
	for (let each = genesis.initialHeight; each < height; each++) set = set.copyIncrementProposerPriority(1);
	if (round > 0) set = set.copyIncrementProposerPriority(round);
	return set.proposer?.address ?? EMPTY_BYTES;
}

/** All validators of a network but one, on strings: they all say what the test wants, to the one real node. */
export class Puppet {
	readonly peer: ScriptedPeer;
	readonly genesis: ChainState;
	readonly #keys: readonly PrivateKey[];
	#place = "";

	/** @param address `id@host:port` of the real node */
	constructor(address: string, genesis: ChainState, keys: readonly PrivateKey[]) {
		this.genesis = genesis;
		this.#keys = keys;
		this.peer = new ScriptedPeer(address, genesis.chainId, 77);
		this.peer.onMessage = (message) => this.#follow(message);
	}

	async connect(): Promise<void> {
		this.#place = "";
		await this.peer.connect();
	}

	/** Says that it stands where the real node stands: only then is it sent what belongs there. */
	#follow(message: ConsensusMessage): void {
		if (message.kind !== "newRoundStep") return;
		const { height, round, lastCommitRound } = message;
		if (this.#place === `${height}/${round}`) return;
		this.#place = `${height}/${round}`;
		const step = STEP_PROPOSE;
		this.peer.send({ kind: "newRoundStep", height, round, step, secondsSinceStart: 0n, lastCommitRound });
	}

	/** The real node takes part in this round. */
	async atRound(height: Height, round: Round): Promise<void> {
		await this.peer.expect(`a step of ${height}/${round}`, (message) => {
			return message.kind === "newRoundStep" && message.height === height && message.round === round;
		});
	}

	/** Every string votes the same. */
	vote(type: VoteType, height: Height, round: Round, blockId: BlockId): void {
		for (const key of this.#keys)
			this.peer.send({ kind: "vote", vote: this.#signed(key, type, height, round, blockId) });
	}

	#signed(key: PrivateKey, type: VoteType, height: Height, round: Round, blockId: BlockId): Vote {
		const { index, validator } = this.#placeOf(key);
		const unsigned: Vote = {
			type,
			height,
			round,
			blockId,
			timestamp: BigInt(Date.now()) * 1_000_000n,
			validatorAddress: validator.address,
			validatorIndex: index,
			signature: EMPTY_BYTES,
			extension: EMPTY_BYTES,
			extensionSignature: EMPTY_BYTES,
		};
		return { ...unsigned, signature: sign(key, voteSignBytes(this.genesis.chainId, unsigned)) };
	}

	#placeOf(key: PrivateKey) {
		const wanted = publicKeyOf(key).bytes;
		const index = this.genesis.validators.validators.findIndex(({ publicKey }) => bytesEqual(publicKey.bytes, wanted));
		const validator = this.genesis.validators.validators[index];
		if (validator === undefined) throw new Error("the puppet has a key that is no validator's");
		return { index, validator };
	}

	/** A valid block of the first height. */
	firstBlock(round: Round, tx: string): PuppetBlock {
		const { genesis } = this;
		const proposer = proposerAt(genesis, genesis.initialHeight, round);
		return packed(makeBlock(genesis, genesis.initialHeight, [Buffer.from(tx)], EMPTY_COMMIT, [], proposer));
	}

	/** Proposes in the name of whoever has to at this round. */
	propose({ block, id, parts }: PuppetBlock, round: Round): void {
		const { height } = block.header;
		const proposer = proposerAt(this.genesis, height, round);
		const key = this.#keys.find((each) => bytesEqual(this.#placeOf(each).validator.address, proposer));
		if (key === undefined) throw new Error(`round ${round} is not for the puppet to propose in`);
		const timestamp = BigInt(Date.now()) * 1_000_000n;
		const unsigned: Proposal = { height, round, polRound: -1, blockId: id, timestamp, signature: EMPTY_BYTES };
		const signature = sign(key, proposalSignBytes(this.genesis.chainId, unsigned));
		this.peer.send({ kind: "proposal", proposal: { ...unsigned, signature } });
		for (let index = 0; index < parts.total; index++) {
			const part = parts.getPart(index);
			if (part !== null) this.peer.send({ kind: "part", height, round, part });
		}
	}

	/** The real node's proposal. */
	async proposal(height: Height, round: Round): Promise<Proposal> {
		const message = await this.peer.expect(`the proposal of ${height}/${round}`, (each) => {
			return each.kind === "proposal" && each.proposal.height === height && each.proposal.round === round;
		});
		if (message.kind !== "proposal") throw new Error("unreachable");
		return message.proposal;
	}

	/** The real node's vote. */
	async voteOf(real: Uint8Array, type: VoteType, height: Height, round: Round): Promise<Vote> {
		const name = type === PREVOTE ? "prevote" : "precommit";
		const message = await this.peer.expect(`the ${name} of ${height}/${round}`, (each) => {
			if (each.kind !== "vote") return false;
			const { vote } = each;
			const isPlace = vote.type === type && vote.height === height && vote.round === round;
			return isPlace && bytesEqual(vote.validatorAddress, real);
		});
		if (message.kind !== "vote") throw new Error("unreachable");
		return message.vote;
	}

	/** Lets the real node make the block of a height: skips to its round, and votes for what it proposes. */
	async decide(real: Uint8Array, height: Height): Promise<void> {
		await this.atRound(height, 0);
		let round = 0;
		while (!bytesEqual(proposerAt(this.genesis, height, round), real)) round++;
		if (round > 0) this.vote(PRECOMMIT, height, round - 1, NIL_BLOCK_ID);
		const { blockId } = await this.proposal(height, round);
		this.vote(PREVOTE, height, round, blockId);
		this.vote(PRECOMMIT, height, round, blockId);
		await this.atRound(height + 1, 0);
	}
}

function packed(block: Block): PuppetBlock {
	const parts = blockToPartSet(block);
	return { block, parts, id: { hash: blockHash(block), partSetHeader: parts.header } };
}

/** A block id as tests compare and print it. */
export function nameOf(id: BlockId): string {
	return isNilBlockId(id) ? "nil" : toUpperHex(id.hash);
}
