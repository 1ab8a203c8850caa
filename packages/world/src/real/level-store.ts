import type { KeyRange, KeyValueStore, StoreWrite } from "@cairn/kit";
import { CairnError, InvariantError, messageOf } from "@cairn/kit";
import { ClassicLevel } from "classic-level";
import { foreignLockHolder } from "./foreign-lock.ts";
import { diskError, systemCode } from "./os-errors.ts";

type Level = ClassicLevel<Uint8Array, Uint8Array>;

interface EntryReader {
	nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
}

const ENTRIES_PER_READ = 256;
const READ_AHEAD_BYTES = 256 * 1024;
const SYSTEM_MESSAGES: readonly (readonly [RegExp, string])[] = [
	[/no space left/i, "ENOSPC"],
	[/quota/i, "EDQUOT"],
	[/read-only file system/i, "EROFS"],
	[/permission denied/i, "EACCES"],
	[/operation not permitted/i, "EPERM"],
	[/too many open files/i, "EMFILE"],
	[/not a directory/i, "ENOTDIR"],
	[/input\/output error/i, "EIO"],
];

/**
 * Opens (creating where needed) the LevelDB database in a directory; reads and writes the same files as goleveldb.
 * @throws CairnError `store-locked` where another process has it open, `store-corrupt` where its files are damaged
 */
export async function openLevelStore(directory: string): Promise<KeyValueStore> {
	const holder = await foreignLockHolder(directory);
	if (holder !== undefined) throw lockedError(directory, holder);
	const level: Level = new ClassicLevel(directory, { keyEncoding: "view", valueEncoding: "view" });
	try {
		await level.open();
	} catch (cause) {
		throw storeError(cause, "opening", directory);
	}
	return new LevelStore(level, directory);
}

class LevelStore implements KeyValueStore {
	readonly #level: Level;
	readonly #directory: string;

	constructor(level: Level, directory: string) {
		this.#level = level;
		this.#directory = directory;
	}

	get(key: Uint8Array): Uint8Array | undefined {
		try {
			const value = this.#level.getSync(key);
			return value === undefined ? undefined : plain(value);
		} catch (cause) {
			throw storeError(cause, "reading", this.#directory);
		}
	}

	has(key: Uint8Array): boolean {
		return this.get(key) !== undefined;
	}

	async write(writes: readonly StoreWrite[], options: { sync?: boolean } = {}): Promise<void> {
		try {
			// An array of operations is copied one property at a time: this way costs a tenth of it.
			const batch = this.#level.batch();
			for (const write of writes) {
				if ("remove" in write) batch.del(write.key);
				else batch.put(write.key, write.value);
			}
			await batch.write({ sync: options.sync === true });
		} catch (cause) {
			throw storeError(cause, "writing", this.#directory);
		}
	}

	async *entries(range: KeyRange = {}): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
		const iterator = this.#level.iterator({
			...(range.from === undefined ? {} : { gte: range.from }),
			...(range.to === undefined ? {} : { lt: range.to }),
			...(range.limit === undefined ? {} : { limit: range.limit }),
			reverse: range.reverse === true,
			fillCache: false,
			highWaterMarkBytes: READ_AHEAD_BYTES,
		});
		try {
			for (;;) {
				const entries = await this.#next(iterator);
				if (entries.length === 0) return;
				for (const [key, value] of entries) yield [plain(key), plain(value)];
			}
		} finally {
			await iterator.close();
		}
	}

	async compact(): Promise<void> {
		try {
			// Our keys are short: nothing sorts behind 64 bytes of 0xff.
			await this.#level.compactRange(new Uint8Array(0), new Uint8Array(64).fill(0xff));
		} catch (cause) {
			throw storeError(cause, "compacting", this.#directory);
		}
	}

	async close(): Promise<void> {
		try {
			await this.#level.close();
		} catch (cause) {
			throw storeError(cause, "closing", this.#directory);
		}
	}

	async #next(iterator: EntryReader): Promise<[Uint8Array, Uint8Array][]> {
		try {
			return await iterator.nextv(ENTRIES_PER_READ);
		} catch (cause) {
			throw storeError(cause, "reading", this.#directory);
		}
	}
}

/** LevelDB answers with Buffers, whose `slice` shares memory: hand out what the type says. */
function plain(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function lockedError(directory: string, holder: string, cause?: unknown): CairnError {
	const message =
		`the database ${directory} is in use by ${holder}; ` +
		"stop it (only one node may run on a home folder), then start again";
	return new CairnError("store-locked", "operator", message, { directory }, cause);
}

function storeError(failure: unknown, doing: string, directory: string): CairnError {
	if (failure instanceof CairnError) return failure;
	// abstract-level wraps the error of LevelDB in a LEVEL_DATABASE_NOT_OPEN of its own.
	const inner = (failure as { cause?: unknown } | undefined)?.cause;
	const cause = inner instanceof Error ? inner : failure;
	const code = systemCode(cause);
	const text = messageOf(cause);
	if (code === "LEVEL_LOCKED") return lockedError(directory, "another process or another part of this one", cause);
	if (code === "LEVEL_CORRUPTION" || /corruption|missing files|does not exist \(create_if_missing/i.test(text)) {
		const message =
			`${doing} the database ${directory} failed: its files are damaged (${text}); restore the directory from ` +
			"a backup of the whole data folder, or remove the data folder and sync anew (keep priv_validator_state.json)";
		return new CairnError("store-corrupt", "operator", message, { directory }, cause);
	}
	if (code === "LEVEL_DATABASE_NOT_OPEN" || code === "LEVEL_ITERATOR_NOT_OPEN") {
		return new InvariantError("the database is closed", { directory, code });
	}
	const errno = SYSTEM_MESSAGES.find(([pattern]) => pattern.test(text))?.[1];
	if (errno !== undefined) return diskError({ code: errno, message: text }, `${doing} the database`, directory);
	return new CairnError(
		"store-failed",
		"operator",
		`${doing} the database ${directory} failed: ${text}; check the disk and the file system`,
		{ directory, code },
		cause,
	);
}
