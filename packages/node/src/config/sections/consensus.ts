import { key, section } from "../key.ts";
import { boolean, duration, integer, text } from "../kinds.ts";

/** Timeouts and log of the consensus (config.go `ConsensusConfig`). */
export const CONSENSUS = section(
	"consensus",
	"Consensus",
	"A timeout grows with each round of a height: timeout + round × delta.",
	{
		wal_file: key(text("path"), "data/cs.wal/wal", "Log that everything is written to before it counts."),
		timeout_propose: key(duration(), 3_000, "How long to wait for a proposal before voting nil."),
		timeout_propose_delta: key(duration(), 500, "Growth of timeout_propose per round."),
		timeout_prevote: key(
			duration(),
			1_000,
			"How long to wait for more prevotes once more than 2/3 voted, without agreement.",
		),
		timeout_prevote_delta: key(duration(), 500, "Growth of timeout_prevote per round."),
		timeout_precommit: key(
			duration(),
			1_000,
			"How long to wait for more precommits once more than 2/3 voted, without agreement.",
		),
		timeout_precommit_delta: key(duration(), 500, "Growth of timeout_precommit per round."),
		timeout_commit: key(
			duration(),
			1_000,
			"Pause after a block, in which late precommits still arrive. It sets the pace of the chain.",
		),
		double_sign_check_height: key(
			integer({ min: 0 }),
			0,
			"At start, look for our own votes in this many last blocks and refuse to start if there are any: another\n" +
				"machine may be signing with the same key. 0: do not look.",
			{ flag: { help: "at start, refuse to run if our own votes are in this many last blocks" } },
		),
		skip_timeout_commit: key(boolean(), false, "Go on at once when all precommits have arrived."),
		create_empty_blocks: key(boolean(), true, "Make blocks even when there are no transactions.", {
			flag: { help: "make blocks even when there are no transactions" },
		}),
		create_empty_blocks_interval: key(duration(), 0, "Pause before an empty block. 0s: none.", {
			flag: { help: "pause before an empty block" },
		}),
		peer_gossip_sleep_duration: key(duration(), 100, "CometBFT's pause between looks at what a peer lacks."),
		peer_query_maj23_sleep_duration: key(
			duration(),
			2_000,
			"Pause between telling peers where a block has more than 2/3.",
		),
		block_time_tolerance: key(
			duration({ negative: true }),
			60_000,
			"A proposed block may be at most this far ahead of this machine's clock.",
		),
	},
	{
		without: { home: "the home folder is chosen with --home or CAIRN_HOME" },
		breaches: (values) =>
			values.blockTimeTolerance > 0
				? []
				: [{ key: "block_time_tolerance", what: "must be more than zero", fix: 'write "1m0s" or another duration' }],
	},
);
