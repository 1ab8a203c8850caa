import { toUpperHex } from "@cairn/kit";
import { timeToRfc3339 } from "@cairn/types";
import type { Companion } from "./companion.ts";
import type { KnownBits } from "./known-bits.ts";

/** A peer as `dump_consensus_state` shows it, in CometBFT's JSON form. */
export interface PeerStateJson {
	readonly node_address: string;
	readonly peer_state: {
		readonly round_state: {
			readonly height: string;
			readonly round: number;
			readonly step: number;
			readonly start_time: string;
			readonly proposal: boolean;
			readonly proposal_block_part_set_header: { readonly total: number; readonly hash: string };
			readonly proposal_block_parts: string | null;
			readonly proposal_pol_round: number;
			readonly proposal_pol: string | null;
			readonly prevotes: string | null;
			readonly precommits: string | null;
			readonly last_commit_round: number;
			readonly last_commit: string | null;
			readonly catchup_commit_round: number;
			readonly catchup_commit: string | null;
		};
		readonly stats: { readonly votes: string; readonly block_parts: string };
	};
}

export function peerStateJson({ peer, state, votes, parts }: Companion): PeerStateJson {
	return {
		node_address: `${peer.id}@${peer.remoteAddress}`,
		peer_state: {
			round_state: {
				height: String(state.height),
				round: state.round,
				step: state.step,
				start_time: timeToRfc3339(state.startTime),
				proposal: state.hasProposal,
				proposal_block_part_set_header: { total: state.header.total, hash: toUpperHex(state.header.hash) },
				proposal_block_parts: bitsJson(state.parts),
				proposal_pol_round: state.polRound,
				proposal_pol: bitsJson(state.pol),
				prevotes: bitsJson(state.prevotes),
				precommits: bitsJson(state.precommits),
				last_commit_round: state.lastCommitRound,
				last_commit: bitsJson(state.lastCommit),
				catchup_commit_round: state.catchUpRound,
				catchup_commit: bitsJson(state.catchUp),
			},
			stats: { votes: String(votes), block_parts: String(parts) },
		},
	};
}

function bitsJson(bits: KnownBits | null): string | null {
	return bits?.toJSON() ?? null;
}
