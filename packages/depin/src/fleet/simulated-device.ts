import { fromHex } from "@cairn/kit";
import type { DeviceIdentity, DeviceMemory } from "../device/identity.ts";
import type { Reason } from "../state-machine/codes.ts";
import { doubleToFixed, formatFixed, VALUE_DIGITS } from "../state-machine/fixed-point.ts";
import type { Measurement } from "../state-machine/senml.ts";
import type { Climate } from "./climate.ts";
import type { Fault, FleetDevice, FleetReading } from "./fleet.ts";
import type { SeededNumbers } from "./seeded-numbers.ts";

export interface SimulatedDeviceOptions {
	readonly alias: string;
	readonly identity: DeviceIdentity;
	/** A device that nobody has registered. */
	readonly stranger: DeviceIdentity;
	readonly numbers: SeededNumbers;
	readonly climate: Climate;
	readonly timeScale: number;
	readonly faultRate: number;
	readonly metric: string;
	readonly unit: string;
	readonly bounds: { readonly min: number; readonly max: number; readonly maxRate: number };
}

const FAULTS: readonly Fault[] = ["spike", "jump", "stuck", "forged", "replayed", "unregistered"];

/** How long a sensor that is stuck stays so, in readings. */
const STUCK_READINGS = 5;

/** A jump is told from a slow change only this soon after an accepted reading; seconds. */
const JUMP_WITHIN = 20;

/** °C of a jump: more than may change within `JUMP_WITHIN`, and inside the bounds. */
const JUMP = 35;

/** How far back a replayed number lies: surely used, and not the last one, which would be equivocation. */
const REPLAY_BACK = 8;

/** One simulated weather station. */
export class SimulatedDevice implements FleetDevice {
	readonly #options: SimulatedDeviceOptions;
	/** What makes this station differ from the others. */
	readonly #offset: number;
	#stuckFor = 0;
	#sent = 0;
	/** The last reading that is thought to be accepted. */
	#last: { readonly value: number; readonly timeNs: bigint } | undefined;

	constructor(options: SimulatedDeviceOptions) {
		this.#options = options;
		this.#offset = options.numbers.bell() * 3;
	}

	get id(): string {
		return this.#options.identity.id;
	}

	get alias(): string {
		return this.#options.alias;
	}

	get memory(): DeviceMemory {
		return this.#options.identity.memory;
	}

	resume(nextSequenceOnChain: number): void {
		// Of a new device no message can be under way: it starts at the beginning, without a gap.
		if (nextSequenceOnChain > 1) this.#options.identity.resume(nextSequenceOnChain);
		this.#sent = 0;
		this.#last = undefined;
	}

	next(nowNs: bigint): FleetReading {
		const fault = this.#chooseFault(nowNs);
		const value = this.#valueAt(nowNs, fault);
		const measured = this.#measurement(value, nowNs);
		const { tx, expected } = this.#sign(fault, measured);
		if (expected === "accepted") this.#last = { value, timeNs: nowNs };
		if (fault !== "forged" && fault !== "replayed" && fault !== "unregistered") this.#sent += 1;
		return { tx, expected, fault, alias: this.alias, value: formatFixed(measured.value, VALUE_DIGITS) };
	}

	#chooseFault(nowNs: bigint): Fault {
		const { numbers, faultRate } = this.#options;
		const [chance, which] = [numbers.fraction(), numbers.fraction()];
		if (this.#stuckFor > 0) return "stuck";
		if (chance >= faultRate) return "none";
		const fault = FAULTS[Math.floor(which * FAULTS.length)] ?? "none";
		// Faults whose outcome is not certain now are left out.
		if (fault === "replayed" && this.#sent <= REPLAY_BACK) return "none";
		if ((fault === "jump" || fault === "stuck") && !this.#isFresh(nowNs)) return "none";
		if (fault === "stuck") this.#stuckFor = STUCK_READINGS;
		return fault;
	}

	#isFresh(nowNs: bigint): boolean {
		return this.#last !== undefined && nowNs - this.#last.timeNs < BigInt(JUMP_WITHIN) * 1_000_000_000n;
	}

	#valueAt(nowNs: bigint, fault: Fault): number {
		const { climate, timeScale, numbers, bounds } = this.#options;
		const noise = numbers.bell() * 0.05;
		const last = this.#last;
		if (fault === "stuck" && last !== undefined) {
			this.#stuckFor -= 1;
			return last.value;
		}
		if (fault === "spike") return bounds.max + 100;
		if (fault === "jump" && last !== undefined) return last.value > 0 ? last.value - JUMP : last.value + JUMP;
		const scaled = BigInt(Math.round(timeScale * 1000));
		const natural = climate.at((nowNs * scaled) / 1000n) + this.#offset + noise;
		return limited(natural, last, nowNs, bounds.maxRate);
	}

	#measurement(value: number, nowNs: bigint): Measurement {
		const { metric, unit } = this.#options;
		// Sensors give two digits; clocks of devices, milliseconds.
		const rounded = doubleToFixed(Math.round(value * 100) / 100, VALUE_DIGITS);
		const hundredths = (rounded / 10_000n) * 10_000n;
		return { name: metric, unit, value: hundredths, time: (nowNs / 1_000_000n) * 1_000_000n };
	}

	#sign(fault: Fault, measured: Measurement): { tx: Uint8Array; expected: "accepted" | Reason } {
		const { identity, stranger } = this.#options;
		const { nextSequence, previous } = identity.memory;
		switch (fault) {
			case "forged": {
				const { tx } = identity.signMessage([measured], nextSequence, fromHex(previous));
				return { tx: withBrokenSignature(tx), expected: "bad-signature" };
			}
			case "replayed": {
				const { tx } = identity.signMessage([measured], nextSequence - REPLAY_BACK, fromHex(previous));
				return { tx, expected: "replay" };
			}
			case "unregistered":
				return { tx: stranger.signReading([measured]), expected: "unknown-device" };
			case "spike":
				return { tx: identity.signReading([measured]), expected: "out-of-range" };
			case "jump":
				return { tx: identity.signReading([measured]), expected: "rate-of-change" };
			case "stuck":
			case "none":
				return { tx: identity.signReading([measured]), expected: "accepted" };
		}
	}
}

/** No honest station moves faster than half of what its profile allows. */
function limited(
	natural: number,
	last: { readonly value: number; readonly timeNs: bigint } | undefined,
	nowNs: bigint,
	maxRate: number,
): number {
	if (last === undefined) return natural;
	const most = (maxRate / 2) * (Number(nowNs - last.timeNs) / 1e9);
	return Math.min(last.value + most, Math.max(last.value - most, natural));
}

function withBrokenSignature(tx: Uint8Array): Uint8Array {
	const broken = tx.slice();
	const last = broken.length - 1;
	broken[last - 8] = (broken[last - 8] ?? 0) ^ 1;
	return broken;
}
