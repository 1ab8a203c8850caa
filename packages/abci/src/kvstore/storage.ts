import { DecodeError, type Disk, fromUtf8, type KeyValueStore, type StoreWrite, utf8 } from "@cairn/kit";
import { abci, encodeDelimited, readDelimited } from "@cairn/types/proto";
import { type KvValidator, updateOf, validatorFromUpdate } from "./validators.ts";

/** Where the example application keeps what it keeps; keys and values are those of CometBFT's kvstore.db. */
const STATE_KEY = utf8("stateKey");
const PAIR_PREFIX = utf8("kvPairKey:");
/** Ours alone; CometBFT's example never looks at it. */
const KEY_TYPES_KEY = utf8("cairn:keyTypes");
const VALIDATOR_PREFIX = utf8("val=");
/** The first key after all that begin with `val=`. */
const VALIDATOR_END = utf8("val>");

/** How many transactions there have been, up to which height. */
export interface KvState {
	readonly size: bigint;
	readonly height: bigint;
}

export function pairKey(key: Uint8Array): Uint8Array {
	return prefixed(PAIR_PREFIX, key);
}

export function validatorKey(publicKeyBytes: Uint8Array): Uint8Array {
	return prefixed(VALIDATOR_PREFIX, publicKeyBytes);
}

function prefixed(prefix: Uint8Array, key: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(prefix.length + key.length);
	bytes.set(prefix);
	bytes.set(key, prefix.length);
	return bytes;
}

export function stateWrite({ size, height }: KvState): StoreWrite {
	return { key: STATE_KEY, value: utf8(`{"size":${size},"height":${height}}`) };
}

export function validatorWrite(validator: KvValidator): StoreWrite {
	const key = validatorKey(validator.publicKey.bytes);
	if (validator.power === 0n) return { key, remove: true };
	return { key, value: encodeDelimited(abci.ValidatorUpdate.encode(updateOf(validator))) };
}

/** Remembers which key types the genesis allows validators to have. */
export function keyTypesWrite(keyTypes: readonly string[]): StoreWrite {
	return { key: KEY_TYPES_KEY, value: utf8(keyTypes.join()) };
}

/** The least that the application needs of a store. */
export interface KvStorage {
	get(key: Uint8Array): Uint8Array | undefined;
	/** Applies all or nothing; keeps the arrays it is given. */
	write(writes: readonly StoreWrite[]): void | Promise<void>;
	close(): Promise<void>;
}

/** In memory: gone with the process. */
export class MemoryStorage implements KvStorage {
	readonly #values = new Map<string, Uint8Array>();

	get(key: Uint8Array): Uint8Array | undefined {
		return this.#values.get(nameOf(key));
	}

	write(writes: readonly StoreWrite[]): void {
		for (const write of writes) {
			if ("remove" in write) this.#values.delete(nameOf(write.key));
			else this.#values.set(nameOf(write.key), write.value);
		}
	}

	async close(): Promise<void> {
		this.#values.clear();
	}
}

function nameOf(key: Uint8Array): string {
	let name = "";
	for (const byte of key) name += String.fromCharCode(byte);
	return name;
}

/** What was found on disk at start. */
export interface OpenedStorage {
	readonly storage: KvStorage;
	readonly state: KvState;
	readonly validators: readonly KvValidator[];
	/** What `keyTypesWrite` remembered; undefined in a database of CometBFT's. */
	readonly keyTypes: readonly string[] | undefined;
}

/**
 * Opens `kvstore.db`, our own or one that CometBFT's persistent_kvstore left (its LevelDB has the same layout).
 * @throws CairnError of the store, DecodeError where its contents are not the application's
 */
export async function openDiskStorage(disk: Disk, path: string): Promise<OpenedStorage> {
	const store = await disk.openStore(path);
	try {
		const state = parseState(store.get(STATE_KEY), path);
		const validators: KvValidator[] = [];
		for await (const [, value] of store.entries({ from: VALIDATOR_PREFIX, to: VALIDATOR_END })) {
			validators.push(parseValidator(value, path));
		}
		const keyTypes = store.get(KEY_TYPES_KEY);
		return {
			storage: diskStorage(store),
			state,
			validators,
			keyTypes: keyTypes === undefined ? undefined : fromUtf8(keyTypes).split(","),
		};
	} catch (cause) {
		await store.close();
		throw cause;
	}
}

function diskStorage(store: KeyValueStore): KvStorage {
	return {
		get: (key) => store.get(key),
		write: (writes) => store.write(writes, { sync: true }),
		close: () => store.close(),
	};
}

function parseState(bytes: Uint8Array | undefined, path: string): KvState {
	if (bytes === undefined || bytes.length === 0) return { size: 0n, height: 0n };
	const text = fromUtf8(bytes);
	const size = /"size"\s*:\s*(\d{1,19})\b/.exec(text)?.[1];
	const height = /"height"\s*:\s*(\d{1,19})\b/.exec(text)?.[1];
	if (size === undefined || height === undefined)
		throw new DecodeError(`${path}: stateKey is not the kvstore's`, { text });
	return { size: BigInt(size), height: BigInt(height) };
}

function parseValidator(bytes: Uint8Array, path: string): KvValidator {
	const found = readDelimited(bytes, 0, bytes.length);
	if (found === undefined) throw new DecodeError(`${path}: a validator is cut short`);
	return validatorFromUpdate(abci.ValidatorUpdate.decode(found.message));
}
