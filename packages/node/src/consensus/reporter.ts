import type { ChainEvent, EventBus } from "@cairn/chain";
import type { Engine, EngineEvent, Tendermint } from "@cairn/consensus";
import { bytesEqual, type Clock, type Logger, type Metrics, toUpperHex } from "@cairn/kit";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	type Block,
	blockIdFromKey,
	blockSize,
	type ChainState,
	PREVOTE,
	type Vote,
} from "@cairn/types";
import { type ConsensusMetrics, consensusMetrics } from "./consensus-metrics.ts";

export interface ReporterParts {
	readonly clock: Clock;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly events: EventBus;
	/** Address of this node's validator key. */
	readonly self: Uint8Array;
}

/** Tells operators and subscribers what consensus does: log lines with CometBFT's phrases, metrics, events. */
export class ConsensusReporter {
	readonly #parts: ReporterParts;
	readonly #metrics: ConsensusMetrics;
	#engine: Engine<Tendermint> | null = null;
	#stepStarted = { step: "", at: 0 };
	#roundStarted = 0;
	#roundsAboveZero = 0;

	constructor(parts: ReporterParts) {
		this.#parts = parts;
		this.#metrics = consensusMetrics(parts.metrics);
	}

	attach(engine: Engine<Tendermint>): void {
		this.#engine = engine;
	}

	/** Rounds above 0 that this node has entered since its start. */
	get roundsAboveZero(): number {
		return this.#roundsAboveZero;
	}

	announced(event: EngineEvent): void {
		if (event.name === "NewRound") this.#newRound(event);
		if (event.name === "NewRoundStep") this.#newStep(event);
		const vote = voteOf(event);
		if (vote !== null) this.#vote(vote, event);
		const { events } = this.#parts;
		if (!events.heard) return;
		const chainEvent = this.#toChainEvent(event);
		if (chainEvent !== null) events.publish(chainEvent);
	}

	#newRound({ height, round }: EngineEvent): void {
		const now = this.#parts.clock.mono();
		if (round > 0) {
			this.#roundsAboveZero++;
			this.#metrics.roundDuration.observe((now - this.#roundStarted) / 1000);
		}
		this.#roundStarted = now;
		this.#metrics.rounds.set(round);
		const proposer = this.#proposer();
		this.#parts.logger.info("entering new round", {
			height,
			round,
			proposer: proposer === null ? "" : toUpperHex(proposer.address),
			ours: proposer !== null && bytesEqual(proposer.address, this.#parts.self),
		});
	}

	#newStep({ height, round, step }: EngineEvent): void {
		const now = this.#parts.clock.mono();
		const previous = this.#stepStarted;
		const ms = previous.step === "" ? 0 : Math.round((now - previous.at) * 10) / 10;
		if (previous.step !== "") this.#metrics.stepDuration.observe((now - previous.at) / 1000, { step: previous.step });
		this.#stepStarted = { step, at: now };
		this.#parts.logger.debug("entering step", { height, round, step, previous: previous.step, ms });
	}

	#vote(vote: Vote, { height, round }: EngineEvent): void {
		if (vote.height !== height || vote.round < round) {
			this.#metrics.lateVotes.add(1, { vote_type: vote.type === PREVOTE ? "prevote" : "precommit" });
		}
	}

	#proposer(): { readonly address: Uint8Array; readonly index: number } | null {
		const view = this.#engine?.view();
		const state = this.#engine?.gossip();
		if (view === undefined || state === undefined || view.leader === null) return null;
		const proposer = state.validators.proposer;
		const found = proposer === null ? null : state.validators.getByAddress(proposer.address);
		return found === null ? null : { address: found.validator.address, index: found.index };
	}

	#toChainEvent(event: EngineEvent): ChainEvent | null {
		const { name, height, round, step, block } = event;
		switch (name) {
			case "Vote": {
				const vote = voteOf(event);
				return vote === null ? null : { name, vote };
			}
			case "NewRound": {
				const proposer = this.#proposer();
				return proposer === null ? null : { name, height, round, step, proposer };
			}
			case "CompleteProposal":
				return block === null ? null : { name, height, round, step, blockId: blockIdFromKey(block), block };
			default:
				return { name, height, round, step };
		}
	}

	timedOut(timer: string, afterMs: number): void {
		const [step, height, round] = timer.split("/");
		const fields = { dur: `${Math.round(afterMs)}ms`, height: Number(height), round: Number(round), step };
		// The wait between heights is no trouble; the others tell that somebody is late.
		if (step === "newHeight" || step === "newRound") this.#parts.logger.debug("Timed out", fields);
		else this.#parts.logger.info("Timed out", fields);
	}

	partReceived(peer: string, what: "new" | "duplicate" | "unwanted"): void {
		if (what === "new" && peer !== "") this.#metrics.blockParts.add(1, { peer_id: peer });
		if (what === "duplicate") this.#metrics.duplicateBlockPart.add(1);
		this.#metrics.partsReceived.add(1, { matches_current: what === "unwanted" ? "false" : "true" });
	}

	proposalCreated(): void {
		this.#metrics.proposalCreateCount.add(1);
	}

	proposalJudged(accepted: boolean): void {
		this.#metrics.proposalReceiveCount.add(1, { status: accepted ? "accepted" : "rejected" });
	}

	committed(block: Block, state: ChainState, before: ChainState): void {
		const metrics = this.#metrics;
		const { height, time } = block.header;
		metrics.height.set(height);
		metrics.latestBlockHeight.set(height);
		metrics.validators.set(state.validators.size);
		metrics.validatorsPower.set(Number(state.validators.totalPower));
		metrics.numTxs.set(block.txs.length);
		metrics.totalTxs.add(block.txs.length);
		metrics.blockSizeBytes.set(blockSize(block));
		metrics.chainSizeBytes.add(blockSize(block));
		if (before.lastBlockHeight > 0) metrics.blockInterval.observe(Number(time - before.lastBlockTime) / 1e9);
		const { byzantine, power } = byzantineIn(block, before);
		metrics.byzantineValidators.set(byzantine);
		metrics.byzantineValidatorsPower.set(Number(power));
		this.#countMissing(block, before);
	}

	#countMissing(block: Block, before: ChainState): void {
		const commit = block.lastCommit;
		if (commit === null || commit.signatures.length !== before.lastValidators.size) return;
		let missing = 0;
		let missingPower = 0n;
		for (const [index, validator] of before.lastValidators.validators.entries()) {
			const flag = commit.signatures[index]?.blockIdFlag ?? BLOCK_ID_FLAG_ABSENT;
			if (flag === BLOCK_ID_FLAG_ABSENT) {
				missing++;
				missingPower += validator.votingPower;
			}
			if (!bytesEqual(validator.address, this.#parts.self)) continue;
			const label = { validator_address: toUpperHex(validator.address) };
			this.#metrics.validatorPower.set(Number(validator.votingPower), label);
			if (flag === BLOCK_ID_FLAG_COMMIT) this.#metrics.lastSignedHeight.set(commit.height, label);
			else this.#metrics.missedBlocks.add(1, label);
		}
		this.#metrics.missingValidators.set(missing);
		this.#metrics.missingValidatorsPower.set(Number(missingPower));
	}
}

function byzantineIn(block: Block, state: ChainState): { byzantine: number; power: bigint } {
	let byzantine = 0;
	let power = 0n;
	for (const evidence of block.evidence) {
		if (evidence.kind !== "duplicateVote") continue;
		const found = state.validators.getByAddress(evidence.voteA.validatorAddress);
		if (found === null) continue;
		byzantine++;
		power += found.validator.votingPower;
	}
	return { byzantine, power };
}

/** The vote of a `Vote` event, which carries the engine's message of it. */
function voteOf({ name, message }: EngineEvent): Vote | null {
	return name === "Vote" && message !== null ? (message as { readonly vote: Vote }).vote : null;
}
