import { invariant, utf8 } from "@cairn/kit";
import { PARAMS, type Params } from "./params.ts";
import { EMPTY_STATS, STATS, type Stats, type Table } from "./records.ts";
import { EMPTY_TREE, findLeaf, type Tree, type TreeChange, updateTree } from "./sparse-merkle-tree.ts";

/** The records that the last committed tree holds, decoded as they are asked for. */
export class CommittedState {
	#tree: Tree;
	readonly #records = new Map<string, unknown>();

	constructor(tree: Tree = EMPTY_TREE) {
		this.#tree = tree;
	}

	get tree(): Tree {
		return this.#tree;
	}

	get<T>(table: Table<T>, id: string): T | undefined {
		const name = table.prefix + id;
		const known = this.#records.get(name);
		// A name belongs to one table, so what is kept under it has that table's type.
		if (known !== undefined) return known as T;
		const leaf = findLeaf(this.#tree, utf8(name));
		if (leaf === undefined) return undefined;
		const record = table.decode(leaf.value);
		this.#records.set(name, record);
		return record;
	}

	/** Forgets everything for this state. */
	restart(tree: Tree, records: ReadonlyMap<string, unknown>): void {
		this.#records.clear();
		this.adopt(tree, records);
	}

	/** Becomes the state that a block leaves behind. */
	adopt(tree: Tree, records: ReadonlyMap<string, unknown>): void {
		this.#tree = tree;
		for (const [name, record] of records) this.#records.set(name, record);
	}
}

interface Staged {
	readonly record: unknown;
	encode(): Uint8Array;
}

/** What a block changes, on top of what is committed, until it is committed itself. */
export class StagedState {
	readonly #base: CommittedState;
	readonly #staged = new Map<string, Staged>();

	constructor(base: CommittedState) {
		this.#base = base;
	}

	get<T>(table: Table<T>, id: string): T | undefined {
		const staged = this.#staged.get(table.prefix + id);
		return staged === undefined ? this.#base.get(table, id) : (staged.record as T);
	}

	set<T>(table: Table<T>, id: string, record: T): void {
		this.#staged.set(table.prefix + id, { record, encode: () => table.encode(record) });
	}

	params(): Params {
		const params = this.get(PARAMS, "");
		invariant(params !== undefined, "the state has no parameters: InitChain has not run");
		return params;
	}

	stats(): Stats {
		return this.get(STATS, "") ?? EMPTY_STATS;
	}

	addStats(more: Partial<Stats>): void {
		const { devices, accounts, accepted, late, quarantined, rejected, fees } = this.stats();
		this.set(STATS, "", {
			devices: devices + (more.devices ?? 0),
			accounts: accounts + (more.accounts ?? 0),
			accepted: accepted + (more.accepted ?? 0),
			late: late + (more.late ?? 0),
			quarantined: quarantined + (more.quarantined ?? 0),
			rejected: rejected + (more.rejected ?? 0),
			fees: fees + (more.fees ?? 0n),
		});
	}

	/** The tree with every change made, and the changes. */
	finish(): StagedTree {
		const changes: TreeChange[] = [];
		const records = new Map<string, unknown>();
		for (const [name, { record, encode }] of this.#staged) {
			changes.push({ key: utf8(name), value: encode() });
			records.set(name, record);
		}
		return { tree: updateTree(this.#base.tree, changes), changes, records };
	}
}

/** A finished block's tree. */
export interface StagedTree {
	readonly tree: Tree;
	/** What differs from the tree before: to be stored. */
	readonly changes: readonly TreeChange[];
	readonly records: ReadonlyMap<string, unknown>;
}
