import type { Height, Part, Proposal, Round, Vote } from "@cairn/types";
import { encodeConsensusMessage } from "./messages.ts";

const votes = new WeakMap<Vote, Uint8Array>();
const proposals = new WeakMap<Proposal, Uint8Array>();
const parts = new WeakMap<Part, { readonly height: Height; readonly round: Round; readonly bytes: Uint8Array }>();

/** The message of a vote, encoded once for all peers. */
export function voteMessage(vote: Vote): Uint8Array {
	let bytes = votes.get(vote);
	if (bytes === undefined) {
		bytes = encodeConsensusMessage({ kind: "vote", vote });
		votes.set(vote, bytes);
	}
	return bytes;
}

/** The message of a proposal, encoded once for all peers. */
export function proposalMessage(proposal: Proposal): Uint8Array {
	let bytes = proposals.get(proposal);
	if (bytes === undefined) {
		bytes = encodeConsensusMessage({ kind: "proposal", proposal });
		proposals.set(proposal, bytes);
	}
	return bytes;
}

/** The message of a part, encoded once for all peers of one round. */
export function partMessage(part: Part, height: Height, round: Round): Uint8Array {
	const known = parts.get(part);
	if (known !== undefined && known.height === height && known.round === round) return known.bytes;
	const bytes = encodeConsensusMessage({ kind: "part", height, round, part });
	parts.set(part, { height, round, bytes });
	return bytes;
}
