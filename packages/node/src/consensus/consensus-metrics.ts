import type { Counter, Gauge, Histogram, Metrics } from "@cairn/kit";

/** `consensus_*` metrics under CometBFT's names (consensus/metrics.gen.go of v0.40.0). */
export interface ConsensusMetrics {
	readonly height: Gauge;
	readonly rounds: Gauge;
	readonly roundDuration: Histogram;
	readonly validators: Gauge;
	readonly validatorsPower: Gauge;
	readonly validatorPower: Gauge;
	readonly lastSignedHeight: Gauge;
	readonly missedBlocks: Counter;
	readonly missingValidators: Gauge;
	readonly missingValidatorsPower: Gauge;
	readonly byzantineValidators: Gauge;
	readonly byzantineValidatorsPower: Gauge;
	readonly blockInterval: Histogram;
	readonly numTxs: Gauge;
	readonly totalTxs: Counter;
	readonly blockSizeBytes: Gauge;
	readonly chainSizeBytes: Counter;
	readonly latestBlockHeight: Gauge;
	readonly blockParts: Counter;
	readonly duplicateBlockPart: Counter;
	readonly partsReceived: Counter;
	readonly stepDuration: Histogram;
	readonly proposalCreateCount: Counter;
	readonly proposalReceiveCount: Counter;
	readonly lateVotes: Counter;
}

const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100];

export function consensusMetrics(metrics: Metrics): ConsensusMetrics {
	const gauge = (name: string, help: string, labels: readonly string[] = []): Gauge =>
		metrics.gauge(`consensus_${name}`, help, labels);
	const counter = (name: string, help: string, labels: readonly string[] = []): Counter =>
		metrics.counter(`consensus_${name}`, help, labels);
	const histogram = (name: string, help: string, labels: readonly string[] = []): Histogram =>
		metrics.histogram(`consensus_${name}`, help, SECONDS, labels);
	return {
		height: gauge("height", "Height of the chain."),
		rounds: gauge("rounds", "Round of the height being decided."),
		roundDuration: histogram("round_duration_seconds", "Duration of a round that failed, in seconds."),
		validators: gauge("validators", "Number of validators."),
		validatorsPower: gauge("validators_power", "Voting power of all validators."),
		validatorPower: gauge("validator_power", "Voting power of this validator.", ["validator_address"]),
		lastSignedHeight: gauge("validator_last_signed_height", "Last height this validator signed.", [
			"validator_address",
		]),
		missedBlocks: counter("validator_missed_blocks", "Blocks this validator did not sign.", ["validator_address"]),
		missingValidators: gauge("missing_validators", "Validators that did not sign the last block."),
		missingValidatorsPower: gauge("missing_validators_power", "Voting power of the validators that did not sign."),
		byzantineValidators: gauge("byzantine_validators", "Validators that evidence in the last block accuses."),
		byzantineValidatorsPower: gauge("byzantine_validators_power", "Voting power of the accused validators."),
		blockInterval: histogram("block_interval_seconds", "Time between this block and the one before, in seconds."),
		numTxs: gauge("num_txs", "Transactions in the last block."),
		totalTxs: counter("total_txs", "Transactions committed since the start."),
		blockSizeBytes: gauge("block_size_bytes", "Size of the last block in bytes."),
		chainSizeBytes: counter("chain_size_bytes", "Size of the blocks since the start in bytes."),
		latestBlockHeight: gauge("latest_block_height", "Height of the last block."),
		blockParts: counter("block_parts", "Block parts that each peer has contributed.", ["peer_id"]),
		duplicateBlockPart: counter("duplicate_block_part", "Block parts received more than once."),
		partsReceived: counter("block_gossip_parts_received", "Block parts received.", ["matches_current"]),
		stepDuration: histogram("step_duration_seconds", "Duration of each step, in seconds.", ["step"]),
		proposalCreateCount: counter("proposal_create_count", "Proposals this node has made."),
		proposalReceiveCount: counter("proposal_receive_count", "Proposals judged, by the application's verdict.", [
			"status",
		]),
		lateVotes: counter("late_votes", "Votes received for an earlier height or round.", ["vote_type"]),
	};
}
