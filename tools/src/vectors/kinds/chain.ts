import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { localConnections, openKvStore } from "@cairn/abci";
import { EventBus, Executor, handshake } from "@cairn/chain";
import { SignatureCache, sha256, verifySignature } from "@cairn/crypto";
import { noMetrics, silentLogger, toHex } from "@cairn/kit";
import { BlockStore, StateStore } from "@cairn/storage";
import {
	type Block,
	type BlockId,
	blockHash,
	blockToPartSet,
	type ChainState,
	decodeBlock,
	decodeCommit,
	decodeExtendedCommit,
	encodeBlock,
	encodeCommit,
	encodeExtendedCommit,
	encodeState,
	encodeValidatorSet,
	extendedCommitToCommit,
	genesisState,
	type PartSet,
	parseGenesis,
	verifyCommit,
	verifyExtendedCommit,
} from "@cairn/types";
import { abci, fromProtoJson, type Json, readDelimited, state as stateProto, toProtoJson } from "@cairn/types/proto";
import { ManualTime, MemoryStore } from "@cairn/world";
import { type Checker, fail } from "../checker.ts";
import { hex, same, sameBytes, sameInteger } from "../expectation.ts";

interface HeightCase {
	readonly height: string;
	readonly block_offset: number;
	readonly block_size: number;
	readonly block_hash: string;
	readonly part_set_header: { readonly hash: string; readonly total: number };
	readonly num_txs: number;
	readonly seen_commit: string;
	/** Where vote extensions are on. */
	readonly extended_commit?: string;
	/** Where it differs from that of the height before. */
	readonly validator_set?: string;
	/** One of the two; the hash where the answer is large. */
	readonly finalize_block_response?: string;
	readonly finalize_block_response_sha256?: string;
	readonly validator_updates: readonly { readonly json: Json }[] | null;
	readonly app_hash_after: string;
	readonly last_results_hash_after: string;
}

interface ChainFile {
	readonly chain_id: string;
	readonly initial_height: string;
	readonly genesis_json: string;
	readonly init_chain_app_hash: string;
	readonly blocks_file: string;
	readonly heights: readonly HeightCase[];
	readonly final_state_proto: string;
	readonly final_state_json: Json;
}

/** What executes the blocks: the product's executor over its kvstore, with stores in memory. */
class Replay {
	readonly #blocks: Uint8Array;
	readonly #blockStore: BlockStore;
	readonly #executor: Executor;
	state: ChainState;

	private constructor(blocks: Uint8Array, blockStore: BlockStore, executor: Executor, state: ChainState) {
		this.#blocks = blocks;
		this.#blockStore = blockStore;
		this.#executor = executor;
		this.state = state;
	}

	static async start(content: ChainFile, blocks: Uint8Array): Promise<Replay> {
		const genesis = parseGenesis(content.genesis_json);
		const stateStore = StateStore.open(new MemoryStore());
		const blockStore = BlockStore.open(new MemoryStore());
		const connections = localConnections(await openKvStore());
		const parts = {
			stateStore,
			blockStore,
			mempool: null,
			evidence: null,
			events: new EventBus(),
			signatures: new SignatureCache(10_000),
			clock: new ManualTime(),
			logger: silentLogger,
			metrics: noMetrics,
			failPoint: () => undefined,
			onExecuted: () => undefined,
		};
		const executorFor = (application: ConstructorParameters<typeof Executor>[1]["application"]) =>
			new Executor({ blockTimeTolerance: 0n }, { ...parts, application });
		const logger = silentLogger;
		const first = genesisState(genesis);
		await stateStore.save(first);
		const state = await handshake(first, { connections, stateStore, blockStore, genesis, logger, executorFor });
		return new Replay(blocks, blockStore, executorFor(connections.consensus), state);
	}

	#blockOf(each: HeightCase): { block: Block; parts: PartSet; id: BlockId } {
		const found = readDelimited(this.#blocks, each.block_offset, this.#blocks.length) ?? fail("block is not whole");
		sameInteger("block_size", found.message.length, each.block_size);
		const block = decodeBlock(found.message);
		same("encoded again", encodeBlock(block), found.message);
		const parts = blockToPartSet(block);
		const { total, hash } = each.part_set_header;
		same("part_set_header", parts.header, { total, hash: hex(hash) });
		sameBytes("block_hash", blockHash(block), each.block_hash);
		return { block, parts, id: { hash: blockHash(block), partSetHeader: parts.header } };
	}

	/** The commits that the node stored are good under the validators that we expect. */
	async #save(each: HeightCase, block: Block, parts: PartSet, id: BlockId): Promise<void> {
		const { chainId, validators } = this.state;
		const { height } = block.header;
		const seen = decodeCommit(hex(each.seen_commit));
		sameBytes("seen_commit", encodeCommit(seen), each.seen_commit);
		verifyCommit(chainId, validators, id, height, seen, verifySignature);
		if (each.extended_commit === undefined) {
			await this.#blockStore.saveBlock(block, parts, seen);
			return;
		}
		const extended = decodeExtendedCommit(hex(each.extended_commit));
		sameBytes("extended_commit", encodeExtendedCommit(extended), each.extended_commit);
		same("seen commit of the extended one", encodeCommit(extendedCommitToCommit(extended)), hex(each.seen_commit));
		verifyExtendedCommit(chainId, validators, id, height, extended, verifySignature);
		await this.#blockStore.saveBlockWithExtendedCommit(block, parts, extended);
	}

	async run(each: HeightCase): Promise<void> {
		const { block, parts, id } = this.#blockOf(each);
		sameInteger("height", block.header.height, each.height);
		sameInteger("num_txs", block.txs.length, each.num_txs);
		if (each.validator_set !== undefined)
			sameBytes("validator_set", encodeValidatorSet(this.state.validators), each.validator_set);
		await this.#save(each, block, parts, id);
		const { state, result } = await this.#executor.apply(this.state, id, block);
		this.state = state;
		const bytes = abci.ResponseFinalizeBlock.encode(result);
		if (each.finalize_block_response_sha256 === undefined)
			sameBytes("finalize_block_response", bytes, each.finalize_block_response);
		else sameBytes("finalize_block_response_sha256", sha256(bytes), each.finalize_block_response_sha256);
		const updates = result.validatorUpdates.map((json) => toProtoJson("tendermint.abci.ValidatorUpdate", json));
		same("validator_updates", updates, each.validator_updates?.map(({ json }) => json) ?? []);
		sameBytes("app_hash_after", state.appHash, each.app_hash_after);
		sameBytes("last_results_hash_after", state.lastResultsHash, each.last_results_hash_after);
	}
}

export const checkChain: Checker = async (file, tally) => {
	const content = file.content as ChainFile;
	const blocks = readFileSync(join(dirname(file.path), content.blocks_file));
	const replay = await Replay.start(content, blocks);
	await tally.check("genesis", () => {
		same("chain_id", replay.state.chainId, content.chain_id);
		sameInteger("initial_height", replay.state.initialHeight, content.initial_height);
		same("init_chain_app_hash", toHex(replay.state.appHash), content.init_chain_app_hash);
	});
	for (const each of content.heights) await tally.check(`height ${each.height}`, () => replay.run(each));
	await tally.check("final state", () => {
		sameBytes("final_state_proto", encodeState(replay.state), content.final_state_proto);
		const proto = fromProtoJson("tendermint.state.State", content.final_state_json) as stateProto.State;
		same("final_state_json", stateProto.State.encode(proto), hex(content.final_state_proto));
		const last = content.heights.at(-1);
		same("blocks left over", last === undefined ? 0 : lengthAfter(blocks, last), 0);
	});
};

/** Bytes behind the last block. */
function lengthAfter(blocks: Uint8Array, last: HeightCase): number {
	const found = readDelimited(blocks, last.block_offset, blocks.length) ?? fail("last block is not whole");
	return blocks.length - found.next;
}
