import { InvariantError, invariant, utf8 } from "@cairn/kit";
import { checkAccount, executeAccount, NONCE_LOOKAHEAD } from "./accounts.ts";
import { BlockFeeds } from "./block-feeds.ts";
import { type Refusal, refusal } from "./codes.ts";
import { applyGenesis } from "./genesis.ts";
import { type Outcome, outcome } from "./outcome.ts";
import { PARAMS, type Params } from "./params.ts";
import { type BlockContext, checkDevelopment, developmentId, executeDevelopment, executeReading } from "./readings.ts";
import { ACCOUNTS, ALIASES, DEVICES } from "./records.ts";
import { EMPTY_TREE, findLeaf, type Tree, type TreeChange, treeRoot } from "./sparse-merkle-tree.ts";
import { CommittedState, StagedState, type StagedTree } from "./state.ts";
import { type DecodedTransaction, type Transaction, TransactionReader } from "./transaction.ts";
import { checkEnvelope } from "./verdict.ts";

/** Where the machine stands: after the block of this height (0: before the first). */
export interface Position {
	readonly height: number;
	/** Time of that block. */
	readonly time: bigint;
}

/** A decided block. */
export interface Block extends Position {
	readonly txs: readonly Uint8Array[];
}

export interface BlockResult {
	readonly outcomes: readonly Outcome[];
	readonly appHash: Uint8Array;
}

/** What a commit has to make durable. */
export interface Commit extends Position {
	readonly appHash: Uint8Array;
	readonly changes: readonly TreeChange[];
}

interface StagedBlock extends Position {
	readonly staged: StagedTree;
}

/**
 * The DePIN state machine. Its state is a function of the genesis and of the blocks in order, and of nothing else. What
 * a block does is staged until `adopt`: a block may be executed again, or another one in its place.
 */
export class StateMachine {
	readonly #committed: CommittedState;
	readonly #reader: TransactionReader;
	#position: Position;
	/** Genesis, until the first block is committed with it. */
	#genesis: StagedTree | undefined;
	#staged: StagedBlock | undefined;

	constructor(tree: Tree = EMPTY_TREE, position: Position = { height: 0, time: 0n }, reader = new TransactionReader()) {
		this.#committed = new CommittedState(tree);
		this.#position = position;
		this.#reader = reader;
	}

	/** The last committed block. */
	get position(): Position {
		return this.#position;
	}

	/** The tree of the last committed block; before the first, that of genesis. */
	get tree(): Tree {
		return this.#committed.tree;
	}

	get appHash(): Uint8Array {
		return treeRoot(this.#committed.tree);
	}

	/** Parameters of the chain; undefined before InitChain. */
	get params(): Params | undefined {
		return this.#committed.get(PARAMS, "");
	}

	/** A record of the committed state as it is spelt there. */
	value(key: string): Uint8Array | undefined {
		return findLeaf(this.#committed.tree, utf8(key))?.value;
	}

	/**
	 * Starts a chain. Nothing of it needs to be durable before the first block is: a node asks again at height 0.
	 * @throws CairnError `bad-genesis`
	 */
	initChain(chainId: string, time: bigint, appState: Uint8Array): Uint8Array {
		invariant(this.#position.height === 0, "InitChain after the first block");
		const state = new StagedState(new CommittedState());
		applyGenesis(state, chainId, appState);
		this.#genesis = state.finish();
		this.#committed.restart(this.#genesis.tree, this.#genesis.records);
		this.#position = { height: 0, time };
		this.#staged = undefined;
		return this.appHash;
	}

	/** Decodes; refuses what no block should hold. The same on every node, whatever its state. */
	read(tx: Uint8Array): DecodedTransaction | Refusal {
		return this.#reader.read(tx);
	}

	/** The cheap part of judging, against the committed state: is this worth a place in the mempool? */
	check(tx: Uint8Array): Refusal | undefined {
		const decoded = this.#reader.read(tx);
		if ("reason" in decoded) return decoded;
		const params = this.params;
		if (params === undefined) return refusal("wrong-chain", "the chain has not begun");
		return this.#checkAgainst(decoded, decoded.transaction, params);
	}

	#checkAgainst(decoded: DecodedTransaction, transaction: Transaction, params: Params): Refusal | undefined {
		const { time } = this.#position;
		switch (transaction.kind) {
			case "reading": {
				const device = this.#committed.get(DEVICES, transaction.device);
				return checkEnvelope(decoded, transaction, device, params, time);
			}
			case "account": {
				const account = this.#committed.get(ACCOUNTS, transaction.account);
				const next = account?.nonce ?? 0;
				const { sequence } = transaction.message;
				return (
					checkAccount(decoded, transaction, account, params, time) ??
					(sequence < next || sequence > next + NONCE_LOOKAHEAD
						? refusal("bad-nonce", `nonce ${sequence}, the next one of ${transaction.account} is ${next}`)
						: undefined)
				);
			}
			case "development": {
				const device = this.#committed.get(DEVICES, developmentId(transaction.device));
				const named = this.#committed.get(ALIASES, transaction.device);
				return checkDevelopment(transaction, params, named, device, time);
			}
		}
	}

	/** Executes a block on the committed state. */
	execute({ height, time, txs }: Block): BlockResult {
		const state = new StagedState(this.#committed);
		const feeds = new BlockFeeds();
		const block: BlockContext = { state, params: state.params(), height, time, feeds };
		const outcomes = txs.map((tx) => this.#executeOne(block, tx));
		feeds.write(state, height, time);
		const staged = state.finish();
		this.#staged = { height, time, staged };
		return { outcomes, appHash: treeRoot(staged.tree) };
	}

	#executeOne(block: BlockContext, tx: Uint8Array): Outcome {
		const decoded = this.#reader.read(tx);
		if ("reason" in decoded) return outcome(decoded.reason, decoded.text);
		const { transaction } = decoded;
		switch (transaction.kind) {
			case "reading":
				return executeReading(block, decoded, transaction);
			case "account":
				return executeAccount(block, decoded, transaction);
			case "development":
				return executeDevelopment(block, transaction);
		}
	}

	/** What the executed block changes, to be made durable before `adopt`. */
	get pendingCommit(): Commit {
		const block = this.#staged;
		if (block === undefined) throw new InvariantError("Commit without a block");
		const { height, time, staged } = block;
		const changes = this.#genesis === undefined ? staged.changes : [...this.#genesis.changes, ...staged.changes];
		return { height, time, changes, appHash: treeRoot(staged.tree) };
	}

	/** The executed block is durable: its state is the committed one from now on. */
	adopt(): void {
		const block = this.#staged;
		if (block === undefined) throw new InvariantError("Commit without a block");
		this.#committed.adopt(block.staged.tree, block.staged.records);
		this.#position = { height: block.height, time: block.time };
		this.#staged = undefined;
		this.#genesis = undefined;
	}
}
