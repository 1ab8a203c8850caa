import {
	bytesEqual,
	CairnError,
	type Disk,
	fromHex,
	fromUtf8,
	type KeyValueStore,
	type StoreWrite,
	toHex,
	utf8,
} from "@cairn/kit";
import { Fields } from "./state-machine/fields.ts";
import type { Commit, Position } from "./state-machine/machine.ts";
import { EMPTY_TREE, type Tree, type TreeChange, treeRoot, updateTree } from "./state-machine/sparse-merkle-tree.ts";

/** Keys of the state begin with `s`, the record of the last commit is `commit`. */
const STATE_PREFIX = utf8("s");
const STATE_END = utf8("t");
const COMMIT_KEY = utf8("commit");
const FORMAT = 1;

/** Where the application keeps what it has committed. */
export interface Storage {
	/** Makes a commit durable, all or nothing. */
	save(commit: Commit): Promise<void>;
	close(): Promise<void>;
}

/** What was found at start. */
export interface OpenedStorage {
	readonly storage: Storage;
	readonly position: Position;
	readonly tree: Tree;
}

/** Keeps nothing. */
export function memoryStorage(): OpenedStorage {
	const storage = { save: async () => {}, close: async () => {} };
	return { storage, position: { height: 0, time: 0n }, tree: EMPTY_TREE };
}

/**
 * Opens the application's database and builds the tree of its last commit. Its root must be the app hash that was
 * committed: a damaged database is found out here, not by a fork.
 * @throws CairnError `app-state-corrupt`, and those of the store
 */
export async function diskStorage(disk: Disk, path: string): Promise<OpenedStorage> {
	const store = await disk.openStore(path);
	try {
		const commit = readCommit(store.get(COMMIT_KEY), path);
		const changes: TreeChange[] = [];
		for await (const [key, value] of store.entries({ from: STATE_PREFIX, to: STATE_END })) {
			changes.push({ key: key.slice(STATE_PREFIX.length), value });
		}
		const tree = updateTree(EMPTY_TREE, changes);
		if (commit === undefined ? changes.length > 0 : !bytesEqual(treeRoot(tree), commit.appHash)) {
			throw corrupt(path, "its contents do not have the app hash that was committed");
		}
		return { storage: storageOf(store), position: commit ?? { height: 0, time: 0n }, tree };
	} catch (cause) {
		await store.close();
		throw cause;
	}
}

function storageOf(store: KeyValueStore): Storage {
	return {
		save: async ({ height, time, appHash, changes }) => {
			const writes = changes.map(({ key, value }): StoreWrite => {
				const name = new Uint8Array(STATE_PREFIX.length + key.length);
				name.set(STATE_PREFIX);
				name.set(key, STATE_PREFIX.length);
				return value === undefined ? { key: name, remove: true } : { key: name, value };
			});
			const record = { format: FORMAT, height, time: String(time), app_hash: toHex(appHash) };
			writes.push({ key: COMMIT_KEY, value: utf8(JSON.stringify(record)) });
			await store.write(writes, { sync: true });
		},
		close: () => store.close(),
	};
}

function readCommit(bytes: Uint8Array | undefined, path: string): (Position & { appHash: Uint8Array }) | undefined {
	if (bytes === undefined) return undefined;
	try {
		const fields = new Fields(JSON.parse(fromUtf8(bytes)), "commit");
		fields.integer("format", { min: FORMAT, max: FORMAT });
		return {
			height: fields.integer("height", { min: 1, max: Number.MAX_SAFE_INTEGER }),
			time: fields.decimal("time", 0),
			appHash: fromHex(fields.text("app_hash")),
		};
	} catch {
		throw corrupt(path, "the record of the last commit cannot be read");
	}
}

function corrupt(path: string, what: string): CairnError {
	const text = `the application's database ${path} is damaged: ${what}. Restore it from a backup, or reset the node and let it replay the chain`;
	return new CairnError("app-state-corrupt", "operator", text, { path });
}
