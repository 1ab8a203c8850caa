import type { World } from "@cairn/kit";
import { RealClock, RealRandom, RealTimers } from "./real-clock.ts";
import { RealDisk } from "./real-disk.ts";
import { RealNetwork } from "./real-network.ts";

/** The machine this process runs on. */
export function realWorld(): World {
	return {
		clock: new RealClock(),
		timers: new RealTimers(),
		random: new RealRandom(),
		disk: new RealDisk(),
		network: new RealNetwork(),
	};
}
