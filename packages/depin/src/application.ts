import { type Application, BaseApplication, type BuiltinContext } from "@cairn/abci";
import { type Clock, type Disk, type Logger, silentLogger } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { answerQuery, type StateVersion } from "./queries.ts";
import { CODES, CODESPACE, type Refusal } from "./state-machine/codes.ts";
import { StateMachine } from "./state-machine/machine.ts";
import type { Outcome, StateEvent } from "./state-machine/outcome.ts";
import { diskStorage, memoryStorage, type OpenedStorage, type Storage } from "./storage.ts";

/** Version of the rules: blocks name it, and nodes with another one must not join. */
export const APP_VERSION = 1n;

/** Past heights that can still be asked about, as long as the process lives. */
const KEPT_VERSIONS = 64;

const NS_PER_MS = 1_000_000n;

export interface DepinOptions {
	/** Keeps the state in a database here; without, everything is in memory. */
	readonly disk?: Disk;
	/** Directory of the database. */
	readonly path?: string;
	readonly logger?: Logger;
	/** Only a proposer looks at it, to leave for the next block what a block with an old time would refuse. */
	readonly clock?: Clock;
}

/** The DePIN application: the state machine behind ABCI, with what it commits on disk. See docs/depin.md. */
export class DepinApplication extends BaseApplication {
	readonly #machine: StateMachine;
	readonly #storage: Storage;
	readonly #logger: Logger;
	readonly #clock: Clock | undefined;
	readonly #versions: StateVersion[] = [];

	constructor(opened: OpenedStorage, options: DepinOptions = {}) {
		super();
		this.#machine = new StateMachine(opened.tree, opened.position);
		this.#storage = opened.storage;
		this.#logger = options.logger ?? silentLogger;
		this.#clock = options.clock;
		this.#remember();
	}

	override info(_request: abci.RequestInfo): abci.ResponseInfo {
		const { height } = this.#machine.position;
		return {
			data: "depin",
			version: "1",
			appVersion: APP_VERSION,
			lastBlockHeight: BigInt(height),
			lastBlockAppHash: height === 0 ? new Uint8Array(0) : this.#machine.appHash,
		};
	}

	override initChain(request: abci.RequestInitChain): abci.ResponseInitChain {
		const appHash = this.#machine.initChain(request.chainId, request.time, request.appStateBytes);
		this.#versions.length = 0;
		this.#remember();
		const { development = false } = this.#machine.params ?? {};
		if (development) this.#logger.warn("a development chain: it takes readings that nobody has signed");
		return abci.ResponseInitChain.create({ appHash });
	}

	override checkTx(request: abci.RequestCheckTx): abci.ResponseCheckTx {
		const refused = this.#machine.check(request.tx);
		return abci.ResponseCheckTx.create({ ...answerOf(refused), gasWanted: 1n });
	}

	/** Leaves out what no block should hold; it stays the order of the mempool. */
	override prepareProposal(request: abci.RequestPrepareProposal): abci.ResponsePrepareProposal {
		const txs: Uint8Array[] = [];
		let room = request.maxTxBytes;
		const heldBack = this.#heldBack(request.time);
		for (const tx of request.txs) {
			if (!this.#isFit(tx) || heldBack(tx)) continue;
			room -= BigInt(tx.length);
			if (room < 0n) break;
			txs.push(tx);
		}
		return { txs };
	}

	/**
	 * The first block after a standstill has the time of the last votes before it, so that every new reading would be
	 * refused as from the future. The proposer keeps them for the next block. This is its own choice: others accept a
	 * block with them.
	 */
	#heldBack(blockTime: bigint): (tx: Uint8Array) => boolean {
		const maxFuture = BigInt(this.#machine.params?.maxFutureMs ?? 0) * NS_PER_MS;
		const now = this.#clock?.wall() ?? blockTime;
		if (now - blockTime <= maxFuture) return () => false;
		return (tx) => {
			const read = this.#machine.read(tx);
			if ("reason" in read || read.transaction.kind !== "reading") return false;
			const times = read.transaction.records.filter(({ relative }) => !relative).map(({ time }) => time);
			return times.some((time) => time > blockTime + maxFuture) && times.every((time) => time <= now + maxFuture);
		};
	}

	#isFit(tx: Uint8Array): boolean {
		const read = this.#machine.read(tx);
		return !("reason" in read) && read.isSigned();
	}

	/**
	 * Refuses a block only for what every node sees in its bytes alone, and no honest proposer sends: bytes that are no
	 * transaction, or that their key has not signed. Everything else may fail each for itself. Signatures are verified
	 * now, while there is time (FinalizeBlock remembers them), and the first bad one ends the work.
	 */
	override processProposal(request: abci.RequestProcessProposal): abci.ResponseProcessProposal {
		const { ACCEPT, REJECT } = abci.ResponseProcessProposalProposalStatus;
		return { status: request.txs.every((tx) => this.#isFit(tx)) ? ACCEPT : REJECT };
	}

	override finalizeBlock(request: abci.RequestFinalizeBlock): abci.ResponseFinalizeBlock {
		const { height, time, txs } = request;
		const { outcomes, appHash } = this.#machine.execute({ height: Number(height), time, txs });
		return abci.ResponseFinalizeBlock.create({ txResults: outcomes.map(resultOf), appHash });
	}

	override async commit(_request: abci.RequestCommit): Promise<abci.ResponseCommit> {
		await this.#storage.save(this.#machine.pendingCommit);
		this.#machine.adopt();
		this.#remember();
		return abci.ResponseCommit.create();
	}

	#remember(): void {
		this.#versions.push({ height: this.#machine.position.height, tree: this.#machine.tree });
		if (this.#versions.length > KEPT_VERSIONS) this.#versions.shift();
	}

	override query(request: abci.RequestQuery): abci.ResponseQuery {
		const height = Number(request.height);
		const newest = this.#versions.at(-1);
		const version = height === 0 ? newest : this.#versions.find((each) => each.height === height);
		if (version !== undefined) return answerQuery(version, request);
		const log = `height-unavailable: ${height}; there are ${this.#versions[0]?.height} to ${newest?.height}`;
		return abci.ResponseQuery.create({ code: CODES["height-unavailable"], codespace: CODESPACE, log });
	}

	close(): Promise<void> {
		return this.#storage.close();
	}
}

function answerOf(refused: Refusal | undefined): { code: number; log: string; codespace: string } {
	if (refused === undefined) return { code: CODES.ok, log: "", codespace: "" };
	return { code: CODES[refused.reason], log: `${refused.reason}: ${refused.text}`, codespace: CODESPACE };
}

function resultOf({ code, log, data, events }: Outcome): abci.ExecTxResult {
	return {
		code,
		data,
		log,
		info: "",
		gasWanted: 1n,
		gasUsed: 1n,
		events: events.map(eventOf),
		codespace: code === CODES.ok ? "" : CODESPACE,
	};
}

function eventOf({ type, attributes }: StateEvent): abci.Event {
	return { type, attributes: attributes.map(([key, value]) => ({ key, value, index: true })) };
}

/** Opens the application, with its database or in memory. @throws as `diskStorage` */
export async function openDepinApplication(options: DepinOptions = {}): Promise<DepinApplication> {
	const { disk, path } = options;
	const opened = disk === undefined || path === undefined ? memoryStorage() : await diskStorage(disk, path);
	return new DepinApplication(opened, options);
}

/** The built-in application `--proxy_app=depin`: its database is `depin.db` in the node's data directory. */
export function openDepin({ world, dataDirectory, logger }: BuiltinContext): Promise<Application> {
	return openDepinApplication({ disk: world.disk, path: `${dataDirectory}/depin.db`, logger, clock: world.clock });
}
