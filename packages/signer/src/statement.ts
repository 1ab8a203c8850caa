import { bytesEqual, DecodeError } from "@cairn/kit";
import { PREVOTE, type TimeNs, type Vote } from "@cairn/types";
import { types as pb, readDelimited } from "@cairn/types/proto";
import type { SignSlot } from "./guard.ts";

/** Steps of a Tendermint position, as the state file counts them (privval/file.go). */
export const STEP_NONE = 0;
export const STEP_PROPOSAL = 1;
export const STEP_PREVOTE = 2;
export const STEP_PRECOMMIT = 3;

/** The one lane of a Tendermint validator. */
export const CHAIN_LANE = "chain";

export function voteSlot(vote: Vote): SignSlot {
	const step = vote.type === PREVOTE ? STEP_PREVOTE : STEP_PRECOMMIT;
	return { lane: CHAIN_LANE, position: [vote.height, vote.round, step] };
}

export function proposalSlot(proposal: { readonly height: number; readonly round: number }): SignSlot {
	return { lane: CHAIN_LANE, position: [proposal.height, proposal.round, STEP_PROPOSAL] };
}

interface Timed {
	readonly timestamp: TimeNs;
}

interface TimedCodec<Message extends Timed> {
	decode(bytes: Uint8Array): Message;
	encode(message: Message): Uint8Array;
}

/** How sign bytes of one kind of statement are read. */
export interface StatementKind {
	/** True if both are well-formed and differ in nothing but the time (`check…OnlyDifferByTimestamp`). */
	readonly differOnlyInTime: (signed: Uint8Array, wanted: Uint8Array) => boolean;
	/** The time inside sign bytes. @throws DecodeError */
	readonly timeOf: (signBytes: Uint8Array) => TimeNs;
}

function statementKind<Message extends Timed>(codec: TimedCodec<Message>): StatementKind {
	const decode = (signBytes: Uint8Array): Message => {
		const found = readDelimited(signBytes, 0, signBytes.length);
		if (found === undefined || found.next !== signBytes.length) throw new DecodeError("sign bytes are not one message");
		return codec.decode(found.message);
	};
	const withoutTime = (signBytes: Uint8Array): Uint8Array => codec.encode({ ...decode(signBytes), timestamp: 0n });
	return {
		timeOf: (signBytes) => decode(signBytes).timestamp,
		differOnlyInTime(signed, wanted) {
			try {
				return bytesEqual(withoutTime(signed), withoutTime(wanted));
			} catch {
				// What cannot be read cannot be shown to be the same statement.
				return false;
			}
		},
	};
}

export const VOTE_STATEMENT: StatementKind = statementKind(pb.CanonicalVote);
export const PROPOSAL_STATEMENT: StatementKind = statementKind(pb.CanonicalProposal);
