import { messageOf } from "@cairn/kit";

/** One case that did not come out as the file says. */
export interface Failure {
	/** Name or index of the case. */
	readonly case: string;
	readonly why: string;
}

/** One vector file, parsed but not validated: a checker may throw on anything malformed, which counts as a failure. */
export interface VectorFile {
	/** Path on disk, for files that lie beside it. */
	readonly path: string;
	readonly content: unknown;
}

/** Checks every case of one kind of file with the code of the product. */
export type Checker = (file: VectorFile, tally: Tally) => void | Promise<void>;

/** Counts cases and keeps what failed. */
export class Tally {
	cases = 0;
	readonly failures: Failure[] = [];

	/** Runs one case; whatever it throws is its failure. */
	async check(name: string, body: () => void | Promise<void>): Promise<void> {
		this.cases++;
		try {
			await body();
		} catch (cause) {
			this.failures.push({ case: name, why: messageOf(cause).slice(0, 500) });
		}
	}

	/** Runs one case an item. A case is called by its index and, where it has one, its name. */
	async checkEach<T>(section: string, items: readonly T[], body: (item: T, index: number) => void | Promise<void>) {
		if (!Array.isArray(items)) return this.check(section, () => fail("missing from the file"));
		for (const [index, item] of items.entries()) {
			const { name } = item as { name?: unknown };
			const label = typeof name === "string" && name !== "" ? ` ${name.slice(0, 120)}` : "";
			await this.check(`${section}[${index}]${label}`, () => body(item, index));
		}
	}
}

/** The case does not come out. */
export class Mismatch extends Error {}

export function fail(why: string): never {
	throw new Mismatch(why);
}
