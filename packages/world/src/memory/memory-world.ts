import type { World } from "@cairn/kit";
import { ManualTime } from "./manual-time.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryNetwork } from "./memory-network.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface MemoryWorldOptions {
	/** All randomness follows from it. */
	readonly seed: string | number;
	/** Time to share with other worlds; its own, standing still, if not given. */
	readonly time?: ManualTime;
	/** Network to share with other worlds; its own if not given. Needs `time` to be shared as well. */
	readonly net?: MemoryNetwork;
	/** IP address of this machine in the network. */
	readonly ip?: string;
}

/** A machine in memory. The fields beyond World's are the hands that move it. */
export interface MemoryWorld extends World {
	readonly time: ManualTime;
	readonly disk: MemoryDisk;
	readonly net: MemoryNetwork;
	readonly random: SeededRandom;
}

/** A World without a machine: time moved by hand, a disk that can crash, a network inside this process. */
export function memoryWorld(options: MemoryWorldOptions): MemoryWorld {
	const time = options.time ?? new ManualTime();
	const net = options.net ?? memoryNetwork(time);
	return {
		clock: time,
		timers: time,
		time,
		random: new SeededRandom(options.seed),
		disk: new MemoryDisk(),
		net,
		network: net.host(options.ip ?? "127.0.0.1"),
	};
}

/** A network in memory without delays. */
export function memoryNetwork(time: ManualTime = new ManualTime()): MemoryNetwork {
	return new MemoryNetwork({ time });
}
