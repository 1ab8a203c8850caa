import { readFileSync } from "node:fs";
import { fromHex } from "@cairn/kit";
import { abci, fromProtoJson, type Json, readDelimited, types } from "@cairn/types/proto";
import type { Application } from "./application.ts";

function vectorFile(name: string): URL {
	return new URL(`../../../vectors/${name}`, import.meta.url);
}

/** A file of vectors/ (made by the real CometBFT v0.40.0); the caller names the shape it has. For tests only. */
export function readVectors<Shape>(name: string): Shape {
	return JSON.parse(readFileSync(vectorFile(name), "utf8")) as Shape;
}

/** What went over one ABCI socket between the real node and the example application. */
export interface SessionMessage {
	readonly conn: number;
	readonly dir: "req" | "res";
	readonly type: string;
	readonly n: number;
	readonly json: Json;
	readonly delimited_hex: string;
}

export interface Session {
	readonly messages: readonly SessionMessage[];
	readonly sequence_first_250: readonly string[];
}

export interface ChainHeight {
	readonly height: string;
	readonly num_txs: number;
	readonly app_hash_after: string;
	readonly finalize_block_response?: string;
	readonly finalize_block_response_sha256?: string;
	readonly validator_updates: readonly unknown[] | null;
}

/** A real chain: genesis, results per height, blocks. */
export interface ChainVectors {
	readonly blocks_file: string;
	readonly chain_id: string;
	readonly genesis_json: string;
	readonly init_chain_app_hash: string;
	readonly heights: readonly ChainHeight[];
}

export function readChain(name: string): { chain: ChainVectors; blocks: readonly types.Block[] } {
	const chain = readVectors<ChainVectors>(`chain/chain-${name}.json`);
	const file = new Uint8Array(readFileSync(vectorFile(`chain/${chain.blocks_file}`)));
	const blocks: types.Block[] = [];
	for (let at = 0; at < file.length; ) {
		const found = readDelimited(file, at, file.length);
		if (found === undefined) throw new Error("the file of blocks is cut short");
		blocks.push(types.Block.decode(found.message));
		at = found.next;
	}
	return { chain, blocks };
}

interface GenesisJson {
	readonly chain_id: string;
	readonly validators: readonly { readonly pub_key: { readonly value: string }; readonly power: string }[];
}

/** The InitChain request of a vector's genesis, as far as the example application looks at it. */
export function initChainOf(chain: ChainVectors): abci.RequestInitChain {
	const genesis = JSON.parse(chain.genesis_json) as GenesisJson;
	const validators = genesis.validators.map((validator) => ({
		pub_key: { ed25519: validator.pub_key.value },
		power: validator.power,
	}));
	const json: Json = { chain_id: genesis.chain_id, validators, initial_height: "1" };
	return fromProtoJson("tendermint.abci.RequestInitChain", json) as abci.RequestInitChain;
}

export function finalizeBlockOf(block: types.Block): abci.RequestFinalizeBlock {
	return abci.RequestFinalizeBlock.create({
		txs: block.data.txs,
		height: block.header.height,
		time: block.header.time,
	});
}

/** Runs the blocks up to `height` through an application. */
export async function replay(
	application: Application,
	blocks: readonly types.Block[],
	height: number,
	onBlock: (response: abci.ResponseFinalizeBlock, block: types.Block) => void = () => {},
): Promise<void> {
	for (const block of blocks.slice(0, height)) {
		const response = await application.finalizeBlock(finalizeBlockOf(block));
		onBlock(response, block);
		await application.commit({});
	}
}

/** The message inside a recorded frame. */
export function frameOf(message: SessionMessage): Uint8Array {
	return fromHex(message.delimited_hex);
}
