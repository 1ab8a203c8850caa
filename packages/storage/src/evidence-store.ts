import { type KeyValueStore, type StoreWrite, toUpperHex, utf8 } from "@cairn/kit";
import {
	BLOCK_PROTOCOL,
	decodeEvidence,
	type Evidence,
	encodeEvidence,
	evidenceHash,
	evidenceHeight,
} from "@cairn/types";
import { google } from "@cairn/types/proto";
import { decodeStored } from "./damage.ts";

const COMMITTED = 0x00;
const PENDING = 0x01;

export interface EvidenceStoreOptions {
	/** Number of the chain's block protocol; CometBFT's if not given. */
	readonly blockProtocol?: bigint;
}

/** Evidence that waits for a block, and which was committed, in CometBFT's `evidence.db` (evidence/pool.go). */
export class EvidenceStore {
	readonly #store: KeyValueStore;
	readonly #blockProtocol: bigint;

	private constructor(store: KeyValueStore, blockProtocol: bigint) {
		this.#store = store;
		this.#blockProtocol = blockProtocol;
	}

	static open(store: KeyValueStore, options: EvidenceStoreOptions = {}): EvidenceStore {
		return new EvidenceStore(store, options.blockProtocol ?? BLOCK_PROTOCOL);
	}

	/** All pending evidence, by height and hash. @throws CairnError `store-corrupt` */
	async loadPending(): Promise<Evidence[]> {
		const list: Evidence[] = [];
		const range = { from: Uint8Array.of(PENDING), to: Uint8Array.of(PENDING + 1) };
		for await (const [, bytes] of this.#store.entries(range)) {
			list.push(decodeStored("evidence", () => decodeEvidence(bytes, this.#blockProtocol)));
		}
		return list;
	}

	isPending(evidence: Evidence): boolean {
		return this.#store.has(keyOf(PENDING, evidence));
	}

	isCommitted(evidence: Evidence): boolean {
		return this.#store.has(keyOf(COMMITTED, evidence));
	}

	async addPending(evidence: Evidence): Promise<void> {
		await this.#store.write([{ key: keyOf(PENDING, evidence), value: encodeEvidence(evidence) }], { sync: true });
	}

	async removePending(list: readonly Evidence[]): Promise<void> {
		await this.#store.write(list.map((evidence) => ({ key: keyOf(PENDING, evidence), remove: true as const })));
	}

	/** Notes that a block holds this evidence. The block itself keeps the evidence, so only its height is stored. */
	async markCommitted(list: readonly Evidence[]): Promise<void> {
		const writes: StoreWrite[] = [];
		for (const evidence of list) {
			const value = google.Int64Value.encode({ value: BigInt(evidenceHeight(evidence)) });
			writes.push({ key: keyOf(PENDING, evidence), remove: true }, { key: keyOf(COMMITTED, evidence), value });
		}
		// A mark that a loss of power takes back would let the same evidence into a second block.
		await this.#store.write(writes, { sync: true });
	}

	async close(): Promise<void> {
		await this.#store.close();
	}
}

/** Prefix, height as 16 hex digits (so that keys sort by height), slash, hash. */
function keyOf(prefix: number, evidence: Evidence): Uint8Array {
	const height = evidenceHeight(evidence).toString(16).toUpperCase().padStart(16, "0");
	const suffix = utf8(`${height}/${toUpperHex(evidenceHash(evidence))}`);
	const key = new Uint8Array(1 + suffix.length);
	key[0] = prefix;
	key.set(suffix, 1);
	return key;
}
