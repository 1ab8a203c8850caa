import { sha256 } from "@cairn/crypto";
import { fromUtf8, invariant, toHex, utf8 } from "@cairn/kit";
import { decodeValidatorSet, encodeValidatorSet, PRECOMMIT, PREVOTE, type ValidatorSet } from "@cairn/types";
import type { Epoch } from "../core/engine.ts";
import { type PlainData, readPlainData, writePlainData } from "../core/plain-data.ts";
import { HeightVoteSet } from "../parts/height-vote-set.ts";
import { VoteSet, type VoteSetContent } from "../parts/vote-set.ts";
import type { TendermintSnapshot } from "./protocol.ts";
import type { TendermintState } from "./state.ts";

const VERSION = 1;

/** Fields that are data already. */
type PlainField = Exclude<
	keyof TendermintState,
	"epochs" | "epoch" | "previous" | "validators" | "lastValidators" | "votes" | "lastCommit" | "checks" | "open"
>;

const PLAIN_FIELDS = [
	"tip",
	"height",
	"round",
	"step",
	"startTime",
	"commitTime",
	"stepStartedAt",
	"proposal",
	"proposalBlock",
	"wanted",
	"locked",
	"valid",
	"commitRound",
	"committing",
	"certificate",
	"triggeredTimeoutPrecommit",
	"proofDue",
	"workHeight",
	"owed",
	"timer",
	"nextRequest",
	"signing",
	"ownPosition",
	"tuned",
] as const satisfies readonly PlainField[];

/** Everything that a vote set is made of, its validators included. */
interface SavedVoteSet {
	readonly height: number;
	readonly round: number;
	readonly validators: Uint8Array;
	readonly extended: boolean;
	readonly content: VoteSetContent;
}

interface SavedRound {
	readonly round: number;
	readonly prevotes: VoteSetContent;
	readonly precommits: VoteSetContent;
}

interface SavedEpoch extends Omit<Epoch, "validators"> {
	readonly validators: Uint8Array;
}

interface Saved extends Pick<TendermintState, PlainField> {
	readonly version: number;
	readonly epochs: readonly SavedEpoch[];
	readonly previous: SavedEpoch | null;
	readonly epoch: number;
	readonly validators: Uint8Array;
	readonly lastValidators: Uint8Array | null;
	readonly heightValidators: Uint8Array;
	readonly votesRound: number;
	readonly catchUp: readonly (readonly [string, readonly number[]])[];
	readonly rounds: readonly SavedRound[];
	readonly lastCommit: SavedVoteSet | null;
	readonly checks: readonly (readonly [string, unknown])[];
	readonly open: readonly (readonly [number, unknown])[];
}

function saveEpoch(epoch: Epoch): SavedEpoch {
	return { ...epoch, validators: encodeValidatorSet(epoch.validators) };
}

function loadEpoch(epoch: SavedEpoch): Epoch {
	return { ...epoch, validators: decodeValidatorSet(epoch.validators) };
}

function save(state: TendermintState): Saved {
	const plain = Object.fromEntries(PLAIN_FIELDS.map((field) => [field, state[field]]));
	const { votes, lastCommit } = state;
	return {
		...(plain as Pick<TendermintState, PlainField>),
		version: VERSION,
		epochs: state.epochs.map(saveEpoch),
		previous: state.previous === null ? null : saveEpoch(state.previous),
		epoch: state.epoch.number,
		validators: encodeValidatorSet(state.validators),
		lastValidators: state.lastValidators === null ? null : encodeValidatorSet(state.lastValidators),
		heightValidators: encodeValidatorSet(votes.validators),
		votesRound: votes.round,
		catchUp: votes.catchUpRounds(),
		rounds: votes.rounds().flatMap((round) => {
			const sets = votes.votes(round);
			if (sets === null) return [];
			return { round, prevotes: sets.prevotes.content(), precommits: sets.precommits.content() };
		}),
		lastCommit: lastCommit === null ? null : saveVoteSet(lastCommit),
		checks: [...state.checks],
		open: [...state.open],
	};
}

function saveVoteSet(set: VoteSet): SavedVoteSet {
	const { height, round, extended } = set;
	return { height, round, extended, validators: encodeValidatorSet(set.validators), content: set.content() };
}

/** The whole state as one canonical text: equal states, equal texts. */
export function writeState(state: TendermintState): string {
	return writePlainData(save(state) as unknown as PlainData);
}

export function snapshotOf(state: TendermintState): TendermintSnapshot {
	return { bytes: utf8(writeState(state)) };
}

/** SHA-256 of the snapshot, in hex. */
export function digestOf(state: TendermintState): string {
	return toHex(sha256(utf8(writeState(state))));
}

/** The state that a snapshot holds. @throws DecodeError, InvariantError when the snapshot is not one of this engine */
export function restoreState({ bytes }: TendermintSnapshot): TendermintState {
	const saved = readPlainData(fromUtf8(bytes)) as unknown as Saved;
	invariant(saved.version === VERSION, "a snapshot of another version", { version: saved.version });
	const epochs = saved.epochs.map(loadEpoch);
	const epoch = epochs.find(({ number }) => number === saved.epoch);
	invariant(epoch !== undefined, "the snapshot lacks its epoch", { epoch: saved.epoch });
	const plain = Object.fromEntries(PLAIN_FIELDS.map((field) => [field, saved[field]]));
	return {
		...(plain as Pick<TendermintState, PlainField>),
		epochs,
		epoch,
		previous: saved.previous === null ? null : loadEpoch(saved.previous),
		validators: decodeValidatorSet(saved.validators),
		lastValidators: saved.lastValidators === null ? null : decodeValidatorSet(saved.lastValidators),
		votes: loadVotes(saved, epoch.params.extensions),
		lastCommit: saved.lastCommit === null ? null : loadVoteSet(saved.lastCommit),
		checks: new Map(saved.checks) as TendermintState["checks"],
		open: new Map(saved.open) as TendermintState["open"],
	};
}

function loadVotes(saved: Saved, extended: boolean): HeightVoteSet {
	const validators: ValidatorSet = decodeValidatorSet(saved.heightValidators);
	const votes = new HeightVoteSet(saved.height, validators, extended);
	const rounds = saved.rounds.map(({ round }) => round);
	votes.restoreRounds(saved.votesRound, rounds, saved.catchUp);
	for (const { round, prevotes, precommits } of saved.rounds) {
		votes.of(round, PREVOTE)?.restoreContent(prevotes);
		votes.precommits(round)?.restoreContent(precommits);
	}
	return votes;
}

function loadVoteSet({ height, round, extended, validators, content }: SavedVoteSet): VoteSet {
	const set = new VoteSet(height, round, PRECOMMIT, decodeValidatorSet(validators), extended);
	set.restoreContent(content);
	return set;
}
