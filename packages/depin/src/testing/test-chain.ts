import { sha256 } from "@cairn/crypto";
import { utf8 } from "@cairn/kit";
import { addressOfSigner } from "../device/account.ts";
import { DeviceIdentity } from "../device/identity.ts";
import { type Signer, softwareSigner } from "../device/key.ts";
import type { SchemeName } from "../state-machine/device-key.ts";
import { parseFixed, VALUE_DIGITS } from "../state-machine/fixed-point.ts";
import { StateMachine } from "../state-machine/machine.ts";
import type { Outcome } from "../state-machine/outcome.ts";
import { type DeviceProfile, profileToJson } from "../state-machine/profile.ts";
import { DEVICES, type Device } from "../state-machine/records.ts";
import type { Measurement } from "../state-machine/senml.ts";

export const CHAIN_ID = "test-chain";

/** 2026-11-22T00:00:00Z. */
export const GENESIS_TIME = 1_795_305_600_000_000_000n;

export const SECOND = 1_000_000_000n;

export const PROFILE: DeviceProfile = {
	metrics: [
		{ name: "temperature", unit: "Cel", min: fixed("-40"), max: fixed("60"), maxRate: fixed("0.5") },
		{ name: "humidity", unit: "%RH", min: 0n, max: fixed("100"), maxRate: 0n },
	],
	intervalMs: 10_000,
	lateWindowMs: 3_600_000,
	latePenalty: 200_000,
};

export function fixed(text: string): bigint {
	return parseFixed(text, VALUE_DIGITS);
}

export function testSigner(name: string, scheme: SchemeName = "ed25519"): Signer {
	return softwareSigner(scheme, sha256(utf8(name)));
}

export function testDevice(name: string, scheme: SchemeName = "ed25519"): DeviceIdentity {
	return new DeviceIdentity(testSigner(name, scheme), CHAIN_ID);
}

export const OWNER = testSigner("owner");

/** `app_state` with these devices, all of one owner. */
export function genesisOf(
	devices: readonly { readonly alias: string; readonly identity: DeviceIdentity; readonly profile?: DeviceProfile }[],
	params: object = {},
): Uint8Array {
	const owner = addressOfSigner(OWNER);
	const state = {
		params,
		accounts: [{ address: owner, balance: "1000" }],
		devices: devices.map(({ alias, identity, profile }) => ({
			id: identity.id,
			alias,
			owner,
			profile: profileToJson(profile ?? PROFILE),
		})),
	};
	return utf8(JSON.stringify(state));
}

/** A state machine with a clock that the test moves. */
export class TestChain {
	readonly machine: StateMachine;
	height = 0;
	time = GENESIS_TIME;

	constructor(appState: Uint8Array, machine = new StateMachine()) {
		this.machine = machine;
		machine.initChain(CHAIN_ID, GENESIS_TIME, appState);
	}

	/** Executes and commits a block, `seconds` after the one before. */
	block(txs: readonly Uint8Array[], seconds = 1n): readonly Outcome[] {
		this.height += 1;
		this.time += seconds * SECOND;
		const { outcomes } = this.machine.execute({ height: this.height, time: this.time, txs });
		this.machine.adopt();
		return outcomes;
	}

	/** The reason of the only transaction of a block. */
	reason(tx: Uint8Array, seconds = 1n): string | undefined {
		return this.block([tx], seconds)[0]?.reason;
	}

	/** °C now, or so many seconds ago. */
	temperature(value: string, agoSeconds = 0n): Measurement {
		return { name: "temperature", unit: "Cel", value: fixed(value), time: this.time - agoSeconds * SECOND };
	}

	device(identity: DeviceIdentity): Device {
		const bytes = this.machine.value(`device/${identity.id}`);
		if (bytes === undefined) throw new Error(`${identity.id} is not registered`);
		return DEVICES.decode(bytes);
	}
}
