import { CairnError } from "@cairn/kit";
import { type GenesisDoc, genesisToJson } from "@cairn/types";
import { compactJson, type Json, jsonInt64 } from "../json/text.ts";
import { UINT } from "../parse/param-kinds.ts";
import { type Route, route } from "./route.ts";

/** Larger documents are only handed out in pieces of this many bytes. */
const CHUNK_SIZE = 16 * 1024 * 1024;

/** The document in the form of answers, and cut into chunks; made once, for it never changes. */
interface GenesisForms {
	readonly json: Json;
	/** In base64. */
	readonly chunks: readonly string[];
}

const forms = new WeakMap<GenesisDoc, GenesisForms>();

function formsOf(genesis: GenesisDoc): GenesisForms {
	let known = forms.get(genesis);
	if (known === undefined) {
		const json = compactJson(genesisToJson(genesis));
		known = { json, chunks: chunksOf(Buffer.from(json)) };
		forms.set(genesis, known);
	}
	return known;
}

function chunksOf(bytes: Buffer): string[] {
	const chunks: string[] = [];
	for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
		chunks.push(bytes.subarray(at, at + CHUNK_SIZE).toString("base64"));
	}
	return chunks;
}

export const GENESIS_ROUTES: readonly Route[] = [
	route("genesis", {}, { cache: [] }, (environment) => {
		const { json, chunks } = formsOf(environment.genesis);
		if (chunks.length === 1) return `{"genesis":${json}}`;
		const text = "genesis response is large, please use the genesis_chunked API instead";
		throw new CairnError("genesis-too-large", "operator", text);
	}),
	route("genesis_chunked", { chunk: UINT }, { cache: [] }, (environment, { chunk }) => {
		const { chunks } = formsOf(environment.genesis);
		const data = chunks[Number(chunk)];
		if (data === undefined) {
			// As Go counts them: from zero.
			const text = `there are ${chunks.length - 1} chunks, ${chunk} is invalid`;
			throw new CairnError("no-such-chunk", "peer", text);
		}
		return `{"chunk":${jsonInt64(chunk)},"total":${jsonInt64(chunks.length)},"data":"${data}"}`;
	}),
];
