import { bytesEqual, compareBytes, toUpperHex, ValidationError } from "@cairn/kit";
import { MAX_TOTAL_VOTING_POWER } from "./limits.ts";
import type { Validator } from "./model.ts";

/** What a change needs to know of the set that it changes. */
interface Current {
	readonly validators: readonly Validator[];
	readonly totalPower: bigint;
	getByAddress(address: Uint8Array): { readonly validator: Validator } | null;
}

/**
 * Applies changes to the validators of a set (`updateWithChangeSet` of `types/validator_set.go`, up to the rescaling of
 * priorities). New validators start at -1.125 times the total power before removals, so that leaving and coming back
 * cannot reset a priority.
 * @returns the new validators, in no particular order
 * @throws ValidationError, the set being untouched
 */
export function applyChanges(current: Current, changes: readonly Validator[], mayRemove: boolean): Validator[] {
	const { updates, removals } = splitChanges(changes);
	if (!mayRemove && removals.length > 0) throw new ValidationError("cannot process validators with voting power 0");
	const hasNew = updates.some(({ address }) => current.getByAddress(address) === null);
	if (!hasNew && current.validators.length === removals.length) {
		throw new ValidationError("applying the validator changes would result in an empty set");
	}
	const removedPower = powerOfRemovals(current, removals);
	const powerBeforeRemovals = powerOfUpdates(current, updates, removedPower) + removedPower;
	const priorityOfNew = -(powerBeforeRemovals + (powerBeforeRemovals >> 3n));
	const changed = new Set(changes.map(({ address }) => toUpperHex(address)));
	return [
		...current.validators.filter(({ address }) => !changed.has(toUpperHex(address))),
		...updates.map((update) => {
			const old = current.getByAddress(update.address);
			return { ...update, proposerPriority: old === null ? priorityOfNew : old.validator.proposerPriority };
		}),
	];
}

function splitChanges(changes: readonly Validator[]): { updates: Validator[]; removals: Validator[] } {
	const updates: Validator[] = [];
	const removals: Validator[] = [];
	const sorted = [...changes].sort((a, b) => compareBytes(a.address, b.address));
	for (const [i, change] of sorted.entries()) {
		const previous = sorted[i - 1];
		if (previous !== undefined && bytesEqual(previous.address, change.address)) {
			throw new ValidationError("validator changes: duplicate entry", { address: toUpperHex(change.address) });
		}
		if (change.votingPower < 0n) throw new ValidationError("validator changes: voting power can't be negative");
		if (change.votingPower > MAX_TOTAL_VOTING_POWER) {
			throw new ValidationError(`validator changes: voting power can't be higher than ${MAX_TOTAL_VOTING_POWER}`);
		}
		if (change.votingPower === 0n) removals.push(change);
		else updates.push(change);
	}
	return { updates, removals };
}

function powerOfRemovals(current: Current, removals: readonly Validator[]): bigint {
	let power = 0n;
	for (const { address } of removals) {
		const place = current.getByAddress(address);
		if (place === null) {
			throw new ValidationError("failed to find validator to remove", { address: toUpperHex(address) });
		}
		power += place.validator.votingPower;
	}
	return power;
}

/**
 * Total power after all changes. The smallest change comes first, as in Go, so that the sum passes through no
 * excess.
 */
function powerOfUpdates(current: Current, updates: readonly Validator[], removedPower: bigint): bigint {
	const deltas = updates.map(({ address, votingPower }) => {
		return votingPower - (current.getByAddress(address)?.validator.votingPower ?? 0n);
	});
	deltas.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
	let power = current.totalPower - removedPower;
	for (const delta of deltas) {
		power += delta;
		if (power > MAX_TOTAL_VOTING_POWER) {
			throw new ValidationError(`total voting power of resulting validator set exceeds ${MAX_TOTAL_VOTING_POWER}`);
		}
	}
	return power;
}
