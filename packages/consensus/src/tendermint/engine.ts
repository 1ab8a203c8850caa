import { invariant } from "@cairn/kit";
import { type Height, PRECOMMIT, PREVOTE } from "@cairn/types";
import type {
	Admission,
	Effects,
	Engine,
	EngineView,
	Epoch,
	Input,
	Member,
	Origin,
	SignatureClaim,
	Stamp,
	Verdict,
} from "../core/engine.ts";
import type { VoteSet } from "../parts/vote-set.ts";
import { admitMessage, claimsOf } from "./admission.ts";
import { takeAnswer } from "./answers.ts";
import { restoreLastCommit, startHeight, takeApplied, takeDecided } from "./height.ts";
import { ignored, OK, rejected, takeBlock } from "./proposal.ts";
import type { Tendermint, TendermintMessage, TendermintRoundState, TendermintSnapshot } from "./protocol.ts";
import { resume, takeMissing, tune } from "./recovery.ts";
import { takeWork } from "./round.ts";
import { roundStateOf } from "./round-state.ts";
import { recallProposal, recallVote, takeSigned } from "./signing.ts";
import { digestOf, restoreState, snapshotOf } from "./snapshot.ts";
import { blankState, stepName, type TendermintState, type Turn } from "./state.ts";
import { takeTimer } from "./timeouts.ts";

export interface TendermintOptions {
	readonly chainId: string;
}

type Start = Extract<Input<Tendermint>, { kind: "start" }>;

/**
 * Tendermint with the rules of CometBFT v0.40.0, line by line in docs/spec/tendermint.md. Pure: everything it knows
 * arrived by `step`, everything it wants leaves by the effects.
 */
export class TendermintEngine implements Engine<Tendermint> {
	readonly protocol = "tendermint";
	readonly #chainId: string;
	#state: TendermintState | null = null;

	constructor({ chainId }: TendermintOptions) {
		this.#chainId = chainId;
	}

	step(input: Input<Tendermint>, at: Stamp, out: Effects<Tendermint>): Verdict {
		if (input.kind === "start") return this.#start(input, at, out);
		const turn: Turn = { state: this.#started(), at, out };
		switch (input.kind) {
			case "resumed":
				return resume(turn, input.epochs);
			case "message":
				return takeMessage(turn, input.origin, input.message);
			case "block":
				if (input.height !== turn.state.height) return ignored("a block of another height");
				return takeBlock(turn, input.block, input.time);
			case "missing":
				return takeMissing(turn, input.block);
			case "signed":
				return takeSigned(turn, input);
			case "answered":
				return takeAnswer(turn, input);
			case "timer":
				return takeTimer(turn, input.timer);
			case "work":
				return takeWork(turn, input.height);
			case "tuned":
				return tune(turn, input.timeouts);
			case "applied":
				return takeApplied(turn, input);
			case "decided":
				return takeDecided(turn, input);
		}
	}

	#started(): TendermintState {
		invariant(this.#state !== null, "the first input of an engine is start");
		return this.#state;
	}

	/** A snapshot holds everything; without one the tip's certificate is all that is left of the past. */
	#start({ tip, epochs, previous, snapshot, changed }: Start, at: Stamp, out: Effects<Tendermint>): Verdict {
		out.mark("T1");
		if (snapshot !== null) {
			this.#state = restoreState(snapshot);
			return OK;
		}
		const { height, block, time, certificate } = tip;
		const next = height === 0 ? Math.min(...epochs.map(({ from }) => from)) : height + 1;
		this.#state = blankState({ height, block, time }, epochs, next, at);
		const turn: Turn = { state: this.#state, at, out };
		restoreLastCommit(turn, certificate, previous);
		startHeight(turn, next, epochs, height === 0 || (changed ?? true));
		return OK;
	}

	admit(origin: Origin, message: TendermintMessage): Admission {
		if (this.#state === null) return { kind: "drop", why: "not started", fault: false };
		return admitMessage(this.#state, origin.peer, message);
	}

	claims(message: TendermintMessage, epoch: Epoch): readonly SignatureClaim[] {
		return claimsOf(this.#chainId, this.#started(), message, epoch);
	}

	gossip(): TendermintRoundState {
		return roundStateOf(this.#started());
	}

	/** Of the current height: proposal and all votes; of the last one: the precommits seen. */
	*held(height: Height): Iterable<TendermintMessage> {
		const state = this.#started();
		if (height + 1 === state.height && state.lastCommit !== null) {
			for (const vote of state.lastCommit.all()) yield { kind: "vote", vote };
		}
		if (height !== state.height) return;
		if (state.proposal !== null) yield { kind: "proposal", proposal: state.proposal };
		for (const round of state.votes.rounds()) {
			for (const type of [PREVOTE, PRECOMMIT] as const) {
				for (const vote of state.votes.of(round, type)?.all() ?? []) yield { kind: "vote", vote };
			}
		}
	}

	view(): EngineView {
		return this.#state === null ? NOT_STARTED : viewOf(this.#state);
	}

	snapshot(): TendermintSnapshot {
		return snapshotOf(this.#started());
	}

	digest(): string {
		return this.#state === null ? "" : digestOf(this.#state);
	}
}

function takeMessage(turn: Turn, { peer }: Origin, message: TendermintMessage): Verdict {
	if (message.kind === "proposal") return recallProposal(turn, message.proposal, peer);
	if (message.kind === "vote") return recallVote(turn, message.vote, peer);
	const { height, round, type, blockId } = message;
	if (height !== turn.state.height) return ignored("a claim of another height");
	turn.out.mark("T63");
	if (turn.state.votes.setPeerMajority(round, type, peer, blockId)) return OK;
	return rejected("conflicting-majority-claim", "the peer claims two majorities for one round");
}

const NOT_STARTED: EngineView = {
	height: 0,
	round: 0,
	step: "NotStarted",
	leader: null,
	committed: { height: 0, block: null },
	locked: null,
	highest: null,
	tallies: [],
};

function viewOf(state: TendermintState): EngineView {
	const { height, round, step, locked, valid, tip } = state;
	const votes = state.votes.votes(round);
	const tallies = votes === null ? [] : [tally("prevotes", votes.prevotes), tally("precommits", votes.precommits)];
	return {
		height,
		round,
		step: stepName(step),
		leader: leaderMember(state),
		committed: { height: tip.height, block: tip.block },
		locked: locked === null ? null : { round: locked.round, block: locked.key },
		highest: valid === null ? null : { round: valid.round, block: valid.block.key },
		tallies,
	};
}

function tally(label: string, { power, quorum }: VoteSet): EngineView["tallies"][number] {
	return { label, power, quorum };
}

function leaderMember({ validators, epoch }: TendermintState): Member | null {
	const { proposer } = validators;
	const place = proposer === null ? null : validators.getByAddress(proposer.address);
	return place === null ? null : (epoch.members[place.index] ?? null);
}
