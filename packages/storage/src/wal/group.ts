import type { Disk } from "@cairn/kit";

/** The files of a log (libs/autofile/group.go): `wal.000`, `wal.001`, … oldest first, and the head `wal`. */
export class WalGroup {
	readonly headPath: string;
	readonly directory: string;
	readonly #disk: Disk;
	readonly #headName: string;

	constructor(disk: Disk, headPath: string) {
		this.#disk = disk;
		this.headPath = headPath;
		const slash = headPath.lastIndexOf("/");
		this.directory = slash < 0 ? "." : headPath.slice(0, slash) || "/";
		this.#headName = headPath.slice(slash + 1);
	}

	/** Indices of the rotated files, ascending. */
	async rotated(): Promise<number[]> {
		const names = await this.#disk.list(this.directory);
		const prefix = `${this.#headName}.`;
		const indices: number[] = [];
		for (const name of names) {
			const index = name.startsWith(prefix) ? /^(\d{3,})$/.exec(name.slice(prefix.length))?.[1] : undefined;
			if (index !== undefined) indices.push(Number(index));
		}
		return indices.sort((a, b) => a - b);
	}

	path(index: number): string {
		return `${this.headPath}.${String(index).padStart(3, "0")}`;
	}

	/** All files, oldest first, the head last; the head need not exist. */
	async files(): Promise<string[]> {
		return [...(await this.rotated()).map((index) => this.path(index)), this.headPath];
	}

	/** Where the head goes when it is full. */
	async nextPath(): Promise<string> {
		const last = (await this.rotated()).at(-1);
		return this.path(last === undefined ? 0 : last + 1);
	}

	/** Removes the oldest rotated files, at most `most`, while the group is larger than `limit` bytes. */
	async shrink(limit: number, most: number): Promise<void> {
		const paths = (await this.rotated()).map((index) => this.path(index));
		const sizes: number[] = [];
		for (const path of paths) sizes.push((await this.#disk.size(path)) ?? 0);
		let total = sizes.reduce((sum, size) => sum + size, (await this.#disk.size(this.headPath)) ?? 0);
		for (const [index, path] of paths.entries()) {
			if (total < limit || index === most) return;
			await this.#disk.remove(path);
			total -= sizes[index] ?? 0;
		}
	}
}
