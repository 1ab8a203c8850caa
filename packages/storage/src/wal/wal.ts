import { type AppendFile, invariant, type Logger, messageOf, silentLogger, type Timer, type World } from "@cairn/kit";
import type { Height, TimeNs } from "@cairn/types";
import { WalGroup } from "./group.ts";
import { encodeWalRecord, type TimedWalRecord, type WalRecord } from "./record.ts";
import { type DamagedRange, scanRecords } from "./scan.ts";

const HEAD_SIZE_LIMIT = 10 * 1024 * 1024;
const TOTAL_SIZE_LIMIT = 1024 * 1024 * 1024;
const FLUSH_INTERVAL_MS = 2000;
const MAX_FILES_REMOVED_AT_ONCE = 4;

export interface WalOptions {
	readonly logger?: Logger;
	/** Bytes at which the head is rotated away; 10 MiB if not given. */
	readonly headSizeLimit?: number;
	/** Bytes beyond which the oldest files go; 1 GiB if not given. */
	readonly totalSizeLimit?: number;
}

/** What opening the log had to mend. */
export interface WalRepair {
	/** The head as it was found. */
	readonly backup: string;
	readonly damage: readonly DamagedRange[];
	/**
	 * True when records follow the damage. A crash tears the end of a log off; it does not damage what was synced. Where
	 * this is true of the current height, the node may have promised something that it no longer knows.
	 */
	readonly inside: boolean;
	/** Height whose end is the last one marked before the damage; -1 if there is none in the head. */
	readonly lastEndHeight: Height;
}

/**
 * The log of everything that went into consensus, in CometBFT's format and files (consensus/wal.go), so that either
 * implementation replays what the other wrote. A record counts as durable only once a `sync` that was asked for after
 * its `append` has resolved; a rejected one means that the node must not act on anything it appended since.
 */
export class Wal {
	/** Null when the log was sound. */
	readonly repair: WalRepair | null;
	readonly #world: World;
	readonly #group: WalGroup;
	readonly #logger: Logger;
	readonly #headSizeLimit: number;
	readonly #totalSizeLimit: number;
	#head: AppendFile;
	/** What is appended while the head is being rotated away. */
	#waiting: Uint8Array[] = [];
	#rotation: Promise<void> | null = null;
	#flushTimer: Timer | null = null;
	#failure: unknown = null;
	#closed = false;

	private constructor(world: World, group: WalGroup, head: AppendFile, repair: WalRepair | null, options: WalOptions) {
		this.#world = world;
		this.#group = group;
		this.#head = head;
		this.repair = repair;
		this.#logger = options.logger ?? silentLogger;
		this.#headSizeLimit = options.headSizeLimit ?? HEAD_SIZE_LIMIT;
		this.#totalSizeLimit = options.totalSizeLimit ?? TOTAL_SIZE_LIMIT;
	}

	/**
	 * Opens the log whose head is at `path` (`data/cs.wal/wal`), creating it where there is none. A damaged head is
	 * copied to `<path>.CORRUPTED` and rewritten with all records that can still be read.
	 * @throws CairnError when the files cannot be read or written
	 */
	static async open(world: World, path: string, options: WalOptions = {}): Promise<Wal> {
		const group = new WalGroup(world.disk, path);
		await world.disk.makeDirectory(group.directory);
		const repair = await repairHead(world, path, options.logger ?? silentLogger);
		const isNew = ((await world.disk.size(path)) ?? 0) === 0 && (await group.rotated()).length === 0;
		const wal = new Wal(world, group, await world.disk.openAppend(path), repair, options);
		if (isNew) {
			wal.append({ kind: "endHeight", height: 0 }, world.clock.wall());
			await wal.sync();
		}
		return wal;
	}

	/**
	 * Adds a record behind all others. False if it is too large for the log: then it is left out, as in CometBFT, and
	 * replay does without it.
	 */
	append(record: WalRecord, time: TimeNs): boolean {
		this.#refuse();
		const frame = encodeWalRecord({ time, record });
		if (frame === null) {
			this.#logger.error("record is too large for the consensus log; recovery goes without it", { kind: record.kind });
			return false;
		}
		if (this.#rotation === null) this.#head.append(frame);
		else this.#waiting.push(frame);
		this.#armFlush();
		return true;
	}

	/** Hands everything appended to the operating system: it outlives this process, not the machine. */
	flush(): void {
		this.#refuse();
		if (this.#rotation === null) this.#head.flush();
	}

	/** Makes everything appended so far durable. */
	async sync(): Promise<void> {
		this.#refuse();
		if (this.#rotation !== null) await this.#rotation;
		this.#refuse();
		this.#disarmFlush();
		await this.#head.sync();
		if (this.#head.size >= this.#headSizeLimit && this.#rotation === null && !this.#closed) {
			this.#rotation = this.#rotate().catch((cause: unknown) => {
				this.#failure = cause;
				this.#rotation = null;
			});
		}
	}

	/**
	 * The records behind the end of `height`, oldest first; null where that end is not in the log. Damaged places in
	 * older files are skipped.
	 */
	async recordsAfterEndHeight(height: Height): Promise<AsyncIterable<TimedWalRecord> | null> {
		if (this.#rotation !== null) await this.#rotation;
		this.flush();
		const files = await this.#group.files();
		let lastSeen: Height | null = null;
		for (let index = files.length - 1; index >= 0; index--) {
			// Heights only grow: if this file ends below it, no older one holds it.
			if (lastSeen !== null && lastSeen > 0 && lastSeen < height) return null;
			const path = files[index] ?? "";
			const bytes = (await this.#world.disk.read(path)) ?? new Uint8Array(0);
			for (const found of scanRecords(bytes)) {
				if ("damage" in found || found.record.record.kind !== "endHeight") continue;
				lastSeen = found.record.record.height;
				if (lastSeen === height) return this.#readOn(files.slice(index), found.record.next);
			}
		}
		return null;
	}

	async *#readOn(files: readonly string[], from: number): AsyncGenerator<TimedWalRecord> {
		let offset = from;
		for (const path of files) {
			const bytes = (await this.#world.disk.read(path)) ?? new Uint8Array(0);
			for (const found of scanRecords(bytes, offset)) {
				if ("damage" in found)
					this.#logger.error("skipping damaged bytes of the consensus log", { path, ...found.damage });
				else yield { time: found.record.time, record: found.record.record };
			}
			offset = 0;
		}
	}

	/** Makes everything durable and closes the files. */
	async close(): Promise<void> {
		if (this.#closed) return;
		this.#disarmFlush();
		try {
			if (this.#rotation !== null) await this.#rotation;
			this.#refuse();
			await this.#head.sync();
		} finally {
			this.#closed = true;
			await this.#head.close();
		}
	}

	async #rotate(): Promise<void> {
		const { disk } = this.#world;
		const path = await this.#group.nextPath();
		await this.#head.sync();
		await this.#head.close();
		await disk.rename(this.#group.headPath, path);
		this.#head = await disk.openAppend(this.#group.headPath);
		for (const frame of this.#waiting) this.#head.append(frame);
		this.#waiting = [];
		this.#rotation = null;
		this.#logger.info("rotated the consensus log", { path });
		await this.#group.shrink(this.#totalSizeLimit, MAX_FILES_REMOVED_AT_ONCE).catch((cause: unknown) => {
			this.#logger.error("failed to remove old files of the consensus log", { err: messageOf(cause) });
		});
	}

	#armFlush(): void {
		this.#flushTimer ??= this.#world.timers.after(FLUSH_INTERVAL_MS, () => {
			this.#flushTimer = null;
			this.sync().catch((cause: unknown) => {
				this.#failure ??= cause;
				this.#logger.error("periodic sync of the consensus log failed", { err: messageOf(cause) });
			});
		});
	}

	#disarmFlush(): void {
		this.#flushTimer?.cancel();
		this.#flushTimer = null;
	}

	#refuse(): void {
		if (this.#failure !== null) throw this.#failure;
		invariant(!this.#closed, "the consensus log is closed");
	}
}

/** Rewrites a damaged head with what can be read of it. The original is kept beside it. */
async function repairHead({ disk }: World, path: string, logger: Logger): Promise<WalRepair | null> {
	const bytes = await disk.read(path);
	if (bytes === undefined) return null;
	const sound: Uint8Array[] = [];
	const damage: DamagedRange[] = [];
	let lastEndHeight: Height = -1;
	let inside = false;
	for (const found of scanRecords(bytes)) {
		if ("damage" in found) {
			damage.push(found.damage);
			continue;
		}
		const { offset, next, record } = found.record;
		sound.push(bytes.subarray(offset, next));
		if (damage.length > 0) inside = true;
		else if (record.kind === "endHeight") lastEndHeight = record.height;
	}
	if (damage.length === 0) return null;
	const backup = `${path}.CORRUPTED`;
	logger.error("the consensus log is damaged; mending it", { path, backup, inside, why: damage[0]?.why ?? "" });
	await disk.writeAtomic(backup, bytes);
	await disk.writeAtomic(path, joined(sound));
	return { backup, damage, inside, lastEndHeight };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
	const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		bytes.set(part, at);
		at += part.length;
	}
	return bytes;
}
