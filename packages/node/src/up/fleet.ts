import { createFleet, type Fleet, reasonOf } from "@cairn/depin";
import { fromBase64, fromUtf8, invariant } from "@cairn/kit";
import type { AskAny } from "./block-watch.ts";
import type { ReadingSource } from "./fleet-runner.ts";
import { numberAt, textAt } from "./json-value.ts";
import { BATCH_SIZE } from "./rpc-client.ts";
import { recordedTemperatures } from "./weather.ts";

/** Codespace of the application's codes. */
const DEPIN = "depin";

/** `app_state` of a new chain: the fleet's devices and their owner, on a development chain. */
export function fleetGenesis(seed: string, chainId: string, devices: number): string {
	if (devices === 0) return JSON.stringify({ params: { development: true } });
	return JSON.stringify(createFleet({ seed, chainId, devices }).genesisState());
}

/** The application's name of a code. */
export function refusalReason(code: number, codespace: string): string {
	const known = codespace === DEPIN || codespace === "" ? reasonOf(code) : undefined;
	return known ?? `${codespace === "" ? "code" : codespace}-${code}`;
}

/** The simulated stations of a network; without any it is an empty fleet. */
export class StationFleet implements ReadingSource {
	readonly #fleet: Fleet | null;

	private constructor(fleet: Fleet | null) {
		this.#fleet = fleet;
	}

	/** The same seed, chain and number give the same devices with the same keys. */
	static async create(seed: string, chainId: string, devices: number): Promise<StationFleet> {
		if (devices === 0) return new StationFleet(null);
		return new StationFleet(createFleet({ seed, chainId, devices, series: await recordedTemperatures() }));
	}

	get devices(): number {
		return this.#fleet?.devices.length ?? 0;
	}

	next(device: number, nowNs: bigint): { readonly tx: Uint8Array; readonly expected: string } {
		invariant(this.#fleet !== null, "an empty fleet has no readings");
		return this.#fleet.next(device, nowNs);
	}

	/** Goes on where the chain has each device. Returns how many of them it knows. */
	async resume(ask: AskAny): Promise<number> {
		const fleet = this.#fleet;
		if (fleet === null) return 0;
		let known = 0;
		for (let from = 0; from < fleet.devices.length; from += BATCH_SIZE) {
			const part = fleet.devices.slice(from, from + BATCH_SIZE);
			const answers = await ask(part.map(({ id }) => ({ method: "abci_query", params: { path: `/device/${id}` } })));
			for (const [index, answer] of answers.entries()) {
				const next = nextSequence(textAt(answer, "response", "value"));
				if (next === null) continue;
				fleet.resume(from + index, next);
				known++;
			}
		}
		return known;
	}
}

function nextSequence(value: string): number | null {
	try {
		const next = numberAt(JSON.parse(fromUtf8(fromBase64(value))) as unknown, "next_sequence");
		return next > 0 ? next : null;
	} catch {
		return null;
	}
}
