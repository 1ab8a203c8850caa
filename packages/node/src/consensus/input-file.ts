import {
	type Epoch,
	type Input,
	type PlainData,
	type Tendermint,
	type TraceRecord,
	writePlainData,
} from "@cairn/consensus";
import type { AppendFile, Disk, Logger } from "@cairn/kit";
import { messageOf, utf8 } from "@cairn/kit";

/** Bytes at which the file is put aside; one older file is kept. */
const SIZE_LIMIT = 10 * 1024 * 1024;

/**
 * The inputs of the engine that CometBFT's log has no record for (answers of the application, blocks completed, transactions
 * waiting, …), one line each, in the order of the engine's turns. It makes a full trace of the log; recovery does not
 * need it, so it is never synced and a failure to write only ends it.
 */
export class InputFile {
	readonly #disk: Disk;
	readonly #path: string;
	readonly #logger: Logger;
	#file: AppendFile | null;
	#turning: Promise<void> = Promise.resolve();

	private constructor(disk: Disk, path: string, file: AppendFile, logger: Logger) {
		this.#disk = disk;
		this.#path = path;
		this.#file = file;
		this.#logger = logger;
	}

	static async open(disk: Disk, path: string, logger: Logger): Promise<InputFile> {
		return new InputFile(disk, path, await disk.openAppend(path), logger);
	}

	append({ seq, at, input }: TraceRecord<Tendermint>): void {
		if (this.#file === null) return;
		const line = writePlainData({
			seq,
			mono: Math.round(at.mono * 1000) / 1000,
			wall: at.wall,
			input: plainInput(input),
		});
		this.#file.append(utf8(`${line}\n`));
		if (this.#file.size > SIZE_LIMIT) this.#turn(this.#file);
	}

	/** Hands the lines to the operating system. */
	flush(): void {
		try {
			this.#file?.flush();
		} catch (cause) {
			this.#giveUp(cause);
		}
	}

	async close(): Promise<void> {
		await this.#turning;
		await this.#file?.close();
		this.#file = null;
	}

	/** Lines that come while the file is being turned are left out: the trace has a gap, its sequence numbers show it. */
	#turn(full: AppendFile): void {
		this.#file = null;
		this.#turning = full
			.close()
			.then(() => this.#disk.rename(this.#path, `${this.#path}.old`))
			.then(() => this.#disk.openAppend(this.#path))
			.then((file) => {
				this.#file = file;
			})
			.catch((cause: unknown) => this.#giveUp(cause));
	}

	#giveUp(cause: unknown): void {
		this.#file = null;
		this.#logger.warn("the file of engine inputs cannot be written; the node goes on without it", {
			path: this.#path,
			err: messageOf(cause),
		});
	}
}

/** True for inputs that CometBFT's log has a record for. */
export function hasWalRecord(input: Input<Tendermint>): boolean {
	if (input.kind === "message") return input.message.kind !== "majorityClaim";
	if (input.kind === "signed") return "statement" in input.result;
	return input.kind === "timer";
}

function plainInput(input: Input<Tendermint>): PlainData {
	if (input.kind === "start") {
		const { height, block, time } = input.tip;
		return { kind: input.kind, height, block, time, executed: input.executed, epochs: input.epochs.map(plainEpoch) };
	}
	if (input.kind === "resumed" || input.kind === "applied") return { ...input, epochs: input.epochs.map(plainEpoch) };
	if (input.kind === "decided") return { kind: input.kind, height: input.height, block: input.block, time: input.time };
	return input as unknown as PlainData;
}

function plainEpoch({ number, from, last, self, validators, members, params }: Epoch): PlainData {
	return { number, from, last, self, members, validators: validators.hash(), extensions: params.extensions };
}
