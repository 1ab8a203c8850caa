import { utf8 } from "@cairn/kit";
import { signAccountMessage, signRegistration } from "../device/account.ts";
import { createFleet } from "../fleet/fleet.ts";
import type { Block } from "../state-machine/machine.ts";
import { CHAIN_ID, GENESIS_TIME, OWNER, PROFILE, SECOND, testSigner } from "./test-chain.ts";

/** A chain's whole life as data: what genesis says, and its blocks. */
export interface Scenario {
	readonly appState: Uint8Array;
	readonly blocks: readonly Block[];
}

/** Blocks with everything in them: a fleet with faults, accounts at work, unsigned readings, rubbish; by the seed. */
export function scenario(seed: string, blockCount: number, devices = 6): Scenario {
	const fleet = createFleet({ seed, chainId: CHAIN_ID, devices, faultRate: 0.25 });
	const blocks: Block[] = [];
	let time = GENESIS_TIME;
	let nonce = 0;
	for (let height = 1; height <= blockCount; height++) {
		time += BigInt(1 + (height % 4)) * SECOND;
		const txs = fleet.devices.map((_, index) => fleet.next(index, time).tx);
		if (height % 3 === 0) {
			const device = testSigner(`${seed}/${height}`);
			const alias = `extra-${height}`;
			txs.push(signRegistration(OWNER, device, CHAIN_ID, nonce++, { alias, profile: PROFILE }));
			const pause = { kind: "set-status", device: device.key, active: false } as const;
			txs.push(signAccountMessage(OWNER, CHAIN_ID, nonce++, pause));
		}
		if (height % 4 === 1) txs.push(utf8(`{"device":"sensor-${height % 3}","reading":"${height}"}`));
		if (height % 5 === 0) txs.push(utf8("rubbish"), txs[0] ?? utf8("rubbish"));
		blocks.push({ height, time, txs });
	}
	return { appState: utf8(JSON.stringify(fleet.genesisState())), blocks };
}
