import { invariant } from "@cairn/kit";
import { addressOfSigner } from "../device/account.ts";
import { DeviceIdentity, type DeviceMemory, NEW_DEVICE } from "../device/identity.ts";
import { type Signer, softwareSigner } from "../device/key.ts";
import type { Reason } from "../state-machine/codes.ts";
import { parseFixed, VALUE_DIGITS } from "../state-machine/fixed-point.ts";
import { type DeviceProfile, profileToJson } from "../state-machine/profile.ts";
import { type Climate, diurnalClimate, recordedClimate, type SeriesPoint } from "./climate.ts";
import { derivedBytes, SeededNumbers } from "./seeded-numbers.ts";
import { SimulatedDevice } from "./simulated-device.ts";

/** What a fleet is made of; the same options give the same fleet. */
export interface FleetOptions {
	/** All keys follow from it: keep it secret on a chain of value. */
	readonly seed: string;
	readonly chainId: string;
	readonly devices: number;
	/** Recorded temperatures in °C, played over and over; a diurnal curve without. */
	readonly series?: readonly SeriesPoint[];
	/** How much faster than real time the climate moves; 600 by default: ten minutes a second. */
	readonly timeScale?: number;
	/** Share of readings that go wrong on purpose; 0.02 by default, 0 for none. */
	readonly faultRate?: number;
}

/** What is wrong on purpose with a reading. */
export type Fault = "none" | "spike" | "jump" | "stuck" | "forged" | "replayed" | "unregistered";

/** A signed reading to send. */
export interface FleetReading {
	readonly tx: Uint8Array;
	/** What the chain should say: `accepted`, or the reason for which it refuses (at CheckTx or in the block). */
	readonly expected: "accepted" | Reason;
	readonly fault: Fault;
	readonly alias: string;
	/** °C, as text. */
	readonly value: string;
}

export interface FleetDevice {
	/** did:key; for `/device/<id>`. */
	readonly id: string;
	readonly alias: string;
	readonly memory: DeviceMemory;
}

/** A fleet of simulated weather stations. Pure: the caller brings the time and carries the transactions. */
export interface Fleet {
	readonly devices: readonly FleetDevice[];
	/** `app_state` of a genesis file in which all of the fleet is registered. */
	genesisState(): object;
	/** The next reading of a device at this time. */
	next(deviceIndex: number, nowNs: bigint): FleetReading;
	/** Goes on from `next_sequence` as the chain's `/device/<id>` has it, after a restart. */
	resume(deviceIndex: number, nextSequenceOnChain: number): void;
}

const METRIC = "temperature";
const UNIT = "Cel";

/** Bounds of the profile in °C, and °C per second. */
export const FLEET_BOUNDS = { min: -60, max: 60, maxRate: 1 } as const;

const PROFILE: DeviceProfile = {
	metrics: [
		{
			name: METRIC,
			unit: UNIT,
			min: parseFixed(String(FLEET_BOUNDS.min), VALUE_DIGITS),
			max: parseFixed(String(FLEET_BOUNDS.max), VALUE_DIGITS),
			maxRate: parseFixed(String(FLEET_BOUNDS.maxRate), VALUE_DIGITS),
		},
	],
	intervalMs: 10_000,
	lateWindowMs: 86_400_000,
	latePenalty: 200_000,
};

/** Makes a fleet. @throws InvariantError for a number of devices below 1 */
export function createFleet(options: FleetOptions): Fleet {
	const { seed, chainId, devices: count } = options;
	invariant(Number.isSafeInteger(count) && count > 0, "a fleet has at least one device");
	const owner = softwareSigner("ed25519", derivedBytes(seed, "owner"));
	const stranger = softwareSigner("ed25519", derivedBytes(seed, "stranger"));
	const devices = Array.from({ length: count }, (_, index) => createDevice(options, index, stranger));
	const at = (index: number): SimulatedDevice => {
		const device = devices[index];
		invariant(device !== undefined, "the fleet has no such device", { index, chainId });
		return device;
	};
	return {
		devices,
		genesisState: () => genesisState(owner, devices),
		next: (index, nowNs) => at(index).next(nowNs),
		resume: (index, nextSequence) => at(index).resume(nextSequence),
	};
}

function createDevice(options: FleetOptions, index: number, stranger: Signer): SimulatedDevice {
	const { seed, chainId, series, timeScale = 600, faultRate = 0.02 } = options;
	const alias = `station-${index + 1}`;
	const signer = softwareSigner("ed25519", derivedBytes(seed, alias));
	const numbers = new SeededNumbers(seed, `${alias}/numbers`);
	const climate: Climate = series !== undefined && series.length > 1 ? recordedClimate(series) : diurnalClimate(12, 8);
	return new SimulatedDevice({
		alias,
		identity: new DeviceIdentity(signer, chainId, NEW_DEVICE),
		stranger: new DeviceIdentity(stranger, chainId),
		numbers,
		climate,
		timeScale,
		faultRate,
		metric: METRIC,
		unit: UNIT,
		bounds: FLEET_BOUNDS,
	});
}

function genesisState(owner: Signer, devices: readonly FleetDevice[]): object {
	const address = addressOfSigner(owner);
	return {
		params: { development: true, max_devices_per_account: Math.max(1000, devices.length), device_quota: 6000 },
		accounts: [{ address, balance: "0" }],
		devices: devices.map(({ id, alias }) => ({ id, alias, owner: address, profile: profileToJson(PROFILE) })),
	};
}
