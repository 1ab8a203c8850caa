import { sha256 } from "@cairn/crypto";
import { toHex, utf8 } from "@cairn/kit";
import { type Validator, ValidatorSet } from "@cairn/types";
import { type Checker, fail } from "../checker.ts";
import { type JsonValidator, validatorOf } from "../domain.ts";
import { same, sameBytes, sameError, sameInteger } from "../expectation.ts";

interface SetState {
	readonly addresses: readonly string[];
	readonly powers: readonly string[];
	readonly priorities: readonly string[];
	readonly proposer: string;
	readonly total_voting_power: string;
}

interface Rotation {
	readonly input: readonly JsonValidator[];
	readonly after_new: SetState;
	readonly rounds: {
		readonly proposer_index: readonly number[];
		/** All priorities; of great sets, in most rows, the SHA-256 of them joined by commas. */
		readonly priorities: readonly (readonly string[] | string)[];
	};
	readonly jumps_from_final: readonly { readonly times: number; readonly result: SetState }[];
}

interface Step {
	readonly op: string;
	readonly times?: number;
	readonly changes?: readonly JsonValidator[];
	readonly error?: string | null;
	readonly hash?: string;
	readonly result?: SetState;
}

interface Updates {
	readonly input: readonly JsonValidator[];
	readonly after_new: SetState;
	readonly steps: readonly Step[];
}

function prioritiesOf(set: ValidatorSet): string[] {
	return set.validators.map(({ proposerPriority }) => proposerPriority.toString());
}

function sameSet(what: string, set: ValidatorSet, state: SetState): void {
	const ours = {
		addresses: set.validators.map(({ address }) => address),
		powers: set.validators.map(({ votingPower }) => votingPower.toString()),
		priorities: prioritiesOf(set),
		proposer: set.proposer?.address ?? "",
		total_voting_power: set.totalPower.toString(),
	};
	same(what, normal(ours), normal(state));
}

/** Bytes and hex alike as hex. */
function normal(value: object): unknown {
	return JSON.parse(JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? toHex(item) : item)));
}

function createSet(input: readonly JsonValidator[], expected: SetState): ValidatorSet {
	const set = ValidatorSet.create(input.map(validatorOf));
	sameSet("after_new", set, expected);
	return set;
}

function checkRotation({ input, after_new: afterNew, rounds, jumps_from_final: jumps }: Rotation): void {
	let set = createSet(input, afterNew);
	for (const [round, expected] of rounds.priorities.entries()) {
		set = set.copyIncrementProposerPriority(1);
		const index = set.validators.indexOf(set.proposer as Validator);
		sameInteger(`rounds[${round}] proposer_index`, index, rounds.proposer_index[round]);
		const priorities = prioritiesOf(set);
		const ours = typeof expected === "string" ? toHex(sha256(utf8(priorities.join(",")))) : priorities;
		same(`rounds[${round}] priorities`, ours, expected);
	}
	for (const { times, result } of jumps) sameSet(`jump of ${times}`, set.copyIncrementProposerPriority(times), result);
}

function checkUpdates({ input, after_new: afterNew, steps }: Updates): void {
	let set = createSet(input, afterNew);
	for (const [index, step] of steps.entries()) {
		const what = `steps[${index}] ${step.op}`;
		if (step.op === "increment") set = set.copyIncrementProposerPriority(step.times ?? 1);
		else if (step.op === "update") {
			const changes = (step.changes ?? fail(`${what}: no changes`)).map(validatorOf);
			const before = set;
			const outcome = sameError(what, step.error, () => before.withUpdates(changes));
			if (outcome.accepted) set = outcome.value;
		} else fail(`${what}: unknown`);
		if (step.hash !== undefined) sameBytes(`${what} hash`, set.hash(), step.hash);
		if (step.result !== undefined) sameSet(what, set, step.result);
	}
}

export const checkProposer: Checker = async (file, tally) => {
	const { rotation, updates } = file.content as { rotation: readonly Rotation[]; updates: readonly Updates[] };
	await tally.checkEach("rotation", rotation, checkRotation);
	await tally.checkEach("updates", updates, checkUpdates);
};
