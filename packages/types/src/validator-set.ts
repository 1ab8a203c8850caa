import { merkleRoot, sha256 } from "@cairn/crypto";
import { bytesEqual, compareBytes, EMPTY_BYTES, invariant, ValidationError } from "@cairn/kit";
import { latin1 } from "./latin1.ts";
import { MAX_TOTAL_VOTING_POWER } from "./limits.ts";
import type { Validator, ValidatorIndex } from "./model.ts";
import {
	centrePriorities,
	firstByPriority,
	lastByPriority,
	narrowPriorities,
	passTurns,
	type Rotation,
} from "./proposer-priority.ts";
import { types as pb } from "./proto/index.ts";
import { validateValidator, validatorFromProto, validatorLeaf, validatorToProto } from "./validator.ts";
import { applyChanges } from "./validator-set-change.ts";

/** A validator and its place in the set. */
export interface ValidatorPlace {
	readonly index: ValidatorIndex;
	readonly validator: Validator;
}

/** What sets that differ only in priorities share; computed when first asked for. */
interface Membership {
	readonly totalPower: bigint;
	hash?: Uint8Array;
	places?: ReadonlyMap<string, number>;
	allKeysHaveSameType?: boolean;
}

/**
 * The validators of one height, sorted by voting power (falling), then address, with the priorities that decide who
 * proposes next (`types/validator_set.go`). A set never changes: what changes it gives a new one.
 */
export class ValidatorSet {
	readonly validators: readonly Validator[];
	readonly #proposer: Validator | null;
	readonly #membership: Membership;

	private constructor(validators: readonly Validator[], proposer: Validator | null, membership: Membership) {
		this.validators = validators;
		this.#proposer = proposer;
		this.#membership = membership;
	}

	/** The set without validators, which stands before the first height. */
	static get EMPTY(): ValidatorSet {
		return new ValidatorSet([], null, { totalPower: 0n });
	}

	/**
	 * A new set with the first proposer chosen (`NewValidatorSet`); priorities of the arguments are ignored.
	 * @throws ValidationError on duplicates, on power that is not positive or too great in sum
	 */
	static create(validators: readonly Validator[]): ValidatorSet {
		if (validators.length === 0) return ValidatorSet.EMPTY;
		return ValidatorSet.EMPTY.#change(validators, false).copyIncrementProposerPriority(1);
	}

	/**
	 * Rebuilds a set from validators with their priorities, as RPC answers list them; the one with the lowest priority
	 * was the last proposer (`ValidatorSetFromExistingValidators`). @throws ValidationError
	 */
	static fromExisting(validators: readonly Validator[]): ValidatorSet {
		if (validators.length === 0) throw new ValidationError("validator set is empty");
		for (const validator of validators) validateValidator(validator);
		const last = lastByPriority(addressesOf(validators), prioritiesOf(validators));
		const membership = { totalPower: sumOfPower(validators) };
		return new ValidatorSet([...validators].sort(byPower), validators[last] as Validator, membership);
	}

	/**
	 * A set of parts from outside, in the order in which they came (`ValidatorSetFromProto`). As in Go, neither order nor
	 * uniqueness is checked: the hash in a header decides. @throws ValidationError
	 */
	static fromParts(validators: readonly Validator[], proposer: Validator | null): ValidatorSet {
		const totalPower = sumOfPower(validators);
		if (validators.length === 0) throw new ValidationError("validator set is empty");
		for (const validator of validators) validateValidator(validator);
		if (proposer === null) throw new ValidationError("validator set without proposer");
		validateValidator(proposer);
		if (!validators.some(({ address }) => bytesEqual(address, proposer.address))) {
			throw new ValidationError("proposer not in validator set");
		}
		return new ValidatorSet(validators, proposer, { totalPower });
	}

	/** @throws DecodeError, ValidationError; also for the empty set, as Go */
	static fromProto(proto: pb.ValidatorSet | null): ValidatorSet {
		if (proto === null) throw new ValidationError("validator set is missing");
		const validators = proto.validators.map(validatorFromProto);
		return ValidatorSet.fromParts(validators, validatorFromProto(proto.proposer));
	}

	toProto(): pb.ValidatorSet {
		const { proposer } = this;
		return {
			validators: this.validators.map(validatorToProto),
			proposer: proposer === null ? null : validatorToProto(proposer),
			// Go never sends the sum, so that the bytes do not depend on what it has computed already.
			totalVotingPower: 0n,
		};
	}

	get size(): number {
		return this.validators.length;
	}

	/** Sum of the voting power. */
	get totalPower(): bigint {
		return this.#membership.totalPower;
	}

	/** Who proposes; null in the empty set. */
	get proposer(): Validator | null {
		if (this.#proposer !== null || this.size === 0) return this.#proposer;
		const { validators } = this;
		return validators[firstByPriority(addressesOf(validators), prioritiesOf(validators))] as Validator;
	}

	getByIndex(index: ValidatorIndex): Validator | null {
		return this.validators[index] ?? null;
	}

	/** The first validator with this address. */
	getByAddress(address: Uint8Array): ValidatorPlace | null {
		const index = this.#places().get(latin1(address));
		return index === undefined ? null : { index, validator: this.validators[index] as Validator };
	}

	hasAddress(address: Uint8Array): boolean {
		return this.#places().has(latin1(address));
	}

	#places(): ReadonlyMap<string, number> {
		const membership = this.#membership;
		if (membership.places === undefined) {
			const places = new Map<string, number>();
			for (const [i, { address }] of this.validators.entries()) {
				const key = latin1(address);
				if (!places.has(key)) places.set(key, i);
			}
			membership.places = places;
		}
		return membership.places;
	}

	/** True if all keys are of one type; also for the empty set. */
	get allKeysHaveSameType(): boolean {
		const first = this.validators[0]?.publicKey.type;
		this.#membership.allKeysHaveSameType ??= this.validators.every(({ publicKey }) => publicKey.type === first);
		return this.#membership.allKeysHaveSameType;
	}

	/** Merkle root over keys and powers, which headers name; priorities are not in it. */
	hash(): Uint8Array {
		this.#membership.hash ??= merkleRoot(this.validators.map(validatorLeaf));
		return this.#membership.hash;
	}

	/** SHA-256 of the priorities as signed varints, one after the other; empty for the empty set. */
	proposerPriorityHash(): Uint8Array {
		if (this.size === 0) return EMPTY_BYTES;
		const bytes: number[] = [];
		for (const { proposerPriority } of this.validators) {
			// Zig-zag, as Go's binary.PutVarint.
			let rest = BigInt.asUintN(64, proposerPriority < 0n ? ~(proposerPriority << 1n) : proposerPriority << 1n);
			for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
			bytes.push(Number(rest));
		}
		return sha256(Uint8Array.from(bytes));
	}

	/** The set after `times` turns of the rotation (at least one). */
	copyIncrementProposerPriority(times: number): ValidatorSet {
		invariant(this.size > 0, "rotation of an empty validator set");
		invariant(Number.isSafeInteger(times) && times > 0, "times of a rotation", { times });
		const { validators } = this;
		const rotation = this.#rotation(validators);
		const proposer = passTurns(rotation, times);
		const rotated = withPriorities(validators, rotation.priorities);
		return new ValidatorSet(rotated, rotated[proposer] as Validator, this.#membership);
	}

	#rotation(validators: readonly Validator[]): Rotation {
		return {
			addresses: addressesOf(validators),
			powers: validators.map(({ votingPower }) => votingPower),
			priorities: prioritiesOf(validators),
			totalPower: this.totalPower,
		};
	}

	/**
	 * The set after validators were added, changed or (power zero) removed (`UpdateWithChangeSet`). The proposer
	 * stays the old one, even one just removed, until the next turn. Priorities of the changes are ignored.
	 * @throws ValidationError on duplicates, negative power, too much power, unknown removals, or an empty result
	 */
	withUpdates(changes: readonly Validator[]): ValidatorSet {
		return changes.length === 0 ? this : this.#change(changes, true);
	}

	#change(changes: readonly Validator[], mayRemove: boolean): ValidatorSet {
		const changed = applyChanges(this, changes, mayRemove);
		const totalPower = sumOfPower(changed);
		const rotation = {
			addresses: [],
			powers: [],
			priorities: prioritiesOf(changed),
			totalPower,
		};
		narrowPriorities(rotation);
		centrePriorities(rotation.priorities);
		return new ValidatorSet(withPriorities(changed, rotation.priorities).sort(byPower), this.#proposer, { totalPower });
	}
}

/** @throws ValidationError when the sum exceeds what priorities can bear */
function sumOfPower(validators: readonly Validator[]): bigint {
	let sum = 0n;
	for (const { votingPower } of validators) {
		sum += votingPower;
		if (sum > MAX_TOTAL_VOTING_POWER) {
			throw new ValidationError(`total voting power exceeds ${MAX_TOTAL_VOTING_POWER}`);
		}
	}
	return sum;
}

function byPower(a: Validator, b: Validator): number {
	if (a.votingPower !== b.votingPower) return a.votingPower > b.votingPower ? -1 : 1;
	return compareBytes(a.address, b.address);
}

function addressesOf(validators: readonly Validator[]): Uint8Array[] {
	return validators.map(({ address }) => address);
}

function prioritiesOf(validators: readonly Validator[]): bigint[] {
	return validators.map(({ proposerPriority }) => proposerPriority);
}

function withPriorities(validators: readonly Validator[], priorities: readonly bigint[]): Validator[] {
	return validators.map((validator, i) => {
		const { address, publicKey, votingPower } = validator;
		return { address, publicKey, votingPower, proposerPriority: priorities[i] as bigint };
	});
}

export function validatorSetToProto(set: ValidatorSet): pb.ValidatorSet {
	return set.toProto();
}

/** As `ValidatorSet.fromProto`. @throws DecodeError, ValidationError */
export function validatorSetFromProto(proto: pb.ValidatorSet | null): ValidatorSet {
	return ValidatorSet.fromProto(proto);
}

/** Every set is checked when it is made; what is left is that it is not empty. @throws ValidationError */
export function validateValidatorSet(set: ValidatorSet): void {
	if (set.size === 0) throw new ValidationError("validator set is empty");
}

export function encodeValidatorSet(set: ValidatorSet): Uint8Array {
	return pb.ValidatorSet.encode(set.toProto());
}

/** @throws DecodeError, ValidationError */
export function decodeValidatorSet(bytes: Uint8Array): ValidatorSet {
	return ValidatorSet.fromProto(pb.ValidatorSet.decode(bytes));
}
