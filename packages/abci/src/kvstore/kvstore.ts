import { type Disk, type Logger, type StoreWrite, silentLogger, toUpperHex } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { type Application, BaseApplication } from "../application.ts";
import type { Answer } from "../methods.ts";
import {
	type KvState,
	type KvStorage,
	keyTypesWrite,
	MemoryStorage,
	type OpenedStorage,
	openDiskStorage,
	pairKey,
	stateWrite,
	validatorKey,
	validatorWrite,
} from "./storage.ts";
import {
	isPairTransaction,
	isValidatorTransaction,
	KV_CODE_INVALID_TX_FORMAT,
	KV_CODE_OK,
	normalizedTransaction,
	parseValidatorTransaction,
	splitPair,
	transactionEvents,
} from "./transaction.ts";
import {
	acceptableChanges,
	type KvValidator,
	updateOf,
	validatorFromTransaction,
	validatorFromUpdate,
} from "./validators.ts";

/** `version.ABCIVersion` of CometBFT v0.40.0, which the example gives as its own version. */
const VERSION = "2.0.0";
const APP_VERSION = 1n;

export interface KvStoreOptions {
	/** Keeps `kvstore.db` here; without, everything is in memory. */
	readonly disk?: Disk;
	/** Directory of the database. */
	readonly path?: string;
	readonly logger?: Logger;
	/** Tells the node to keep only so many blocks (`retain_height`); 0 for all. */
	readonly retainBlocks?: bigint;
	/** Emits events of blocks too, for tests of the indexer. */
	readonly blockEvents?: boolean;
}

/** What a finalized block changes, until Commit persists it. */
interface StagedBlock {
	readonly state: KvState;
	readonly pairs: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
	readonly validators: readonly KvValidator[];
}

/** The application hash: eight bytes that begin with the number of transactions as a zigzag varint. */
export function kvStoreAppHash(size: bigint): Uint8Array {
	const hash = new Uint8Array(8);
	let rest = size << 1n;
	let at = 0;
	while (rest >= 0x80n) {
		hash[at++] = Number(rest & 0x7fn) | 0x80;
		rest >>= 7n;
	}
	hash[at] = Number(rest);
	return hash;
}

/**
 * CometBFT's example application (abci/example/kvstore): transactions `key=value` set a key, `val=type!key!power` change
 * a validator. Its answers are byte for byte those of the example, save where those halt the node: see `acceptableChanges`
 * and `parseValidatorTransaction`. Info speaks of what Commit has persisted, never of a block that is only finalized.
 */
class KvStoreApplication extends BaseApplication {
	readonly #storage: KvStorage;
	readonly #logger: Logger;
	readonly #retainBlocks: bigint;
	readonly #blockEvents: boolean;
	#state: KvState;
	/** By address in hex, as of the last Commit. */
	readonly #validators = new Map<string, KvValidator>();
	/** What the genesis allows, where we know it: nothing else gets into the mempool. */
	#keyTypes: readonly string[];
	#staged: StagedBlock | null = null;

	constructor(opened: OpenedStorage, options: KvStoreOptions) {
		super();
		this.#storage = opened.storage;
		this.#state = opened.state;
		this.#keyTypes = opened.keyTypes ?? ["ed25519", "secp256k1"];
		for (const validator of opened.validators) this.#validators.set(validator.address, validator);
		this.#logger = options.logger ?? silentLogger;
		this.#retainBlocks = options.retainBlocks ?? 0n;
		this.#blockEvents = options.blockEvents ?? false;
	}

	override info(_request: abci.RequestInfo): Answer<abci.ResponseInfo> {
		return {
			data: `{"size":${this.#state.size}}`,
			version: VERSION,
			appVersion: APP_VERSION,
			lastBlockHeight: this.#state.height,
			lastBlockAppHash: kvStoreAppHash(this.#state.size),
		};
	}

	override async initChain(request: abci.RequestInitChain): Promise<abci.ResponseInitChain> {
		const validators = request.validators.map(validatorFromUpdate);
		const writes = validators.map(validatorWrite);
		const keyTypes = request.consensusParams?.validator?.pubKeyTypes;
		if (keyTypes !== undefined) {
			writes.push(keyTypesWrite(keyTypes));
			this.#keyTypes = keyTypes;
		}
		await this.#storage.write(writes);
		this.#changeValidators(validators);
		return abci.ResponseInitChain.create({ appHash: kvStoreAppHash(this.#state.size) });
	}

	override checkTx(request: abci.RequestCheckTx): Answer<abci.ResponseCheckTx> {
		return this.#isValid(request.tx)
			? abci.ResponseCheckTx.create({ code: KV_CODE_OK, gasWanted: 1n })
			: abci.ResponseCheckTx.create({ code: KV_CODE_INVALID_TX_FORMAT });
	}

	#isValid(tx: Uint8Array): boolean {
		if (!isValidatorTransaction(tx)) return isPairTransaction(tx);
		const transaction = parseValidatorTransaction(tx);
		return transaction !== null && this.#keyTypes.includes(transaction.keyType);
	}

	override prepareProposal(request: abci.RequestPrepareProposal): Answer<abci.ResponsePrepareProposal> {
		return { txs: request.txs.filter((tx) => this.#isValid(tx)).map(normalizedTransaction) };
	}

	override processProposal(request: abci.RequestProcessProposal): Answer<abci.ResponseProcessProposal> {
		const { ACCEPT, REJECT } = abci.ResponseProcessProposalProposalStatus;
		return { status: request.txs.every((tx) => this.#isValid(tx)) ? ACCEPT : REJECT };
	}

	override finalizeBlock(request: abci.RequestFinalizeBlock): Answer<abci.ResponseFinalizeBlock> {
		const changes: KvValidator[] = this.#punished(request.misbehavior);
		const pairs: { key: Uint8Array; value: Uint8Array }[] = [];
		const txResults: abci.ExecTxResult[] = [];
		for (const tx of request.txs) {
			const isKnown = isValidatorTransaction(tx) ? stageValidator(tx, changes) : stagePair(tx, pairs);
			const code = isKnown ? KV_CODE_OK : KV_CODE_INVALID_TX_FORMAT;
			txResults.push(abci.ExecTxResult.create({ code, events: transactionEvents(tx) }));
		}
		const validators = acceptableChanges(this.#validators, changes);
		if (validators.length < changes.length) {
			const left = { height: request.height, asked: changes.length, made: validators.length };
			this.#logger.warn("left out validator changes that would halt the chain", left);
		}
		const state = { size: this.#state.size + BigInt(request.txs.length), height: request.height };
		this.#staged = { state, pairs, validators };
		return abci.ResponseFinalizeBlock.create({
			events: this.#blockEvents ? blockEvents(request.height) : [],
			txResults,
			validatorUpdates: validators.map(updateOf),
			appHash: kvStoreAppHash(state.size),
		});
	}

	/** Each equivocation costs its validator one power. */
	#punished(misbehavior: readonly abci.Misbehavior[]): KvValidator[] {
		const punished: KvValidator[] = [];
		for (const { type, validator } of misbehavior) {
			if (type !== abci.MisbehaviorType.DUPLICATE_VOTE) continue;
			const address = toUpperHex(validator.address);
			const known = this.#validators.get(address.toLowerCase());
			if (known === undefined) {
				this.#logger.warn("wanted to punish a validator that has left", { address });
				continue;
			}
			punished.push({ ...known, power: validator.power > 0n ? validator.power - 1n : 0n });
			this.#logger.info("Decreased val power by 1 because of the equivocation", { val: address });
		}
		return punished;
	}

	override commit(_request: abci.RequestCommit): Answer<abci.ResponseCommit> {
		const staged = this.#staged;
		if (staged === null) return this.#committed();
		const writes: StoreWrite[] = staged.validators.map(validatorWrite);
		for (const { key, value } of staged.pairs) writes.push({ key: pairKey(key), value });
		writes.push(stateWrite(staged.state));
		const written = this.#storage.write(writes);
		if (written instanceof Promise) return written.then(() => this.#adopt(staged));
		return this.#adopt(staged);
	}

	#adopt(staged: StagedBlock): abci.ResponseCommit {
		this.#state = staged.state;
		this.#changeValidators(staged.validators);
		this.#staged = null;
		return this.#committed();
	}

	#committed(): abci.ResponseCommit {
		const { height } = this.#state;
		const isPruning = this.#retainBlocks > 0n && height >= this.#retainBlocks;
		return { retainHeight: isPruning ? height - this.#retainBlocks + 1n : 0n };
	}

	#changeValidators(changes: readonly KvValidator[]): void {
		for (const change of changes) {
			if (change.power === 0n) this.#validators.delete(change.address);
			else this.#validators.set(change.address, change);
		}
	}

	override query(request: abci.RequestQuery): Answer<abci.ResponseQuery> {
		const key = request.data.slice();
		if (request.path === "/val") {
			const value = this.#storage.get(validatorKey(key));
			return abci.ResponseQuery.create({ key, ...(value === undefined ? {} : { value }) });
		}
		const value = this.#storage.get(pairKey(key));
		return abci.ResponseQuery.create({
			log: value === undefined ? "does not exist" : "exists",
			index: request.prove ? -1n : 0n,
			key,
			...(value === undefined ? {} : { value }),
			height: this.#state.height,
		});
	}

	close(): Promise<void> {
		return this.#storage.close();
	}
}

/** False where CheckTx would have refused it: a block of others may hold anything. */
function stageValidator(tx: Uint8Array, changes: KvValidator[]): boolean {
	const transaction = parseValidatorTransaction(tx);
	if (transaction !== null) changes.push(validatorFromTransaction(transaction));
	return transaction !== null;
}

function stagePair(tx: Uint8Array, pairs: { key: Uint8Array; value: Uint8Array }[]): boolean {
	const pair = splitPair(tx);
	// Copies: the block's bytes do not outlive the call.
	if (pair !== null) pairs.push({ key: pair.key.slice(), value: pair.value.slice() });
	return pair !== null;
}

function blockEvents(height: bigint): readonly abci.Event[] {
	const event = (foo: string, bar: string): abci.Event => ({
		type: "begin_event",
		attributes: [
			{ key: "foo", value: foo, index: true },
			{ key: "bar", value: bar, index: true },
		],
	});
	return height % 2n === 0n ? [event("100", "200"), event("200", "300")] : [event("400", "300")];
}

/**
 * Opens the example application, `kvstore` without `disk` and `path`, `persistent_kvstore` with them.
 * @throws as `openDiskStorage`
 */
export async function openKvStore(options: KvStoreOptions = {}): Promise<Application> {
	const { disk, path } = options;
	const opened =
		disk === undefined || path === undefined
			? { storage: new MemoryStorage(), state: { size: 0n, height: 0n }, validators: [], keyTypes: undefined }
			: await openDiskStorage(disk, path);
	return new KvStoreApplication(opened, options);
}
