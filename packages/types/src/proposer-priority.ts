import { compareBytes, ValidationError } from "@cairn/kit";
import { PRIORITY_WINDOW_SIZE_FACTOR } from "./limits.ts";

/**
 * The weighted round-robin that chooses proposers (`types/validator_set.go` of CometBFT v0.40.0). All arithmetic is
 * Go's int64: sums of priorities are clipped, the distance of priorities and the ratio of rescaling wrap around.
 */

/** What the rotation needs to know of a validator set, index by index; only `priorities` is written to. */
export interface Rotation {
	readonly addresses: readonly Uint8Array[];
	readonly powers: readonly bigint[];
	readonly priorities: bigint[];
	readonly totalPower: bigint;
}

const INT64_MAX = 9223372036854775807n;
const INT64_MIN = -9223372036854775808n;

function clip(value: bigint): bigint {
	if (value > INT64_MAX) return INT64_MAX;
	return value < INT64_MIN ? INT64_MIN : value;
}

function wrap(value: bigint): bigint {
	return BigInt.asIntN(64, value);
}

/**
 * Narrows and centres the priorities, then passes the turn `times` times.
 * @returns index of the proposer after the last turn
 */
export function passTurns(rotation: Rotation, times: number): number {
	narrowPriorities(rotation);
	centrePriorities(rotation.priorities);
	let proposer = 0;
	for (let turn = 0; turn < times; turn++) proposer = passTurn(rotation);
	return proposer;
}

/** Divides all priorities by one number so that their distance is at most twice the total power. */
export function narrowPriorities({ priorities, totalPower }: Rotation): void {
	const window = PRIORITY_WINDOW_SIZE_FACTOR * totalPower;
	if (window <= 0n) return;
	const distance = priorityDistance(priorities);
	if (distance <= window) return;
	const ratio = wrap(wrap(distance + window) - 1n) / window;
	// Only priorities invented by a peer can be that far apart; Go divides by zero there.
	if (ratio === 0n) throw new ValidationError("proposer priorities are too far apart");
	for (let i = 0; i < priorities.length; i++) priorities[i] = wrap((priorities[i] as bigint) / ratio);
}

function priorityDistance(priorities: readonly bigint[]): bigint {
	let highest = INT64_MIN;
	let lowest = INT64_MAX;
	for (const priority of priorities) {
		if (priority < lowest) lowest = priority;
		if (priority > highest) highest = priority;
	}
	const distance = wrap(highest - lowest);
	return distance < 0n ? wrap(-distance) : distance;
}

/** Moves all priorities by their average (rounded down), so that they stay around zero. */
export function centrePriorities(priorities: bigint[]): void {
	if (priorities.length === 0) return;
	let sum = 0n;
	for (const priority of priorities) sum += priority;
	const count = BigInt(priorities.length);
	let average = sum / count;
	if (sum < 0n && average * count !== sum) average -= 1n;
	for (let i = 0; i < priorities.length; i++) priorities[i] = clip((priorities[i] as bigint) - average);
}

function passTurn({ addresses, powers, priorities, totalPower }: Rotation): number {
	for (let i = 0; i < priorities.length; i++) priorities[i] = clip((priorities[i] as bigint) + (powers[i] as bigint));
	const proposer = firstByPriority(addresses, priorities);
	priorities[proposer] = clip((priorities[proposer] as bigint) - totalPower);
	return proposer;
}

/** Index of the highest priority; among equals the lowest address. */
export function firstByPriority(addresses: readonly Uint8Array[], priorities: readonly bigint[]): number {
	let first = 0;
	for (let i = 1; i < priorities.length; i++) {
		if (precedes(addresses, priorities, i, first)) first = i;
	}
	return first;
}

/** Index of the lowest priority; among equals the highest address: who proposed last. */
export function lastByPriority(addresses: readonly Uint8Array[], priorities: readonly bigint[]): number {
	let last = 0;
	for (let i = 1; i < priorities.length; i++) {
		if (precedes(addresses, priorities, last, i)) last = i;
	}
	return last;
}

function precedes(addresses: readonly Uint8Array[], priorities: readonly bigint[], a: number, b: number): boolean {
	const priorityOfA = priorities[a] as bigint;
	const priorityOfB = priorities[b] as bigint;
	if (priorityOfA !== priorityOfB) return priorityOfA > priorityOfB;
	const order = compareBytes(addresses[a] as Uint8Array, addresses[b] as Uint8Array);
	if (order === 0) throw new ValidationError("a validator occurs twice in the set");
	return order < 0;
}
